//! Devices: which there are now, and which of them are closed because nobody bound them.

use std::collections::{BTreeMap, BTreeSet};

use dataplane::{Dataplane, DataplaneError, Device};
use model::NetworkInterfaceId;

use super::{Enforcer, Work, chain};
use crate::{
    device::{Devices, FoundDevices, Unfit},
    outcome::{Outcome, ProblemKind},
};

/// A device that should be closed, because a pattern says so or it cannot be bound, and cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDevice {
    /// Its name.
    pub name: Box<str>,
    /// Why not.
    pub why: String,
    /// The interface that was to be bound to it, or whose alias it has beside another one, where no pattern says that it is to
    /// be closed.
    pub refused: Option<NetworkInterfaceId>,
}

/// Why a device is not let go.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// There is none of this name.
    #[error("there is no device {name}: `ip link` lists those there are")]
    NoDevice {
        /// What was given.
        name: String,
    },
    /// The settings say that it is to be closed.
    #[error(
        "the device {name} matches a pattern of devices that are closed where nobody bound them: change `guard` in the settings first"
    )]
    Guarded {
        /// Its name.
        name: String,
    },
    /// It stands for an interface.
    #[error(
        "the device {name} stands for {interface}: end that first, with `ravelin unbind --network-interface {interface}`; where the control plane cannot be reached, `ravelin agent release --force {name}` opens it"
    )]
    Bound {
        /// Its name.
        name: String,
        /// Which interface.
        interface: NetworkInterfaceId,
    },
    /// It has the alias of an interface that is at another device.
    #[error(
        "the device {name} has the alias of {interface}, as another device has: take it away with `ip link set {name} alias ''` first, or `ravelin agent release --force {name}` opens it"
    )]
    SameAlias {
        /// Its name.
        name: String,
        /// Whose alias.
        interface: NetworkInterfaceId,
    },
    /// The kernel refuses.
    #[error(transparent)]
    Dataplane(#[from] DataplaneError),
}

/// How many of what there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Interfaces that are wanted.
    pub interfaces: usize,
    /// Interfaces that are bound to a device.
    pub bound: usize,
    /// Interfaces that are wanted, and whose device is not there.
    pub absent: usize,
    /// Interfaces with which something is the matter.
    pub troubled: usize,
    /// Devices that are closed because nobody bound them.
    pub guarded: usize,
    /// Devices that should be, and cannot be closed.
    pub open: usize,
}

impl<D: Dataplane> Enforcer<D> {
    /// Tells which devices there are now: binds those that interfaces wait for, ends the bindings of those that are gone
    /// or another interface's, and closes those that are guarded and that nobody bound. Before the first update it does
    /// the last only.
    pub fn set_devices(&mut self, devices: FoundDevices) -> Outcome {
        let FoundDevices { found, ended } = devices;
        let before = std::mem::replace(&mut self.devices, Devices::new(found));
        let is_there = |ifindex: &u32| self.devices.at(*ifindex).is_some() && !ended.contains(ifindex);
        self.closed.retain(|ifindex, _| is_there(ifindex));
        self.open.retain(|ifindex, _| is_there(ifindex));
        self.let_go.retain(is_there);
        self.free_uplinks();
        self.guard_changed(&before);
        let mut work = Work::default();
        if self.updated {
            self.end_bindings_of(&ended, &mut work);
            let moved = self.moved(&before);
            self.place_each(&moved, &mut work);
        } else {
            self.guard();
        }
        self.finish(work)
    }

    /// A device that ended has nothing to do with one that was made anew with its number.
    fn end_bindings_of(&mut self, ended: &BTreeSet<u32>, work: &mut Work) {
        let at_ended = self.bound.iter().filter(|(_, bound)| ended.contains(&bound.ifindex));
        let at_ended: Vec<NetworkInterfaceId> = at_ended.map(|(interface, _)| *interface).collect();
        for interface in at_ended {
            self.unbind(interface, work);
            work.interfaces.insert(interface);
        }
        self.closed.retain(|ifindex, _| !ended.contains(ifindex));
        self.open.retain(|ifindex, _| !ended.contains(ifindex));
    }

