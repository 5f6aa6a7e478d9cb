//! What bad calls are answered: every fault that an operation lists.

use std::collections::BTreeSet;

use super::{super::OPERATIONS, *};
use crate::catalogue::ErrorCode;

/// Every pair of operation and error code that calls ended with.
#[derive(Default)]
struct Reached(BTreeSet<(&'static str, String)>);

impl Reached {
    fn by(&mut self, world: &mut World, operation: &'static Operation, parameters: Given<'_>, code: &str) {
        let fault = match world.ram(operation.name, parameters) {
            Err(fault) => fault,
            Ok(answer) => panic!("{} {parameters:?}: {answer:?}", operation.name),
        };
        assert_eq!(fault.code, code, "{} {parameters:?}", operation.name);
        let own = operation.errors.iter().find(|own| own.matches(code) && specific(own, code));
        let own = own.unwrap_or_else(|| panic!("{} does not list {code}", operation.name));
        assert_eq!(fault.status, own.status);
        self.0.insert((operation.name, own.code.to_owned()));
    }

    fn call(&mut self, world: &mut World, operation: &str, parameters: Given<'_>, code: &str) {
        let operation = crate::catalogue::find(Product::Ram, operation).unwrap();
        self.by(world, operation, parameters, code);
    }
}

/// Whether a code is this very one, and not only covered by it.
fn specific(own: &ErrorCode, code: &str) -> bool {
    own.code.matches('.').count() == code.matches('.').count()
}

/// The required parameters of an operation with their examples, but for one that has another value.
fn given<'a>(
    operation: &'static Operation,
    but: &'static str,
    value: &'a str,
) -> Vec<(&'static str, &'a str)> {
    let required = operation.parameters.iter().filter(|own| own.required && own.name != but);
    required.map(|own| (own.name, own.example)).chain([(but, value)]).collect()
}

#[test]
fn every_documented_fault_is_reached() {
    let (mut world, mut reached) = (World::new(), Reached::default());
    let long = "x".repeat(6_145);
    for operation in OPERATIONS.iter().copied() {
        for parameter in operation.parameters {
            let name = parameter.name;
            let mut try_with = |value: &str, suffix: &str| {
                let code = format!("InvalidParameter.{name}{suffix}");
                reached.by(&mut world, operation, &given(operation, name, value), &code);
            };
            match parameter.kind {
                Kind::Text { form, .. }
                    if [Form::EMAIL, Form::MOBILE_PHONE, Form::VERSION_ID].contains(&form) =>
                {
                    for value in ["x", "v0", "1", &long] {
                        try_with(value, ".Format");
                    }
                }
                Kind::Text { .. } if name == "Marker" => try_with("?", ""),
                Kind::Text { form, .. } => {
                    try_with(&long, ".Length");
                    try_with(if form == Form::ANY { "\u{7}" } else { "a b!" }, ".InvalidChars");
                }
                Kind::OneOf(_) | Kind::Boolean => try_with("Other", ""),
                Kind::Integer { .. } => try_with("1001", ""),
                _ => {}
            }
        }
    }

    let mut expect = |world: &mut World, operation: &str, parameters: Given<'_>, code: &str| {
        reached.call(world, operation, parameters, code);
    };
    let w = &mut world;
    let (alice, bob) = (("UserName", "alice"), ("UserName", "bob"));
    let (own, more) = (("PolicyName", "own"), ("PolicyName", "more"));
    let (custom, document) = (("PolicyType", "Custom"), ("PolicyDocument", DOCUMENT));
    let key = ("UserAccessKeyId", "LTAI5tNothing");
    // Nothing is there yet.
    for operation in
        ["GetUser", "UpdateUser", "DeleteUser", "CreateAccessKey", "ListAccessKeys", "ListPoliciesForUser"]
    {
        expect(w, operation, &[alice], "EntityNotExist.User");
    }
    expect(w, "UpdateAccessKey", &[alice, key, ("Status", "Active")], "EntityNotExist.User");
    expect(w, "DeleteAccessKey", &[alice, key], "EntityNotExist.User");
    for operation in ["AttachPolicyToUser", "DetachPolicyFromUser"] {
        expect(w, operation, &[own, custom, alice], "EntityNotExist.User");
    }
    for operation in ["GetPolicy", "ListPolicyVersions", "ListEntitiesForPolicy"] {
        expect(w, operation, &[own, custom], "EntityNotExist.Policy");
        expect(w, operation, &[own, ("PolicyType", "System")], "EntityNotExist.Policy");
    }
    expect(w, "GetPolicyVersion", &[own, custom, ("VersionId", "v1")], "EntityNotExist.Policy");
    expect(w, "DeletePolicy", &[own], "EntityNotExist.Policy");
    expect(w, "UpdatePolicyDescription", &[own, ("NewDescription", "x")], "EntityNotExist.Policy");
    expect(w, "CreatePolicyVersion", &[own, document], "EntityNotExist.Policy");
    for operation in ["DeletePolicyVersion", "SetDefaultPolicyVersion"] {
        expect(w, operation, &[own, ("VersionId", "v1")], "EntityNotExist.Policy");
    }
    // Something is there, and it is full.
    w.limits.users_per_account = 2;
    w.limits.access_keys_per_user = 1;
    w.limits.policies_per_account = 1;
    w.limits.versions_per_policy = 2;
    w.limits.custom_policies_per_user = 0;
    w.limits.tags_per_resource = 0;
    w.good("CreateUser", &[alice]);
    expect(w, "CreateUser", &[alice], "EntityAlreadyExists.User");
    w.good("CreateUser", &[bob]);
    expect(w, "CreateUser", &[("UserName", "carol")], "LimitExceeded.User");
    expect(w, "UpdateUser", &[bob, ("NewUserName", "alice")], "EntityAlreadyExists.User");
    expect(w, "UpdateAccessKey", &[alice, key, ("Status", "Active")], "EntityNotExist.User.AccessKey");
    expect(w, "DeleteAccessKey", &[alice, key], "EntityNotExist.User.AccessKey");
    w.good("CreateAccessKey", &[alice]);
    expect(w, "CreateAccessKey", &[alice], "LimitExceeded.User.AccessKey");
    expect(w, "DeleteUser", &[alice], "DeleteConflict.User.AccessKey");
    for operation in ["AttachPolicyToUser", "DetachPolicyFromUser"] {
        expect(w, operation, &[own, custom, alice], "EntityNotExist.Policy");
    }
    expect(w, "CreatePolicy", &[own, document, ("Tag.1.Key", "team")], "QuotaExceeded");
    expect(w, "CreatePolicy", &[own, ("PolicyDocument", "{}")], "MalformedPolicyDocument");
    w.good("CreatePolicy", &[own, document]);
    expect(w, "CreatePolicy", &[own, document], "EntityAlreadyExists.Policy");
    expect(w, "CreatePolicy", &[more, document], "LimitExceeded.Policy");
    expect(w, "AttachPolicyToUser", &[own, custom, bob], "LimitExceeded.User.Policy");
    w.limits.custom_policies_per_user = 1;
    expect(w, "DetachPolicyFromUser", &[own, custom, bob], "EntityNotExist.User.Policy");
    w.good("AttachPolicyToUser", &[own, custom, bob]);
    expect(w, "AttachPolicyToUser", &[own, custom, bob], "EntityAlreadyExists.User.Policy");
    expect(w, "DeleteUser", &[bob], "DeleteConflict.User.Policy");
    expect(w, "DeletePolicy", &[own], "DeleteConflict.Policy.User");
    w.good("DetachPolicyFromUser", &[own, custom, bob]);
    expect(w, "GetPolicyVersion", &[own, custom, ("VersionId", "v2")], "EntityNotExist.Policy.Version");
    for operation in ["DeletePolicyVersion", "SetDefaultPolicyVersion"] {
        expect(w, operation, &[own, ("VersionId", "v2")], "EntityNotExist.Policy.Version");
    }
    expect(w, "DeletePolicyVersion", &[own, ("VersionId", "v1")], "DeleteConflict.Policy.Version.Default");
    expect(w, "CreatePolicyVersion", &[own, ("PolicyDocument", "[]")], "MalformedPolicyDocument");
    w.good("CreatePolicyVersion", &[own, document]);
    expect(w, "CreatePolicyVersion", &[own, document], "LimitExceeded.Policy.Version");
    expect(w, "DeletePolicy", &[own], "DeleteConflict.Policy.Version");

    // NoPermission is the business of authorisation, which comes before any of this.
    let listed = OPERATIONS.iter().flat_map(|operation| {
        let own = operation.errors.iter().filter(|own| own.code != code::RAM_NO_PERMISSION.code);
        own.map(|own| (operation.name, own.code.to_owned()))
    });
    let never: Vec<_> = listed.filter(|pair| !reached.0.contains(pair)).collect();
    assert!(never.is_empty(), "never reached: {never:#?}");
}

#[test]
fn what_is_missing_is_missing_in_every_operation() {
    let mut world = World::new();
    for operation in OPERATIONS.iter().copied() {
        for parameter in operation.parameters.iter().filter(|own| own.required) {
            let fault = world.ram(operation.name, &given(operation, parameter.name, "")).unwrap_err();
            assert_eq!((&*fault.code, fault.status), ("MissingParameter", 400), "{}", operation.name);
        }
    }
}
