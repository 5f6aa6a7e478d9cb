//! Flows.

use std::time::Duration;

use dataplane::{Begins, FlowState, Reason, RulePlace};
use model::rule::{Direction, Policy, Protocol};

use crate::{
    subject::{Bound, OWN, PEER, Subject, accepting, packet, plan, request, rule, udp},
    support::{frame, interface},
};

pub fn flows_are_listed_with_rule_and_packets(subject: &mut dyn Subject) {
    let mut bound = Bound::with(subject, &accepting(&[79, 80]));
    assert_eq!(bound.request(subject, 80), None);
    assert_eq!(bound.request(subject, 80), None);
    let flows = subject.dataplane().flows(bound.binding, 10).unwrap();
    let [flow] = &flows[..] else { panic!("{flows:?}") };
    assert_eq!((flow.binding, flow.begun), (bound.binding, Direction::Ingress));
    assert_eq!((flow.state, flow.alive), (FlowState::UdpNew, true));
    assert_eq!((flow.tuple.local.to_string(), flow.tuple.local_port), (OWN.to_owned(), 80));
    assert_eq!((flow.tuple.remote.to_string(), flow.tuple.remote_port), (PEER.to_owned(), 4000));
    assert_eq!(flow.rule, RulePlace::Rule(1));
    assert_eq!((flow.packets_remote, flow.packets_local), (2, 0));
    assert_eq!(bound.send(subject, Direction::Egress, &request(80).reversed()), None);
    let flow = subject.dataplane().flows(bound.binding, 10).unwrap().remove(0);
    assert_eq!((flow.state, flow.packets_local), (FlowState::UdpStream, 1));
    let stamp = bound.switch(subject, &accepting(&[]));
    assert!(subject.dataplane().flows(bound.binding, 10).unwrap()[0].alive, "not judged again yet");
    assert_eq!(bound.request(subject, 80), Some(Reason::DeadFlow));
    let flow = subject.dataplane().flows(bound.binding, 10).unwrap().remove(0);
    assert_eq!((flow.alive, flow.stamp, flow.rule), (false, stamp, RulePlace::Implicit));
    for port in 1..=5 {
        assert_eq!(bound.send(subject, Direction::Egress, &udp(OWN, PEER, (port, 9))), None);
    }
    assert_eq!(subject.dataplane().flows(bound.binding, 3).unwrap().len(), 3);
    assert_eq!(subject.dataplane().read_back(bound.binding).unwrap().flows, 6);
}

pub fn an_interface_has_its_share_of_flows_and_no_more(subject: &mut dyn Subject) {
    let bound = Bound::with(subject, &accepting(&[80]));
    let mut wanted = interface(1);
    wanted.flows_max = 3;
    subject.dataplane().configure(bound.binding, &wanted).unwrap();
    for port in 1..=3 {
        assert_eq!(bound.send(subject, Direction::Egress, &udp(OWN, PEER, (port, 9))), None);
    }
    assert_eq!(bound.send(subject, Direction::Egress, &udp(OWN, PEER, (4, 9))), Some(Reason::FlowLimit));
    assert_eq!(bound.request(subject, 80), Some(Reason::FlowLimit));
    assert_eq!(bound.send(subject, Direction::Egress, &udp(OWN, PEER, (1, 9))), None, "admitted ones go on");
    assert_eq!(subject.dataplane().read_back(bound.binding).unwrap().flows, 3);
}

pub fn a_reply_after_a_switch_keeps_its_flow(subject: &mut dyn Subject) {
    let mut bound = Bound::with(subject, &accepting(&[80]));
    let out = udp(OWN, PEER, (1234, 53));
    assert_eq!(bound.send(subject, Direction::Egress, &out), None);
    for _ in 0..5 {
        bound.switch(subject, &accepting(&[]));
        // The rules of ingress permit nothing; the flow was begun by the interface.
        assert_eq!(bound.send(subject, Direction::Ingress, &out.reversed()), None);
    }
    let other = udp(PEER, OWN, (53, 1235));
    assert_eq!(bound.send(subject, Direction::Ingress, &other), Some(Reason::Implicit));
}

