//! `UntagResources`.

use super::{
    filter::at_least_one,
    tagging::{KEYS, RESOURCE_TYPE, RESOURCES},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "UntagResources",
    family: "tag and usage",
    summary: "Takes tags off instances, off all of them or none.",
    description: "Either the tags of some keys, or with `All` every tag; `All` has no effect beside `TagKey`. One of the two is needed: `MissingParameter` otherwise. A key that an instance does not have is no error.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "ResourceId",
            RESOURCES,
            "The instances; one at least.",
            "i-5vn4n3y4laeb2ii9zxxltlvzi",
        ),
        RESOURCE_TYPE,
        Parameter::optional("TagKey", KEYS, "The keys of the tags.", "team"),
        Parameter::optional(
            "All",
            Kind::Boolean,
            "Whether to take all tags off; `false` where it is not given.",
            "false",
        ),
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::INSTANCE_NOT_FOUND],
    ram: Ram::all("ens:UntagResources", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    let instances = at_least_one("ResourceId", arguments.ids("ResourceId"))?;
    let keys = match arguments.texts("TagKey") {
        Some(keys) if !keys.is_empty() => Some(keys.into_iter().map(Into::into).collect()),
        _ if arguments.boolean("All") == Some(true) => None,
        _ => return Err(Fault::missing()),
    };
    Ok(Command::Tag(TagCommand::Untag { instances, keys }))
}
