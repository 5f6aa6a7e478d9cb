//! Packets of every kind through the very programs: each reason is reached, nothing malformed passes, flows live and
//! die as documented.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers of tests")]

mod support;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use dataplane::{Binding, ClassId, Dataplane, Device, FlowState, Generation, Reason, Timeouts};
use model::{
    SecurityGroupId, UnixMillis,
    address::Mac,
    rule::{Direction, Policy, PortRange, Protocol, Rule},
};
use policy::{Group, PolicyClass, plan::Plan, testing::Random};
use support::{
    Host, MAC, PEER_MAC, address,
    frame::{self, ACK, FIN, RST, SYN},
    may_test_the_kernel, seed, wait_until,
};

use Direction::{Egress, Ingress};

const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const OWN6: &str = "2001:db8::1";
const PEER6: &str = "2001:db8::2";

struct Bench {
    host: Host,
    device: Device,
    binding: Binding,
    class: ClassId,
}

impl Bench {
    /// An interface whose ingress accepts what `accepted` says, and drops TCP to port 22 by a rule.
    fn new(options: dataplane::Options, accepted: &[(Protocol, Option<u16>)]) -> Self {
        support::enter_namespace();
        let device = support::veth("v0");
        let mut host = Host::new(options);
        let binding = host.bind(&device, &support::interface(1)).unwrap();
        let class = host.create_class(0).unwrap();
        host.assign(binding, Some(class)).unwrap();
        let mut bench = Self { host, device, binding, class };
        bench.switch(accepted);
        bench
    }

    fn switch(&mut self, accepted: &[(Protocol, Option<u16>)]) {
        let mut rules: Vec<Rule> =
            accepted.iter().map(|(protocol, port)| rule(Policy::Accept, *protocol, *port)).collect();
        rules.push(rule(Policy::Drop, Protocol::Tcp, Some(22)));
        let group = Group { id: SecurityGroupId::from_entropy(1), rules: Arc::from(rules) };
        let plan = Plan::compile(&PolicyClass::new([group]).unwrap());
        self.host.switch(self.class, Generation(1), &plan).unwrap();
    }

    fn send(&self, direction: Direction, frame: &[u8]) -> Option<Reason> {
        let trial = self.host.try_packet(self.device.ifindex, direction, frame).unwrap();
        assert_eq!(trial.passes, trial.reason.is_none(), "{trial:?}");
        trial.reason
    }

    /// None where the kernel makes no packet of so few bytes in a test run.
    fn try_to_send(&self, direction: Direction, frame: &[u8]) -> Option<Option<Reason>> {
        match self.host.try_packet(self.device.ifindex, direction, frame) {
            Ok(trial) => {
                assert_eq!(trial.passes, trial.reason.is_none(), "{trial:?}");
                Some(trial.reason)
            }
            Err(error) => {
                assert!(frame.len() < 14 + 40, "{error:?} for {frame:02x?}");
                None
            }
        }
    }

    fn drops(&self) -> u64 {
        self.host.drops(Some(self.binding)).unwrap().total()
    }

    /// How many flows count towards the interface's share.
    fn share(&self) -> u64 {
        self.host.read_back(self.binding).unwrap().flows
    }

    fn state(&self) -> FlowState {
        let flows = self.host.flows(self.binding, 2).unwrap();
        assert_eq!(flows.len(), 1, "{flows:?}");
        if flows[0].alive { flows[0].state } else { FlowState::Dead }
    }
}

fn rule(policy: Policy, protocol: Protocol, port: Option<u16>) -> Rule {
    let ports =
        port.map_or(PortRange::default_for(protocol), |port| PortRange::Ports { low: port, high: port });
    Rule {
        direction: Ingress,
        protocol,
        policy,
        priority: 1,
        ports,
        source_ports: PortRange::default_for(protocol),
        source: None,
        destination: None,
        ipv6_source: None,
        ipv6_destination: None,
        description: None,
        created_at: UnixMillis(0),
    }
}

