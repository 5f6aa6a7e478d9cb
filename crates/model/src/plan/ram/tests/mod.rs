//! RAM commands against a world in miniature.

mod policies;
mod users;

use super::*;
use crate::{
    command::Command as AnyCommand,
    context::{Limits, Timing, UnixMillis},
    ram::{AccessKey, PolicyName, Secret, UserFields, UserId},
    site::Catalogue,
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
