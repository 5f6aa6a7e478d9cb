//! The example of a call as a command of `ravelin`, and as it stands on the wire.

use http::Method;

use super::example;
use crate::{
    catalogue::{Encoding, Kind, Operation},
    protocol::{
        request::Format,
        signature::client::{Call, sign_v3},
    },
};

/// The time of the example requests: 2026-01-02T03:04:05Z.
const UNIX_SECONDS: i64 = 1_767_323_045;
/// The nonce of the example requests.
const NONCE: &str = "3156853299f313e23d1673dc12e1703d";
/// The access key of the example requests.
pub(super) const ACCESS_KEY_ID: &str = "testid";
/// Its secret, which everybody may know.
pub(super) const ACCESS_KEY_SECRET: &str = "testsecret";

/// The example call of an operation as a command line of `ravelin`.
pub fn command(operation: &Operation) -> String {
    let mut words = vec!["ravelin".to_owned(), operation.product.subcommand().into(), operation.name.into()];
    for parameter in example::shown(operation) {
        match parameter.kind {
            Kind::Objects { encoding: Encoding::Numbered, .. }
            | Kind::Object { encoding: Encoding::Dotted, .. } => {
                for (name, value) in example::arguments(operation) {
                    if name.split('.').next() == Some(parameter.name) {
                        words.push(format!("--{name} {}", quoted(&value)));
                    }
                }
            }
            Kind::Object { .. } | Kind::Objects { .. } => {
                words.push(format!(
                    "--{} {}",
                    parameter.name,
                    quoted(&example::value(parameter).to_string())
                ));
            }
            Kind::List { .. } => {
                let items = example::value(parameter);
                let items: Vec<&str> =
                    items.as_array().into_iter().flatten().filter_map(|i| i.as_str()).collect();
                words.push(format!("--{} {}", parameter.name, quoted(&items.join(","))));
            }
            _ => words.push(format!("--{} {}", parameter.name, quoted(parameter.example))),
        }
    }
    words.join(" ")
}

fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// The call on the wire, signed with V3 by the key of the examples.
pub(super) fn raw(operation: &Operation) -> String {
    let method = if operation.methods.usual() == "GET" { Method::GET } else { Method::POST };
    let arguments = example::arguments(operation);
    let pairs: Vec<(&str, &str)> =
        arguments.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (query, form): (&[_], &[_]) = if method == Method::GET { (&pairs, &[]) } else { (&[], &pairs) };
    let signed = sign_v3(&Call {
        method: &method,
        host: "127.0.0.1:8017",
        action: operation.name,
        version: operation.product.version(),
        query,
        form,
        format: Format::Json,
        access_key_id: ACCESS_KEY_ID,
        secret: ACCESS_KEY_SECRET,
        security_token: None,
        unix_seconds: UNIX_SECONDS,
        nonce: NONCE,
    });
    let mut text = format!("{method} {} HTTP/1.1\n", signed.target);
    for (name, value) in &signed.headers {
        text.push_str(&format!("{name}: {value}\n"));
    }
    text.push_str(&format!("content-length: {}\n\n{}", signed.body.len(), signed.body));
    text
}
