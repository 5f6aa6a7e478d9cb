//! What is odd about the rules of an account: such as never decide or change nothing, such as stand twice, groups that nobody
//! is in, and ports for administration that are open to the world.
//!
//! Rules are looked at the way they decide: in the classes that interfaces really have. What a group does alone is said once,
//! at that group; what only several groups together do is said at the first of them. What a group opens is said of all its
//! members at which it is open, whatever other groups they are in: only where another group changes it, it is said of those. A
//! step looks at some groups, the newest first, and does no more than so much: it says where to go on.

mod gather;
mod open;
mod unused;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use model::{AccountId, NetworkInterfaceId, SecurityGroupId, security_group::SecurityGroup};
use policy::{
    Family, PlacedRule, PolicyClass,
    findings::{self, Finding, Options},
    text::RuleText,
};

pub use self::unused::{Unused, UnusedFound, UnusedScope, UnusedWish};
use self::{
    gather::{Class, Gathered, Subject, gather, sorted},
    open::Open,
};
use crate::{
    control::Control,
    desired,
    published::{Read, Unavailable},
    survey,
};

/// How much is done for one question about a rule, as [`Options::work_max`] counts.
const WORK_QUESTION_MAX: usize = 1_000_000;
/// How much is done for one class, as [`Options::work_total_max`] counts: 1,000 rules that people write take some two
/// millions, which are some forty milliseconds.
const WORK_CLASS_MAX: usize = 10_000_000;
/// A step ends with the group at which it has done so much.
const WORK_STEP: usize = 10_000_000;
/// How much is done in a step at the most, however many classes its last group has.
const WORK_STEP_MAX: usize = 50_000_000;
/// The most findings about one class.
const FINDINGS_MAX: usize = 200;

/// What is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FindingKind {
    /// Ports for administration are open to the world.
    OpenToTheWorld,
    /// A rule is about no packet.
    AboutNothing,
    /// A rule never decides.
    NeverDecides,
    /// A rule decides, and without it everything would be decided the same.
    NoEffect,
    /// A rule stands more than once.
    Repeated,
    /// Nobody is in a group.
    NoMembers,
}

/// Where to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingScope {
    /// At all groups, the newest first: those that were made before the one with this serial.
    All(Option<u64>),
    /// At one group, and at everybody who is in it.
    Group(SecurityGroupId),
    /// At one interface.
    Interface(NetworkInterfaceId),
}

/// What is looked for.
#[derive(Debug, Clone)]
pub struct FindingsWish {
    /// Whose groups.
    pub account: AccountId,
    /// Where.
    pub scope: FindingScope,
    /// What; none: everything.
    pub kinds: Option<Vec<FindingKind>>,
    /// A step ends with the group at which it has so many.
    pub most: usize,
}

/// A rule, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRule {
    /// The group.
    pub group: SecurityGroupId,
    /// The rule's place in it, from 0.
    pub position: usize,
    /// The rule as text.
    pub text: String,
}

impl FoundRule {
    /// The rule's place in its group as people count, from 1.
    pub fn number(&self) -> usize {
        self.position.saturating_add(1)
    }
}

/// Something odd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What.
    pub kind: FindingKind,
    /// A sentence without its end.
    pub text: String,
    /// The groups that it takes: those of the class, or the one group.
    pub groups: Vec<SecurityGroupId>,
    /// How many interfaces are in exactly these groups; of a group alone, how many are in it; of what a group alone opens,
    /// at how many of its members it is open.
    pub interface_count: usize,
    /// One of them.
    pub interface: Option<NetworkInterfaceId>,
    /// The rule that it is about, with every place where it stands; of what is open to the world, the rules that open it.
    pub rules: Vec<FoundRule>,
    /// The rules that decide instead.
    pub instead: Vec<FoundRule>,
    /// Ports that are open to the world.
    pub ports: Vec<String>,
    /// For addresses of which family they are.
    pub family: Option<Family>,
}

/// A step's findings.
#[derive(Debug, Clone, Default)]
pub struct FindingsFound {
    /// They, group by group.
    pub found: Vec<Found>,
    /// How many questions about rules were not answered, because it would have taken too much work.
    pub undecided: usize,
    /// How many more there are of what was looked at, that are not listed.
    pub left_out: usize,
    /// How many groups were looked at.
    pub group_count: usize,
    /// The serial of the last of them, if there are more.
    pub next: Option<u64>,
}

