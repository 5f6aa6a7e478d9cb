//! The example of a call as a command of `ravelin`, in Python, and as it stands on the wire.

use http::Method;

use super::example;
use crate::{
    catalogue::Operation,
    protocol::{
        request::Format,
        signature::client::{Call, sign_v3},
    },
    snippet::{self, Server},
};

/// The time of the example requests: 2026-01-02T03:04:05Z.
const UNIX_SECONDS: i64 = 1_767_323_045;
/// The nonce of the example requests.
const NONCE: &str = "3156853299f313e23d1673dc12e1703d";
/// The access key of the example requests.
pub(super) const ACCESS_KEY_ID: &str = "testid";
/// Its secret, which everybody may know.
pub(super) const ACCESS_KEY_SECRET: &str = "testsecret";

/// The server of the example requests.
const SERVER: Server<'_> = Server { host: "127.0.0.1:8017", secure: false };

/// The example call of an operation as a command line of `ravelin`.
pub fn command(operation: &'static Operation) -> String {
    let given = example::given(operation);
    snippet::Call { operation, given: &given, wait_seconds: None }.command(None)
}

/// The example call of an operation in Python.
pub(super) fn python(operation: &'static Operation) -> String {
    let given = example::given(operation);
    snippet::Call { operation, given: &given, wait_seconds: None }.python(SERVER)
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
        host: SERVER.host,
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
