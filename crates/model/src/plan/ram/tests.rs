use std::sync::Arc;

use super::*;
use crate::{
    command::Command as AnyCommand,
    context::{Limits, Timing, UnixMillis},
    ram::{AccessKey, KeyPair, PolicyName, Secret, UserFields, UserId},
    site::Catalogue,
    tag::Tag,
};

/// A server in miniature: plans a command, applies it, and checks that the indexes are those of the entities.
struct World {
    state: State,
    limits: Limits,
    drawn: u128,
    now: UnixMillis,
    account: AccountId,
    root: AccessKey,
}

const DOCUMENT: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ens:*","Resource":"*"}]}"#;

impl World {
    fn new() -> Self {
        let key = AccessKey {
            id: "".into(),
            account: AccountId(0),
            user: None,
            serial: 0,
            secret: Secret::new(""),
            active: false,
            created_at: UnixMillis(0),
        };
        let (state, limits) = (State::new(), Limits::default());
        let mut world =
            Self { state, limits, drawn: 0, now: UnixMillis(1_000), account: AccountId(0), root: key };
        let made = world.run(Actor::Operator, Command::CreateAccount { name: "edge".into(), key: None });
        let Ok(Outcome::Ram(RamOutcome::Account(account, root))) = made else { panic!("{made:?}") };
        world.account = account;
        world.root = root;
        world
    }

    fn run(&mut self, actor: Actor, command: Command) -> Result<Outcome, Refusal> {
        let mut entropy = || {
            self.drawn += 1;
            // Spread over all bits, so that ids differ.
            self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
        };
        self.now = self.now.plus(1_000);
        let mut context = Context {
            now: self.now,
            entropy: &mut entropy,
            limits: &self.limits,
            timing: &Timing::default(),
            site: &Catalogue::default(),
        };
        let plan = crate::plan(&self.state, actor, &AnyCommand::Ram(command), &mut context)?;
        self.state.apply(&plan.changes);
        self.state.same_as(&self.state.recomputed()).expect("indexes that follow from the entities");
        Ok(plan.outcome)
    }

    fn root(&mut self, command: Command) -> Result<Outcome, Refusal> {
        self.run(Actor::Root(self.account), command)
    }

    fn user(&mut self, name: &str) -> UserId {
        let made = self.root(Command::CreateUser { name: name.into(), fields: UserFields::default() });
        let Ok(Outcome::Ram(RamOutcome::User(user))) = made else { panic!("{made:?}") };
        user.id
    }

    fn key(&mut self, actor: Actor, user: Option<&str>) -> Result<AccessKey, Refusal> {
        match self.run(actor, Command::CreateAccessKey { user: user.map(Into::into) })? {
            Outcome::Ram(RamOutcome::AccessKey(key)) => Ok(key),
            other => panic!("{other:?}"),
        }
    }

    fn policy(&mut self, name: &str) {
        self.root(create_policy(name)).expect("a policy");
    }

    fn attach(&mut self, policy: PolicyName, user: &str) -> Result<Outcome, Refusal> {
        self.root(Command::AttachPolicy { policy, user: user.into() })
    }

    fn keys(&self, user: Option<UserId>) -> Vec<Box<str>> {
        self.state.keys_of(self.account, user).map(|key| key.id.clone()).collect()
    }

    fn versions(&self, policy: &str) -> (Vec<u32>, u32) {
        let policy = self.state.policies().get(&(self.account, policy.into())).expect("the policy");
        (policy.versions.iter().map(|version| version.number).collect(), policy.default_version)
    }
}

fn create_policy(name: &str) -> Command {
    Command::CreatePolicy {
        name: name.into(),
        description: "".into(),
        document: DOCUMENT.into(),
        tags: Vec::new(),
    }
}

fn system(name: &str) -> PolicyName {
    PolicyName::System(name.into())
}

fn custom(name: &str) -> PolicyName {
    PolicyName::Custom(name.into())
}

fn rename(name: &str, new_name: &str) -> Command {
    let fields = UserFields::default();
    Command::UpdateUser { name: name.into(), new_name: Some(new_name.into()), fields }
}

fn conflict(kind: Kind, name: &str, holds: Kind) -> Refusal {
    Refusal::RamDeleteConflict { kind, name: name.into(), holds }
}

#[test]
fn keys_look_like_keys_and_show_no_secret() {
    let mut world = World::new();
    let made = world.root(Command::CreateAccessKey { user: None }).expect("a key");
    let Outcome::Ram(RamOutcome::AccessKey(key)) = &made else { panic!("{made:?}") };
    assert_eq!((key.id.len(), key.secret.reveal().len()), (24, 30));
    assert!(key.id.starts_with("LTAI5t") && key.active && key.user.is_none());
    assert!(key.id.chars().chain(key.secret.reveal().chars()).all(|c| c.is_ascii_alphanumeric()));
    assert_ne!(key.secret.reveal(), world.root.secret.reveal());
    assert!(!format!("{made:?}").contains(key.secret.reveal()));
    let changes = format!("{:?}", world.state.access_key(&key.id));
    assert!(!changes.contains(key.secret.reveal()), "{changes}");
}

