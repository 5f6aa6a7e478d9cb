//! What people should know before they make a change, in plain words. Pure.

use std::{fmt, net::IpAddr};

use model::{NetworkInterfaceId, NodeId, rule::Direction};
use policy::difference::{Difference, Effect, Piece};

use super::{
    AskedNode, Computed, FlowFate, FlowsFound, JudgedFlow, PolicyChange,
    concerned::ConcernedClasses,
    flows::{begun, is_with},
    unchanged::Unchanged,
};
use crate::fleet::AskError;

/// What people should know before they make a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A flow between the address that the caller calls from and an interface would be cut: the call's own connection, or
    /// another one of whoever is there, such as SSH.
    OwnConnectionCut {
        /// The interface.
        interface: NetworkInterfaceId,
        /// The flow, as text.
        flow: String,
    },
    /// New flows from the caller's address that an interface accepts now would be dropped.
    OwnAccessEnds {
        /// The first interface of which it is so.
        interface: NetworkInterfaceId,
        /// How many others there are.
        others: usize,
        /// The caller's address.
        address: IpAddr,
        /// What would be closed, as text.
        piece: String,
    },
    /// Interfaces would be in no group.
    LastGroup {
        /// The first.
        interface: NetworkInterfaceId,
        /// How many others.
        others: usize,
    },
    /// Interfaces that accept something new now would accept nothing.
    AcceptsNothing {
        /// The first.
        interface: NetworkInterfaceId,
        /// How many others.
        others: usize,
    },
    /// No packet of any interface would be decided otherwise.
    NothingDiffers(Unchanged),
    /// The change concerns no interface at present.
    NobodyConcerned,
    /// Interfaces are bound to no node: what is decided for them is enforced nowhere.
    NotEnforced {
        /// The first.
        interface: NetworkInterfaceId,
        /// How many others.
        others: usize,
    },
    /// Not everything that differs was found, because it would have taken too long.
    DifferenceNotWhole,
    /// Differences of further interfaces were not computed, because they are too many.
    InterfacesLeftOut {
        /// How many.
        count: usize,
    },
    /// A node did not answer which flows it has: there may be others that would be cut.
    NodeSilent {
        /// The node.
        node: NodeId,
        /// What it is called.
        name: Box<str>,
        /// Why.
        error: AskError,
    },
    /// Nodes have more flows than they answered, or were not asked about all interfaces: there may be others that would be
    /// cut.
    FlowsLeftOut {
        /// How many flows, as far as nodes said.
        flows: u64,
        /// How many interfaces.
        interfaces: usize,
    },
}

impl Warning {
    /// Its name, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::OwnConnectionCut { .. } => "OwnConnectionCut",
            Self::OwnAccessEnds { .. } => "OwnAccessEnds",
            Self::LastGroup { .. } => "LastGroup",
            Self::AcceptsNothing { .. } => "AcceptsNothing",
            Self::NothingDiffers(_) => "NothingDiffers",
            Self::NobodyConcerned => "NobodyConcerned",
            Self::NotEnforced { .. } => "NotEnforced",
            Self::DifferenceNotWhole => "DifferenceNotWhole",
            Self::InterfacesLeftOut { .. } => "InterfacesLeftOut",
            Self::NodeSilent { .. } => "NodeSilent",
            Self::FlowsLeftOut { .. } => "FlowsLeftOut",
        }
    }
}

/// `eni-...`, `eni-... and 1 other`, `eni-... and 7 others`, with the verb that fits.
struct Several<'a>(NetworkInterfaceId, usize, [&'a str; 2]);

impl fmt::Display for Several<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, many] = self.2;
        match self.1 {
            0 => write!(f, "The network interface {} {one}", self.0),
            1 => write!(f, "The network interface {} and 1 other {many}", self.0),
            others => write!(f, "The network interface {} and {others} others {many}", self.0),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnConnectionCut { interface, flow } => write!(
                f,
                "A connection between the address that you call from and the network interface {interface} would be cut: \
                 {flow}. It may be one that you are working over."
            ),
            Self::OwnAccessEnds { interface, others, address, piece } => {
                let which = Several(*interface, *others, ["accepts", "accept"]);
                write!(f, "{which} new connections from {address}, the address that you call from, that would be dropped: {piece}.")
            }
            Self::LastGroup { interface, others } => {
                let which = Several(*interface, *others, ["would be in no group", "would be in no group"]);
                write!(f, "{which}: nothing new would come in, everything may go out, and replies to that come in.")
            }
            Self::AcceptsNothing { interface, others } => {
                write!(f, "{}.", Several(*interface, *others, ["would accept nothing new", "would accept nothing new"]))
            }
            Self::NothingDiffers(why) => write!(f, "Every packet would be decided as it is now: {why}."),
            Self::NobodyConcerned => f.write_str("No network interface is in the group: nothing is decided by it yet."),
            Self::NotEnforced { interface, others } => {
                let which = Several(*interface, *others, ["is bound to no node", "are bound to no node"]);
                let whose = if *others == 0 { "its packets" } else { "their packets" };
                write!(f, "{which}: {whose} are not filtered, whatever the rules say.")
            }
            Self::DifferenceNotWhole => f.write_str(
                "Not everything that differs is listed: the rules are arranged so that it would take too long to find all.",
            ),
            Self::InterfacesLeftOut { count } => {
                write!(f, "What differs for {count} further network interfaces was not computed: they are too many.")
            }
            Self::NodeSilent { node, name, error } => {
                let named = if name.is_empty() { String::new() } else { format!(" ({name})") };
                write!(
                    f,
                    "The node {node}{named} did not say which flows it has: {error}. There may be more that would be cut."
                )
            }
            Self::FlowsLeftOut { flows, interfaces } => write!(
                f,
                "Not all flows were looked at: {flows} more than nodes answered, and those of {interfaces} network \
                 interfaces. There may be more that would be cut."
            ),
        }
    }
}