fn out(protocol: u8, payload: &[u8]) -> Vec<u8> {
    frame::frame(Egress, OWN.into(), PEER.into(), protocol, payload)
}

fn inbound(protocol: u8, payload: &[u8]) -> Vec<u8> {
    frame::frame(Ingress, PEER.into(), OWN.into(), protocol, payload)
}

fn out6(source: &str, destination: &str, protocol: u8, payload: &[u8]) -> Vec<u8> {
    frame::frame(Egress, address(source), address(destination), protocol, payload)
}

fn arp(direction: Direction, mac: Mac, sender: Ipv4Addr) -> Vec<u8> {
    let (from, to) = if direction == Egress { (MAC, PEER_MAC) } else { (PEER_MAC, MAC) };
    let body = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &mac.0, &sender.octets(), &[0; 6], &PEER.octets()].concat();
    frame::ethernet_of(from, to, 0x0806, &body)
}

/// A message of neighbour discovery with a target.
fn discovery(kind: u8, target: &str) -> Vec<u8> {
    let target: Ipv6Addr = target.parse().unwrap();
    [&[kind, 0, 0, 0, 0, 0, 0, 0][..], &target.octets()].concat()
}

fn fragment(offset_and_flags: u16, payload: &[u8]) -> Vec<u8> {
    frame::ethernet(PEER_MAC, MAC, &frame::ipv4(PEER, OWN, frame::UDP, offset_and_flags, payload))
}

/// A fragment of a datagram, whose fragment header names what `next` is; the offset is in bytes.
fn fragment6(id: u8, next: u8, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    let [high, low] = (offset | u16::from(more)).to_be_bytes();
    let body = [&[next, 0, high, low, 0, 0, 0, id][..], payload].concat();
    frame::frame(Ingress, address(PEER6), address(OWN6), 44, &body)
}

const MORE: u16 = 0x2000;

