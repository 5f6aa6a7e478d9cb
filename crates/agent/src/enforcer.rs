//! Brings what is wanted into force, and reads it back.
//!
//! What is wanted is one thing ([`Wanted`]), what is in the kernel another, and every call ends with the kernel read
//! back where it was touched. Whatever does not succeed leaves an interface closed: open is only what was confirmed.

mod audit;
mod classes;
mod devices;
mod dropped;
mod placing;
mod read_back;
mod view;

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

use dataplane::{Dataplane, DataplaneError, Interface};
use model::NetworkInterfaceId;
use policy::{
    Delta,
    intent::{Change, ClassKey, Intent, IntentError, Step, difference},
};

use self::dropped::DropSum;
pub use self::{
    audit::Audit,
    devices::{OpenDevice, ReleaseError, Tally},
    view::{InterfaceView, NamedRule, Rules},
};
use crate::{
    device::{Devices, GuardedNames},
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
    /// What was the matter with interfaces when they were looked at last.
    problems: BTreeMap<NetworkInterfaceId, ProblemKind>,
    /// Interfaces that are wanted, and whose device is not there.
    absent: BTreeSet<NetworkInterfaceId>,
    /// Devices that are closed because nobody bound them, by index.
    closed: BTreeMap<u32, Box<str>>,
    /// Devices that should be, and cannot be closed, by index.
    open: BTreeMap<u32, OpenDevice>,
    /// What was dropped, also at bindings that have ended: the kernel keeps it no longer than them.
    dropped: DropSum,
    /// Devices that an operator has let go by force, by index, until there is an update.
    let_go: BTreeSet<u32>,
    /// Devices over which the host reaches its control plane and that were opened since they do, by index.
    freed: BTreeSet<u32>,
    /// How many interfaces had their programs put back, and nobody was told yet.
    put_back: u64,
}

/// An update that is obeyed: it is what is wanted now. [`Enforcer::bring`] is to be called with it, and nothing else
/// before that.
#[derive(Debug)]
#[must_use = "it is wanted, and not in force yet"]
pub struct Accepted {
    steps: Vec<Step>,
    scope: Scope,
}

