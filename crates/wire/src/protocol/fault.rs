//! The one table from refusals of the protocol to what stands on the wire: code, HTTP status, message.
//!
//! Codes and messages are those of the gateway that all operations share. Where the gateway's sources
//! disagree on the status, the newer gateways' is taken (429 for flow control). Must not decide anything,
//! only translate.

use std::borrow::Cow;

use super::error::{CommonParameter, ProtocolError};
use super::parameters::ParameterError;

/// What an error answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The `Code` field.
    pub code: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// The `Message` field. It may hold what the caller sent: for the answer, not for logs.
    pub message: Cow<'static, str>,
}

impl Fault {
    /// `InvalidParameter.<field>`: a field whose value is not well formed.
    #[must_use]
    pub fn invalid_field(field: &str) -> Self {
        Self {
            code: Cow::Owned(format!("InvalidParameter.{field}")),
            status: 400,
            message: Cow::Owned(format!("The specified field {field} invalid. Please check it again.")),
        }
    }

    /// `InvalidParameter`: what is wrong is said by the sentence, which has no full stop.
    #[must_use]
    pub fn invalid(what: &dyn std::fmt::Display) -> Self {
        row("InvalidParameter", 400, format!("The errorMessage is {what}. Please check it again."))
    }
}

fn row(code: &'static str, status: u16, message: impl Into<Cow<'static, str>>) -> Fault {
    Fault { code: Cow::Borrowed(code), status, message: message.into() }
}

/// What the wire says of a refusal of the protocol: one row a cause.
#[must_use]
pub fn wire(error: &ProtocolError) -> Fault {
    use ProtocolError as E;
    match error {
        E::UnsupportedMethod => row("UnsupportedHTTPMethod", 400, "This http method is not supported."),
        E::UnsupportedTransport => row("UnsupportedProtocol", 400, "The protocol is not supported."),
        E::BodyTooLarge { .. } => Fault::invalid(error),
        E::Query(cause) => Fault::invalid(cause),
        E::UnknownFormat => Fault::invalid_field("Format"),
        E::Missing(parameter) => missing(*parameter),
        E::UnknownAction => row("InvalidAction.NotFound", 404, NO_SUCH_API),
        E::UnknownVersion => row("InvalidVersion", 400, "Specified parameter Version is not valid."),
        E::UnknownAccessKey => row("InvalidAccessKeyId.NotFound", 404, "Specified access key is not found."),
        E::InactiveAccessKey => row("InvalidAccessKeyId.Inactive", 400, "Specified access key is disabled."),
        E::MalformedTimestamp => row("InvalidTimeStamp.Format", 400, TIME_MALFORMED),
        E::ExpiredTimestamp => row("InvalidTimeStamp.Expired", 400, TIME_EXPIRED),
        E::MalformedSignature(flaw) => row("IncompleteSignature", 400, format!("{NOT_CONFORMING} {flaw}")),
        E::UnknownSignatureMethod => row("InvalidSignatureMethod", 400, METHOD_UNKNOWN),
        E::UnsupportedSignatureMethod => row("UnsupportedSignatureMethod", 400, METHOD_UNSUPPORTED),
        // The old Python core compares everything after the first colon with what it signed itself.
        E::SignatureMismatch(calculation) => {
            let message = format!("{NOT_MATCHED} server string to sign is:{}", calculation.reveal());
            row("SignatureDoesNotMatch", 400, message)
        }
        E::BodyMismatch => row("SignatureDoesNotMatch", 400, format!("{NOT_MATCHED} {BODY_DIFFERS}")),
        E::LongNonce { .. } => Fault::invalid_field("SignatureNonce"),
        E::NonceUsed => row("SignatureNonceUsed", 400, "Specified signature nonce was used already."),
        E::MalformedToken => {
            row("InvalidSecurityToken.Malformed", 400, "Specified SecurityToken is malformed.")
        }
        E::ExpiredToken => row("InvalidSecurityToken.Expired", 400, "Specified SecurityToken is expired."),
        E::MismatchedToken => row("InvalidSecurityToken.MismatchWithAccessKey", 400, TOKEN_OF_ANOTHER),
        E::UserThrottled | E::NonceLedgerFull => row("Throttling.User", 429, USER_THROTTLED),
        E::OperationThrottled => row("Throttling.Api", 429, API_THROTTLED),
        E::Unavailable => row("ServiceUnavailable", 503, UNAVAILABLE),
        E::Internal => row("InternalError", 500, FAILED),
    }
}