#[test]
fn every_kind_of_packet_is_decided_as_it_is_documented() {
    if !may_test_the_kernel() {
        return;
    }
    let bench = Bench::new(support::options(), &[(Protocol::Udp, Some(53)), (Protocol::Icmp, None)]);
    let own_link_local = support::interface(1).link_local().to_string();
    let spoofed: IpAddr = [10, 0, 0, 3].into();
    let other_mac = Mac([2, 2, 2, 2, 2, 2]);
    let from_other_mac = frame::ethernet(other_mac, PEER_MAC, &out(17, &frame::udp(1, 2, b""))[14..]);
    let to_other_mac = frame::ethernet(PEER_MAC, other_mac, &inbound(17, &frame::udp(1, 53, b""))[14..]);
    let mut low_hops = out6(OWN6, PEER6, 58, &discovery(136, OWN6));
    low_hops[14 + 7] = 64;
    let multicast_source =
        frame::frame(Ingress, [224, 0, 0, 1].into(), OWN.into(), 17, &frame::udp(1, 53, b""));
    let dhcp = |direction, source: [u8; 4], destination: [u8; 4], ports: (u16, u16)| {
        frame::frame(
            direction,
            source.into(),
            destination.into(),
            17,
            &frame::udp(ports.0, ports.1, &[0; 240]),
        )
    };
    let everyone = [255; 4];
    let to_group = |direction| {
        let source = if direction == Egress { OWN } else { PEER };
        frame::frame(direction, source.into(), [224, 0, 0, 22].into(), 2, &[0x16; 8])
    };
    let listener_to_one =
        frame::frame(Ingress, address(PEER6), address(OWN6), 58, &[130, 0, 0, 0, 0, 0, 0, 0]);
    // Destination options of 8 bytes, then what they carry: a later fragment that calls itself UDP reaches the header.
    let options_in_first = [&[17, 0, 1, 4, 0, 0, 0, 0][..], &frame::udp(99, 53, &[0; 16])].concat();
    let options_in_first = fragment6(2, 60, 0, true, &options_in_first);
    let over_header = frame::udp(99, 54, &[0; 16]);
    let ping = frame::ipv4(PEER, OWN, 1, 0, &frame::echo(8, 7));
    let answer_to_ping = [&[3, 3, 0, 0, 0, 0, 0, 0][..], &ping].concat();
    let error_to_another = frame::frame(Egress, OWN.into(), spoofed, 1, &answer_to_ping);
    for (what, direction, bytes, expected) in [
        ("UDP out", Egress, out(17, &frame::udp(9, 9, b"x")), None),
        ("UDP to an open port", Ingress, inbound(17, &frame::udp(9, 53, b"x")), None),
        ("no rule", Ingress, inbound(17, &frame::udp(9, 54, b"x")), Some(Reason::Implicit)),
        ("a rule", Ingress, inbound(6, &frame::tcp(9, 22, SYN)), Some(Reason::Rule)),
        ("ACK of nothing", Ingress, inbound(6, &frame::tcp(9, 80, ACK)), Some(Reason::NoSyn)),
        ("ping", Ingress, inbound(1, &frame::echo(8, 7)), None),
        ("its answer", Egress, out(1, &frame::echo(0, 7)), None),
        ("MAC of another", Egress, from_other_mac, Some(Reason::SpoofedMac)),
        ("for another MAC", Ingress, to_other_mac, Some(Reason::Destination)),
        (
            "address of another",
            Egress,
            frame::frame(Egress, spoofed, PEER.into(), 17, &frame::udp(1, 2, b"")),
            Some(Reason::SpoofedAddress),
        ),
        (
            "address of another, IPv6",
            Egress,
            out6("2001:db8::9", PEER6, 17, &frame::udp(1, 2, b"")),
            Some(Reason::SpoofedAddress),
        ),
        (
            "for another address",
            Ingress,
            frame::frame(Ingress, PEER.into(), spoofed, 17, &frame::udp(1, 53, b"")),
            Some(Reason::Destination),
        ),
        ("from a group", Ingress, multicast_source, Some(Reason::Invalid)),
        ("ARP", Egress, arp(Egress, MAC, OWN), None),
        ("ARP probe", Egress, arp(Egress, MAC, Ipv4Addr::UNSPECIFIED), None),
        ("ARP to it", Ingress, arp(Ingress, PEER_MAC, PEER), None),
        ("ARP for another", Egress, arp(Egress, MAC, PEER), Some(Reason::SpoofedArp)),
        ("ARP of another MAC", Egress, arp(Egress, other_mac, OWN), Some(Reason::SpoofedArp)),
        ("short ARP", Egress, arp(Egress, MAC, OWN)[..30].to_vec(), Some(Reason::Invalid)),
        ("NA", Egress, out6(OWN6, PEER6, 58, &discovery(136, OWN6)), None),
        ("NA, link-local", Egress, out6(&own_link_local, PEER6, 58, &discovery(136, &own_link_local)), None),
        ("NA for another", Egress, out6(OWN6, PEER6, 58, &discovery(136, PEER6)), Some(Reason::SpoofedNd)),
        ("NS", Egress, out6(OWN6, "ff02::1:ff00:2", 58, &discovery(135, PEER6)), None),
        ("NA over a router", Egress, low_hops, Some(Reason::Invalid)),
        ("RA", Egress, out6(OWN6, "ff02::1", 58, &[134; 16]), Some(Reason::RogueRouter)),
        ("redirect", Egress, out6(OWN6, PEER6, 58, &[137; 40]), Some(Reason::RogueRouter)),
        ("DHCP client", Egress, dhcp(Egress, [0; 4], everyone, (68, 67)), None),
        ("DHCP server", Ingress, dhcp(Ingress, PEER.octets(), everyone, (67, 68)), None),
        ("rogue DHCP", Egress, dhcp(Egress, OWN.octets(), everyone, (67, 68)), Some(Reason::RogueDhcp)),
        ("IGMP", Egress, to_group(Egress), None),
        ("IGMP to it", Ingress, to_group(Ingress), None),
        ("IGMP to one host", Ingress, inbound(2, &[0x16; 8]), Some(Reason::Implicit)),
        ("MLD", Egress, out6(OWN6, "ff02::16", 58, &[143, 0, 0, 0, 0, 0, 0, 0]), None),
        ("MLD to one host", Ingress, listener_to_one, Some(Reason::Implicit)),
        ("MLD of nobody", Egress, out6("::", "ff02::16", 58, &[143, 0, 0, 0, 0, 0, 0, 0]), None),
        (
            "MLD of nobody to one host",
            Egress,
            out6("::", PEER6, 58, &[131, 0, 0, 0, 0, 0, 0, 0]),
            Some(Reason::SpoofedAddress),
        ),
        ("LLDP", Egress, frame::ethernet_of(MAC, PEER_MAC, 0x88cc, &[0; 46]), Some(Reason::Ethertype)),
        ("VLAN", Egress, frame::ethernet_of(MAC, PEER_MAC, 0x8100, &[0; 46]), Some(Reason::Vlan)),
        ("QinQ", Ingress, frame::ethernet_of(PEER_MAC, MAC, 0x88a8, &[0; 46]), Some(Reason::Vlan)),
        (
            "IPv4 of two versions",
            Egress,
            frame::ethernet_of(MAC, PEER_MAC, 0x0800, &[0x65; 40]),
            Some(Reason::Invalid),
        ),
        ("later fragment of nothing", Ingress, fragment(185, &[0; 40]), Some(Reason::Fragment)),
        ("tiny first fragment", Ingress, fragment(MORE, &[0; 4]), Some(Reason::Fragment)),
        ("first fragment", Ingress, fragment(MORE, &frame::udp(99, 53, &[0; 24])), None),
        ("its later one", Ingress, fragment(4, &[0; 40]), None),
        ("first fragment, IPv6", Ingress, fragment6(1, 17, 0, true, &frame::udp(99, 53, &[0; 24])), None),
        ("its later one, IPv6", Ingress, fragment6(1, 17, 32, false, &[0; 16]), None),
        ("options in fragments", Ingress, options_in_first, Some(Reason::Fragment)),
        ("over their header", Ingress, fragment6(2, 17, 8, false, &over_header), Some(Reason::Fragment)),
        ("error about nothing", Ingress, inbound(1, &quoting(40_000, 9)), Some(Reason::UnrelatedError)),
        ("error about a flow", Ingress, inbound(1, &quoting(9, 9)), None),
        ("error of the interface", Egress, out(1, &answer_to_ping), None),
        ("error to a third host", Egress, error_to_another, Some(Reason::UnrelatedError)),
    ] {
        let before = bench.drops();
        assert_eq!(bench.send(direction, &bytes), expected, "{what}");
        assert_eq!(bench.drops() - before, u64::from(expected.is_some()), "{what} is counted once");
    }
}

