//! A dataplane in memory, for the tests of crates above.
//!
//! It does what the kernel does as far as rules, flows, generations and addresses go, with packets of [`policy::Packet`].
//! It has no clock but [`SimulatedDataplane::advance`], does not expire flows, and knows no fragments, ARP or ICMP errors.

mod judge;

pub use judge::Begins;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use model::{SecurityGroupId, rule::Direction};
use policy::plan::Plan;

use crate::{
    contract::Dataplane,
    ebpf::check_addresses,
    error::DataplaneError,
    flow::{Event, Flow, FlowReader, Tuple},
    interface::{Binding, ClassId, Device, Generation, Interface, Stamp},
    reason::Reason,
    report::{Attachment, BindingReport, ClassReport, Drops, PlanReport, RuleCount, RulePlace},
};

/// The most events that wait for somebody to read them.
const EVENTS_MAX: usize = 1024;

/// A dataplane in memory.
#[derive(Debug, Default)]
pub struct SimulatedDataplane {
    devices: BTreeMap<u32, SimulatedDevice>,
    bindings: BTreeMap<u32, SimulatedBinding>,
    classes: BTreeMap<u32, SimulatedClass>,
    unbound: BTreeMap<Reason, u64>,
    events: VecDeque<Event>,
    last_ifindex: u32,
    last_binding: u32,
    last_class: u32,
    last_stamp: u64,
    now: Duration,
}

#[derive(Debug)]
struct SimulatedDevice {
    name: Box<str>,
    ethernet: bool,
    guarded: bool,
}

#[derive(Debug)]
struct SimulatedBinding {
    device: Device,
    interface: Interface,
    adopt_until: Duration,
    class: Option<ClassId>,
    drops: BTreeMap<Reason, u64>,
    flows: BTreeMap<Tuple, Flow>,
}

#[derive(Debug)]
struct SimulatedClass {
    label: u128,
    live: Option<SimulatedPlan>,
}

#[derive(Debug)]
struct SimulatedPlan {
    stamp: Stamp,
    generation: Generation,
    plan: Plan,
    counts: BTreeMap<(Direction, RulePlace), u64>,
}

impl SimulatedDataplane {
    /// A dataplane without devices.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an Ethernet device.
    pub fn add_device(&mut self, name: &str) -> Device {
        self.add(name, true)
    }

    /// Adds a device that is none of Ethernet.
    pub fn add_other_device(&mut self, name: &str) -> Device {
        self.add(name, false)
    }

    fn add(&mut self, name: &str, ethernet: bool) -> Device {
        self.last_ifindex += 1;
        let device = SimulatedDevice { name: name.into(), ethernet, guarded: false };
        self.devices.insert(self.last_ifindex, device);
        Device { ifindex: self.last_ifindex, name: name.into() }
    }

    /// Removes a device.
    pub fn remove_device(&mut self, ifindex: u32) {
        self.devices.remove(&ifindex);
    }

    /// Gives a device another name.
    pub fn rename_device(&mut self, ifindex: u32, name: &str) {
        if let Some(device) = self.devices.get_mut(&ifindex) {
            device.name = name.into();
        }
    }

    /// Lets time pass.
    pub fn advance(&mut self, by: Duration) {
        self.now += by;
    }

    fn check(&self, device: &Device) -> Result<(), DataplaneError> {
        let name = device.name.to_string();
        match self.devices.get(&device.ifindex) {
            None => Err(DataplaneError::NoDevice { name, ifindex: device.ifindex }),
            Some(found) if found.name != device.name => {
                let found = found.name.to_string();
                Err(DataplaneError::OtherName { ifindex: device.ifindex, name, found })
            }
            Some(found) if !found.ethernet => Err(DataplaneError::NotEthernet { name, hardware: 772 }),
            Some(_) => Ok(()),
        }
    }

    fn set_guarded(&mut self, ifindex: u32, guarded: bool) {
        if let Some(device) = self.devices.get_mut(&ifindex) {
            device.guarded = guarded;
        }
    }

    fn bound(&self, binding: Binding) -> Result<&SimulatedBinding, DataplaneError> {
        self.bindings.get(&binding.0).ok_or(DataplaneError::UnknownBinding(binding))
    }

    fn bound_mut(&mut self, binding: Binding) -> Result<&mut SimulatedBinding, DataplaneError> {
        self.bindings.get_mut(&binding.0).ok_or(DataplaneError::UnknownBinding(binding))
    }

