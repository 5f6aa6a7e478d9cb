//! What happens to a packet.

use std::{net::IpAddr, time::Duration};

use model::rule::{Direction, Policy};
use policy::{
    Packet,
    packet::protocol,
    plan::{Lookup, Plan},
};

use super::{EVENTS_MAX, SimulatedDataplane, SimulatedPlan};
use crate::{
    flow::{Event, Flow, FlowState, Tuple},
    interface::{Binding, Interface},
    reason::Reason,
    report::RulePlace,
};

/// Whether a packet of TCP begins a flow. For other protocols it does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Begins {
    /// A SYN.
    Yes,
    /// Neither SYN, FIN nor RST.
    No,
}

impl SimulatedDataplane {
    /// A packet at a device.
    ///
    /// # Errors
    /// Why it is dropped.
    pub fn deliver(
        &mut self,
        ifindex: u32,
        direction: Direction,
        packet: &Packet,
        begins: Begins,
    ) -> Result<(), Reason> {
        if !self.devices.get(&ifindex).is_some_and(|device| device.guarded) {
            return Ok(());
        }
        let Some(binding) = self.binding_at(ifindex) else {
            *self.unbound.entry(Reason::Unbound).or_default() += 1;
            self.note(ifindex, None, Reason::Unbound, direction, packet, None);
            return Err(Reason::Unbound);
        };
        let mut asked = None;
        let result = self.judge(binding, direction, packet, begins, &mut asked);
        if let Err(reason) = result {
            if let Some(bound) = self.bindings.get_mut(&binding.0) {
                *bound.drops.entry(reason).or_default() += 1;
            }
            self.note(ifindex, Some(binding), reason, direction, packet, asked);
        }
        result
    }

    fn note(
        &mut self,
        ifindex: u32,
        binding: Option<Binding>,
        reason: Reason,
        direction: Direction,
        packet: &Packet,
        rule: Option<RulePlace>,
    ) {
        if self.events.len() == EVENTS_MAX {
            return;
        }
        self.events.push_back(Event {
            age: Duration::ZERO,
            ifindex,
            binding,
            reason,
            rule: rule.filter(|_| matches!(reason, Reason::Rule | Reason::Implicit)),
            direction,
            ethertype: if packet.source().is_ipv4() { 0x0800 } else { 0x86dd },
            tuple: binding.map(|_| tuple(direction, packet)),
            length: 64,
        });
    }

    fn judge(
        &mut self,
        binding: Binding,
        direction: Direction,
        packet: &Packet,
        begins: Begins,
        asked: &mut Option<RulePlace>,
    ) -> Result<(), Reason> {
        let bound = self.bindings.get_mut(&binding.0).ok_or(Reason::Unbound)?;
        let class = bound.class.and_then(|class| self.classes.get_mut(&class.0)).ok_or(Reason::Closed)?;
        let live = class.live.as_mut().ok_or(Reason::Closed)?;
        check_address(&bound.interface, direction, packet)?;
        let tuple = tuple(direction, packet);
        let is_tcp = packet.protocol() == protocol::TCP;
        let begins_anew = is_tcp && begins == Begins::Yes;
        if let Some(flow) = bound.flows.get_mut(&tuple) {
            let is_over = begins_anew && !flow.alive;
            if flow.stamp != live.stamp && !is_over {
                let first = if flow.begun == direction { *packet } else { packet.reversed() };
                let (rule, verdict) = ask(live, flow.begun, &first);
                (flow.stamp, flow.rule, flow.alive) = (live.stamp, rule, verdict.is_ok());
                *asked = Some(rule);
            }
            if flow.alive {
                if begins_anew && flow.begun != direction {
                    let (rule, verdict) = ask(live, direction, packet);
                    *asked = Some(rule);
                    verdict?;
                }
                pass(flow, direction);
                return Ok(());
            }
            if !begins_anew {
                return Err(Reason::DeadFlow);
            }
        }
        let is_running = is_tcp && begins == Begins::No;
        if is_running && self.now >= bound.adopt_until {
            return Err(Reason::NoSyn);
        }
        // As `adopt` in bpf/flow.h.
        let mut begun = if is_running { Direction::Ingress } else { direction };
        let first = |begun| if begun == direction { *packet } else { packet.reversed() };
        let (mut rule, mut verdict) = ask(live, begun, &first(begun));
        if is_running && verdict.is_err() && direction == Direction::Egress {
            begun = Direction::Egress;
            (rule, verdict) = ask(live, begun, &first(begun));
        }
        *asked = Some(rule);
        verdict?;
        let has = bound.flows.len();
        if !bound.flows.contains_key(&tuple) && has >= bound.interface.flows_max as usize {
            return Err(Reason::FlowLimit);
        }
        let mut flow = Flow {
            binding,
            tuple,
            begun,
            age: Duration::ZERO,
            idle: Duration::ZERO,
            state: first_state(packet.protocol(), begins),
            alive: true,
            stamp: live.stamp,
            rule,
            packets_local: 0,
            bytes_local: 0,
            packets_remote: 0,
            bytes_remote: 0,
        };
        pass(&mut flow, direction);
        bound.flows.insert(tuple, flow);
        Ok(())
    }
}

