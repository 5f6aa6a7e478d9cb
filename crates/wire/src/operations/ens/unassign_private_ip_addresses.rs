//! `UnassignPrivateIpAddresses`.

use super::filter::at_least_one;
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "UnassignPrivateIpAddresses",
    family: "network interface",
    summary: "Takes private IPv4 addresses from a network interface, all of them or none.",
    description: "The primary address stays: it lives as long as the interface.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "NetworkInterfaceId",
            Kind::Id,
            "The network interface.",
            "eni-5f6533jbifugr5fo2j1wabcde",
        ),
        Parameter::required(
            "PrivateIpAddress",
            Kind::List { of: &Kind::Ipv4, max: 100, encoding: Encoding::Numbered },
            "The addresses; one at least.",
            "172.17.0.3",
        ),
    ],
    exactly_one: &[],
    answer: &[],
    errors: &[&code::INTERFACE_NOT_FOUND, &code::INVALID_ENI_STATUS, &code::INVALID_ENS_STATUS],
    ram: Ram::all("ens:UnassignPrivateIpAddresses", Access::Update),
    handler: Handler::Change { command, answer: done },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    const LIST: &str = "PrivateIpAddress";
    let texts = at_least_one(LIST, call.arguments.texts(LIST))?;
    let addresses = texts.into_iter().map(|text| text.parse().map_err(|_| Fault::malformed(LIST)));
    Ok(Command::Interface(InterfaceCommand::UnassignAddresses {
        interface: call.arguments.required_id("NetworkInterfaceId"),
        addresses: addresses.collect::<Result<_, _>>()?,
    }))
}
