//! `CreateNetwork`.

use super::{
    addressing::{DESCRIPTION, NAME, block},
    filter::REGION_REQUIRED,
    tagging::{TAGS, tags},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "CreateNetwork",
    family: "network",
    summary: "Creates a network at an edge site.",
    description: "A network is a block of private IPv4 addresses that vSwitches are cut from: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or a part of one, down to a /28. It is Available at once. With `EnableIpv6` it gets a block of unique local IPv6 addresses besides.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "CidrBlock",
            Kind::Ipv4Prefix,
            "The IPv4 block, with its prefix length.",
            "192.168.0.0/16",
        ),
        REGION_REQUIRED,
        Parameter::optional("NetworkName", NAME, "The name.", "front"),
        Parameter::optional("Description", DESCRIPTION, "What the network is for.", "Front ends"),
        Parameter::optional("Tag", TAGS, "The tags.", ""),
        Parameter::optional(
            "EnableIpv6",
            Kind::Boolean,
            "Whether the network has IPv6; `false` where it is not given.",
            "true",
        ),
        Parameter::optional(
            "Ipv6Isp",
            Kind::text(64),
            "The provider of the IPv6 block; kept and shown, without further effect.",
            "telecom",
        ),
    ],
    exactly_one: &[],
    answer: &[Field::text("NetworkId", "n-5vn4n3y4laeb2ii9zxxltlvzi")],
    errors: &[&code::ENS_REGION_NOT_FOUND, &code::QUOTA_EXCEEDED],
    ram: Ram::all("ens:CreateNetwork", Access::Create),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    Ok(Command::Network(NetworkCommand::Create {
        region: arguments.required_text("EnsRegionId").into(),
        cidr: block(arguments)?,
        name: arguments.boxed("NetworkName").unwrap_or_default(),
        description: arguments.boxed("Description").unwrap_or_default(),
        tags: tags(arguments),
        ipv6: arguments.boolean("EnableIpv6").unwrap_or(false),
        ipv6_isp: arguments.boxed("Ipv6Isp").unwrap_or_default(),
    }))
}

fn answer(_: &Call<'_>, outcome: &Outcome) -> Answer {
    let mut answer = Answer::new();
    if let Outcome::Network(id) = outcome {
        answer.insert("NetworkId".into(), json!(id.to_string()));
    }
    answer
}
