//! Devices that stand for interfaces.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::atomic::{
        AtomicU64,
        Ordering::{Relaxed, SeqCst},
    },
    time::Duration,
};

use ipnet::IpNet;
use model::{NetworkInterfaceId, address::Mac};

use super::{
    EbpfDataplane,
    addresses::{check_addresses, first_addresses, further},
    attach::xdp_unknown,
    host::{device_name, devices, monotonic, system},
    ledger::SlotEntry,
    readers::Moment,
    sweeper::{Slots, delete_flows},
    xdp,
};
use crate::{
    error::DataplaneError,
    interface::{Binding, ClassId, Device, Interface, link_local},
    layout::{
        DeviceWord, FlowValue, INTERFACE_FURTHER_ADDRESSES, INTERFACE_SOURCE_CHECK_OFF, InterfaceValue,
        REASONS, SHARE_WORDS,
    },
    report::BindingReport,
};

/// A binding, as this process knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    pub(crate) slot: u32,
    pub(crate) ifindex: u32,
    pub(crate) interface: NetworkInterfaceId,
    /// Which of the two copies of the configuration is in force.
    pub(crate) copy: bool,
    /// When nobody reads the other one any more.
    pub(crate) changed: Moment,
}

impl EbpfDataplane {
    /// Reads bindings from the kernel, and ends those that a killed process left half made or half ended.
    pub(super) fn recover_bindings(&mut self) -> Result<(), DataplaneError> {
        let entries: Vec<(u32, SlotEntry)> = self.ledger.slots().collect();
        let mut half = Vec::new();
        for (slot, SlotEntry { id, ifindex, interface }) in entries {
            let key = ifindex.to_ne_bytes();
            let found = self.maps.devices.lookup(&key).map_err(system("reading a device"))?;
            let word = found.map(|bytes| DeviceWord::read(&bytes));
            let word = word.filter(|word| word.slot == slot && word.id == id);
            let copy = word.is_some_and(|word| word.copy);
            self.bindings.insert(id, Bound { slot, ifindex, interface, copy, changed: Moment::default() });
            if word.is_none() {
                half.push(Binding(id));
            }
        }
        self.end_bindings(&half)?;
        self.sweeper.wait();
        self.empty_shares()
    }

    /// Deletes the flows of slots without a binding, and counts none there: a process that was killed may have left some, and
    /// since one is deleted before it is counted down, a slot that never looks free.
    fn empty_shares(&self) -> Result<(), DataplaneError> {
        let taken: BTreeSet<u32> = self.bindings.values().map(|bound| bound.slot).collect();
        let idle: BTreeSet<u32> = (1..self.options.slots())
            .filter(|slot| !taken.contains(slot) && self.share(*slot).load(SeqCst) != 0)
            .collect();
        if idle.is_empty() {
            return Ok(());
        }
        // No packet begins a flow for them: what the table holds is all.
        let mut left = Vec::new();
        let collect = |key: &[u8], value: &[u8]| {
            if idle.contains(&FlowValue::read(value).slot) {
                left.push(key.to_vec());
            }
            true
        };
        self.maps.flows.each(collect).map_err(system("reading flows"))?;
        for key in left {
            self.maps.flows.delete(&key).map_err(system("deleting a flow"))?;
        }
        // The kernel, too, counts down after it has deleted; what it had begun it has ended then.
        self.readers.wait_for_all().map_err(system("membarrier"))?;
        idle.into_iter().for_each(|slot| self.share(slot).store(0, SeqCst));
        Ok(())
    }

    /// The number of flows of a slot.
    pub(super) fn share(&self, slot: u32) -> &AtomicU64 {
        &self.maps.shares.words[(slot * SHARE_WORDS) as usize]
    }

    /// The counters of drops of a slot, by number of reason.
    pub(super) fn counters(&self, slot: u32) -> &[AtomicU64] {
        let first = (slot * REASONS) as usize;
        &self.maps.drops.words[first..first + REASONS as usize]
    }

    /// The binding of a device.
    pub(super) fn binding_at(&self, ifindex: u32) -> Option<Binding> {
        self.bindings.iter().find(|(_, bound)| bound.ifindex == ifindex).map(|(id, _)| Binding(*id))
    }

    pub(super) fn bound(&self, binding: Binding) -> Result<Bound, DataplaneError> {
        self.bindings.get(&binding.0).copied().ok_or(DataplaneError::UnknownBinding(binding))
    }