fn first_state(of: u8, begins: Begins) -> FlowState {
    match of {
        protocol::TCP if begins == Begins::Yes => FlowState::TcpSynSent,
        protocol::TCP => FlowState::TcpEstablished,
        protocol::UDP => FlowState::UdpNew,
        protocol::GRE => FlowState::GreNew,
        protocol::ICMP | protocol::ICMPV6 => FlowState::Icmp,
        _ => FlowState::Other,
    }
}

/// Asks the rules, and counts the answer.
fn ask(live: &mut SimulatedPlan, direction: Direction, packet: &Packet) -> (RulePlace, Result<(), Reason>) {
    let (place, policy) = decide(&live.plan, direction, packet);
    *live.counts.entry((direction, place)).or_default() += 1;
    let verdict = match (policy, place) {
        (Policy::Accept, _) => Ok(()),
        (Policy::Drop, RulePlace::Rule(_)) => Err(Reason::Rule),
        (Policy::Drop, _) => Err(Reason::Implicit),
    };
    (place, verdict)
}

fn decide(plan: &Plan, direction: Direction, packet: &Packet) -> (RulePlace, Policy) {
    let of_direction = plan.direction(direction);
    let place = of_direction.find(&Lookup::of(direction, packet));
    let policy = of_direction.decision(place).policy;
    let place = place.and_then(|place| u32::try_from(place).ok());
    (place.map_or(RulePlace::Implicit, RulePlace::Rule), policy)
}

fn pass(flow: &mut Flow, direction: Direction) {
    match direction {
        Direction::Egress => flow.packets_local += 1,
        Direction::Ingress => flow.packets_remote += 1,
    }
    if flow.begun != direction {
        flow.state = match flow.state {
            FlowState::UdpNew => FlowState::UdpStream,
            FlowState::GreNew => FlowState::GreStream,
            state => state,
        };
    }
}

fn check_address(interface: &Interface, direction: Direction, packet: &Packet) -> Result<(), Reason> {
    let (own, reason) = match direction {
        Direction::Egress => (packet.source(), Reason::SpoofedAddress),
        Direction::Ingress => (packet.destination(), Reason::Destination),
    };
    let is_own = interface.addresses.contains(&own)
        || IpAddr::V6(interface.link_local()) == own
        || interface.prefixes.iter().any(|prefix| prefix.contains(&own));
    if is_own || !interface.source_check { Ok(()) } else { Err(reason) }
}

fn tuple(direction: Direction, packet: &Packet) -> Tuple {
    let seen = if direction == Direction::Egress { *packet } else { packet.reversed() };
    Tuple {
        protocol: seen.protocol(),
        local: seen.source(),
        local_port: seen.source_port(),
        remote: seen.destination(),
        remote_port: seen.destination_port(),
        icmp_type: 0,
    }
}
