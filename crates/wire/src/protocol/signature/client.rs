//! The client's side: a signed request from a call, for the command line, the demo and the benchmarks.
//!
//! Time and nonce are arguments. Must not know how the request travels.

use http::Method;

use super::super::percent;
use super::super::request::Format;
use super::super::timestamp;
use super::v1;
use super::v3::{self, CanonicalRequest};

/// One call of an operation, not yet signed.
#[derive(Clone)]
pub struct Call<'a> {
    /// GET or POST.
    pub method: &'a Method,
    /// The `host` header, with the port where there is one.
    pub host: &'a str,
    /// The operation.
    pub action: &'a str,
    /// The version of the API.
    pub version: &'a str,
    /// Parameters that travel in the query string; each name once.
    pub query: &'a [(&'a str, &'a str)],
    /// Parameters that travel in the form body; each name once.
    pub form: &'a [(&'a str, &'a str)],
    /// The encoding that is asked for.
    pub format: Format,
    /// The access key.
    pub access_key_id: &'a str,
    /// Its secret.
    pub secret: &'a str,
    /// The token that belongs to a temporary key.
    pub security_token: Option<&'a str>,
    /// The time stamp, in seconds since the Unix epoch.
    pub unix_seconds: i64,
    /// What makes this request unique.
    pub nonce: &'a str,
}

impl std::fmt::Debug for Call<'_> {
    /// Without the secret, the token and the values of the parameters.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = formatter.debug_struct("Call");
        debug.field("host", &self.host).field("action", &self.action).field("version", &self.version);
        debug.field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// A request that is ready to send with the method of its call.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedRequest {
    /// The target: path and query string.
    pub target: String,
    /// The headers, `host` among them, names in lower case; `content-length` is left to the transport.
    pub headers: Vec<(&'static str, String)>,
    /// The form body; empty when there is none.
    pub body: String,
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Signs a call with V1: the common parameters stand in the query.
#[must_use]
pub fn sign_v1(call: &Call<'_>, digest: v1::Digest) -> SignedRequest {
    let timestamp = timestamp::format(call.unix_seconds);
    let mut query = call.query.to_vec();
    query.extend([
        ("Action", call.action),
        ("Version", call.version),
        ("Format", if call.format == Format::Xml { "XML" } else { "JSON" }),
        ("AccessKeyId", call.access_key_id),
        ("SignatureMethod", digest.method()),
        ("SignatureVersion", "1.0"),
        ("SignatureNonce", call.nonce),
        ("Timestamp", timestamp.as_str()),
    ]);
    query.extend(call.security_token.map(|token| ("SecurityToken", token)));
    let mut merged: Vec<_> =
        query.iter().filter(|(name, _)| !call.form.iter().any(|(other, _)| other == name)).copied().collect();
    merged.extend_from_slice(call.form);
    merged.sort_unstable();
    let text = v1::string_to_sign(call.method.as_str(), merged.into_iter(), 0);
    let signature = v1::sign(&text, digest, call.secret.as_bytes());
    query.push(("Signature", &signature));
    let body = encode_pairs(call.form);
    let mut headers = vec![("host", call.host.to_owned())];
    if !body.is_empty() {
        headers.push(("content-type", FORM.to_owned()));
    }
    SignedRequest { target: target(&query), headers, body }
}

/// A request that is signed with V3, and what was signed.
#[derive(Clone, PartialEq, Eq)]
pub struct ExplainedRequest {
    /// The canonical request.
    pub canonical_request: String,
    /// The string to sign.
    pub string_to_sign: String,
    /// The request.
    pub request: SignedRequest,
}

/// Signs a call with V3, and shows how.
#[must_use]
pub fn explain_v3(call: &Call<'_>) -> ExplainedRequest {
    let (request, canonical) = signed_v3(call);
    ExplainedRequest {
        string_to_sign: v3::string_to_sign(&canonical),
        // It is made of texts alone.
        canonical_request: String::from_utf8_lossy(&canonical).into_owned(),
        request,
    }
}

/// Signs a call with V3: the common parameters stand in headers.
#[must_use]
pub fn sign_v3(call: &Call<'_>) -> SignedRequest {
    signed_v3(call).0
}

/// The signed request and its canonical form.
fn signed_v3(call: &Call<'_>) -> (SignedRequest, Vec<u8>) {
    let body = encode_pairs(call.form);
    let content_digest = v3::body_digest(body.as_bytes());
    let headers = v3_headers(call, &body, &content_digest);
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let mut query = call.query.to_vec();
    query.sort_unstable();
    let pairs = query.iter().map(|(name, value)| (*name, *value));
    let mut canonical = CanonicalRequest::begin(call.method.as_str(), "/", pairs, 0);
    for (name, value) in &headers {
        canonical.header(name, std::iter::once(value.as_bytes()));
    }
    let canonical = canonical.finish(&names, &content_digest);
    let signature = v3::sign(&canonical, call.secret.as_bytes());
    let authorization = format!(
        "{} Credential={},SignedHeaders={},Signature={signature}",
        v3::ALGORITHM,
        call.access_key_id,
        names.join(";"),
    );
    let mut headers = headers;
    headers.push(("authorization", authorization));
    (SignedRequest { target: target(&query), headers, body }, canonical)
}

/// The headers that V3 signs, ascending by name.
fn v3_headers(call: &Call<'_>, body: &str, content_digest: &str) -> Vec<(&'static str, String)> {
    let accept = if call.format == Format::Xml { "application/xml" } else { "application/json" };
    let mut headers = vec![("accept", accept.to_owned())];
    if !body.is_empty() {
        headers.push(("content-type", FORM.to_owned()));
    }
    headers.push(("host", call.host.to_owned()));
    if call.security_token.is_some() {
        headers.push(("x-acs-accesskey-id", call.access_key_id.to_owned()));
    }
    headers.push(("x-acs-action", call.action.to_owned()));
    headers.push(("x-acs-content-sha256", content_digest.to_owned()));
    headers.push(("x-acs-date", timestamp::format(call.unix_seconds)));
    headers.extend(call.security_token.map(|token| ("x-acs-security-token", token.to_owned())));
    headers.push(("x-acs-signature-nonce", call.nonce.to_owned()));
    headers.push(("x-acs-version", call.version.to_owned()));
    headers
}

fn target(query: &[(&str, &str)]) -> String {
    if query.is_empty() { "/".to_owned() } else { format!("/?{}", encode_pairs(query)) }
}

/// `enc(name)=enc(value)` joined by `&`.
fn encode_pairs(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            text.push('&');
        }
        percent::encode_into(&mut text, name);
        text.push('=');
        percent::encode_into(&mut text, value);
    }
    text
}
