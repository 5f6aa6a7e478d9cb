//! The driver: looks, finds the difference, carries it out, and looks again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    thread,
    time::{Duration, Instant},
};

use host::{Link, NamespaceError, Netlink, namespace, process};
use model::{
    InstanceId, NetworkInterfaceId, NodeId,
    node::{InstanceReport, ReportedState},
};
use policy::{Desired, DesiredInstance, WantedState};

use super::{
    InstanceDriver,
    difference::Comparison,
    execute::Execution,
    failures::Failures,
    names,
    observed::{Found, LookError, Observed},
    step::Step,
    target::{Machine, Port, Target},
};
use crate::enforcer::chain;

/// How often at most it is looked again in one call: what one look finds, the next one does not find any more.
const LOOKS_MAX: usize = 4;
/// After how many calls even what is as it was wanted is looked into.
const CALLS_SETTLED: u32 = 16;
/// How long processes have to end when they are asked to.
const GRACE: Duration = Duration::from_secs(1);
/// How long they may take when they are made to.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long devices that were switched on may take to carry packets.
const CARRIES: Duration = Duration::from_secs(5);
/// How long to wait between two looks at them.
const PAUSE: Duration = Duration::from_millis(5);

/// Makes instances out of network namespaces.
///
/// What is there is read from the kernel: it survives the end of the process at any moment, and is finished by the next
/// one.
pub struct LabDriver {
    node: NodeId,
    /// Instances that were as they are wanted when they were looked at.
    settled: BTreeMap<InstanceId, DesiredInstance>,
    calls: u32,
    /// Whether nothing was wanted and nothing was left to remove: then there is nothing to look at either.
    rests: bool,
    watch: Box<dyn FnMut(&Step) + Send>,
}

impl LabDriver {
    /// The driver of a node. It works in the network namespace of the thread that calls it.
    pub fn new(node: NodeId) -> Self {
        Self { node, settled: BTreeMap::new(), calls: 0, rests: false, watch: Box::new(|_| {}) }
    }

    /// Calls `watch` before each step.
    #[must_use]
    pub fn watched(mut self, watch: impl FnMut(&Step) + Send + 'static) -> Self {
        self.watch = Box::new(watch);
        self
    }

    /// How many instances of this node there are on the host. One that cannot be looked into is not counted.
    ///
    /// # Errors
    /// It cannot be seen what is there.
    pub fn count(&self) -> Result<usize, LookError> {
        let observed = Observed::look(&Netlink::open()?, &BTreeSet::new())?;
        let is_own = |found: &&Found| match found {
            Found::Namespace { mark, .. } => mark.is_some_and(|mark| mark.node == self.node),
            Found::Remains(_) | Found::Unseen(_) | Found::Unlooked => false,
        };
        Ok(observed.machines.values().filter(is_own).count())
    }

    /// Removes everything that this node has made.
    ///
    /// # Errors
    /// What is still there, and why.
    pub fn remove_all(&mut self) -> Result<(), String> {
        self.settled.clear();
        let target = Target::default();
        match self.bring_to(&target, &BTreeMap::new()) {
            Ok(brought) => brought.failures.all().map_or(Ok(()), Err),
            Err(error) => Err(chain(&error)),
        }
    }

    /// Looks and works until nothing is left to do, or only what cannot be done now.
    fn bring_to(
        &mut self,
        target: &Target,
        in_force: &BTreeMap<NetworkInterfaceId, u32>,
    ) -> Result<Brought, LookError> {
        let mut failures = Failures::default();
        let mut looks = 0;
        loop {
            let netlink = Netlink::open()?;
            let settled = self.settled.keys().copied().collect();
            let observed = Observed::look(&netlink, &settled)?;
            let (node, has_ipv6) = (self.node, namespace::has_ipv6());
            let comparison = Comparison { node, target, observed: &observed, in_force, has_ipv6 };
            let difference = comparison.difference();
            failures.refuse(difference.refused);
            let possible = |step: &Step| !failures.stop(step, target);
            let steps: Vec<Step> = difference.steps.into_iter().filter(possible).collect();
            if steps.is_empty() || looks == LOOKS_MAX {
                return Ok(Brought { observed, remaining: steps, failures });
            }
            looks += 1;
            let execution = Execution { node: self.node, target, netlink: &netlink };
            self.carry_out(&execution, &steps, &mut failures);
            if steps.iter().any(|step| matches!(step, Step::SwitchOn { .. })) {
                wait_until_ready(&netlink, target)?;
            }
        }
    }

    fn carry_out(&mut self, execution: &Execution<'_>, steps: &[Step], failures: &mut Failures) {
        self.end_processes(steps, failures);
        for step in steps.iter().filter(|step| !matches!(step, Step::EndProcesses { .. })) {
            if failures.stop(step, execution.target) {
                continue;
            }
            (self.watch)(step);
            tracing::debug!(%step, "instances");
            if let Err(error) = execution.run(step) {
                failures.add(step, &error);
            }
        }
    }

