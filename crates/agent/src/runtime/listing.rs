//! Flows of an interface, listed and counted beside the enforcer's thread.
//!
//! A table of flows may have hundreds of thousands of entries, and those of one interface lie anywhere in it. So the
//! enforcer's thread gives away what reads them, with the rules that are in force then, and goes on: nobody's update waits
//! for a list.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BinaryHeap},
    time::Duration,
};

use dataplane::{DataplaneError, Drops, Flow, FlowReader, RuleCount, RulePlace};
use ipnet::IpNet;
use model::rule::Direction;
use protocol::node;

use super::decided::{Decided, RulesInForce, direction, word};

/// Which flows. All that is said must fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    protocol: Option<u8>,
    remote: Option<IpNet>,
    port: Option<u16>,
    alive: Option<bool>,
}

impl Filter {
    /// Reads a filter. None: it is malformed.
    pub(crate) fn read(question: &node::FlowsQuestion) -> Option<Self> {
        let remote = match &*question.remote_prefix {
            "" => None,
            text => Some(text.parse().ok()?),
        };
        Some(Self {
            protocol: question.protocol.map(u8::try_from).transpose().ok()?,
            remote,
            port: question.port.map(u16::try_from).transpose().ok()?,
            alive: question.alive,
        })
    }

    fn admits(&self, flow: &Flow) -> bool {
        let tuple = &flow.tuple;
        self.protocol.is_none_or(|protocol| protocol == tuple.protocol)
            && self.remote.is_none_or(|prefix| prefix.contains(&tuple.remote))
            && self.port.is_none_or(|port| [tuple.local_port, tuple.remote_port].contains(&port))
            && self.alive.is_none_or(|alive| alive == flow.alive)
    }
}

/// The flows of an interface, to be read.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) flows: FlowReader,
    pub(crate) rules: Option<RulesInForce>,
}

/// A flow by how long it has been quiet.
struct Quiet(Flow);

impl Quiet {
    fn key(&self) -> (Duration, dataplane::Tuple) {
        (self.0.idle, self.0.tuple)
    }
}

impl PartialEq for Quiet {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Quiet {}

impl PartialOrd for Quiet {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quiet {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Listing {
    /// Of the flows that fit, the ones that had a packet last, `most` at most, and how many more there are.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn list(mut self, filter: &Filter, most: usize) -> Result<node::Flows, DataplaneError> {
        let mut listed = BinaryHeap::new();
        let mut fitting = 0u64;
        self.flows.each(|flow| {
            if filter.admits(&flow) {
                fitting += 1;
                listed.push(Quiet(flow));
                if listed.len() > most {
                    listed.pop();
                }
            }
            true
        })?;
        let listed = listed.into_sorted_vec();
        let flows: Vec<_> = listed.iter().map(|quiet| flow_of(self.rules.as_ref(), &quiet.0)).collect();
        Ok(node::Flows { left_out: fitting - flows.len() as u64, flows })
    }
}

fn flow_of(rules: Option<&RulesInForce>, flow: &Flow) -> node::Flow {
    let decided = Decided::of_flow(rules, flow);
    let milliseconds = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    node::Flow {
        direction: direction(flow.begun),
        protocol: flow.tuple.protocol.into(),
        local_address: flow.tuple.local.to_string(),
        remote_address: flow.tuple.remote.to_string(),
        local_port: flow.tuple.local_port.into(),
        remote_port: flow.tuple.remote_port.into(),
        alive: flow.alive,
        security_group_id: decided.group,
        rule: decided.rule,
        age_ms: milliseconds(flow.age),
        idle_ms: milliseconds(flow.idle),
        packets_in: flow.packets_remote,
        bytes_in: flow.bytes_remote,
        packets_out: flow.packets_local,
        bytes_out: flow.bytes_local,
        state: flow.state.name().to_owned(),
        decision: decided.decision.into(),
        rule_text: decided.text,
    }
}

/// What an interface counts, to be added up.
#[derive(Debug)]
pub(crate) struct Counting {
    pub(crate) listing: Listing,
    pub(crate) drops: Drops,
    /// How often each rule decided; empty where the interface is closed.
    pub(crate) decisions: Vec<RuleCount>,
}

impl Counting {
    /// Adds up.
    ///
    /// # Errors
    /// The kernel refuses.
    pub(crate) fn count(self) -> Result<node::Counters, DataplaneError> {
        let Self { listing: Listing { mut flows, rules }, drops, decisions } = self;
        let mut all = node::Counters { dropped_packets: by_reason(&drops), ..node::Counters::default() };
        let mut by_rule: BTreeMap<(Direction, RulePlace), node::RuleCounters> = BTreeMap::new();
        flows.each(|flow| {
            all.flow_count += 1;
            let sums = [&mut all.packets_in, &mut all.packets_out, &mut all.bytes_in, &mut all.bytes_out];
            add(sums, &flow);
            if rules.as_ref().is_some_and(|rules| rules.stamp == flow.stamp) {
                let own = by_rule.entry((flow.begun, flow.rule)).or_default();
                own.flow_count += 1;
                let sums = [&mut own.packets_in, &mut own.packets_out, &mut own.bytes_in, &mut own.bytes_out];
                add(sums, &flow);
            }
            true
        })?;
        let counted = |count: &RuleCount, rules: &RulesInForce| {
            let own = by_rule.remove(&(count.direction, count.rule)).unwrap_or_default();
            let decided = Decided::under(&rules.rules, count.direction, count.rule);
            let implicit = || word(rules.rules.implicit(count.direction)).to_owned();
            node::RuleCounters {
                direction: direction(count.direction),
                decision: decided.decision.into(),
                rule_text: if count.rule == RulePlace::Implicit { implicit() } else { decided.text },
                security_group_id: decided.group,
                rule: decided.rule,
                decisions: count.count,
                ..own
            }
        };
        if let Some(rules) = &rules {
            let mut counted = counted;
            all.rules = decisions.iter().map(|count| counted(count, rules)).collect();
        }
        Ok(all)
    }
}

/// Adds what passed in a flow: packets to the interface and from it, then bytes.
fn add(sums: [&mut u64; 4], flow: &Flow) {
    let passed = [flow.packets_remote, flow.packets_local, flow.bytes_remote, flow.bytes_local];
    for (sum, more) in sums.into_iter().zip(passed) {
        *sum = sum.saturating_add(more);
    }
}

/// Counts by the name of the reason.
pub(crate) fn by_reason<T: FromIterator<(String, u64)>>(drops: &Drops) -> T {
    drops.iter().map(|(reason, count)| (reason.name().to_owned(), count)).collect()
}

#[cfg(test)]
mod tests {
    use dataplane::{Binding, FlowState, Stamp, Tuple};

