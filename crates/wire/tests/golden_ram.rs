//! The catalogue of RAM and STS against `catalogue/ram-ops.json`, which was gathered from the vendor's SDKs, its metadata
//! and its help pages.
//!
//! Everything that differs is listed below with its reason; what is listed and does not differ fails as well.

// What the lints allow in tests, they do not see to be in one where a test calls it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use wire::catalogue::{Encoding, ErrorCode, Kind, Operation, Parameter, Product, Scalar, all, error_code};

const GOLDEN: &str = include_str!("../catalogue/ram-ops.json");

const NO_ROLES: &str = "there are no roles here, so no caller has assumed one";
const NO_GROUPS: &str = "there are no user groups here";
const NO_CONSOLE: &str =
    "no user logs in to a console here: there are neither login profiles nor MFA devices";
const KEYLESS: &str = "a tag without a key is no tag";
const SAME_FAULT: &str = "the failures of the server are worded alike for every product";

/// What differs on purpose: operation, difference, reason.
const DEVIATIONS: &[(&str, &str, &str)] = &[
    ("CreatePolicy", "parameter Tag[].Key: required true, the vendor's false", KEYLESS),
    ("ListPolicies", "parameter Tag[].Key: required true, the vendor's false", KEYLESS),
    ("DeleteUser", "error DeleteConflict.User.Group: not documented", NO_GROUPS),
    ("DeleteUser", "error DeleteConflict.User.LoginProfile: not documented", NO_CONSOLE),
    ("DeleteUser", "error DeleteConflict.User.MFADevice: not documented", NO_CONSOLE),
    ("DeletePolicy", "error DeleteConflict.Policy.Group: not documented", NO_GROUPS),
    ("GetCallerIdentity", "answer RoleId: missing", NO_ROLES),
    ("GetCallerIdentity", "error InternalError: another message", SAME_FAULT),
];

/// The operations that were gathered and are not served. When a key was last used is not kept: it would make a write of
/// every request, and an answer that is not true is worse than none.
const NOT_SERVED: &[&str] = &["GetAccessKeyLastUsed"];

fn golden() -> BTreeMap<String, Value> {
    let file: Value = serde_json::from_str(GOLDEN).unwrap();
    list(&file["operations"])
        .iter()
        .map(|operation| (text(&operation["name"]).into(), operation.clone()))
        .collect()
}

fn served() -> BTreeMap<&'static str, &'static Operation> {
    let own = all().filter(|operation| matches!(operation.product, Product::Ram | Product::Sts));
    own.map(|operation| (operation.name, operation)).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn type_name(golden: &Value) -> &str {
    match text(&golden["type"]) {
        "int32" => "integer",
        "array" => "array<object>",
        other => other,
    }
}

/// Collects where an operation differs from the gathered one, in words.
struct Comparison<'a> {
    operation: &'static Operation,
    golden: &'a Value,
    found: BTreeSet<String>,
}