    /// Interfaces that other devices than before stand for, that are not bound although their device is there, or with which
    /// something was the matter.
    fn moved(&self, before: &Devices) -> Vec<NetworkInterfaceId> {
        let index = |device: Option<&Device>| device.map(|device| device.ifindex);
        let is_moved = |interface: NetworkInterfaceId| {
            let now = index(self.device_of(interface));
            let bound = self.bound.get(&interface).map(|bound| bound.ifindex);
            now != bound
                || now != index(self.device_among(before, interface))
                || now.is_some_and(|at| self.devices.unfit(at) != before.unfit(at))
                || self.is_at_several(&self.devices, interface)
        };
        let wanted = self.wanted.desired.interfaces.keys().copied().filter(|of| is_moved(*of));
        let mut moved: BTreeSet<NetworkInterfaceId> = wanted.collect();
        moved.extend(self.problems.keys());
        moved.into_iter().collect()
    }

    /// Closes the devices that are guarded, that nobody bound, and that are not closed already.
    pub(super) fn guard(&mut self) {
        let bound: BTreeSet<u32> = self.bound.values().map(|bound| bound.ifindex).collect();
        let free =
            |device: &&Device| !bound.contains(&device.ifindex) && !self.closed.contains_key(&device.ifindex);
        let to_close: Vec<Device> =
            self.devices.iter().filter(free).filter(|device| self.guarded.has(device)).cloned().collect();
        to_close.into_iter().for_each(|device| self.guard_one(device, None));
    }

    /// Closes the devices again that nobody bound: somebody may have taken the programs away.
    pub(super) fn guard_again(&mut self) {
        self.free_uplinks();
        self.guard_each(|_| true);
        self.guard();
    }

    /// The same, of those where nothing could be enforced before and now can be, or the other way round: somebody may have
    /// put a program at XDP, or taken it away.
    fn guard_changed(&mut self, before: &Devices) {
        let changed: BTreeSet<u32> = self
            .devices
            .iter()
            .map(|device| device.ifindex)
            .filter(|ifindex| self.devices.unfit(*ifindex) != before.unfit(*ifindex))
            .collect();
        self.guard_each(|ifindex| changed.contains(&ifindex));
    }

    /// Closes those of the devices again that are closed, or could not be, for no interface's sake.
    fn guard_each(&mut self, is_one: impl Fn(u32) -> bool) {
        let open = self.open.iter().filter(|(_, open)| open.refused.is_none());
        let all = self.closed.keys().chain(open.map(|(ifindex, _)| ifindex)).copied();
        // The way to the control plane is to be opened, and is closed only where that failed.
        let these = all.filter(|ifindex| is_one(*ifindex) && !self.is_uplink(*ifindex));
        let devices: Vec<Device> = these.filter_map(|ifindex| self.devices.at(ifindex)).cloned().collect();
        devices.into_iter().for_each(|device| self.guard_one(device, None));
    }

    /// Nobody is bound to a device any more, which the dataplane has left closed. Where a program at XDP decides before that,
    /// it is not said to be.
    pub(super) fn stays_closed(&mut self, device: Device) {
        match self.devices.unfit(device.ifindex) {
            Some(Unfit::Xdp) => self.guard_one(device, None),
            _ => {
                self.closed.insert(device.ifindex, device.name);
            }
        }
    }

    /// Closes a device; `refused` is the interface that cannot be bound to it.
    pub(super) fn guard_one(&mut self, device: Device, refused: Option<NetworkInterfaceId>) {
        let ifindex = device.ifindex;
        let guarded = match self.devices.unfit(ifindex) {
            Some(unfit) => {
                if unfit == Unfit::Xdp {
                    // What a program at XDP lets pass meets ours: that it is not all does not matter.
                    let _ = self.dataplane.guard(&device);
                }
                Err(unfit.to_string())
            }
            None => self.dataplane.guard(&device).map_err(|error| chain(&error)),
        };
        match guarded {
            Ok(()) => {
                self.closed.insert(ifindex, device.name);
                self.open.remove(&ifindex);
            }
            Err(why) => {
                self.closed.remove(&ifindex);
                let name = device.name.clone();
                let refused = refused.filter(|_| !self.guarded.has(&device));
                let known = self.open.insert(ifindex, OpenDevice { name, why: why.clone(), refused });
                if known.is_none() {
                    tracing::error!(
                        error = why,
                        device = &*device.name,
                        "a device cannot be closed: it is open"
                    );
                }
            }
        }
    }

    /// Forgets the devices that are open because an interface cannot be bound to them, where it is not to be any more.
    pub(super) fn forget_refused(&mut self) {
        let mut open = std::mem::take(&mut self.open);
        open.retain(|ifindex, device| match device.refused {
            Some(interface) => self.is_meant(interface, *ifindex),
            None => true,
        });
        self.open = open;
    }

