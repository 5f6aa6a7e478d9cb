//! Flows of numbered records between two sockets, TCP and UDP, that know what of them arrived and when.
//!
//! A [`Flow`] sends a record every so often from its client to its server, which sends each one back. Arrivals are stamped
//! by the kernel when it delivers them, so that a reader which is late makes no arrival late. It is what a demonstration
//! and tests tell by whether a change has cut what it should, and nothing else.
//!
//! A [`Bundle`] is many UDP flows, one way, on two threads: dense ones that disturb little of what is measured beside them.
//!
//! Sockets stay in the network namespace in which they were made. Whoever wants a flow between two namespaces calls
//! [`Server::listen`] and [`Client::connect`] on threads that are there; everything else may be called anywhere.
//!
//! This crate must not know namespaces, and not what decides whether a packet passes.

mod bundle;
mod end;
mod flow;
mod knock;
mod record;
mod tally;

pub use bundle::Bundle;
pub use end::{Client, Protocol, Server};
pub use flow::{Flow, Seen};
pub use knock::{Knock, knock};
pub use tally::{Arrival, Tally};
