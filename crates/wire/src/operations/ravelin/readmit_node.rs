//! `ReadmitNode`.

use super::parameters::NODE_ID;
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "ReadmitNode",
    family: "node",
    summary: "Lets a node that has regressed follow this server again.",
    description: "A node has regressed when it holds a generation that this server never gave or has lost: the server was restored from a backup that is older than what the node enforces, an older copy of its data directory was put in its place, or it is another server. Such a node keeps what it enforces, and is told nothing: what was revoked after the backup stays revoked. DescribeNodes shows it (`Regression`).\n\nAfter ReadmitNode what this server has counts: the node gets all of it, at once or when it connects, and obeys. What was changed after the backup and not again since is undone with that, so look first at what the difference is.\n\nThis is remembered until the node has confirmed it, or the server restarts.",
    methods: Methods::GetOrPost,
    parameters: &[NODE_ID],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::NODE_NOT_FOUND, &code::NODE_NOT_REGRESSED],
    ram: Ram::named("ravelin:ReadmitNode", Access::Update, "node", "NodeId"),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Node(NodeCommand::Readmit { node: call.arguments.required_id("NodeId") }))
}
