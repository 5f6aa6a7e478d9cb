//! Security groups, their rules and their members: Join and Leave above all.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::{Plan, in_use_by_interfaces};
use crate::{
    account::AccountId,
    change::Changes,
    command::{Outcome, SecurityGroupCommand as Command},
    context::{Context, Limits},
    id::SecurityGroupId,
    interface::{InterfaceStatus, NetworkInterface},
    refusal::{Kind, Refusal, Target},
    rule::Rule,
    security_group::SecurityGroup,
    state::State,
};

pub(super) fn plan(
    state: &State,
    account: AccountId,
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    match command {
        Command::Create { name, description, rules } => {
            create(state, account, (name, description), rules, context)
        }
        Command::Delete { group } => delete(state, account, *group),
        Command::Modify { group, name, description } => {
            let before = find(state, account, *group)?;
            let mut after = SecurityGroup::clone(before);
            after.name = name.clone().unwrap_or(after.name);
            after.description = description.clone().unwrap_or(after.description);
            Ok(replaced(before, after))
        }
        Command::AddRules { group, rules } => {
            let before = find(state, account, *group)?;
            let mut after = SecurityGroup::clone(before);
            after.rules = with_added(&before.rules, rules, context)?;
            check_rules_of_members(state, *group, after.rules.len(), context.limits)?;
            Ok(replaced(before, after))
        }
        Command::RemoveRules { group, rules } => {
            let before = find(state, account, *group)?;
            let mut after = SecurityGroup::clone(before);
            for rule in rules {
                let place = after.rules.iter().position(|own| own.same_as(rule));
                after.rules.remove(place.ok_or(Refusal::RuleNotFound)?);
            }
            Ok(replaced(before, after))
        }
        Command::Join { group, target } => join(state, account, *group, *target, context.limits),
        Command::Leave { group, target } => leave(state, account, *group, *target),
    }
}

/// The group, if it is the account's.
pub(super) fn find(
    state: &State,
    account: AccountId,
    group: SecurityGroupId,
) -> Result<&Arc<SecurityGroup>, Refusal> {
    state.groups().of(account, &group).ok_or(Refusal::SecurityGroupNotFound)
}

fn replaced(before: &Arc<SecurityGroup>, after: SecurityGroup) -> Plan {
    let mut changes = Changes::default();
    changes.update(Arc::clone(before), after);
    Plan::done(changes)
}

fn create(
    state: &State,
    account: AccountId,
    (name, description): (&str, &str),
    rules: &[Rule],
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    let limit = context.limits.groups_per_account;
    if state.groups().count(account) >= limit {
        return Err(Refusal::Limit { kind: Kind::SecurityGroup, limit });
    }
    let rules = with_added(&[], rules, context)?;
    let id = SecurityGroupId::from_entropy(context.entropy.next());
    let mut changes = Changes::default();
    changes.create(SecurityGroup {
        id,
        account,
        serial: state.next_serial(),
        name: name.into(),
        description: description.into(),
        created_at: context.now,
        rules,
    });
    Ok(Plan { changes, outcome: Outcome::SecurityGroup(id) })
}

fn delete(state: &State, account: AccountId, group: SecurityGroupId) -> Result<Plan, Refusal> {
    let before = find(state, account, group)?;
    let total = state.member_count(group);
    if total > 0 {
        let what = format!("security group {group}");
        return Err(in_use_by_interfaces(what, state.members(group), total));
    }
    let mut changes = Changes::default();
    changes.remove(Arc::clone(before));
    Ok(Plan::done(changes))
}

fn with_added(rules: &[Rule], added: &[Rule], context: &Context<'_>) -> Result<Vec<Rule>, Refusal> {
    let mut all = rules.to_vec();
    for rule in added {
        if all.iter().any(|own| own.same_as(rule)) {
            return Err(Refusal::RuleDuplicated);
        }
        all.push(Rule { created_at: context.now, ..rule.clone() });
    }
    let (limit, wanted) = (context.limits.rules_per_group, all.len());
    if wanted > limit { Err(Refusal::RuleLimit { limit, wanted }) } else { Ok(all) }
}

