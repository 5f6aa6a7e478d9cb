//! Parameters that several operations have, and what they become.

use model::{
    ram::{
        PolicyName,
        document::{DocumentError, PolicyDocument},
    },
    tag::Tag,
};

use crate::catalogue::{form::version_number, prelude::*};

const USER: Kind = Kind::form(1, 64, Form::USER_NAME);

/// `UserName`, where it must be given.
pub(super) const USER_NAME: Parameter =
    Parameter::required("UserName", USER, "The name of the RAM user.", "alice");

/// `UserName`, where the caller is meant without it.
pub(super) const USER_OR_CALLER: Parameter = Parameter::optional(
    "UserName",
    USER,
    "The name of the RAM user. Without it the caller is meant: the RAM user that signs the call, or the account's root.",
    "alice",
);

/// `NewUserName`.
pub(super) const NEW_USER_NAME: Parameter = Parameter::optional(
    "NewUserName",
    USER,
    "The new name; keys and policies stay with the user.",
    "alice-new",
);

/// `UserAccessKeyId`.
pub(super) const ACCESS_KEY_ID: Parameter = Parameter::required(
    "UserAccessKeyId",
    Kind::form(1, 128, Form::ACCESS_KEY_ID),
    "The id of the access key.",
    "LTAI5tExampleExampleEx01",
);

/// `PolicyName`.
pub(super) const POLICY_NAME: Parameter = Parameter::required(
    "PolicyName",
    Kind::form(1, 128, Form::POLICY_NAME),
    "The name of the policy.",
    "edge-operator",
);

const POLICY_TYPES: Kind = Kind::OneOf(&["System", "Custom"]);

/// `PolicyType`, where it must be given.
pub(super) const POLICY_TYPE: Parameter = Parameter::required(
    "PolicyType",
    POLICY_TYPES,
    "Whose the policy is: `System` for those that every account has, `Custom` for the account's own.",
    "Custom",
);

/// `PolicyType`, where it chooses.
pub(super) const POLICY_TYPE_WANTED: Parameter =
    Parameter::optional("PolicyType", POLICY_TYPES, "Policies of this type alone.", "Custom");

/// `PolicyDocument`.
pub(super) const POLICY_DOCUMENT: Parameter = Parameter::required(
    "PolicyDocument",
    Kind::text(PolicyDocument::CHARACTERS_MAX),
    "The document, in JSON. One that cannot be understood to the last element is refused.",
    r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ens:*","Resource":"*"}]}"#,
);

/// `VersionId`.
pub(super) const VERSION_ID: Parameter =
    Parameter::required("VersionId", Kind::form(1, 11, Form::VERSION_ID), "The version of the policy.", "v2");

/// `ResourceGroupId`, which some clients send.
pub(super) const RESOURCE_GROUP_ID: Parameter = Parameter::optional(
    "ResourceGroupId",
    Kind::Ignored,
    "There are no resource groups here: policies are attached for the whole account.",
    "rg-example",
);

/// `Tag`.
pub(super) const TAG: Parameter = Parameter::optional(
    "Tag",
    Kind::Objects {
        fields: &[
            Parameter::required("Key", Kind::form(1, 64, Form::TAG_KEY), "The key.", "team"),
            Parameter::optional("Value", Kind::form(0, 128, Form::TAG_VALUE), "The value.", "edge"),
        ],
        max: 20,
        encoding: Encoding::Numbered,
    },
    "Tags.",
    "",
);

/// The tags of a call: keys, and values where they were given.
pub(super) fn tags<'a>(call: &'a Call<'_>) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
    call.arguments.objects("Tag").map(|tag| (tag.required_text("Key"), tag.text("Value")))
}

/// The tags of a call, to put on something.
pub(super) fn new_tags(call: &Call<'_>) -> Vec<Tag> {
    let tag =
        |(key, value): (&str, Option<&str>)| Tag { key: key.into(), value: value.unwrap_or_default().into() };
    tags(call).map(tag).collect()
}

/// A parameter that validation has found given.
pub(super) fn required(call: &Call<'_>, name: &str) -> Box<str> {
    call.arguments.required_text(name).into()
}

/// The policy that the call names.
pub(super) fn policy_name(call: &Call<'_>) -> PolicyName {
    let name = required(call, "PolicyName");
    if call.arguments.text("PolicyType") == Some("System") {
        PolicyName::System(name)
    } else {
        PolicyName::Custom(name)
    }
}

/// The number of the version that the call names. No version has number 0.
pub(super) fn version(call: &Call<'_>) -> u32 {
    version_number(call.arguments.required_text("VersionId")).unwrap_or(0)
}

/// The document of the call, if it can be understood.
pub(super) fn document(call: &Call<'_>) -> Result<Box<str>, Fault> {
    let text = call.arguments.required_text("PolicyDocument");
    match PolicyDocument::parse(text) {
        Ok(_) => Ok(text.into()),
        Err(DocumentError::TooLong { .. }) => Err(Fault::named(&code::RAM_INVALID_LENGTH, "PolicyDocument")),
        Err(error) => Err(Fault::with(&code::MALFORMED_POLICY_DOCUMENT, &error.to_string())),
    }
}
