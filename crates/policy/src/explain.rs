//! Why a packet is accepted or dropped: the rule that decides, the rules that were looked at before it and why none of them
//! is about the packet, and those that would be about it and come too late.
//!
//! The order is that of the contract (LeaveSecurityGroup, decision 8), over all groups of the interface, and the verdict is
//! [`evaluate()`](crate::evaluate())'s. What an interface decides of a packet between two interfaces is half of the answer: the
//! one where it begins decides it as egress, the one where it ends as ingress.

use std::fmt;

use model::{
    address::Prefix,
    rule::{Direction, Policy, Rule},
};

use crate::{
    class::PolicyClass,
    evaluate::{Decision, ends, implicit, matches_address, matches_port, matches_protocol},
    order::{PlacedRule, in_order},
    packet::{Packet, ProtocolKind, protocol},
    text::{Flow, NumberText, PortsText, protocol_word},
};

/// What of a rule is not so of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mismatch {
    /// The packet's protocol is another.
    Protocol,
    /// The rule is about addresses of the other family.
    Family,
    /// The packet is from elsewhere.
    Source,
    /// It is for elsewhere.
    Destination,
    /// It is from another port.
    SourcePort,
    /// It is for another port.
    DestinationPort,
}

/// A rule that is not about the packet.
#[derive(Debug, Clone)]
pub struct PassedOver<'a> {
    /// The rule.
    pub placed: PlacedRule<'a>,
    /// Everything that does not fit, in the order of [`Mismatch`]; never nothing.
    pub mismatches: Vec<Mismatch>,
    packet: Packet,
}

/// Rules of which not all may be listed.
#[derive(Debug, Clone)]
pub struct Listed<T> {
    /// Those that are listed, in deciding order.
    pub rules: Vec<T>,
    /// How many there are beside them.
    pub left_out: usize,
}

/// Why the packet that begins a flow is accepted or dropped at an interface.
#[derive(Debug, Clone)]
pub struct Explanation<'a> {
    /// The flow.
    pub flow: Flow,
    /// What happens to it.
    pub decision: Decision,
    /// Whether the interface is in no group, so that there are no rules.
    pub in_no_group: bool,
    /// The rule that decides; none where no rule is about the packet.
    pub decider: Option<PlacedRule<'a>>,
    /// The rules of its direction that come before the one that decides, all where none does. Where they are more than are
    /// listed, these are the ones of which the least does not fit.
    pub passed_over: Listed<PassedOver<'a>>,
    /// The rules that are about the packet too, but come after the one that decides: the first of them where they are more
    /// than are listed.
    pub overruled: Listed<PlacedRule<'a>>,
}

/// Explains what happens at an interface of this class to the packet that begins a flow. Of each kind no more than
/// `listed_max` rules are listed.
pub fn explain<'a>(class: &'a PolicyClass, flow: &Flow, listed_max: usize) -> Explanation<'a> {
    let packet = flow.first;
    let mut about = Vec::new();
    let mut passed_over = Vec::new();
    for placed in in_order(class, flow.direction) {
        let mismatches = mismatches(placed.rule, &packet);
        if mismatches.is_empty() {
            about.push(placed);
        } else if about.is_empty() {
            passed_over.push(PassedOver { placed, mismatches, packet });
        }
    }
    let mut about = about.into_iter();
    let decider = about.next();
    let decision = decider.map_or_else(
        || implicit(flow.direction),
        |placed| Decision { policy: placed.rule.policy, by: placed.decider() },
    );
    let overruled = first_of(about.collect(), listed_max);
    Explanation {
        flow: *flow,
        in_no_group: class.groups().is_empty(),
        decision,
        decider,
        passed_over: nearest_of(passed_over, listed_max),
        overruled,
    }
}

/// Explains what would happen to a packet at an interface of this class if it came in, and if it went out.
pub fn explain_both<'a>(class: &'a PolicyClass, packet: &Packet, listed_max: usize) -> [Explanation<'a>; 2] {
    [Direction::Ingress, Direction::Egress]
        .map(|direction| explain(class, &Flow { direction, first: *packet }, listed_max))
}

fn first_of<T>(mut rules: Vec<T>, listed_max: usize) -> Listed<T> {
    let left_out = rules.len().saturating_sub(listed_max);
    rules.truncate(listed_max);
    Listed { rules, left_out }
}

