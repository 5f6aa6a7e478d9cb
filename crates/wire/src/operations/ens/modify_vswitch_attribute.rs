//! `ModifyVSwitchAttribute`.

use model::command::Ipv6Wish;

use super::addressing::{DESCRIPTION, IPV6_BLOCK, NAME, ipv6_block};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "ModifyVSwitchAttribute",
    family: "network",
    summary: "Changes name, description and IPv6 of a vSwitch.",
    description: "What is not given, or given empty, stays as it is. `EnableIPv6` alone gives the vSwitch some free /64 of its network's IPv6 block, or takes its own away; `Ipv6CidrBlock` chooses one. The block changes only while no network interface has an address from it.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required("VSwitchId", Kind::Id, "The vSwitch.", "vsw-5rllcjb3ol6duzjdnbm1ombn7"),
        Parameter::optional("VSwitchName", NAME, "The name.", "front-1"),
        Parameter::optional(
            "Description",
            DESCRIPTION,
            "What the vSwitch is for.",
            "First row of front ends",
        ),
        Parameter::optional("EnableIPv6", Kind::Boolean, "Whether the vSwitch has IPv6.", "true"),
        Parameter::optional(
            "Ipv6CidrBlock",
            IPV6_BLOCK,
            "A /64 of the network's IPv6 block, or the number of one: 0 to 255; not together with `EnableIPv6` `false`.",
            "1",
        ),
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::VSWITCH_NOT_FOUND, &code::DEPENDENCY_VIOLATION],
    ram: Ram::all("ens:ModifyVSwitchAttribute", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    let arguments = call.arguments;
    Ok(Command::Network(NetworkCommand::ModifyVSwitch {
        vswitch: arguments.required_id("VSwitchId"),
        name: arguments.boxed("VSwitchName"),
        description: arguments.boxed("Description"),
        ipv6: ipv6(arguments)?,
    }))
}

fn ipv6(arguments: &Arguments) -> Result<Option<Ipv6Wish>, Fault> {
    match (arguments.boolean("EnableIPv6"), ipv6_block(arguments)?) {
        (Some(false), Some(_)) => Err(Fault::invalid("Ipv6CidrBlock cannot be given with EnableIPv6 false")),
        (Some(false), None) => Ok(Some(Ipv6Wish::Off)),
        (Some(true), None) => Ok(Some(Ipv6Wish::Any)),
        (_, block) => Ok(block),
    }
}
