//! One step's look at what was gathered, with what may be done for it. Pure.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use model::{NetworkInterfaceId, SecurityGroupId, security_group::SecurityGroup};
use policy::{
    PlacedRule, PolicyClass,
    findings::{self, Finding, Options},
    text::RuleText,
};

use super::{
    FindingKind, FindingScope, FindingsFound, FindingsWish, Found, FoundRule,
    alone::Alone,
    gather::{Class, Gathered, Subject},
    open::{Closing, Opening},
};
use crate::desired;

/// How much is done, as [`Options::work_max`] counts it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    /// For one question about a rule.
    pub(super) question_max: usize,
    /// For one look at a class.
    pub(super) class_max: usize,
    /// A step ends with the group at which it has done so much.
    pub(super) step: usize,
    /// In a step, however many classes its last group has.
    pub(super) step_max: usize,
}

/// 1,000 rules that people write take some two millions, which are some forty milliseconds; 100 take a hundredth of that.
/// A step ends early enough for somebody who waits for a page: it costs little to ask for the next one.
pub(super) const WORK: Work =
    Work { question_max: 1_000_000, class_max: 10_000_000, step: 1_000_000, step_max: 50_000_000 };

/// The most findings about the rules of one class.
const FINDINGS_MAX: usize = 200;

/// The kinds that are about single rules.
const ABOUT_RULES: [FindingKind; 4] =
    [FindingKind::AboutNothing, FindingKind::NeverDecides, FindingKind::NoEffect, FindingKind::Repeated];

/// A look, as far as it has come.
pub(super) struct Look<'a> {
    pub(super) wish: &'a FindingsWish,
    bounds: Work,
    options: Options,
    /// How much was done.
    pub(super) work: usize,
    pub(super) groups: HashMap<SecurityGroupId, Arc<SecurityGroup>>,
    /// The groups whose turn comes in this step.
    pub(super) subjects: HashSet<SecurityGroupId>,
    pub(super) alone: HashMap<SecurityGroupId, Alone>,
    /// What is known of ports at interfaces in some groups, by these.
    pub(super) openings: HashMap<Vec<SecurityGroupId>, Opening>,
    pub(super) closing: HashMap<SecurityGroupId, Closing>,
    pub(super) found: FindingsFound,
}

/// Looks at subjects, one after the other, until there is enough.
pub(super) fn look(gathered: Gathered, wish: &FindingsWish, bounds: Work) -> FindingsFound {
    let Gathered { subjects, more, groups } = gathered;
    let mut look = Look {
        wish,
        bounds,
        options: Options { findings_max: FINDINGS_MAX, work_max: bounds.question_max, ..Options::default() },
        work: 0,
        groups,
        subjects: subjects
            .iter()
            .filter_map(|subject| subject.group.as_ref())
            .map(|group| group.id)
            .collect(),
        alone: HashMap::new(),
        openings: HashMap::new(),
        closing: HashMap::new(),
        found: FindingsFound::default(),
    };
    let (mut last, mut stopped) = (None, false);
    let count = subjects.len();
    for (place, subject) in subjects.into_iter().enumerate() {
        look.subject(&subject);
        last = subject.group.map(|group| group.serial);
        look.found.group_count += 1;
        stopped = place + 1 < count && (look.found.found.len() >= wish.most || look.work >= bounds.step);
        if stopped {
            break;
        }
    }
    look.found.next = last.filter(|_| stopped || more);
    look.found
}

impl Look<'_> {
    fn subject(&mut self, subject: &Subject) {
        if let Some(group) = subject.group.as_ref().filter(|_| subject.member_count == 0) {
            self.no_members(group);
        }
        if !self.wishes_about_rules() && !self.is_wished(FindingKind::OpenToTheWorld) {
            return;
        }
        if let Some(group) = &subject.group {
            self.alone(group.id, subject);
        }
        self.found.undecided += subject.left_out;
        for class in subject.classes.iter().filter(|class| class.is_told) {
            self.class(class);
        }
    }

    /// What is looked for in a class, with what may still be done for it.
    pub(super) fn options(&self) -> Options {
        let left = self.bounds.step_max.saturating_sub(self.work);
        Options { work_total_max: self.bounds.class_max.min(left), ..self.options.clone() }
    }

    /// The same without what is open to the world.
    pub(super) fn options_about_rules(&self) -> Options {
        Options { administrative_ports: Vec::new(), ..self.options() }
    }

    pub(super) fn is_wished(&self, kind: FindingKind) -> bool {
        self.wish.kinds.as_ref().is_none_or(|kinds| kinds.contains(&kind))
    }

    pub(super) fn wishes_about_rules(&self) -> bool {
        ABOUT_RULES.into_iter().any(|kind| self.is_wished(kind))
    }

    pub(super) fn add(&mut self, found: Found) {
        if self.is_wished(found.kind) {
            self.found.found.push(found);
        }
    }

    /// The class of these groups; none where their rules are too many.
    pub(super) fn policy_class(&self, groups: &[SecurityGroupId]) -> Option<PolicyClass> {
        let groups = groups.iter().filter_map(|id| self.groups.get(id));
        PolicyClass::new(groups.map(|group| desired::rules_of(group))).ok()
    }

    fn no_members(&mut self, group: &SecurityGroup) {
        let named = if group.name.is_empty() { String::new() } else { format!(" ({})", group.name) };
        self.add(Found {
            kind: FindingKind::NoMembers,
            text: format!("{}{named} has no members: its rules decide nothing", group.id),
            groups: vec![group.id],
            interface_count: 0,
            unknown_count: 0,
            interface: None,
            rules: Vec::new(),
            instead: Vec::new(),
            ports: Vec::new(),
            family: None,
        });
    }

    /// What is odd about interfaces of a class; where their groups are looked at by themselves too, only what takes several.
    fn class(&mut self, own: &Class) {
        let Some(class) = self.policy_class(&own.groups) else {
            self.count_undecided(&own.groups);
            return;
        };
        if self.is_wished(FindingKind::OpenToTheWorld) {
            self.open_in_class(own);
        }
        if !self.wishes_about_rules() {
            return;
        }
        let findings = findings::findings(&class, &self.options_about_rules());
        self.work += findings.work;
        self.found.undecided += findings.undecided;
        self.found.left_out += findings.left_out;
        let by_themselves = !matches!(self.wish.scope, FindingScope::Interface(_));
        for finding in &findings.findings {
            let found = owned(finding, &own.groups, (own.interface_count, Some(own.interface)));
            if !by_themselves || self.takes_several(&found, own) {
                self.add(found);
            }
        }
    }

    /// Whether a finding about a rule is none of a group alone.
    fn takes_several(&mut self, found: &Found, class: &Class) -> bool {
        let groups: BTreeSet<SecurityGroupId> = found.rules.iter().map(|rule| rule.group).collect();
        match found.kind {
            FindingKind::AboutNothing => false,
            FindingKind::Repeated => groups.len() > 1,
            _ if class.groups.len() < 2 => false,
            _ => !found.rules.iter().any(|rule| self.alone_of(rule.group).odd.contains(&rule.position)),
        }
    }
}

pub(super) fn owned(
    finding: &Finding<'_>,
    groups: &[SecurityGroupId],
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
        groups: groups.to_vec(),
        interface_count,
        unknown_count: 0,
        interface,
        rules: rules.iter().map(rule).collect(),
        instead: instead.iter().map(rule).collect(),
        ports,
        family,
    }
}
