//! RPC signature 1.0: the parameters of query and form body together, sorted by name, encoded twice, under
//! HMAC-SHA1 or HMAC-SHA256 with the secret and a trailing `&` as the key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::Sha256;

use super::super::error::{Calculation, CommonParameter, ProtocolError, SignatureFlaw};
use super::super::percent;
use super::super::query::Pairs;
use super::{Scheme, authenticate};

/// The parameter that carries the signature and is therefore not signed.
const SIGNATURE: &str = "Signature";

/// The hash under the HMAC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Digest {
    /// `HMAC-SHA1`, which every client sends.
    #[default]
    Sha1,
    /// `HMAC-SHA256`.
    Sha256,
}

impl Digest {
    /// The value of `SignatureMethod`.
    #[must_use]
    pub fn method(self) -> &'static str {
        match self {
            Self::Sha1 => "HMAC-SHA1",
            Self::Sha256 => "HMAC-SHA256",
        }
    }

    fn of(method: &str) -> Result<Self, ProtocolError> {
        match method {
            "HMAC-SHA1" => Ok(Self::Sha1),
            "HMAC-SHA256" => Ok(Self::Sha256),
            "SHA256withRSA" => Err(ProtocolError::UnsupportedSignatureMethod),
            _ => Err(ProtocolError::UnknownSignatureMethod),
        }
    }
}

/// The access key id and how the request is signed.
pub(super) fn read(pairs: &Pairs) -> Result<(&str, Scheme<'_>), ProtocolError> {
    let required = |name: &str, parameter| {
        pairs.get(name).filter(|value| !value.is_empty()).ok_or(ProtocolError::Missing(parameter))
    };
    let access_key_id = required("AccessKeyId", CommonParameter::AccessKeyId)?;
    let signature = required(SIGNATURE, CommonParameter::Signature)?;
    let digest = Digest::of(required("SignatureMethod", CommonParameter::SignatureMethod)?)?;
    if required("SignatureVersion", CommonParameter::SignatureVersion)? != "1.0" {
        return Err(ProtocolError::MalformedSignature(SignatureFlaw::Version));
    }
    Ok((access_key_id, Scheme::V1 { digest, signature }))
}

/// Compares the signature with the server's own, in constant time.
pub(super) fn verify(
    method: &str,
    pairs: &Pairs,
    digest: Digest,
    signature: &str,
    secret: &[u8],
) -> Result<(), ProtocolError> {
    let text = string_to_sign(method, pairs.merged(), pairs.text_bytes());
    let key = key(secret);
    // A signature that is not base64 is not the right one either.
    let sent = STANDARD.decode(signature).unwrap_or_default();
    let matches = match digest {
        Digest::Sha1 => authenticate::<Hmac<Sha1>>(&key, &[text.as_bytes()]).verify_slice(&sent).is_ok(),
        Digest::Sha256 => authenticate::<Hmac<Sha256>>(&key, &[text.as_bytes()]).verify_slice(&sent).is_ok(),
    };
    if matches { Ok(()) } else { Err(ProtocolError::SignatureMismatch(Calculation::new(text))) }
}

/// The text that is signed: `METHOD & %2F & enc(enc(name)=enc(value)&...)`.
///
/// `parameters` are decoded and sorted by name, each name once; `Signature` is left out. `text_bytes` is a
/// guess of their length.
pub fn string_to_sign<'a>(
    method: &str,
    parameters: impl Iterator<Item = (&'a str, &'a str)>,
    text_bytes: usize,
) -> String {
    let mut text = String::with_capacity(method.len() + text_bytes * 2 + 64);
    text.push_str(method);
    text.push_str("&%2F&");
    let mut separator = "";
    for (name, value) in parameters.filter(|(name, _)| *name != SIGNATURE) {
        text.push_str(separator);
        percent::encode_twice_into(&mut text, name);
        text.push_str("%3D");
        percent::encode_twice_into(&mut text, value);
        separator = "%26";
    }
    text
}

/// The signature of a text, in base64.
#[must_use]
pub fn sign(text: &str, digest: Digest, secret: &[u8]) -> String {
    let key = key(secret);
    match digest {
        Digest::Sha1 => {
            STANDARD.encode(authenticate::<Hmac<Sha1>>(&key, &[text.as_bytes()]).finalize().into_bytes())
        }
        Digest::Sha256 => {
            STANDARD.encode(authenticate::<Hmac<Sha256>>(&key, &[text.as_bytes()]).finalize().into_bytes())
        }
    }
}

fn key(secret: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(secret.len() + 1);
    key.extend_from_slice(secret);
    key.push(b'&');
    key
}
