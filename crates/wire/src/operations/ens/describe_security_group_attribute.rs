//! `DescribeSecurityGroupAttribute`.

use super::rule::shown;
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DescribeSecurityGroupAttribute",
    family: "security group",
    summary: "Shows one security group with its rules.",
    description: "Rules are shown as they were added: addresses in the spelling in which they were sent, in the order in which they came. Fields that a rule does not have are empty.",
    methods: Methods::GetOrPost,
    parameters: &[Parameter::required(
        "SecurityGroupId",
        Kind::Id,
        "The security group.",
        "sg-5vn4n3y4laeb2ii9zxxltlvzi",
    )],
    exactly_one: &[],
    answer: &[
        Field::text("Description", "testDescription1"),
        Field::text("Permissions.Permission[].CreationTime", "2018-12-12T07:28:38Z"),
        Field::text("Permissions.Permission[].Description", "testDescription1"),
        Field::text("Permissions.Permission[].DestCidrIp", "0.0.0.0/0"),
        Field::text("Permissions.Permission[].Direction", "ingress"),
        Field::text("Permissions.Permission[].IpProtocol", "TCP"),
        Field::text("Permissions.Permission[].Ipv6DestCidrIp", ""),
        Field::text("Permissions.Permission[].Ipv6SourceCidrIp", ""),
        Field::text("Permissions.Permission[].Policy", "Accept"),
        Field::text("Permissions.Permission[].PortRange", "80/80"),
        Field::integer("Permissions.Permission[].Priority", "1"),
        Field::text("Permissions.Permission[].SourceCidrIp", "0.0.0.0/0"),
        Field::text("Permissions.Permission[].SourcePortRange", "22/22"),
        Field::text("SecurityGroupId", "sg-bp1gxw6bznjjvhu3****"),
        Field::text("SecurityGroupName", "testSecurityGroupName2"),
    ],
    errors: &[&code::SECURITY_GROUP_NOT_FOUND, &code::ENS_INTERFACE_ERROR],
    ram: Ram::all("ens:DescribeSecurityGroupAttribute", Access::Get),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let id = call.arguments.required_id("SecurityGroupId");
    let group =
        state.groups().of(call.account, &id).ok_or_else(|| Fault::of(&code::SECURITY_GROUP_NOT_FOUND))?;
    let mut answer = Answer::new();
    answer.insert("SecurityGroupId".into(), json!(group.id.to_string()));
    answer.insert("SecurityGroupName".into(), json!(group.name));
    answer.insert("Description".into(), json!(group.description));
    let rules: Vec<Value> = group.rules.iter().map(shown).collect();
    answer.insert("Permissions".into(), json!({ "Permission": rules }));
    Ok(answer)
}
