//! What the operations on instances have in common.

use base64::{Engine, engine::general_purpose::STANDARD};
use model::InstanceId;

use crate::catalogue::prelude::*;

/// The most bytes of user data, before they are written in Base64.
const USER_DATA_BYTES_MAX: usize = 16 * 1024;
/// As many characters as that many bytes can become, line breaks included.
const USER_DATA_CHARACTERS_MAX: usize = 22_600;

/// The instance that an operation is about.
pub(super) const INSTANCE_ID: Parameter =
    Parameter::required("InstanceId", Kind::Id, "The instance.", "i-5vn4n3y4laeb2ii9zxxltlvzi");

/// A name of an instance.
pub(super) const NAME: Kind = Kind::form(2, 128, Form::INSTANCE_NAME);

/// A host name of an instance.
pub(super) const HOST_NAME: Kind = Kind::form(2, 64, Form::HOST_NAME);

/// An image, instance type or edge site: whether there is one of this name is for the configuration to say.
pub(super) const OFFERED: Kind = Kind::text(128);

/// User data in Base64. [`user_data`] checks it further.
pub(super) const USER_DATA: Kind = Kind::form(1, USER_DATA_CHARACTERS_MAX, Form::BASE64);

/// User data that may be a script as well. [`script`] checks it further.
pub(super) const SCRIPT: Kind = Kind::text(USER_DATA_CHARACTERS_MAX);

/// Whether a stop is a power-off.
pub(super) const FORCE_STOP: Parameter = Parameter::optional(
    "ForceStop",
    Kind::Boolean,
    "Whether to cut the power instead of asking the system to stop; the way to the next state is the same here.",
    "false",
);

/// A new password.
pub(super) const PASSWORD: Parameter = Parameter::optional(
    "Password",
    Kind::Password,
    "The password. Its form is checked; it is neither kept nor logged, and nothing here would use it.",
    "yourPassword:1",
);

/// The faults of the operations that change the state of one instance.
pub(super) const STATE_ERRORS: &[&code::ErrorCode] =
    &[&code::INSTANCE_ID_NOT_FOUND, &code::INCORRECT_INSTANCE_STATUS];

/// The instance of the call.
pub(super) fn instance(call: &Call<'_>) -> InstanceId {
    call.arguments.required_id("InstanceId")
}

/// The answer of the older operations that have nothing to tell: `Code` 0.
pub(super) fn accepted(_: &Call<'_>, _: &Outcome) -> Answer {
    with_code(0)
}

/// An answer with this `Code`: the older operations say in it that all is well.
pub(super) fn with_code(code: u16) -> Answer {
    let mut answer = Answer::new();
    answer.insert("Code".into(), json!(code));
    answer
}

/// The user data of a call: Base64 of not too many bytes.
pub(super) fn user_data(arguments: &Arguments) -> Result<Option<Box<str>>, Fault> {
    arguments.text("UserData").map(encoded).transpose()
}

/// The user data of a call, where a script (`#!...`) may stand as it is, too.
pub(super) fn script(arguments: &Arguments) -> Result<Option<Box<str>>, Fault> {
    let read = |text: &str| match text.starts_with("#!") {
        true if text.len() > USER_DATA_BYTES_MAX => Err(too_long()),
        true => Ok(STANDARD.encode(text).into()),
        false => encoded(text),
    };
    arguments.text("UserData").map(read).transpose()
}

fn encoded(text: &str) -> Result<Box<str>, Fault> {
    let text: String = text.chars().filter(|character| !character.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(&text).map_err(|_| Fault::malformed("UserData"))?;
    if bytes.len() > USER_DATA_BYTES_MAX { Err(too_long()) } else { Ok(text.into()) }
}

fn too_long() -> Fault {
    Fault::invalid(&format!("UserData is longer than {USER_DATA_BYTES_MAX} bytes"))
}

#[cfg(test)]
mod tests;
