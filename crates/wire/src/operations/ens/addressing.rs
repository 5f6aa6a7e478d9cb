//! What the operations on networks and vSwitches share: blocks of addresses, and what uses them.

use std::{collections::BTreeSet, sync::Arc};

use ipnet::{Ipv4Net, Ipv6Net};
use model::{command::Ipv6Wish, interface::NetworkInterface, network::Network};

use crate::catalogue::prelude::*;

/// The most interfaces that are looked at for the lists of an answer about one network or vSwitch, which has no pages.
pub(super) const LISTED_MAX: usize = 1_000;

/// A name of a network or vSwitch.
pub(super) const NAME: Kind = Kind::form(1, 128, Form::NO_URL);

/// A description of a network or vSwitch.
pub(super) const DESCRIPTION: Kind = Kind::form(1, 256, Form::NO_URL);

/// `Ipv6CidrBlock`: no longer than a number or the longest block is.
pub(super) const IPV6_BLOCK: Kind = Kind::form(1, 43, Form::ANY);

/// The block of a call, host bits included: whether they may be there is not decided here.
///
/// # Errors
/// `InvalidParameter.CidrBlock`: an address without a prefix length is no block.
pub(super) fn block(arguments: &Arguments) -> Result<Ipv4Net, Fault> {
    arguments.required_text("CidrBlock").parse().map_err(|_| Fault::malformed("CidrBlock"))
}

/// The IPv6 block that a call asks for: a block, or the number of one in the network's.
///
/// # Errors
/// `InvalidParameter.Ipv6CidrBlock`: neither.
pub(super) fn ipv6_block(arguments: &Arguments) -> Result<Option<Ipv6Wish>, Fault> {
    let Some(text) = arguments.text("Ipv6CidrBlock") else { return Ok(None) };
    let malformed = || Fault::malformed("Ipv6CidrBlock");
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map(|number| Some(Ipv6Wish::Number(number))).map_err(|_| malformed());
    }
    text.parse::<Ipv6Net>().map(|block| Some(Ipv6Wish::Block(block))).map_err(|_| malformed())
}

/// `Ipv6CidrBlocks` of a network. They are blocks of unique local addresses, which nobody outside routes.
pub(super) fn ipv6_blocks(network: &Network) -> Value {
    let block = |block: &Ipv6Net| json!({ "Ipv6CidrBlock": block.to_string(), "Ipv6Isp": network.ipv6_isp, "Type": "private" });
    json!({ "Ipv6CidrBlock": network.ipv6_cidr.iter().map(block).collect::<Vec<_>>() })
}

/// The ids of the vSwitches of a network.
pub(super) fn vswitch_ids(state: &State, network: &Network) -> Vec<String> {
    state.vswitches_of(network.id).map(|vswitch| vswitch.id.to_string()).collect()
}

/// Puts in what uses a network or vSwitch: instances and interfaces, and the kinds of things that this service does
/// not have.
pub(super) fn insert_users<'a>(
    answer: &mut Answer,
    interfaces: impl Iterator<Item = &'a Arc<NetworkInterface>>,
) {
    let mut instances = BTreeSet::new();
    let mut ids = Vec::new();
    for interface in interfaces.take(LISTED_MAX) {
        instances.extend(interface.instance);
        ids.push(interface.id.to_string());
    }
    let instances: Vec<String> = instances.into_iter().map(|id| id.to_string()).collect();
    answer.insert("InstanceIds".into(), json!({ "InstanceId": instances }));
    answer.insert("NetworkInterfaceIds".into(), json!({ "NetworkInterfaceId": ids }));
    answer.insert("HaVipIds".into(), json!({ "HaVipId": [] }));
    answer.insert("LoadBalancerIds".into(), json!({ "LoadBalancerId": [] }));
    answer.insert("NatGatewayIds".into(), json!({ "NatGatewayId": [] }));
}
