//! What would flip the verdict of a packet: each single change that does, the smallest first.
//!
//! **Single changes** are to remove the rule that decides, to add one rule to one of the groups, to leave one of the groups,
//! and to join one group of those that the caller names. A change is listed only if the packet is decided the other way
//! after it. There may be none: two groups that both drop the packet at priority 1 cannot both be left by one change.
//!
//! **The smallest** is the one after which the verdicts of the fewest other packets at the interface differ, in both
//! directions: [`Difference::count`], less the packet itself. Of changes with as many, to remove a rule comes before to add
//! one, that before to leave a group, and that before to join one; then the group with the smaller id comes first. A
//! change whose difference would take too long counts for as much as was found, and comes after those that are known to
//! be as large.
//!
//! **Measured** are no more changes than the caller says. Where there are more, the groups to join come last, those first
//! whose rules can decide the fewest packets otherwise: a narrow group is measured before a broad one. How many were not
//! measured is told.
//!
//! **The rule that is added** is the narrowest that can be written which is about the packet from whatever source port: who
//! begins a flow takes another one for each. It names both addresses as hosts, the protocol, and the destination port. It
//! has the largest priority number with which it decides, so that it overrules the least: one less than that of a rule that
//! drops, that of a rule that accepts, and 100 where no rule decides. So it changes the verdicts of one piece, and of
//! nothing but the packet's like from other source ports. Of some packets no rule can say that much: for protocols that
//! rules have no name for there are rules for all protocols alone, and for port 0 rules for all ports.

use std::{fmt, net::IpAddr};

use model::{
    SecurityGroupId, UnixMillis,
    address::Prefix,
    rule::{Direction, Policy, PortRange, Protocol, Rule},
};

use crate::{
    class::{ClassError, Group, PolicyClass},
    difference::{Bounds, Count, Difference, packet_count},
    evaluate::{Decider, evaluate, implicit},
    packet::ProtocolKind,
    text::{Flow, PRIORITY_MAX, RuleText},
};

/// What changes are looked for.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Groups that the interface may join. Those that it is in are passed over.
    pub joinable: &'a [Group],
    /// The most rules that a group may have: to one that has as many none is added.
    pub rules_per_group_max: usize,
    /// The most changes that are measured.
    pub measured_max: usize,
    /// How much is done to measure one.
    pub bounds: Bounds,
}

impl Default for Options<'_> {
    /// No group to join; 200 rules a group; 32 changes.
    fn default() -> Self {
        Self { joinable: &[], rules_per_group_max: 200, measured_max: 32, bounds: Bounds::default() }
    }
}

/// One change of an interface's policy.
#[derive(Debug, Clone)]
pub enum SingleChange {
    /// To remove a rule from a group.
    RemoveRule {
        /// The group.
        group: SecurityGroupId,
        /// The rule's place among the group's rules, from 0.
        position: usize,
        /// The rule.
        rule: Rule,
    },
    /// To add a rule to a group. Which of the interface's groups it is makes no difference to the interface, but to the
    /// others that are in it.
    AddRule {
        /// The group: the one of the rule that decides if it has room for another, else the first that has.
        group: SecurityGroupId,
        /// The other groups with room for it.
        or: Vec<SecurityGroupId>,
        /// The rule.
        rule: Rule,
    },
    /// To leave a group.
    LeaveGroup {
        /// The group.
        group: SecurityGroupId,
    },
    /// To join a group.
    JoinGroup {
        /// The group.
        group: Group,
    },
}

impl SingleChange {
    /// What a class becomes by it.
    ///
    /// # Errors
    /// [`ClassError`]: it would have too many rules, or be in a group twice.
    pub fn apply(&self, class: &PolicyClass) -> Result<PolicyClass, ClassError> {
        let rules = |id| class.group(id).map_or_else(Vec::new, |group| group.rules.to_vec());
        match self {
            Self::RemoveRule { group, position, .. } => {
                let mut rules = rules(*group);
                if *position < rules.len() {
                    rules.remove(*position);
                }
                class.with_rules(*group, rules.into())
            }
            Self::AddRule { group, rule, .. } => {
                let mut rules = rules(*group);
                rules.push(rule.clone());
                class.with_rules(*group, rules.into())
            }
            Self::LeaveGroup { group } => Ok(class.without_group(*group)),
            Self::JoinGroup { group } => class.with_group(group.clone()),
        }
    }

