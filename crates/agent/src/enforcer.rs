//! Brings what is wanted into force, and reads it back.
//!
//! What is wanted is one thing ([`Wanted`]), what is in the kernel another, and every call ends with the kernel read
//! back where it was touched. Whatever does not succeed leaves an interface closed: open is only what was confirmed.

mod read_back;

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use dataplane::{Dataplane, DataplaneError, Device, Generation, Interface};
use model::NetworkInterfaceId;
use policy::{
    Delta, Plan, PolicyClass,
    intent::{Change, ClassKey, Intent, IntentError, Step, difference},
};

use crate::{
    device::{Devices, FoundDevice, GuardedNames},
    loaded::{Bound, LoadedClass},
    outcome::{Outcome, ProblemKind},
    wanted::{self, Update, UpdateError, Wanted},
};

/// Brings what is wanted into force.
pub struct Enforcer<D> {
    dataplane: D,
    guarded: GuardedNames,
    /// Empty, at generation 0, until the first update.
    wanted: Wanted,
    /// Whether there was an update: before it nothing is known to be unwanted.
    updated: bool,
    intent: Intent,
    devices: Devices,
    /// What is in the kernel, by the label of the class.
    classes: BTreeMap<u128, LoadedClass>,
    bound: BTreeMap<NetworkInterfaceId, Bound>,
    /// Classes that could not be put in force.
    failed: BTreeSet<ClassKey>,
    /// Interfaces with which something was the matter when they were looked at last.
    troubled: BTreeSet<NetworkInterfaceId>,
}

/// What one call has touched, and what went wrong.
#[derive(Default)]
struct Work {
    classes: BTreeSet<ClassKey>,
    interfaces: BTreeSet<NetworkInterfaceId>,
    problems: BTreeMap<NetworkInterfaceId, ProblemKind>,
}

impl Work {
    fn fail(&mut self, interface: NetworkInterfaceId, error: &dyn std::error::Error) {
        self.problems.entry(interface).or_insert_with(|| ProblemKind::Dataplane(chain(error)));
    }
}

