//! Networks and vSwitches.

#[cfg(test)]
mod tests;

use std::{net::Ipv4Addr, sync::Arc};

use ipnet::{Ipv4Net, Ipv6Net};

use super::{Plan, Serials, USERS_NAMED, in_use_by_interfaces};
use crate::{
    account::AccountId,
    change::Changes,
    command::{Ipv6Wish, NetworkCommand as Command, Outcome},
    context::{Context, Entropy},
    id::{NetworkId, VSwitchId},
    network::{Network, VSwitch},
    refusal::{Kind, Refusal},
    state::State,
    tag::{self, Tag, Tags},
};

/// The blocks in which networks may lie (RFC 1918).
const PRIVATE: [Ipv4Net; 3] = [
    Ipv4Net::new_assert(Ipv4Addr::new(10, 0, 0, 0), 8),
    Ipv4Net::new_assert(Ipv4Addr::new(172, 16, 0, 0), 12),
    Ipv4Net::new_assert(Ipv4Addr::new(192, 168, 0, 0), 16),
];
/// The block of a default network and of its vSwitch.
const DEFAULT_BLOCK: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 17, 0, 0), 16);
/// The longest prefix of a network.
const NETWORK_PREFIX_MAX: u8 = 28;
/// The prefixes that a vSwitch may have.
const VSWITCH_PREFIXES: std::ops::RangeInclusive<u8> = 16..=29;

pub(super) fn plan(
    state: &State,
    account: AccountId,
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    match command {
        Command::Create { .. } => create(state, account, command, context),
        Command::Delete { network } => delete(state, account, *network),
        Command::Modify { network, name, description } => {
            let before = find(state, account, *network)?;
            let mut after = Network::clone(before);
            after.name = name.clone().unwrap_or(after.name);
            after.description = description.clone().unwrap_or(after.description);
            let mut changes = Changes::default();
            changes.update(Arc::clone(before), after);
            Ok(Plan::done(changes))
        }
        Command::CreateVSwitch { .. } => create_vswitch(state, account, command, context),
        Command::DeleteVSwitch { vswitch } => delete_vswitch(state, account, *vswitch),
        Command::ModifyVSwitch { vswitch, name, description, ipv6 } => {
            let before = find_vswitch(state, account, *vswitch)?;
            let mut after = VSwitch::clone(before);
            after.name = name.clone().unwrap_or(after.name);
            after.description = description.clone().unwrap_or(after.description);
            if let Some(wish) = ipv6 {
                after.ipv6_cidr = changed_ipv6(state, before, wish)?;
            }
            let mut changes = Changes::default();
            changes.update(Arc::clone(before), after);
            Ok(Plan::done(changes))
        }
    }
}

/// The network, if it is the account's.
fn find(state: &State, account: AccountId, id: NetworkId) -> Result<&Arc<Network>, Refusal> {
    state.networks().of(account, &id).ok_or(Refusal::NetworkNotFound)
}

/// The vSwitch, if it is the account's.
pub(super) fn find_vswitch(
    state: &State,
    account: AccountId,
    id: VSwitchId,
) -> Result<&Arc<VSwitch>, Refusal> {
    state.vswitches().of(account, &id).ok_or(Refusal::VSwitchNotFound)
}

/// The account's default network at an edge site.
pub(super) fn default_at<'a>(state: &'a State, account: AccountId, region: &str) -> Option<&'a Arc<Network>> {
    // An account has few networks (`Limits::networks_per_account`), and this one among the first.
    let mut all = state.networks().oldest_first(account);
    all.find(|network| network.default && network.region.as_str() == region)
}

/// A default network for an account that has none at this edge site.
pub(super) fn new_default(
    state: &State,
    account: AccountId,
    region: &str,
    serials: &mut Serials,
    context: &mut Context<'_>,
) -> Result<Arc<Network>, Refusal> {
    check_network_limit(state, account, context)?;
    Ok(Arc::new(Network {
        id: NetworkId::from_entropy(context.entropy.next()),
        account,
        serial: serials.next(),
        region: state.symbol(region),
        cidr: DEFAULT_BLOCK,
        ipv6_cidr: None,
        ipv6_isp: "".into(),
        name: "default".into(),
        description: "".into(),
        created_at: context.now,
        tags: Tags::default(),
        default: true,
    }))
}

/// The vSwitch of a default network that has none: all of its block.
pub(super) fn default_vswitch(
    network: &Network,
    serials: &mut Serials,
    context: &mut Context<'_>,
) -> Arc<VSwitch> {
    Arc::new(VSwitch {
        id: VSwitchId::from_entropy(context.entropy.next()),
        account: network.account,
        serial: serials.next(),
        network: network.id,
        region: network.region.clone(),
        cidr: network.cidr,
        ipv6_cidr: None,
        name: "default".into(),
        description: "".into(),
        created_at: context.now,
        tags: Tags::default(),
    })
}