/// What people should know, what concerns themselves first.
pub(super) fn warnings(
    computed: &[Computed],
    concerned: &ConcernedClasses,
    flows: &FlowsFound,
    source: Option<IpAddr>,
) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = Vec::new();
    let changes = || computed.iter().map(|own| &own.change);
    if let Some(source) = source {
        warnings.extend(own_connection(flows, source));
        warnings.extend(own_access_ends(computed, source));
    }
    let of = |picked: fn(&PolicyChange) -> bool| several(changes().filter(|change| picked(change)));
    let last = of(|change| change.after.is_empty() && !change.before.is_empty());
    warnings.extend(last.map(|(interface, others)| Warning::LastGroup { interface, others }));
    // Who is in no group accepts nothing new: that is said already.
    let nothing = of(|change| change.accepts_before && !change.accepts_after && !change.after.is_empty());
    warnings.extend(nothing.map(|(interface, others)| Warning::AcceptsNothing { interface, others }));
    if computed.is_empty() {
        warnings.push(Warning::NobodyConcerned);
    } else if changes().all(|change| change.difference.as_ref().is_some_and(|own| own.is_empty()))
        && concerned.classes.len() == computed.len()
    {
        warnings.push(Warning::NothingDiffers(Unchanged::of(&concerned.classes)));
    }
    if changes().any(|change| change.difference.as_ref().is_none_or(|own| !own.is_whole())) {
        warnings.push(Warning::DifferenceNotWhole);
    }
    let left_out = concerned.classes.iter().skip(computed.len()).map(|own| own.interfaces.len()).sum();
    if left_out > 0 {
        warnings.push(Warning::InterfacesLeftOut { count: left_out });
    }
    let mut unbound =
        concerned.classes.iter().flat_map(|own| &own.interfaces).filter(|own| own.node.is_none());
    if let Some(first) = unbound.next() {
        warnings.push(Warning::NotEnforced { interface: first.id, others: unbound.count() });
    }
    warnings.extend(about_nodes(flows));
    warnings
}

fn about_nodes(flows: &FlowsFound) -> Vec<Warning> {
    let silent = |own: &AskedNode| {
        let (node, name) = (own.node, own.name.clone());
        own.error.clone().map(|error| Warning::NodeSilent { node, name, error })
    };
    let mut warnings: Vec<Warning> = flows.nodes.iter().filter_map(silent).collect();
    let left_out = flows.nodes.iter().map(|own| own.left_out).fold(0, u64::saturating_add);
    if flows.asked && (left_out > 0 || flows.interfaces_left_out > 0) {
        let interfaces = flows.interfaces_left_out;
        warnings.push(Warning::FlowsLeftOut { flows: left_out, interfaces });
    }
    warnings
}

/// The first interface of these, and how many others there are.
fn several<'a>(changes: impl Iterator<Item = &'a PolicyChange>) -> Option<(NetworkInterfaceId, usize)> {
    let mut interfaces = changes.flat_map(|change| &change.interfaces);
    let first = interfaces.next()?.id;
    Some((first, interfaces.count()))
}

fn own_connection(flows: &FlowsFound, source: IpAddr) -> Option<Warning> {
    // They stand first.
    let is_own = |own: &&JudgedFlow| own.fate == FlowFate::Cut && is_with(&own.flow, source);
    let own = flows.listed.iter().find(is_own)?;
    Some(Warning::OwnConnectionCut { interface: own.interface, flow: begun(&own.flow)?.to_string() })
}

/// A piece, as text, of the packets from the caller's address that are accepted now and would be dropped. `difference` has
/// every piece.
pub(super) fn own_access(difference: &Difference, source: IpAddr) -> Option<String> {
    let source = source.to_canonical();
    // Who calls from the server's own host comes from nowhere that rules are about.
    if source.is_loopback() {
        return None;
    }
    let closes = |piece: &&Piece| {
        piece.direction() == Direction::Ingress
            && piece.effect() == Effect::Closes
            && piece.remote().is_none_or(|remote| remote.contains(source))
    };
    let piece = difference.pieces().iter().find(closes)?;
    Some(policy::text::ShortPiece { piece, listed_max: 4 }.to_string())
}

fn own_access_ends(computed: &[Computed], source: IpAddr) -> Option<Warning> {
    let closing = || computed.iter().filter(|own| own.own_access_ends.is_some());
    let piece = closing().next()?.own_access_ends.clone()?;
    let (interface, others) = several(closing().map(|own| &own.change))?;
    Some(Warning::OwnAccessEnds { interface, others, address: source.to_canonical(), piece })
}
