//! What the lenient mode forgives.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use model::Refusal;
use parking_lot::Mutex;

use super::{Mode, text};
use crate::{catalogue::Call, protocol::request::Envelope};

/// How long a repeated Leave is forgiven (contract, decision 12).
const FORGIVEN: Duration = Duration::from_secs(60);
/// How many Leaves are remembered.
const REMEMBERED: usize = 10_000;

/// The access key that a request says it is signed with, however badly it is signed.
pub(super) fn claimed_access_key(envelope: &Envelope<'_>) -> Option<Box<str>> {
    envelope.credentials().ok().map(|credentials| credentials.access_key_id.into())
}

/// A Leave: access key, group, instance, interface.
type Leave = [Box<str>; 4];

/// A Leave that succeeded.
struct Recent {
    at: Instant,
    leave: Leave,
    generation: u64,
}

/// The Leaves of the last minute.
#[derive(Default)]
pub(super) struct RecentLeaves {
    leaves: Mutex<VecDeque<Recent>>,
}

impl RecentLeaves {
    /// Remembers a Leave that succeeded with this generation.
    pub(super) fn remember(&self, mode: Mode, call: &Call<'_>, generation: u64) {
        let Some(leave) = leave_of(mode, call) else { return };
        let mut leaves = self.leaves.lock();
        while leaves.len() >= REMEMBERED || leaves.front().is_some_and(Recent::is_old) {
            leaves.pop_front();
        }
        leaves.push_back(Recent { at: Instant::now(), leave, generation });
    }

    /// The generation of the Leave that has just succeeded already, where the failure is that it is repeated.
    pub(super) fn forgives(&self, mode: Mode, call: &Call<'_>, failure: &control::Failure) -> Option<u64> {
        let repeated = matches!(failure, control::Failure::Refused(Refusal::NotAMember { .. }));
        let leave = leave_of(mode, call).filter(|_| repeated)?;
        let leaves = self.leaves.lock();
        let last = leaves.iter().rev().find(|recent| !recent.is_old() && recent.leave == leave);
        last.map(|recent| recent.generation)
    }
}

impl Recent {
    fn is_old(&self) -> bool {
        self.at.elapsed() > FORGIVEN
    }
}

fn leave_of(mode: Mode, call: &Call<'_>) -> Option<Leave> {
    let leave = mode == Mode::Lenient && call.operation.name == "LeaveSecurityGroup";
    let argument = |name| text(call.arguments, name).into();
    leave.then(|| {
        [
            call.access_key.into(),
            argument("SecurityGroupId"),
            argument("InstanceId"),
            argument("NetworkInterfaceId"),
        ]
    })
}
