//! Policies that accounts write, and their versions.

use std::sync::Arc;

use super::{Plan, done_with, find_policy, not_found, room, unique};
use crate::{
    account::AccountId,
    change::Changes,
    context::Context,
    ram::{CustomPolicy, PolicyName, PolicyVersion, RamCommand as Command, RamOutcome},
    refusal::{Kind, Refusal},
    state::State,
    tag::{self, Tag},
};

pub(super) fn plan(
    state: &State,
    account: AccountId,
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    match command {
        Command::CreatePolicy { name, description, document, tags } => {
            create(state, account, (name, description, document), tags, context)
        }
        Command::UpdatePolicyDescription { name, description } => {
            let before = find_policy(state, account, name)?;
            let after = CustomPolicy {
                description: description.clone(),
                updated_at: context.now,
                ..CustomPolicy::clone(before)
            };
            Ok(done_with(replaced(before, after.clone()), RamOutcome::Policy(after)))
        }
        Command::DeletePolicy { name, cascade } => delete(state, account, name, *cascade),
        Command::CreatePolicyVersion { name, document, set_default, rotate } => {
            let before = find_policy(state, account, name)?;
            create_version(before, document, *set_default, *rotate, context)
        }
        Command::DeletePolicyVersion { name, version } => {
            let before = find_policy(state, account, name)?;
            must_have(before, *version)?;
            if before.default_version == *version {
                return Err(Refusal::DefaultPolicyVersion);
            }
            let mut after = CustomPolicy { updated_at: context.now, ..CustomPolicy::clone(before) };
            after.versions.retain(|own| own.number != *version);
            Ok(Plan::done(replaced(before, after)))
        }
        Command::SetDefaultPolicyVersion { name, version } => {
            let before = find_policy(state, account, name)?;
            must_have(before, *version)?;
            let after = CustomPolicy {
                default_version: *version,
                updated_at: context.now,
                ..CustomPolicy::clone(before)
            };
            Ok(Plan::done(replaced(before, after)))
        }
        _ => Ok(Plan::done(Changes::default())),
    }
}

fn replaced(before: &Arc<CustomPolicy>, after: CustomPolicy) -> Changes {
    let mut changes = Changes::default();
    changes.update(Arc::clone(before), after);
    changes
}

fn must_have(policy: &CustomPolicy, version: u32) -> Result<(), Refusal> {
    match policy.version(version) {
        Some(_) => Ok(()),
        None => Err(not_found(Kind::PolicyVersion, &format!("v{version}"))),
    }
}

fn create(
    state: &State,
    account: AccountId,
    (name, description, document): (&str, &str, &str),
    tags: &[Tag],
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    unique(Kind::Policy, name, state.policies().oldest_first(account).map(|other| &*other.name))?;
    room(Kind::Policy, state.policies().count(account), context.limits.policies_per_account)?;
    let (tags, limit) = (tag::with(&[], tags), context.limits.tags_per_resource);
    if tags.len() > limit {
        return Err(Refusal::Limit { kind: Kind::Tag, limit });
    }
    let policy = CustomPolicy {
        account,
        serial: state.next_serial(),
        name: name.into(),
        description: description.into(),
        created_at: context.now,
        updated_at: context.now,
        versions: vec![PolicyVersion { number: 1, document: document.into(), created_at: context.now }],
        default_version: 1,
        next_version: 2,
        tags,
    };
    let mut changes = Changes::default();
    changes.create(policy.clone());
    Ok(done_with(changes, RamOutcome::Policy(policy)))
}

fn delete(state: &State, account: AccountId, name: &str, cascade: bool) -> Result<Plan, Refusal> {
    let before = find_policy(state, account, name)?;
    let conflict = |holds| Err(Refusal::RamDeleteConflict { kind: Kind::Policy, name: name.into(), holds });
    if state.attached_to(account, &PolicyName::Custom(name.into())).next().is_some() {
        return conflict(Kind::User);
    }
    if before.versions.len() > 1 && !cascade {
        return conflict(Kind::PolicyVersion);
    }
    let mut changes = Changes::default();
    changes.remove(Arc::clone(before));
    Ok(Plan::done(changes))
}

fn create_version(
    before: &Arc<CustomPolicy>,
    document: &str,
    set_default: bool,
    rotate: bool,
    context: &Context<'_>,
) -> Result<Plan, Refusal> {
    let mut after = CustomPolicy { updated_at: context.now, ..CustomPolicy::clone(before) };
    let limit = context.limits.versions_per_policy;
    while rotate && after.versions.len() >= limit {
        let oldest = after.versions.iter().position(|own| own.number != after.default_version);
        let Some(oldest) = oldest else { break };
        after.versions.remove(oldest);
    }
    room(Kind::PolicyVersion, after.versions.len(), limit)?;
    let number = after.next_version;
    after.next_version = number.checked_add(1).ok_or(Refusal::Limit { kind: Kind::PolicyVersion, limit })?;
    if set_default {
        after.default_version = number;
    }
    let version = PolicyVersion { number, document: document.into(), created_at: context.now };
    after.versions.push(version.clone());
    let outcome = RamOutcome::PolicyVersion { version, default: set_default };
    Ok(done_with(replaced(before, after), outcome))
}
