//! What a group does alone: looked at once, whether for itself or as one of those of a class.

use std::{collections::BTreeSet, mem};

use model::SecurityGroupId;
use policy::findings::{self, Finding};

use super::{
    FindingKind, Found,
    gather::Subject,
    look::{Look, owned},
    open::{Open, OpenAt},
};

/// What a group does alone.
#[derive(Default)]
pub(super) struct Alone {
    /// The places of its rules that do nothing.
    pub(super) odd: BTreeSet<usize>,
    /// What it opens to the world: what the same rules open together.
    pub(super) open: Vec<Open>,
    /// What is said of it in its turn, if that comes in this step: of its rules, and of what it opens.
    told: (Vec<Found>, Vec<(Open, Found)>),
    /// What is counted then.
    undecided: usize,
    left_out: usize,
}

impl Look<'_> {
    /// Says what is odd about a group alone; what it opens, of the interfaces at which that is open.
    pub(super) fn alone(&mut self, group: SecurityGroupId, subject: &Subject) {
        self.alone_of(group);
        let Some(alone) = self.alone.get_mut(&group) else { return };
        let (about_rules, opening) = mem::take(&mut alone.told);
        self.found.undecided += alone.undecided;
        self.found.left_out += alone.left_out;
        for found in about_rules {
            self.add(Found { interface_count: subject.member_count, ..found });
        }
        for (open, found) in opening {
            let at = self.open_at(open, group, subject);
            if at.interface_count + at.unknown_count > 0 {
                self.add(open_at(found, &at));
            }
        }
    }

    /// What a group does alone, looked at once.
    pub(super) fn alone_of(&mut self, group: SecurityGroupId) -> &Alone {
        if !self.alone.contains_key(&group) {
            let alone = self.look_at_alone(group);
            self.alone.insert(group, alone);
        }
        &self.alone[&group]
    }

    fn look_at_alone(&mut self, group: SecurityGroupId) -> Alone {
        let mut alone = Alone::default();
        let Some(class) = self.policy_class(&[group]) else {
            alone.undecided = 1;
            return alone;
        };
        let is_told = self.subjects.contains(&group);
        if self.wishes_about_rules() {
            let findings = findings::findings(&class, &self.options_about_rules());
            self.work += findings.work;
            alone.undecided += findings.undecided;
            alone.left_out += findings.left_out;
            alone.odd = findings.findings.iter().flat_map(|finding| odd(finding, group)).collect();
            if is_told {
                let told = findings.findings.iter().map(|finding| owned(finding, &[group], (0, None)));
                alone.told.0.extend(told.filter(|found| self.is_wished(found.kind)));
            }
        }
        if self.is_wished(FindingKind::OpenToTheWorld) {
            let findings = findings::open_to_the_world(&class, &self.options());
            self.work += findings.work;
            alone.undecided += findings.undecided;
            alone.left_out += findings.left_out;
            for finding in &findings.findings {
                let open = Open::of([finding]);
                alone.open.push(open);
                if is_told {
                    alone.told.1.push((open, owned(finding, &[group], (0, None))));
                }
            }
        }
        alone
    }
}

/// The places of a group's rules that do nothing, by one finding.
fn odd(finding: &Finding<'_>, group: SecurityGroupId) -> Vec<usize> {
    match finding {
        Finding::AboutNothing { places }
        | Finding::NeverDecides { places, .. }
        | Finding::NoEffect { places } => {
            places.iter().filter(|placed| placed.group == group).map(|placed| placed.position).collect()
        }
        Finding::OpenToTheWorld { .. } | Finding::Repeated { .. } => Vec::new(),
    }
}

/// What a group opens, with where that is open.
fn open_at(mut found: Found, at: &OpenAt) -> Found {
    (found.interface_count, found.interface, found.unknown_count) =
        (at.interface_count, at.interface, at.unknown_count);
    if at.unknown_count > 0 {
        let more = format!(
            "; at {} of its members at least: of {} more it would take too much work to tell",
            at.interface_count, at.unknown_count
        );
        found.text.push_str(&more);
    }
    found
}
