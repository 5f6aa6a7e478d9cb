//! `CreateSecurityGroupPermissions`.

use super::rule::{PERMISSIONS, add, permissions};
use crate::catalogue::prelude::*;

pub(in crate::operations) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "CreateSecurityGroupPermissions",
    family: "security group",
    summary: "Adds rules, all of them or none.",
    description: "The rules must not be there yet. One rule cannot name IPv4 and IPv6 addresses at once; it may name source and destination, whatever its direction.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "SecurityGroupId",
            Kind::Id,
            "The security group.",
            "sg-5vn4n3y4laeb2ii9zxxltlvzi",
        ),
        Parameter::required(
            "Permissions",
            PERMISSIONS,
            "The rules.",
            r#"[{"Direction":"ingress","IpProtocol":"TCP","PortRange":"80/80","Policy":"Accept","Priority":1,"SourceCidrIp":"0.0.0.0/0"}]"#,
        ),
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::SECURITY_GROUP_NOT_FOUND, &code::RULE_DUPLICATED, &code::RULE_LIMIT],
    ram: Ram::all("ens:CreateSecurityGroupPermissions", Access::Create),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(add(call, permissions(call.arguments)?))
}
