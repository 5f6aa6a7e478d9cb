//! The agent as it runs: threads, tasks, and what they tell each other.
//!
//! ```text
//!   control plane      kernel (netlink)     people, Prometheus
//!        |                  |                     |
//!     session            devices           socket, metrics        tasks of one thread
//!        |                  |                     |
//!        +--------- orders (bounded) -------------+
//!                           |
//!                        worker  ----  driver of instances        a thread each
//!                           |
//!              dataplane, state file, outbox (bounded)
//! ```
//!
//! One thread alone changes the kernel. Where it is slow, orders wait, and nothing more is read from the control plane,
//! which makes one update of what it has to say meanwhile. What it says goes to the outbox, where nobody waits.

mod agent;
mod decided;
mod drops;
mod feed;
mod instances;
mod listing;
mod measure;
mod metrics;
mod metrics_server;
mod order;
mod outbox;
mod restore;
mod shared;
mod sight;
mod socket;
mod tasks;
mod timed;
mod worker;

pub use self::{
    agent::{Agent, AgentError},
    feed::DeviceFeed,
    metrics_server::MetricsError,
    restore::{Restored, restore},
    socket::{AskError, Request, Response, SocketError, ask},
    worker::RestoreError,
};
pub(crate) use self::{
    drops::{Samples, SamplesFrom},
    listing::{Filter, by_reason},
    metrics::Kind,
    order::{Ask, Ended, Order, Orders},
    outbox::Outbox,
    shared::Shared,
};
