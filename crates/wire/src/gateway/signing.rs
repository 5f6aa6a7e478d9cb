//! Signed requests in the name of somebody who has proven once who it is, for whoever wants to see what a client does.
//!
//! The secret is taken from the state, signs here, and is in nothing that is given back. What is sent goes the way of every
//! request: time stamp, signature, nonce and all.

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderValue, Method};

use super::{Gateway, Principal, RawRequest, RawResponse, protocol_fault};
use crate::{
    catalogue::{Fault, Operation, error_code as code},
    protocol::{
        error::ProtocolError,
        request::Format,
        signature::client::{Call, ExplainedRequest, explain_v3},
    },
};

/// A request that is to be signed.
#[derive(Clone, Copy)]
pub struct Unsigned<'a> {
    /// What is called.
    pub operation: &'static Operation,
    /// The parameters, each name once.
    pub parameters: &'a [(&'a str, &'a str)],
    /// The encoding that is asked for.
    pub format: Format,
    /// The host that it is for.
    pub host: &'a str,
    /// How long its answer may wait for nodes, in seconds; none: the request says nothing of it.
    pub wait_seconds: Option<u8>,
}

/// A request that was sent, and its answer.
pub struct Sent {
    /// The request.
    pub request: ExplainedRequest,
    /// The answer.
    pub answer: RawResponse,
    /// Whether a change was begun of which it is not known what became of it.
    pub in_doubt: bool,
    /// How long it took.
    pub took: Duration,
}

impl Unsigned<'_> {
    /// The method that clients use.
    pub fn method(&self) -> Method {
        if self.operation.methods.usual() == "GET" { Method::GET } else { Method::POST }
    }
}

impl Gateway {
    /// Signs a request with an access key, for the time of now and with a nonce of its own.
    ///
    /// # Errors
    /// There is no such access key, it is inactive, or nobody can tell.
    pub async fn sign(
        &self,
        access_key_id: &str,
        unsigned: &Unsigned<'_>,
    ) -> Result<ExplainedRequest, Fault> {
        let key = self.control.read_access(|access| access.access_key(access_key_id).cloned()).await;
        let key = key.map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))?.value;
        let key = key.ok_or_else(|| protocol_fault(&ProtocolError::UnknownAccessKey))?;
        if !key.active {
            return Err(protocol_fault(&ProtocolError::InactiveAccessKey));
        }
        let method = unsigned.method();
        // Where a form is possible parameters go there, as the command line has it.
        let (query, form): (&[_], &[_]) =
            if method == Method::GET { (unsigned.parameters, &[]) } else { (&[], unsigned.parameters) };
        Ok(explain_v3(&Call {
            method: &method,
            host: unsigned.host,
            action: unsigned.operation.name,
            version: unsigned.operation.product.version(),
            query,
            form,
            format: unsigned.format,
            access_key_id,
            secret: key.secret.reveal(),
            security_token: None,
            unix_seconds: self.clock.now().seconds(),
            nonce: &uuid::Uuid::new_v4().simple().to_string(),
        }))
    }

    /// Signs a request and answers it.
    ///
    /// # Errors
    /// It cannot be signed.
    pub async fn send(&self, principal: &Principal<'_>, unsigned: &Unsigned<'_>) -> Result<Sent, Fault> {
        let request = self.sign(principal.access_key_id, unsigned).await?;
        let mut headers = HeaderMap::new();
        for (name, value) in &request.request.headers {
            let value = HeaderValue::from_str(value).map_err(|_| Fault::of(&code::INVALID_REQUEST))?;
            headers.append(*name, value);
        }
        if let Some(seconds) = unsigned.wait_seconds {
            headers.insert("x-ravelin-wait", HeaderValue::from(u16::from(seconds)));
        }
        let query = request.request.target.split_once('?').map_or("", |(_, query)| query);
        let started = Instant::now();
        let (answer, in_doubt) = self
            .answer_to(RawRequest {
                method: &unsigned.method(),
                path: "/",
                query,
                headers: &headers,
                body: request.request.body.as_bytes(),
                peer: principal.source,
                secure: principal.secure,
                within: principal.within,
            })
            .await;
        let took = started.elapsed();
        Ok(Sent { request, answer, in_doubt, took })
    }
}