    pub(super) fn bind_device(
        &mut self,
        device: &Device,
        interface: &Interface,
    ) -> Result<Binding, DataplaneError> {
        device.check()?;
        check_addresses(interface)?;
        self.unbind_gone_at(device.ifindex)?;
        self.unbind_gone()?;
        if let Some(binding) = self.binding_at(device.ifindex) {
            return Err(DataplaneError::Bound { name: device.name.to_string(), binding });
        }
        let slot = self.free_slot()?;
        self.check_room(&self.all_prefixes()?, slot, interface)?;
        let id = self.ledger.next_id()?;
        let entry = SlotEntry { id, ifindex: device.ifindex, interface: interface.id };
        self.ledger.set_slot(slot, entry);
        let (ifindex, interface_id) = (device.ifindex, interface.id);
        let bound = Bound { slot, ifindex, interface: interface_id, copy: false, changed: Moment::default() };
        self.bindings.insert(id, bound);
        // From here on a failure is undone by ending the binding.
        let result = self.open_binding(Binding(id), bound, interface);
        if result.is_err() {
            self.end_bindings(&[Binding(id)])?;
        }
        result.map(|()| Binding(id))
    }

    fn open_binding(
        &mut self,
        binding: Binding,
        bound: Bound,
        interface: &Interface,
    ) -> Result<(), DataplaneError> {
        self.maps.slot_class.words[bound.slot as usize].store(0, SeqCst);
        for counter in self.counters(bound.slot) {
            counter.store(0, Relaxed);
        }
        let share = (bound.slot * SHARE_WORDS) as usize;
        for word in &self.maps.shares.words[share..share + SHARE_WORDS as usize] {
            word.store(0, Relaxed);
        }
        self.clear_fragments(bound.slot)?;
        self.set_prefixes(bound.slot, interface)?;
        self.write_interface(binding, bound, interface, end_of(interface.adopt))?;
        self.attacher.attach(bound.ifindex)?;
        self.point_device(binding, bound)
    }

    /// A slot whose last binding has no flows any more.
    fn free_slot(&self) -> Result<u32, DataplaneError> {
        let taken: BTreeSet<u32> = self.bindings.values().map(|bound| bound.slot).collect();
        let free = || {
            (1..self.options.slots())
                .find(|slot| !taken.contains(slot) && self.share(*slot).load(SeqCst) == 0)
        };
        let in_a_while = || {
            self.sweeper.wait();
            free()
        };
        free().or_else(in_a_while).ok_or(DataplaneError::InterfacesFull { most: self.options.interfaces_max })
    }

    /// Ends the binding of the device that had this index, where that is gone: whatever has it now has none of its rights.
    pub(super) fn unbind_gone_at(&mut self, ifindex: u32) -> Result<(), DataplaneError> {
        match self.binding_at(ifindex) {
            Some(binding) if !self.attacher.is_present(ifindex)? => self.end_bindings(&[binding]),
            _ => Ok(()),
        }
    }

    /// Ends the bindings of devices that are gone, and forgets their pins. One listing of all devices: to ask about each
    /// would make binding many of them quadratic in calls to the kernel. A device that was made anew with the index of one
    /// that is gone has no programs, and the binding of the old one ends when it gets some.
    fn unbind_gone(&mut self) -> Result<(), DataplaneError> {
        let there = devices().map_err(system("listing devices"))?.into_iter().collect();
        let is_gone = |bound: &Bound| !BTreeSet::contains(&there, &bound.ifindex);
        let gone = self.bindings.iter().filter(|(_, bound)| is_gone(bound));
        let gone: Vec<Binding> = gone.map(|(id, _)| Binding(*id)).collect();
        self.end_bindings(&gone)?;
        self.attacher.forget_gone(&there)
    }

    pub(super) fn configure_binding(
        &mut self,
        binding: Binding,
        interface: &Interface,
    ) -> Result<(), DataplaneError> {
        let bound = self.bound(binding)?;
        if bound.interface != interface.id {
            let (found, wanted) = (bound.interface, interface.id);
            return Err(DataplaneError::OtherInterface { binding, found, wanted });
        }
        check_addresses(interface)?;
        let before = self.all_prefixes()?;
        self.check_room(&before, bound.slot, interface)?;
        let wanted = further(interface);
        for (slot, prefix) in before {
            if slot == bound.slot && !wanted.contains(&prefix) {
                self.remove_prefix(slot, prefix)?;
            }
        }
        // A packet may still read the other copy, from before the last change.
        self.readers.wait(bound.changed).map_err(system("membarrier"))?;
        // Adoption begins once: what is configured later does not begin it anew.
        let until = self.read_interface(bound.slot, bound.copy, binding)?.adopt_until_ns;
        let mut bound = Bound { copy: !bound.copy, ..bound };
        self.write_interface(binding, bound, interface, until.min(end_of(interface.adopt)))?;
        self.point_device(binding, bound)?;
        bound.changed = self.readers.ask();
        self.bindings.insert(binding.0, bound);
        self.set_prefixes(bound.slot, interface)
    }

