//! `ravelin preview`, `explain`, `findings` and `events`: what people ask before and after they change something.

mod events;
mod explain;
mod findings;
mod preview;

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;
use wire::catalogue::{self, Product};

pub use self::{events::events, explain::explain, findings::findings, preview::preview};
use super::{hint, product};
use crate::{
    client::{Client, Reply},
    output::{self, OutputFormat},
};

/// Something that passes now would stop; it is dropped; something was found.
const EXIT_STOPS: u8 = 5;
/// Nothing is known to stop, but not everything is known.
const EXIT_UNKNOWN: u8 = 6;

/// Parameters as they stand on the wire.
type Sent = Vec<(String, String)>;

/// A parameter that is always sent.
fn given(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// A parameter that is sent where it was given.
fn optional(name: &str, value: Option<&impl ToString>) -> Option<(String, String)> {
    value.map(|value| (name.to_owned(), value.to_string()))
}

/// Asks the server. A refusal has what is known of it besides.
fn ask(client: &Client, operation: &str, sent: &Sent) -> anyhow::Result<Reply> {
    let operation = catalogue::find(Product::Ravelin, operation)
        .with_context(|| format!("this program has no operation {operation}"))?;
    let mut reply = client.call(operation, sent, None)?;
    reply.hint = reply.error_code().and_then(|code| hint::of(operation, code, sent));
    Ok(reply)
}

/// Prints an answer that is no refusal, as JSON or as `render` has it, and ends with what `code` says; a refusal as every
/// command prints it.
fn show(
    reply: &Reply,
    format: OutputFormat,
    render: impl FnOnce(&Value) -> String,
    code: impl FnOnce(&Value) -> u8,
) -> anyhow::Result<ExitCode> {
    if reply.status != 200 || format == OutputFormat::Json {
        let refused = product::print(reply, format)?;
        if let Some(hint) = &reply.hint {
            output::note(hint);
        }
        return Ok(if reply.status == 200 { ExitCode::from(code(&reply.body)) } else { refused });
    }
    output::line(&render(&reply.body))?;
    Ok(ExitCode::from(code(&reply.body)))
}

/// The text of a field; nothing where it is not there.
fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The number of a field; 0 where it is not there.
fn number(value: &Value, name: &str) -> u64 {
    value.get(name).and_then(Value::as_u64).unwrap_or(0)
}

/// Whether a field is true.
fn holds(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// The items of a list.
fn items<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The texts of a list, in one.
fn joined(value: &Value, pointer: &str, nothing: &str) -> String {
    let texts: Vec<&str> = items(value, pointer).iter().filter_map(Value::as_str).collect();
    if texts.is_empty() { nothing.into() } else { texts.join(", ") }
}

/// `1 flow`, `2 flows`.
fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
