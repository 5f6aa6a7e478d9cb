//! What RAM answers to malformed parameters: its codes say what is wrong with them, where ENS has one code for all.

use super::{ErrorCode, Fault, Form, Kind, Operation, Parameter, Product, error_code as code};
use crate::protocol::parameters::Parameters;

/// The forms that are about a text as a whole, not about its characters.
const WHOLE_FORMS: [Form; 3] = [Form::EMAIL, Form::MOBILE_PHONE, Form::VERSION_ID];

/// The fault as the operation's product words it.
pub(super) fn own(
    fault: Fault,
    operation: &Operation,
    parameter: &Parameter,
    parameters: &Parameters,
) -> Fault {
    let is_malformed = code::INVALID_PARAMETER_NAMED.matches(&fault.code);
    if operation.product != Product::Ram || !is_malformed {
        return fault;
    }
    Fault::named(flaw(&parameter.kind, parameters.text(parameter.name).ok().flatten()), parameter.name)
}

impl Fault {
    /// The fault of a code that has a parameter's name both in itself and in its message.
    pub fn named(code: &'static ErrorCode, parameter: &str) -> Self {
        Self { code: code.code.replace("%s", parameter).into(), ..Self::with(code, parameter) }
    }
}

/// What is wrong with a text; one that there is and cannot be had has characters that no text may have.
fn flaw(kind: &Kind, text: Option<&str>) -> &'static ErrorCode {
    let characters = text.map(|text| text.chars().count());
    match kind {
        Kind::Text { form, .. } if WHOLE_FORMS.contains(form) => &code::RAM_INVALID_FORMAT,
        Kind::Text { min, max, .. } if characters.is_some_and(|count| !(*min..=*max).contains(&count)) => {
            &code::RAM_INVALID_LENGTH
        }
        Kind::Text { .. } => &code::RAM_INVALID_CHARS,
        _ => &code::RAM_INVALID_VALUE,
    }
}
