//! Which groups and classes a step looks at, from the state alone. Pure.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use model::{
    NetworkInterfaceId, SecurityGroupId, State, interface::NetworkInterface, security_group::SecurityGroup,
};

use super::{FindingScope, FindingsError, FindingsWish};

/// The most groups that a step looks at.
const GROUPS_MAX: usize = 200;
/// The most members that a step looks at, to see which classes there are.
const MEMBERS_MAX: usize = 20_000;
/// The most classes of one group.
const CLASSES_MAX: usize = 50;

/// Interfaces that are in the same groups.
pub(super) struct Class {
    pub(super) groups: Vec<Arc<SecurityGroup>>,
    pub(super) interface: NetworkInterfaceId,
    pub(super) interface_count: usize,
    /// Whether what takes several groups is said of it here; if not, it is looked at for what its group alone does.
    pub(super) is_told: bool,
}

impl Class {
    /// Its groups, by id.
    pub(super) fn ids(&self) -> Vec<SecurityGroupId> {
        self.groups.iter().map(|group| group.id).collect()
    }
}

/// What is looked at together.
pub(super) struct Subject {
    /// A group, which is looked at alone too; none: an interface's class alone.
    pub(super) group: Option<Arc<SecurityGroup>>,
    pub(super) member_count: usize,
    pub(super) classes: Vec<Class>,
}

/// Subjects, and whether there are more.
pub(super) struct Gathered {
    pub(super) subjects: Vec<Subject>,
    pub(super) more: bool,
    pub(super) classes_left_out: usize,
}

/// What a wish is about.
pub(super) fn gather(state: &State, wish: &FindingsWish) -> Result<Gathered, FindingsError> {
    match wish.scope {
        FindingScope::Interface(id) => {
            let own = state.interfaces().of(wish.account, &id).ok_or(FindingsError::InterfaceNotFound)?;
            let classes = vec![Class {
                groups: groups(state, &sorted(own)),
                interface: id,
                interface_count: 1,
                is_told: true,
            }];
            let subject = Subject { group: None, member_count: 1, classes };
            Ok(Gathered { subjects: vec![subject], more: false, classes_left_out: 0 })
        }
        FindingScope::Group(id) => {
            let group = state.groups().of(wish.account, &id).ok_or(FindingsError::GroupNotFound)?;
            let (subject, classes_left_out) = subject(state, group, |_| true);
            Ok(Gathered { subjects: vec![subject], more: false, classes_left_out })
        }
        FindingScope::All(before) => {
            let is_before = |group: &&Arc<SecurityGroup>| before.is_none_or(|before| group.serial < before);
            let mut own = state.groups().newest_first(wish.account).filter(is_before).peekable();
            let (mut subjects, mut members, mut classes_left_out) = (Vec::new(), 0, 0);
            while let Some(group) = own.next_if(|_| subjects.len() < GROUPS_MAX && members < MEMBERS_MAX) {
                members += state.member_count(group.id);
                // Each class is looked at once: at the first of its groups.
                let (subject, left_out) = subject(state, group, |ids| ids.first() == Some(&group.id));
                classes_left_out += left_out;
                subjects.push(subject);
            }
            Ok(Gathered { subjects, more: own.peek().is_some(), classes_left_out })
        }
    }
}

/// A group with the classes of its members, those that are told here and of the most interfaces first, and how many of
/// those are left out.
fn subject(
    state: &State,
    group: &Arc<SecurityGroup>,
    is_told: impl Fn(&[SecurityGroupId]) -> bool,
) -> (Subject, usize) {
    let mut classes: BTreeMap<Vec<SecurityGroupId>, (NetworkInterfaceId, usize)> = BTreeMap::new();
    for member in state.members(group.id) {
        classes.entry(sorted(member)).or_insert((member.id, 0)).1 += 1;
    }
    let class = |(ids, (interface, interface_count)): (Vec<_>, _)| {
        let is_told = is_told(&ids);
        (ids, Class { groups: Vec::new(), interface, interface_count, is_told })
    };
    let mut classes: Vec<_> = classes.into_iter().map(class).collect();
    classes.sort_by_key(|(_, own)| Reverse(own.interface_count));
    let (mut told, mut others): (Vec<_>, Vec<_>) = classes.into_iter().partition(|(_, own)| own.is_told);
    let left_out = told.len().saturating_sub(CLASSES_MAX);
    told.truncate(CLASSES_MAX);
    others.truncate(CLASSES_MAX);
    let with_groups = |(ids, own): (Vec<_>, Class)| Class { groups: groups(state, &ids), ..own };
    let subject = Subject {
        group: Some(Arc::clone(group)),
        member_count: state.member_count(group.id),
        classes: told.into_iter().chain(others).map(with_groups).collect(),
    };
    (subject, left_out)
}

pub(super) fn sorted(interface: &NetworkInterface) -> Vec<SecurityGroupId> {
    let mut ids = interface.groups.to_vec();
    ids.sort_unstable();
    ids
}

fn groups(state: &State, ids: &[SecurityGroupId]) -> Vec<Arc<SecurityGroup>> {
    ids.iter().filter_map(|id| state.groups().get(id).cloned()).collect()
}
