//! The groups that an interface may join, now or at a moment of the past. Those of the past are looked for only where they are
//! asked for: it takes reading the history.

use std::{cell::OnceCell, sync::Arc};

use model::{AccountId, State, security_group::SecurityGroup};
use policy::{
    Group, PolicyClass,
    flip::{SingleChange, flipped},
    text::Flow,
};

use crate::{
    desired,
    past::{Past, PastError},
};

/// The most groups that an interface is thought to join: the newest.
const JOINABLE_MAX: usize = 200;
/// The most records that are read of memberships that began or ended since, for one interface.
const MEMBERSHIPS_MAX: usize = 2_000;

/// The newest groups of an account that have room, where a group has this many members at most.
pub(super) fn now(state: &State, account: AccountId, members_max: usize) -> Vec<Arc<SecurityGroup>> {
    let has_room = |group: &&Arc<SecurityGroup>| state.member_count(group.id) < members_max;
    let groups = state.groups().newest_first(account).filter(has_room);
    groups.take(JOINABLE_MAX).cloned().collect()
}

/// The groups of an account that an interface may join: those that have room for it.
pub(super) enum Joinable<'a> {
    /// Those of now.
    Now(Vec<Arc<SecurityGroup>>),
    /// Those of a moment of the past. Whether they had room is looked at when they are asked for.
    Then {
        /// The moment.
        past: &'a Past,
        /// The account.
        account: AccountId,
        /// Its groups, once they have been read.
        groups: OnceCell<Vec<Arc<SecurityGroup>>>,
    },
}

impl<'a> Joinable<'a> {
    /// Those of a moment of the past.
    pub(super) fn then(past: &'a Past, account: AccountId) -> Self {
        Self::Then { past, account, groups: OnceCell::new() }
    }

    /// The groups that are worth a look where one is looked for that flips the verdict on a flow: each has room.
    pub(super) fn groups(
        &self,
        class: &PolicyClass,
        flow: &Flow,
        members_max: usize,
    ) -> Result<Vec<Group>, PastError> {
        let (past, groups) = match self {
            Self::Now(groups) => {
                return Ok(groups.iter().map(|group| desired::rules_of(group)).collect());
            }
            Self::Then { past, account, groups } => {
                let read = match groups.get() {
                    Some(read) => read,
                    None => {
                        let read = past.groups(*account, JOINABLE_MAX)?;
                        groups.get_or_init(|| read)
                    }
                };
                (past, read)
            }
        };
        let (mut found, mut reads_left) = (Vec::new(), MEMBERSHIPS_MAX);
        for group in groups.iter().map(|group| desired::rules_of(group)) {
            let join = SingleChange::JoinGroup { group: group.clone() };
            if flipped(class, flow, &join).is_none() {
                continue;
            }
            let members = past.member_count(group.id, &mut reads_left)?;
            if members.is_some_and(|members| members < members_max) {
                found.push(group);
            }
        }
        Ok(found)
    }
}
