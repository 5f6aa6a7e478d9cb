//! Labs of tests and benchmarks: under a name that nobody else has, and gone when they are dropped.

use host::{NamespaceError, in_namespace};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::{
    definition::Definition,
    error::LabError,
    lab::{Applied, Lab, down},
    name,
};

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A running lab that is removed when this is dropped.
#[derive(Debug)]
pub struct TemporaryLab {
    lab: Lab,
}

impl TemporaryLab {
    /// Makes a lab of this text, under a name of its own.
    ///
    /// # Errors
    /// [`LabError`]. What was made until then is removed.
    pub fn new(text: &str) -> Result<Self, LabError> {
        let lab = Self { lab: Lab::of(Definition::parse(text)?.renamed(&unique_name())?)? };
        lab.lab.apply()?;
        Ok(lab)
    }

    /// Changes it to this text.
    ///
    /// # Errors
    /// [`LabError`].
    pub fn change(&mut self, text: &str) -> Result<Applied, LabError> {
        self.lab = Lab::of(Definition::parse(text)?.renamed(self.name())?)?;
        self.lab.apply()
    }

    /// The lab.
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.lab.name()
    }

    /// Calls `work` on a thread of its own in an instance's namespace.
    ///
    /// # Errors
    /// There is no such instance.
    pub fn on<T: Send>(&self, instance: &str, work: impl FnOnce() -> T + Send) -> Result<T, NamespaceError> {
        in_namespace(&name::instance_namespace(self.name(), instance), work)
    }

    /// Calls `work` on a thread of its own in the host's namespace.
    ///
    /// # Errors
    /// The lab is gone.
    pub fn on_host<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, NamespaceError> {
        in_namespace(&name::host_namespace(self.name()), work)
    }
}

impl Drop for TemporaryLab {
    fn drop(&mut self) {
        // Nobody can be told here; who wants to know calls `down` before.
        let _ = down(self.lab.name());
    }
}

/// A name of a lab that no other lab of this host has.
pub fn unique_name() -> String {
    format!("t{}_{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}
