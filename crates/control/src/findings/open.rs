//! What a group alone opens to the world, and at which of its members that is open: whatever other groups they are in, as
//! long as none of these closes it.
//!
//! Only rules that drop packets that come in close something. So a group is looked at with those groups alone that drop
//! something at the ports in question: many combinations of groups are one then, and most are none.

use model::{NetworkInterfaceId, SecurityGroupId};
use policy::{
    Family, RULES_MAX,
    findings::{self, ADMINISTRATIVE_PORTS, AdministrativePort, Finding, Options, drops_at},
    weight,
};

use super::{
    FindingScope,
    gather::{Class, Subject},
    look::{Look, owned},
};

/// Ports for administration, each for addresses of a family: one bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Open(u32);

/// All of [`Open`] has room.
const _: () = assert!(Family::ALL.len() * ADMINISTRATIVE_PORTS.len() <= 32);

impl Open {
    pub(super) const NONE: Self = Self(0);

    fn one(family: Family, port: AdministrativePort) -> Self {
        let place = ADMINISTRATIVE_PORTS.iter().position(|own| *own == port);
        place.map_or(Self::NONE, |place| Self(1 << (family as usize * ADMINISTRATIVE_PORTS.len() + place)))
    }

    /// These ports, for addresses of every family.
    fn every(ports: &[AdministrativePort]) -> Self {
        let both = |port: &AdministrativePort| Family::ALL.map(|family| Self::one(family, *port));
        ports.iter().flat_map(both).fold(Self::NONE, Self::or)
    }

    /// What is open by these findings.
    pub(super) fn of<'a>(findings: impl IntoIterator<Item = &'a Finding<'a>>) -> Self {
        let mut open = Self::NONE;
        for finding in findings {
            if let Finding::OpenToTheWorld { ports, family, .. } = finding {
                open = ports.iter().fold(open, |open, port| open.or(Self::one(*family, *port)));
            }
        }
        open
    }

    pub(super) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) fn is_within(self, other: Self) -> bool {
        self.without(other) == Self::NONE
    }

    fn count(self) -> usize {
        usize::try_from(self.0.count_ones()).unwrap_or(usize::MAX)
    }

    /// The ports, for addresses of whichever family.
    fn ports(self) -> Vec<AdministrativePort> {
        ADMINISTRATIVE_PORTS.into_iter().filter(|port| self.meets(Self::every(&[*port]))).collect()
    }
}

/// What is known of the ports at interfaces in some groups.
#[derive(Clone, Copy, Default)]
pub(super) struct Opening {
    asked: Open,
    open: Open,
    /// Those of which it would have taken too much work to tell.
    unknown: Open,
    /// Whether they are among what is undecided.
    is_counted: bool,
}

/// What rules of a group are to others.
#[derive(Clone, Copy, Default)]
pub(super) struct Closing {
    /// Where they drop something.
    drops: Open,
    /// As how many they count.
    weight: usize,
}

/// Where something is open.
#[derive(Default)]
pub(super) struct OpenAt {
    pub(super) interface_count: usize,
    /// One of these interfaces.
    pub(super) interface: Option<NetworkInterfaceId>,
    /// At how many more it may be open.
    pub(super) unknown_count: usize,
}

