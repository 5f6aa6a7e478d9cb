//! Instances: their ten documented states and the way between them (the vendor's reference, DescribeInstances).

use serde::{Deserialize, Serialize};

use crate::{
    account::AccountId,
    context::{Timing, UnixMillis},
    id::{DiskId, InstanceId, NetworkInterfaceId},
    site::Symbol,
    tag::Tags,
};

/// The state of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum InstanceStatus {
    /// Being made.
    Creating,
    /// Its image is being fetched to the edge site.
    ImageDownloading,
    /// Starting, or starting again.
    Starting,
    /// Running.
    Running,
    /// Stopping.
    Stopping,
    /// Stopped.
    Stopped,
    /// Its disk is being reset.
    Resetting,
    /// Being moved.
    Transferring,
    /// Its subscription is over.
    Expired,
    /// Being released.
    Releasing,
}

impl InstanceStatus {
    /// Every state.
    pub const ALL: [Self; 10] = [
        Self::Creating,
        Self::ImageDownloading,
        Self::Starting,
        Self::Running,
        Self::Stopping,
        Self::Stopped,
        Self::Resetting,
        Self::Transferring,
        Self::Expired,
        Self::Releasing,
    ];

    /// The name that the API gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Creating => "Creating",
            Self::ImageDownloading => "ImageDownloading",
            Self::Starting => "Starting",
            Self::Running => "Running",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Resetting => "Resetting",
            Self::Transferring => "Transferring",
            Self::Expired => "Expired",
            Self::Releasing => "Releasing",
        }
    }

    /// Whether the instance may join and leave groups: `Running` and `Stopped` only (the contract's precondition).
    pub fn allows_membership_change(self) -> bool {
        matches!(self, Self::Running | Self::Stopped)
    }
}

/// What a passing state is on the way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Journey {
    /// A new instance, to `Running`.
    Creation,
    /// `StartInstance`, to `Running`.
    Start,
    /// `StopInstance`, to `Stopped`.
    Stop,
    /// `RebootInstance`, to `Running`.
    Reboot,
    /// `ReinitInstance` or `ReInitDisk`, back to `Running` (true) or `Stopped` (false).
    Reset {
        /// Whether it was running before.
        running: bool,
    },
    /// Being moved to other hardware, back to `Running` (true) or `Stopped` (false).
    Transfer {
        /// Whether it was running before.
        running: bool,
    },
    /// Being released: afterwards it does not exist.
    Release,
}

/// A passing state: where it leads, and when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Passage {
    /// What it is on the way to.
    pub journey: Journey,
    /// When the present state ends; [`UnixMillis::NEVER`] where the lab node that hosts the instance ends it.
    pub due_at: UnixMillis,
}

/// What follows a passing state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another passing state.
    Passing(InstanceStatus),
    /// A stable state.
    Stable(InstanceStatus),
    /// The instance does not exist any more.
    Gone,
}

impl Journey {
    /// The state that follows `status` on this journey.
    pub fn next(self, status: InstanceStatus) -> Next {
        use InstanceStatus as S;
        match (self, status) {
            (Self::Creation, S::ImageDownloading) => Next::Passing(S::Creating),
            (Self::Creation, S::Creating) => Next::Passing(S::Starting),
            (Self::Reboot, S::Stopping) => Next::Passing(S::Starting),
            (Self::Reset { .. }, S::ImageDownloading) => Next::Passing(S::Resetting),
            _ => self.destination(),
        }
    }

    /// What is at the end of this journey.
    pub fn destination(self) -> Next {
        match self {
            Self::Creation | Self::Start | Self::Reboot => Next::Stable(InstanceStatus::Running),
            Self::Reset { running } | Self::Transfer { running } => {
                Next::Stable(if running { InstanceStatus::Running } else { InstanceStatus::Stopped })
            }
            Self::Stop => Next::Stable(InstanceStatus::Stopped),
            Self::Release => Next::Gone,
        }
    }
}

