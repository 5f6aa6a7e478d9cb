//! The form of the `Authorization` header of V3:
//! `<algorithm> Credential=<id>,SignedHeaders=<a;b;c>,Signature=<hex>`.
//!
//! The fields may come in any order and with blanks around the commas. Must not know what the fields mean.

use super::super::error::{ProtocolError, SignatureFlaw};

/// The parts of the header, as sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Authorization<'a> {
    pub(super) algorithm: &'a str,
    pub(super) credential: &'a str,
    pub(super) signed_headers: &'a str,
    pub(super) signature: &'a str,
}

/// Splits the header. A field that is missing is left empty; an unknown or repeated one is refused.
pub(super) fn parse(header: &str) -> Result<Authorization<'_>, ProtocolError> {
    let flaw = || ProtocolError::MalformedSignature(SignatureFlaw::Authorization);
    let (algorithm, fields) = header.trim_ascii().split_once(' ').ok_or_else(flaw)?;
    let mut authorization = Authorization { algorithm, ..Authorization::default() };
    for field in fields.split(',') {
        let (name, value) = field.trim_ascii().split_once('=').ok_or_else(flaw)?;
        let slot = match name {
            "Credential" => &mut authorization.credential,
            "SignedHeaders" => &mut authorization.signed_headers,
            "Signature" => &mut authorization.signature,
            _ => return Err(flaw()),
        };
        if !slot.is_empty() {
            return Err(flaw());
        }
        *slot = value;
    }
    Ok(authorization)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_and_order_do_not_matter() {
        let expected = Authorization {
            algorithm: "ACS3-HMAC-SHA256",
            credential: "id",
            signed_headers: "host;x-acs-date",
            signature: "ab",
        };
        for header in [
            "ACS3-HMAC-SHA256 Credential=id,SignedHeaders=host;x-acs-date,Signature=ab",
            "ACS3-HMAC-SHA256 Credential=id, SignedHeaders=host;x-acs-date , Signature=ab",
            "ACS3-HMAC-SHA256  Signature=ab,\tCredential=id,SignedHeaders=host;x-acs-date ",
        ] {
            assert_eq!(parse(header).as_ref(), Ok(&expected), "{header}");
        }
    }

    #[test]
    fn every_other_form_is_refused() {
        for header in [
            "",
            "ACS3-HMAC-SHA256",
            "ACS3-HMAC-SHA256 ",
            "ACS3-HMAC-SHA256 Credential",
            "ACS3-HMAC-SHA256 Credential=id,",
            "ACS3-HMAC-SHA256 Credential=id,Extra=1",
            "ACS3-HMAC-SHA256 Credential=id,Credential=id",
            "ACS3-HMAC-SHA256 credential=id",
        ] {
            let flaw = ProtocolError::MalformedSignature(SignatureFlaw::Authorization);
            assert_eq!(parse(header), Err(flaw), "{header}");
        }
    }
}
