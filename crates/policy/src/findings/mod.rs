//! What is odd about the rules of an interface: such as never decide or change nothing, such as stand in several of its
//! groups, and ports for administration that are open to the world.
//!
//! What is found about a rule is exact by the evaluator: a rule is said never to decide only if there is no packet that it
//! decides, and to have no effect only if every packet would be decided the same without it. Where to tell would take too
//! much work, nothing is said, and counted as undecided. For what a group does alone, ask about the class of that group
//! and no other.
//!
//! **Open to the world** is a port at which packets are accepted from more than half of the addresses that the Internet
//! uses: so `0.0.0.0/0` and `::/0`, also where some addresses of them are dropped, and `2000::/3`, or two halves in two
//! rules. These addresses are for IPv4 all but the special ones (RFC 6890, multicast and what is reserved), and for IPv6
//! `2000::/3`.

mod text;
mod world;

use std::rc::Rc;

use model::{
    SecurityGroupId,
    rule::{Direction, Rule},
};

pub use self::world::{drops_at, world};
use crate::{
    class::PolicyClass,
    difference::{self, Budget, SingleRule, SingleRules},
    order::PlacedRule,
    packet::{Family, ProtocolKind},
};

/// A port over which machines are administered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdministrativePort {
    /// TCP or UDP; of another protocol nothing is found.
    pub protocol: ProtocolKind,
    /// The port.
    pub port: u16,
}

/// The ports that are looked at where nothing else is said: SSH, Telnet, SNMP, IPMI, Docker (2), RDP, VNC, WinRM (2),
/// Kubernetes and libvirt (2).
pub const ADMINISTRATIVE_PORTS: [AdministrativePort; 13] = [
    tcp(22),
    tcp(23),
    udp(161),
    udp(623),
    tcp(2375),
    tcp(2376),
    tcp(3389),
    tcp(5900),
    tcp(5985),
    tcp(5986),
    tcp(6443),
    tcp(16_509),
    tcp(16_514),
];

const fn tcp(port: u16) -> AdministrativePort {
    AdministrativePort { protocol: ProtocolKind::Tcp, port }
}

const fn udp(port: u16) -> AdministrativePort {
    AdministrativePort { protocol: ProtocolKind::Udp, port }
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The ports that should not be open to the world.
    pub administrative_ports: Vec<AdministrativePort>,
    /// The most findings that are listed.
    pub findings_max: usize,
    /// The most other rules that a finding names.
    pub named_max: usize,
    /// How much is done for each question about a rule, as in [`Bounds`](crate::difference::Bounds::work_max).
    pub work_max: usize,
    /// How much is done for all of them together; rules that come after it is used up are undecided.
    pub work_total_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        let administrative_ports = ADMINISTRATIVE_PORTS.to_vec();
        Self {
            administrative_ports,
            findings_max: 1_000,
            named_max: 8,
            work_max: 200_000,
            work_total_max: 20_000_000,
        }
    }
}

/// Something odd. Rules stand in deciding order; `places` are those of one rule, the first one first.
#[derive(Debug, Clone)]
pub enum Finding<'a> {
    /// A rule is about no packet at all: ICMP with IPv6 addresses, ICMPv6 with IPv4 ones.
    AboutNothing {
        /// The rule.
        places: Vec<PlacedRule<'a>>,
    },
    /// A rule never decides: all packets that it is about are decided before it.
    NeverDecides {
        /// The rule.
        places: Vec<PlacedRule<'a>>,
        /// The rules that decide those packets, no more than [`Options::named_max`].
        instead: Vec<PlacedRule<'a>>,
        /// Whether there may be more of them.
        and_more: bool,
        /// The group whose own rules are enough for that; none where those of several groups are needed, or it would take
        /// too much work to tell.
        alone: Option<SecurityGroupId>,
    },
    /// A rule decides, but every packet would be decided the same without it.
    NoEffect {
        /// The rule.
        places: Vec<PlacedRule<'a>>,
    },
    /// A rule stands in several groups, or in several forms in one.
    Repeated {
        /// The rule.
        places: Vec<PlacedRule<'a>>,
    },
    /// Ports for administration are open to the world.
    OpenToTheWorld {
        /// For addresses of which family.
        family: Family,
        /// The ports: all those that the same rules open.
        ports: Vec<AdministrativePort>,
        /// The rules that accept packets at them, those from the most addresses first, no more than
        /// [`Options::named_max`].
        rules: Vec<PlacedRule<'a>>,
        /// Whether there are more of them.
        and_more: bool,
    },
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Findings<'a> {
    /// The findings: first about ingress, in the order in which the rules decide; what is open to the world stands first.
    pub findings: Vec<Finding<'a>>,
    /// How many more there are.
    pub left_out: usize,
    /// How many questions about rules were not answered, because it would have taken too much work.
    pub undecided: usize,
    /// How much was done, as [`Options::work_total_max`] counts it: more than that by no more than one look at all rules.
    pub work: usize,
}

