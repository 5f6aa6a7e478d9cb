//! Tags of instances.

use std::{collections::BTreeSet, sync::Arc};

use super::{Plan, instance};
use crate::{
    account::AccountId,
    change::Changes,
    command::TagCommand as Command,
    context::Context,
    id::InstanceId,
    instance::Instance,
    refusal::{Kind, Refusal},
    state::State,
    tag::{self, Tags},
};

pub(super) fn plan(
    state: &State,
    account: AccountId,
    command: &Command,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    match command {
        Command::Tag { instances, tags } => {
            let limit = context.limits.tags_per_resource;
            retag(state, account, instances, |own| {
                let all = tag::with(own, tags);
                if all.len() > limit { Err(Refusal::Limit { kind: Kind::Tag, limit }) } else { Ok(all) }
            })
        }
        Command::Untag { instances, keys } => retag(state, account, instances, |own| {
            Ok(keys.as_ref().map_or_else(Tags::default, |keys| tag::without(own, keys)))
        }),
    }
}

/// Gives each instance the tags that `change` makes of its own; an instance that is named twice counts once.
fn retag(
    state: &State,
    account: AccountId,
    instances: &[InstanceId],
    change: impl Fn(&Tags) -> Result<Tags, Refusal>,
) -> Result<Plan, Refusal> {
    let instances: BTreeSet<InstanceId> = instances.iter().copied().collect();
    let found: Result<Vec<_>, _> = instances.iter().map(|id| instance::find(state, account, *id)).collect();
    let mut changes = Changes::default();
    for before in found? {
        let tags = change(&before.tags)?;
        if tags != before.tags {
            changes.update(Arc::clone(before), Instance { tags, ..Instance::clone(before) });
        }
    }
    Ok(Plan::done(changes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        tag::Tag,
        world::{World, wish},
    };

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: key.into(), value: value.into() }
    }

    #[test]
    fn tags_are_put_over_those_that_are_there_and_taken_off() {
        let mut world = World::new();
        world.limits.tags_per_resource = 2;
        let ids = [world.running(wish()), world.running(wish())];
        let put = |tags: &[Tag]| Command::Tag { instances: vec![ids[0], ids[1], ids[0]], tags: tags.into() };
        world.must(put(&[tag("b", "1"), tag("a", "1")]));
        world.must(put(&[tag("a", "2")]));
        assert_eq!(*world.instance(ids[1]).tags, [tag("a", "2"), tag("b", "1")]);
        assert_eq!(world.act(put(&[tag("c", "")])), Err(Refusal::Limit { kind: Kind::Tag, limit: 2 }));
        let off = |keys: Option<Vec<Box<str>>>| Command::Untag { instances: vec![ids[0]], keys };
        world.must(off(Some(vec!["a".into(), "z".into()])));
        assert_eq!(*world.instance(ids[0]).tags, [tag("b", "1")]);
        world.must(off(None));
        assert!(world.instance(ids[0]).tags.is_empty());
        assert_eq!(world.instance(ids[1]).tags.len(), 2);
    }

    #[test]
    fn all_the_instances_must_exist() {
        let mut world = World::new();
        let id = world.running(wish());
        let instances = vec![id, InstanceId::from_entropy(5)];
        let put = Command::Tag { instances: instances.clone(), tags: vec![tag("a", "")] };
        assert_eq!(world.act(put), Err(Refusal::InstanceNotFound));
        assert!(world.instance(id).tags.is_empty());
        assert_eq!(world.act(Command::Untag { instances, keys: None }), Err(Refusal::InstanceNotFound));
    }
}
