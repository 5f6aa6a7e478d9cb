//! Answers as bytes, with their headers.

use serde_json::{Value, json};

use super::with_request_id;
use crate::{
    catalogue::{Answer, Denied, Fault, Operation, Product},
    protocol::{
        encoding::{self, ErrorAnswer},
        percent,
        request::Format,
    },
};

/// One HTTP response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawResponse {
    /// The status.
    pub status: u16,
    /// The headers, the content type among them.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What every answer to one request shares.
pub(super) struct Reply<'a> {
    pub(super) request_id: &'a str,
    pub(super) format: Format,
    pub(super) base_url: String,
    pub(super) host: &'a str,
    pub(super) generation: Option<u64>,
    pub(super) lenient: bool,
}

impl Reply<'_> {
    pub(super) fn success(&self, action: &str, answer: Answer) -> RawResponse {
        let body = encoding::success(self.format, action, &with_request_id(self.request_id, answer));
        RawResponse { status: 200, headers: self.headers(), body }
    }

    pub(super) fn failure(&self, operation: Option<&Operation>, fault: &Fault) -> RawResponse {
        let product = operation.map_or(Product::Ens, |operation| operation.product).name();
        let recommend = format!(
            "{}/errors/{}?product={product}&requestId={}",
            self.base_url,
            percent::encode(&fault.code),
            self.request_id
        );
        let denied = fault.denied.as_deref().map(denied);
        let answer = ErrorAnswer {
            request_id: self.request_id,
            host_id: self.host,
            code: &fault.code,
            message: &fault.message,
            recommend: &recommend,
            access_denied_detail: denied.as_ref(),
        };
        let mut headers = self.headers();
        if let Some(milliseconds) = fault.retry_after_ms {
            headers.push(("x-acs-retry-after", milliseconds.to_string()));
        }
        RawResponse { status: fault.status, headers, body: encoding::error(self.format, &answer) }
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("content-type", self.format.content_type().into()),
            ("x-acs-request-id", self.request_id.into()),
            ("x-acs-trace-id", self.request_id.replace('-', "").to_lowercase()),
            ("cache-control", "no-store".into()),
        ];
        if let Some(generation) = self.generation {
            headers.push(("x-ravelin-generation", generation.to_string()));
        }
        if self.lenient {
            headers.push(("x-ravelin-mode", "lenient".into()));
        }
        headers
    }
}

/// `AccessDeniedDetail`, where clients look for it.
fn denied(denied: &Denied) -> Value {
    let kind = if denied.explicitly { "ExplicitDeny" } else { "ImplicitDeny" };
    let mut detail = json!({ "AuthAction": denied.action, "NoPermissionType": kind });
    if let (Some(fields), Some(resource)) = (detail.as_object_mut(), &denied.resource) {
        fields.insert("AuthResource".into(), json!(resource));
    }
    detail
}
