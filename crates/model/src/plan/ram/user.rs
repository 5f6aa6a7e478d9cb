//! Users, and the policies that are attached to them.

use std::sync::Arc;

use super::{Plan, done_with, exists, find_policy, find_user, fresh, not_found, room, unique};
use crate::{
    account::AccountId,
    change::Changes,
    context::{Context, UnixMillis},
    ram::{Attachment, PolicyName, RamOutcome, User, UserFields, UserId, document::SystemPolicy},
    refusal::{Kind, Refusal},
    state::State,
};

pub(super) fn create(
    state: &State,
    account: AccountId,
    name: &str,
    fields: &UserFields,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    unique(Kind::User, name, state.users().oldest_first(account).map(|other| &*other.name))?;
    room(Kind::User, state.users().count(account), context.limits.users_per_account)?;
    let is_taken = |id: &UserId| state.users().get(id).is_some();
    let mut user = User {
        id: fresh(context.entropy, Kind::User, UserId::from_entropy, is_taken)?,
        account,
        serial: state.next_serial(),
        name: name.into(),
        display_name: "".into(),
        mobile_phone: "".into(),
        email: "".into(),
        comments: "".into(),
        created_at: context.now,
        updated_at: context.now,
        policies: Vec::new(),
    };
    fill(&mut user, fields, context.now);
    let mut changes = Changes::default();
    changes.create(user.clone());
    Ok(done_with(changes, RamOutcome::User(user)))
}

pub(super) fn update(
    state: &State,
    account: AccountId,
    name: &str,
    new_name: Option<&str>,
    fields: &UserFields,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let before = find_user(state, account, name)?;
    let mut after = User::clone(before);
    if let Some(new_name) = new_name {
        let others = state.users().oldest_first(account).filter(|other| other.id != before.id);
        unique(Kind::User, new_name, others.map(|other| &*other.name))?;
        after.name = new_name.into();
    }
    fill(&mut after, fields, context.now);
    let mut changes = Changes::default();
    changes.update(Arc::clone(before), after.clone());
    Ok(done_with(changes, RamOutcome::User(after)))
}

fn fill(user: &mut User, fields: &UserFields, now: UnixMillis) {
    let UserFields { display_name, mobile_phone, email, comments } = fields.clone();
    let places = [
        (&mut user.display_name, display_name),
        (&mut user.mobile_phone, mobile_phone),
        (&mut user.email, email),
        (&mut user.comments, comments),
    ];
    for (place, given) in places {
        if let Some(given) = given {
            *place = given;
        }
    }
    user.updated_at = now;
}

pub(super) fn delete(state: &State, account: AccountId, name: &str) -> Result<Plan, Refusal> {
    let before = find_user(state, account, name)?;
    let conflict = |holds| Err(Refusal::RamDeleteConflict { kind: Kind::User, name: name.into(), holds });
    if state.keys_of(account, Some(before.id)).next().is_some() {
        return conflict(Kind::AccessKey);
    }
    if !before.policies.is_empty() {
        return conflict(Kind::Attachment);
    }
    let mut changes = Changes::default();
    changes.remove(Arc::clone(before));
    Ok(Plan::done(changes))
}

pub(super) fn attach(
    state: &State,
    account: AccountId,
    policy: &PolicyName,
    user: &str,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let before = find_user(state, account, user)?;
    must_exist(state, account, policy)?;
    if before.policies.iter().any(|own| own.policy == *policy) {
        return Err(exists(Kind::Attachment, policy.text()));
    }
    let limit = match policy {
        PolicyName::System(_) => context.limits.system_policies_per_user,
        PolicyName::Custom(_) => context.limits.custom_policies_per_user,
    };
    let of_its_type = before.policies.iter().filter(|own| own.policy.is_system() == policy.is_system());
    room(Kind::Attachment, of_its_type.count(), limit)?;
    let mut after = User::clone(before);
    after.policies.push(Attachment { policy: policy.clone(), attached_at: context.now });
    let mut changes = Changes::default();
    changes.update(Arc::clone(before), after);
    Ok(Plan::done(changes))
}

pub(super) fn detach(
    state: &State,
    account: AccountId,
    policy: &PolicyName,
    user: &str,
) -> Result<Plan, Refusal> {
    let before = find_user(state, account, user)?;
    // What is attached can be detached, even if it is a system policy that this version of the server has not.
    let Some(place) = before.policies.iter().position(|own| own.policy == *policy) else {
        must_exist(state, account, policy)?;
        return Err(not_found(Kind::Attachment, policy.text()));
    };
    let mut after = User::clone(before);
    after.policies.remove(place);
    let mut changes = Changes::default();
    changes.update(Arc::clone(before), after);
    Ok(Plan::done(changes))
}

fn must_exist(state: &State, account: AccountId, policy: &PolicyName) -> Result<(), Refusal> {
    match policy {
        PolicyName::System(name) => {
            SystemPolicy::find(name).map(|_| ()).ok_or_else(|| not_found(Kind::Policy, name))
        }
        PolicyName::Custom(name) => find_policy(state, account, name).map(|_| ()),
    }
}
