//! `DeleteNode`.

use super::parameters::NODE_ID;
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "DeleteNode",
    family: "node",
    summary: "Deletes a node that runs no instance and to which nothing is bound.",
    description: "Its certificates and its token end at once. It is refused where instances or bindings are left, which the message names. Release and unbind those, or give `Force`: then instances that it runs as a lab node are released with it, protected ones too, and bindings end. That is also how instances end whose node never comes back. The host is told nothing more: what it was told last stays in force there, open for what the rules permitted then, until the agent is removed from it. No change waits for it any more, so that a Leave afterwards is confirmed without it and names no node that lags behind. So unbind its network interfaces first, which closes them, and wait for that; where the host cannot be reached, remove the agent on the host itself (`ravelin agent remove --forget --yes`) and end the instances there, or take it off the network.",
    methods: Methods::GetOrPost,
    parameters: &[
        NODE_ID,
        Parameter::optional(
            "Force",
            Kind::Boolean,
            "Whether instances and bindings end with the node; no, where it is not given.",
            "false",
        ),
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::NODE_NOT_FOUND, &code::DEPENDENCY_VIOLATION],
    ram: Ram::named("ravelin:DeleteNode", Access::Delete, "node", "NodeId"),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let force = call.arguments.boolean("Force").unwrap_or(false);
    Ok(Command::Node(NodeCommand::Delete { node: call.arguments.required_id("NodeId"), force }))
}
