//! Why a lab cannot be made, changed, looked at or removed.

use host::{NamespaceError, NetlinkError, wire::WireError};
use std::io;

use dataplane::DataplaneError;
use thiserror::Error;

use crate::definition::DefinitionError;

/// Why a lab cannot be made, changed, looked at or removed.
#[derive(Debug, Error)]
pub enum LabError {
    /// The process may not.
    #[error("a lab makes network namespaces and loads programs into the kernel: run it as root")]
    NotRoot,
    /// The file cannot be read.
    #[error("cannot read {path}")]
    File {
        /// Which one.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not a lab.
    #[error("{path} is not a lab:\n{problems}")]
    Definition {
        /// Which one.
        path: String,
        /// What is wrong with it.
        problems: DefinitionError,
    },
    /// Text that is not a lab.
    #[error(transparent)]
    Text(#[from] DefinitionError),
    /// There is no such lab.
    #[error("no lab {lab:?} runs on this host: `ravelin lab apply FILE` makes one")]
    Unknown {
        /// Its name.
        lab: String,
    },
    /// Several labs run, and none is named.
    #[error("several labs run on this host: name one of {}", .labs.join(", "))]
    Several {
        /// Their names.
        labs: Vec<String>,
    },
    /// The lab has no such instance.
    #[error("lab {lab:?} has no instance {instance:?}; it has {}", listed(.instances))]
    UnknownInstance {
        /// Which lab.
        lab: String,
        /// The name that was given.
        instance: String,
        /// The names that there are.
        instances: Vec<String>,
    },
    /// The lab has no such interface, and no such instance.
    #[error("lab {lab:?} has no interface {name:?}; it has {}", listed(.interfaces))]
    UnknownInterface {
        /// Which lab.
        lab: String,
        /// The name that was given.
        name: String,
        /// The names that there are.
        interfaces: Vec<String>,
    },
    /// A command cannot be started.
    #[error("cannot run {program}")]
    Command {
        /// Its name.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another process changes the lab.
    #[error("another process changes lab {lab:?} at this moment: wait for it and try again")]
    Busy {
        /// Its name.
        lab: String,
    },
    /// What is remembered of a lab cannot be read or written.
    #[error("{what}")]
    State {
        /// What was to be done.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A namespace.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// A device, an address or a route.
    #[error(transparent)]
    Netlink(#[from] NetlinkError),
    /// The dataplane.
    #[error(transparent)]
    Dataplane(#[from] DataplaneError),
    /// A device does not carry packets though all is done for it.
    #[error("the device {device} does not come up; look at it with `ip -n {namespace} link show {device}`")]
    NotReady {
        /// Its name.
        device: String,
        /// In which namespace.
        namespace: String,
    },
    /// A step failed. What was done before it stays.
    #[error("cannot {step}")]
    Step {
        /// Which one.
        step: String,
        /// Why.
        #[source]
        source: Box<LabError>,
    },
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

impl From<WireError> for LabError {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Namespace(error) => error.into(),
            WireError::Netlink(error) => error.into(),
        }
    }
}
