//! What was wanted last, brought into force once: at boot, before anybody has spoken to anybody.

use dataplane::Dataplane;

use super::{agent::AgentError, worker};
use crate::{
    device::{FoundDevices, GuardedNames},
    directory::AgentDirectory,
    enforcer::{OpenDevice, Tally},
    outcome::Outcome,
    saved::Saved,
};

/// What was brought into force.
#[derive(Debug, Clone, PartialEq)]
pub struct Restored {
    /// The generation; none: nothing was ever wanted, and devices are guarded alone.
    pub generation: Option<u64>,
    /// What became of it.
    pub outcome: Outcome,
    /// How many of what there are.
    pub tally: Tally,
    /// Interfaces that are not as they are wanted, and may be open.
    pub possibly_open: Vec<model::NetworkInterfaceId>,
    /// Devices that should be closed because nobody bound them, and are open.
    pub open: Vec<OpenDevice>,
}

impl Restored {
    /// Whether packets may pass that should not.
    pub fn may_be_open(&self) -> bool {
        !self.possibly_open.is_empty() || !self.open.is_empty()
    }
}

/// Brings into force what was wanted last, on the devices that are there. It stays so when this process ends.
///
/// # Errors
/// What was saved is damaged, or the kernel refuses to say what is there.
pub fn restore<D: Dataplane>(
    directory: &AgentDirectory,
    guarded: GuardedNames,
    devices: FoundDevices,
    dataplane: D,
) -> Result<Restored, AgentError> {
    let (_, wanted) = Saved::open(directory.path())?;
    let generation = wanted.as_ref().map(|wanted| wanted.generation);
    let (enforcer, outcome) = worker::restore(dataplane, guarded, devices, wanted)?;
    Ok(Restored {
        generation,
        outcome,
        tally: enforcer.tally(),
        possibly_open: enforcer.possibly_open(),
        open: enforcer.open_devices().values().cloned().collect(),
    })
}