#[test]
fn an_id_that_is_taken_is_drawn_again() {
    let mut world = World::new();
    let before = world.drawn;
    let first = world.key(Actor::Root(world.account), None).expect("a key");
    world.drawn = before;
    let second = world.user("alice");
    world.drawn = before;
    let third = world.key(Actor::Root(world.account), Some("alice")).expect("a key");
    assert_ne!(first.id, third.id);
    assert_eq!(third.user, Some(second));
    // Entropy that is none ends in a refusal, not in a loop.
    let mut stuck = || 0_u128;
    let taken = |_: &AccountId| true;
    let refusal = fresh(&mut stuck, Kind::Account, AccountId::from_entropy, taken);
    assert!(matches!(refusal, Err(Refusal::RamExists { kind: Kind::Account, .. })));
}

#[test]
fn accounts_are_the_operators() {
    let mut world = World::new();
    let account = world.account;
    let create = || Command::CreateAccount { name: "other".into(), key: None };
    let reset = |key| Command::ResetRootKey { account, key };
    for actor in [Actor::Root(account), Actor::User(account, UserId(1)), Actor::Clock] {
        assert!(matches!(world.run(actor, create()), Err(Refusal::Unfit { .. })));
        assert!(matches!(world.run(actor, reset(None)), Err(Refusal::Unfit { .. })));
    }
    let again = Command::CreateAccount { name: "edge".into(), key: None };
    assert_eq!(world.run(Actor::Operator, again), Err(exists(Kind::Account, "edge")));
    let nobody = Command::ResetRootKey { account: AccountId(7), key: None };
    assert_eq!(world.run(Actor::Operator, nobody), Err(not_found(Kind::Account, "0000000000000007")));
    // The operator has no account of its own.
    let user = Command::CreateUser { name: "alice".into(), fields: UserFields::default() };
    assert!(matches!(world.run(Actor::Operator, user), Err(Refusal::Unfit { .. })));
}

#[test]
fn a_reset_leaves_one_root_key() {
    let mut world = World::new();
    let account = world.account;
    world.key(Actor::Root(account), None).expect("a second root key");
    let given = |id: &str| Some(KeyPair { id: id.into(), secret: Secret::new("chosen") });
    world.user("alice");
    let alices = world.key(Actor::Root(account), Some("alice")).expect("a key");
    let taken = Command::ResetRootKey { account, key: given(&alices.id) };
    assert_eq!(world.run(Actor::Operator, taken), Err(exists(Kind::AccessKey, &alices.id)));

    let own = world.root.id.clone();
    for key in [None, given("mine"), given("mine"), given(&own)] {
        let wanted = key.as_ref().map(|pair| pair.id.clone());
        world.run(Actor::Operator, Command::ResetRootKey { account, key }).expect("a reset");
        let keys = world.keys(None);
        assert_eq!(keys.len(), 1);
        assert!(wanted.is_none_or(|id| id == keys[0]));
    }
    assert_eq!(world.state.access_key(&own).map(|key| key.secret.reveal().to_owned()), Some("chosen".into()));
    assert!(world.state.access_key(&alices.id).is_some(), "users keep their keys");
}

#[test]
fn names_of_users_are_unique_whatever_their_case() {
    let mut world = World::new();
    world.user("alice");
    let id = world.user("Bob");
    let again = Command::CreateUser { name: "ALICE".into(), fields: UserFields::default() };
    assert_eq!(world.root(again), Err(exists(Kind::User, "alice")));
    assert_eq!(world.root(rename("Bob", "Alice")), Err(exists(Kind::User, "alice")));
    assert_eq!(world.root(rename("bob", "carol")), Err(not_found(Kind::User, "bob")));
    // A user may change the case of its own name.
    assert!(world.root(rename("Bob", "bob")).is_ok());
    assert_eq!(world.state.user_named(world.account, "bob").map(|user| user.id), Some(id));
    assert!(world.state.user_named(world.account, "Bob").is_none());
    world.limits.users_per_account = 2;
    let third = Command::CreateUser { name: "carol".into(), fields: UserFields::default() };
    assert_eq!(world.root(third), Err(Refusal::Limit { kind: Kind::User, limit: 2 }));
    // Another account's names are its own.
    let made = world.run(Actor::Operator, Command::CreateAccount { name: "other".into(), key: None });
    let Ok(Outcome::Ram(RamOutcome::Account(other, _))) = made else { panic!("{made:?}") };
    let command = Command::CreateUser { name: "alice".into(), fields: UserFields::default() };
    assert!(world.run(Actor::Root(other), command).is_ok());
}

