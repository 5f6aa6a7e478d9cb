//! How devices depend on each other.

use std::collections::{BTreeMap, BTreeSet};

use rtnetlink::packet_route::link::{InfoData, InfoKind, InfoVxlan, LinkAttribute, LinkInfo, LinkMessage};

/// How a device depends on others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tie {
    kind: Kind,
    /// The device that it is a port of.
    master: Option<u32>,
    /// The device that it is made on.
    lower: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Of a network card: the kernel has no word for it.
    Card,
    /// What is made on another device, or leads to other hosts by way of one: a VLAN, a macvlan, a tunnel.
    Stacked,
    /// A bond or a team: all its ports carry what it carries.
    Team,
    Bridge,
    /// One of two ends. The device that the kernel tells of beside it is the other one, and carries nothing of it.
    Pair,
    Other,
}

impl Tie {
    pub(super) fn of(link: &LinkMessage) -> Self {
        let mut tie = Self { kind: Kind::Card, master: None, lower: None };
        let mut elsewhere = false;
        for attribute in &link.attributes {
            match attribute {
                LinkAttribute::Controller(master) => tie.master = (*master > 0).then_some(*master),
                LinkAttribute::Link(lower) if *lower > 0 => tie.lower = Some(*lower),
                // The number of the other device is one of that namespace.
                LinkAttribute::LinkNetNsId(_) => elsewhere = true,
                LinkAttribute::LinkInfo(infos) => {
                    tie.kind = infos.iter().find_map(kind).unwrap_or(Kind::Card);
                    tie.lower = tie.lower.or_else(|| infos.iter().find_map(below_vxlan));
                }
                _ => {}
            }
        }
        tie.lower = tie.lower.filter(|_| tie.kind != Kind::Pair && !elsewhere);
        tie
    }
}

/// The device that VXLAN is made on, of which the kernel tells among what is VXLAN's own.
fn below_vxlan(info: &LinkInfo) -> Option<u32> {
    let LinkInfo::Data(InfoData::Vxlan(said)) = info else { return None };
    said.iter().find_map(|said| match said {
        InfoVxlan::Link(lower) => Some(*lower).filter(|lower| *lower > 0),
        _ => None,
    })
}

fn kind(info: &LinkInfo) -> Option<Kind> {
    let LinkInfo::Kind(kind) = info else { return None };
    Some(match kind {
        InfoKind::Vlan
        | InfoKind::MacVlan
        | InfoKind::MacVtap
        | InfoKind::IpVlan
        | InfoKind::IpVtap
        | InfoKind::MacSec
        | InfoKind::Dsa
        | InfoKind::Vxlan
        | InfoKind::Geneve
        | InfoKind::GreTap
        | InfoKind::GreTap6
        | InfoKind::ErSpan
        | InfoKind::Ip6ErSpan => Kind::Stacked,
        InfoKind::Bond | InfoKind::Team => Kind::Team,
        InfoKind::Bridge => Kind::Bridge,
        InfoKind::Veth | InfoKind::Netkit | InfoKind::Vxcan => Kind::Pair,
        _ => Kind::Other,
    })
}

/// Devices, with those that carry what they carry: what a VLAN or a tunnel is made on, the ports of a bond, and of a bridge
/// the ports that lead out of the host and not to an instance.
pub(super) fn with_lower(over: &BTreeSet<u32>, ties: &BTreeMap<u32, Tie>) -> BTreeSet<u32> {
    let mut all = over.clone();
    loop {
        let lower = all.iter().filter_map(|ifindex| ties.get(ifindex)?.lower);
        let is_port = |tie: &Tie| {
            let master =
                tie.master.filter(|master| all.contains(master)).and_then(|master| ties.get(&master));
            master.is_some_and(|master| match master.kind {
                Kind::Team => true,
                Kind::Bridge => matches!(tie.kind, Kind::Card | Kind::Stacked | Kind::Team),
                _ => false,
            })
        };
        let ports = ties.iter().filter(|(_, tie)| is_port(tie)).map(|(ifindex, _)| *ifindex);
        let more: BTreeSet<u32> = lower.chain(ports).filter(|ifindex| !all.contains(ifindex)).collect();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tie(kind: Kind, master: u32, lower: u32) -> Tie {
        Tie { kind, master: (master > 0).then_some(master), lower: (lower > 0).then_some(lower) }
    }

    #[test]
    fn what_carries_the_way_is_found_and_an_instance_at_the_same_bridge_is_not() {
        // A VLAN (1) on a bond (2) of two cards (3, 4).
        let bonded = [(1, tie(Kind::Stacked, 0, 2)), (2, tie(Kind::Team, 0, 0)), (3, tie(Kind::Card, 2, 0))];
        let bonded = BTreeMap::from_iter(
            bonded.into_iter().chain([(4, tie(Kind::Card, 2, 0)), (5, tie(Kind::Card, 0, 0))]),
        );
        assert_eq!(with_lower(&[1].into(), &bonded), [1, 2, 3, 4].into());
        // A bridge (1) with a card (2), a tap (3), and beside it another bridge (4) with a tap (5).
        let bridged = [(1, tie(Kind::Bridge, 0, 0)), (2, tie(Kind::Card, 1, 0)), (3, tie(Kind::Other, 1, 0))];
        let others = [(4, tie(Kind::Bridge, 0, 0)), (5, tie(Kind::Other, 4, 0))];
        let bridged = BTreeMap::from_iter(bridged.into_iter().chain(others));
        assert_eq!(with_lower(&[1].into(), &bridged), [1, 2].into());
    }

    #[test]
    fn what_a_device_is_made_on_is_told_from_its_other_end() {
        for (kind, elsewhere, lower) in [
            (Some(InfoKind::Vlan), false, Some(2)),
            (Some(InfoKind::MacVlan), false, Some(2)),
            (Some(InfoKind::Vxlan), false, Some(2)),
            (Some(InfoKind::IpIp), false, Some(2)),
            (None, false, Some(2)),
            (Some(InfoKind::Vlan), true, None),
            (Some(InfoKind::Veth), false, None),
            (Some(InfoKind::Netkit), false, None),
        ] {
            let mut link = LinkMessage::default();
            link.attributes.push(LinkAttribute::Link(2));
            link.attributes.extend(elsewhere.then_some(LinkAttribute::LinkNetNsId(0)));
            let info = kind.clone().map(|kind| LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind)]));
            link.attributes.extend(info);
            assert_eq!(Tie::of(&link).lower, lower, "{kind:?}");
        }
        let mut tunnel = LinkMessage::default();
        tunnel.attributes.push(LinkAttribute::Link(0));
        assert_eq!(Tie::of(&tunnel).lower, None, "it is made on none");
    }

    #[test]
    fn a_tunnel_at_a_bridge_leads_out_of_the_host_and_is_carried() {
        // A bridge (1) with a VXLAN device (2) on a card (3), and with a veth (4) whose other end is elsewhere.
        let ties = BTreeMap::from([
            (1, tie(Kind::Bridge, 0, 0)),
            (2, tie(Kind::Stacked, 1, 3)),
            (3, tie(Kind::Card, 0, 0)),
            (4, tie(Kind::Pair, 1, 0)),
        ]);
        assert_eq!(with_lower(&[1].into(), &ties), [1, 2, 3].into());
    }
}