    /// Whether a device is an interface's, or one of several with its alias.
    fn is_meant(&self, interface: NetworkInterfaceId, ifindex: u32) -> bool {
        let mut rivals =
            self.devices.aliased(interface).filter(|_| self.is_at_several(&self.devices, interface));
        self.device_of(interface).is_some_and(|device| device.ifindex == ifindex)
            || rivals.any(|device| device.ifindex == ifindex)
    }

    /// Lets a device go that is closed because nobody bound it: its packets pass.
    ///
    /// # Errors
    /// There is no such device; a pattern says that it is to be closed; an interface is bound to it, or is to be; the kernel
    /// refuses.
    pub fn release(&mut self, name: &str) -> Result<(), ReleaseError> {
        let found = self.devices.iter().find(|device| &*device.name == name).cloned();
        let device = found.ok_or_else(|| ReleaseError::NoDevice { name: name.to_owned() })?;
        if self.guarded.has(&device) {
            return Err(ReleaseError::Guarded { name: name.to_owned() });
        }
        if let Some(interface) = self.owner_of(&device).or_else(|| self.wanted_at(&device)) {
            return Err(ReleaseError::Bound { name: name.to_owned(), interface });
        }
        if let Some(interface) = self.rival_of(&device) {
            return Err(ReleaseError::SameAlias { name: name.to_owned(), interface });
        }
        self.dataplane.release(&device)?;
        self.closed.remove(&device.ifindex);
        self.open.remove(&device.ifindex);
        Ok(())
    }

    /// Lets a device go although an interface is bound to it, or is to be: its packets pass until the next update.
    ///
    /// # Errors
    /// There is no such device; a pattern says that it is to be closed; the kernel refuses.
    pub fn let_go(&mut self, name: &str) -> Result<(), ReleaseError> {
        let released = self.release(name);
        let found = self.devices.iter().find(|device| &*device.name == name).cloned();
        let device = found.ok_or_else(|| ReleaseError::NoDevice { name: name.to_owned() })?;
        let interface = match released {
            Err(ReleaseError::Bound { interface, .. }) => interface,
            Ok(()) => {
                self.let_go.insert(device.ifindex);
                return Ok(());
            }
            Err(ReleaseError::SameAlias { .. }) => return Ok(self.open_one(&device)?),
            Err(refused) => return Err(refused),
        };
        if let Some(binding) = self.bound.get(&interface).map(|bound| bound.binding) {
            self.end_binding(binding)?;
            self.bound.remove(&interface);
        }
        self.open_one(&device)?;
        self.problems.insert(interface, ProblemKind::LetGo);
        Ok(())
    }

    /// Opens a device until the next update.
    fn open_one(&mut self, device: &Device) -> Result<(), DataplaneError> {
        self.dataplane.release(device)?;
        self.closed.remove(&device.ifindex);
        self.open.remove(&device.ifindex);
        self.let_go.insert(device.ifindex);
        Ok(())
    }

    /// The interface whose alias a device has beside the one that stands for it.
    fn rival_of(&self, device: &Device) -> Option<NetworkInterfaceId> {
        self.wanted.desired.interfaces.keys().copied().find(|of| self.is_meant(*of, device.ifindex))
    }

    /// The interface that a device is to stand for.
    fn wanted_at(&self, device: &Device) -> Option<NetworkInterfaceId> {
        let is_it = |of: &NetworkInterfaceId| {
            self.device_of(*of).is_some_and(|wanted| wanted.ifindex == device.ifindex)
        };
        self.wanted.desired.interfaces.keys().copied().find(is_it)
    }

    /// Devices that should be closed and cannot be, by index.
    pub fn open_devices(&self) -> &BTreeMap<u32, OpenDevice> {
        &self.open
    }

    /// Devices that are closed because nobody bound them, by index, with the name that each had then.
    pub fn closed_devices(&self) -> &BTreeMap<u32, Box<str>> {
        &self.closed
    }

    /// How many of what there are.
    pub fn tally(&self) -> Tally {
        Tally {
            interfaces: self.wanted.desired.interfaces.len(),
            bound: self.bound.len(),
            absent: self.absent.len(),
            troubled: self.problems.len(),
            guarded: self.closed.len(),
            open: self.open.len(),
        }
    }
}
