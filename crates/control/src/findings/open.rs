//! What a group alone opens to the world, and at which of its members that is open: whatever other groups they are in, as
//! long as none of these closes it.

use std::collections::BTreeSet;

use model::NetworkInterfaceId;
use policy::{
    Family, PolicyClass,
    findings::{self, AdministrativePort, Finding},
};

use super::{
    Look,
    gather::{Class, Subject},
};
use crate::desired;

/// Ports that are open to the world, for addresses of a family.
pub(super) type Open = BTreeSet<(Family, AdministrativePort)>;

/// What is open by these findings.
pub(super) fn of<'a>(findings: impl IntoIterator<Item = &'a Finding<'a>>) -> Open {
    let mut open = Open::new();
    for finding in findings {
        if let Finding::OpenToTheWorld { ports, family, .. } = finding {
            open.extend(ports.iter().map(|port| (*family, *port)));
        }
    }
    open
}

impl Look<'_> {
    /// At how many members of a group all of this is open, and one of them.
    pub(super) fn open_at(&mut self, open: &Open, subject: &Subject) -> (usize, Option<NetworkInterfaceId>) {
        let (mut count, mut first) = (0, None);
        for class in &subject.classes {
            if open.is_subset(self.open_of(class)) {
                count += class.interface_count;
                first = first.or(Some(class.interface));
            }
        }
        (count, first)
    }

    /// Whether single groups of a class open all of this, and nothing of theirs is closed by another.
    pub(super) fn is_open_alone(&mut self, open: &Open, class: &Class) -> bool {
        let here = self.open_of(class).clone();
        let mut left = open.clone();
        for group in &class.groups {
            for own in self.alone_of(group).open.iter().filter(|own| own.is_subset(&here)) {
                left.retain(|port| !own.contains(port));
            }
        }
        left.is_empty()
    }

    /// What is open at interfaces of a class, looked at once.
    fn open_of(&mut self, class: &Class) -> &Open {
        let (options, work, undecided) = (self.options(), &mut self.work, &mut self.found.undecided);
        self.open.entry(class.ids()).or_insert_with(|| {
            let rules = class.groups.iter().map(|group| desired::rules_of(group));
            let Ok(class) = PolicyClass::new(rules) else { return Open::new() };
            let found = findings::open_to_the_world(&class, &options);
            *work += found.work;
            *undecided += found.undecided;
            of(&found.findings)
        })
    }
}