#[test]
fn a_renamed_user_keeps_keys_and_policies() {
    let mut world = World::new();
    let id = world.user("alice");
    let key = world.key(Actor::User(world.account, id), None).expect("a key of its own");
    world.attach(system("AliyunENSFullAccess"), "alice").expect("attached");
    let fields = UserFields {
        display_name: Some("Alice".into()),
        mobile_phone: Some("86-18688880000".into()),
        email: Some("alice@example.com".into()),
        comments: Some("on call".into()),
    };
    let command = Command::UpdateUser { name: "alice".into(), new_name: Some("eve".into()), fields };
    let Ok(Outcome::Ram(RamOutcome::User(user))) = world.root(command) else { panic!("no user") };
    assert_eq!((&*user.name, &*user.display_name, &*user.comments), ("eve", "Alice", "on call"));
    assert!(user.updated_at > user.created_at);
    // What is not given stays.
    let Ok(Outcome::Ram(RamOutcome::User(user))) = world.root(rename("eve", "eva")) else {
        panic!("no user")
    };
    assert_eq!((&*user.email, &*user.mobile_phone), ("alice@example.com", "86-18688880000"));
    assert_eq!(world.keys(Some(id)), [key.id]);
    let attached: Vec<_> = world
        .state
        .attached_to(world.account, &system("AliyunENSFullAccess"))
        .map(|u| u.name.clone())
        .collect();
    assert_eq!(attached, ["eva".into()]);
}

#[test]
fn a_user_with_keys_or_policies_stays() {
    let mut world = World::new();
    let delete = |name: &str| Command::DeleteUser { name: name.into() };
    assert_eq!(world.root(delete("alice")), Err(not_found(Kind::User, "alice")));
    let id = world.user("alice");
    let key = world.key(Actor::Root(world.account), Some("alice")).expect("a key");
    world.attach(system("AliyunENSReadOnlyAccess"), "alice").expect("attached");
    assert_eq!(world.root(delete("alice")), Err(conflict(Kind::User, "alice", Kind::AccessKey)));
    let gone = Command::DeleteAccessKey { user: Some("alice".into()), key: key.id };
    world.root(gone).expect("deleted");
    assert_eq!(world.root(delete("alice")), Err(conflict(Kind::User, "alice", Kind::Attachment)));
    let detach = Command::DetachPolicy { policy: system("AliyunENSReadOnlyAccess"), user: "alice".into() };
    world.root(detach).expect("detached");
    world.root(delete("alice")).expect("deleted");
    assert!(world.state.user_named(world.account, "alice").is_none());
    // A key that outlives its user's deletion in somebody's hands makes no new key.
    let orphan = world.key(Actor::User(world.account, id), None);
    assert_eq!(orphan.err(), Some(not_found(Kind::User, &id.to_string())));
}

#[test]
fn keys_belong_to_one_owner() {
    let mut world = World::new();
    let (root, id) = (Actor::Root(world.account), world.user("alice"));
    let alice = Actor::User(world.account, id);
    let own = world.key(alice, None).expect("a key");
    assert_eq!(own.user, Some(id));
    world.key(root, Some("alice")).expect("a second key");
    let full = Refusal::Limit { kind: Kind::AccessKey, limit: 2 };
    assert_eq!(world.key(alice, None).err(), Some(full.clone()));
    world.key(root, None).expect("a second root key");
    assert_eq!(world.key(root, None).err(), Some(full));
    assert_eq!(world.key(root, Some("bob")).err(), Some(not_found(Kind::User, "bob")));

    let root_id = world.root.id.clone();
    let switch = |user: Option<&str>, key: &str, active| Command::UpdateAccessKey {
        user: user.map(Into::into),
        key: key.into(),
        active,
    };
    let delete = |user: Option<&str>, key: &str| Command::DeleteAccessKey {
        user: user.map(Into::into),
        key: key.into(),
    };
    // Neither a user the root's, nor the root a user's without naming it.
    for (actor, key) in [(alice, &root_id), (root, &own.id)] {
        let missing = Err(not_found(Kind::AccessKey, key));
        assert_eq!(world.run(actor, switch(None, key, false)), missing);
        assert_eq!(world.run(actor, delete(None, key)), missing);
    }
    let active = |world: &World| world.state.access_key(&own.id).map(|key| key.active);
    world.run(alice, switch(None, &own.id, false)).expect("off");
    assert_eq!(active(&world), Some(false));
    world.run(root, switch(Some("alice"), &own.id, false)).expect("off already");
    world.run(root, switch(Some("alice"), &own.id, true)).expect("on");
    assert_eq!(active(&world), Some(true));
    world.run(alice, delete(None, &own.id)).expect("deleted");
    assert_eq!((active(&world), world.keys(Some(id)).len()), (None, 1));
}

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
