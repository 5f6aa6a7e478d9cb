//! `ListSecurityGroups`.

use std::{cell::RefCell, collections::BTreeSet, sync::Arc};

use model::{
    SecurityGroupId,
    id::{InstanceKind, NetworkInterfaceKind},
    interface::NetworkInterface,
    security_group::SecurityGroup,
};

use super::{
    super::{
        filter::newest_first,
        page::{PAGE_NUMBER, PAGE_SIZE, Page},
        search::{Scratch, Wanted},
    },
    parameters::{INTERFACE_EXAMPLE, SEARCH_KEY},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "ListSecurityGroups",
    family: "search",
    summary: "Lists the security groups in whose name or id a text occurs, of an instance, or without members, the newest first.",
    description: "Filters hold all at once. What does not exist is in no group: the answer is an empty list. `InstanceCount` counts the instances whose primary network interface is a member, `NetworkInterfaceCount` the other interfaces that are.",
    methods: Methods::GetOrPost,
    parameters: &[
        SEARCH_KEY,
        Parameter::optional(
            "InstanceId",
            Kind::Id,
            "Those that a network interface of this instance is in.",
            "i-5vn4n3y4laeb2ii9zxxltlvzi",
        ),
        Parameter::optional(
            "NetworkInterfaceId",
            Kind::Id,
            "Those that this network interface is in.",
            INTERFACE_EXAMPLE,
        ),
        Parameter::optional(
            "HasMembers",
            Kind::Boolean,
            "`false`: those without members; `true`: those with some.",
            "false",
        ),
        PAGE_NUMBER,
        PAGE_SIZE,
    ],
    exactly_one: &[],
    answer: &[
        Field::integer("PageNumber", "1"),
        Field::integer("PageSize", "10"),
        Field::integer("TotalCount", "49"),
        Field::text("SecurityGroups.SecurityGroup[].SecurityGroupId", "sg-5vn4n3y4laeb2ii9zxxltlvzi"),
        Field::text("SecurityGroups.SecurityGroup[].SecurityGroupName", "web"),
        Field::text("SecurityGroups.SecurityGroup[].Description", "Web servers"),
        Field::text("SecurityGroups.SecurityGroup[].CreationTime", "2026-11-22T06:33:15Z"),
        Field::integer("SecurityGroups.SecurityGroup[].InstanceCount", "5"),
        Field::integer("SecurityGroups.SecurityGroup[].NetworkInterfaceCount", "1"),
    ],
    errors: &[],
    ram: Ram::all("ravelin:ListSecurityGroups", Access::List),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let arguments = call.arguments;
    let (wanted, members) =
        (arguments.text(SEARCH_KEY.name).map(Wanted::of), arguments.boolean("HasMembers"));
    let groups = state.groups();
    let scratch = RefCell::new(Scratch::default());
    let is_found = |group: &SecurityGroup| {
        let scratch = &mut scratch.borrow_mut();
        wanted.as_ref().is_none_or(|own| own.finds(&group.name, group.id, scratch))
    };
    let has = |group: &&Arc<SecurityGroup>| {
        members.is_none_or(|members| members == (state.member_count(group.id) > 0)) && is_found(group)
    };
    let page = Page::of(arguments, 10);
    let (mut answer, entries) = match of_members(call, state) {
        Some(ids) => {
            let own = ids.iter().filter_map(|id| groups.get(id));
            page.cut(newest_first(own.filter(has)).into_iter())
        }
        None if wanted.is_none() && members.is_none() => {
            page.cut_counted(groups.newest_first(call.account), groups.count(call.account))
        }
        None => page.cut(groups.newest_first(call.account).filter(has)),
    };
    let shown: Vec<Value> = entries.into_iter().map(|group| shown(state, group)).collect();
    answer.insert("SecurityGroups".into(), json!({ "SecurityGroup": shown }));
    Ok(answer)
}

/// The groups of the instance and of the interface that a call names; none: it names neither.
fn of_members(call: &Call<'_>, state: &State) -> Option<BTreeSet<SecurityGroupId>> {
    let interface = |id| {
        let found = state.interfaces().get(&id).filter(|own| own.account == call.account);
        found.map_or_else(BTreeSet::new, |own: &Arc<NetworkInterface>| own.groups.iter().copied().collect())
    };
    let of_interface = call.arguments.id::<NetworkInterfaceKind>("NetworkInterfaceId").map(interface);
    let instance = call.arguments.id::<InstanceKind>("InstanceId");
    let of_instance = instance.map(|id| {
        let found = state.instances().of(call.account, &id);
        found.into_iter().flat_map(|own| own.interfaces()).flat_map(interface).collect::<BTreeSet<_>>()
    });
    match (of_interface, of_instance) {
        (Some(one), Some(other)) => Some(one.intersection(&other).copied().collect()),
        (one, other) => one.or(other),
    }
}

fn shown(state: &State, group: &SecurityGroup) -> Value {
    let is_instance = |own: &&Arc<NetworkInterface>| own.primary && own.instance.is_some();
    let instances = state.members(group.id).filter(is_instance).count();
    json!({
        "SecurityGroupId": group.id.to_string(),
        "SecurityGroupName": group.name,
        "Description": group.description,
        "CreationTime": group.created_at.to_text(),
        "InstanceCount": instances,
        "NetworkInterfaceCount": state.member_count(group.id) - instances,
    })
}
