//! Who enforces: what the control plane wants of this node, brought into force on its devices and read back.
//!
//! [`Wanted`] is what is to be in force at a generation, [`Update`] how it changes, and [`Enforcer`] what brings it into
//! the kernel and says whether it is there. Nothing here waits, and nothing asks a clock.
//!
//! This crate must not know how an update came here, nor who decided it.

pub mod device;
pub mod enforcer;
pub mod instances;
pub mod message;
pub mod outcome;
pub mod saved;
pub mod wanted;

mod loaded;

pub use device::{FoundDevice, GuardedNames, NamePattern};
pub use enforcer::Enforcer;
pub use instances::{InstanceDriver, InstanceStand, InstanceState};
pub use outcome::{Outcome, Problem, ProblemKind};
pub use wanted::{Update, UpdateError, Wanted};
