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
//!
//! [`LabDriver`] makes network namespaces: what there has to be is one type ([`target`]), what is there another
//! ([`observed`]), and the steps from the one to the other ([`difference`]) a third.

pub mod difference;
mod driver;
pub mod execute;
mod failures;
pub mod names;
pub mod observed;
pub mod step;
pub mod target;

use std::collections::BTreeMap;

use model::{NetworkInterfaceId, node::InstanceReport};
use policy::Desired;

pub use self::{driver::LabDriver, step::Step};

/// Makes, starts, stops and removes the instances of a lab node.
pub trait InstanceDriver: Send {
    /// Brings the instances nearer to what is wanted, as far as that is possible now: removes those that are not wanted,
    /// makes those that are missing with their devices switched off, and switches on those whose interfaces are all in
    /// `in_force`, at the very devices that it names by their indexes: one that was made anew meanwhile is another one.
    /// Answers how each instance that is wanted stands, but for those that are still coming.
    ///
    /// It is called at the start, whenever what is wanted or what is in force has changed, and every now and then
    /// besides, so that what failed is tried again and what somebody else removed is made anew. Where nothing is wanted
    /// and nothing is there it does nothing.
    fn bring(
        &mut self,
        wanted: &Desired,
        in_force: &BTreeMap<NetworkInterfaceId, u32>,
    ) -> Vec<InstanceReport>;
}
