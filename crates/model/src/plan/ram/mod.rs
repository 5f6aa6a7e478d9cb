//! Accounts, RAM users, access keys and policies.
//!
//! Whether the caller may do it is decided elsewhere, from its policies; here is only decided whether it fits what
//! exists. Users and policies are looked up by their exact names, because policies name them so, but two names of an
//! account never differ in case alone: people take such names for one.

mod account;
mod key;
mod policy;
mod user;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::Plan;
use crate::{
    account::{AccountId, Actor},
    change::Changes,
    command::Outcome,
    context::{Context, Entropy},
    ram::{CustomPolicy, RamCommand as Command, RamOutcome, User},
    refusal::{Kind, Refusal},
    state::State,
};

/// How often a new number or id is drawn before giving up. One draw is enough unless the entropy is no entropy.
const DRAWS_MAX: usize = 8;

pub(super) fn plan(
    state: &State,
    actor: Actor,
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    match command {
        Command::CreateAccount { name, key } => {
            operator_only(actor)?;
            return account::create(state, name, key.as_ref(), context);
        }
        Command::ResetRootKey { account, key } => {
            operator_only(actor)?;
            return account::reset_root_key(state, *account, key.as_ref(), context);
        }
        _ => {}
    }
    let account = actor.account().ok_or_else(|| Refusal::unfit("Caller", "it has no account"))?;
    match command {
        Command::CreateUser { name, fields } => user::create(state, account, name, fields, context),
        Command::UpdateUser { name, new_name, fields } => {
            user::update(state, account, name, new_name.as_deref(), fields, context)
        }
        Command::DeleteUser { name } => user::delete(state, account, name),
        Command::AttachPolicy { policy, user } => user::attach(state, account, policy, user, context),
        Command::DetachPolicy { policy, user } => user::detach(state, account, policy, user),
        Command::CreateAccessKey { .. }
        | Command::UpdateAccessKey { .. }
        | Command::DeleteAccessKey { .. } => key::plan(state, (actor, account), command, context),
        _ => policy::plan(state, account, command, context),
    }
}

fn operator_only(actor: Actor) -> Result<(), Refusal> {
    match actor {
        Actor::Operator => Ok(()),
        _ => Err(Refusal::unfit("Caller", "accounts are managed by the operator of the server")),
    }
}

/// A new number or id that nothing has yet.
fn fresh<T>(
    entropy: &mut dyn Entropy,
    kind: Kind,
    make: impl Fn(u128) -> T,
    is_taken: impl Fn(&T) -> bool,
) -> Result<T, Refusal> {
    let drawn = (0..DRAWS_MAX).map(|_| make(entropy.next())).find(|made| !is_taken(made));
    drawn.ok_or_else(|| Refusal::RamExists { kind, name: "what was drawn for it".into() })
}

fn not_found(kind: Kind, name: &str) -> Refusal {
    Refusal::RamNotFound { kind, name: name.into() }
}

fn exists(kind: Kind, name: &str) -> Refusal {
    Refusal::RamExists { kind, name: name.into() }
}

fn done_with(changes: Changes, outcome: RamOutcome) -> Plan {
    Plan { changes, outcome: Outcome::Ram(outcome) }
}

/// Whether there is one more place below the limit.
fn room(kind: Kind, count: usize, limit: usize) -> Result<(), Refusal> {
    if count < limit { Ok(()) } else { Err(Refusal::Limit { kind, limit }) }
}

/// Refuses a name that one of the account's others has, in whatever case.
fn unique<'a>(kind: Kind, name: &str, mut others: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    match others.find(|other| other.eq_ignore_ascii_case(name)) {
        Some(other) => Err(exists(kind, other)),
        None => Ok(()),
    }
}

fn find_policy<'s>(
    state: &'s State,
    account: AccountId,
    name: &str,
) -> Result<&'s Arc<CustomPolicy>, Refusal> {
    state.policies().get(&(account, name.into())).ok_or_else(|| not_found(Kind::Policy, name))
}

fn find_user<'s>(state: &'s State, account: AccountId, name: &str) -> Result<&'s Arc<User>, Refusal> {
    state.user_named(account, name).ok_or_else(|| not_found(Kind::User, name))
}