    /// Ends bindings, with one wait for all of them. Their flows are deleted beside this.
    pub(super) fn end_bindings(&mut self, bindings: &[Binding]) -> Result<(), DataplaneError> {
        let ended: BTreeMap<u32, Bound> = bindings
            .iter()
            .map(|binding| Ok((binding.0, self.bound(*binding)?)))
            .collect::<Result<_, DataplaneError>>()?;
        if ended.is_empty() {
            return Ok(());
        }
        for (id, bound) in &ended {
            self.maps.slot_class.words[bound.slot as usize].store(0, SeqCst);
            let key = bound.ifindex.to_ne_bytes();
            let found = self.maps.devices.lookup(&key).map_err(system("reading a device"))?;
            if found.is_some_and(|bytes| DeviceWord::read(&bytes).id == *id) {
                self.maps.devices.delete(&key).map_err(system("removing a device"))?;
            }
        }
        // After this no packet is judged for the bindings, and none begins a flow.
        self.readers.wait_for_all().map_err(system("membarrier"))?;
        let slots: BTreeSet<u32> = ended.values().map(|bound| bound.slot).collect();
        for (slot, prefix) in self.all_prefixes()? {
            if slots.contains(&slot) {
                self.remove_prefix(slot, prefix)?;
            }
        }
        for (id, bound) in &ended {
            self.ledger.clear_slot(bound.slot);
            self.bindings.remove(id);
        }
        self.sweeper.sweep(slots_of(&ended));
        Ok(())
    }

    /// Deletes every flow of a binding: their next packets are those of no flow.
    ///
    /// # Errors
    /// There is no such binding; the kernel refuses.
    pub fn forget_flows(&mut self, binding: Binding) -> Result<(), DataplaneError> {
        let bound = self.bound(binding)?;
        let ended = slots_of(&BTreeMap::from([(binding.0, bound)]));
        delete_flows(&self.maps.flows, &self.maps.shares.words, &ended).map_err(system("deleting flows"))
    }

    fn clear_fragments(&self, slot: u32) -> Result<(), DataplaneError> {
        use crate::layout::FRAGMENTS_PER_SLOT;
        for place in 0..FRAGMENTS_PER_SLOT {
            let key = (slot * FRAGMENTS_PER_SLOT + place).to_ne_bytes();
            self.maps.fragments.update(&key, &[0; 16]).map_err(system("clearing fragments"))?;
        }
        Ok(())
    }

    fn write_interface(
        &self,
        binding: Binding,
        bound: Bound,
        interface: &Interface,
        adopt_until_ns: u64,
    ) -> Result<(), DataplaneError> {
        let (ipv4, ipv6) = first_addresses(interface);
        let mut flags = 0;
        if !interface.source_check {
            flags |= INTERFACE_SOURCE_CHECK_OFF;
        }
        if !further(interface).is_empty() {
            flags |= INTERFACE_FURTHER_ADDRESSES;
        }
        let value = InterfaceValue {
            id: binding.0,
            flags,
            ipv4,
            ipv6,
            link_local: Some(IpAddr::V6(link_local(interface.mac))),
            adopt_until_ns,
            flows_max: interface.flows_max,
            mac: interface.mac.0,
        };
        let key = place_of(bound.slot, bound.copy);
        self.maps.interfaces.map.update(&key, &value.to_bytes()).map_err(system("writing an interface"))
    }

    /// One of the two copies of a slot's configuration.
    fn read_interface(
        &self,
        slot: u32,
        copy: bool,
        binding: Binding,
    ) -> Result<InterfaceValue, DataplaneError> {
        let found = self.maps.interfaces.map.lookup(&place_of(slot, copy));
        let found = found.map_err(system("reading an interface"))?;
        Ok(InterfaceValue::read(&found.ok_or_else(|| damaged("interface", binding))?))
    }

    fn point_device(&self, binding: Binding, bound: Bound) -> Result<(), DataplaneError> {
        let word = DeviceWord { slot: bound.slot, copy: bound.copy, id: binding.0 };
        let key = bound.ifindex.to_ne_bytes();
        self.maps.devices.update(&key, &word.to_bytes()).map_err(system("writing a device"))
    }

