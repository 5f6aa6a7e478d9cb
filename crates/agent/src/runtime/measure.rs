//! What the kernel counts, for those who look.

use std::collections::BTreeMap;

use dataplane::Reason;

/// What the kernel counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Measures {
    /// Flows, alive and dead.
    pub(crate) flows: u64,
    /// Packets that were dropped since the agent began.
    pub(crate) dropped: BTreeMap<Reason, u64>,
}
