//! Where the instances of a lab node come from: a driver that makes, starts, stops and removes them.
//!
//! The driver runs on a thread of its own, so that a change of rules never waits for an instance that is being made. What
//! is wanted goes to it as a whole each time: it looks at what is there and does what is missing. An instance comes to
//! life in three steps, none of which waits for another one's thread:
//!
//! 1. The driver makes its devices, switched off, with the alias or name by which their interfaces are bound.
//! 2. The agent notices the devices, binds them, and reads back that they are enforced.
//! 3. The driver is called again, told that their interfaces are in force, and switches the devices on.
//!
//! So a device of an instance is never on before it is enforced.

use std::collections::BTreeSet;

use model::{InstanceId, NetworkInterfaceId};
use policy::Desired;

/// Makes, starts, stops and removes the instances of a lab node.
pub trait InstanceDriver: Send {
    /// Brings the instances nearer to what is wanted, as far as that is possible now: removes those that are not wanted,
    /// makes those that are missing with their devices switched off, and switches on those whose interfaces are all in
    /// `in_force`. Answers how every instance that is wanted stands.
    ///
    /// It is called at the start, whenever what is wanted or what is in force has changed, and every now and then
    /// besides, so that what failed is tried again and what somebody else removed is made anew. Where nothing is wanted
    /// and nothing is there it does nothing.
    fn bring(&mut self, wanted: &Desired, in_force: &BTreeSet<NetworkInterfaceId>) -> Vec<InstanceState>;
}

/// How an instance stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceState {
    /// Which one.
    pub instance: InstanceId,
    /// The number of its start that this is about.
    pub boots: u64,
    /// The number of its disk that this is about.
    pub images: u64,
    /// How it stands.
    pub stand: InstanceStand,
}

/// How an instance stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceStand {
    /// It is being made: its interfaces are not in force yet.
    Coming,
    /// It runs, and its interfaces are in force and on.
    Running,
    /// It is there, and its interfaces are off.
    Stopped,
    /// It is not as it is wanted, and is tried again: why.
    Failed(Box<str>),
}
