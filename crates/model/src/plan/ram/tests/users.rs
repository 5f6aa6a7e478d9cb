//! Accounts, users and access keys.

use super::*;
use crate::ram::KeyPair;

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
