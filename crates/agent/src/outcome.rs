//! What became of an update.

use model::NetworkInterfaceId;

use crate::device::Unfit;

/// What became of an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The generation that was to be brought into force.
    pub generation: u64,
    /// Where it is not in force. None: it was read back from the kernel, everywhere.
    pub problems: Vec<Problem>,
    /// Interfaces whose device is not there. There is nothing to enforce, and nothing can pass.
    pub absent: Vec<NetworkInterfaceId>,
}

impl Outcome {
    /// Whether it is in force wherever it has to be.
    pub fn confirmed(&self) -> bool {
        self.problems.is_empty()
    }
}

/// An interface where something is not as it is wanted. It is closed, unless the kind says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which one.
    pub interface: NetworkInterfaceId,
    /// What is the matter.
    pub kind: ProblemKind,
}

/// What is the matter with an interface.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// The dataplane does not do what it is asked.
    #[error("{0}")]
    Dataplane(String),
    /// Read back, the kernel says something else than what was asked for.
    #[error("read back from the kernel, {0}")]
    ReadBack(String),
    /// Two interfaces are to be at one device.
    #[error("{other} is at the same device")]
    SameDevice {
        /// The other one, which has it.
        other: NetworkInterfaceId,
    },
    /// Several devices have its alias. It is in force at the one that had it first.
    #[error(
        "several devices have its alias, {others}: it stays at {device}; take the alias from the others (`ip link set DEVICE alias \"\"`)"
    )]
    SameAlias {
        /// The device that it is at.
        device: Box<str>,
        /// All of them.
        others: String,
    },
    /// Its device is of a kind at which nothing can be enforced.
    #[error("{0}")]
    Unfit(Unfit),
    /// An operator has let its device go, which is open.
    #[error(
        "an operator of this host has let its device go (`ravelin agent release --force`), which is open until the control plane is heard again: unbind it first if that is not to be closed again"
    )]
    LetGo,
    /// It is in force, but would be forgotten with the machine.
    #[error(
        "it is in force, but what is wanted cannot be kept on disk, and so would not outlive a reboot: {0}"
    )]
    Unsaved(String),
}
