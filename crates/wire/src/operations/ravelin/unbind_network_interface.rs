//! `UnbindNetworkInterface`.

use super::parameters::INTERFACE_ID;
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "UnbindNetworkInterface",
    family: "node",
    summary: "Ends the binding of a network interface.",
    description: "Its flows are cut, and the device drops what comes from then on. Interfaces of an instance that a lab node runs are bound by the node itself and cannot be unbound: stop or release the instance, or detach the interface.",
    methods: Methods::GetOrPost,
    parameters: &[INTERFACE_ID],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::INTERFACE_NOT_FOUND, &code::INTERFACE_NOT_BOUND, &code::INTERFACE_HOSTED],
    ram: Ram::all("ravelin:UnbindNetworkInterface", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Node(NodeCommand::Unbind { interface: call.arguments.required_id("NetworkInterfaceId") }))
}
