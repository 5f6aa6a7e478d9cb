//! What is only looked at: flows, drops, events, and packets that are tried.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use model::rule::Direction;

use super::{
    EbpfDataplane, Trial,
    host::{monotonic, system},
    sys::{self, Map},
};
use crate::{
    error::DataplaneError,
    flow::{Event, Flow, FlowReader, FlowState, Tuple},
    interface::{Binding, Stamp},
    layout::{
        EventValue, FLOW_DEAD, FLOW_EGRESS, FlowKey, FlowValue, RULE_EXEMPT, RULE_IMPLICIT, STAMP_MASK,
        STATE_MASK, address,
    },
    reason::Reason,
    report::{Drops, RulePlace},
};

/// How many instructions the verifier has looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// In the program for what instances send.
    pub from_instance: u32,
    /// In the program for what instances are sent.
    pub to_instance: u32,
}

fn rule_place(rule: u32) -> RulePlace {
    match rule {
        RULE_IMPLICIT => RulePlace::Implicit,
        RULE_EXEMPT => RulePlace::Exempt,
        place => RulePlace::Rule(place),
    }
}

fn since(now: Duration, then_ns: u64) -> Duration {
    now.saturating_sub(Duration::from_nanos(then_ns))
}

fn read_flow(key: FlowKey, value: FlowValue, now: Duration) -> Flow {
    let FlowKey { id, local_port, remote_port, protocol, icmp_type, local, remote } = key;
    let begun = if value.word & FLOW_EGRESS == 0 { Direction::Ingress } else { Direction::Egress };
    Flow {
        binding: Binding(id),
        tuple: Tuple { protocol, local, local_port, remote, remote_port, icmp_type },
        begun,
        age: since(now, value.begun_ns),
        idle: since(now, value.seen_local_ns.max(value.seen_remote_ns)),
        state: FlowState::from_number(value.state & STATE_MASK).unwrap_or(FlowState::Other),
        alive: value.word & FLOW_DEAD == 0,
        stamp: Stamp(value.word & STAMP_MASK),
        rule: rule_place(value.rule),
        packets_local: value.packets_local,
        bytes_local: value.bytes_local,
        packets_remote: value.packets_remote,
        bytes_remote: value.bytes_remote,
    }
}

fn visit_flows(
    table: &Map,
    binding: Binding,
    visit: &mut dyn FnMut(Flow) -> bool,
) -> Result<(), DataplaneError> {
    let now = monotonic();
    let each = |key: &[u8], value: &[u8]| {
        let key = FlowKey::read(key);
        key.id != binding.0 || visit(read_flow(key, FlowValue::read(value), now))
    };
    table.each(each).map_err(system("reading flows"))
}

fn read_event(bytes: &[u8], now: Duration) -> Option<Event> {
    let value = EventValue::read(bytes.get(..EventValue::SIZE)?);
    let reason = Reason::from_number(value.reason)?;
    let (local, remote) = (address(value.local), address(value.remote));
    let known = value.local != [0; 16] || value.remote != [0; 16];
    let tuple = Tuple {
        protocol: value.protocol,
        local,
        local_port: value.local_port,
        remote,
        remote_port: value.remote_port,
        icmp_type: 0,
    };
    Some(Event {
        age: since(now, value.at_ns),
        ifindex: value.ifindex,
        binding: (value.slot != 0).then_some(Binding(value.id)),
        reason,
        rule: matches!(reason, Reason::Rule | Reason::Implicit).then(|| rule_place(value.rule)),
        direction: if value.direction == 0 { Direction::Ingress } else { Direction::Egress },
        ethertype: value.ethertype,
        tuple: known.then_some(tuple),
        length: value.length,
    })
}

impl EbpfDataplane {
    pub(super) fn list_flows(&self, binding: Binding, most: usize) -> Result<Vec<Flow>, DataplaneError> {
        self.bound(binding)?;
        let mut flows = Vec::new();
        if most > 0 {
            visit_flows(&self.maps.flows, binding, &mut |flow| {
                flows.push(flow);
                flows.len() < most
            })?;
        }
        Ok(flows)
    }

    pub(super) fn read_flows(&self, binding: Binding) -> Result<FlowReader, DataplaneError> {
        self.bound(binding)?;
        let table = self.maps.flows.try_clone().map_err(system("keeping the table of flows"))?;
        Ok(FlowReader::new(move |visit| visit_flows(&table, binding, visit)))
    }

    pub(super) fn count_drops(&self, binding: Option<Binding>) -> Result<Drops, DataplaneError> {
        let slot = match binding {
            Some(binding) => self.bound(binding)?.slot,
            None => 0,
        };
        let counters = self.counters(slot);
        let count = |reason: &Reason| (*reason, counters[*reason as usize].load(Relaxed));
        Ok(Drops::new(Reason::ALL.iter().map(count)))
    }

    pub(super) fn take_events(&mut self, most: usize) -> Vec<Event> {
        let now = monotonic();
        let mut events = Vec::new();
        while events.len() < most {
            let Some(item) = self.maps.events.next() else { break };
            events.extend(read_event(&item, now));
        }
        events
    }

    /// Runs the very programs on a frame, as if it went in `direction` at a device. It counts, begins flows and makes events
    /// like any other packet, but goes nowhere.
    ///
    /// # Errors
    /// There is no such device; the frame is shorter than an Ethernet header or longer than a page; the kernel refuses.
    pub fn try_packet(
        &self,
        ifindex: u32,
        direction: Direction,
        frame: &[u8],
    ) -> Result<Trial, DataplaneError> {
        self.try_packet_often(ifindex, direction, frame, 1)
    }

    /// As [`try_packet`](Self::try_packet), `times` over.
    ///
    /// # Errors
    /// As there.
    pub fn try_packet_often(
        &self,
        ifindex: u32,
        direction: Direction,
        frame: &[u8],
        times: u32,
    ) -> Result<Trial, DataplaneError> {
        const SHOT: u32 = 2;
        let programs = self.attacher.programs();
        let program = match direction {
            Direction::Egress => &programs.from_instance,
            Direction::Ingress => &programs.to_instance,
        };
        let run = sys::test_run(program, ifindex, frame, times).map_err(system("a test run"))?;
        let reason = u16::try_from(run.cb[0]).ok().and_then(Reason::from_number);
        let rule = match run.cb[1] {
            0 => None,
            RULE_IMPLICIT => Some(RulePlace::Implicit),
            place => Some(rule_place(place - 1)),
        };
        Ok(Trial { passes: run.returned != SHOT, reason, rule, duration_ns: run.duration_ns })
    }

    /// How many instructions of the programs the verifier has looked at: what bounds their growth.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn verified(&self) -> Result<Verified, DataplaneError> {
        let programs = self.attacher.programs();
        let count = |program| {
            sys::program_info(program).map(|info| info.verified).map_err(system("asking for a program"))
        };
        let (from_instance, to_instance) = (count(&programs.from_instance)?, count(&programs.to_instance)?);
        Ok(Verified { from_instance, to_instance })
    }
}