const NO_SUCH_API: &str = "Specified api is not found, please check your url and method.";
const TIME_MALFORMED: &str = "Specified time stamp or date value is not well formatted.";
const TIME_EXPIRED: &str = "Specified time stamp or date value is expired.";
const NOT_CONFORMING: &str = "The request signature does not conform to Aliyun standards.";
const METHOD_UNKNOWN: &str = "Specified signature method is not valid.";
const METHOD_UNSUPPORTED: &str = "Specified signature method is not supported.";
const NOT_MATCHED: &str = "Specified signature is not matched with our calculation.";
const BODY_DIFFERS: &str = "The body is not the one that x-acs-content-sha256 was made of.";
const TOKEN_OF_ANOTHER: &str = "Specified SecurityToken mismatch with the AccessKey.";
const USER_THROTTLED: &str = "Request was denied due to user flow control.";
const API_THROTTLED: &str = "Request was denied due to api flow control.";
const UNAVAILABLE: &str = "The request has failed due to a temporary failure of the server.";
const FAILED: &str = "The request processing has failed due to some unknown error, exception or failure.";

/// What the wire says of a parameter that cannot be read as what it should be.
#[must_use]
pub fn parameter(error: &ParameterError) -> Fault {
    Fault::invalid_field(&error.field)
}

fn missing(parameter: CommonParameter) -> Fault {
    use CommonParameter as P;
    let named = |name: &str| {
        let message = format!(
            "The input parameter \"{name}\" that is mandatory for processing this request is not supplied."
        );
        row("MissingParameter", 400, message)
    };
    match parameter {
        P::Action => named("Action"),
        P::Version => named("Version"),
        P::AccessKeyId => named("AccessKeyId"),
        P::Signature => named("Signature"),
        P::Timestamp => named("Timestamp"),
        P::SignatureMethod => mandatory("MissingSignatureMethod", "SignatureMethod"),
        P::SignatureVersion => mandatory("MissingSignatureVersion", "SignatureVersion"),
        P::SignatureNonce => mandatory("MissingSignatureNonce", "SignatureNonce"),
        P::SecurityToken => mandatory("MissingSecurityToken", "SecurityToken"),
    }
}

fn mandatory(code: &'static str, name: &str) -> Fault {
    row(code, 400, format!("{name} is mandatory for this action."))
}

#[cfg(test)]
mod tests {
    use super::super::error::{Calculation, SignatureFlaw};
    use super::super::query::QueryError;
    use super::*;

    fn rendered(error: ProtocolError) -> String {
        let fault = wire(&error);
        format!("{} {} {}", fault.status, fault.code, fault.message)
    }

