//! Interfaces: each at its device, configured, with its class; or at none.

use dataplane::{Binding, Dataplane, DataplaneError, Device};
use model::{NetworkInterfaceId, node};

use super::{Enforcer, Work, chain, same};
use crate::{
    device::{Devices, Unfit},
    loaded::Bound,
    outcome::ProblemKind,
    wanted,
};

impl<D: Dataplane> Enforcer<D> {
    pub(super) fn close(&mut self, interface: NetworkInterfaceId, work: &mut Work) {
        let Some(bound) = self.bound.get_mut(&interface) else { return };
        match self.dataplane.assign(bound.binding, None) {
            Ok(()) => bound.class = None,
            Err(error) => work.fail(interface, &error),
        }
    }

    /// Every interface that is wanted or bound.
    pub(super) fn every_interface(&self) -> Vec<NetworkInterfaceId> {
        let gone = self.bound.keys().filter(|of| !self.wanted.desired.interfaces.contains_key(of));
        gone.chain(self.wanted.desired.interfaces.keys()).copied().collect()
    }

    /// Unbinds those of these interfaces that are at devices which are not their own any more.
    pub(super) fn leave(&mut self, interfaces: &[NetworkInterfaceId], work: &mut Work) {
        let leaving: Vec<_> = interfaces.iter().copied().filter(|of| self.is_elsewhere(*of)).collect();
        for interface in leaving {
            work.interfaces.insert(interface);
            self.unbind(interface, work);
        }
        self.free_uplinks();
    }

    /// Places interfaces. Those that leave their devices go first: a device may be another interface's now.
    pub(super) fn place_each(&mut self, interfaces: &[NetworkInterfaceId], work: &mut Work) {
        self.leave(interfaces, work);
        let wanted = &self.wanted.desired.interfaces;
        let staying: Vec<_> = interfaces.iter().copied().filter(|of| wanted.contains_key(of)).collect();
        staying.into_iter().for_each(|interface| self.place(interface, work));
        self.guard();
    }

    /// The device of an interface, where it is there.
    pub(super) fn device_of(&self, interface: NetworkInterfaceId) -> Option<&Device> {
        self.device_among(&self.devices, interface)
    }

