//! A call as lines for a POSIX shell: they sign it as V3 wants it, with `openssl`, and send it with `curl`.
//!
//! They stand in a subshell, so that variables stay within, and so that a missing key ends them all and not the shell that
//! they are pasted into. There is no comment among them, because an interactive zsh takes none.

use super::{Call, PASSWORD_VARIABLE, Server, given::on_the_wire, quote};
use crate::{
    catalogue::Kind,
    protocol::{percent, request::Format, signature::v3},
};

const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn curl(call: &Call<'_>, server: Server<'_>, format: Format) -> String {
    let get = call.operation.methods.usual() == "GET";
    let parameters = parameters(call, get);
    let mut lines = vec![
        "(".to_owned(),
        ": \"${RAVELIN_ACCESS_KEY_ID:?}\" \"${RAVELIN_ACCESS_KEY_SECRET:?}\"".into(),
        "sha256() { openssl dgst -sha256 \"$@\" -r | cut -d ' ' -f 1; }".into(),
    ];
    if call.has_password() {
        lines.push(format!(
            "password=$(printf %s \"${{{PASSWORD_VARIABLE}:?}}\" | od -An -v -tx1 | tr -d ' \\n' | sed 's/../%&/g')"
        ));
    }
    let (query, body) = if get { (parameters.as_str(), "''") } else { ("''", parameters.as_str()) };
    lines.extend([
        format!("query={query}"),
        format!("body={body}"),
        "date=$(date -u +%Y-%m-%dT%H:%M:%SZ)".into(),
        "nonce=$(openssl rand -hex 16)".into(),
        "digest=$(printf %s \"$body\" | sha256)".into(),
    ]);
    let has_body = body != "''";
    let headers = headers(call, server, format, has_body);
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    lines.push(format!("names='{}'", names.join(";")));
    lines.push(format!("request=$(printf '%s\\n' {} / \"$query\" \\", if get { "GET" } else { "POST" }));
    lines.extend(headers.iter().map(|(name, value)| format!("  {name}:{value} \\")));
    lines.push("  '' \"$names\" \"$digest\")".into());
    lines.push("hashed=$(printf %s \"$request\" | sha256)".into());
    lines.push(format!(
        "signature=$(printf '%s\\n%s' {} \"$hashed\" | sha256 -hmac \"$RAVELIN_ACCESS_KEY_SECRET\")",
        v3::ALGORITHM
    ));
    lines.extend(request(call, server, get, has_body, &headers));
    lines.push(")".into());
    lines.join("\n")
}

/// The encoded parameters, as one word of a shell. Encoded they have no character that means anything to a shell.
fn parameters(call: &Call<'_>, sorted: bool) -> String {
    let mut pairs: Vec<(String, Option<String>)> = Vec::new();
    for given in call.given {
        if given.parameter.kind == Kind::Password {
            pairs.push((given.parameter.name.into(), None));
        } else {
            pairs.extend(on_the_wire(given).into_iter().map(|(name, value)| (name, Some(value))));
        }
    }
    if sorted {
        pairs.sort();
    }
    let encoded: Vec<String> = pairs
        .iter()
        .map(|(name, value)| match value {
            Some(value) => format!("{}={}", percent::encode(name), percent::encode(value)),
            None => format!("{}='\"$password\"'", percent::encode(name)),
        })
        .collect();
    format!("'{}'", encoded.join("&"))
}

/// The headers that are signed, ascending, as words of a shell.
fn headers(
    call: &Call<'_>,
    server: Server<'_>,
    format: Format,
    has_body: bool,
) -> Vec<(&'static str, String)> {
    let accept = if format == Format::Xml { "application/xml" } else { "application/json" };
    let mut headers = vec![("accept", accept.to_owned())];
    headers.extend(has_body.then(|| ("content-type", FORM.to_owned())));
    headers.extend([
        ("host", quote::shell(server.host)),
        ("x-acs-action", call.operation.name.to_owned()),
        ("x-acs-content-sha256", "\"$digest\"".into()),
        ("x-acs-date", "\"$date\"".into()),
        ("x-acs-signature-nonce", "\"$nonce\"".into()),
        ("x-acs-version", call.operation.product.version().into()),
    ]);
    headers
}

fn request(
    call: &Call<'_>,
    server: Server<'_>,
    get: bool,
    has_body: bool,
    headers: &[(&'static str, String)],
) -> Vec<String> {
    let mut options = String::from("curl --silent --show-error --fail-with-body");
    options.push_str(match (get, has_body) {
        (true, _) => "",
        (_, true) => " --data-raw \"$body\"",
        (_, false) => " --request POST",
    });
    let mut lines = Vec::new();
    if server.secure {
        lines.push("export CURL_CA_BUNDLE=\"${RAVELIN_CA_CERTIFICATE:-$CURL_CA_BUNDLE}\"".to_owned());
    }
    lines.push(format!("{options} \\"));
    lines.extend(headers.iter().map(|(name, value)| format!("  --header {name}:{value} \\")));
    lines.extend(call.wait_seconds.map(|seconds| format!("  --header x-ravelin-wait:{seconds} \\")));
    lines.push(format!(
        "  --header \"authorization:{} Credential=$RAVELIN_ACCESS_KEY_ID,SignedHeaders=$names,Signature=$signature\" \\",
        v3::ALGORITHM
    ));
    let address = quote::shell(&format!("{}://{}/", server.scheme(), server.host));
    lines.push(format!("  {address}{}", if get { "\"${query:+?$query}\"" } else { "" }));
    lines
}
