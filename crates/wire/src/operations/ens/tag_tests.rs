//! The operations on tags, from the text of a call to its answer.

use model::command::InstanceWish;
use serde_json::{Value, json};

use super::testing::World;
use crate::catalogue::Answer;

const INSTANCES: (&str, &str) = ("ResourceType", "instance");

fn entry(id: &str, key: &str, value: &str) -> Value {
    json!({ "ResourceId": id, "ResourceType": "instance", "TagKey": key, "TagValue": value })
}

fn list(world: &mut World, filters: &[(&str, &str)]) -> Answer {
    world.call("ListTagResources", &[&[INSTANCES], filters].concat()).unwrap()
}

#[test]
fn tags_are_put_on_listed_and_taken_off() {
    let mut world = World::new();
    let (a, b) = (world.instance(&[]).to_string(), world.instance(&[]).to_string());
    let (a, b) = (&*a, &*b);
    let tags = [("Tag.1.Key", "team"), ("Tag.1.Value", "blue"), ("Tag.2.Key", "spare"), ("Tag.2.Value", "")];
    let both = [("ResourceId.1", a), ("ResourceId.2", b)];
    world.call("TagResources", &[&[INSTANCES], &both[..], &tags].concat()).unwrap();
    world
        .call(
            "TagResources",
            &[INSTANCES, ("ResourceId.1", a), ("Tag.1.Key", "team"), ("Tag.1.Value", "red")],
        )
        .unwrap();
    let all = list(&mut world, &[]);
    let expected =
        [entry(b, "spare", ""), entry(b, "team", "blue"), entry(a, "spare", ""), entry(a, "team", "red")];
    assert_eq!(all["TagResources"], json!(expected));
    assert!(!all.contains_key("NextToken"), "nothing follows");

    for (filters, expected) in [
        (&[("ResourceId.1", a)][..], &expected[2..]),
        (&[("ResourceId.1", a), ("ResourceId.2", a), ("ResourceId.3", "i-none")], &expected[2..]),
        (&[("Tag.1.Key", "team")], &expected[..]),
        (&[("Tag.1.Key", "team"), ("Tag.1.Value", "blue")], &expected[..2]),
        (&[("Tag.1.Key", "team"), ("Tag.1.Value", "blue"), ("ResourceId.1", a)], &[]),
        (
            &[("Tag.1.Key", "spare"), ("Tag.1.Value", ""), ("Tag.2.Key", "team"), ("Tag.2.Value", "red")],
            &expected[2..],
        ),
        (&[("Tag.1.Key", "none")], &[]),
        (&[("ResourceId", "[]")], &[]),
    ] {
        assert_eq!(list(&mut world, filters)["TagResources"], json!(expected), "{filters:?}");
    }

    world
        .call(
            "UntagResources",
            &[&[INSTANCES], &both[..], &[("TagKey.1", "spare"), ("TagKey.2", "none")]].concat(),
        )
        .unwrap();
    assert_eq!(
        list(&mut world, &[])["TagResources"],
        json!([entry(b, "team", "blue"), entry(a, "team", "red")])
    );
    // `All` has no effect beside keys.
    world.call("UntagResources", &[INSTANCES, both[0], ("TagKey.1", "none"), ("All", "true")]).unwrap();
    assert_eq!(list(&mut world, &[])["TagResources"].as_array().unwrap().len(), 2);
    world.call("UntagResources", &[INSTANCES, both[0], ("All", "true")]).unwrap();
    assert_eq!(list(&mut world, &[])["TagResources"], json!([entry(b, "team", "blue")]));
}

