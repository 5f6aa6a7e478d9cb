//! `TagResources`.

use super::{
    filter::at_least_one,
    tagging::{RESOURCE_TYPE, RESOURCES, TAGS_REQUIRED, tags},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "TagResources",
    family: "tag and usage",
    summary: "Puts tags on instances, on all of them or none.",
    description: "An instance has one tag of a key and up to 20 tags. A tag whose key the instance has already takes its place.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "ResourceId",
            RESOURCES,
            "The instances; one at least.",
            "i-5vn4n3y4laeb2ii9zxxltlvzi",
        ),
        RESOURCE_TYPE,
        Parameter::required("Tag", TAGS_REQUIRED, "The tags; one at least.", ""),
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::INSTANCE_NOT_FOUND, &code::QUOTA_EXCEEDED],
    ram: Ram::all("ens:TagResources", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Tag(TagCommand::Tag {
        instances: at_least_one("ResourceId", call.arguments.ids("ResourceId"))?,
        tags: at_least_one("Tag", Some(tags(call.arguments)))?,
    }))
}
