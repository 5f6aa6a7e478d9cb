//! What is copied of a call stays values, names of fields too.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::process::Command;

use serde_json::{Map, Value, json};
use wire::{
    catalogue::{self, Kind, Operation, Parameter},
    protocol::request::Format,
    snippet::{self, Call, Given, Server},
};

/// Names of fields that a shell or Python would run.
const HOSTILE: &[&str] = &[
    "Id $(echo run)",
    "Id;echo run",
    "Id`echo run`",
    "Id=1, x=print('run'),\n#",
    "a' 'b",
    "",
    "Ünknown",
    "NoSuchField",
];
const SERVER: Server<'static> = Server { host: "ens.test", secure: true };

/// Every parameter that takes objects.
fn takers() -> Vec<(&'static Operation, &'static Parameter)> {
    let all = catalogue::all().flat_map(|own| own.parameters.iter().map(move |parameter| (own, parameter)));
    all.filter(|(_, own)| matches!(own.kind, Kind::Object { .. } | Kind::Objects { .. })).collect()
}

fn with_field(kind: Kind, name: &str) -> Value {
    let object = Value::Object(Map::from_iter([(name.to_owned(), json!("x"))]));
    if matches!(kind, Kind::Objects { .. }) { json!([object]) } else { object }
}

#[test]
fn a_field_that_a_parameter_does_not_have_is_refused() {
    let takers = takers();
    assert!(takers.len() > 5, "only {} parameters take objects", takers.len());
    for (operation, parameter) in takers {
        for name in HOSTILE {
            let text = with_field(parameter.kind, name).to_string();
            let refusal = snippet::given(parameter, &text).expect_err(operation.name);
            assert!(refusal.contains("has no field"), "{refusal}");
        }
        let (Kind::Object { fields, .. } | Kind::Objects { fields, .. }) = parameter.kind else { continue };
        for field in fields {
            assert!(field.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{}", field.name);
            let nested = json!({ field.name: { "$(echo run)": 1 } });
            let nested =
                if matches!(parameter.kind, Kind::Objects { .. }) { json!([nested]) } else { nested };
            assert!(snippet::given(parameter, &nested.to_string()).is_err(), "{nested}");
        }
        let known = with_field(parameter.kind, fields[0].name);
        let is_plain = !matches!(fields[0].kind, Kind::Object { .. } | Kind::Objects { .. });
        assert!(!is_plain || snippet::given(parameter, &known.to_string()).is_ok(), "{known}");
    }
}

/// Even where they were taken, they would stay values.
#[test]
fn names_of_fields_are_never_run() {
    for (operation, parameter) in takers() {
        for name in HOSTILE {
            let given = [Given { parameter, value: with_field(parameter.kind, name) }];
            let call = Call { operation, given: &given, wait_seconds: None };
            let shell = format!(
                "ravelin() {{ for word; do printf '<%s>' \"$word\"; done; }}\n{}",
                call.command(None)
            );
            let output = Command::new("sh").args(["-c", &shell]).output().expect("a shell");
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            let words: Vec<String> = match snippet::pairs(&given).as_slice() {
                [(name, value)] => vec![format!("--{name}"), value.clone()],
                other => panic!("{other:?}"),
            };
            let last: String = words.iter().map(|word| format!("<{word}>")).collect();
            let whole = output.status.success() && printed.ends_with(&last);
            // An object in a list of texts is JSON text in the command, as in the pairs.
            assert!(whole, "{shell}: {printed}, not {last}");
            assert!(!call.python(SERVER).contains("models."), "{}", call.python(SERVER));
            let curl = call.curl(SERVER, Format::Json);
            assert!(!curl.contains("$(echo") && !curl.contains("`echo"), "{curl}");
        }
    }
}