pub fn tcp_begins_with_syn_unless_it_is_adopted(subject: &mut dyn Subject) {
    let mut bound = Bound::with(subject, &plan([rule(Policy::Accept, Protocol::Tcp, 80)]));
    let inbound = packet(frame::TCP, PEER, OWN, (4000, 80));
    assert_eq!(tcp(subject, &bound, Direction::Ingress, &inbound, Begins::No), Some(Reason::NoSyn));
    let answer = inbound.reversed();
    assert_eq!(tcp(subject, &bound, Direction::Egress, &answer, Begins::No), Some(Reason::NoSyn));
    assert_eq!(tcp(subject, &bound, Direction::Ingress, &inbound, Begins::Yes), None);
    assert_eq!(tcp(subject, &bound, Direction::Ingress, &inbound, Begins::No), None);
    adopt(subject, &mut bound, Duration::from_secs(3600));
    let running = packet(frame::TCP, PEER, OWN, (4001, 80));
    assert_eq!(tcp(subject, &bound, Direction::Ingress, &running, Begins::No), None);
    // What ingress accepts its peer has begun, although the interface is heard first.
    let heard = packet(frame::TCP, PEER, OWN, (4002, 80));
    assert_eq!(tcp(subject, &bound, Direction::Egress, &heard.reversed(), Begins::No), None);
    // What it does not accept the interface may have begun, and has to be heard of it.
    let own = packet(frame::TCP, OWN, PEER, (5000, 443));
    let from_peer = own.reversed();
    assert_eq!(tcp(subject, &bound, Direction::Ingress, &from_peer, Begins::No), Some(Reason::Implicit));
    assert_eq!(tcp(subject, &bound, Direction::Egress, &own, Begins::No), None);
    assert_eq!(tcp(subject, &bound, Direction::Ingress, &from_peer, Begins::No), None);
    let mut begun: Vec<_> = subject.dataplane().flows(bound.binding, 9).unwrap();
    begun.sort_by_key(|flow| flow.tuple.remote_port);
    let begun: Vec<_> = begun.iter().map(|flow| (flow.tuple.remote_port, flow.begun)).collect();
    let [ingress, egress] = [Direction::Ingress, Direction::Egress];
    assert_eq!(begun, [(443, egress), (4001, ingress), (4002, ingress)]);
    // The end of the rule ends what was begun by it.
    bound.switch(subject, &plan([]));
    let answer = heard.reversed();
    assert_eq!(tcp(subject, &bound, Direction::Egress, &answer, Begins::No), Some(Reason::DeadFlow));
    assert_eq!(tcp(subject, &bound, Direction::Ingress, &from_peer, Begins::No), None);
}

pub fn adoption_ends_when_it_was_said_to_at_the_latest(subject: &mut dyn Subject) {
    let mut bound = Bound::with(subject, &plan([rule(Policy::Accept, Protocol::Tcp, 80)]));
    let hour = Duration::from_secs(3600);
    let running = |port| packet(frame::TCP, PEER, OWN, (port, 80));
    // It begins when a device is bound, and not later.
    let mut wanted = interface(1);
    wanted.adopt = hour;
    subject.dataplane().configure(bound.binding, &wanted).unwrap();
    assert_eq!(tcp(subject, &bound, Direction::Ingress, &running(1), Begins::No), Some(Reason::NoSyn));
    adopt(subject, &mut bound, hour);
    let left = |subject: &mut dyn Subject, bound: &Bound| {
        subject.dataplane().read_back(bound.binding).unwrap().configuration.adopt
    };
    let before = left(subject, &bound);
    assert!(before <= hour && !before.is_zero());
    // Another configuration, also that of another process, begins it no second time.
    for round in 0..4 {
        wanted.flows_max += 1;
        wanted.adopt = hour * 2;
        subject.dataplane().configure(bound.binding, &wanted).unwrap();
        let after = left(subject, &bound);
        assert!(after <= before && !after.is_zero(), "{round}: {after:?}, {before:?} before");
        subject.kill();
    }
    assert_eq!(tcp(subject, &bound, Direction::Ingress, &running(2), Begins::No), None);
    wanted.adopt = Duration::from_secs(60);
    subject.dataplane().configure(bound.binding, &wanted).unwrap();
    assert!(left(subject, &bound) <= Duration::from_secs(60), "it may be shorter");
    wanted.adopt = Duration::ZERO;
    subject.dataplane().configure(bound.binding, &wanted).unwrap();
    assert_eq!(tcp(subject, &bound, Direction::Ingress, &running(3), Begins::No), Some(Reason::NoSyn));
    assert_eq!(tcp(subject, &bound, Direction::Ingress, &running(2), Begins::No), None);
    wanted.adopt = hour;
    subject.dataplane().configure(bound.binding, &wanted).unwrap();
    assert_eq!(tcp(subject, &bound, Direction::Ingress, &running(3), Begins::No), Some(Reason::NoSyn));
}

