//! A call as a command of `ravelin`.

use serde_json::Value;

use super::{
    Call, PASSWORD_VARIABLE, Server,
    given::{Given, can_have_commas, dotted, text, with_commas},
    quote,
};
use crate::catalogue::{Encoding, Kind};

pub(super) fn command(call: &Call<'_>, server: Option<Server<'_>>) -> String {
    let operation = call.operation;
    let mut words = vec![format!("ravelin {} {}", operation.product.subcommand(), operation.name)];
    if let Some(server) = server {
        words.push(format!("--endpoint {}", quote::shell(&format!("{}://{}", server.scheme(), server.host))));
    }
    words.extend(call.given.iter().flat_map(arguments));
    words.extend(call.wait_seconds.map(|seconds| format!("--wait {seconds}")));
    // With an address it is long: one argument a line.
    words.join(if server.is_some() { " \\\n  " } else { " " })
}

fn arguments(given: &Given) -> Vec<String> {
    let name = given.parameter.name;
    let argument = |(name, value): (String, String)| {
        format!("{} {}", quote::shell(&format!("--{name}")), quote::shell(&value))
    };
    match (given.parameter.kind, &given.value) {
        (Kind::Password, _) => vec![format!("--{name} \"${PASSWORD_VARIABLE}\"")],
        (Kind::Objects { encoding: Encoding::Numbered, .. }, Value::Array(_))
        | (Kind::Object { encoding: Encoding::Dotted, .. }, Value::Object(_)) => {
            dotted(name, &given.value).into_iter().map(argument).collect()
        }
        // The command puts the items of a list as its parameter wants them.
        (Kind::List { .. }, Value::Array(items)) if can_have_commas(items) => {
            vec![argument((name.into(), with_commas(items)))]
        }
        (_, value) => vec![argument((name.into(), text(value)))],
    }
}
