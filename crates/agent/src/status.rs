//! How a running agent stands, as it says so on its socket.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How an agent stands. Times are `YYYY-MM-DDThh:mm:ssZ`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The node that it is.
    pub node_id: String,
    /// Where it looks for its control plane.
    pub server: String,
    /// Its version.
    pub agent_version: String,
    /// Since when it runs.
    pub started_at: String,
    /// Its session with the control plane.
    pub session: SessionStatus,
    /// Which generation is in force.
    pub generation: GenerationStatus,
    /// Its certificate.
    pub certificate: CertificateStatus,
    /// How many of what there are.
    pub counts: Counts,
    /// What audits found.
    pub audit: AuditStatus,
    /// Packets that were dropped since it began, by reason.
    pub dropped_packets: BTreeMap<String, u64>,
    /// The interfaces that it is to enforce.
    pub interfaces: Vec<InterfaceStatus>,
    /// Devices that nobody bound, and that are closed for that or should be.
    pub devices: Vec<DeviceStatus>,
    /// The instances that it is to run.
    pub instances: Vec<InstanceStatus>,
}

/// How the session with the control plane stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionStatus {
    /// Whether there is one. Otherwise what is in force is frozen: it stays as it was.
    pub connected: bool,
    /// Since when that is so.
    pub since: String,
    /// How often it has connected.
    pub connections: u64,
    /// Why the last connection ended or could not be made; none while there is one.
    pub error: Option<String>,
}

/// Which generation is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenerationStatus {
    /// The newest that is wanted.
    pub wanted: u64,
    /// The newest that is in force everywhere, read back and on disk; 0 for none yet.
    pub confirmed: u64,
    /// For how long something wanted is not confirmed, in milliseconds; none: all of it is.
    pub behind_ms: Option<u64>,
    /// How long the last update took from its arrival to its confirmation, in microseconds.
    pub took_us: Option<u64>,
    /// Why the last update was not obeyed; none: it was.
    pub refused: Option<RefusedStatus>,
    /// Why what is wanted cannot be kept on disk; none: it is there.
    pub unsaved: Option<String>,
}

/// An update that was not obeyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedStatus {
    /// Its generation.
    pub generation: u64,
    /// Whether the control plane has fallen back behind this node.
    pub regressed: bool,
    /// Why.
    pub message: String,
}

/// How long this node can prove itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateStatus {
    /// Until when its certificate is good.
    pub valid_until: String,
    /// When it asks for another one.
    pub renews_at: String,
    /// Why the last try to get another one failed; none: it did not.
    pub error: Option<String>,
}

/// How many of what there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Interfaces that it is to enforce.
    pub interfaces: u64,
    /// Interfaces that are bound to a device.
    pub bound: u64,
    /// Interfaces whose device is not there.
    pub absent: u64,
    /// Interfaces with which something is the matter.
    pub troubled: u64,
    /// Devices that are closed because nobody bound them.
    pub guarded: u64,
    /// Devices that should be, and are open because they cannot be closed.
    pub open: u64,
    /// Flows, alive and dead.
    pub flows: u64,
}

/// What audits found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditStatus {
    /// When the last one ended; none: there was none yet.
    pub at: Option<String>,
    /// Differences between the kernel and what was put in force, since the agent began.
    pub drift_found: u64,
    /// How many of them were repaired.
    pub drift_repaired: u64,
    /// Those of the last one that were not, the first 100.
    pub left: Vec<String>,
    /// Why the last one could not be made; none: it was.
    pub error: Option<String>,
}

/// How an interface stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceStatus {
    /// Which one.
    pub network_interface_id: String,
    /// The device that stands for it: its name now; none: it is not there.
    pub device: Option<String>,
    /// The device's index.
    pub ifindex: Option<u32>,
    /// How its device is to be found: a name, or `alias`.
    pub wanted_device: String,
    /// Its groups.
    pub security_groups: Vec<String>,
    /// The number of its class; none: it is closed.
    pub class: Option<u32>,
    /// How it stands.
    pub state: InterfaceState,
    /// What is the matter with it.
    pub problem: Option<String>,
    /// Its flows, alive and dead.
    pub flows: u64,
    /// Packets dropped since it was bound, by reason.
    pub dropped_packets: BTreeMap<String, u64>,
}

/// How an interface stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InterfaceState {
    /// Its rules are in force.
    InForce,
    /// Its device is not there: nothing can pass.
    Absent,
    /// It is closed: nothing passes, because something is the matter.
    Closed,
    /// It is not as it should be, and may not be closed.
    Troubled,
}

impl InterfaceState {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::InForce => "in force",
            Self::Absent => "absent",
            Self::Closed => "closed",
            Self::Troubled => "troubled",
        }
    }
}

/// How a device stands that nobody bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceStatus {
    /// Its name.
    pub device: String,
    /// Its index.
    pub ifindex: u32,
    /// Whether it is closed.
    pub closed: bool,
    /// Why it is not.
    pub problem: Option<String>,
}

/// How an instance stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// Which one.
    pub instance_id: String,
    /// What it calls itself.
    pub host_name: String,
    /// How it is to be: `running`, `stopped` or `gone`.
    pub wanted: String,
    /// How it is: as it is wanted, `coming` or `failed`.
    pub state: String,
    /// Its namespace, for `ip netns exec`; none: it does not run.
    pub namespace: Option<String>,
    /// Why it failed.
    pub message: Option<String>,
}
