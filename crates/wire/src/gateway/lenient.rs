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

/// The Leaves of the last minute.
#[derive(Default)]
pub(super) struct RecentLeaves {
    leaves: Mutex<VecDeque<(Instant, Leave)>>,
}

impl RecentLeaves {
    /// Remembers a Leave that succeeded.
    pub(super) fn remember(&self, mode: Mode, call: &Call<'_>) {
        let Some(leave) = leave_of(mode, call) else { return };
        let mut leaves = self.leaves.lock();
        while leaves.len() >= REMEMBERED || leaves.front().is_some_and(|(at, _)| at.elapsed() > FORGIVEN) {
            leaves.pop_front();
        }
        leaves.push_back((Instant::now(), leave));
    }

    /// Whether the failure is that of a Leave that has just succeeded already.
    pub(super) fn forgives(&self, mode: Mode, call: &Call<'_>, failure: &control::Failure) -> bool {
        let repeated = matches!(failure, control::Failure::Refused(Refusal::NotAMember { .. }));
        let Some(leave) = leave_of(mode, call).filter(|_| repeated) else { return false };
        self.leaves.lock().iter().any(|(at, known)| at.elapsed() <= FORGIVEN && *known == leave)
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
