//! `AsOf`: a moment in the past.

use control::past::{AsOf, PastError};
use model::UnixMillis;

use crate::catalogue::{ErrorCode, prelude::*};

/// `AsOf`, where it may be left out.
pub(super) const AS_OF: Parameter = Parameter::optional(
    "AsOf",
    Kind::form(1, 20, Form::AS_OF),
    "The moment that it is about: after this change, or at this time; now where it is not given.",
    "42",
);

/// The moment that a call is about; none: now. Validation has seen that it is one.
pub(super) fn as_of(arguments: &Arguments) -> Option<AsOf> {
    let text = arguments.text("AsOf")?;
    text.parse().map(AsOf::Generation).ok().or_else(|| UnixMillis::parse(text).map(AsOf::Time))
}

/// Why the past is not told, as callers hear it.
pub(super) fn fault(error: &PastError) -> Fault {
    match error {
        PastError::BeyondHistory { .. } => Fault::with(&code::AS_OF_BEYOND_HISTORY, &capital(error)),
        PastError::NotYet { .. } => Fault::with(&code::AS_OF_NOT_YET, &capital(error)),
        PastError::Unavailable(_) => Fault::of(&code::SERVICE_UNAVAILABLE),
        error => {
            tracing::error!(error = error as &dyn std::error::Error, "the history cannot be read");
            Fault::of(&code::INTERNAL_ERROR)
        }
    }
}

/// What is named does not exist, or did not at the moment that the call is about.
pub(super) fn not_found(code: &'static ErrorCode, arguments: &Arguments) -> Fault {
    let fault = Fault::of(code);
    match arguments.text("AsOf") {
        Some(as_of) => {
            let message =
                format!("{} It did not exist at the moment that AsOf names ({as_of}).", fault.message);
            Fault { message, ..fault }
        }
        None => fault,
    }
}

/// The error as the beginning of a sentence.
fn capital(error: &PastError) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