#[test]
fn whoever_forwards_for_others_is_still_no_other_on_its_link() {
    if !may_test_the_kernel() {
        return;
    }
    let mut bench = Bench::new(support::options(), &[(Protocol::Udp, Some(53))]);
    let mut interface = support::interface(1);
    interface.source_check = false;
    bench.host.configure(bench.binding, &interface).unwrap();
    let other: IpAddr = [10, 9, 9, 9].into();
    let other_mac = Mac([2, 2, 2, 2, 2, 2]);
    for (what, direction, bytes, expected) in [
        ("for another", Egress, frame::frame(Egress, other, PEER.into(), 17, &frame::udp(1, 2, b"")), None),
        ("to another", Ingress, frame::frame(Ingress, PEER.into(), other, 17, &frame::udp(1, 53, b"")), None),
        ("ARP for another", Egress, arp(Egress, MAC, PEER), None),
        ("NA for another", Egress, out6(OWN6, PEER6, 58, &discovery(136, PEER6)), None),
        ("ARP of another MAC", Egress, arp(Egress, other_mac, OWN), Some(Reason::SpoofedArp)),
        (
            "MAC of another",
            Egress,
            frame::ethernet(other_mac, PEER_MAC, &out(17, &frame::udp(1, 2, b""))[14..]),
            Some(Reason::SpoofedMac),
        ),
        ("RA", Egress, out6(OWN6, "ff02::1", 58, &[134; 16]), Some(Reason::RogueRouter)),
        ("DHCP", Egress, out(17, &frame::udp(67, 68, &[0; 240])), Some(Reason::RogueDhcp)),
    ] {
        assert_eq!(bench.send(direction, &bytes), expected, "{what}");
    }
}