#[derive(Debug)]
enum Scope {
    /// Every interface.
    All,
    /// These.
    Interfaces(BTreeSet<NetworkInterfaceId>),
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
    /// Takes up what is in the kernel. It stays as it is until there is an update; devices are to be told before the first
    /// one, since what is bound to no device that is there is unbound.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn open(dataplane: D, guarded: GuardedNames) -> Result<Self, DataplaneError> {
        let mut enforcer = Self {
            dataplane,
            guarded,
            wanted: Wanted::default(),
            updated: false,
            intent: Intent::default(),
            devices: Devices::default(),
            classes: BTreeMap::new(),
            bound: BTreeMap::new(),
            failed: BTreeSet::new(),
            problems: BTreeMap::new(),
            absent: BTreeSet::new(),
            closed: BTreeMap::new(),
            open: BTreeMap::new(),
            dropped: DropSum::default(),
            let_go: BTreeSet::new(),
            freed: BTreeSet::new(),
            put_back: 0,
        };
        enforcer.take_up()?;
        enforcer.begin_counting();
        Ok(enforcer)
    }

    /// Reads from the kernel what is there.
    fn take_up(&mut self) -> Result<(), DataplaneError> {
        let classes = self.dataplane.classes()?;
        self.classes = classes.iter().map(|report| (report.label, LoadedClass::of(report))).collect();
        let known = mem::take(&mut self.bound);
        for report in self.dataplane.bindings()?.into_iter().filter(|report| report.present) {
            let interface = report.interface;
            let under = known.get(&interface).filter(|before| before.binding == report.binding);
            let under = under.and_then(|before| before.under.clone());
            // An interface is at one device. The older binding is one whose end was not carried out.
            if let Some(older) = self.bound.insert(interface, Bound { under, ..Bound::of(report) }) {
                self.end_binding(older.binding)?;
            }
        }
        Ok(())
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
        let accepted = self.accept(update)?;
        Ok(self.bring(accepted))
    }

    /// Takes an update for what is wanted. The kernel is as it was before.
    ///
    /// # Errors
    /// [`UpdateError`]: it is not obeyed, and everything stays as it was.
    pub fn accept(&mut self, update: Update) -> Result<Accepted, UpdateError> {
        let accepted = match update {
            Update::Snapshot { wanted, obey_regression } => self.replace(wanted, obey_regression),
            Update::Delta { from, generation, run, delta } => self.change(from, generation, run, &delta),
            Update::Current { generation, run } => {
                self.change(self.wanted.generation, generation, run, &Delta::default())
            }
        }?;
        self.let_go.clear();
        Ok(accepted)
    }

    /// Brings into force what was accepted, and reads it back.
    pub fn bring(&mut self, accepted: Accepted) -> Outcome {
        let mut work = Work::default();
        let interfaces: Vec<NetworkInterfaceId> = match &accepted.scope {
            Scope::All => self.every_interface(),
            Scope::Interfaces(interfaces) => interfaces.iter().copied().collect(),
        };
        // Before the steps: a device that an interface leaves may be another one's now.
        self.leave(&interfaces, &mut work);
        self.run(&accepted.steps, &mut work);
        match accepted.scope {
            Scope::All => self.place_each(&interfaces, &mut work),
            // Devices are as they were, so that there is nothing else to close.
            Scope::Interfaces(_) => interfaces.into_iter().for_each(|of| self.place(of, &mut work)),
        }
        self.drop_unwanted_classes();
        self.finish(work)
    }

    fn replace(&mut self, wanted: Wanted, obey_regression: bool) -> Result<Accepted, UpdateError> {
        if !obey_regression {
            self.check_progress(wanted.generation)?;
        }
        let generation = wanted.generation;
        let intent = wanted::intent(&wanted.desired)
            .map_err(|source| UpdateError::Contradiction { generation, source })?;
        let mut steps = difference(&self.intent, &intent);
        (self.wanted, self.intent, self.updated) = (wanted, intent, true);
        // Taken up from another process, classes may be in the kernel already, with these rules or with others.
        let known: BTreeSet<ClassKey> = loads(&steps).cloned().collect();
        steps.extend(self.every_load().filter(|(key, _)| !known.contains(*key)).map(load_step));
        self.failed.clear();
        self.problems.clear();
        self.absent.clear();
        Ok(Accepted { steps, scope: Scope::All })
    }

    fn change(
        &mut self,
        from: u64,
        generation: u64,
        run: u64,
        delta: &Delta,
    ) -> Result<Accepted, UpdateError> {
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
        (self.wanted.generation, self.wanted.run) = (generation, run);
        self.wanted.desired.apply(delta);
        self.updated = true;
        for group in wanted::forgotten(&self.intent, &self.wanted.desired) {
            // No interface is in it, so that this is possible.
            steps.extend(self.intent.apply(Change::RemoveGroup { group }).into_iter().flatten());
        }
        // A generation is confirmed when all that was wanted up to it is in force: what failed is tried again.
        self.with_failed(&mut steps);
        let troubled = mem::take(&mut self.problems).into_keys();
        let interfaces = troubled.chain(delta.interfaces.keys().copied()).collect();
        Ok(Accepted { steps, scope: Scope::Interfaces(interfaces) })
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
        for change in wanted::changes(delta, &self.intent) {
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
}

fn loads(steps: &[Step]) -> impl Iterator<Item = &ClassKey> {
    steps.iter().filter_map(|step| match step {
        Step::Load { key, .. } => Some(key),
        _ => None,
    })
}

fn load_step((key, class): (&ClassKey, &policy::PolicyClass)) -> Step {
    Step::Load { key: key.clone(), class: class.clone() }
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
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