fn check_network_limit(state: &State, account: AccountId, context: &Context<'_>) -> Result<(), Refusal> {
    let limit = context.limits.networks_per_account;
    if state.networks().count(account) >= limit {
        return Err(Refusal::Limit { kind: Kind::Network, limit });
    }
    Ok(())
}

fn checked_tags(tags: &[Tag], context: &Context<'_>) -> Result<Tags, Refusal> {
    let (tags, limit) = (tag::with(&[], tags), context.limits.tags_per_resource);
    if tags.len() > limit { Err(Refusal::Limit { kind: Kind::Tag, limit }) } else { Ok(tags) }
}

/// The block, if its host bits are zero.
fn whole(cidr: Ipv4Net) -> Result<Ipv4Net, Refusal> {
    if cidr.addr() == cidr.network() {
        return Ok(cidr);
    }
    Err(Refusal::unfit("CidrBlock", format!("{cidr} has host bits; the block is {}", cidr.trunc())))
}

fn create(
    state: &State,
    account: AccountId,
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    let Command::Create { region, cidr, name, description, tags, ipv6, ipv6_isp } = command else {
        return Ok(Plan::done(Changes::default()));
    };
    let site = context.site.region(region).ok_or(Refusal::RegionNotFound)?;
    let cidr = whole(*cidr)?;
    if !PRIVATE.iter().any(|block| block.contains(&cidr)) || cidr.prefix_len() > NETWORK_PREFIX_MAX {
        let reason = format!(
            "{cidr} is neither a block of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 nor as large as a /{NETWORK_PREFIX_MAX}"
        );
        return Err(Refusal::unfit("CidrBlock", reason));
    }
    check_network_limit(state, account, context)?;
    let tags = checked_tags(tags, context)?;
    let id = NetworkId::from_entropy(context.entropy.next());
    let mut changes = Changes::default();
    changes.create(Network {
        id,
        account,
        serial: state.next_serial(),
        region: state.symbol(&site.id),
        cidr,
        ipv6_cidr: ipv6.then(|| local_block(context.entropy)),
        ipv6_isp: ipv6_isp.clone(),
        name: name.clone(),
        description: description.clone(),
        created_at: context.now,
        tags,
        default: false,
    });
    Ok(Plan { changes, outcome: Outcome::Network(id) })
}

/// A /56 of unique local addresses (RFC 4193).
fn local_block(entropy: &mut dyn Entropy) -> Ipv6Net {
    const PREFIX: u8 = 56;
    let bits = (0xfd << 120) | (entropy.next() >> 8);
    Ipv6Net::new_assert(bits.into(), PREFIX).trunc()
}

fn delete(state: &State, account: AccountId, id: NetworkId) -> Result<Plan, Refusal> {
    let before = find(state, account, id)?;
    let total = state.vswitches_of(id).count();
    if total > 0 {
        let users = state.vswitches_of(id).take(USERS_NAMED).map(|vswitch| format!("vSwitch {}", vswitch.id));
        return Err(Refusal::InUse { what: format!("network {id}"), users: users.collect(), total });
    }
    let mut changes = Changes::default();
    changes.remove(Arc::clone(before));
    Ok(Plan::done(changes))
}

fn create_vswitch(
    state: &State,
    account: AccountId,
    command: &Command,
    context: &mut Context<'_>,
) -> Result<Plan, Refusal> {
    let Command::CreateVSwitch { region, network, cidr, name, description, tags, ipv6 } = command else {
        return Ok(Plan::done(Changes::default()));
    };
    let site = context.site.region(region).ok_or(Refusal::RegionNotFound)?;
    let mut changes = Changes::default();
    let mut serials = Serials::after(state);
    let network = match network {
        Some(id) => Arc::clone(find(state, account, *id)?),
        None => match default_at(state, account, &site.id) {
            Some(network) => Arc::clone(network),
            None => {
                let network = new_default(state, account, &site.id, &mut serials, context)?;
                changes.create(Arc::clone(&network));
                network
            }
        },
    };
    if network.region.as_str() != site.id {
        let reason = format!("{} is at {}, not at {}", network.id, network.region, site.id);
        return Err(Refusal::unfit("EnsRegionId", reason));
    }
    let cidr = vswitch_block(state, &network, *cidr)?;
    let ipv6_cidr = ipv6_block(state, &network, None, ipv6)?;
    let limit = context.limits.vswitches_per_network;
    if state.vswitches_of(network.id).count() >= limit {
        return Err(Refusal::Limit { kind: Kind::VSwitch, limit });
    }
    let id = VSwitchId::from_entropy(context.entropy.next());
    changes.create(VSwitch {
        id,
        account,
        serial: serials.next(),
        network: network.id,
        region: network.region.clone(),
        cidr,
        ipv6_cidr,
        name: name.clone(),
        description: description.clone(),
        created_at: context.now,
        tags: checked_tags(tags, context)?,
    });
    Ok(Plan { changes, outcome: Outcome::VSwitch(id) })
}