    fn class(&self, class: ClassId) -> Result<&SimulatedClass, DataplaneError> {
        self.classes.get(&class.0).ok_or(DataplaneError::UnknownClass(class))
    }

    fn binding_at(&self, ifindex: u32) -> Option<Binding> {
        self.bindings.iter().find(|(_, bound)| bound.device.ifindex == ifindex).map(|(id, _)| Binding(*id))
    }
}

/// What makes the rule at a place the one that it is.
fn key_of(plan: &Plan, direction: Direction, place: RulePlace) -> Option<(SecurityGroupId, u64)> {
    match place {
        RulePlace::Rule(place) => {
            plan.direction(direction).rules.get(place as usize).map(|rule| (rule.group, rule.content))
        }
        _ => None,
    }
}

/// The places of a plan's rules, and its end.
fn places(plan: &Plan, direction: Direction) -> impl Iterator<Item = RulePlace> + use<> {
    let rules = u32::try_from(plan.direction(direction).rules.len()).unwrap_or(u32::MAX);
    (0..rules).map(RulePlace::Rule).chain([RulePlace::Implicit])
}

const DIRECTIONS: [Direction; 2] = [Direction::Ingress, Direction::Egress];

/// Counts of a new plan: those of rules that are the same go on.
fn carried(before: Option<&SimulatedPlan>, plan: &Plan) -> BTreeMap<(Direction, RulePlace), u64> {
    let mut counts = BTreeMap::new();
    let Some(before) = before else { return counts };
    for direction in DIRECTIONS {
        let mut seen = BTreeSet::new();
        for place in places(plan, direction) {
            let key = key_of(plan, direction, place);
            if !seen.insert(key) {
                continue;
            }
            let old =
                places(&before.plan, direction).find(|old| key_of(&before.plan, direction, *old) == key);
            if let Some(count) = old.and_then(|old| before.counts.get(&(direction, old))) {
                counts.insert((direction, place), *count);
            }
        }
    }
    counts
}

impl Dataplane for SimulatedDataplane {
    fn guard(&mut self, device: &Device) -> Result<(), DataplaneError> {
        self.check(device)?;
        self.set_guarded(device.ifindex, true);
        Ok(())
    }

    fn release(&mut self, device: &Device) -> Result<(), DataplaneError> {
        if let Some(binding) = self.binding_at(device.ifindex) {
            return Err(DataplaneError::Bound { name: device.name.to_string(), binding });
        }
        self.set_guarded(device.ifindex, false);
        Ok(())
    }

    fn bind(&mut self, device: &Device, interface: &Interface) -> Result<Binding, DataplaneError> {
        self.check(device)?;
        check_addresses(interface)?;
        let devices = &self.devices;
        self.bindings.retain(|_, bound| devices.contains_key(&bound.device.ifindex));
        if let Some(binding) = self.binding_at(device.ifindex) {
            return Err(DataplaneError::Bound { name: device.name.to_string(), binding });
        }
        self.last_binding += 1;
        let bound = SimulatedBinding {
            device: device.clone(),
            adopt_until: self.now.saturating_add(interface.adopt),
            interface: interface.clone(),
            class: None,
            drops: BTreeMap::new(),
            flows: BTreeMap::new(),
        };
        self.bindings.insert(self.last_binding, bound);
        self.set_guarded(device.ifindex, true);
        Ok(Binding(self.last_binding))
    }

    fn configure(&mut self, binding: Binding, interface: &Interface) -> Result<(), DataplaneError> {
        let now = self.now;
        let bound = self.bound_mut(binding)?;
        if bound.interface.id != interface.id {
            let (found, wanted) = (bound.interface.id, interface.id);
            return Err(DataplaneError::OtherInterface { binding, found, wanted });
        }
        check_addresses(interface)?;
        bound.interface = interface.clone();
        bound.adopt_until = bound.adopt_until.min(now.saturating_add(interface.adopt));
        Ok(())
    }

    fn unbind(&mut self, binding: Binding) -> Result<(), DataplaneError> {
        self.bindings.remove(&binding.0).map(drop).ok_or(DataplaneError::UnknownBinding(binding))
    }

    fn bindings(&self) -> Result<Vec<BindingReport>, DataplaneError> {
        self.bindings.keys().map(|binding| self.read_back(Binding(*binding))).collect()
    }

