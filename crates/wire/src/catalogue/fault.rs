//! One error as it goes to the caller.

use std::borrow::Cow;

use super::{ErrorCode, error_code};

/// An error answer: code, status and message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The code as it is sent.
    pub code: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// The message as it is sent.
    pub message: String,
    /// After how many milliseconds the request may be sent again, where the answer should say so.
    pub retry_after_ms: Option<u64>,
    /// What was not permitted, where it is refused for want of permission.
    pub denied: Option<Box<Denied>>,
}

/// What a caller was not permitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// The action, such as `ens:JoinSecurityGroup`.
    pub action: &'static str,
    /// The first resource of the call for which it is not permitted; none: it was not looked at.
    pub resource: Option<String>,
    /// Whether a policy denies it; otherwise none allows it.
    pub explicitly: bool,
}

impl Fault {
    /// The fault of a code without a detail.
    pub fn of(code: &'static ErrorCode) -> Self {
        Self {
            code: code.code.into(),
            status: code.status,
            message: code.message.into(),
            retry_after_ms: None,
            denied: None,
        }
    }

    /// The fault of a code whose message has a detail.
    pub fn with(code: &'static ErrorCode, detail: &str) -> Self {
        Self { message: code.message.replace("%s", detail), ..Self::of(code) }
    }

    /// `InvalidParameter.<field>`: the field is malformed.
    pub fn malformed(field: &str) -> Self {
        let code = &error_code::INVALID_PARAMETER_NAMED;
        Self { code: code.code.replace("%s", field).into(), ..Self::with(code, field) }
    }

    /// `InvalidParameter`: well-formed, but wrong; the detail says why.
    pub fn invalid(detail: &str) -> Self {
        Self::with(&error_code::INVALID_PARAMETER, detail)
    }

    /// `MissingParameter` of a field within a parameter, which is named as the gateway names its own parameters.
    pub fn missing_named(name: &str) -> Self {
        let fault = Self::missing();
        let named = fault.message.replace("input parameter", &format!("input parameter \"{name}\""));
        Self { message: named, ..fault }
    }

    /// `MissingParameter`.
    pub fn missing() -> Self {
        Self::of(&error_code::MISSING_PARAMETER)
    }
}
