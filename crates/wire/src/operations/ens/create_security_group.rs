//! `CreateSecurityGroup`.

use super::rule::{PERMISSIONS, permissions};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "CreateSecurityGroup",
    family: "security group",
    summary: "Creates a security group, with rules if wanted.",
    description: "A group is account-wide: it belongs to no edge site and no network. Without rules it lets nothing new in, everything out, and replies in.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::optional("SecurityGroupName", Kind::form(2, 128, Form::GROUP_NAME), "The name.", "web"),
        Parameter::optional(
            "Description",
            Kind::form(2, 256, Form::GROUP_DESCRIPTION),
            "What the group is for.",
            "Web servers",
        ),
        Parameter::optional(
            "Permissions",
            PERMISSIONS,
            "The rules.",
            r#"[{"Direction":"ingress","IpProtocol":"TCP","PortRange":"80/80","Policy":"Accept","Priority":1,"SourceCidrIp":"0.0.0.0/0"}]"#,
        ),
    ],
    exactly_one: &[],
    answer: &[Field::text("SecurityGroupId", "sg-5vn4n3y4laeb2ii9zxxltlvzi")],
    errors: &[&code::RULE_DUPLICATED, &code::RULE_LIMIT, &code::QUOTA_EXCEEDED],
    ram: Ram::all("ens:CreateSecurityGroup", Access::Create),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    Ok(Command::SecurityGroup(SecurityGroupCommand::Create {
        name: arguments.boxed("SecurityGroupName").unwrap_or_default(),
        description: arguments.boxed("Description").unwrap_or_default(),
        rules: permissions(arguments)?,
    }))
}

fn answer(_: &Call<'_>, outcome: &Outcome) -> Answer {
    let mut answer = Answer::new();
    if let Outcome::SecurityGroup(id) = outcome {
        answer.insert("SecurityGroupId".into(), json!(id.to_string()));
    }
    answer
}
