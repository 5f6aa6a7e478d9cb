//! A request as it is signed, and the same call to be copied.

use maud::{Markup, html};
use wire::{
    gateway::Unsigned,
    protocol::signature::client::ExplainedRequest,
    snippet::{Call, PASSWORD_VARIABLE, Server},
};

use crate::view;

/// What is signed and shown in place of a password that was given.
pub(super) const HIDDEN: &str = "not-shown";

/// A text to be looked at and copied. `id` is its own on the page.
pub(super) fn block(id: &str, title: &str, text: &str) -> Markup {
    html! {
        div .stack {
            div .block-head {
                h3 id={ (id) "-title" } { (title) }
                button .button .small type="button" data-copy=(id) { "Copy" span .hidden { " " (title) } }
            }
            pre id=(id) tabindex="0" aria-labelledby={ (id) "-title" } { (text) }
        }
    }
}

/// The canonical request, the string to sign, the headers and the body of a request.
pub(super) fn explained(call: &Call<'_>, unsigned: &Unsigned<'_>, request: &ExplainedRequest) -> Markup {
    let mut lines = vec![format!("{} {} HTTP/1.1", unsigned.method(), request.request.target)];
    lines.extend(request.request.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    lines.extend(unsigned.wait_seconds.map(|seconds| format!("x-ravelin-wait: {seconds}")));
    let body = &request.request.body;
    if !body.is_empty() {
        lines.push(format!("content-length: {}\n\n{body}", body.len()));
    }
    view::section(
        "Signed request",
        &html! {
            p .soft .measure {
                "Signed with ACS3-HMAC-SHA256: the HMAC of the string to sign, under the secret of your access key, is the \
                 Signature. The nonce is good once, and the date for 15 minutes."
                @if call.has_password() { " In place of the password " code { (HIDDEN) } " is signed here: what was typed is in no page, and neither is a digest of it." }
            }
            (block("canonical-request", "Canonical request", &request.canonical_request))
            (block("string-to-sign", "String to sign", &request.string_to_sign))
            (block("request", "Request", &lines.join("\n")))
        },
    )
}

/// The three copies of a call.
pub(super) fn copies(call: &Call<'_>, unsigned: &Unsigned<'_>, secure: bool, access_key_id: &str) -> Markup {
    let server = Server { host: unsigned.host, secure };
    view::section(
        "The same call",
        &html! {
            p .soft .measure {
                "Each reads the access key from the environment, " code { "RAVELIN_ACCESS_KEY_ID" } " (yours is "
                code { (access_key_id) } ") and " code { "RAVELIN_ACCESS_KEY_SECRET" }
                @if call.has_password() { ", and the password from " code { (PASSWORD_VARIABLE) } }
                @if secure { ", and the certificate to trust, a PEM file, from " code { "RAVELIN_CA_CERTIFICATE" } }
                ". Date and nonce are made anew each time."
            }
            @if secure {
                p .soft .measure {
                    "Where the server's certificate is its own, as the one is that it makes itself, nobody trusts it unasked: "
                    "copy " code { "tls-certificate.pem" } " from its data directory, and name the copy in that variable, or "
                    "give the command " code { "--ca-certificate FILE" } "."
                }
            }
            (block("copy-command", "Command", &call.command(Some(server))))
            (block("copy-python", "Python", &call.python(server)))
            (block("copy-curl", "curl", &call.curl(server, unsigned.format)))
            p .soft .measure {
                "For the commands that sign for curl: a POSIX shell, " code { "openssl" } " and " code { "curl" }
                " 7.76 or newer. openssl is given the secret as an argument, which other users of your machine may see while \
                 it runs."
            }
        },
    )
}
