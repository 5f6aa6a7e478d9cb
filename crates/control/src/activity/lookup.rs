//! When something was touched, by whom, and how far back that is known.

use std::sync::Arc;

use model::{NetworkInterfaceId, SecurityGroupId, UnixMillis};

use super::{Activity, Event, EventSink, RefusedCall, Touched};
use crate::{control::Control, history};

impl Activity {
    /// The head of a generation.
    pub(crate) fn event(&self, generation: u64) -> Option<Event> {
        self.kept.read().head(generation).map(|head| head.event())
    }

    /// The last generation up to `until` in which the interface became a member of the group.
    pub(crate) fn joined(
        &self,
        (interface, group): (NetworkInterfaceId, SecurityGroupId),
        until: u64,
    ) -> Option<Event> {
        let kept = self.kept.read();
        let generation = kept.touches.last_until(&Touched::Joined(interface, group), until)?;
        kept.head(generation).map(|head| head.event())
    }

    /// The last generation up to `until` that touched any of these.
    pub(crate) fn last_touched(&self, touched: &[Touched], until: u64) -> Option<u64> {
        let kept = self.kept.read();
        touched.iter().filter_map(|touched| kept.touches.last_until(touched, until)).max()
    }

    /// The first generation after `after` that touched this.
    pub(crate) fn first_touched_after(&self, touched: &Touched, after: u64) -> Option<u64> {
        self.kept.read().touches.first_from(touched, after.checked_add(1)?)
    }

    /// The generations after `after` that touched this, the oldest first.
    pub(crate) fn touched_after(&self, touched: &Touched, after: u64) -> Vec<u64> {
        match after.checked_add(1) {
            Some(first) => self.kept.read().touches.from(touched, first),
            None => Vec::new(),
        }
    }

    /// The first generation after `after` whose record is not understood.
    pub(crate) fn first_damaged_after(&self, after: u64) -> Option<u64> {
        self.kept.read().damaged.range(after.checked_add(1)?..).next().copied()
    }

    /// The oldest generation that there is a record of, and when it was made.
    pub(crate) fn oldest(&self) -> Option<(u64, UnixMillis)> {
        self.kept.read().heads.front().map(|head| (head.generation, head.at))
    }

    /// The last generation that was made by a time; none: every one that there is a record of was made later.
    pub(crate) fn generation_at(&self, time: UnixMillis) -> Option<u64> {
        let kept = self.kept.read();
        kept.heads.iter().rev().find(|head| head.at <= time).map(|head| head.generation)
    }
}

impl Control {
    /// Keeps a call that was refused among the events of its caller's account: the newest
    /// [`REFUSED_MAX`](super::REFUSED_MAX) of each, until this process ends.
    pub fn note_refusal(&self, call: RefusedCall) {
        let core = self.core();
        // As the state has it, durable or not: a name that was taken back meanwhile was told to nobody else.
        let name = core.shared.with(|published| history::user_name(&published.state, call.actor));
        core.activity.refuse(call, name, || core.shared.durable());
    }

    /// Tells a sink of every event from now on: changes when they are on disk, in their order, and refused calls.
    pub fn set_event_sink(&self, sink: Arc<dyn EventSink>) {
        self.core().activity.set_sink(sink);
    }
}
