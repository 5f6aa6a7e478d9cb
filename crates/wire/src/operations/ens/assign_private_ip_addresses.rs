//! `AssignPrivateIpAddresses`.

use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "AssignPrivateIpAddresses",
    family: "network interface",
    summary: "Gives a network interface one more private IPv4 address.",
    description: "The address is the lowest free one of the interface's vSwitch; the answer names it. Unless configured otherwise, an interface has up to 20 addresses, its primary one included.",
    methods: Methods::GetOrPost,
    parameters: &[
        Parameter::required(
            "NetworkInterfaceId",
            Kind::Id,
            "The network interface.",
            "eni-5f6533jbifugr5fo2j1wabcde",
        ),
        Parameter::optional(
            "VSwitchId",
            Kind::Id,
            "The vSwitch that the interface must be in.",
            "vsw-5rllcjb3ol6duzjdnbm1ombn7",
        ),
    ],
    exactly_one: &[],
    answer: &[
        Field::text("AssignedPrivateIpAddressesSet.NetworkInterfaceId", "eni-5f6533jbifugr5fo2j1wabcde"),
        Field::text("AssignedPrivateIpAddressesSet.PrivateIpSet[]", "172.17.0.3"),
    ],
    errors: &[
        &code::INTERFACE_NOT_FOUND,
        &code::VSWITCH_NOT_FOUND,
        &code::INVALID_ENI_STATUS,
        &code::INVALID_ENS_STATUS,
        &code::QUOTA_EXCEEDED,
    ],
    ram: Ram::all("ens:AssignPrivateIpAddresses", Access::Update),
    handler: Handler::Change { command, answer },
};

fn command(call: &Call<'_>) -> Result<Command, Fault> {
    Ok(Command::Interface(InterfaceCommand::AssignAddress {
        interface: call.arguments.required_id("NetworkInterfaceId"),
        vswitch: call.arguments.id("VSwitchId"),
    }))
}

fn answer(_: &Call<'_>, outcome: &Outcome) -> Answer {
    let mut answer = Answer::new();
    if let Outcome::Address(interface, address) = outcome {
        let assigned =
            json!({ "NetworkInterfaceId": interface.to_string(), "PrivateIpSet": [address.to_string()] });
        answer.insert("AssignedPrivateIpAddressesSet".into(), assigned);
    }
    answer
}
