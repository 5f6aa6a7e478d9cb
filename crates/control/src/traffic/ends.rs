//! The two ends of traffic: which interfaces they are, and between which addresses the packet goes. Pure, but for where the
//! past is read.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc};

use ipnet::IpNet;
use model::{
    Entity, EntityKey, InstanceId, NetworkInterfaceId, interface::NetworkInterface, rule::Direction,
};
use policy::{Family, PolicyClass, difference::AddressSet, findings::world};

use super::{Found, Own, TrafficWish};
use crate::{
    past::{PastError, View},
    published::Unavailable,
};

/// One end of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Whoever has this address: an interface of the account, or somebody else.
    Address(IpAddr),
    /// The primary interface of an instance.
    Instance(InstanceId),
    /// An interface.
    Interface(NetworkInterfaceId),
    /// Some address of the Internet: one that no rule names more narrowly than it can be.
    Internet,
}

/// Why traffic cannot be explained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrafficError {
    /// The account has no such instance.
    #[error("the instance does not exist")]
    InstanceNotFound,
    /// The account has no such interface.
    #[error("the network interface does not exist")]
    InterfaceNotFound,
    /// Several interfaces of the account have the address, in networks of their own.
    #[error("the address {address} is that of several network interfaces: {}; name one of them by its id", listed(.interfaces))]
    SeveralInterfaces {
        /// The address.
        address: IpAddr,
        /// They.
        interfaces: Vec<NetworkInterfaceId>,
    },
    /// Neither end is the account's.
    #[error("neither end is a network interface of the account: nothing here decides about it")]
    NobodysTraffic,
    /// An end has no address of the other's family.
    #[error("the two ends have no family of addresses in common")]
    MixedFamilies,
    /// The protocol is of one family, and an end has no address of it, or is named by one of the other.
    #[error("{}", of_one_family(*.family))]
    OfOneFamily {
        /// The family of the protocol.
        family: Family,
    },
    /// The groups of an interface have more rules together than can be enforced.
    #[error("{0}")]
    TooManyRules(String),
    /// The past is not known.
    #[error(transparent)]
    Past(#[from] PastError),
}

impl From<Unavailable> for TrafficError {
    fn from(unavailable: Unavailable) -> Self {
        Self::Past(unavailable.into())
    }
}

/// What is said of a protocol of this family where an end has no address of it.
fn of_one_family(family: Family) -> String {
    let (own, other) = match family {
        Family::Ipv4 => ("icmp", "icmpv6"),
        Family::Ipv6 => ("icmpv6", "icmp"),
    };
    let others = family.other();
    format!(
        "{own} goes between {family} addresses alone, and one of the ends has none or is named by an {others} address; between {others} addresses it is {other}"
    )
}

fn listed(interfaces: &[NetworkInterfaceId]) -> String {
    let named: Vec<String> = interfaces.iter().take(5).map(ToString::to_string).collect();
    named.join(", ")
}

/// An end, as far as it is known before rules are looked at.
#[derive(Clone)]
pub(crate) enum Resolved {
    /// An interface of the account; whether its address was named.
    Own(Own, bool),
    /// Somebody else's address.
    Address(IpAddr),
    /// Some address of the Internet.
    Internet,
}

impl Resolved {
    /// The interface.
    pub(crate) fn own(&self) -> Option<&Own> {
        match self {
            Self::Own(own, _) => Some(own),
            _ => None,
        }
    }

    /// The family that it needs; none: either may do.
    fn family(&self) -> Option<Family> {
        match self {
            Self::Address(address) => Some(Family::of(*address)),
            Self::Own(own, true) => Some(Family::of(own.address)),
            Self::Own(_, false) | Self::Internet => None,
        }
    }

    /// Its address of a family, if it has one.
    fn address(&self, family: Family, class: Option<&PolicyClass>, direction: Direction) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address).filter(|address| Family::of(*address) == family),
            Self::Own(own, true) => Some(own.address).filter(|address| Family::of(*address) == family),
            Self::Own(own, false) => match family {
                Family::Ipv4 => Some(IpAddr::V4(own.interface.address)),
                Family::Ipv6 => own.interface.ipv6_addresses.first().copied().map(IpAddr::V6),
            },
            Self::Internet => internet(class?, direction, family),
        }
    }
}

/// Finds both ends.
pub(super) fn find(view: &impl View, wish: &TrafficWish) -> Result<Found, TrafficError> {
    let candidates = |end| candidates(view, wish, end);
    let (from, to) = (candidates(wish.from)?, candidates(wish.to)?);
    let network = |interface: &Arc<NetworkInterface>| view.network_of(interface.vswitch);
    let networks =
        |own: &[Arc<NetworkInterface>]| own.iter().map(network).collect::<Result<BTreeSet<_>, _>>();
    let (from_networks, to_networks) = (networks(&from)?, networks(&to)?);
    let one =
        |end, own: Vec<Arc<NetworkInterface>>, others: &BTreeSet<_>| -> Result<Resolved, TrafficError> {
            // The same address in several networks: the one of the other end is meant.
            let mut nearer = Vec::new();
            if own.len() > 1 {
                for interface in &own {
                    if others.contains(&network(interface)?) {
                        nearer.push(Arc::clone(interface));
                    }
                }
            }
            let own = if nearer.is_empty() { own } else { nearer };
            resolved(view, end, own)
        };
    let found = Found { from: one(wish.from, from, &to_networks)?, to: one(wish.to, to, &from_networks)? };
    match found.from.own().or(found.to.own()) {
        Some(_) => Ok(found),
        None => Err(TrafficError::NobodysTraffic),
    }
}

