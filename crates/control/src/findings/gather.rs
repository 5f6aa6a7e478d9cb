//! Which groups and classes a step looks at, from the state alone. Pure.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap, hash_map::Entry},
    sync::Arc,
};

use model::{
    NetworkInterfaceId, SecurityGroupId, State, interface::NetworkInterface, security_group::SecurityGroup,
};

use super::{FindingScope, FindingsError, FindingsWish};

/// The most groups that a step looks at.
const GROUPS_MAX: usize = 200;
/// A step begins with no other group where those before it have so many members, among whom it sees which classes there are.
const MEMBERS_MAX: usize = 20_000;
/// The most classes of one group of which it is said what takes several groups.
const CLASSES_MAX: usize = 50;

/// Interfaces that are in the same groups.
pub(super) struct Class {
    /// Its groups, by id.
    pub(super) groups: Vec<SecurityGroupId>,
    pub(super) interface: NetworkInterfaceId,
    pub(super) interface_count: usize,
    /// Whether what takes several groups is said of it here; if not, it is looked at for what its group alone opens.
    pub(super) is_told: bool,
}

/// What is looked at together.
pub(super) struct Subject {
    /// A group, which is looked at alone too; none: an interface's class alone.
    pub(super) group: Option<Arc<SecurityGroup>>,
    pub(super) member_count: usize,
    /// Every class of its members.
    pub(super) classes: Vec<Class>,
    /// How many more of them would be told if there were not so many.
    pub(super) left_out: usize,
}

/// Subjects, and whether there are more.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) subjects: Vec<Subject>,
    pub(super) more: bool,
    /// The groups of all classes.
    pub(super) groups: HashMap<SecurityGroupId, Arc<SecurityGroup>>,
}

/// What a wish is about.
pub(super) fn gather(state: &State, wish: &FindingsWish) -> Result<Gathered, FindingsError> {
    let mut gathered = Gathered::default();
    match wish.scope {
        FindingScope::Interface(id) => {
            let own = state.interfaces().of(wish.account, &id).ok_or(FindingsError::InterfaceNotFound)?;
            let class = Class { groups: sorted(own), interface: id, interface_count: 1, is_told: true };
            gathered.add(state, Subject { group: None, member_count: 1, classes: vec![class], left_out: 0 });
        }
        FindingScope::Group(id) => {
            let group = state.groups().of(wish.account, &id).ok_or(FindingsError::GroupNotFound)?;
            gathered.add(state, subject(state, group, |_| true));
        }
        FindingScope::All(before) => {
            let is_before = |group: &&Arc<SecurityGroup>| before.is_none_or(|before| group.serial < before);
            let mut own = state.groups().newest_first(wish.account).filter(is_before).peekable();
            let mut members = 0;
            while let Some(group) =
                own.next_if(|_| gathered.subjects.len() < GROUPS_MAX && members < MEMBERS_MAX)
            {
                members += state.member_count(group.id);
                // Each class is looked at once: at the first of its groups.
                gathered.add(state, subject(state, group, |ids| ids.first() == Some(&group.id)));
            }
            gathered.more = own.peek().is_some();
        }
    }
    Ok(gathered)
}

impl Gathered {
    fn add(&mut self, state: &State, subject: Subject) {
        let own = subject.group.iter().map(|group| group.id);
        for id in subject.classes.iter().flat_map(|class| class.groups.iter().copied()).chain(own) {
            if let Entry::Vacant(place) = self.groups.entry(id)
                && let Some(group) = state.groups().get(&id)
            {
                place.insert(Arc::clone(group));
            }
        }
        self.subjects.push(subject);
    }
}

/// A group with the classes of its members, those that are told here and of the most interfaces first. What a class of one
/// group does, that group does alone: it is not told again.
fn subject(
    state: &State,
    group: &Arc<SecurityGroup>,
    is_told: impl Fn(&[SecurityGroupId]) -> bool,
) -> Subject {
    let mut classes: BTreeMap<Vec<SecurityGroupId>, (NetworkInterfaceId, usize)> = BTreeMap::new();
    for member in state.members(group.id) {
        classes.entry(sorted(member)).or_insert((member.id, 0)).1 += 1;
    }
    let class = |(groups, (interface, interface_count)): (Vec<_>, _)| {
        let is_told = groups.len() > 1 && is_told(&groups);
        Class { groups, interface, interface_count, is_told }
    };
    let mut classes: Vec<Class> = classes.into_iter().map(class).collect();
    classes.sort_by_key(|class| (!class.is_told, Reverse(class.interface_count)));
    let mut left_out = 0;
    for class in classes.iter_mut().skip(CLASSES_MAX).take_while(|class| class.is_told) {
        class.is_told = false;
        left_out += 1;
    }
    Subject { group: Some(Arc::clone(group)), member_count: state.member_count(group.id), classes, left_out }
}

pub(super) fn sorted(interface: &NetworkInterface) -> Vec<SecurityGroupId> {
    let mut ids = interface.groups.to_vec();
    ids.sort_unstable();
    ids
}