/// Why nothing can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FindingsError {
    /// The account has no such group.
    #[error("the security group does not exist")]
    GroupNotFound,
    /// The account has no such interface.
    #[error("the network interface does not exist")]
    InterfaceNotFound,
    /// The state cannot be shown at present.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Control {
    /// What is odd about the rules of an account.
    ///
    /// # Errors
    /// What is named does not exist, or the state cannot be shown.
    pub async fn findings(&self, wish: FindingsWish) -> Result<FindingsFound, FindingsError> {
        let Read { value: gathered, .. } = self.read(|state| gather(state, &wish)).await?;
        let gathered = gathered?;
        let looking = survey::blocking(move || look(gathered, &wish));
        Ok(looking.await.map_err(|_| Unavailable)?)
    }
}

/// What a group does alone.
#[derive(Default)]
struct Alone {
    /// The places of its rules that do nothing.
    odd: BTreeSet<usize>,
    /// What it opens to the world: what the same rules open together.
    open: Vec<Open>,
}

struct Look<'a> {
    wish: &'a FindingsWish,
    options: Options,
    work: usize,
    alone: HashMap<SecurityGroupId, Alone>,
    /// What is open at interfaces of classes, by their groups.
    open: HashMap<Vec<SecurityGroupId>, Open>,
    found: FindingsFound,
}

fn look(gathered: Gathered, wish: &FindingsWish) -> FindingsFound {
    let options = Options { findings_max: FINDINGS_MAX, work_max: WORK_QUESTION_MAX, ..Options::default() };
    let mut look = Look {
        wish,
        options,
        work: 0,
        alone: HashMap::new(),
        open: HashMap::new(),
        found: FindingsFound::default(),
    };
    look.found.undecided = gathered.classes_left_out;
    let (mut last, mut stopped) = (None, false);
    let count = gathered.subjects.len();
    for (place, subject) in gathered.subjects.into_iter().enumerate() {
        look.subject(&subject);
        last = subject.group.map(|group| group.serial);
        look.found.group_count += 1;
        stopped = place + 1 < count && (look.found.found.len() >= wish.most || look.work >= WORK_STEP);
        if stopped {
            break;
        }
    }
    look.found.next = last.filter(|_| stopped || gathered.more);
    look.found
}

