//! `DeleteNetwork`.

use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DeleteNetwork",
    family: "network",
    summary: "Deletes a network that has no vSwitch.",
    description: "Delete its vSwitches first; the message of a refusal names them.",
    methods: Methods::GetOrPost,
    parameters: &[Parameter::required("NetworkId", Kind::Id, "The network.", "n-5vn4n3y4laeb2ii9zxxltlvzi")],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::NETWORK_NOT_FOUND, &code::DEPENDENCY_VIOLATION],
    ram: Ram::all("ens:DeleteNetwork", Access::Delete),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Network(NetworkCommand::Delete { network: call.arguments.required_id("NetworkId") }))
}
