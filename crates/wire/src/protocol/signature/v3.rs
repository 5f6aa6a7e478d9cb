//! ACS3-HMAC-SHA256: method, path, query, chosen headers and the body's digest under HMAC-SHA256.
//!
//! The canonical headers are rebuilt from the names that the client says it signed, never from a fixed list.
//! What must be among them: `host`, every `x-acs-` header of the request, and `content-type` where there is a
//! body, since it decides whether the body carries parameters. Otherwise whoever relays the request could
//! change its meaning.

use hmac::{Hmac, Mac};
use http::HeaderMap;
use sha2::{Digest, Sha256};

use super::super::error::{Calculation, CommonParameter, ProtocolError, SignatureFlaw};
use super::super::percent;
use super::super::query::Pairs;
use super::super::request::{Request, single_header};
use super::{Scheme, authenticate, authorization};

/// The one algorithm that is offered.
pub const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// The SHA-256 of an empty body, in hexadecimal: most requests have none.
pub const EMPTY_DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The headers without which a request cannot be understood; each must be signed. Ascending.
const REQUIRED: [&str; 6] =
    ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"];

/// What a client tells of its own retries after it may have signed: no meaning here, so no signature needed.
const FREE: [&str; 2] = ["x-acs-retry-attempts", "x-acs-retry-delay"];

/// The access key id and how the request is signed.
pub(super) fn read<'a>(request: &Request<'a>) -> Result<(&'a str, Scheme<'a>), ProtocolError> {
    let header = single_header(request.headers, "authorization")?;
    let header = header.ok_or(ProtocolError::Missing(CommonParameter::AccessKeyId))?;
    let parts = authorization::parse(header)?;
    match parts.algorithm {
        ALGORITHM => {}
        "ACS3-HMAC-SM3" | "ACS3-RSA-SHA256" => return Err(ProtocolError::UnsupportedSignatureMethod),
        _ => return Err(ProtocolError::UnknownSignatureMethod),
    }
    if parts.credential.is_empty() {
        return Err(ProtocolError::Missing(CommonParameter::AccessKeyId));
    }
    if parts.signature.is_empty() {
        return Err(ProtocolError::Missing(CommonParameter::Signature));
    }
    for (name, parameter) in [
        ("x-acs-signature-nonce", CommonParameter::SignatureNonce),
        ("x-acs-date", CommonParameter::Timestamp),
    ] {
        if !request.headers.contains_key(name) {
            return Err(ProtocolError::Missing(parameter));
        }
    }
    let signed_headers = signed_headers(parts.signed_headers, request)?;
    let key_header = single_header(request.headers, "x-acs-accesskey-id")?;
    if key_header.is_some_and(|id| id != parts.credential) {
        return Err(flaw(SignatureFlaw::AccessKey));
    }
    let content_digest = single_header(request.headers, "x-acs-content-sha256")?.unwrap_or_default();
    Ok((parts.credential, Scheme::V3 { signed_headers, content_digest, signature: parts.signature }))
}

/// The names in `SignedHeaders`, if they are well formed, all there, and all that must be signed.
fn signed_headers<'a>(list: &'a str, request: &Request<'_>) -> Result<Vec<&'a str>, ProtocolError> {
    let headers = request.headers;
    let names: Vec<&str> = list.split(';').collect();
    let ascending = names.windows(2).all(|pair| pair[0] < pair[1]);
    let lower = !list.bytes().any(|byte| byte.is_ascii_uppercase());
    if !ascending || !lower || names.iter().any(|name| name.is_empty()) {
        return Err(flaw(SignatureFlaw::HeaderList));
    }
    if let Some(absent) = names.iter().find(|&&name| !headers.contains_key(name)) {
        return Err(flaw(SignatureFlaw::Absent((*absent).to_owned())));
    }
    let is_signed = |name: &str| names.binary_search(&name).is_ok();
    let must_be_signed = |name: &str| {
        if is_signed(name) { Ok(()) } else { Err(flaw(SignatureFlaw::Unsigned(name.to_owned()))) }
    };
    REQUIRED.iter().try_for_each(|name| must_be_signed(name))?;
    for name in headers.keys().map(http::HeaderName::as_str) {
        if name.starts_with("x-acs-") && !FREE.contains(&name) {
            must_be_signed(name)?;
            single_header(headers, name)?;
        }
    }
    single_header(headers, "host")?;
    if !request.body.is_empty() {
        must_be_signed("content-type")?;
        single_header(headers, "content-type")?;
    }
    Ok(names)
}

