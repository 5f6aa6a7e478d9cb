use std::net::Ipv4Addr;

use model::{
    Command, Context, Limits, Outcome, State, Timing,
    ram::{RamCommand, RamOutcome, UserFields, UserId},
    site::Catalogue,
};

use super::*;
use crate::catalogue::find as find_operation;

/// A server with one account and the user `alice`.
struct World {
    state: State,
    account: AccountId,
    alice: UserId,
    drawn: u128,
}

/// What the caller sent, and from where.
struct Sent<'a> {
    parameters: &'a [(&'a str, &'a str)],
    source: IpAddr,
    secure: bool,
    now: UnixMillis,
}

impl<'a> Sent<'a> {
    fn with(parameters: &'a [(&'a str, &'a str)]) -> Self {
        Self { parameters, source: Ipv4Addr::new(192, 0, 2, 7).into(), secure: false, now: UnixMillis(0) }
    }
}

impl World {
    fn new() -> Self {
        let mut world = Self { state: State::new(), account: AccountId(0), alice: UserId(0), drawn: 0 };
        let made = world.plan(Actor::Operator, RamCommand::CreateAccount { name: "edge".into(), key: None });
        let Outcome::Ram(RamOutcome::Account(account, _)) = made else { panic!("{made:?}") };
        world.account = account;
        world.alice = world.user("alice");
        world
    }

    fn plan(&mut self, actor: Actor, command: RamCommand) -> Outcome {
        let mut entropy = || {
            self.drawn += 1;
            self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
        };
        let mut context = Context {
            now: UnixMillis(0),
            entropy: &mut entropy,
            limits: &Limits::default(),
            timing: &Timing::default(),
            site: &Catalogue::default(),
        };
        let plan = model::plan(&self.state, actor, &Command::Ram(command), &mut context).unwrap();
        self.state.apply(&plan.changes);
        plan.outcome
    }

    fn root(&mut self, command: RamCommand) -> Outcome {
        self.plan(Actor::Root(self.account), command)
    }

    fn user(&mut self, name: &str) -> UserId {
        let made = self.root(RamCommand::CreateUser { name: name.into(), fields: UserFields::default() });
        let Outcome::Ram(RamOutcome::User(user)) = made else { panic!("{made:?}") };
        user.id
    }

    fn attach(&mut self, policy: PolicyName) {
        self.root(RamCommand::AttachPolicy { policy, user: "alice".into() });
    }