    /// Of all instances together, since each may take as long as it has.
    fn end_processes(&mut self, steps: &[Step], failures: &mut Failures) {
        let leaving = steps.iter().filter(|step| matches!(step, Step::EndProcesses { .. }));
        let leaving: Vec<&Step> = leaving.collect();
        leaving.iter().for_each(|step| (self.watch)(step));
        let mut namespaces: Vec<(&Step, File)> = Vec::new();
        for step in leaving {
            match opened(step) {
                Ok(file) => namespaces.extend(file.map(|file| (step, file))),
                Err(error) => failures.add(step, &error),
            }
        }
        let (steps, files): (Vec<&Step>, Vec<File>) = namespaces.into_iter().unzip();
        if files.is_empty() || process::end_all(&files, GRACE, PATIENCE).is_ok() {
            return;
        }
        // Those that do not end are of one instance or of a few. They have been asked already.
        for (step, file) in steps.into_iter().zip(files) {
            if let Err(error) = process::end_all(&[file], Duration::ZERO, PATIENCE) {
                failures.add(step, &error);
            }
        }
    }

    /// Forgets what is not as it was any more, so that it is looked into.
    fn unsettle(&mut self, wanted: &Desired) {
        self.calls = self.calls.wrapping_add(1);
        if self.calls.is_multiple_of(CALLS_SETTLED) {
            self.settled.clear();
        }
        self.settled.retain(|id, instance| wanted.instances.get(id) == Some(instance));
    }
}

/// What one call came to.
struct Brought {
    observed: Observed,
    /// What was left to do when it was looked last.
    remaining: Vec<Step>,
    failures: Failures,
}

impl Brought {
    /// Whether nothing is left to do, and nothing failed.
    fn is_done(&self) -> bool {
        self.remaining.is_empty() && self.failures.all().is_none()
    }

    /// How an instance stands; none: it is still coming.
    fn stand(
        &self,
        id: InstanceId,
        machine: &Machine,
        in_force: &BTreeMap<NetworkInterfaceId, u32>,
    ) -> Option<ReportedState> {
        if let Some(why) = self.failures.of(id, machine) {
            return Some(ReportedState::Failed(why.into()));
        }
        let there = self.observed.machines.contains_key(&id);
        let left = self.remaining.iter().any(|step| concerns(step, id, machine));
        let on = |port: &Port| {
            let link = self.observed.link(&port.device()).filter(|link| link.ready);
            link.is_some_and(|link| in_force.get(&port.interface) == Some(&link.index))
        };
        match machine.wanted {
            _ if left => None,
            WantedState::Running if there && machine.ports.iter().all(on) => Some(ReportedState::Running),
            WantedState::Stopped if !there => Some(ReportedState::Stopped),
            WantedState::Gone if !there => Some(ReportedState::Gone),
            _ => None,
        }
    }
}

fn concerns(step: &Step, id: InstanceId, machine: &Machine) -> bool {
    let of_network = |network| machine.ports.iter().any(|port| port.network == network);
    step.instance() == Some(id) || step.network().is_some_and(of_network)
}

/// The namespace whose processes a step ends; none: it is gone.
fn opened(step: &Step) -> Result<Option<File>, NamespaceError> {
    let Some(instance) = step.instance() else { return Ok(None) };
    match namespace::open(&names::namespace(instance)) {
        Ok(file) => Ok(Some(file)),
        Err(NamespaceError::Missing { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits until every device of an instance that is on carries packets. One that does not in that time is looked at again
/// with the next call.
fn wait_until_ready(netlink: &Netlink, target: &Target) -> Result<(), LookError> {
    let devices: BTreeSet<String> = target.running_ports().map(Port::device).collect();
    let waits = |link: &Link| link.up && !link.ready && devices.contains(&link.name);
    let end = Instant::now() + CARRIES;
    while netlink.links()?.iter().any(waits) && Instant::now() < end {
        thread::sleep(PAUSE);
    }
    Ok(())
}

impl InstanceDriver for LabDriver {
    fn bring(
        &mut self,
        wanted: &Desired,
        in_force: &BTreeMap<NetworkInterfaceId, u32>,
    ) -> Vec<InstanceReport> {
        if self.rests && wanted.instances.is_empty() {
            return Vec::new();
        }
        self.unsettle(wanted);
        let target = Target::of(&wanted.instances);
        let brought = self.bring_to(&target, in_force);
        self.rests = wanted.instances.is_empty() && brought.as_ref().is_ok_and(Brought::is_done);
        let mut reports = Vec::new();
        for (id, machine) in &target.machines {
            let state = match &brought {
                Ok(brought) => brought.stand(*id, machine, in_force),
                Err(error) => Some(ReportedState::Failed(chain(error).into())),
            };
            let Some(state) = state else { continue };
            if let (ReportedState::Running, Some(instance)) = (&state, wanted.instances.get(id)) {
                self.settled.insert(*id, instance.clone());
            }
            let (boots, images) = (machine.boots, machine.images);
            reports.push(InstanceReport { instance: *id, boots, images, state });
        }
        reports
    }
}
