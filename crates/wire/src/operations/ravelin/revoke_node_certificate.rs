//! `RevokeNodeCertificate`.

use super::parameters::NODE_ID;
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "RevokeNodeCertificate",
    family: "node",
    summary: "Revokes the certificates of a node, and its token.",
    description: "The node is Gone: it is not listened to any more, and what it enforces stays as it was last told. What is bound to it stays bound. It may join again with a new token, which CreateNodeToken makes for its `NodeId`.",
    methods: Methods::GetOrPost,
    parameters: &[NODE_ID],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::NODE_NOT_FOUND],
    ram: Ram::named("ravelin:RevokeNodeCertificate", Access::Update, "node", "NodeId"),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Node(NodeCommand::RevokeCertificates { node: call.arguments.required_id("NodeId") }))
}