/// How long a passing state lasts.
pub fn duration_ms(status: InstanceStatus, timing: &Timing) -> u64 {
    match status {
        InstanceStatus::Creating => timing.creating_ms,
        InstanceStatus::ImageDownloading => timing.image_downloading_ms,
        InstanceStatus::Starting => timing.starting_ms,
        InstanceStatus::Stopping => timing.stopping_ms,
        InstanceStatus::Resetting => timing.resetting_ms,
        InstanceStatus::Transferring => timing.transferring_ms,
        InstanceStatus::Releasing => timing.releasing_ms,
        InstanceStatus::Running | InstanceStatus::Stopped | InstanceStatus::Expired => 0,
    }
}

/// How an instance is paid for, which is also what kind of resource it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Charge {
    /// By use (`PostPaid`).
    PostPaid,
    /// A subscription (`PrePaid`).
    PrePaid {
        /// When it is over.
        expires_at: UnixMillis,
        /// By how many days it renews itself then; none: it does not.
        renew_days: Option<u32>,
    },
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Its id.
    pub id: DiskId,
    /// GiB.
    pub size_gib: u32,
    /// `cloud_efficiency`, `cloud_ssd`, ...
    pub category: Symbol,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The key it is encrypted with, or empty.
    pub key_id: Box<str>,
}

/// An instance.
///
/// Passwords are checked for their shape and then forgotten: nothing here would use one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Instance {
    /// Its id.
    pub id: InstanceId,
    /// Whose it is.
    pub account: AccountId,
    /// Its place in the order of creation.
    pub serial: u64,
    /// The edge site (`EnsRegionId`).
    pub region: Symbol,
    /// Its type.
    pub instance_type: Symbol,
    /// Its image.
    pub image: Symbol,
    /// Its state.
    pub status: InstanceStatus,
    /// Where a passing state leads.
    pub passage: Option<Passage>,
    /// Its primary interface.
    pub primary_interface: NetworkInterfaceId,
    /// Its other interfaces, in the order in which they were attached.
    pub secondary_interfaces: Box<[NetworkInterfaceId]>,
    /// How it is paid for.
    pub charge: Charge,
    /// When it is to be released by itself.
    pub auto_release_at: Option<UnixMillis>,
    /// Its name; none: its id is its name.
    pub name: Option<Box<str>>,
    /// Its host name; none: its id.
    pub host_name: Option<Box<str>>,
    /// The key pair put into it, or empty.
    pub key_pair: Option<Box<str>>,
    /// Base64 text of up to 16 KiB that it sees at its first start.
    pub user_data: Option<Box<str>>,
    /// Whether a release is refused.
    pub deletion_protection: bool,
    /// Public bandwidth, Mbit/s.
    pub internet_bandwidth_mbps: u32,
    /// Its public IPv4 address, where it has one.
    pub public_address: Option<std::net::Ipv4Addr>,
    /// Its system disk.
    pub system_disk: Disk,
    /// Its data disks.
    pub data_disks: Box<[Disk]>,
    /// Its tags.
    pub tags: Tags,
    /// When it was created.
    pub created_at: UnixMillis,
}

impl Instance {
    /// Its interfaces, the primary one first.
    pub fn interfaces(&self) -> impl Iterator<Item = NetworkInterfaceId> + '_ {
        std::iter::once(self.primary_interface).chain(self.secondary_interfaces.iter().copied())
    }

    /// Its disks, the system disk first.
    pub fn disks(&self) -> impl Iterator<Item = &Disk> {
        std::iter::once(&self.system_disk).chain(&self.data_disks)
    }

    /// Its name, which is its id where it was given none.
    pub fn display_name(&self) -> String {
        self.name.as_deref().map_or_else(|| self.id.to_string(), Into::into)
    }

    /// The next moment at which the clock changes something about it.
    pub fn due_at(&self) -> Option<UnixMillis> {
        let expiry = match self.charge {
            Charge::PrePaid { expires_at, .. } if self.status != InstanceStatus::Expired => Some(expires_at),
            _ => None,
        };
        match self.passage {
            // A passing state ends first; expiry is looked at when the state is stable again.
            Some(passage) => Some(passage.due_at).filter(|due_at| *due_at != UnixMillis::NEVER),
            None => [expiry, self.auto_release_at].into_iter().flatten().min(),
        }
    }
}
