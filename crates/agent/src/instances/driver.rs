//! The driver: looks, finds the difference, carries it out, and looks again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    thread,
    time::Duration,
};

use host::{Netlink, namespace, process};
use model::{
    InstanceId, NetworkId, NetworkInterfaceId, NodeId,
    node::{InstanceReport, ReportedState},
};
use policy::{Desired, DesiredInstance, WantedState};

use super::{
    InstanceDriver,
    difference::Comparison,
    execute::Execution,
    names,
    observed::{Found, LookError, Observed},
    step::Step,
    target::{Machine, Target},
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
/// How long a device that was switched on may take to carry packets, and how long to wait between two looks at it.
const CARRIES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_millis(5));

/// Makes instances out of network namespaces.
///
/// What is there is read from the kernel: it survives the end of the process at any moment, and is finished by the next
/// one.
pub struct LabDriver {
    node: NodeId,
    /// Instances that were as they are wanted, with the devices of their interfaces.
    settled: BTreeMap<InstanceId, (DesiredInstance, Vec<u32>)>,
    calls: u32,
    watch: Box<dyn FnMut(&Step) + Send>,
}

/// What could not be done.
#[derive(Default)]
struct Failures {
    instances: BTreeMap<InstanceId, String>,
    networks: BTreeMap<NetworkId, String>,
    others: Vec<String>,
}

impl LabDriver {
    /// The driver of a node. It works in the network namespace of the thread that calls it.
    pub fn new(node: NodeId) -> Self {
        Self { node, settled: BTreeMap::new(), calls: 0, watch: Box::new(|_| {}) }
    }

    /// Calls `watch` before each step.
    #[must_use]
    pub fn watched(mut self, watch: impl FnMut(&Step) + Send + 'static) -> Self {
        self.watch = Box::new(watch);
        self
    }

    /// Removes everything that this node has made.
    ///
    /// # Errors
    /// What is still there, and why.
    pub fn remove_all(&mut self) -> Result<(), String> {
        self.settled.clear();
        let target = Target::default();
        match self.bring_to(&target, &BTreeMap::new()) {
            Ok((_, failures)) => failures.all().map_or(Ok(()), Err),
            Err(error) => Err(chain(&error)),
        }
    }

    /// Looks and works until nothing is left to do, or only what cannot be done now.
    fn bring_to(
        &mut self,
        target: &Target,
        in_force: &BTreeMap<NetworkInterfaceId, u32>,
    ) -> Result<(Observed, Failures), LookError> {
        let mut failures = Failures::default();
        let mut looks = 0;
        loop {
            let netlink = Netlink::open()?;
            let settled = self.settled.keys().copied().collect();
            let observed = Observed::look(&netlink, &settled)?;
            let comparison = Comparison { node: self.node, target, observed: &observed, in_force };
            let difference = comparison.difference();
            failures.instances.extend(difference.refused);
            let failed = |step: &Step| failures.of(step, target).is_some();
            let steps: Vec<Step> = difference.steps.into_iter().filter(|step| !failed(step)).collect();
            if steps.is_empty() || looks == LOOKS_MAX || !failures.others.is_empty() {
                return Ok((observed, failures));
            }
            looks += 1;
            let execution = Execution { node: self.node, target, netlink: &netlink };
            self.carry_out(&execution, &steps, &mut failures);
            let on = |step: &&Step| matches!(step, Step::SwitchOn { .. });
            wait_until_ready(&netlink, steps.iter().filter(on).count() > 0, target, &failures);
        }
    }

    fn carry_out(&mut self, execution: &Execution<'_>, steps: &[Step], failures: &mut Failures) {
        self.end_processes(steps, failures);
        for step in steps {
            if failures.of(step, execution.target).is_some() {
                continue;
            }
            (self.watch)(step);
            tracing::debug!(%step, "instances");
            if let Err(error) = execution.run(step) {
                let why = format!("cannot {step}: {}", chain(&error));
                tracing::warn!(why, "instances");
                failures.add(step, why);
            }
        }
    }

    /// Of all instances together, since each may take as long as it has.
    fn end_processes(&mut self, steps: &[Step], failures: &mut Failures) {
        let leaving = steps.iter().filter(|step| matches!(step, Step::EndProcesses { .. }));
        let leaving: Vec<&Step> = leaving.collect();
        leaving.iter().for_each(|step| (self.watch)(step));
        let namespaces: Vec<(&Step, File)> =
            leaving.into_iter().filter_map(|step| Some((step, opened(step)?))).collect();
        let files: Vec<File> = namespaces.iter().filter_map(|(_, file)| file.try_clone().ok()).collect();
        if files.is_empty() || process::end_all(&files, GRACE, PATIENCE).is_ok() {
            return;
        }
        for (step, file) in namespaces {
            if let Err(error) = process::end_all(&[file], Duration::ZERO, Duration::ZERO) {
                failures.add(step, format!("cannot {step}: {}", chain(&error)));
            }
        }
    }

    /// Forgets what is not as it was any more, so that it is looked into.
    fn unsettle(&mut self, wanted: &Desired) {
        self.calls = self.calls.wrapping_add(1);
        if self.calls.is_multiple_of(CALLS_SETTLED) {
            self.settled.clear();
        }
        self.settled.retain(|id, (instance, _)| wanted.instances.get(id) == Some(instance));
    }

    /// How an instance stands; none: it is still coming.
    fn stand(
        &mut self,
        (id, wanted): (InstanceId, &DesiredInstance),
        machine: &Machine,
        observed: &Observed,
    ) -> Option<ReportedState> {
        let there = observed.machines.contains_key(&id);
        match machine.wanted {
            WantedState::Running => {
                let devices = machine.ports.iter().map(|port| {
                    let link = observed.link(&port.device())?;
                    link.ready.then_some(link.index)
                });
                let devices: Vec<u32> = devices.collect::<Option<_>>().filter(|_| there)?;
                self.settled.insert(id, (wanted.clone(), devices));
                Some(ReportedState::Running)
            }
            WantedState::Stopped => (!there).then_some(ReportedState::Stopped),
            WantedState::Gone => (!there).then_some(ReportedState::Gone),
        }
    }
}

impl InstanceDriver for LabDriver {
    fn bring(
        &mut self,
        wanted: &Desired,
        in_force: &BTreeMap<NetworkInterfaceId, u32>,
    ) -> Vec<InstanceReport> {
        self.unsettle(wanted);
        let target = Target::of(&wanted.instances);
        let brought = self.bring_to(&target, in_force);
        let mut reports = Vec::new();
        for (id, instance) in &wanted.instances {
            let Some(machine) = target.machines.get(id) else { continue };
            let state = match &brought {
                Err(error) => Some(ReportedState::Failed(chain(error).into())),
                Ok((observed, failures)) => match failures.of_machine(*id, machine) {
                    Some(why) => Some(ReportedState::Failed(why.into())),
                    None => self.stand((*id, instance), machine, observed),
                },
            };
            let report = |state| InstanceReport {
                instance: *id,
                boots: instance.boots,
                images: instance.images,
                state,
            };
            reports.extend(state.map(report));
        }
        reports
    }
}
