//! Flows that have no timer of their own.
//!
//! A timer takes memory that the kernel may not have at hand; the flow is admitted all the same. Here is what its timer
//! would do: `expire` of `bpf/flow.h`.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use super::{
    EbpfDataplane,
    host::{monotonic, system},
};
use crate::{
    error::DataplaneError,
    flow::FlowState,
    layout::{CLASS_OFFSET_BITS, FLOW_DEAD, FLOW_UNTIMED, FlowValue, STAMP_MASK, STATE_MASK},
};

/// How much older than the last packet the time that is kept of it may be (`SEEN_GRAIN_NS`).
const SEEN_GRAIN: Duration = Duration::from_millis(100);

impl EbpfDataplane {
    pub(super) fn expire_untimed(&mut self) -> Result<u64, DataplaneError> {
        let mut over = Vec::new();
        let now = monotonic();
        let collect = |key: &[u8], value: &[u8]| {
            if self.is_over(FlowValue::read(value), now) {
                over.push(key.to_vec());
            }
            true
        };
        self.maps.flows.each(collect).map_err(system("reading flows"))?;
        let mut deleted = 0;
        for key in over {
            // A packet may have come since: it is asked again, as close to the end as can be.
            let value = self.maps.flows.lookup(&key).map_err(system("reading a flow"))?;
            let Some(value) = value.map(|bytes| FlowValue::read(&bytes)) else { continue };
            if self.is_over(value, monotonic())
                && self.maps.flows.delete(&key).map_err(system("deleting a flow"))?
            {
                self.share(value.slot).fetch_sub(1, SeqCst);
                deleted += 1;
            }
        }
        Ok(deleted)
    }

    /// Whether a flow has no timer and has been silent for longer than it may be.
    fn is_over(&self, flow: FlowValue, now: Duration) -> bool {
        if flow.word & FLOW_UNTIMED == 0 {
            return false;
        }
        let timeouts = &self.options.timeouts;
        let dead = timeouts.of(FlowState::Dead);
        let state = FlowState::from_number(flow.state & STATE_MASK).unwrap_or(FlowState::Other);
        let mut kept = if flow.word & FLOW_DEAD == 0 { timeouts.of(state) } else { dead };
        if self.stamp_of(flow.slot) != flow.word & STAMP_MASK {
            kept = kept.max(dead);
        }
        let seen = flow.begun_ns.max(flow.seen_local_ns).max(flow.seen_remote_ns);
        now.saturating_sub(Duration::from_nanos(seen)) > kept.saturating_add(SEEN_GRAIN)
    }

    /// The stamp in force for a slot; 0 where it is closed.
    fn stamp_of(&self, slot: u32) -> u64 {
        let class = self.maps.slot_class.words.get(slot as usize).map_or(0, |class| class.load(SeqCst));
        let word = usize::try_from(class).ok().and_then(|class| self.maps.classes.words.get(class));
        word.map_or(0, |word| word.load(SeqCst) >> CLASS_OFFSET_BITS)
    }
}
