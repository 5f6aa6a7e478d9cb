//! `CreateVSwitch`.

use model::command::Ipv6Wish;

use super::{
    addressing::{DESCRIPTION, IPV6_BLOCK, NAME, block, ipv6_block},
    filter::REGION_REQUIRED,
    tagging::{TAGS, tags},
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "CreateVSwitch",
    family: "network",
    summary: "Creates a vSwitch in a network.",
    description: "A vSwitch is the part of a network that interfaces get their addresses from: a /16 to /29 within the block of the network that overlaps no other vSwitch of it. It is Available at once. The network's address, the first address (the gateway's) and the last one are never given to interfaces.\n\nWithout `NetworkId` the vSwitch is in the account's default network at the edge site, which is made if there is none. With `Ipv6CidrBlock` it has IPv6, if its network has.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "CidrBlock",
            Kind::Ipv4Prefix,
            "The IPv4 block, with its prefix length.",
            "192.168.1.0/24",
        ),
        REGION_REQUIRED,
        Parameter::optional("NetworkId", Kind::Id, "The network.", "n-5vn4n3y4laeb2ii9zxxltlvzi"),
        Parameter::optional("VSwitchName", NAME, "The name.", "front-1"),
        Parameter::optional(
            "Description",
            DESCRIPTION,
            "What the vSwitch is for.",
            "First row of front ends",
        ),
        Parameter::optional("Tag", TAGS, "The tags.", ""),
        Parameter::optional(
            "Ipv6CidrBlock",
            IPV6_BLOCK,
            "A /64 of the network's IPv6 block, or the number of one: 0 to 255.",
            "1",
        ),
    ],
    exactly_one: &[],
    answer: &[Field::text("VSwitchId", "vsw-5rllcjb3ol6duzjdnbm1ombn7")],
    errors: &[&code::ENS_REGION_NOT_FOUND, &code::NETWORK_NOT_FOUND, &code::QUOTA_EXCEEDED],
    ram: Ram::all("ens:CreateVSwitch", Access::Create),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    Ok(Command::Network(NetworkCommand::CreateVSwitch {
        region: arguments.required_text("EnsRegionId").into(),
        network: arguments.id("NetworkId"),
        cidr: block(arguments)?,
        name: arguments.boxed("VSwitchName").unwrap_or_default(),
        description: arguments.boxed("Description").unwrap_or_default(),
        tags: tags(arguments),
        ipv6: ipv6_block(arguments)?.unwrap_or(Ipv6Wish::Off),
    }))
}

fn answer(_: &Call<'_>, outcome: &Outcome) -> Answer {
    let mut answer = Answer::new();
    if let Outcome::VSwitch(id) = outcome {
        answer.insert("VSwitchId".into(), json!(id.to_string()));
    }
    answer
}
