//! `ModifyNetworkAttribute`.

use super::addressing::{DESCRIPTION, NAME};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "ModifyNetworkAttribute",
    family: "network",
    summary: "Changes name and description of a network.",
    description: "What is not given, or given empty, stays as it is.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required("NetworkId", Kind::Id, "The network.", "n-5vn4n3y4laeb2ii9zxxltlvzi"),
        Parameter::optional("NetworkName", NAME, "The name.", "front"),
        Parameter::optional("Description", DESCRIPTION, "What the network is for.", "Front ends"),
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::NETWORK_NOT_FOUND],
    ram: Ram::all("ens:ModifyNetworkAttribute", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    Ok(Command::Network(NetworkCommand::Modify {
        network: arguments.required_id("NetworkId"),
        name: arguments.boxed("NetworkName"),
        description: arguments.boxed("Description"),
    }))
}