    use super::*;

    fn flow(number: u16, idle: u64) -> Flow {
        let tuple = Tuple {
            protocol: if number.is_multiple_of(2) { 6 } else { 17 },
            local: [10, 0, 0, 1].into(),
            local_port: 443,
            remote: [10, 0, 1, u8::try_from(number).unwrap()].into(),
            remote_port: 40_000 + number,
            icmp_type: 0,
        };
        Flow {
            binding: Binding(1),
            tuple,
            begun: Direction::Ingress,
            age: Duration::from_secs(60),
            idle: Duration::from_secs(idle),
            state: FlowState::Other,
            alive: number < 8,
            stamp: Stamp(1),
            rule: RulePlace::Implicit,
            packets_local: 1,
            bytes_local: 100,
            packets_remote: 2,
            bytes_remote: 200,
        }
    }

    fn listing() -> Listing {
        let flows: Vec<Flow> = (0..10).map(|number| flow(number, (u64::from(number) * 7) % 10)).collect();
        let flows = FlowReader::new(move |visit| {
            let _ = flows.iter().all(|flow| visit(flow.clone()));
            Ok(())
        });
        Listing { flows, rules: None }
    }

    fn ports(question: node::FlowsQuestion, most: usize) -> (Vec<u32>, u64) {
        let listed = listing().list(&Filter::read(&question).unwrap(), most).unwrap();
        (listed.flows.iter().map(|flow| flow.remote_port - 40_000).collect(), listed.left_out)
    }

    #[test]
    fn those_that_had_a_packet_last_are_listed_and_the_others_counted() {
        assert_eq!(ports(node::FlowsQuestion::default(), 3), (vec![0, 3, 6], 7));
        assert_eq!(ports(node::FlowsQuestion::default(), 10), (vec![0, 3, 6, 9, 2, 5, 8, 1, 4, 7], 0));
    }

    #[test]
    fn a_filter_is_asked_about_each_flow_and_not_about_those_listed() {
        type Change = fn(&mut node::FlowsQuestion);
        let of_filters: [(Change, (Vec<u32>, u64)); 6] = [
            (|of| of.protocol = Some(17), (vec![3, 9], 3)),
            (|of| of.remote_prefix = "10.0.1.4/30".into(), (vec![6, 5], 2)),
            (|of| of.remote_prefix = "2001:db8::/32".into(), (vec![], 0)),
            (|of| of.port = Some(443), (vec![0, 3], 8)),
            (|of| of.port = Some(40_007), (vec![7], 0)),
            (|of| of.alive = Some(false), (vec![9, 8], 0)),
        ];
        for (change, expected) in of_filters {
            let mut question = node::FlowsQuestion::default();
            change(&mut question);
            assert_eq!(ports(question.clone(), 2), expected, "{question:?}");
        }
    }

    #[test]
    fn a_malformed_filter_is_none() {
        let wrong: [fn(&mut node::FlowsQuestion); 3] = [
            |of| of.protocol = Some(256),
            |of| of.remote_prefix = "10.0.0.0/33".into(),
            |of| of.port = Some(65_536),
        ];
        for change in wrong {
            let mut question = node::FlowsQuestion::default();
            change(&mut question);
            assert_eq!(Filter::read(&question), None, "{question:?}");
        }
    }

    #[test]
    fn what_passed_is_added_up_over_all_flows() {
        let counting = Counting { listing: listing(), drops: Drops::default(), decisions: Vec::new() };
        let counted = counting.count().unwrap();
        assert_eq!((counted.flow_count, counted.packets_in, counted.packets_out), (10, 20, 10));
        assert_eq!((counted.bytes_in, counted.bytes_out, counted.rules.len()), (2_000, 1_000, 0));
    }
}