#[test]
fn calls_about_tags_that_make_no_sense_are_refused() {
    let mut world = World::new();
    let instance = world.instance(&[]).to_string();
    let id = ("ResourceId.1", &*instance);
    let (key, value) = (("Tag.1.Key", "k"), ("Tag.1.Value", "v"));
    let (long_key, long_value) = ("k".repeat(65), "v".repeat(129));
    let many: Vec<(String, String)> =
        (1..=51).map(|n| (format!("ResourceId.{n}"), instance.clone())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (&**name, &**value)).collect();
    let crowd = [&many[..], &[INSTANCES, key, value]].concat();
    for (operation, call, code) in [
        ("TagResources", &[INSTANCES, id][..], "MissingParameter"),
        ("TagResources", &[INSTANCES, key, value], "MissingParameter"),
        ("TagResources", &[id, key, value], "MissingParameter"),
        ("TagResources", &[INSTANCES, id, key], "MissingParameter"),
        ("TagResources", &[INSTANCES, id, value], "MissingParameter"),
        ("TagResources", &[("ResourceType", "disk"), id, key, value], "InvalidParameter.ResourceType"),
        ("TagResources", &[INSTANCES, ("ResourceId", "[]"), key, value], "InvalidParameter.ResourceId"),
        ("TagResources", &[INSTANCES, id, ("Tag", "[]")], "InvalidParameter.Tag"),
        ("TagResources", &[INSTANCES, id, ("Tag.1.Key", &long_key), value], "InvalidParameter.Key"),
        ("TagResources", &[INSTANCES, id, ("Tag.1.Key", "aliyun-k"), value], "InvalidParameter.Key"),
        ("TagResources", &[INSTANCES, id, key, ("Tag.1.Value", &long_value)], "InvalidParameter.Value"),
        ("TagResources", &[INSTANCES, ("ResourceId.1", "i-none"), key, value], "InvalidInstanceId.NotFound"),
        ("TagResources", &crowd, "InvalidParameter.ResourceId"),
        ("UntagResources", &[INSTANCES, id], "MissingParameter"),
        ("UntagResources", &[INSTANCES, id, ("All", "false")], "MissingParameter"),
        (
            "UntagResources",
            &[INSTANCES, ("ResourceId.1", "i-none"), ("All", "true")],
            "InvalidInstanceId.NotFound",
        ),
        ("ListTagResources", &[], "MissingParameter"),
        ("ListTagResources", &[INSTANCES, ("NextToken", "later")], "InvalidParameter.NextToken"),
        ("ListTagResources", &[INSTANCES, value], "MissingParameter"),
    ] {
        assert_eq!(world.fault(operation, call), code, "{operation} {call:?}");
    }
    world.limits.tags_per_resource = 1;
    world.call("TagResources", &[INSTANCES, id, key, value]).unwrap();
    let second = [INSTANCES, id, ("Tag.1.Key", "other"), value];
    assert_eq!(world.fault("TagResources", &second), "QuotaExceeded");
}

#[test]
fn steps_stay_right_while_instances_come_and_go() {
    let mut world = World::new();
    let tags = |count: usize| {
        (0..count).map(|n| model::tag::Tag { key: format!("k{n:02}").into(), value: "v".into() }).collect()
    };
    let made = world.run(InstanceWish { amount: 12, tags: tags(10), ..World::wish() });
    world.settle();
    let mut seen = Vec::new();
    let mut token: Option<String> = None;
    for round in 0..3 {
        let answer = match &token {
            Some(token) => list(&mut world, &[("NextToken", token)]),
            None => list(&mut world, &[]),
        };
        let entries = answer["TagResources"].as_array().unwrap();
        assert_eq!(entries.len(), if round < 2 { 50 } else { 20 });
        seen.extend(entries.iter().step_by(10).map(|entry| entry["ResourceId"].as_str().unwrap().to_owned()));
        token = answer.get("NextToken").map(|token| token.as_str().unwrap().to_owned());
        assert_eq!(token.is_some(), round < 2);
        if round == 0 {
            // One more comes, and the very last one that was shown loses its tags.
            world.run(InstanceWish { tags: tags(10), ..World::wish() });
            let last = seen.last().unwrap().clone();
            world.call("UntagResources", &[INSTANCES, ("ResourceId.1", &last), ("All", "true")]).unwrap();
        }
    }
    let expected: Vec<String> = made.iter().rev().map(ToString::to_string).collect();
    assert_eq!(seen, expected);
}

#[test]
fn another_account_s_instances_have_no_tags() {
    let mut world = World::new();
    let instance = world.instance(&[]).to_string();
    let call = [INSTANCES, ("ResourceId.1", &*instance), ("Tag.1.Key", "k"), ("Tag.1.Value", "v")];
    world.call("TagResources", &call).unwrap();
    world.actor = model::Actor::Root(world.new_account("other"));
    assert_eq!(list(&mut world, &[])["TagResources"], json!([]));
    assert_eq!(list(&mut world, &[("ResourceId.1", &instance)])["TagResources"], json!([]));
    assert_eq!(world.fault("TagResources", &call), "InvalidInstanceId.NotFound");
}