/// An ICMP error about what the interface has sent by UDP.
fn quoting(local: u16, remote: u16) -> Vec<u8> {
    let quoted = frame::ipv4(OWN, PEER, 17, 0, &frame::udp(local, remote, b"x"));
    [&[3, 3, 0, 0, 0, 0, 0, 0][..], &quoted].concat()
}

#[test]
fn an_error_dies_with_the_flow_that_it_quotes() {
    if !may_test_the_kernel() {
        return;
    }
    let mut bench = Bench::new(support::options(), &[(Protocol::Udp, Some(9))]);
    assert_eq!(bench.send(Ingress, &inbound(17, &frame::udp(700, 9, b"x"))), None);
    assert_eq!(bench.send(Ingress, &inbound(1, &quoting(9, 700))), None);
    bench.switch(&[]);
    assert_eq!(bench.send(Ingress, &inbound(1, &quoting(9, 700))), Some(Reason::UnrelatedError));
    bench.switch(&[(Protocol::Udp, Some(9))]);
    assert_eq!(bench.send(Ingress, &inbound(1, &quoting(9, 700))), None);
}

#[test]
fn tcp_goes_through_its_states_and_a_syn_begins_anew() {
    if !may_test_the_kernel() {
        return;
    }
    let open = [(Protocol::Tcp, Some(80))];
    let mut bench = Bench::new(support::options(), &open);
    let to = |flags| inbound(6, &frame::tcp(1000, 80, flags));
    let from = |flags| out(6, &frame::tcp(80, 1000, flags));
    for (direction, bytes, state) in [
        (Ingress, to(SYN), FlowState::TcpSynSent),
        (Egress, from(SYN | ACK), FlowState::TcpSynReceived),
        (Ingress, to(ACK), FlowState::TcpEstablished),
        (Egress, from(ACK), FlowState::TcpEstablished),
        (Egress, from(FIN | ACK), FlowState::TcpFinWait),
        (Ingress, to(ACK), FlowState::TcpFinWait),
        (Ingress, to(FIN | ACK), FlowState::TcpTimeWait),
        (Ingress, to(SYN), FlowState::TcpSynSent),
        (Ingress, to(RST), FlowState::TcpClosed),
        (Ingress, to(SYN), FlowState::TcpSynSent),
    ] {
        assert_eq!(bench.send(direction, &bytes), None, "to {state}");
        assert_eq!(bench.state(), state);
    }
    bench.switch(&[]);
    assert_eq!(bench.send(Egress, &from(SYN | ACK)), Some(Reason::DeadFlow));
    assert_eq!(bench.state(), FlowState::Dead);
    assert_eq!(bench.send(Ingress, &to(SYN)), Some(Reason::Implicit), "a SYN is judged as a new flow");
    assert_eq!(bench.send(Ingress, &to(ACK)), Some(Reason::DeadFlow));
    bench.switch(&open);
    assert_eq!(bench.send(Ingress, &to(SYN)), None);
    assert_eq!(bench.state(), FlowState::TcpSynSent);
}