/// Those with the fewest mismatches, the first where they have as many; in deciding order again.
fn nearest_of(rules: Vec<PassedOver<'_>>, listed_max: usize) -> Listed<PassedOver<'_>> {
    let mut numbered: Vec<(usize, PassedOver<'_>)> = rules.into_iter().enumerate().collect();
    numbered.sort_by_key(|(_, passed)| passed.mismatches.len());
    let Listed { rules: mut nearest, left_out } = first_of(numbered, listed_max);
    nearest.sort_by_key(|(place, _)| *place);
    Listed { rules: nearest.into_iter().map(|(_, passed)| passed).collect(), left_out }
}

/// What of a rule is not so of a packet that goes in its direction; nothing if and only if the rule is about it.
fn mismatches(rule: &Rule, packet: &Packet) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    let mut expect = |fits: bool, mismatch| {
        if !fits {
            mismatches.push(mismatch);
        }
    };
    let fits_protocol = matches_protocol(rule.protocol, packet);
    expect(fits_protocol, Mismatch::Protocol);
    match ends(rule, packet.family()) {
        None => expect(false, Mismatch::Family),
        Some((source, destination)) => {
            expect(matches_address(source, packet.source()), Mismatch::Source);
            expect(matches_address(destination, packet.destination()), Mismatch::Destination);
        }
    }
    // Of a packet without ports nothing is to be said about them where its protocol says enough.
    if fits_protocol || ProtocolKind::of(packet).has_ports() {
        expect(matches_port(rule.source_ports, packet.source_port()), Mismatch::SourcePort);
        expect(matches_port(rule.ports, packet.destination_port()), Mismatch::DestinationPort);
    }
    mismatches
}

impl fmt::Display for PassedOver<'_> {
    /// `rule 1 of sg-... (ingress accept tcp to port 443): its destination port is 22, not 443`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.placed)?;
        for (place, mismatch) in self.mismatches.iter().enumerate() {
            f.write_str(if place == 0 { "its " } else { ", its " })?;
            write_mismatch(f, *mismatch, self.placed.rule, &self.packet)?;
        }
        Ok(())
    }
}

fn write_mismatch(
    f: &mut fmt::Formatter<'_>,
    mismatch: Mismatch,
    rule: &Rule,
    packet: &Packet,
) -> fmt::Result {
    let (source, destination) = ends(rule, packet.family()).unwrap_or_default();
    let text = |prefix: Option<&Prefix>| prefix.map_or("everywhere", |prefix| prefix.text()).to_owned();
    match mismatch {
        Mismatch::Protocol => {
            let (number, named) = (NumberText(packet.protocol()), protocol_word(rule.protocol));
            match (ProtocolKind::of(packet), packet.protocol()) {
                (ProtocolKind::Other, protocol::ICMP | protocol::ICMPV6) => {
                    write!(f, "protocol is {number} over {}, not {named}", packet.family())
                }
                _ => write!(f, "protocol is {number}, not {named}"),
            }
        }
        Mismatch::Family => write!(f, "addresses are {}, not {}", packet.family(), packet.family().other()),
        Mismatch::Source => write!(f, "source {} is not in {}", packet.source(), text(source)),
        Mismatch::Destination => {
            write!(f, "destination {} is not in {}", packet.destination(), text(destination))
        }
        Mismatch::SourcePort => {
            write!(f, "source port is {}, not {}", packet.source_port(), PortsText(rule.source_ports))
        }
        Mismatch::DestinationPort => {
            write!(f, "destination port is {}, not {}", packet.destination_port(), PortsText(rule.ports))
        }
    }
}

impl fmt::Display for Explanation<'_> {
    /// The verdict and why on the first line, then a line for each rule that is listed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.decision.policy {
            Policy::Accept => "accepted",
            Policy::Drop => "dropped",
        };
        match &self.decider {
            Some(placed) => write!(f, "{} is {verdict} by {placed}", self.flow)?,
            None if self.in_no_group => {
                write!(f, "{} is {verdict} because the interface is in no security group", self.flow)?;
            }
            None => write!(f, "{} is {verdict} because no rule is about it", self.flow)?,
        }
        for passed in &self.passed_over.rules {
            write!(f, "\n  not by {passed}")?;
        }
        write_more(f, self.passed_over.left_out, "before it")?;
        for placed in &self.overruled.rules {
            write!(f, "\n  too late: {placed}")?;
        }
        write_more(f, self.overruled.left_out, "after it")
    }
}

fn write_more(f: &mut fmt::Formatter<'_>, count: usize, place: &str) -> fmt::Result {
    match count {
        0 => Ok(()),
        1 => write!(f, "\n  and 1 more rule {place}"),
        more => write!(f, "\n  and {more} more rules {place}"),
    }
}
