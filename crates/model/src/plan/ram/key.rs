//! Access keys.

use std::sync::Arc;

use super::{Plan, done_with, find_user, fresh, not_found, room};
use crate::{
    account::{AccountId, Actor},
    change::Changes,
    context::Context,
    ram::{AccessKey, RamCommand as Command, RamOutcome, Secret, UserId},
    refusal::{Kind, Refusal},
    state::State,
};

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// What ids of access keys begin with: clients and secret scanners know access keys by it.
const ID_PREFIX: &str = "LTAI5t";
/// Characters after the prefix: 107 bits.
const ID_CHARACTERS: usize = 18;
/// Characters of each half of a secret, from one draw: 89 bits.
const HALF_SECRET_CHARACTERS: usize = 15;

pub(super) fn plan(
    state: &State,
    (actor, account): (Actor, AccountId),
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    match command {
        Command::CreateAccessKey { user } => {
            let owner = owner(state, actor, account, user.as_deref())?;
            let limit = context.limits.access_keys_per_user;
            room(Kind::AccessKey, state.keys_of(account, owner).count(), limit)?;
            let key = make(state, account, owner, context)?;
            let mut changes = Changes::default();
            changes.create(key.clone());
            Ok(done_with(changes, RamOutcome::AccessKey(key)))
        }
        Command::UpdateAccessKey { user, key, active } => {
            let before = find(state, account, owner(state, actor, account, user.as_deref())?, key)?;
            let mut changes = Changes::default();
            if before.active != *active {
                changes.update(Arc::clone(before), AccessKey { active: *active, ..AccessKey::clone(before) });
            }
            Ok(Plan::done(changes))
        }
        Command::DeleteAccessKey { user, key } => {
            let before = find(state, account, owner(state, actor, account, user.as_deref())?, key)?;
            let mut changes = Changes::default();
            changes.remove(Arc::clone(before));
            Ok(Plan::done(changes))
        }
        _ => Ok(Plan::done(Changes::default())),
    }
}

/// Whose keys are meant: the named user's, or the caller's own.
fn owner(
    state: &State,
    actor: Actor,
    account: AccountId,
    name: Option<&str>,
) -> Result<Option<UserId>, Refusal> {
    match (name, actor) {
        (Some(name), _) => Ok(Some(find_user(state, account, name)?.id)),
        (None, Actor::User(_, id)) => {
            let caller = state.users().of(account, &id);
            Ok(Some(caller.ok_or_else(|| not_found(Kind::User, &id.to_string()))?.id))
        }
        (None, _) => Ok(None),
    }
}

/// The owner's key of this id; anybody else's does not exist for it.
fn find<'s>(
    state: &'s State,
    account: AccountId,
    owner: Option<UserId>,
    id: &str,
) -> Result<&'s Arc<AccessKey>, Refusal> {
    let own = |key: &&Arc<AccessKey>| (key.account, key.user) == (account, owner);
    state.access_key(id).filter(own).ok_or_else(|| not_found(Kind::AccessKey, id))
}

/// A new key: the first draws are for its id, the last two for its secret.
pub(super) fn make(
    state: &State,
    account: AccountId,
    user: Option<UserId>,
    context: &mut Context<'_>,
) -> Result<AccessKey, Refusal> {
    let make_id = |entropy| [ID_PREFIX, &characters(entropy, ID_CHARACTERS)].concat();
    let id = fresh(context.entropy, Kind::AccessKey, make_id, |id| state.access_key(id).is_some())?;
    let halves = [context.entropy.next(), context.entropy.next()];
    let secret = halves.map(|entropy| characters(entropy, HALF_SECRET_CHARACTERS)).concat();
    Ok(AccessKey {
        id: id.into(),
        account,
        user,
        serial: state.next_serial(),
        secret: Secret::new(secret),
        active: true,
        created_at: context.now,
    })
}

/// Letters and digits from entropy, as many as it is good for.
fn characters(mut entropy: u128, count: usize) -> String {
    let base = ALPHABET.len() as u128;
    let mut text = String::with_capacity(count);
    for _ in 0..count {
        let place = usize::try_from(entropy % base).unwrap_or(0);
        text.push(char::from(ALPHABET[place]));
        entropy /= base;
    }
    text
}