fn flaw(flaw: SignatureFlaw) -> ProtocolError {
    ProtocolError::MalformedSignature(flaw)
}

/// Compares the signature with the server's own, in constant time, then the body with its signed digest.
pub(super) fn verify(
    request: &Request<'_>,
    pairs: &Pairs,
    signed_headers: &[&str],
    content_digest: &str,
    signature: &str,
    secret: &[u8],
) -> Result<(), ProtocolError> {
    let mut canonical = CanonicalRequest::begin(
        request.method.as_str(),
        request.path,
        pairs.of_query(),
        pairs.text_bytes() + request.headers.len() * 64,
    );
    for name in signed_headers {
        canonical.header(name, values(request.headers, name));
    }
    let canonical = canonical.finish(signed_headers, content_digest);
    let mut sent = [0; 32];
    let decoded = hex::decode_to_slice(signature, &mut sent);
    let matches = mac(&canonical, secret).verify_slice(&sent).is_ok();
    if !matches || decoded.is_err() {
        // What the client signed is text; where it is not, the answer shows where.
        let shown = String::from_utf8_lossy(&canonical).into_owned();
        return Err(ProtocolError::SignatureMismatch(Calculation::new(shown)));
    }
    if content_digest.eq_ignore_ascii_case(&body_digest(request.body)) {
        Ok(())
    } else {
        Err(ProtocolError::BodyMismatch)
    }
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a [u8]> {
    headers.get_all(name).iter().map(http::HeaderValue::as_bytes)
}

/// The SHA-256 of a body, in lower-case hexadecimal.
#[must_use]
pub fn body_digest(body: &[u8]) -> String {
    if body.is_empty() { EMPTY_DIGEST.to_owned() } else { hex::encode(Sha256::digest(body)) }
}

/// The signature of a canonical request, in lower-case hexadecimal.
#[must_use]
pub fn sign(canonical_request: &[u8], secret: &[u8]) -> String {
    hex::encode(mac(canonical_request, secret).finalize().into_bytes())
}

/// The string to sign of a canonical request.
#[must_use]
pub fn string_to_sign(canonical_request: &[u8]) -> String {
    format!("{ALGORITHM}\n{}", hex::encode(Sha256::digest(canonical_request)))
}

/// The MAC of the string to sign: the algorithm, a line feed, and the digest of the canonical request.
fn mac(canonical_request: &[u8], secret: &[u8]) -> Hmac<Sha256> {
    let mut digest = [0; 64];
    // Thirty-two bytes always fill sixty-four digits.
    let _ = hex::encode_to_slice(Sha256::digest(canonical_request), &mut digest);
    authenticate(secret, &[ALGORITHM.as_bytes(), b"\n", &digest])
}

/// The canonical request, part by part. Bytes, because a header may hold others than text.
pub struct CanonicalRequest(Vec<u8>);

impl CanonicalRequest {
    /// Writes method, path and query. `query` is decoded and sorted by name; `bytes_guess` is a guess of the
    /// whole length.
    pub fn begin<'a>(
        method: &str,
        path: &str,
        query: impl Iterator<Item = (&'a str, &'a str)>,
        bytes_guess: usize,
    ) -> Self {
        let mut text = String::with_capacity(bytes_guess + 256);
        text.push_str(method);
        text.push('\n');
        text.push_str(if path.is_empty() { "/" } else { path });
        text.push('\n');
        let mut separator = "";
        for (name, value) in query {
            text.push_str(separator);
            percent::encode_into(&mut text, name);
            text.push('=');
            percent::encode_into(&mut text, value);
            separator = "&";
        }
        text.push('\n');
        Self(text.into_bytes())
    }

    /// Writes one header; the names come lower-case and ascending. Several values are joined by commas, as
    /// sent.
    pub fn header<'a>(&mut self, name: &str, values: impl Iterator<Item = &'a [u8]>) {
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b':');
        for (index, value) in values.enumerate() {
            if index > 0 {
                self.0.push(b',');
            }
            self.0.extend_from_slice(value.trim_ascii());
        }
        self.0.push(b'\n');
    }

    /// Writes the names of the signed headers and the body's digest as sent.
    #[must_use]
    pub fn finish(mut self, signed_headers: &[&str], content_digest: &str) -> Vec<u8> {
        self.0.push(b'\n');
        for (index, name) in signed_headers.iter().enumerate() {
            if index > 0 {
                self.0.push(b';');
            }
            self.0.extend_from_slice(name.as_bytes());
        }
        self.0.push(b'\n');
        self.0.extend_from_slice(content_digest.as_bytes());
        self.0
    }
}
