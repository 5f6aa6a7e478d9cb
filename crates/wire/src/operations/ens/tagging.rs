//! Tags on the wire, as the vendor's reference has them.

use model::tag::Tag;

use crate::catalogue::prelude::*;

/// The most tags that one request may name.
const TAGS_MAX: usize = 20;

/// The most resources that one request may name.
const RESOURCES_MAX: usize = 50;

/// What a key of a tag must look like.
const KEY: Kind = Kind::form(1, 64, Form::TAG_KEY);

/// What a value of a tag must look like.
const VALUE: Kind = Kind::form(0, 128, Form::TAG_VALUE);

/// The words of a key that is looked for: also such as no tag can have.
pub(super) const KEYS: Kind = Kind::List { of: &Kind::text(64), max: TAGS_MAX, encoding: Encoding::Numbered };

const fn tags_of(fields: &'static [Parameter]) -> Kind {
    Kind::Objects { fields, max: TAGS_MAX, encoding: Encoding::Numbered }
}

/// `Tag` of a request that makes a resource, or looks for resources. The vendor marks the key of such a tag optional,
/// as the tag itself is; but a tag without a key is none.
pub(super) const TAGS: Kind = tags_of(&[
    Parameter::required("Key", KEY, "The key.", "team"),
    Parameter::optional("Value", VALUE, "The value.", "blue"),
]);

/// `Tag` of a request that puts tags on resources.
pub(super) const TAGS_REQUIRED: Kind = tags_of(&[
    Parameter::required("Key", KEY, "The key.", "team"),
    Parameter::required("Value", VALUE, "The value; may be empty.", "blue"),
]);

/// `ResourceType`: tags are on instances.
pub(super) const RESOURCE_TYPE: Parameter =
    Parameter::required("ResourceType", Kind::OneOf(&["instance"]), "The kind of the resources.", "instance");

/// A list of resources.
pub(super) const RESOURCES: Kind =
    Kind::List { of: &Kind::Id, max: RESOURCES_MAX, encoding: Encoding::Numbered };

/// The tags that a request puts on something; a value that is not given is empty.
pub(super) fn tags(arguments: &Arguments) -> Vec<Tag> {
    let tag = |tag: &Arguments| Tag {
        key: tag.required_text("Key").into(),
        value: tag.required_text("Value").into(),
    };
    arguments.objects("Tag").map(tag).collect()
}

/// Tags as answers about networks and vSwitches show them: under their names of today and of old.
pub(super) fn shown(tags: &[Tag]) -> Value {
    let tag =
        |tag: &Tag| json!({ "Key": tag.key, "Value": tag.value, "TagKey": tag.key, "TagValue": tag.value });
    json!({ "Tag": tags.iter().map(tag).collect::<Vec<_>>() })
}