    #[test]
    fn every_fixed_row_is_the_gateways() {
        use ProtocolError as E;
        for (error, row) in [
            (E::UnsupportedMethod, "400 UnsupportedHTTPMethod This http method is not supported."),
            (E::UnsupportedTransport, "400 UnsupportedProtocol The protocol is not supported."),
            (
                E::UnknownAction,
                "404 InvalidAction.NotFound Specified api is not found, please check your url and method.",
            ),
            (E::UnknownVersion, "400 InvalidVersion Specified parameter Version is not valid."),
            (E::UnknownAccessKey, "404 InvalidAccessKeyId.NotFound Specified access key is not found."),
            (E::InactiveAccessKey, "400 InvalidAccessKeyId.Inactive Specified access key is disabled."),
            (
                E::MalformedTimestamp,
                "400 InvalidTimeStamp.Format Specified time stamp or date value is not well formatted.",
            ),
            (
                E::ExpiredTimestamp,
                "400 InvalidTimeStamp.Expired Specified time stamp or date value is expired.",
            ),
            (
                E::UnknownSignatureMethod,
                "400 InvalidSignatureMethod Specified signature method is not valid.",
            ),
            (
                E::UnsupportedSignatureMethod,
                "400 UnsupportedSignatureMethod Specified signature method is not supported.",
            ),
            (E::NonceUsed, "400 SignatureNonceUsed Specified signature nonce was used already."),
            (E::MalformedToken, "400 InvalidSecurityToken.Malformed Specified SecurityToken is malformed."),
            (E::ExpiredToken, "400 InvalidSecurityToken.Expired Specified SecurityToken is expired."),
            (
                E::MismatchedToken,
                "400 InvalidSecurityToken.MismatchWithAccessKey Specified SecurityToken mismatch with the AccessKey.",
            ),
            (E::UserThrottled, "429 Throttling.User Request was denied due to user flow control."),
            (E::NonceLedgerFull, "429 Throttling.User Request was denied due to user flow control."),
            (E::OperationThrottled, "429 Throttling.Api Request was denied due to api flow control."),
            (
                E::Unavailable,
                "503 ServiceUnavailable The request has failed due to a temporary failure of the server.",
            ),
            (
                E::Internal,
                "500 InternalError The request processing has failed due to some unknown error, exception or failure.",
            ),
            (
                E::BodyTooLarge { bytes_max: 1_048_576 },
                "400 InvalidParameter The errorMessage is the body is longer than 1048576 bytes. Please check it again.",
            ),
        ] {
            assert_eq!(rendered(error), row);
        }
    }

    #[test]
    fn a_mismatch_names_the_string_to_sign_after_the_first_colon() {
        let fault = wire(&ProtocolError::SignatureMismatch(Calculation::new("POST&%2F&a%3Db".to_owned())));
        assert_eq!(fault.message.split_once(':').map(|(_, after)| after), Some("POST&%2F&a%3Db"));
        assert!(fault.message.starts_with(NOT_MATCHED));
    }

    #[test]
    fn what_was_signed_stays_out_of_debug_and_display() {
        let error = ProtocolError::SignatureMismatch(Calculation::new("Password%3Dhunter2".to_owned()));
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }

    #[test]
    fn a_very_long_calculation_is_cut() {
        let calculation = Calculation::new("\u{e9}".repeat(Calculation::BYTES_MAX));
        assert_eq!(calculation.reveal().len(), Calculation::BYTES_MAX);
    }

    #[test]
    fn variable_parts_stand_where_clients_look_for_them() {
        assert_eq!(
            rendered(ProtocolError::Missing(CommonParameter::AccessKeyId)),
            "400 MissingParameter The input parameter \"AccessKeyId\" that is mandatory for processing this request \
             is not supplied."
        );
        assert_eq!(
            rendered(ProtocolError::Missing(CommonParameter::SecurityToken)),
            "400 MissingSecurityToken SecurityToken is mandatory for this action."
        );
        assert_eq!(
            rendered(ProtocolError::Query(QueryError::TooMany { parameters_max: 1_000 })),
            "400 InvalidParameter The errorMessage is there are more than 1000 parameters. Please check it again."
        );
        assert_eq!(
            rendered(ProtocolError::UnknownFormat),
            "400 InvalidParameter.Format The specified field Format invalid. Please check it again."
        );
        assert_eq!(
            rendered(ProtocolError::MalformedSignature(SignatureFlaw::Unsigned("host".to_owned()))),
            "400 IncompleteSignature The request signature does not conform to Aliyun standards. The header host must \
             be signed."
        );
    }
}
