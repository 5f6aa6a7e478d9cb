//! `CreateNetworkInterface`.

use super::filter::at_least_one;
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "CreateNetworkInterface",
    family: "network interface",
    summary: "Creates a network interface that is in security groups from the start.",
    description: "The interface gets the lowest free address of its vSwitch and is Available at once; AttachNetworkInterface gives it to an instance. Of the groups the last one counts as the newest membership.\n\nThe vSwitch says at which edge site the interface is, and none can be guessed from the other parameters. So `VSwitchId` may be left out by the form of the request, but the answer is then `InvalidParameter`.\n\nThe answer is a list, of this one interface.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "SecurityGroupIds",
            Kind::List { of: &Kind::Id, max: 100, encoding: Encoding::Json },
            "The security groups; one at least, none of them twice.",
            r#"["sg-5vn4n3y4laeb2ii9zxxltlvzi"]"#,
        ),
        Parameter::optional(
            "VSwitchId",
            Kind::Id,
            "The vSwitch that the address is from.",
            "vsw-5rllcjb3ol6duzjdnbm1ombn7",
        ),
        Parameter::optional("Name", Kind::form(1, 128, Form::NO_URL), "The name.", "backup"),
        Parameter::optional(
            "Description",
            Kind::form(1, 256, Form::NO_URL),
            "What the interface is for.",
            "Backup traffic",
        ),
    ],
    exactly_one: &[],
    answer: &[Field::text("NetworkInterfaceIds[]", "eni-5f6533jbifugr5fo2j1wabcde")],
    errors: &[
        &code::SECURITY_GROUP_NOT_FOUND,
        &code::VSWITCH_NOT_FOUND,
        &code::GROUP_LIMIT,
        &code::MEMBER_LIMIT,
        &code::RULE_LIMIT,
    ],
    ram: Ram::all("ens:CreateNetworkInterface", Access::Create),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    let groups = at_least_one("SecurityGroupIds", arguments.ids("SecurityGroupIds"))?;
    let vswitch = arguments.id("VSwitchId");
    Ok(Command::Interface(InterfaceCommand::Create {
        vswitch: vswitch
            .ok_or_else(|| Fault::invalid("VSwitchId is needed: the address is from a vSwitch"))?,
        groups,
        name: arguments.boxed("Name").unwrap_or_default(),
        description: arguments.boxed("Description").unwrap_or_default(),
    }))
}

fn answer(_: &Call<'_>, outcome: &Outcome) -> Answer {
    let mut answer = Answer::new();
    if let Outcome::Interface(id) = outcome {
        answer.insert("NetworkInterfaceIds".into(), json!([id.to_string()]));
    }
    answer
}