impl Look<'_> {
    fn subject(&mut self, subject: &Subject) {
        if let Some(group) = &subject.group {
            if subject.member_count == 0 {
                self.no_members(group);
            }
            self.alone(group, subject);
        }
        for class in subject.classes.iter().filter(|class| class.is_told) {
            self.class(class, subject.group.is_some());
        }
    }

    /// What is looked for in a class, with what may still be done for it.
    fn options(&self) -> Options {
        let work_total_max = WORK_CLASS_MAX.min(WORK_STEP_MAX.saturating_sub(self.work));
        Options { work_total_max, ..self.options.clone() }
    }

    fn is_wished(&self, kind: FindingKind) -> bool {
        self.wish.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }

    fn add(&mut self, found: Found) {
        if self.is_wished(found.kind) {
            self.found.found.push(found);
        }
    }

    fn no_members(&mut self, group: &SecurityGroup) {
        let named = if group.name.is_empty() { String::new() } else { format!(" ({})", group.name) };
        self.add(Found {
            kind: FindingKind::NoMembers,
            text: format!("{}{named} has no members: its rules decide nothing", group.id),
            groups: vec![group.id],
            interface_count: 0,
            interface: None,
            rules: Vec::new(),
            instead: Vec::new(),
            ports: Vec::new(),
            family: None,
        });
    }

    /// What is odd about a group alone; what it opens, of the interfaces at which that is open.
    fn alone(&mut self, group: &Arc<SecurityGroup>, subject: &Subject) {
        let Ok(class) = PolicyClass::new([desired::rules_of(group)]) else { return };
        let findings = findings::findings(&class, &self.options());
        self.work += findings.work;
        self.found.undecided += findings.undecided;
        self.found.left_out += findings.left_out;
        self.alone.insert(group.id, alone(&findings.findings, group.id));
        let is_open = |finding: &&Finding<'_>| matches!(finding, Finding::OpenToTheWorld { .. });
        let (opening, others): (Vec<_>, Vec<_>) = findings.findings.iter().partition(is_open);
        for finding in others {
            self.add(owned(finding, vec![group.id], (subject.member_count, None)));
        }
        if !self.is_wished(FindingKind::OpenToTheWorld) {
            return;
        }
        for finding in opening {
            let (count, first) = self.open_at(&open::of([finding]), subject);
            if count > 0 {
                self.add(owned(finding, vec![group.id], (count, first)));
            }
        }
    }

    /// What is odd about interfaces of a class; where their groups are looked at by themselves too, only what takes several.
    fn class(&mut self, own: &Class, groups_too: bool) {
        let Ok(class) = PolicyClass::new(own.groups.iter().map(|group| desired::rules_of(group))) else {
            self.found.undecided += 1;
            return;
        };
        let findings = findings::findings(&class, &self.options());
        self.work += findings.work;
        self.found.undecided += findings.undecided;
        self.found.left_out += findings.left_out;
        let ids = own.ids();
        self.open.insert(ids.clone(), open::of(&findings.findings));
        for finding in &findings.findings {
            let found = owned(finding, ids.clone(), (own.interface_count, Some(own.interface)));
            let takes_several = match finding {
                Finding::OpenToTheWorld { .. } => !self.is_open_alone(&open::of([finding]), own),
                _ => self.takes_several(&found, own),
            };
            if !groups_too || takes_several {
                self.add(found);
            }
        }
    }

    /// Whether a finding is none of a group alone.
    fn takes_several(&mut self, found: &Found, class: &Class) -> bool {
        let groups: BTreeSet<SecurityGroupId> = found.rules.iter().map(|rule| rule.group).collect();
        match found.kind {
            FindingKind::AboutNothing => false,
            FindingKind::Repeated => groups.len() > 1,
            _ if class.groups.len() < 2 => false,
            _ => !found.rules.iter().any(|rule| self.is_odd_alone(rule, class)),
        }
    }

    fn is_odd_alone(&mut self, rule: &FoundRule, class: &Class) -> bool {
        let group = class.groups.iter().find(|group| group.id == rule.group);
        group.is_some_and(|group| self.alone_of(group).odd.contains(&rule.position))
    }

    /// What a group does alone, looked at once.
    fn alone_of(&mut self, group: &SecurityGroup) -> &Alone {
        let (options, work, undecided) = (self.options(), &mut self.work, &mut self.found.undecided);
        self.alone.entry(group.id).or_insert_with(|| {
            let Ok(class) = PolicyClass::new([desired::rules_of(group)]) else { return Alone::default() };
            let findings = findings::findings(&class, &options);
            *work += findings.work;
            *undecided += findings.undecided;
            alone(&findings.findings, group.id)
        })
    }
}

/// What a group does alone, by what was found about its rules.
fn alone(findings: &[Finding<'_>], group: SecurityGroupId) -> Alone {
    let mut alone = Alone::default();
    for finding in findings {
        match finding {
            Finding::AboutNothing { places }
            | Finding::NeverDecides { places, .. }
            | Finding::NoEffect { places } => {
                let own = places.iter().filter(|placed| placed.group == group);
                alone.odd.extend(own.map(|placed| placed.position));
            }
            Finding::OpenToTheWorld { .. } => alone.open.push(open::of([finding])),
            Finding::Repeated { .. } => {}
        }
    }
    alone
}

fn owned(
    finding: &Finding<'_>,
    groups: Vec<SecurityGroupId>,
    (interface_count, interface): (usize, Option<NetworkInterfaceId>),
) -> Found {
    let none: &[PlacedRule<'_>] = &[];
    let (kind, rules, instead) = match finding {
        Finding::AboutNothing { places } => (FindingKind::AboutNothing, places.as_slice(), none),
        Finding::NeverDecides { places, instead, .. } => {
            (FindingKind::NeverDecides, places.as_slice(), instead.as_slice())
        }
        Finding::NoEffect { places } => (FindingKind::NoEffect, places.as_slice(), none),
        Finding::Repeated { places } => (FindingKind::Repeated, places.as_slice(), none),
        Finding::OpenToTheWorld { rules, .. } => (FindingKind::OpenToTheWorld, rules.as_slice(), none),
    };
    let (ports, family) = match finding {
        Finding::OpenToTheWorld { ports, family, .. } => {
            (ports.iter().map(ToString::to_string).collect(), Some(*family))
        }
        _ => (Vec::new(), None),
    };
    let rule = |placed: &PlacedRule<'_>| FoundRule {
        group: placed.group,
        position: placed.position,
        text: RuleText(placed.rule).to_string(),
    };
    Found {
        kind,
        text: finding.to_string(),
        groups,
        interface_count,
        interface,
        rules: rules.iter().map(rule).collect(),
        instead: instead.iter().map(rule).collect(),
        ports,
        family,
    }
}
