//! `DeleteSecurityGroupPermissions`.

use super::rule::{PERMISSIONS_REMOVED, permissions, remove};
use crate::catalogue::prelude::*;

pub(in crate::operations) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DeleteSecurityGroupPermissions",
    family: "security group",
    summary: "Removes rules, all of them or none.",
    description: "A rule is its content; its description is not part of it.",
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
            PERMISSIONS_REMOVED,
            "The rules.",
            r#"[{"Direction":"ingress","IpProtocol":"TCP","PortRange":"80/80","Policy":"Accept","Priority":1,"SourceCidrIp":"0.0.0.0/0"}]"#,
        ),
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::SECURITY_GROUP_NOT_FOUND, &code::RULE_NOT_FOUND],
    ram: Ram::all("ens:DeleteSecurityGroupPermissions", Access::Delete),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(remove(call, permissions(call.arguments)?))
}