impl Comparison<'_> {
    fn of(operation: &'static Operation, golden: &Value) -> BTreeSet<String> {
        let mut comparison = Comparison { operation, golden, found: BTreeSet::new() };
        comparison.identity();
        comparison.parameters("", operation.parameters, &golden["params"]);
        comparison.answer();
        comparison.errors();
        comparison.ram();
        comparison.found
    }

    fn differs(&mut self, what: String) {
        self.found.insert(what);
    }

    fn same(&mut self, what: &str, ours: &str, theirs: &str) {
        if ours != theirs {
            self.differs(format!("{what}: {ours}, the vendor's {theirs}"));
        }
    }

    fn identity(&mut self) {
        let (operation, golden) = (self.operation, self.golden);
        self.same("product", operation.product.name(), text(&golden["product"]));
        self.same("version", operation.product.version(), text(&golden["version"]));
        self.same("family", operation.family, text(&golden["family"]));
        self.same("usual method", operation.methods.usual(), text(&golden["sdk_method"]));
        let theirs: BTreeSet<&str> = list(&golden["methods"]).iter().map(text).collect();
        for method in ["GET", "POST", "PUT", "DELETE"] {
            if operation.methods.allow(method) != theirs.contains(method) {
                self.differs(format!("method {method}: ours {}", operation.methods.allow(method)));
            }
        }
    }

    fn parameters(&mut self, path: &str, ours: &[Parameter], theirs: &Value) {
        let theirs: BTreeMap<&str, &Value> = match theirs {
            Value::Object(fields) => fields.iter().map(|(name, field)| (name.as_str(), field)).collect(),
            _ => list(theirs).iter().map(|parameter| (text(&parameter["name"]), parameter)).collect(),
        };
        let names: BTreeSet<&str> = ours.iter().map(|own| own.name).collect();
        assert_eq!(names.len(), ours.len(), "{}: a parameter stands there twice", self.operation.name);
        for name in theirs.keys().filter(|name| !names.contains(**name)) {
            self.differs(format!("parameter {path}{name}: missing"));
        }
        for own in ours {
            match theirs.get(own.name) {
                Some(golden) => self.parameter(path, own, golden),
                None => self.differs(format!("parameter {path}{}: not the vendor's", own.name)),
            }
        }
    }

    fn parameter(&mut self, path: &str, own: &Parameter, golden: &Value) {
        let place = format!("parameter {path}{}", own.name);
        let required = golden["required"].as_bool().unwrap();
        if own.required != required {
            self.differs(format!("{place}: required {}, the vendor's {required}", own.required));
        }
        // What has no effect is taken in whatever form it comes.
        if own.kind == Kind::Ignored {
            return;
        }
        self.same(&place, own.kind.type_name(), type_name(golden));
        let numbered = golden["encoding"].as_str().is_some_and(|words| words.starts_with("repeated"));
        if (own.kind.encoding() == Encoding::Numbered) != numbered {
            self.differs(format!("{place}: {:?}", own.kind.encoding()));
        }
        self.constraint(&place, &own.kind, golden);
        if let Kind::Objects { fields, .. } = own.kind {
            self.parameters(&format!("{path}{}[].", own.name), fields, &golden["items"]["fields"]);
        }
    }

    fn constraint(&mut self, place: &str, kind: &Kind, golden: &Value) {
        let number = |name: &str| golden[name].as_str().map(|text| text.parse::<i64>().unwrap());
        match *kind {
            Kind::Text { min, max, .. } => {
                for (word, own) in [("minLength", min), ("maxLength", max)] {
                    let theirs = number(word);
                    if theirs.is_some_and(|theirs| i64::try_from(own) != Ok(theirs)) {
                        self.differs(format!("{place}: {word} {own}"));
                    }
                }
            }
            Kind::Integer { min, max }
                if (number("minimum"), number("maximum")) != (Some(min), Some(max)) =>
            {
                self.differs(format!("{place}: {min} to {max}"));
            }
            Kind::OneOf(words) => {
                let theirs: Vec<&str> = list(&golden["enum"]).iter().map(text).collect();
                let as_set =
                    |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
                if as_set(words) != as_set(&theirs) {
                    self.differs(format!("{place}: {words:?}, the vendor's {theirs:?}"));
                }
            }
            _ => {}
        }
    }

    fn answer(&mut self) {
        let mut theirs = BTreeMap::new();
        places(String::new(), &self.golden["response"], &mut theirs);
        assert_eq!(theirs.remove("RequestId"), Some("string"), "{}", self.operation.name);
        let answer = self.operation.answer;
        let own: BTreeMap<&str, Scalar> = answer.iter().map(|field| (field.path, field.scalar)).collect();
        assert_eq!(own.len(), answer.len(), "{}: a field stands there twice", self.operation.name);
        for path in theirs.keys().filter(|path| !own.contains_key(path.as_str())) {
            self.differs(format!("answer {path}: missing"));
        }
        for (path, scalar) in own {
            let ours = match scalar {
                Scalar::Text => "string",
                Scalar::Integer => "integer",
                Scalar::Boolean => "boolean",
            };
            match theirs.get(path) {
                Some(golden) => self.same(&format!("answer {path}"), ours, golden),
                None => self.differs(format!("answer {path}: not the vendor's")),
            }
        }
    }

    /// Every code of the vendor is listed by the operation itself or is every operation's, with the same status and the
    /// same words.
    fn errors(&mut self) {
        let operation = self.operation;
        let file: Value = serde_json::from_str(GOLDEN).unwrap();
        let general = list(&file["general_errors"]);
        let theirs: Vec<&Value> = list(&self.golden["errors"]).iter().collect();
        for error in &theirs {
            let name = text(&error["code"]);
            let own = operation.errors.iter().copied().find(|own| is(own, name));
            let shared = error_code::GATEWAY.iter().copied().find(|own| own.code == name);
            let Some(own) = own.or(shared) else {
                self.differs(format!("error {name}: not documented"));
                continue;
            };
            if error["http"].as_u64() != Some(u64::from(own.status)) {
                self.differs(format!("error {name}: status {}", own.status));
            }
            // `%s` of the file stands for details, as ours does.
            let message = match parameter_of(own, name) {
                Some(parameter) => own.message.replace("%s", parameter),
                None => own.message.to_owned(),
            };
            if message != text(&error["message"]) {
                self.differs(format!("error {name}: another message"));
            }
        }
        if operation.product == Product::Ram {
            let refused = general.iter().find(|error| error["code"] == "NoPermission").unwrap();
            let own = operation.errors.iter().find(|own| own.code == "NoPermission").unwrap();
            assert_eq!(
                (u64::from(own.status), own.message),
                (refused["http"].as_u64().unwrap(), text(&refused["message"]))
            );
        }
    }

    fn ram(&mut self) {
        let (ram, theirs) = (self.operation.ram, &self.golden["ram"]);
        match theirs["action"].as_str() {
            Some(action) => {
                self.same("RAM action", ram.action, action);
                self.same("RAM access level", ram.access.name(), text(&theirs["access"]));
                self.same("RAM resource", &ram.resource.notation(ram.service()), text(&theirs["resource"]));
            }
            None => self.same("RAM access level", ram.access.name(), "none"),
        }
    }
}