impl<'a> Findings<'a> {
    /// Adds a finding, or counts it where there are enough.
    fn add(&mut self, options: &Options, finding: impl FnOnce() -> Finding<'a>) {
        if self.findings.len() < options.findings_max {
            self.findings.push(finding());
        } else {
            self.left_out += 1;
        }
    }
}

/// What is odd about the rules of an interface of this class.
pub fn findings<'a>(class: &'a PolicyClass, options: &Options) -> Findings<'a> {
    let mut found = Findings::default();
    let budget = Rc::new(Budget::new(options.work_max, options.work_total_max));
    let each_alone = class.groups().iter().filter_map(|group| PolicyClass::new([group.clone()]).ok());
    let each_alone: Vec<PolicyClass> = each_alone.collect();
    for direction in [Direction::Ingress, Direction::Egress] {
        let rules = SingleRules::new(class, direction, &budget);
        if direction == Direction::Ingress {
            world::open_to_the_world(&rules, options, &mut found);
        }
        let alone = each_alone.iter().map(|class| SingleRules::new(class, direction, &budget));
        let alone: Vec<SingleRules<'_>> = alone.collect();
        for place in 0..rules.as_slice().len() {
            about_rule(&rules, place, &alone, options, &mut found);
        }
    }
    found.work = budget.done();
    found
}

/// Whether a rule is about no packet at all, as [`Finding::AboutNothing`] says.
pub fn is_about_nothing(rule: &Rule) -> bool {
    !difference::is_about_something(rule)
}

/// What is open to the world at an interface of this class, and nothing else.
pub fn open_to_the_world<'a>(class: &'a PolicyClass, options: &Options) -> Findings<'a> {
    let mut found = Findings::default();
    let budget = Rc::new(Budget::new(options.work_max, options.work_total_max));
    let rules = SingleRules::new(class, Direction::Ingress, &budget);
    world::open_to_the_world(&rules, options, &mut found);
    found.work = budget.done();
    found
}

fn about_rule<'a>(
    rules: &SingleRules<'a>,
    place: usize,
    alone: &[SingleRules<'_>],
    options: &Options,
    found: &mut Findings<'a>,
) {
    let rule = &rules.as_slice()[place];
    let places = || rule.places().copied().collect();
    if !rule.is_about_something() {
        return found.add(options, || Finding::AboutNothing { places: places() });
    }
    if rule.places().count() > 1 {
        found.add(options, || Finding::Repeated { places: places() });
    }
    match rules.decides(place) {
        None => found.undecided += 1,
        Some(true) => match rules.has_effect(place) {
            None => found.undecided += 1,
            Some(true) => {}
            Some(false) => found.add(options, || Finding::NoEffect { places: places() }),
        },
        Some(false) => found.add(options, || {
            let (instead, and_more) = instead_of(rules, place, options.named_max);
            let alone = group_that_is_enough(rule, alone);
            Finding::NeverDecides { places: places(), instead, and_more, alone }
        }),
    }
}

/// The rules that decide the packets that the one at `place` is about, and whether there may be more.
fn instead_of<'a>(rules: &SingleRules<'a>, place: usize, named_max: usize) -> (Vec<PlacedRule<'a>>, bool) {
    let mut instead: Vec<usize> = Vec::new();
    for other in 0..place {
        match rules.decides_instead(other, place) {
            Some(true) if instead.len() == named_max => return (named(rules, &instead), true),
            Some(true) => instead.push(other),
            Some(false) => continue,
            // Neither is it told whether they are enough without this one.
            None => return (named(rules, &instead), true),
        }
        // Nothing is left to those that come later.
        if rules.are_enough(&instead, place) {
            break;
        }
    }
    (named(rules, &instead), false)
}

fn named<'a>(rules: &SingleRules<'a>, places: &[usize]) -> Vec<PlacedRule<'a>> {
    places.iter().map(|place| rules.as_slice()[*place].first).collect()
}

/// The first group in which a rule stands and whose rules alone leave nothing to it.
fn group_that_is_enough(rule: &SingleRule<'_>, alone: &[SingleRules<'_>]) -> Option<SecurityGroupId> {
    let is_enough = |placed: &&PlacedRule<'_>| {
        alone.iter().any(|rules| {
            let place = rules
                .as_slice()
                .iter()
                .position(|own| own.places().any(|own| own.decider() == placed.decider()));
            place.is_some_and(|place| rules.decides(place) == Some(false))
        })
    };
    rule.places().find(is_enough).map(|placed| placed.group)
}