/// Sends a packet of TCP.
fn tcp(
    subject: &mut dyn Subject,
    bound: &Bound,
    direction: Direction,
    packet: &policy::Packet,
    begins: Begins,
) -> Option<Reason> {
    subject.send(&bound.device, direction, packet, begins)
}

/// Binds the device anew, and adopts what runs.
fn adopt(subject: &mut dyn Subject, bound: &mut Bound, adopt: Duration) {
    subject.dataplane().unbind(bound.binding).unwrap();
    let wanted = dataplane::Interface { adopt, ..interface(1) };
    bound.binding = subject.dataplane().bind(&bound.device, &wanted).unwrap();
    subject.dataplane().assign(bound.binding, Some(bound.class)).unwrap();
}

pub fn flows_are_read_beside_the_dataplane(subject: &mut dyn Subject) {
    let mut bound = Bound::with(subject, &accepting(&[79, 80, 81]));
    (79..=81).for_each(|port| assert_eq!(bound.request(subject, port), None));
    let mut reader = subject.dataplane().flow_reader(bound.binding).unwrap();
    let listed = subject.dataplane().flows(bound.binding, 10).unwrap();
    // Another thread has it while this one goes on changing things.
    let (read, mut reader) = std::thread::scope(|scope| {
        let reading = scope.spawn(move || {
            let mut read = Vec::new();
            reader
                .each(|flow| {
                    read.push(flow);
                    true
                })
                .unwrap();
            (read, reader)
        });
        bound.switch(subject, &accepting(&[80]));
        reading.join().unwrap()
    });
    let mut tuples: [Vec<_>; 2] = [read, listed].map(|all| all.into_iter().map(|flow| flow.tuple).collect());
    tuples.iter_mut().for_each(|tuples| tuples.sort());
    assert_eq!(tuples[0], tuples[1]);
    let mut visited = 0;
    reader
        .each(|flow| {
            assert_eq!(flow.binding, bound.binding);
            visited += 1;
            visited < 2
        })
        .unwrap();
    assert_eq!(visited, 2, "it ends where nobody wants to see more");
    subject.dataplane().unbind(bound.binding).unwrap();
    assert!(subject.dataplane().flow_reader(bound.binding).is_err());
}

pub fn flows_end_with_their_binding(subject: &mut dyn Subject) {
    let bound = Bound::with(subject, &accepting(&[80]));
    assert_eq!(bound.request(subject, 80), None);
    subject.dataplane().unbind(bound.binding).unwrap();
    let binding = subject.dataplane().bind(&bound.device, &interface(2)).unwrap();
    assert!(subject.dataplane().flows(binding, 9).unwrap().is_empty());
    assert_eq!(subject.dataplane().read_back(binding).unwrap().flows, 0);
    subject.dataplane().assign(binding, Some(bound.class)).unwrap();
    let reply = request(80).reversed();
    assert_eq!(bound.send(subject, Direction::Egress, &reply), None);
    let flow = subject.dataplane().flows(binding, 9).unwrap().remove(0);
    assert_eq!(flow.begun, Direction::Egress, "a flow of its own");
}

pub fn a_syn_over_a_flow_is_judged_as_what_it_would_begin(subject: &mut dyn Subject) {
    let accepted = plan([rule(Policy::Accept, Protocol::Tcp, 80)]);
    let mut bound = Bound::with(subject, &accepted);
    // The interface has begun it; its peer may not begin anything at that port.
    let own = packet(frame::TCP, OWN, PEER, (5000, 443));
    assert_eq!(bound.send(subject, Direction::Egress, &own), None);
    assert_eq!(bound.send(subject, Direction::Ingress, &own.reversed()), Some(Reason::Implicit));
    let answer = subject.send(&bound.device, Direction::Ingress, &own.reversed(), Begins::No);
    assert_eq!(answer, None, "the flow stays");
    // A SYN of a flow that the rules have cut meanwhile is refused as a new one.
    let inbound = packet(frame::TCP, PEER, OWN, (4000, 80));
    assert_eq!(bound.send(subject, Direction::Ingress, &inbound), None);
    bound.switch(subject, &plan([]));
    for _ in 0..2 {
        assert_eq!(bound.send(subject, Direction::Ingress, &inbound), Some(Reason::Implicit));
        let reply = subject.send(&bound.device, Direction::Egress, &inbound.reversed(), Begins::No);
        assert_eq!(reply, Some(Reason::DeadFlow));
    }
    bound.switch(subject, &accepted);
    assert_eq!(bound.send(subject, Direction::Ingress, &inbound), None);
}