/// The places of an answer that have a value, with its type.
fn places<'a>(path: String, golden: &'a Value, found: &mut BTreeMap<String, &'a str>) {
    if let Some(fields) = golden["fields"].as_object() {
        for (name, field) in fields {
            places(if path.is_empty() { name.clone() } else { format!("{path}.{name}") }, field, found);
        }
    } else if golden["items"].is_object() {
        places(path + "[]", &golden["items"], found);
    } else {
        found.insert(path, type_name(golden));
    }
}

/// Whether a code of the catalogue is exactly this one, with at most a parameter's name in its place.
fn is(own: &ErrorCode, name: &str) -> bool {
    own.code == name || parameter_of(own, name).is_some_and(|parameter| !parameter.contains('.'))
}

fn parameter_of<'a>(own: &ErrorCode, name: &'a str) -> Option<&'a str> {
    let (before, after) = own.code.split_once("%s")?;
    name.strip_prefix(before)?.strip_suffix(after)
}

#[test]
fn the_catalogue_differs_from_the_vendor_s_only_where_it_says_so() {
    let golden = golden();
    let mut found: BTreeSet<(&str, String)> = BTreeSet::new();
    for (name, operation) in served() {
        let Some(golden) = golden.get(name) else { panic!("{name} is served and not the vendor's") };
        found.extend(Comparison::of(operation, golden).into_iter().map(|difference| (name, difference)));
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
fn every_gathered_operation_is_served_but_those_that_are_listed() {
    let (golden, served) = (golden(), served());
    let missing: Vec<&str> =
        golden.keys().map(String::as_str).filter(|name| !served.contains_key(name)).collect();
    assert_eq!(missing, NOT_SERVED);
}

#[test]
fn the_limits_are_the_documented_ones() {
    let file: Value = serde_json::from_str(GOLDEN).unwrap();
    let limits = model::Limits::default();
    for (name, own) in [
        ("users_per_account", limits.users_per_account),
        ("access_keys_per_user", limits.access_keys_per_user),
        ("system_policies_per_user", limits.system_policies_per_user),
        ("custom_policies_per_user", limits.custom_policies_per_user),
        ("custom_policies_per_account", limits.policies_per_account),
        ("versions_per_policy", limits.versions_per_policy),
        ("policy_document_characters", model::ram::document::PolicyDocument::CHARACTERS_MAX),
    ] {
        assert_eq!(file["limits"][name].as_u64(), u64::try_from(own).ok(), "{name}");
    }
}

#[test]
fn the_comparison_sees_every_kind_of_difference() {
    let (golden, served) = (golden(), served());
    let of = |ours: &str, theirs: &str| Comparison::of(served[ours], &golden[theirs]);
    let table = [
        ("GetUser", "CreateUser", "parameter Email: missing"),
        ("CreateUser", "GetUser", "parameter Email: not the vendor's"),
        ("GetUser", "ListUsers", "answer Users.User[].UserId: missing"),
        ("ListUsers", "GetUser", "answer Users.User[].UserId: not the vendor's"),
        ("ListAccessKeys", "GetUser", "parameter UserName: required false"),
        ("DeleteUser", "DeletePolicy", "error EntityNotExist.Policy: not documented"),
        ("DeleteUser", "DeletePolicy", "RAM resource: acs:ram:*:{#accountId}:user/{#UserName}, the vendor's"),
        ("DeleteUser", "DeletePolicy", "RAM action: ram:DeleteUser, the vendor's"),
        ("DeleteUser", "DeletePolicy", "family: user, the vendor's policy"),
        ("ListUsers", "GetCallerIdentity", "product: Ram, the vendor's Sts"),
    ];
    for (ours, theirs, start) in table {
        let found = of(ours, theirs);
        assert!(found.iter().any(|difference| difference.starts_with(start)), "{start}: {found:#?}");
    }
}