    /// Attaches a new policy with these statements to alice.
    fn grant(&mut self, statements: &str) {
        let name = format!("policy-{}", self.state.next_serial());
        let document = format!(r#"{{"Version":"1","Statement":[{statements}]}}"#);
        self.root(RamCommand::CreatePolicy {
            name: name.as_str().into(),
            description: "".into(),
            document: document.into(),
            tags: Vec::new(),
        });
        self.attach(PolicyName::Custom(name.into()));
    }

    fn allow(&mut self, action: &str, resource: &str) {
        self.grant(&format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#));
    }

    fn decide(&self, actor: Actor, product: Product, operation: &str, sent: &Sent<'_>) -> Result<(), Fault> {
        let operation = find_operation(product, operation).unwrap();
        let parameter =
            |name: &str| sent.parameters.iter().find(|(own, _)| *own == name).map(|(_, value)| *value);
        let user = match actor {
            Actor::User(_, id) => self.state.users().get(&id),
            _ => None,
        };
        let document = |account, name: &str| self.state.document(account, name);
        let policies = user.and_then(|user| Policies::of(user, document));
        decide(policies.as_ref(), actor, operation, parameter, (sent.source, sent.secure, sent.now))
    }

    fn alice_may(&self, product: Product, operation: &str, parameters: &[(&str, &str)]) -> bool {
        let actor = Actor::User(self.account, self.alice);
        self.decide(actor, product, operation, &Sent::with(parameters)).is_ok()
    }
}

const LEAVE: (Product, &str) = (Product::Ens, "LeaveSecurityGroup");

#[test]
fn who_has_no_policy_may_nothing_but_ask_who_it_is() {
    let world = World::new();
    for operation in crate::catalogue::all() {
        let alice = Actor::User(world.account, world.alice);
        let verdict = world.decide(alice, operation.product, operation.name, &Sent::with(&[]));
        if operation.name == "GetCallerIdentity" {
            assert_eq!(verdict, Ok(()));
            continue;
        }
        let fault = verdict.expect_err(operation.name);
        let wanted = match operation.product {
            Product::Ram => (403, "You are not authorized to do this action."),
            _ => (400, "Permission denied."),
        };
        assert_eq!((&*fault.code, (fault.status, &*fault.message)), ("NoPermission", wanted));
        let root = Actor::Root(world.account);
        assert_eq!(world.decide(root, operation.product, operation.name, &Sent::with(&[])), Ok(()));
    }
}

#[test]
fn a_refusal_says_which_action_for_which_resource() {
    let mut world = World::new();
    let alice = Actor::User(world.account, world.alice);
    let sent = Sent::with(&[("UserName", "bob")]);
    let refused = |world: &World| {
        *world.decide(alice, Product::Ram, "GetUser", &sent).unwrap_err().denied.expect("what was refused")
    };
    let resource = format!("acs:ram:*:{}:user/bob", world.account);
    let denied = Denied { action: "ram:GetUser", resource: Some(resource), explicitly: false };
    assert_eq!(refused(&world), denied);
    world.grant(r#"{"Effect":"Deny","Action":"ram:*","Resource":"*"}"#);
    assert_eq!(refused(&world), Denied { explicitly: true, ..denied });
}

#[test]
fn who_is_no_user_is_refused() {
    let mut world = World::new();
    world.attach(PolicyName::System("AdministratorAccess".into()));
    let other = Actor::User(AccountId(7), world.alice);
    let node = Actor::Node(model::NodeId::from_entropy(1));
    for actor in [Actor::Operator, Actor::Clock, node, Actor::User(world.account, UserId(7)), other] {
        assert!(world.decide(actor, LEAVE.0, LEAVE.1, &Sent::with(&[])).is_err(), "{actor:?}");
    }
    assert!(world.alice_may(LEAVE.0, LEAVE.1, &[]));
}

#[test]
fn what_ens_does_not_have_is_allowed_by_its_own_actions_alone() {
    let own = || crate::catalogue::all().filter(|operation| operation.product == Product::Ravelin);
    let mut world = World::new();
    world.attach(PolicyName::System("AliyunENSFullAccess".into()));
    for operation in own() {
        assert!(!world.alice_may(Product::Ravelin, operation.name, &[]), "{}", operation.name);
    }
    world.allow("ravelin:*", "*");
    for operation in own() {
        assert!(world.alice_may(Product::Ravelin, operation.name, &[]), "{}", operation.name);
    }
}

#[test]
fn nodes_are_allowed_one_by_one() {
    let mut world = World::new();
    let (own, other) = ("node-5vn4n3y4laeb2ii9zxxltlvzi", "node-5rllcjb3ol6duzjdnbm1ombn7");
    world.allow("ravelin:*", &format!("acs:ravelin:*:*:node/{own}"));
    for name in
        ["BindNetworkInterface", "DeleteNode", "RevokeNodeCertificate", "CreateNodeToken", "DescribeNodes"]
    {
        assert!(world.alice_may(Product::Ravelin, name, &[("NodeId", own)]), "{name}");
        assert!(!world.alice_may(Product::Ravelin, name, &[("NodeId", other)]), "{name}");
        assert!(!world.alice_may(Product::Ravelin, name, &[]), "{name}");
    }
}

#[test]
fn system_policies_allow_what_they_say() {
    let table = [
        ("AdministratorAccess", [true, true, true, true, true, true]),
        ("AliyunENSFullAccess", [true, true, false, false, false, false]),
        ("AliyunENSReadOnlyAccess", [false, true, false, false, false, false]),
        ("AliyunRAMFullAccess", [false, false, true, true, false, false]),
        ("AliyunRAMReadOnlyAccess", [false, false, false, true, false, false]),
        ("RavelinFullAccess", [false, false, false, false, true, true]),
        ("RavelinReadOnlyAccess", [false, false, false, false, false, true]),
    ];
    let asked = [
        LEAVE,
        (Product::Ens, "DescribeSecurityGroups"),
        (Product::Ram, "CreateUser"),
        (Product::Ram, "ListUsers"),
        (Product::Ravelin, "DeleteNode"),
        (Product::Ravelin, "DescribeNodes"),
    ];
    for (policy, allowed) in table {
        let mut world = World::new();
        world.attach(PolicyName::System(policy.into()));
        for ((product, operation), allowed) in asked.into_iter().zip(allowed) {
            assert_eq!(world.alice_may(product, operation, &[]), allowed, "{policy}: {operation}");
        }
    }
    assert_eq!(table.map(|(name, _)| name), SYSTEM_POLICIES.map(|policy| policy.name));
    assert!(
        !SYSTEM_DOCUMENTS.iter().any(|document| **document == PolicyDocument::deny_all()),
        "each of them can be read"
    );
}

#[test]
fn a_deny_wins_over_every_policy() {
    let mut world = World::new();
    world.attach(PolicyName::System("AdministratorAccess".into()));
    world.grant(r#"{"Effect":"Deny","Action":"ens:Leave*","Resource":"*"}"#);
    assert!(!world.alice_may(LEAVE.0, LEAVE.1, &[]));
    assert!(world.alice_may(Product::Ens, "JoinSecurityGroup", &[]));
    world.grant(r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#);
    assert!(!world.alice_may(Product::Ens, "JoinSecurityGroup", &[]));
    assert!(world.alice_may(Product::Sts, "GetCallerIdentity", &[]));
}

#[test]
fn conditions_see_where_when_and_how() {
    let mut world = World::new();
    world.grant(
        r#"{"Effect":"Allow","Action":"ens:*","Resource":"*","Condition":{
            "IpAddress":{"acs:SourceIp":"192.0.2.0/24"},
            "Bool":{"acs:SecureTransport":"true"},
            "DateLessThan":{"acs:CurrentTime":"2026-01-01T00:00:00Z"}}}"#,
    );
    let alice = Actor::User(world.account, world.alice);
    let may = |sent: &Sent<'_>| world.decide(alice, LEAVE.0, LEAVE.1, sent).is_ok();
    let good = || Sent { secure: true, ..Sent::with(&[]) };
    assert!(may(&good()));
    assert!(!may(&Sent { secure: false, ..good() }));
    assert!(!may(&Sent { source: Ipv4Addr::new(198, 51, 100, 7).into(), ..good() }));
    assert!(!may(&Sent { now: UnixMillis(1_767_225_600_000), ..good() }));
}

#[test]
fn a_named_resource_is_the_one_that_was_sent() {
    let mut world = World::new();
    world.allow("ram:*", "acs:ram:*:*:user/bob");
    for (parameters, allowed) in [
        (&[("UserName", "bob")][..], true),
        (&[("UserName", "Bob")], false),
        (&[("UserName", "alice")], false),
        (&[("UserName", "")], false),
        (&[], false),
    ] {
        assert_eq!(world.alice_may(Product::Ram, "GetUser", parameters), allowed, "{parameters:?}");
    }
    // Making or listing users is about all of them.
    assert!(!world.alice_may(Product::Ram, "CreateUser", &[("UserName", "bob")]));
    assert!(!world.alice_may(Product::Ram, "ListUsers", &[]));
    world.allow("ram:CreateUser", "acs:ram:*:*:user/*");
    assert!(world.alice_may(Product::Ram, "CreateUser", &[("UserName", "bob")]));
    // Another account's users are not meant.
    let mut other = World::new();
    other.allow("ram:*", "acs:ram:*:1:user/*");
    assert!(!other.alice_may(Product::Ram, "GetUser", &[("UserName", "bob")]));
}

#[test]
fn keys_without_a_name_are_the_callers_own() {
    let mut world = World::new();
    world.allow("ram:*AccessKey*", "acs:ram:*:*:user/alice");
    for operation in ["CreateAccessKey", "UpdateAccessKey", "DeleteAccessKey", "ListAccessKeys"] {
        assert!(world.alice_may(Product::Ram, operation, &[]), "{operation}");
        assert!(world.alice_may(Product::Ram, operation, &[("UserName", "alice")]), "{operation}");
        assert!(!world.alice_may(Product::Ram, operation, &[("UserName", "bob")]), "{operation}");
    }
    // Leaving the name out is no way around a Deny.
    world.grant(r#"{"Effect":"Deny","Action":"ram:CreateAccessKey","Resource":"acs:ram:*:*:user/alice"}"#);
    assert!(!world.alice_may(Product::Ram, "CreateAccessKey", &[]));
    // A new name makes another resource of it.
    let (name, new_name) = ("alice".into(), Some("eve".into()));
    world.root(RamCommand::UpdateUser { name, new_name, fields: UserFields::default() });
    assert!(!world.alice_may(Product::Ram, "ListAccessKeys", &[]));
}

#[test]
fn attaching_needs_the_user_and_the_policy() {
    let user = ("UserName", "bob");
    let own = [user, ("PolicyType", "Custom"), ("PolicyName", "own")];
    let system = [user, ("PolicyType", "System"), ("PolicyName", "AdministratorAccess")];
    let may = |world: &World, parameters: &[(&str, &str)]| {
        ["AttachPolicyToUser", "DetachPolicyFromUser"]
            .map(|operation| world.alice_may(Product::Ram, operation, parameters))
    };
    let mut world = World::new();
    world.allow("ram:*", "acs:ram:*:*:user/bob");
    assert_eq!((may(&world, &own), may(&world, &system)), ([false; 2], [false; 2]));
    let account = world.account;
    world.allow("ram:*", &format!("acs:ram:*:{account}:policy/own"));
    assert_eq!((may(&world, &own), may(&world, &system)), ([true; 2], [false; 2]));
    assert_eq!(may(&world, &[("UserName", "carol"), own[1], own[2]]), [false; 2]);
    // One's own policies are not the system's, whatever they are called.
    world.allow("ram:*", &format!("acs:ram:*:{account}:policy/*"));
    assert_eq!((may(&world, &own), may(&world, &system)), ([true; 2], [false; 2]));
    world.allow("ram:*", "acs:ram:*:system:policy/AdministratorAccess");
    assert_eq!(may(&world, &system), [true; 2]);
}

#[test]
fn policies_are_named_by_type() {
    let mut world = World::new();
    world.allow("ram:Get*", "acs:ram:*:system:policy/*");
    let named = |kind| [("PolicyType", kind), ("PolicyName", "AliyunENSFullAccess")];
    for operation in ["GetPolicy", "GetPolicyVersion"] {
        assert!(world.alice_may(Product::Ram, operation, &named("System")));
        assert!(!world.alice_may(Product::Ram, operation, &named("Custom")));
    }
    assert!(!world.alice_may(Product::Ram, "DeletePolicy", &named("System")));
}

#[test]
fn a_policy_that_cannot_be_found_might_have_denied() {
    let mut world = World::new();
    world.attach(PolicyName::System("AdministratorAccess".into()));
    world.allow("ens:*", "*");
    let user = world.state.users().get(&world.alice).unwrap();
    assert!(Policies::of(user, |account, name| world.state.document(account, name)).is_some());
    assert!(Policies::of(user, |_, _| None).is_none());
}

#[test]
fn a_name_longer_than_any_is_compared_with_nothing() {
    let mut world = World::new();
    world.allow("ram:GetUser", &format!("acs:ram:*:*:user/*{}b", "a".repeat(5_000)));
    let long = "a".repeat(2_000_000);
    assert!(!world.alice_may(Product::Ram, "GetUser", &[("UserName", &long)]));
}
