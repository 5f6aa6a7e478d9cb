//! `Command` -> `Changes` or one `Refusal`.
//!
//! The order of checks is the contract's: existence (group, then target), state, membership, limits.

mod binding;
mod clock;
mod draft;
mod hosting;
mod instance;
mod interface;
mod network;
mod node;
mod ram;
mod security_group;
mod tag;

use std::sync::Arc;

use crate::{
    account::{AccountId, Actor},
    change::Changes,
    command::{Command, Outcome},
    context::Context,
    interface::NetworkInterface,
    refusal::Refusal,
    state::State,
};

/// A command that is legal: what it changes, and what it made.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What it changes. Nothing may have to change: the command is legal and its effect is there already.
    pub changes: Changes,
    /// What it made.
    pub outcome: Outcome,
}

impl Plan {
    fn done(changes: Changes) -> Self {
        Self { changes, outcome: Outcome::Done }
    }
}

/// The serials of the entities that one plan makes, in the order in which it makes them.
struct Serials(u64);

impl Serials {
    fn after(state: &State) -> Self {
        Self(state.next_serial())
    }

    fn next(&mut self) -> u64 {
        let serial = self.0;
        self.0 += 1;
        serial
    }
}

/// How many of those that still use a resource are named in a refusal.
const USERS_NAMED: usize = 5;

/// A refusal because interfaces still use a resource. A primary interface is named by its instance: that is what
/// people can act on.
fn in_use_by_interfaces<'a>(
    what: String,
    interfaces: impl Iterator<Item = &'a Arc<NetworkInterface>>,
    total: usize,
) -> Refusal {
    let users = interfaces.take(USERS_NAMED).map(|interface| match interface.instance {
        Some(instance) if interface.primary => format!("instance {instance}"),
        _ => format!("network interface {}", interface.id),
    });
    Refusal::InUse { what, users: users.collect(), total }
}

/// Plans a command against a state. Changes nothing.
///
/// # Errors
/// The one reason why the command is not legal.
pub fn plan(
    state: &State,
    actor: Actor,
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    if let Command::Ram(command) = command {
        return ram::plan(state, actor, command, context);
    }
    if let Command::Advance { most } = command {
        return Ok(clock::advance(state, *most, context));
    }
    // Resources belong to accounts: the operator, the clock and nodes have none, and see nobody's.
    let account = actor.account().unwrap_or(AccountId(0));
    match command {
        Command::SecurityGroup(command) => security_group::plan(state, account, command, context),
        Command::Instance(command) => instance::plan(state, account, command, context),
        Command::Interface(command) => interface::plan(state, account, command, context),
        Command::Network(command) => network::plan(state, account, command, context),
        Command::Tag(command) => tag::plan(state, account, command, context),
        Command::Node(command) => node::plan(state, actor, command, context),
        Command::Ram(_) | Command::Advance { .. } => Ok(Plan::done(Changes::default())),
    }
}