#[test]
fn a_full_table_refuses_new_flows_and_never_admitted_ones() {
    if !may_test_the_kernel() {
        return;
    }
    let mut options = support::options();
    options.flows_max = 64;
    let bench = Bench::new(options, &[]);
    let mut full = Vec::new();
    let frames: Vec<Vec<u8>> = (1..=200).map(|port| out(17, &frame::udp(port, 9, b""))).collect();
    for bytes in &frames {
        full.push(bench.send(Egress, bytes));
    }
    assert!(full.iter().filter(|reason| reason.is_none()).count() >= 32, "{full:?}");
    assert_eq!(full.last().unwrap(), &Some(Reason::TableFull));
    for (bytes, first) in frames.iter().zip(&full) {
        assert_eq!(bench.send(Egress, bytes), *first);
    }
    let admitted = full.iter().filter(|reason| reason.is_none()).count();
    assert_eq!(bench.share(), admitted as u64);
}

#[test]
fn flows_expire_and_their_share_is_given_back() {
    if !may_test_the_kernel() {
        return;
    }
    let mut options = support::options();
    let short = Duration::from_millis(20);
    options.timeouts =
        FlowState::ALL.iter().fold(Timeouts::default(), |timeouts, state| timeouts.with(*state, short));
    let bench = Bench::new(options, &[]);
    for port in 1..=1000 {
        assert_eq!(bench.send(Egress, &out(17, &frame::udp(port, 9, b""))), None);
    }
    wait_until("no flow is left", || {
        // Flows are deleted before they are counted down: those that are listed later are at most as many.
        let share = bench.share();
        assert!(bench.host.flows(bench.binding, 2000).unwrap().len() as u64 <= share);
        share == 0
    });
    assert_eq!(bench.send(Ingress, &inbound(17, &frame::udp(9, 1, b""))), Some(Reason::Implicit));
}

#[test]
fn flows_expire_though_no_other_begins_after_programs_were_replaced() {
    if !may_test_the_kernel() {
        return;
    }
    let mut options = support::options();
    options.timeouts = [FlowState::UdpNew, FlowState::Dead]
        .iter()
        .fold(Timeouts::default(), |timeouts, state| timeouts.with(*state, Duration::from_millis(500)));
    let mut bench = Bench::new(options, &[]);
    for port in 1..=300 {
        assert_eq!(bench.send(Egress, &out(17, &frame::udp(port, 9, b""))), None);
    }
    let programs = bench.host.directory().join("v1/programs");
    for program in ["from_instance", "to_instance"] {
        std::fs::remove_file(programs.join(program)).unwrap();
    }
    bench.host.kill();
    wait_until("no flow is left", || bench.share() == 0);
    // The new programs' timer takes over with the next flow.
    assert_eq!(bench.send(Egress, &out(17, &frame::udp(1, 9, b""))), None);
    wait_until("the flow of the new programs is gone", || bench.share() == 0);
}

/// Frames that pass, of every protocol that is looked into.
fn valid_frames() -> Vec<(Direction, Vec<u8>)> {
    let filled = |length: usize| vec![0x5a; length];
    vec![
        (Egress, out(17, &frame::udp(5, 6, &filled(100)))),
        (Ingress, inbound(17, &frame::udp(5, 53, &filled(150)))),
        (Egress, out(6, &frame::tcp(5, 6, SYN))),
        (Egress, out(1, &frame::echo(8, 5))),
        (Egress, out(47, &filled(60))),
        (Egress, out6(OWN6, PEER6, 17, &frame::udp(5, 6, &filled(80)))),
        (Egress, out6(OWN6, PEER6, 6, &frame::tcp(5, 7, SYN))),
        (Egress, out6(OWN6, PEER6, 58, &frame::echo(128, 5))),
        (Egress, out6(OWN6, PEER6, 58, &discovery(136, OWN6))),
        (Egress, arp(Egress, MAC, OWN)),
        (Ingress, arp(Ingress, PEER_MAC, PEER)),
        (Ingress, inbound(1, &quoting(5, 6))),
    ]
}

