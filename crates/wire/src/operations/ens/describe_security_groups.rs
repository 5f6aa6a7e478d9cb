//! `DescribeSecurityGroups`.

use std::sync::Arc;

use model::security_group::SecurityGroup;

use super::page::{PAGE_NUMBER, PAGE_SIZE, Page, steps};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DescribeSecurityGroups",
    family: "security group",
    summary: "Lists security groups with their members, the newest first.",
    description: "`InstanceIds` are the instances whose primary network interface is a member, `NetworkInterfaceIds` the other interfaces. Clients that send `MaxResults` (and then the `NextToken` of the answer) instead of pages get everything in steps.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::optional("SecurityGroupId", Kind::Id, "This group alone.", "sg-5vn4n3y4laeb2ii9zxxltlvzi"),
        Parameter::optional("SecurityGroupName", Kind::text(128), "Groups of exactly this name.", "web"),
        PAGE_NUMBER,
        PAGE_SIZE,
        Parameter::optional(
            "MaxResults",
            Kind::Integer { min: 1, max: 100 },
            "How many entries a step has; instead of pages.",
            "50",
        ),
        Parameter::optional(
            "NextToken",
            Kind::text(64),
            "Where the next step begins, from the answer of the last one.",
            "17",
        ),
    ],
    exactly_one: &[],
    answer: &[
        Field::integer("PageNumber", "1"),
        Field::integer("PageSize", "10"),
        Field::text("SecurityGroups.SecurityGroup[].CreationTime", "2019-11-01T06:08:46Z"),
        Field::text("SecurityGroups.SecurityGroup[].Description", "TestDescription"),
        Field::integer("SecurityGroups.SecurityGroup[].InstanceCount", "5"),
        Field::text("SecurityGroups.SecurityGroup[].InstanceIds.InstanceId[]", ""),
        Field::text("SecurityGroups.SecurityGroup[].NetworkInterfaceIds.NetworkInterfaceId[]", ""),
        Field::text("SecurityGroups.SecurityGroup[].SecurityGroupId", "sg-bp67acfmxazb4ph***"),
        Field::text("SecurityGroups.SecurityGroup[].SecurityGroupName", "DocTest"),
        Field::integer("TotalCount", "49"),
        Field::text("NextToken", "17"),
    ],
    errors: &[],
    ram: Ram::all("ens:DescribeSecurityGroups", Access::List),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let arguments = call.arguments;
    let groups = state.groups();
    let by_id = arguments.id("SecurityGroupId");
    let name = arguments.text("SecurityGroupName");
    let matches = |group: &&Arc<SecurityGroup>| {
        name.is_none_or(|name| &*group.name == name)
            && group.account == call.account
            && by_id.is_none_or(|id| id == group.id)
    };
    let found: Box<dyn Iterator<Item = &Arc<SecurityGroup>>> = match by_id {
        Some(id) => Box::new(groups.get(&id).into_iter()),
        None => Box::new(groups.newest_first(call.account)),
    };
    let (mut answer, entries) = match steps(arguments)? {
        Some(steps) => steps.cut(found.filter(matches), |group| group.serial),
        None if by_id.is_none() && name.is_none() => {
            Page::of(arguments, 10).cut_counted(found, groups.count(call.account))
        }
        None => Page::of(arguments, 10).cut(found.filter(matches)),
    };
    let shown: Vec<Value> = entries.into_iter().map(|group| shown(state, group)).collect();
    answer.insert("SecurityGroups".into(), json!({ "SecurityGroup": shown }));
    Ok(answer)
}

fn shown(state: &State, group: &SecurityGroup) -> Value {
    let mut instances = Vec::new();
    let mut interfaces = Vec::new();
    for member in state.members(group.id) {
        match member.instance {
            Some(instance) if member.primary => instances.push(instance.to_string()),
            _ => interfaces.push(member.id.to_string()),
        }
    }
    json!({
        "SecurityGroupId": group.id.to_string(),
        "SecurityGroupName": group.name,
        "Description": group.description,
        "CreationTime": group.created_at.to_text(),
        "InstanceCount": instances.len(),
        "InstanceIds": { "InstanceId": instances },
        "NetworkInterfaceIds": { "NetworkInterfaceId": interfaces },
    })
}
