//! `CreateNodeToken`.

use model::node::{NODE_NAME_MAX, NodeWish};

use super::{super::filter::REGION_MAX, parameters::NODE_EXAMPLE};
use crate::catalogue::prelude::*;

/// For how long a token is good where the caller does not say: an hour.
const VALID_SECONDS: usize = 3_600;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ravelin,
    name: "CreateNodeToken",
    family: "node",
    summary: "Makes a one-time token with which a host becomes a node.",
    description: "With `EnsRegionId` the token is for a new node at that edge site: it is listed as Pending until a host joins with the token, and interfaces may be bound to it already. With `NodeId` it is for a node that is to join again, under the name that it has, because its host was made anew or its certificates were revoked; what is bound to it stays bound, and its old certificates end when it joins.\n\nThe token is shown in this answer alone; the server keeps a digest of it. It is good for one host, once, and no longer than `ValidSeconds`. A node has one token at a time: a new one voids the one before.\n\nIts text is all that a host needs beside the address of the server: its last part is the fingerprint of the authority that signs the server's certificate, so that the host can tell whether it speaks with this server. Keep it as secret as an access key until it is used.\n\nNodes can join a server that listens for them: `ravelin serve --node-listen ADDRESS:PORT`. Without that there is no authority yet, and no token.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::optional(
            "EnsRegionId",
            Kind::text(REGION_MAX),
            "The edge site of the new node.",
            "cn-hangzhou-telecom",
        ),
        Parameter::optional("NodeId", Kind::Id, "The node that is to join again.", NODE_EXAMPLE),
        Parameter::optional(
            "NodeName",
            Kind::form(1, NODE_NAME_MAX, Form::HOST_NAME),
            "The name that the new node must join with; any, where it is not given.",
            "rack-7",
        ),
        Parameter::optional(
            "Lab",
            Kind::Boolean,
            "Whether the new node is a lab node: while it is Ready, the instances that RunInstances and CreateInstance make at this edge site run on it for real, or on another lab node of the account with fewer of them.",
            "false",
        ),
        Parameter::optional(
            "ValidSeconds",
            Kind::Integer { min: 60, max: 604_800 },
            "For how many seconds the token is good; an hour where it is not given.",
            "3600",
        ),
    ],
    exactly_one: &[&["EnsRegionId", "NodeId"]],
    answer: &[
        Field::text("NodeId", NODE_EXAMPLE),
        Field::text(
            "Token",
            "node-5qk3n8y4laeb2ii9zxxltlvzi.5f3c0e9d5f3c0e9d5f3c0e9d5f3c0e9d5f3c0e9d5f3c0e9d5f3c0e9d5f3c0e9d.8ab0c7c5a1a1f0f4d9f7d1c58ab0c7c5",
        ),
        Field::text("ExpiredTime", "2026-11-22T04:04:05Z"),
    ],
    errors: &[
        &code::NO_NODE_AUTHORITY,
        &code::ENS_REGION_NOT_FOUND,
        &code::NODE_NOT_FOUND,
        &code::QUOTA_EXCEEDED,
    ],
    ram: Ram::named("ravelin:CreateNodeToken", Access::Create, "node", "NodeId"),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    let wish = match arguments.id("NodeId") {
        Some(_) if arguments.has("NodeName") || arguments.has("Lab") => {
            return Err(Fault::invalid(
                "NodeName and Lab are those of a new node, and NodeId names one that exists",
            ));
        }
        Some(node) => NodeWish::Again(node),
        None => NodeWish::New {
            region: arguments.required_text("EnsRegionId").into(),
            name: arguments.boxed("NodeName"),
            lab: arguments.boolean("Lab").unwrap_or(false),
        },
    };
    let valid_ms = arguments.count("ValidSeconds", VALID_SECONDS) as u64 * 1_000;
    Ok(Command::Node(NodeCommand::CreateToken { wish, valid_ms }))
}

fn answer(_: &Call<'_>, outcome: &Outcome) -> Answer {
    let mut answer = Answer::new();
    if let Outcome::NodeToken { node, token, expires_at } = outcome {
        answer.insert("NodeId".into(), json!(node.to_string()));
        answer.insert("Token".into(), json!(token.reveal()));
        answer.insert("ExpiredTime".into(), json!(expires_at.to_text()));
    }
    answer
}