/// The interfaces of the account that an end may be.
fn candidates(
    view: &impl View,
    wish: &TrafficWish,
    end: End,
) -> Result<Vec<Arc<NetworkInterface>>, TrafficError> {
    let account = wish.account;
    match end {
        End::Internet => Ok(Vec::new()),
        End::Address(address) => Ok(view.interfaces_at(account, address)?),
        End::Interface(id) => {
            let own = view.interface(id)?.filter(|own| own.account == account);
            own.map(|own| vec![own]).ok_or(TrafficError::InterfaceNotFound)
        }
        End::Instance(id) => {
            let instance = view.instance(id)?.filter(|own| own.account == account);
            let primary = instance.ok_or(TrafficError::InstanceNotFound)?.primary_interface;
            view.interface(primary)?.map(|own| vec![own]).ok_or(TrafficError::InstanceNotFound)
        }
    }
}

fn resolved(
    view: &impl View,
    end: End,
    mut candidates: Vec<Arc<NetworkInterface>>,
) -> Result<Resolved, TrafficError> {
    let named = match end {
        End::Address(address) => Some(address),
        _ => None,
    };
    let several = candidates.len() > 1;
    let Some(interface) = candidates.pop() else {
        return Ok(named.map_or(Resolved::Internet, Resolved::Address));
    };
    if let (true, Some(address)) = (several, named) {
        candidates.push(interface);
        let interfaces = candidates.iter().map(|own| own.id).collect();
        return Err(TrafficError::SeveralInterfaces { address, interfaces });
    }
    let mut groups = Vec::with_capacity(interface.groups.len());
    for group in &interface.groups {
        groups.extend(view.group(*group)?);
    }
    let node = match view.entity(&EntityKey::Binding(interface.id))? {
        Some(Entity::Binding(binding)) => Some(binding.node),
        _ => None,
    };
    let node_status = node.map(|node| view.node(node)).transpose()?.flatten().map(|own| own.status);
    let own = Own {
        network: view.network_of(interface.vswitch)?,
        node,
        node_status,
        address: named.unwrap_or(IpAddr::V4(interface.address)),
        groups,
        interface,
    };
    Ok(Resolved::Own(own, named.is_some()))
}

/// Between which addresses the packet goes: of the family of its protocol, or of that which an end is named by, or IPv4.
pub(super) fn addresses(
    found: &Found,
    protocol: u8,
    from_class: Option<&PolicyClass>,
    to_class: Option<&PolicyClass>,
) -> Result<(IpAddr, IpAddr), TrafficError> {
    let needed = Family::of_protocol(protocol);
    let family = needed.or(found.from.family()).or(found.to.family()).unwrap_or(Family::Ipv4);
    // Somebody at the Internet is chosen by the rules of the other end.
    let source = found.from.address(family, to_class, Direction::Ingress);
    let destination = found.to.address(family, from_class, Direction::Egress);
    let mixed = needed.map_or(TrafficError::MixedFamilies, |family| TrafficError::OfOneFamily { family });
    source.zip(destination).ok_or(mixed)
}

/// An address of the Internet that is in as few and as wide prefixes of the rules as there is one.
fn internet(class: &PolicyClass, direction: Direction, family: Family) -> Option<IpAddr> {
    let world = world(family);
    let rules = class.groups().iter().flat_map(|group| group.rules.iter());
    let remote = rules.filter(|rule| rule.direction == direction).filter_map(|rule| {
        let prefix = match (direction, family) {
            (Direction::Ingress, Family::Ipv4) => &rule.source,
            (Direction::Ingress, Family::Ipv6) => &rule.ipv6_source,
            (Direction::Egress, Family::Ipv4) => &rule.destination,
            (Direction::Egress, Family::Ipv6) => &rule.ipv6_destination,
        };
        prefix.as_ref().map(|prefix| prefix.net())
    });
    let prefixes: Vec<IpNet> = remote.collect();
    let lengths: BTreeSet<u8> = prefixes.iter().map(IpNet::prefix_len).collect();
    let without_longer_than = |length: Option<u8>| {
        let longer =
            prefixes.iter().filter(|prefix| length.is_none_or(|length| prefix.prefix_len() > length));
        world.without(&AddressSet::new(family, longer.copied()))
    };
    // First without any prefix, then with the widest, and so on: with all of them there is the whole Internet.
    let tried = std::iter::once(None).chain(lengths.into_iter().map(Some));
    let found = tried.map(without_longer_than).find(|left| !left.is_empty())?;
    found.prefixes().next().map(|prefix| prefix.addr())
}