    pub(super) fn assign_class(
        &mut self,
        binding: Binding,
        class: Option<ClassId>,
    ) -> Result<(), DataplaneError> {
        let bound = self.bound(binding)?;
        if let Some(class) = class.filter(|class| !self.classes.contains_key(&class.0)) {
            return Err(DataplaneError::UnknownClass(class));
        }
        let index = class.map_or(0, |class| class.0.into());
        self.maps.slot_class.words[bound.slot as usize].store(index, SeqCst);
        Ok(())
    }

    /// What the kernel says about every binding. Of programs at XDP all devices are asked at once.
    pub(super) fn report_bindings(&self) -> Result<Vec<BindingReport>, DataplaneError> {
        let xdp = match self.bindings.len() {
            0 | 1 => xdp::Attached::default(),
            _ => xdp::Attached::everywhere().map_err(xdp_unknown())?,
        };
        self.bindings.keys().map(|binding| self.report_binding(Binding(*binding), &xdp)).collect()
    }

    /// What the kernel says about a binding, and `xdp` where it was asked before.
    pub(super) fn report_binding(
        &self,
        binding: Binding,
        xdp: &xdp::Attached,
    ) -> Result<BindingReport, DataplaneError> {
        let bound = self.bound(binding)?;
        let key = bound.ifindex.to_ne_bytes();
        let device = self.maps.devices.lookup(&key).map_err(system("reading a device"))?;
        let word = DeviceWord::read(&device.ok_or_else(|| damaged("device", binding))?);
        let value = self.read_interface(word.slot, word.copy, binding)?;
        let mut class = [0u64];
        self.maps.slot_class.map.read_array(word.slot, &mut class).map_err(system("reading a class"))?;
        let name = device_name(bound.ifindex)?;
        let states = match name {
            Some(_) => self.attacher.states(bound.ifindex, xdp)?,
            None => None,
        };
        let name = name.filter(|_| states.is_some()).unwrap_or_default();
        let [from_instance, to_instance] = states.unwrap_or([crate::Attachment::Missing; 2]);
        Ok(BindingReport {
            binding: Binding(word.id),
            device: Device { ifindex: bound.ifindex, name: name.into() },
            interface: bound.interface,
            configuration: self.configuration(bound, value)?,
            class: u32::try_from(class[0]).ok().filter(|class| *class != 0).map(ClassId),
            present: states.is_some(),
            from_instance,
            to_instance,
            flows: self.share(word.slot).load(SeqCst),
        })
    }

    fn configuration(&self, bound: Bound, value: InterfaceValue) -> Result<Interface, DataplaneError> {
        let further = match value.flags & INTERFACE_FURTHER_ADDRESSES {
            0 => Vec::new(),
            _ => self.prefixes(bound.slot)?,
        };
        let (addresses, prefixes): (Vec<IpNet>, Vec<IpNet>) =
            further.into_iter().partition(|prefix| prefix.prefix_len() == prefix.max_prefix_len());
        let first = [value.ipv4, value.ipv6].into_iter().flatten();
        let adopt = Duration::from_nanos(value.adopt_until_ns).saturating_sub(monotonic());
        Ok(Interface {
            id: bound.interface,
            mac: Mac(value.mac),
            addresses: first.chain(addresses.iter().map(IpNet::addr)).collect(),
            prefixes,
            source_check: value.flags & INTERFACE_SOURCE_CHECK_OFF == 0,
            flows_max: value.flows_max,
            adopt,
        })
    }
}

fn slots_of(bindings: &BTreeMap<u32, Bound>) -> Slots {
    bindings.iter().map(|(id, bound)| (*id, bound.slot)).collect()
}

/// Where a copy of a slot's configuration lies in `interfaces`.
fn place_of(slot: u32, copy: bool) -> [u8; 4] {
    (slot * 2 + u32::from(copy)).to_ne_bytes()
}

/// When adoption ends that begins now, on the kernel's clock; 0 where none does.
fn end_of(adopt: Duration) -> u64 {
    match adopt {
        Duration::ZERO => 0,
        adopt => u64::try_from(monotonic().saturating_add(adopt).as_nanos()).unwrap_or(u64::MAX),
    }
}

fn damaged(what: &str, binding: Binding) -> DataplaneError {
    DataplaneError::Damaged { what: format!("no {what} of binding {binding}") }
}
