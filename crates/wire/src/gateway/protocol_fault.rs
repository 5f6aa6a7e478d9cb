//! What the wire says of a refusal of the protocol: one arm a cause, every code from the catalogue's one table.

use crate::{
    catalogue::{ErrorCode, Fault, error_code as code},
    protocol::error::{CommonParameter, ProtocolError},
};

/// The fault that a refusal of the protocol is answered with.
///
/// Its message may hold what the caller sent: it is for the answer, not for logs.
pub fn protocol_fault(error: &ProtocolError) -> Fault {
    use ProtocolError as E;
    match error {
        E::UnsupportedMethod => Fault::of(&code::UNSUPPORTED_HTTP_METHOD),
        E::Query(cause) => Fault::invalid(&cause.to_string()),
        E::UnknownFormat => Fault::malformed("Format"),
        E::Missing(parameter) => missing(*parameter),
        E::UnknownAction => Fault::of(&code::INVALID_ACTION_NOT_FOUND),
        E::UnknownVersion => Fault::of(&code::INVALID_VERSION),
        E::UnknownAccessKey => Fault::of(&code::INVALID_ACCESS_KEY_ID_NOT_FOUND),
        E::InactiveAccessKey => Fault::of(&code::INVALID_ACCESS_KEY_ID_INACTIVE),
        E::MalformedTimestamp => Fault::of(&code::INVALID_TIME_STAMP_FORMAT),
        E::ExpiredTimestamp => Fault::of(&code::INVALID_TIME_STAMP_EXPIRED),
        E::MalformedSignature(flaw) => followed(&code::INCOMPLETE_SIGNATURE, &flaw.to_string()),
        E::UnknownSignatureMethod => Fault::of(&code::INVALID_SIGNATURE_METHOD),
        E::UnsupportedSignatureMethod => Fault::of(&code::UNSUPPORTED_SIGNATURE_METHOD),
        // The old Python core compares everything after the first colon with what it signed itself.
        E::SignatureMismatch(calculation) => {
            let signed = format!("server string to sign is:{}", calculation.reveal());
            followed(&code::SIGNATURE_DOES_NOT_MATCH, &signed)
        }
        E::BodyMismatch => followed(
            &code::SIGNATURE_DOES_NOT_MATCH,
            "The body is not the one that x-acs-content-sha256 was made of.",
        ),
        E::LongNonce { .. } => Fault::malformed("SignatureNonce"),
        E::NonceUsed => Fault::of(&code::SIGNATURE_NONCE_USED),
        E::MalformedToken => Fault::of(&code::INVALID_SECURITY_TOKEN_MALFORMED),
        E::NonceLedgerFull => Fault::of(&code::THROTTLING_USER),
    }
}

/// A code whose message goes on with a detail.
fn followed(code: &'static ErrorCode, detail: &str) -> Fault {
    Fault { message: format!("{} {detail}", code.message), ..Fault::of(code) }
}

fn missing(parameter: CommonParameter) -> Fault {
    use CommonParameter as P;
    // The vendor's gateway names its own parameters. An operation's is not named, unless it is a field of another one.
    let named = Fault::missing_named;
    match parameter {
        P::Action => named("Action"),
        P::Version => named("Version"),
        P::AccessKeyId => named("AccessKeyId"),
        P::Signature => named("Signature"),
        P::Timestamp => named("Timestamp"),
        P::SignatureMethod => Fault::of(&code::MISSING_SIGNATURE_METHOD),
        P::SignatureVersion => Fault::of(&code::MISSING_SIGNATURE_VERSION),
        P::SignatureNonce => Fault::of(&code::MISSING_SIGNATURE_NONCE),
        P::SecurityToken => Fault::of(&code::MISSING_SECURITY_TOKEN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalogue::error_code, protocol::error::Calculation};

    #[test]
    fn every_cause_has_a_code_that_every_operation_documents() {
        use CommonParameter as P;
        use ProtocolError as E;
        let missing = [
            P::Action,
            P::Version,
            P::AccessKeyId,
            P::Signature,
            P::Timestamp,
            P::SignatureMethod,
            P::SignatureVersion,
            P::SignatureNonce,
            P::SecurityToken,
        ];
        let causes = missing.map(E::Missing).into_iter().chain([
            E::UnsupportedMethod,
            E::UnknownFormat,
            E::UnknownAction,
            E::UnknownVersion,
            E::UnknownAccessKey,
            E::InactiveAccessKey,
            E::MalformedTimestamp,
            E::ExpiredTimestamp,
            E::UnknownSignatureMethod,
            E::UnsupportedSignatureMethod,
            E::BodyMismatch,
            E::NonceUsed,
            E::MalformedToken,
            E::NonceLedgerFull,
        ]);
        for cause in causes {
            let fault = protocol_fault(&cause);
            assert!(error_code::GATEWAY.iter().any(|code| code.matches(&fault.code)), "{fault:?}");
        }
    }

    #[test]
    fn a_mismatch_names_the_string_to_sign_after_the_first_colon() {
        let cause = ProtocolError::SignatureMismatch(Calculation::new("POST&%2F&a%3Db".to_owned()));
        let message = protocol_fault(&cause).message;
        assert_eq!(message.split_once(':').map(|(_, after)| after), Some("POST&%2F&a%3Db"));
    }

    #[test]
    fn a_missing_common_parameter_is_named() {
        let fault = protocol_fault(&ProtocolError::Missing(CommonParameter::AccessKeyId));
        assert_eq!(
            fault.message,
            "The input parameter \"AccessKeyId\" that is mandatory for processing this request is not supplied."
        );
    }
}
