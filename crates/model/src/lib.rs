//! What exists, and which changes are legal.
//!
//! The whole domain of the security-group service as plain values: accounts and their access, networks,
//! instances, network interfaces, security groups and their rules, nodes and what is bound to them. A [`Command`] is
//! planned against a [`State`] into [`Changes`] or one [`Refusal`]; applying the changes gives the next state.
//!
//! This crate must not know any IO, clock, randomness or async: time, ids and limits are arguments
//! ([`Context`]), so the same inputs always give the same changes.

// The tests beside the code and those of `tests/` share one small world.
#[cfg(test)]
extern crate self as model;

pub mod account;
pub mod address;
pub mod change;
pub mod command;
pub mod context;
pub mod id;
pub mod instance;
pub mod interface;
pub mod network;
pub mod node;
pub mod plan;
pub mod ram;
pub mod refusal;
pub mod rule;
pub mod security_group;
pub mod site;
pub mod state;
pub mod tag;
#[cfg(test)]
#[path = "../tests/world/mod.rs"]
mod world;

pub use account::{AccountId, Actor};
pub use change::{Change, Changes, Entity, EntityKey};
pub use command::{Command, Outcome};
pub use context::{Context, Limits, Timing, UnixMillis};
pub use id::{Id, InstanceId, NetworkId, NetworkInterfaceId, NodeId, SecurityGroupId, VSwitchId};
pub use plan::{Plan, plan};
pub use refusal::Refusal;
pub use state::State;