    fn create_class(&mut self, label: u128) -> Result<ClassId, DataplaneError> {
        self.last_class += 1;
        self.classes.insert(self.last_class, SimulatedClass { label, live: None });
        Ok(ClassId(self.last_class))
    }

    fn switch(
        &mut self,
        class: ClassId,
        generation: Generation,
        plan: &Plan,
    ) -> Result<Stamp, DataplaneError> {
        let found = self.classes.get_mut(&class.0).ok_or(DataplaneError::UnknownClass(class))?;
        self.last_stamp += 1;
        let stamp = Stamp(self.last_stamp);
        let counts = carried(found.live.as_ref(), plan);
        found.live = Some(SimulatedPlan { stamp, generation, plan: plan.clone(), counts });
        Ok(stamp)
    }

    fn remove_class(&mut self, class: ClassId) -> Result<(), DataplaneError> {
        self.class(class)?;
        if let Some((binding, _)) = self.bindings.iter().find(|(_, bound)| bound.class == Some(class)) {
            return Err(DataplaneError::ClassInUse { class, binding: Binding(*binding) });
        }
        self.classes.remove(&class.0);
        Ok(())
    }

    fn classes(&self) -> Result<Vec<ClassReport>, DataplaneError> {
        self.classes.keys().map(|class| self.read_back_class(ClassId(*class))).collect()
    }

    fn assign(&mut self, binding: Binding, class: Option<ClassId>) -> Result<(), DataplaneError> {
        self.bound(binding)?;
        if let Some(class) = class {
            self.class(class)?;
        }
        self.bound_mut(binding)?.class = class;
        Ok(())
    }

    fn read_back(&self, binding: Binding) -> Result<BindingReport, DataplaneError> {
        let bound = self.bound(binding)?;
        let found = self.devices.get(&bound.device.ifindex);
        let attachment = if found.is_some() { Attachment::First } else { Attachment::Missing };
        let name = found.map_or_else(Box::default, |device| device.name.clone());
        let adopt = bound.adopt_until.saturating_sub(self.now);
        Ok(BindingReport {
            binding,
            device: Device { ifindex: bound.device.ifindex, name },
            interface: bound.interface.id,
            configuration: Interface { adopt, ..bound.interface.clone() },
            class: bound.class,
            present: found.is_some(),
            from_instance: attachment,
            to_instance: attachment,
            flows: u64::try_from(bound.flows.len()).unwrap_or(u64::MAX),
        })
    }

    fn read_back_class(&self, class: ClassId) -> Result<ClassReport, DataplaneError> {
        let SimulatedClass { label, live } = self.class(class)?;
        let plan = live.as_ref().map(|live| PlanReport {
            stamp: live.stamp,
            generation: live.generation,
            digest: live.plan.digest(),
            intact: true,
        });
        let word = plan.map_or(0, |plan| plan.stamp.0);
        Ok(ClassReport { class, label: *label, word, plan })
    }

    fn flows(&self, binding: Binding, most: usize) -> Result<Vec<Flow>, DataplaneError> {
        Ok(self.bound(binding)?.flows.values().take(most).cloned().collect())
    }

    fn flow_reader(&self, binding: Binding) -> Result<FlowReader, DataplaneError> {
        let flows: Vec<Flow> = self.bound(binding)?.flows.values().cloned().collect();
        Ok(FlowReader::new(move |visit| {
            let _ = flows.iter().all(|flow| visit(flow.clone()));
            Ok(())
        }))
    }

    fn drops(&self, binding: Option<Binding>) -> Result<Drops, DataplaneError> {
        let drops = match binding {
            Some(binding) => &self.bound(binding)?.drops,
            None => &self.unbound,
        };
        Ok(Drops::new(drops.iter().map(|(reason, count)| (*reason, *count))))
    }

    fn rule_counts(&self, class: ClassId) -> Result<Vec<RuleCount>, DataplaneError> {
        let live = self.class(class)?.live.as_ref().ok_or(DataplaneError::NoPlan(class))?;
        let mut counts = Vec::new();
        for direction in DIRECTIONS {
            for rule in places(&live.plan, direction) {
                let count = live.counts.get(&(direction, rule)).copied().unwrap_or(0);
                counts.push(RuleCount { direction, rule, count });
            }
        }
        Ok(counts)
    }

    fn events(&mut self, most: usize) -> Result<Vec<Event>, DataplaneError> {
        let many = self.events.len().min(most);
        Ok(self.events.drain(..many).collect())
    }
}
