//! The catalogue of ENS against `catalogue/ens-ops.json`, which was gathered from the vendor's SDK, its definitions and
//! its reference pages.
//!
//! Everything that differs is listed in one table with its reason; what is listed and does not differ fails as well.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what cannot be read must fail the test")]

#[path = "golden_ens/tables.rs"]
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wire::catalogue::{Encoding, Kind, Operation, Parameter, Product, Scalar, all, error_code};

use tables::{DEVIATIONS, NOT_SERVED, PROMISED};

const GOLDEN: &str = include_str!("../catalogue/ens-ops.json");

fn golden() -> BTreeMap<String, Value> {
    let mut file: Value = serde_json::from_str(GOLDEN).unwrap();
    let Value::Array(operations) = file["operations"].take() else { panic!("no operations") };
    operations.into_iter().map(|operation| (text(&operation["name"]).to_owned(), operation)).collect()
}

fn served() -> BTreeMap<&'static str, &'static Operation> {
    let mut served = BTreeMap::new();
    for operation in all().filter(|operation| operation.product == Product::Ens) {
        assert!(served.insert(operation.name, operation).is_none(), "{} is served twice", operation.name);
    }
    served
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn fields(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value["fields"].as_object().into_iter().flatten().map(|(name, field)| (name.as_str(), field))
}

/// The words of the catalogue for a type of the golden file.
fn type_name(golden: &Value) -> &str {
    match text(&golden["type"]) {
        "int32" | "long" => "integer",
        "array" if golden["items"]["type"] == "object" => "array<object>",
        other => other,
    }
}

fn encoding(words: &str) -> Encoding {
    match words.split([':', ' ', '-']).next() {
        Some("plain") => Encoding::Plain,
        Some("JSON") => Encoding::Json,
        Some("repeated") => Encoding::Numbered,
        Some("dotted") => Encoding::Dotted,
        Some("comma") => Encoding::Comma,
        _ => panic!("{words}: an encoding that the catalogue does not have"),
    }
}

/// Where an operation differs from the golden one, in words.
fn differences(operation: &Operation, golden: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    methods(operation, golden, &mut found);
    let theirs =
        items(&golden["params"]).iter().map(|parameter| (text(&parameter["name"]), parameter)).collect();
    parameters("", operation.parameters, &theirs, &mut found);
    answer(operation, golden, &mut found);
    errors(operation, golden, &mut found);
    ram(operation, golden, &mut found);
    found
}

fn methods(operation: &Operation, golden: &Value, found: &mut BTreeSet<String>) {
    let theirs = items(&golden["methods"]).iter().chain([&golden["sdk_method"]]);
    let theirs: BTreeSet<&str> = theirs.map(text).collect();
    for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"] {
        if operation.methods.allow(method) != theirs.contains(method) {
            found.insert(format!("method {method}: ours {}", operation.methods.allow(method)));
        }
    }
    if text(&golden["sdk_method"]) != operation.methods.usual() {
        found.insert(format!("usual method: {}", operation.methods.usual()));
    }
}

/// Compares the parameters of an operation, or the fields of one.
fn parameters(path: &str, ours: &[Parameter], theirs: &BTreeMap<&str, &Value>, found: &mut BTreeSet<String>) {
    let names: BTreeSet<&str> = ours.iter().map(|parameter| parameter.name).collect();
    assert_eq!(names.len(), ours.len(), "{path}: a parameter stands there twice");
    for name in theirs.keys().filter(|name| !names.contains(**name)) {
        found.insert(format!("parameter {path}{name}: missing"));
    }
    for parameter in ours {
        match theirs.get(parameter.name) {
            Some(golden) => one_parameter(path, parameter, golden, found),
            None => {
                found.insert(format!("parameter {path}{}: not in the definitions", parameter.name));
            }
        }
    }
}

fn one_parameter(path: &str, ours: &Parameter, golden: &Value, found: &mut BTreeSet<String>) {
    let place = format!("parameter {path}{}", ours.name);
    let required = golden["required"].as_bool().unwrap_or(false);
    if ours.required != required {
        found.insert(format!("{place}: required {}, the vendor's {required}", ours.required));
    }
    // What has no effect is taken in whatever type and encoding it comes.
    if ours.kind == Kind::Ignored {
        return;
    }
    let theirs = type_name(golden);
    if ours.kind.type_name() != theirs {
        found.insert(format!("{place}: {}, the vendor's {theirs}", ours.kind.type_name()));
    }
    if let Some(words) = golden["encoding"].as_str()
        && ours.kind.encoding() != encoding(words)
    {
        found.insert(format!("{place}: {:?}, the vendor's {:?}", ours.kind.encoding(), encoding(words)));
    }
    match ours.kind {
        Kind::List { of, .. } if theirs == "array" => {
            let items = type_name(&golden["items"]);
            if of.type_name() != items {
                found.insert(format!("{place}[]: {}, the vendor's {items}", of.type_name()));
            }
        }
        Kind::Objects { fields: own, .. } => {
            parameters(&format!("{path}{}[].", ours.name), own, &fields(&golden["items"]).collect(), found);
        }
        Kind::Object { fields: own, .. } => {
            parameters(&format!("{path}{}.", ours.name), own, &fields(golden).collect(), found);
        }
        _ => {}
    }
}

/// The places of an answer that have a value, with its type.
fn places<'a>(path: String, golden: &'a Value, found: &mut BTreeMap<String, &'a str>) {
    if golden["fields"].is_object() {
        for (name, field) in fields(golden) {
            places(if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }, field, found);
        }
    } else if golden["items"].is_object() {
        places(path + "[]", &golden["items"], found);
    } else {
        found.insert(path, type_name(golden));
    }
}

