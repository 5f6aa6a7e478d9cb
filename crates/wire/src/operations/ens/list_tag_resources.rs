//! `ListTagResources`.

use std::sync::Arc;

use model::{InstanceId, instance::Instance, tag::Tag};

use super::{
    filter::newest_first,
    tagging::{RESOURCE_TYPE, RESOURCES, TAGS},
};
use crate::catalogue::prelude::*;

/// A step ends with the instance whose tags make it this long.
const ENTRIES: usize = 50;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "ListTagResources",
    family: "tag and usage",
    summary: "Lists instances with their tags, the newest instance first, an entry a tag.",
    description: "With `ResourceId` the tags of these instances, with `Tag` all tags of the instances that have every one of these; both hold at once. A tag that is looked for without `Value` may have any.\n\nThe answer comes in steps of about 50 entries: send its `NextToken` with the same filters to get the next one; the last one has none. Steps neither repeat nor miss an instance that stays, whatever comes and goes meanwhile.",
    methods: Methods::GetOrPost,
    parameters: &[
        RESOURCE_TYPE,
        Parameter::optional("ResourceId", RESOURCES, "These instances alone.", "i-5vn4n3y4laeb2ii9zxxltlvzi"),
        Parameter::optional("Tag", TAGS, "Instances with these tags alone.", ""),
        Parameter::optional(
            "NextToken",
            Kind::text(64),
            "Where the next step begins, from the answer of the last one.",
            "17",
        ),
    ],
    exactly_one: &[],
    answer: &[
        Field::text("NextToken", "17"),
        Field::text("TagResources[].ResourceId", "i-5vn4n3y4laeb2ii9zxxltlvzi"),
        Field::text("TagResources[].ResourceType", "instance"),
        Field::text("TagResources[].TagKey", "team"),
        Field::text("TagResources[].TagValue", "blue"),
    ],
    errors: &[],
    ram: Ram::all("ens:ListTagResources", Access::List),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let arguments = call.arguments;
    let wanted: Vec<(&str, Option<&str>)> =
        arguments.objects("Tag").map(|tag| (tag.required_text("Key"), tag.text("Value"))).collect();
    // The token is the serial of the last instance that was shown.
    let before: u64 = match arguments.text("NextToken") {
        Some(token) => token.parse().map_err(|_| Fault::malformed("NextToken"))?,
        None => u64::MAX,
    };
    let found: Box<dyn Iterator<Item = &Arc<Instance>>> =
        match arguments.ids::<model::id::InstanceKind>("ResourceId") {
            Some(ids) => {
                let get = |id: &InstanceId| state.instances().of(call.account, id);
                Box::new(newest_first(ids.iter().filter_map(get)).into_iter())
            }
            None => Box::new(state.instances().newest_first(call.account)),
        };
    let has = |instance: &&Arc<Instance>| {
        instance.serial < before
            && !instance.tags.is_empty()
            && wanted.iter().all(|tag| has_tag(&instance.tags, *tag))
    };
    Ok(step(found.filter(has)))
}

fn has_tag(tags: &[Tag], (key, value): (&str, Option<&str>)) -> bool {
    tags.iter().any(|tag| &*tag.key == key && value.is_none_or(|value| &*tag.value == value))
}

/// The entries of whole instances until there are enough; a token if more follows.
fn step<'a>(instances: impl Iterator<Item = &'a Arc<Instance>>) -> Answer {
    let mut entries: Vec<Value> = Vec::new();
    let mut last = None;
    let mut answer = Answer::new();
    for instance in instances {
        if entries.len() >= ENTRIES {
            if let Some(serial) = last {
                answer.insert("NextToken".into(), json!(format!("{serial}")));
            }
            break;
        }
        entries.extend(instance.tags.iter().map(|tag| entry(instance, tag)));
        last = Some(instance.serial);
    }
    answer.insert("TagResources".into(), Value::Array(entries));
    answer
}

fn entry(instance: &Instance, tag: &Tag) -> Value {
    json!({
        "ResourceId": instance.id.to_string(),
        "ResourceType": "instance",
        "TagKey": tag.key,
        "TagValue": tag.value,
    })
}