    /// The group that it changes, or the interface's membership of which.
    pub fn group(&self) -> SecurityGroupId {
        match self {
            Self::RemoveRule { group, .. } | Self::AddRule { group, .. } | Self::LeaveGroup { group } => {
                *group
            }
            Self::JoinGroup { group } => group.id,
        }
    }

    /// Which comes first of changes that are as large.
    fn rank(&self) -> (u8, SecurityGroupId) {
        let rank = match self {
            Self::RemoveRule { .. } => 0,
            Self::AddRule { .. } => 1,
            Self::LeaveGroup { .. } => 2,
            Self::JoinGroup { .. } => 3,
        };
        (rank, self.group())
    }
}

impl fmt::Display for SingleChange {
    /// `add to sg-...: ingress accept tcp from 192.0.2.1 to 10.0.0.1 port 443`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RemoveRule { group, rule, .. } => write!(f, "remove from {group}: {}", RuleText(rule)),
            Self::AddRule { group, rule, .. } => write!(f, "add to {group}: {}", RuleText(rule)),
            Self::LeaveGroup { group } => write!(f, "leave {group}"),
            Self::JoinGroup { group } => write!(f, "join {}", group.id),
        }
    }
}

/// A change that flips the verdict, and what else it does.
#[derive(Debug, Clone)]
pub struct Flip {
    /// The change.
    pub change: SingleChange,
    /// What differs after it, the packet among it.
    pub difference: Difference,
}

impl Flip {
    /// How many other packets are decided otherwise after it; at least as many, where the difference is not whole.
    pub fn others(&self) -> Count {
        self.difference.count().less_one()
    }
}

/// The changes that flip a verdict.
#[derive(Debug, Clone)]
pub struct Flips {
    /// The changes, the smallest first.
    pub changes: Vec<Flip>,
    /// How many more would flip it, that were not measured because they are more than [`Options::measured_max`].
    pub unmeasured: usize,
}

/// What a class becomes by a change that flips the verdict on the packet that begins a flow; none: it does not flip it, or
/// cannot be made.
pub fn flipped(class: &PolicyClass, flow: &Flow, change: &SingleChange) -> Option<PolicyClass> {
    changed_from(verdict(class, flow), class, flow, change)
}

fn changed_from(now: Policy, class: &PolicyClass, flow: &Flow, change: &SingleChange) -> Option<PolicyClass> {
    let after = change.apply(class).ok()?;
    (verdict(&after, flow) != now).then_some(after)
}

fn verdict(class: &PolicyClass, flow: &Flow) -> Policy {
    evaluate(class, flow.direction, &flow.first).policy
}

/// The single changes that flip the verdict on the packet that begins a flow at an interface of this class.
pub fn flip(class: &PolicyClass, flow: &Flow, options: &Options<'_>) -> Flips {
    let now = verdict(class, flow);
    let flips = candidates(class, flow, options).filter_map(|change| {
        let after = changed_from(now, class, flow, &change)?;
        Some((change, after))
    });
    let mut flips: Vec<(SingleChange, PolicyClass)> = flips.collect();
    if flips.len() > options.measured_max {
        let reach = Reach::of(class);
        // Stable: of those that reach as far the order stays in which they were given.
        flips.sort_by_cached_key(|(change, _)| reach.with(change));
    }
    let mut flips = flips.into_iter();
    let measured = flips.by_ref().take(options.measured_max);
    let mut changes: Vec<Flip> = measured
        .map(|(change, after)| Flip {
            change,
            difference: Difference::between(class, &after, options.bounds),
        })
        .collect();
    changes.sort_by_cached_key(|flip| {
        (flip.difference.count(), !flip.difference.is_whole(), flip.change.rank())
    });
    Flips { changes, unmeasured: flips.len() }
}

/// How many packets the rules of a class decide otherwise than if there were no rule, at most.
struct Reach {
    accepted_in: Count,
    dropped_out: Count,
}

impl Reach {
    fn of(class: &PolicyClass) -> Self {
        let rules = || class.groups().iter().flat_map(|group| group.rules.iter());
        let about = |direction| {
            let deciding = |rule: &&Rule| rule.direction == direction && !is_idle(rule);
            rules().filter(deciding).map(packet_count).sum()
        };
        Self { accepted_in: about(Direction::Ingress), dropped_out: about(Direction::Egress) }
    }

