//! Policies, their versions and attachments.

use std::sync::Arc;

use super::*;
use crate::tag::Tag;

#[test]
fn policies_are_attached_once_and_within_limits() {
    let mut world = World::new();
    let account = world.account;
    let full = system("AliyunENSFullAccess");
    assert_eq!(world.attach(full.clone(), "alice"), Err(not_found(Kind::User, "alice")));
    let id = world.user("alice");
    assert_eq!(world.attach(system("Nothing"), "alice"), Err(not_found(Kind::Policy, "Nothing")));
    assert_eq!(world.attach(custom("own"), "alice"), Err(not_found(Kind::Policy, "own")));
    let detach = |policy| Command::DetachPolicy { policy, user: "alice".into() };
    assert_eq!(world.root(detach(custom("own"))), Err(not_found(Kind::Policy, "own")));
    assert_eq!(world.root(detach(full.clone())), Err(not_found(Kind::Attachment, "AliyunENSFullAccess")));
    let other = Command::DetachPolicy { policy: full.clone(), user: "bob".into() };
    assert_eq!(world.root(other), Err(not_found(Kind::User, "bob")));

    world.limits.system_policies_per_user = 1;
    world.limits.custom_policies_per_user = 1;
    world.policy("own");
    world.policy("more");
    world.attach(full.clone(), "alice").expect("attached");
    world.attach(custom("own"), "alice").expect("attached: the limits are apart");
    assert_eq!(world.attach(full.clone(), "alice"), Err(exists(Kind::Attachment, "AliyunENSFullAccess")));
    let limit = Err(Refusal::Limit { kind: Kind::Attachment, limit: 1 });
    assert_eq!(world.attach(custom("more"), "alice"), limit);
    assert_eq!(world.attach(system("AliyunENSReadOnlyAccess"), "alice"), limit);
    world.root(detach(full)).expect("detached");
    let names: Vec<_> = world.state.users().get(&id).expect("alice").policies.clone();
    assert_eq!(names.iter().map(|own| own.policy.text()).collect::<Vec<_>>(), ["own"]);
    assert_eq!(world.state.attached_to(account, &custom("own")).count(), 1);
}

#[test]
fn a_policy_goes_when_nobody_needs_it() {
    let mut world = World::new();
    let delete = |cascade| Command::DeletePolicy { name: "own".into(), cascade };
    assert_eq!(world.root(delete(false)), Err(not_found(Kind::Policy, "own")));
    world.policy("own");
    assert_eq!(world.root(create_policy("OWN")), Err(exists(Kind::Policy, "own")));
    world.limits.policies_per_account = 1;
    let full = Refusal::Limit { kind: Kind::Policy, limit: 1 };
    assert_eq!(world.root(create_policy("more")), Err(full));
    world.user("alice");
    world.attach(custom("own"), "alice").expect("attached");
    let version = Command::CreatePolicyVersion {
        name: "own".into(),
        document: DOCUMENT.into(),
        set_default: false,
        rotate: false,
    };
    world.root(version).expect("a version");
    for cascade in [false, true] {
        assert_eq!(world.root(delete(cascade)), Err(conflict(Kind::Policy, "own", Kind::User)));
    }
    world.root(Command::DetachPolicy { policy: custom("own"), user: "alice".into() }).expect("detached");
    assert_eq!(world.root(delete(false)), Err(conflict(Kind::Policy, "own", Kind::PolicyVersion)));
    world.root(delete(true)).expect("deleted");
    assert!(world.state.document(world.account, "own").is_none());
}

#[test]
fn versions_come_go_and_are_put_in_force() {
    let mut world = World::new();
    let create = |set_default, rotate| Command::CreatePolicyVersion {
        name: "own".into(),
        document: DOCUMENT.into(),
        set_default,
        rotate,
    };
    let delete = |version| Command::DeletePolicyVersion { name: "own".into(), version };
    let default = |version| Command::SetDefaultPolicyVersion { name: "own".into(), version };
    for command in [create(false, false), delete(1), default(1)] {
        assert_eq!(world.root(command), Err(not_found(Kind::Policy, "own")));
    }
    world.limits.versions_per_policy = 3;
    world.policy("own");
    let made = world.root(create(true, false));
    assert!(matches!(
        made,
        Ok(Outcome::Ram(RamOutcome::PolicyVersion { ref version, default: true })) if version.number == 2
    ));
    world.root(create(false, false)).expect("the third version");
    assert_eq!(world.versions("own"), (vec![1, 2, 3], 2));
    let full = Err(Refusal::Limit { kind: Kind::PolicyVersion, limit: 3 });
    assert_eq!(world.root(create(false, false)), full);
    world.root(create(false, true)).expect("the oldest made room");
    assert_eq!(world.versions("own"), (vec![2, 3, 4], 2), "the one in force stays");
    world.root(create(false, true)).expect("the oldest made room");
    assert_eq!(world.versions("own"), (vec![2, 4, 5], 2));
    assert_eq!(world.root(delete(2)), Err(Refusal::DefaultPolicyVersion));
    assert_eq!(world.root(delete(3)), Err(not_found(Kind::PolicyVersion, "v3")));
    assert_eq!(world.root(default(3)), Err(not_found(Kind::PolicyVersion, "v3")));
    world.root(default(5)).expect("in force");
    world.root(delete(2)).expect("deleted");
    assert_eq!(world.versions("own"), (vec![4, 5], 5));
    // A single version that is in force makes no room.
    world.limits.versions_per_policy = 1;
    world.root(delete(4)).expect("deleted");
    let full = Err(Refusal::Limit { kind: Kind::PolicyVersion, limit: 1 });
    assert_eq!(world.root(create(true, true)), full);
}

#[test]
fn the_document_in_force_is_the_one_that_counts() {
    let mut world = World::new();
    world.policy("own");
    let deny = DOCUMENT.replace("Allow", "Deny");
    let command = |set_default| Command::CreatePolicyVersion {
        name: "own".into(),
        document: deny.as_str().into(),
        set_default,
        rotate: false,
    };
    let before = Arc::clone(world.state.document(world.account, "own").expect("a document"));
    world.root(command(false)).expect("a version");
    assert_eq!(world.state.document(world.account, "own"), Some(&before));
    world.root(command(true)).expect("a version");
    assert_ne!(world.state.document(world.account, "own"), Some(&before));
    let back = Command::SetDefaultPolicyVersion { name: "own".into(), version: 1 };
    world.root(back).expect("back");
    assert_eq!(world.state.document(world.account, "own"), Some(&before));
}

#[test]
fn descriptions_and_tags_are_kept() {
    let mut world = World::new();
    let tag = |key: &str| Tag { key: key.into(), value: "edge".into() };
    let tagged = |tags| Command::CreatePolicy {
        name: "own".into(),
        description: "first".into(),
        document: DOCUMENT.into(),
        tags,
    };
    world.limits.tags_per_resource = 1;
    let full = Err(Refusal::Limit { kind: Kind::Tag, limit: 1 });
    assert_eq!(world.root(tagged(vec![tag("a"), tag("b")])), full);
    world.root(tagged(vec![tag("a")])).expect("a policy");
    let describe =
        |name: &str| Command::UpdatePolicyDescription { name: name.into(), description: "second".into() };
    assert_eq!(world.root(describe("Own")), Err(not_found(Kind::Policy, "Own")));
    let made = world.root(describe("own"));
    let Ok(Outcome::Ram(RamOutcome::Policy(policy))) = made else { panic!("{made:?}") };
    assert_eq!((&*policy.description, &*policy.tags), ("second", &[tag("a")][..]));
    assert!(policy.updated_at > policy.created_at);
}