fn answer(operation: &Operation, golden: &Value, found: &mut BTreeSet<String>) {
    let mut theirs = BTreeMap::new();
    places(String::new(), &golden["response"], &mut theirs);
    assert_eq!(theirs.remove("RequestId"), Some("string"), "{}", operation.name);
    // Of an object whose fields were not gathered, only the place is known.
    let (opaque, theirs): (BTreeMap<_, _>, BTreeMap<_, _>) =
        theirs.into_iter().partition(|(_, kind)| !matches!(*kind, "string" | "integer" | "boolean"));
    let own: BTreeMap<&str, Scalar> =
        operation.answer.iter().map(|field| (field.path, field.scalar)).collect();
    assert_eq!(own.len(), operation.answer.len(), "{}: a field stands there twice", operation.name);
    let inside = |path: &str, place: &String| {
        path.strip_prefix(place.as_str()).is_some_and(|rest| rest.starts_with('.'))
    };
    for place in opaque.keys().filter(|place| !own.keys().any(|path| inside(path, place))) {
        found.insert(format!("answer {place}: missing"));
    }
    for path in theirs.keys().filter(|path| !own.contains_key(path.as_str())) {
        found.insert(format!("answer {path}: missing"));
    }
    for (path, scalar) in own {
        let kind = match scalar {
            Scalar::Text => "string",
            Scalar::Integer => "integer",
            Scalar::Boolean => "boolean",
        };
        match theirs.get(path) {
            Some(golden) if *golden == kind => {}
            Some(golden) => {
                found.insert(format!("answer {path}: {kind}, the vendor's {golden}"));
            }
            None if opaque.keys().any(|place| inside(path, place)) => {}
            None => {
                found.insert(format!("answer {path}: not in the definitions"));
            }
        }
    }
}

fn errors(operation: &Operation, golden: &Value, found: &mut BTreeSet<String>) {
    for error in items(&golden["errors"]) {
        let name = text(&error["code"]);
        let documented = operation.errors.iter().chain(error_code::GATEWAY).find(|own| own.matches(name));
        match documented {
            None => {
                found.insert(format!("error {name}: not documented"));
            }
            Some(own) if error["http"].as_u64().is_some_and(|status| status != u64::from(own.status)) => {
                found.insert(format!("error {name}: status {}", own.status));
            }
            Some(_) => {}
        }
    }
}

fn ram(operation: &Operation, golden: &Value, found: &mut BTreeSet<String>) {
    let theirs = &golden["ram"];
    if operation.ram.action != text(&theirs["action"]) {
        found.insert(format!("RAM action: {}", operation.ram.action));
    }
    if theirs["source"] == "doc" && operation.ram.access.name() != text(&theirs["access"]) {
        found.insert(format!("RAM access level: {}", operation.ram.access.name()));
    }
}

#[test]
fn the_catalogue_differs_from_the_vendor_s_only_where_it_says_so() {
    let golden = golden();
    let mut found: BTreeSet<(&str, String)> = BTreeSet::new();
    for (name, operation) in served() {
        let Some(golden) = golden.get(name) else { panic!("{name} is served and not in the definitions") };
        found.extend(differences(operation, golden).into_iter().map(|difference| (name, difference)));
    }
    let listed: BTreeSet<(&str, String)> =
        DEVIATIONS.iter().map(|(operation, difference, _)| (*operation, (*difference).to_owned())).collect();
    assert_eq!(listed.len(), DEVIATIONS.len(), "a deviation is listed twice");
    let unlisted: Vec<_> = found.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&found).collect();
    assert!(unlisted.is_empty(), "these differ and are not listed: {unlisted:#?}");
    assert!(gone.is_empty(), "these are listed and do not differ: {gone:#?}");
    assert!(DEVIATIONS.iter().all(|(_, _, reason)| !reason.is_empty()));
}

#[test]
fn what_is_not_served_is_listed() {
    let (golden, served) = (golden(), served());
    let missing: Vec<&str> =
        golden.keys().map(String::as_str).filter(|name| !served.contains_key(name)).collect();
    assert_eq!(missing, NOT_SERVED);
}

#[test]
fn every_promised_operation_is_served_and_no_other() {
    let served: BTreeSet<&str> = served().into_keys().collect();
    let promised: BTreeSet<&str> = PROMISED.iter().copied().collect();
    assert_eq!(served, promised);
}

#[test]
fn the_comparison_sees_every_kind_of_difference() {
    let (golden, served) = (golden(), served());
    let of = |ours: &str, theirs: &str| differences(served[ours], &golden[theirs]);
    let has =
        |found: &BTreeSet<String>, start: &str| found.iter().any(|difference| difference.starts_with(start));
    let found = of("LeaveSecurityGroup", "DescribeInstances");
    for start in [
        "parameter InstanceIds: missing",
        "answer TotalCount: missing",
        "error InstanceIdNotFound",
        "RAM action",
    ] {
        assert!(has(&found, start), "{start}: {found:#?}");
    }
    assert!(has(&found, "parameter SecurityGroupId: required true"));
    let found = of("DescribeInstances", "LeaveSecurityGroup");
    for start in ["parameter PageSize: not in the definitions", "answer TotalCount: not in the definitions"] {
        assert!(has(&found, start), "{start}: {found:#?}");
    }
    assert!(has(&of("StartInstance", "StartInstances"), "method GET: ours true"));
    assert!(has(&of("ListTagResources", "TagResources"), "parameter Tag[].Value: required false"));
    assert!(has(&of("DescribeNetworks", "DescribeNetworkInterfaces"), "parameter PageSize: integer"));
}