    /// How many packets are decided otherwise after a group is joined, at most: those that its rules are about. A rule that
    /// says what is so without any changes only what the rules of the class decide. Of the other changes at most one of a
    /// kind flips a verdict: they come first.
    fn with(&self, change: &SingleChange) -> Count {
        let SingleChange::JoinGroup { group } = change else { return Count::ZERO };
        let changed = |rule: &Rule| {
            let decided = match rule.direction {
                Direction::Ingress => self.accepted_in,
                Direction::Egress => self.dropped_out,
            };
            let about = packet_count(rule);
            if is_idle(rule) { about.min(decided) } else { about }
        };
        group.rules.iter().map(changed).sum()
    }
}

/// Whether a rule says what is so without any rule.
fn is_idle(rule: &Rule) -> bool {
    rule.policy == implicit(rule.direction).policy
}

/// The changes that may flip it.
fn candidates<'a>(
    class: &'a PolicyClass,
    flow: &Flow,
    options: &Options<'a>,
) -> impl Iterator<Item = SingleChange> {
    let leave = class.groups().iter().map(|group| SingleChange::LeaveGroup { group: group.id });
    let joinable = options.joinable.iter().filter(|group| class.group(group.id).is_none());
    let join = joinable.map(|group| SingleChange::JoinGroup { group: group.clone() });
    let remove = removal(class, flow).into_iter();
    remove.chain(addition(class, flow, options)).chain(leave).chain(join)
}

/// The rule that decides, and its group.
fn decider<'a>(class: &'a PolicyClass, flow: &Flow) -> Option<(SecurityGroupId, usize, &'a Rule)> {
    match evaluate(class, flow.direction, &flow.first).by {
        Decider::Rule { group, position } => {
            Some((group, position, class.group(group)?.rules.get(position)?))
        }
        Decider::Implicit => None,
    }
}

fn removal(class: &PolicyClass, flow: &Flow) -> Option<SingleChange> {
    let (group, position, rule) = decider(class, flow)?;
    Some(SingleChange::RemoveRule { group, position, rule: rule.clone() })
}

fn addition(class: &PolicyClass, flow: &Flow, options: &Options<'_>) -> Option<SingleChange> {
    let decider = decider(class, flow);
    let policy = match verdict(class, flow) {
        Policy::Accept => Policy::Drop,
        Policy::Drop => Policy::Accept,
    };
    let priority = match decider {
        None => PRIORITY_MAX,
        // At equal priority a rule that drops decides.
        Some((_, _, rule)) if rule.policy == Policy::Accept => rule.priority,
        Some((_, _, rule)) => rule.priority.checked_sub(1).filter(|priority| *priority > 0)?,
    };
    let has_room = |group: &&Group| group.rules.len() < options.rules_per_group_max;
    let mut groups: Vec<SecurityGroupId> =
        class.groups().iter().filter(has_room).map(|group| group.id).collect();
    // Stable: the others stay in the order of their ids.
    groups.sort_by_key(|group| Some(*group) != decider.map(|(group, ..)| group));
    let (group, or) = groups.split_first()?;
    let rule = narrowest(flow, policy, priority)?;
    Some(SingleChange::AddRule { group: *group, or: or.to_vec(), rule })
}

/// The narrowest rule about the packet from whatever source port.
fn narrowest(flow: &Flow, policy: Policy, priority: u8) -> Option<Rule> {
    let packet = &flow.first;
    let protocol = match ProtocolKind::of(packet) {
        ProtocolKind::Tcp => Protocol::Tcp,
        ProtocolKind::Udp => Protocol::Udp,
        ProtocolKind::Icmp => Protocol::Icmp,
        ProtocolKind::Icmpv6 => Protocol::Icmpv6,
        ProtocolKind::Gre => Protocol::Gre,
        ProtocolKind::Other => Protocol::All,
    };
    let ports = match packet.destination_port() {
        0 => PortRange::default_for(protocol),
        port => PortRange::Ports { low: port, high: port },
    };
    let host = |address: IpAddr| match address {
        IpAddr::V4(address) => (Prefix::ipv4(&address.to_string()).ok(), None),
        IpAddr::V6(address) => (None, Prefix::ipv6(&address.to_string()).ok()),
    };
    let ((source, ipv6_source), (destination, ipv6_destination)) =
        (host(packet.source()), host(packet.destination()));
    let is_named =
        (source.is_some() || ipv6_source.is_some()) && (destination.is_some() || ipv6_destination.is_some());
    is_named.then_some(Rule {
        direction: flow.direction,
        protocol,
        policy,
        priority,
        ports,
        source_ports: PortRange::default_for(protocol),
        source,
        destination,
        ipv6_source,
        ipv6_destination,
        description: None,
        created_at: UnixMillis(0),
    })
}
