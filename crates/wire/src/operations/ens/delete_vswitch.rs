//! `DeleteVSwitch`.

use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DeleteVSwitch",
    family: "network",
    summary: "Deletes a vSwitch that no network interface is in.",
    description: "Release its instances and delete its other network interfaces first; the message of a refusal names some of them. An instance that is being released counts until it is gone.",
    methods: Methods::GetOrPost,
    parameters: &[Parameter::required(
        "VSwitchId",
        Kind::Id,
        "The vSwitch.",
        "vsw-5rllcjb3ol6duzjdnbm1ombn7",
    )],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::VSWITCH_NOT_FOUND, &code::DEPENDENCY_VIOLATION],
    ram: Ram::all("ens:DeleteVSwitch", Access::Delete),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Network(NetworkCommand::DeleteVSwitch { vswitch: call.arguments.required_id("VSwitchId") }))
}
