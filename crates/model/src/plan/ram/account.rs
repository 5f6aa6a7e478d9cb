//! Accounts and their root keys: the operator's business.

use std::sync::Arc;

use super::{Plan, done_with, exists, fresh, key, not_found};
use crate::{
    account::{Account, AccountId},
    change::Changes,
    context::Context,
    ram::{AccessKey, KeyPair, RamOutcome},
    refusal::{Kind, Refusal},
    state::State,
};

pub(super) fn create(
    state: &State,
    name: &str,
    key: Option<&KeyPair>,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    if state.account_named(name).is_some() {
        return Err(exists(Kind::Account, name));
    }
    let id =
        fresh(context.entropy, Kind::Account, AccountId::from_entropy, |id| state.account(*id).is_some())?;
    let key = root_key(state, id, key, context)?;
    let mut changes = Changes::default();
    changes.create(Account { id, name: name.into(), created_at: context.now });
    changes.create(key.clone());
    Ok(done_with(changes, RamOutcome::Account(id, key)))
}

pub(super) fn reset_root_key(
    state: &State,
    account: AccountId,
    key: Option<&KeyPair>,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    if state.account(account).is_none() {
        return Err(not_found(Kind::Account, &account.to_string()));
    }
    let new = root_key(state, account, key, context)?;
    let mut changes = Changes::default();
    let mut replaced = false;
    for old in state.keys_of(account, None) {
        if old.id == new.id {
            replaced = true;
            changes.update(Arc::clone(old), AccessKey { serial: old.serial, ..new.clone() });
        } else {
            changes.remove(Arc::clone(old));
        }
    }
    if !replaced {
        changes.create(new.clone());
    }
    Ok(done_with(changes, RamOutcome::Account(account, new)))
}

/// A root key: the one that was given, or a new one. A given id may be that of a root key that it replaces.
fn root_key(
    state: &State,
    account: AccountId,
    given: Option<&KeyPair>,
    context: &mut Context<'_>,
) -> Result<AccessKey, Refusal> {
    let Some(given) = given else {
        return key::make(state, account, None, context);
    };
    let elsewhere = |key: &Arc<AccessKey>| key.account != account || key.user.is_some();
    if state.access_key(&given.id).is_some_and(elsewhere) {
        return Err(exists(Kind::AccessKey, &given.id));
    }
    Ok(AccessKey {
        id: given.id.clone(),
        account,
        user: None,
        serial: state.next_serial(),
        secret: given.secret.clone(),
        active: true,
        created_at: context.now,
    })
}