/// That an interface in these groups has no more rules than can be enforced for it. `changed` is a group that will have
/// so many.
pub(super) fn check_rules<'a>(
    state: &State,
    groups: impl IntoIterator<Item = &'a SecurityGroupId>,
    changed: Option<(SecurityGroupId, usize)>,
    limits: &Limits,
) -> Result<(), Refusal> {
    let rules_of = |group: &SecurityGroupId| match changed {
        Some((changed, rules)) if changed == *group => rules,
        _ => state.groups().get(group).map_or(0, |group| group.rules.len()),
    };
    let (limit, wanted) = (limits.rules_of_interface(), groups.into_iter().map(rules_of).sum());
    if wanted > limit { Err(Refusal::InterfaceRuleLimit { limit, wanted }) } else { Ok(()) }
}

/// The same for every member of a group that will have so many rules. The members are looked through only where the
/// limits of groups allow an interface too many rules at all.
fn check_rules_of_members(
    state: &State,
    group: SecurityGroupId,
    rules: usize,
    limits: &Limits,
) -> Result<(), Refusal> {
    let most = limits.rules_per_group.saturating_mul(limits.groups_per_interface);
    if most <= limits.rules_of_interface() {
        return Ok(());
    }
    let mut members = state.members(group);
    members.try_for_each(|member| check_rules(state, &*member.groups, Some((group, rules)), limits))
}

/// The interface that a Join or Leave is about; its instance, if any, is `Running` or `Stopped`.
fn target_interface(
    state: &State,
    account: AccountId,
    target: Target,
) -> Result<&Arc<NetworkInterface>, Refusal> {
    let interface = match target {
        Target::Instance(id) => {
            let instance = state.instances().of(account, &id).ok_or(Refusal::InstanceNotFound)?;
            state.interfaces().get(&instance.primary_interface).ok_or(Refusal::InterfaceNotFound)?
        }
        Target::Interface(id) => state.interfaces().of(account, &id).ok_or(Refusal::InterfaceNotFound)?,
    };
    let instance = interface.instance.and_then(|id| state.instances().get(&id));
    match instance {
        Some(instance) if !instance.status.allows_membership_change() => {
            Err(Refusal::InstanceStatus(instance.status))
        }
        _ => Ok(interface),
    }
}

fn join(
    state: &State,
    account: AccountId,
    group: SecurityGroupId,
    target: Target,
    limits: &Limits,
) -> Result<Plan, Refusal> {
    find(state, account, group)?;
    let before = target_interface(state, account, target)?;
    if before.status == InterfaceStatus::Deleting {
        return Err(Refusal::InterfaceStatus(before.status));
    }
    if before.groups.contains(&group) {
        return Err(Refusal::AlreadyAMember { target, group });
    }
    if before.groups.len() >= limits.groups_per_interface {
        return Err(Refusal::Limit { kind: Kind::GroupOfInterface, limit: limits.groups_per_interface });
    }
    if state.member_count(group) >= limits.interfaces_per_group {
        return Err(Refusal::Limit { kind: Kind::InterfaceOfGroup, limit: limits.interfaces_per_group });
    }
    check_rules(state, before.groups.iter().chain([&group]), None, limits)?;
    let mut after = NetworkInterface::clone(before);
    after.groups = std::iter::once(group).chain(before.groups.iter().copied()).collect();
    let mut changes = Changes::default();
    changes.update(Arc::clone(before), after);
    Ok(Plan::done(changes))
}

fn leave(state: &State, account: AccountId, group: SecurityGroupId, target: Target) -> Result<Plan, Refusal> {
    find(state, account, group)?;
    let before = target_interface(state, account, target)?;
    if !before.groups.contains(&group) {
        return Err(Refusal::NotAMember { target, group });
    }
    let mut after = NetworkInterface::clone(before);
    after.groups = before.groups.iter().copied().filter(|own| *own != group).collect();
    let mut changes = Changes::default();
    changes.update(Arc::clone(before), after);
    Ok(Plan::done(changes))
}