impl Look<'_> {
    /// At how many members of a group all of this is open, which it opens alone.
    pub(super) fn open_at(&mut self, open: Open, group: SecurityGroupId, subject: &Subject) -> OpenAt {
        let mut at = OpenAt::default();
        for class in &subject.classes {
            match self.is_open_at(open, group, class) {
                Some(true) => {
                    at.interface_count += class.interface_count;
                    at.interface = at.interface.or(Some(class.interface));
                }
                Some(false) => {}
                None => {
                    at.unknown_count += class.interface_count;
                    self.count_undecided(&class.groups);
                }
            }
        }
        at
    }

    /// Whether all of what a group opens is open at interfaces of a class that it is one of. Nothing where that takes too
    /// much work.
    fn is_open_at(&mut self, open: Open, group: SecurityGroupId, class: &Class) -> Option<bool> {
        self.work += class.groups.len();
        let (mut closing, mut rules) = (Vec::new(), 0_usize);
        for id in &class.groups {
            let own = self.closing_of(*id);
            rules = rules.saturating_add(own.weight);
            if *id == group || own.drops.meets(open) {
                closing.push(*id);
            }
        }
        if rules > RULES_MAX {
            return None;
        }
        if closing.len() == 1 || open.is_within(self.opening_of(&closing, open).open) {
            return Some(true);
        }
        // Of the others, one may open it all the same.
        let here = self.opening_of(&class.groups, open);
        match open.without(here.open) {
            Open::NONE => Some(true),
            left if left.is_within(here.unknown) => None,
            _ => Some(false),
        }
    }

    /// Says of the interfaces of a class what is open at them, as far as no group of which that is said opens it alone.
    pub(super) fn open_in_class(&mut self, own: &Class) {
        let Opening { open, unknown, .. } = self.opening_of(&own.groups, Open::every(&ADMINISTRATIVE_PORTS));
        if unknown != Open::NONE {
            self.count_undecided(&own.groups);
        }
        let told = open.without(self.open_alone(open, own));
        let Some(class) = self.policy_class(&own.groups).filter(|_| told != Open::NONE) else { return };
        let options = Options { administrative_ports: open.ports(), ..self.options() };
        let findings = findings::open_to_the_world(&class, &options);
        self.work += findings.work;
        let mut untold = told;
        for finding in &findings.findings {
            let ports = Open::of([finding]);
            if ports.meets(told) {
                untold = untold.without(ports);
                self.add(owned(finding, &own.groups, (own.interface_count, Some(own.interface))));
            }
        }
        // They are open, and by which rules would take too much work to tell.
        self.found.undecided += untold.count();
    }

    /// What groups of a class open alone, of which it is said at them, and of which nothing is closed by another.
    fn open_alone(&mut self, here: Open, class: &Class) -> Open {
        let mut alone = Open::NONE;
        for id in &class.groups {
            let is_told = match self.wish.scope {
                // In one step or another.
                FindingScope::All(_) => true,
                FindingScope::Group(told) => told == *id,
                FindingScope::Interface(_) => false,
            };
            if is_told {
                let own = self.alone_of(*id).open.iter().filter(|own| own.is_within(here));
                alone = own.fold(alone, |alone, own| alone.or(*own));
            }
        }
        alone
    }

    /// What is known of these ports at interfaces in some groups. Each is asked about once.
    fn opening_of(&mut self, groups: &[SecurityGroupId], wanted: Open) -> Opening {
        let mut known = self.openings.get(groups).copied().unwrap_or_default();
        let ports = wanted.without(known.asked).ports();
        if ports.is_empty() {
            return known;
        }
        let asked = Open::every(&ports);
        let (open, is_whole) = self.ask(groups, ports);
        known.asked = known.asked.or(asked);
        known.open = known.open.or(open);
        if !is_whole {
            known.unknown = known.unknown.or(asked.without(open));
        }
        self.openings.insert(groups.to_vec(), known);
        known
    }

    /// Which of these ports are open at interfaces in some groups, and whether these are all.
    fn ask(&mut self, groups: &[SecurityGroupId], ports: Vec<AdministrativePort>) -> (Open, bool) {
        let options = Options { administrative_ports: ports, ..self.options() };
        let Some(class) = self.policy_class(groups).filter(|_| options.work_total_max > 0) else {
            return (Open::NONE, false);
        };
        let findings = findings::open_to_the_world(&class, &options);
        self.work += findings.work;
        (Open::of(&findings.findings), findings.undecided == 0)
    }

    /// Counts it, once, that not everything is known of the interfaces in some groups.
    pub(super) fn count_undecided(&mut self, groups: &[SecurityGroupId]) {
        let opening = self.openings.entry(groups.to_vec()).or_default();
        self.found.undecided += usize::from(!std::mem::replace(&mut opening.is_counted, true));
    }

    /// What the rules of a group are to others, looked at once.
    fn closing_of(&mut self, group: SecurityGroupId) -> Closing {
        if let Some(known) = self.closing.get(&group) {
            return *known;
        }
        let rules = self.groups.get(&group).map_or(&[][..], |group| &group.rules);
        self.work += rules.len();
        let mut closing = Closing { drops: Open::NONE, weight: rules.iter().map(weight).sum() };
        for (family, port) in
            Family::ALL.into_iter().flat_map(|family| ADMINISTRATIVE_PORTS.map(|port| (family, port)))
        {
            if rules.iter().any(|rule| drops_at(rule, family, port)) {
                closing.drops = closing.drops.or(Open::one(family, port));
            }
        }
        self.closing.insert(group, closing);
        closing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_has_a_bit_for_each_family() {
        let every = Open::every(&ADMINISTRATIVE_PORTS);
        assert_eq!(every.count(), 2 * ADMINISTRATIVE_PORTS.len());
        assert_eq!(every.ports(), ADMINISTRATIVE_PORTS);
        let one = Open::one(Family::Ipv6, ADMINISTRATIVE_PORTS[3]);
        assert_eq!((one.count(), one.ports()), (1, vec![ADMINISTRATIVE_PORTS[3]]));
        assert!(one.is_within(every) && every.meets(one) && !every.without(one).meets(one));
    }
}