#[test]
fn nothing_that_is_cut_short_passes() {
    if !may_test_the_kernel() {
        return;
    }
    let bench = Bench::new(support::options(), &[(Protocol::Udp, Some(53))]);
    for (direction, bytes) in valid_frames() {
        assert_eq!(bench.send(direction, &bytes), None, "{bytes:02x?}");
        // Test runs want a whole IP header; the real wire below does not.
        for length in 15..bytes.len() {
            let before = bench.drops();
            match bench.try_to_send(direction, &bytes[..length]) {
                Some(found) => assert!(found.is_some(), "{length} bytes of {bytes:02x?}"),
                None => continue,
            }
            assert_eq!(bench.drops() - before, 1);
        }
    }
}

#[test]
fn nothing_that_is_cut_short_passes_on_a_real_wire() {
    if !may_test_the_kernel() {
        return;
    }
    let bench = Bench::new(support::options(), &[(Protocol::Udp, Some(53))]);
    let [inside, outside] = [Device::named("pv0").unwrap(), bench.device.clone()];
    let [from_instance, to_instance] = [&inside, &outside].map(support::Wire::at);
    let mut wanted = 0;
    for (direction, bytes) in valid_frames() {
        for length in 14..bytes.len() {
            let wire = if direction == Egress { &from_instance } else { &to_instance };
            wire.send(&bytes[..length]);
            wanted += 1;
            // Few enough on their way that none is lost before it is judged.
            let what = format!("{length} bytes of {direction:?} {bytes:02x?} are counted");
            wait_until(&what, || bench.drops() >= wanted);
        }
    }
    assert_eq!(bench.drops(), wanted);
}

#[test]
fn nothing_malformed_passes_as_another_or_uncounted() {
    if !may_test_the_kernel() {
        return;
    }
    let first = seed();
    let mut random = Random::new(first);
    let bench = Bench::new(support::options(), &[(Protocol::Udp, Some(53))]);
    let frames = valid_frames();
    let (mut sent, mut passed) = (0, 0);
    for _ in 0..100_000 {
        let (direction, mut bytes) = frames[random.below(frames.len())].clone();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        if random.percent(20) {
            bytes.truncate(15 + random.below(186));
        }
        if random.percent(20) {
            bytes.resize(bytes.len().max(15 + random.below(186)), 0);
        }
        let Some(found) = bench.try_to_send(direction, &bytes) else { continue };
        sent += 1;
        if found.is_none() {
            passed += 1;
            assert!(is_its_own(direction, &bytes), "RAVELIN_SEED={first}: {direction:?} {bytes:02x?}");
        }
    }
    assert_eq!(bench.drops() + passed, sent, "RAVELIN_SEED={first}");
    assert!(passed > 0 && passed < sent);
}

/// Whether a frame says nothing that another host should say, or is for nobody else.
fn is_its_own(direction: Direction, bytes: &[u8]) -> bool {
    let (to, from, rest) = (&bytes[..6], &bytes[6..12], &bytes[14..]);
    let own6: Ipv6Addr = OWN6.parse().unwrap();
    let link_local = support::interface(1).link_local();
    let (own, own6) = ([OWN.octets()], [own6.octets(), link_local.octets()]);
    let is_group = |address: &[u8]| matches!(address, [224..=239 | 255, _, _, _] | [255, ..]);
    let mac = if direction == Egress { from == MAC.0 } else { to == MAC.0 || to[0] & 1 == 1 };
    let address = match (bytes[12], bytes[13], direction) {
        (8, 6, Egress) => rest[8..14] == MAC.0 && (rest[14..18] == own[0] || rest[14..18] == [0; 4]),
        (8, 6, Ingress) => true,
        (8, 0, Egress) => own.iter().any(|own| rest[12..16] == *own) || rest[12..16] == [0; 4],
        (8, 0, Ingress) => own.iter().any(|own| rest[16..20] == *own) || is_group(&rest[16..20]),
        (0x86, 0xdd, Egress) => own6.iter().any(|own| rest[8..24] == *own) || rest[8..24] == [0; 16],
        (0x86, 0xdd, Ingress) => own6.iter().any(|own| rest[24..40] == *own) || is_group(&rest[24..40]),
        _ => false,
    };
    mac && address
}
