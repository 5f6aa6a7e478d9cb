//! `DeleteNetworkInterfaces`.

use super::filter::at_least_one;
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DeleteNetworkInterfaces",
    family: "network interface",
    summary: "Deletes network interfaces, all of them or none.",
    description: "Every interface must be Available: neither attached nor the primary one of an instance. Its memberships in security groups end at once; it is listed as Deleting for a moment and then gone.",
    methods: Methods::GetOrPost,
    parameters: &[Parameter::required(
        "NetworkInterfaceIds",
        Kind::List { of: &Kind::Id, max: 100, encoding: Encoding::Json },
        "The network interfaces; one at least.",
        r#"["eni-5f6533jbifugr5fo2j1wabcde"]"#,
    )],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::INTERFACE_NOT_FOUND, &code::INVALID_ENI_STATUS, &code::INVALID_ENI_TYPE],
    ram: Ram::all("ens:DeleteNetworkInterfaces", Access::Delete),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let interfaces = at_least_one("NetworkInterfaceIds", call.arguments.ids("NetworkInterfaceIds"))?;
    Ok(Command::Interface(InterfaceCommand::Delete { interfaces }))
}