/// What to call a network in a refusal: one that the very command would make has no id that anybody could look for.
fn known_as(state: &State, network: &Network) -> String {
    match state.networks().get(&network.id) {
        Some(_) => network.id.to_string(),
        None => format!("the default network at {}", network.region),
    }
}

/// The block, if a vSwitch of the network may have it.
fn vswitch_block(state: &State, network: &Network, cidr: Ipv4Net) -> Result<Ipv4Net, Refusal> {
    let cidr = whole(cidr)?;
    if !VSWITCH_PREFIXES.contains(&cidr.prefix_len()) {
        let (low, high) = (VSWITCH_PREFIXES.start(), VSWITCH_PREFIXES.end());
        return Err(Refusal::unfit(
            "CidrBlock",
            format!("{cidr}: a vSwitch has a prefix of {low} to {high}"),
        ));
    }
    if !network.cidr.contains(&cidr) {
        let reason = format!("{cidr} does not lie in {} of {}", network.cidr, known_as(state, network));
        return Err(Refusal::unfit("CidrBlock", reason));
    }
    let overlaps = |other: &&Arc<VSwitch>| other.cidr.contains(&cidr) || cidr.contains(&other.cidr);
    match state.vswitches_of(network.id).find(overlaps) {
        Some(other) => {
            Err(Refusal::unfit("CidrBlock", format!("{cidr} overlaps {} of {}", other.cidr, other.id)))
        }
        None => Ok(cidr),
    }
}

/// The IPv6 block that a vSwitch of the network gets by a wish: one /64 that none but itself (`own`) has.
fn ipv6_block(
    state: &State,
    network: &Network,
    own: Option<VSwitchId>,
    wish: &Ipv6Wish,
) -> Result<Option<Ipv6Net>, Refusal> {
    const FIELD: &str = "Ipv6CidrBlock";
    if *wish == Ipv6Wish::Off {
        return Ok(None);
    }
    let Some(whole) = network.ipv6_cidr else {
        return Err(Refusal::unfit(FIELD, format!("{} has no IPv6 block", known_as(state, network))));
    };
    let others = state.vswitches_of(network.id).filter(|other| Some(other.id) != own);
    let taken: Vec<Ipv6Net> = others.filter_map(|other| other.ipv6_cidr).collect();
    let numbered = |number: u8| {
        let bits = u128::from(whole.network()) | (u128::from(number) << 64);
        Ipv6Net::new_assert(bits.into(), 64)
    };
    let wanted = match wish {
        Ipv6Wish::Off | Ipv6Wish::Any => {
            let free = (0..=u8::MAX).map(numbered).find(|block| !taken.contains(block));
            free.ok_or_else(|| Refusal::unfit(FIELD, format!("{whole} of {} is used up", network.id)))?
        }
        Ipv6Wish::Number(number) => numbered(*number),
        Ipv6Wish::Block(block) => *block,
    };
    if wanted.prefix_len() != 64 || wanted.addr() != wanted.network() || !whole.contains(&wanted) {
        return Err(Refusal::unfit(FIELD, format!("{wanted} is not a /64 of {whole}")));
    }
    if taken.contains(&wanted) {
        return Err(Refusal::unfit(FIELD, format!("{wanted} is another vSwitch's")));
    }
    Ok(Some(wanted))
}

/// The IPv6 block of a vSwitch after a wish: it changes only when no interface has an address from it.
fn changed_ipv6(state: &State, before: &VSwitch, wish: &Ipv6Wish) -> Result<Option<Ipv6Net>, Refusal> {
    if *wish == Ipv6Wish::Any && before.ipv6_cidr.is_some() {
        return Ok(before.ipv6_cidr);
    }
    let network = state.networks().get(&before.network).ok_or(Refusal::NetworkNotFound)?;
    let after = ipv6_block(state, network, Some(before.id), wish)?;
    if after != before.ipv6_cidr {
        let users = || state.interfaces_in(before.id).filter(|own| !own.ipv6_addresses.is_empty());
        let total = users().count();
        if total > 0 {
            let what = format!("the IPv6 block of vSwitch {}", before.id);
            return Err(in_use_by_interfaces(what, users(), total));
        }
    }
    Ok(after)
}

fn delete_vswitch(state: &State, account: AccountId, id: VSwitchId) -> Result<Plan, Refusal> {
    let before = find_vswitch(state, account, id)?;
    let total = state.interfaces_in(id).count();
    if total > 0 {
        return Err(in_use_by_interfaces(format!("vSwitch {id}"), state.interfaces_in(id), total));
    }
    let mut changes = Changes::default();
    changes.remove(Arc::clone(before));
    Ok(Plan::done(changes))
}