    /// The device of an interface among these: the one that has its name or alias; or, where its name is nobody's any
    /// more, the one that it is bound to, which is called otherwise now.
    pub(super) fn device_among<'a>(
        &self,
        devices: &'a Devices,
        interface: NetworkInterfaceId,
    ) -> Option<&'a Device> {
        let wanted = &self.wanted.desired.interfaces.get(&interface)?.device;
        let bound = self.bound.get(&interface);
        devices.of(interface, wanted, bound.map(|bound| bound.ifindex)).or_else(|| {
            let bound = bound?;
            let follows = matches!(wanted, node::Device::Named(_))
                && bound.under.as_ref().is_none_or(|under| under == wanted);
            if follows { devices.at(bound.ifindex) } else { None }
        })
    }

    /// Whether an interface is bound to a device that is not its own any more.
    pub(super) fn is_elsewhere(&self, interface: NetworkInterfaceId) -> bool {
        let bound = self.bound.get(&interface).map(|bound| bound.ifindex);
        bound.is_some_and(|ifindex| self.device_of(interface).map(|device| device.ifindex) != Some(ifindex))
    }

    /// Brings one interface to where it is wanted: bound to its device, configured, with its class; or not bound.
    pub(super) fn place(&mut self, interface: NetworkInterfaceId, work: &mut Work) {
        work.interfaces.insert(interface);
        if self.is_elsewhere(interface) {
            self.unbind(interface, work);
            if self.bound.contains_key(&interface) {
                return;
            }
        }
        let Some(device) = self.device_of(interface).cloned() else { return };
        if let Some(unfit) = self.devices.unfit(device.ifindex) {
            // Programs at it would see a part of its packets: it is not even said to be closed.
            work.problems.insert(interface, ProblemKind::Unfit(unfit));
            match unfit {
                Unfit::Uplink => {
                    self.unbind(interface, work);
                    self.free_uplinks();
                }
                _ => self.close(interface, work),
            }
            return;
        }
        if self.let_go.contains(&device.ifindex) {
            work.problems.insert(interface, ProblemKind::LetGo);
            return;
        }
        // One that is bound is at its own device.
        let owner = if self.bound.contains_key(&interface) { None } else { self.owner_of(&device) };
        if let Some(other) = owner {
            work.problems.insert(interface, ProblemKind::SameDevice { other });
            return;
        }
        if let Err(error) = self.try_place(interface, &device) {
            work.fail(interface, &error);
            self.close(interface, work);
            if !self.bound.contains_key(&interface) {
                // Somebody said what may pass here, and it cannot be enforced: then nothing passes.
                self.guard_one(device, Some(interface));
            }
        } else if self.is_at_several(&self.devices, interface) {
            self.tell_of_rivals(interface, &device, work);
        }
    }

    /// Opens the devices over which the host reaches its control plane and that nobody bound, also where an earlier process
    /// closed them: nobody could say any more that they are not to be. What cannot be opened is tried again.
    pub(super) fn free_uplinks(&mut self) {
        let mut freed = std::mem::take(&mut self.freed);
        freed.retain(|ifindex| self.is_uplink(*ifindex) && !self.closed.contains_key(ifindex));
        let is_to_be = |device: &&Device| {
            let ifindex = device.ifindex;
            self.is_uplink(ifindex) && !freed.contains(&ifindex) && self.owner_of(device).is_none()
        };
        let closed: Vec<Device> = self.devices.iter().filter(is_to_be).cloned().collect();
        for device in closed {
            match self.dataplane.release(&device) {
                Ok(()) => {
                    self.closed.remove(&device.ifindex);
                    freed.insert(device.ifindex);
                }
                Err(error) => {
                    tracing::error!(
                        error = chain(&error),
                        device = &*device.name,
                        "the host is cut off from its control plane: a device cannot be opened"
                    );
                }
            }
        }
        self.freed = freed;
    }

    /// Whether the host reaches its control plane over a device.
    pub(super) fn is_uplink(&self, ifindex: u32) -> bool {
        self.devices.unfit(ifindex) == Some(Unfit::Uplink)
    }

    /// Whether several devices have the alias by which an interface's device is to be found.
    pub(super) fn is_at_several(&self, devices: &Devices, interface: NetworkInterfaceId) -> bool {
        let wanted = self.wanted.desired.interfaces.get(&interface);
        wanted.is_some_and(|wanted| matches!(wanted.device, node::Device::Aliased))
            && devices.aliased(interface).nth(1).is_some()
    }

    /// Nobody knows which of several devices was meant: the interface stays at the one that it is at, and what nobody
    /// bound of the others is closed.
    fn tell_of_rivals(&mut self, interface: NetworkInterfaceId, device: &Device, work: &mut Work) {
        let all: Vec<Device> = self.devices.aliased(interface).cloned().collect();
        let others = all.iter().map(|device| &*device.name).collect::<Vec<_>>().join(", ");
        let problem = ProblemKind::SameAlias { device: device.name.clone(), others };
        if self.problems.get(&interface) != Some(&problem) {
            tracing::error!(%interface, %problem, "it is not known which device stands for an interface");
        }
        work.problems.entry(interface).or_insert(problem);
        for other in all {
            let is_closed = self.closed.contains_key(&other.ifindex);
            if self.owner_of(&other).is_none() && !is_closed && !self.let_go.contains(&other.ifindex) {
                self.guard_one(other, Some(interface));
            }
        }
    }

    /// The interface that is bound to a device.
    pub(super) fn owner_of(&self, device: &Device) -> Option<NetworkInterfaceId> {
        self.bound.iter().find(|(_, bound)| bound.ifindex == device.ifindex).map(|(interface, _)| *interface)
    }

    fn try_place(&mut self, interface: NetworkInterfaceId, device: &Device) -> Result<(), DataplaneError> {
        let Some(desired) = self.wanted.desired.interfaces.get(&interface) else { return Ok(()) };
        let wanted = &wanted::bindable(interface, desired);
        let class = self.intent.class_of(interface).and_then(|key| self.classes.get(&key.label()));
        // A class without a plan is one that could not be switched: nobody gets it.
        let class = class.filter(|class| class.plan.is_some()).map(|class| class.id);
        match self.bound.get_mut(&interface) {
            Some(bound) => {
                bound.under = Some(desired.device.clone());
                if !same(&bound.configuration, wanted) {
                    self.dataplane.configure(bound.binding, wanted)?;
                    bound.configuration = wanted.clone();
                }
            }
            None => {
                let binding = self.dataplane.bind(device, wanted)?;
                let (ifindex, configuration) = (device.ifindex, wanted.clone());
                let under = Some(desired.device.clone());
                self.bound.insert(interface, Bound { binding, ifindex, configuration, class: None, under });
                self.closed.remove(&ifindex);
                self.open.remove(&ifindex);
            }
        }
        if let Some(bound) = self.bound.get_mut(&interface).filter(|bound| bound.class != class) {
            self.dataplane.assign(bound.binding, class)?;
            bound.class = class;
        }
        Ok(())
    }

    /// Ends a binding, and counts what was dropped at it, which is gone with it. A dataplane may have noticed by itself that the
    /// device is gone.
    pub(super) fn end_binding(&mut self, binding: Binding) -> Result<(), DataplaneError> {
        let dropped = self.dataplane.drops(Some(binding));
        match self.dataplane.unbind(binding) {
            Ok(()) | Err(DataplaneError::UnknownBinding(_)) => {}
            Err(error) => return Err(error),
        }
        if let Ok(drops) = dropped {
            self.dropped.end(binding, &drops);
        }
        Ok(())
    }

    pub(super) fn unbind(&mut self, interface: NetworkInterfaceId, work: &mut Work) {
        let Some(binding) = self.bound.get(&interface).map(|bound| bound.binding) else { return };
        match self.end_binding(binding) {
            Ok(()) => {
                let ended = self.bound.remove(&interface);
                // It stays closed, whatever it is called.
                if let Some(device) = ended.and_then(|ended| self.devices.at(ended.ifindex)).cloned() {
                    self.stays_closed(device);
                }
            }
            Err(error) => {
                work.fail(interface, &error);
                self.close(interface, work);
            }
        }
    }
}
