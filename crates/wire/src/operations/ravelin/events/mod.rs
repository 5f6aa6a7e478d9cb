//! `ListEvents` and `DescribeStateAt`: who did what, and what was so before.

pub(crate) mod describe_state_at;
pub(crate) mod entity;
pub(crate) mod list_events;
mod sight;