impl<D: Dataplane> Enforcer<D> {
    /// Takes up what is in the kernel. It stays as it is until there is an update.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn open(mut dataplane: D, guarded: GuardedNames) -> Result<Self, DataplaneError> {
        let classes = dataplane.classes()?;
        let classes = classes.iter().map(|report| (report.label, LoadedClass::of(report))).collect();
        let mut bound = BTreeMap::new();
        for report in dataplane.bindings()?.into_iter().filter(|report| report.present) {
            let (binding, ifindex, class) = (report.binding, report.device.ifindex, report.class);
            let found = Bound { binding, ifindex, configuration: report.configuration, class };
            // An interface is at one device. The older binding is one whose end was not carried out.
            if let Some(older) = bound.insert(report.interface, found) {
                dataplane.unbind(older.binding)?;
            }
        }
        let (wanted, intent, devices) = (Wanted::default(), Intent::default(), Devices::default());
        let (failed, troubled) = (BTreeSet::new(), BTreeSet::new());
        Ok(Self {
            dataplane,
            guarded,
            wanted,
            updated: false,
            intent,
            devices,
            classes,
            bound,
            failed,
            troubled,
        })
    }

    /// What is wanted.
    pub fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// What it is brought into.
    pub fn dataplane(&mut self) -> &mut D {
        &mut self.dataplane
    }

    /// Obeys an update: brings it into force and reads it back.
    ///
    /// # Errors
    /// [`UpdateError`]: it is not obeyed, and everything stays as it was.
    pub fn update(&mut self, update: Update) -> Result<Outcome, UpdateError> {
        match update {
            Update::Snapshot(wanted) => self.replace(wanted),
            Update::Delta { from, generation, delta } => self.change(from, generation, &delta),
        }
    }

    /// Tells which devices there are now: binds those that interfaces wait for, ends the bindings of those that are gone
    /// or another interface's, and closes those that are guarded and that nobody bound. Before the first update it does
    /// the last only.
    pub fn set_devices(&mut self, devices: Vec<FoundDevice>) -> Outcome {
        self.devices = Devices::new(devices);
        let mut work = Work::default();
        if self.updated {
            self.place_all(&mut work);
        } else {
            self.guard();
        }
        self.finish(work)
    }

    fn replace(&mut self, wanted: Wanted) -> Result<Outcome, UpdateError> {
        self.check_progress(wanted.generation)?;
        let generation = wanted.generation;
        let intent = wanted::intent(&wanted.desired)
            .map_err(|source| UpdateError::Contradiction { generation, source })?;
        let mut steps = difference(&self.intent, &intent);
        (self.wanted, self.intent, self.updated) = (wanted, intent, true);
        // Taken up from another process, classes may be in the kernel already, with these rules or with others.
        let known: BTreeSet<ClassKey> = loads(&steps).cloned().collect();
        let others = self.intent.classes().filter(|(key, _)| !known.contains(*key));
        steps.extend(others.map(|(key, class)| Step::Load { key: key.clone(), class: class.clone() }));
        let mut work = Work::default();
        self.failed.clear();
        self.troubled.clear();
        self.run(&steps, &mut work);
        self.place_all(&mut work);
        self.drop_unwanted_classes();
        Ok(self.finish(work))
    }

    fn change(&mut self, from: u64, generation: u64, delta: &Delta) -> Result<Outcome, UpdateError> {
        self.check_progress(generation)?;
        let has = self.wanted.generation;
        if from != has {
            return Err(UpdateError::Gap { has, from });
        }
        let mut steps = self.plan(delta).map_err(|source| {
            // What was wanted is known to be possible.
            self.intent = wanted::intent(&self.wanted.desired).unwrap_or_default();
            UpdateError::Contradiction { generation, source }
        })?;
        self.wanted.generation = generation;
        self.wanted.desired.apply(delta);
        self.updated = true;
        for group in wanted::forgotten(&self.intent, &self.wanted.desired) {
            // No interface is in it, so that this is possible.
            steps.extend(self.intent.apply(Change::RemoveGroup { group }).into_iter().flatten());
        }
        // A generation is confirmed when all that was wanted up to it is in force: what failed is tried again.
        self.with_failed(&mut steps);
        let troubled = mem::take(&mut self.troubled);
        let mut work = Work::default();
        self.run(&steps, &mut work);
        troubled
            .iter()
            .chain(delta.interfaces.keys())
            .for_each(|interface| self.place(*interface, &mut work));
        self.drop_unwanted_classes();
        Ok(self.finish(work))
    }

    /// Classes that could not be put in force before, and those that now are to be.
    fn with_failed(&mut self, steps: &mut Vec<Step>) {
        for key in mem::take(&mut self.failed) {
            if let Some(class) = self.intent.class(&key).cloned() {
                steps.insert(0, Step::Load { key, class });
            }
        }
    }

    /// What has to be done for a change. Where it contradicts itself, a part of it is carried out in the intent.
    fn plan(&mut self, delta: &Delta) -> Result<Vec<Step>, IntentError> {
        let mut steps = Vec::new();
        for change in wanted::changes(delta) {
            steps.extend(self.intent.apply(change)?);
        }
        Ok(steps)
    }

    fn check_progress(&self, offered: u64) -> Result<(), UpdateError> {
        let confirmed = self.wanted.generation;
        if offered < confirmed { Err(UpdateError::Regressed { confirmed, offered }) } else { Ok(()) }
    }

    fn run(&mut self, steps: &[Step], work: &mut Work) {
        for step in steps {
            match step {
                Step::Load { key, class } => self.load(key, class, work),
                Step::Assign { interface, .. } | Step::Release { interface } => self.place(*interface, work),
                // When everything has its place.
                Step::Unload { .. } => {}
            }
        }
    }

    /// Puts a class in force. Where that fails, its interfaces are closed: its rules may take access away.
    fn load(&mut self, key: &ClassKey, class: &PolicyClass, work: &mut Work) {
        // A later step of the same update may have unloaded it again.
        if self.intent.class(key) != Some(class) {
            return;
        }
        let plan = Plan::compile(class);
        let digest = plan.digest();
        let loaded = self.classes.get(&key.label()).copied();
        if loaded.is_some_and(|loaded| loaded.digest == Some(digest)) {
            return;
        }
        work.classes.insert(key.clone());
        let generation = Generation(self.wanted.generation);
        let switched = (|| {
            let id = match loaded {
                Some(loaded) => loaded.id,
                None => self.dataplane.create_class(key.label())?,
            };
            self.classes.insert(key.label(), LoadedClass { id, digest: None });
            self.dataplane.switch(id, generation, &plan)?;
            Ok::<_, DataplaneError>(id)
        })();
        match switched {
            Ok(id) => drop(self.classes.insert(key.label(), LoadedClass { id, digest: Some(digest) })),
            Err(error) => self.close_members(key, &ProblemKind::Dataplane(chain(&error)), work),
        }
    }

    /// Closes the interfaces of a class that is not in force as it should be, until it is.
    fn close_members(&mut self, key: &ClassKey, wrong: &ProblemKind, work: &mut Work) {
        self.failed.insert(key.clone());
        if let Some(loaded) = self.classes.get_mut(&key.label()) {
            loaded.digest = None;
        }
        let members: Vec<_> =
            self.intent.interfaces().filter(|(_, of)| *of == key).map(|(interface, _)| interface).collect();
        for interface in members {
            work.problems.entry(interface).or_insert_with(|| wrong.clone());
            self.close(interface, work);
        }
    }

    fn close(&mut self, interface: NetworkInterfaceId, work: &mut Work) {
        let Some(bound) = self.bound.get_mut(&interface) else { return };
        match self.dataplane.assign(bound.binding, None) {
            Ok(()) => bound.class = None,
            Err(error) => work.fail(interface, &error),
        }
    }

    /// Interfaces are assigned to others before, so that none has them; where one could not be moved, the next update tries
    /// again.
    fn drop_unwanted_classes(&mut self) {
        if self.classes.len() == self.intent.classes().count() {
            return;
        }
        let wanted: BTreeSet<u128> = self.intent.classes().map(|(key, _)| key.label()).collect();
        let unwanted: Vec<_> = self
            .classes
            .iter()
            .filter(|(label, _)| !wanted.contains(label))
            .map(|(l, c)| (*l, c.id))
            .collect();
        for (label, id) in unwanted {
            match self.dataplane.remove_class(id) {
                Ok(()) => drop(self.classes.remove(&label)),
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "a class stays"),
            }
        }
    }

    fn place_all(&mut self, work: &mut Work) {
        // What must go first: its device may be another interface's now.
        let gone: Vec<_> = self
            .bound
            .keys()
            .filter(|of| !self.wanted.desired.interfaces.contains_key(of))
            .copied()
            .collect();
        let wanted: Vec<_> = self.wanted.desired.interfaces.keys().copied().collect();
        let moved = wanted.iter().copied().filter(|of| self.is_elsewhere(*of));
        let leaving: Vec<_> = gone.into_iter().chain(moved).collect();
        leaving.into_iter().for_each(|interface| self.unbind(interface, work));
        wanted.into_iter().for_each(|interface| self.place(interface, work));
        self.guard();
    }

    /// The device of an interface, where it is there.
    fn device_of(&self, interface: NetworkInterfaceId) -> Option<&Device> {
        let wanted = self.wanted.desired.interfaces.get(&interface)?;
        self.devices.of(interface, &wanted.device)
    }

    /// Whether an interface is bound to a device that is not its own any more.
    fn is_elsewhere(&self, interface: NetworkInterfaceId) -> bool {
        let bound = self.bound.get(&interface).map(|bound| bound.ifindex);
        bound.is_some_and(|ifindex| self.device_of(interface).map(|device| device.ifindex) != Some(ifindex))
    }

    /// Brings one interface to where it is wanted: bound to its device, configured, with its class; or not bound.
    fn place(&mut self, interface: NetworkInterfaceId, work: &mut Work) {
        work.interfaces.insert(interface);
        if self.is_elsewhere(interface) {
            self.unbind(interface, work);
            if self.bound.contains_key(&interface) {
                return;
            }
        }
        let Some(device) = self.device_of(interface).cloned() else { return };
        // One that is bound is at its own device.
        let owner = if self.bound.contains_key(&interface) { None } else { self.owner_of(&device) };
        if let Some(other) = owner {
            work.problems.insert(interface, ProblemKind::SameDevice { other });
            return;
        }
        if let Err(error) = self.try_place(interface, &device) {
            work.fail(interface, &error);
            self.close(interface, work);
        }
    }

    fn owner_of(&self, device: &Device) -> Option<NetworkInterfaceId> {
        self.bound.iter().find(|(_, bound)| bound.ifindex == device.ifindex).map(|(interface, _)| *interface)
    }

    fn try_place(&mut self, interface: NetworkInterfaceId, device: &Device) -> Result<(), DataplaneError> {
        let Some(wanted) = self.wanted.desired.interfaces.get(&interface) else { return Ok(()) };
        let wanted = &wanted::bindable(interface, wanted);
        let class = self.intent.class_of(interface).and_then(|key| self.classes.get(&key.label()));
        // A class without a plan is one that could not be switched: nobody gets it.
        let class = class.filter(|class| class.digest.is_some()).map(|class| class.id);
        match self.bound.get_mut(&interface) {
            Some(bound) if !same(&bound.configuration, wanted) => {
                self.dataplane.configure(bound.binding, wanted)?;
                bound.configuration = wanted.clone();
            }
            Some(_) => {}
            None => {
                let binding = self.dataplane.bind(device, wanted)?;
                let (ifindex, configuration) = (device.ifindex, wanted.clone());
                self.bound.insert(interface, Bound { binding, ifindex, configuration, class: None });
            }
        }
        if let Some(bound) = self.bound.get_mut(&interface).filter(|bound| bound.class != class) {
            self.dataplane.assign(bound.binding, class)?;
            bound.class = class;
        }
        Ok(())
    }

    fn unbind(&mut self, interface: NetworkInterfaceId, work: &mut Work) {
        let Some(bound) = self.bound.get(&interface) else { return };
        match self.dataplane.unbind(bound.binding) {
            // A dataplane may have noticed by itself that the device is gone.
            Ok(()) | Err(DataplaneError::UnknownBinding(_)) => drop(self.bound.remove(&interface)),
            Err(error) => {
                work.fail(interface, &error);
                self.close(interface, work);
            }
        }
    }

    fn guard(&mut self) {
        let bound: BTreeSet<u32> = self.bound.values().map(|bound| bound.ifindex).collect();
        let free = |device: &&Device| !bound.contains(&device.ifindex);
        for device in self.devices.iter().filter(free).filter(|device| self.guarded.has(device)) {
            if let Err(error) = self.dataplane.guard(device) {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, device = &*device.name, "a device cannot be closed");
            }
        }
    }
}

fn loads(steps: &[Step]) -> impl Iterator<Item = &ClassKey> {
    steps.iter().filter_map(|step| match step {
        Step::Load { key, .. } => Some(key),
        _ => None,
    })
}

/// Whether two configurations say the same; for how long flows may be adopted counts from when it was said.
fn same(one: &Interface, other: &Interface) -> bool {
    let sorted = |interface: &Interface| {
        let mut addresses = interface.addresses.clone();
        addresses.sort_unstable();
        let mut prefixes = interface.prefixes.clone();
        prefixes.sort_unstable();
        (addresses, prefixes)
    };
    (one.mac, one.source_check, one.flows_max) == (other.mac, other.source_check, other.flows_max)
        && sorted(one) == sorted(other)
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
