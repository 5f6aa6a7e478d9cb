//! What there is to do, one step at a time.

use std::fmt;

use dataplane::{Binding, ClassId};
use policy::intent::ClassKey;

/// One step. Each leaves what is there closed, or as open as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Make the host's namespace.
    MakeHost {
        /// Its name.
        namespace: String,
    },
    /// Remove an interface: its binding, then its devices.
    RemoveInterface {
        /// The host's end.
        device: String,
        /// Its index.
        index: u32,
    },
    /// Remove the binding of a device that is gone.
    Unbind {
        /// Which one.
        binding: Binding,
    },
    /// Put other rules in force for a class.
    SwitchClass {
        /// Which one.
        key: ClassKey,
        /// Its number in the dataplane.
        class: ClassId,
        /// Its groups, for people.
        name: String,
    },
    /// Make a class and put its rules in force.
    MakeClass {
        /// Which one.
        key: ClassKey,
        /// Its groups, for people.
        name: String,
    },
    /// Bind a device that is there, closed, and give it its class.
    Bind {
        /// Which interface, by its place in what is wanted.
        interface: usize,
        /// The interface, for people.
        name: String,
        /// A binding that does not enforce any more and is to go first.
        instead_of: Option<Binding>,
    },
    /// Tell the dataplane what an interface may be now.
    Configure {
        /// Which interface, by its place in what is wanted.
        interface: usize,
        /// Its binding.
        binding: Binding,
        /// The interface, for people.
        name: String,
    },
    /// Give an interface another class.
    Assign {
        /// Its binding.
        binding: Binding,
        /// Which class.
        key: ClassKey,
        /// The interface, for people.
        name: String,
        /// The class's groups, for people.
        groups: String,
    },
    /// Make an instance's namespace.
    MakeInstance {
        /// Its name.
        instance: String,
    },
    /// Make a bridge.
    MakeBridge {
        /// Its name.
        bridge: String,
    },
    /// Make an interface: its devices, switched off; its binding, closed; the wiring; its class.
    MakeInterface {
        /// Which interface, by its place in what is wanted.
        interface: usize,
        /// The interface, for people.
        name: String,
        /// The class's groups, for people.
        groups: String,
    },
    /// Remove a class.
    RemoveClass {
        /// Which one.
        class: ClassId,
    },
    /// Remove an instance's namespace.
    RemoveInstance {
        /// Its name.
        instance: String,
    },
    /// Remove a bridge.
    RemoveBridge {
        /// Its name.
        bridge: String,
        /// Its index.
        index: u32,
    },
    /// Remove the dataplane: programs, maps, pins.
    RemoveDataplane,
    /// Remove the host's namespace.
    RemoveHost {
        /// Its name.
        namespace: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeHost { namespace } => write!(f, "make the host, namespace {namespace}"),
            Self::RemoveInterface { device, .. } => write!(f, "remove the interface at {device}"),
            Self::Unbind { binding } => write!(f, "remove binding {binding}, whose device is gone"),
            Self::SwitchClass { name, .. } => write!(f, "switch class {name} to its new rules"),
            Self::MakeClass { name, .. } => write!(f, "make class {name}"),
            Self::Bind { name, .. } => write!(f, "bind {name} again"),
            Self::Configure { name, .. } => write!(f, "configure {name}"),
            Self::Assign { name, groups, .. } => write!(f, "assign {name} to class {groups}"),
            Self::MakeInstance { instance } => write!(f, "make instance {instance}"),
            Self::MakeBridge { bridge } => write!(f, "make bridge {bridge}"),
            Self::MakeInterface { name, groups, .. } => write!(f, "make {name}, in class {groups}"),
            Self::RemoveClass { class } => write!(f, "remove class {class}, which nothing has any more"),
            Self::RemoveInstance { instance } => write!(f, "remove instance {instance}"),
            Self::RemoveBridge { bridge, .. } => write!(f, "remove bridge {bridge}"),
            Self::RemoveDataplane => f.write_str("remove the dataplane, its programs and pins"),
            Self::RemoveHost { namespace } => write!(f, "remove the host, namespace {namespace}"),
        }
    }
}
