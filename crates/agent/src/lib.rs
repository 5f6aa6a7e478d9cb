//! Who enforces: what the control plane wants of this node, brought into force on its devices and read back.
//!
//! [`Wanted`] is what is to be in force at a generation, [`Update`] how it changes, and [`Enforcer`] what brings it into
//! the kernel and says whether it is there. Nothing here waits, and nothing asks a clock.
//!
//! This crate must not know how an update came here, nor who decided it.

pub mod address;
pub mod clock;
pub mod device;
pub mod directory;
pub mod enforcer;
pub mod identity;
pub mod instances;
pub mod links;
pub mod message;
pub mod outcome;
pub mod runtime;
pub mod saved;
pub mod service_manager;
pub mod session;
pub mod settings;
pub mod status;
pub mod wanted;

mod files;
mod loaded;

pub use device::{FoundDevice, FoundDevices, GuardedNames, NamePattern, Unfit};
pub use enforcer::Enforcer;
pub use files::FileError;
pub use instances::{InstanceDriver, LabDriver};
pub use outcome::{Outcome, Problem, ProblemKind};
pub use wanted::{Update, UpdateError, Wanted};
