//! Whether the kernel still has what was put into it.

use dataplane::{
    Dataplane, DataplaneError, Drift, Intent,
    audit::{BindingIntent, ClassIntent},
};
use policy::intent::Step;

use super::{Enforcer, Work, load_step};
use crate::outcome::Outcome;

/// What an audit found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The differences between the kernel and what was brought into force, found and not looked for before.
    pub found: Vec<Drift>,
    /// Those that are still there after the repair.
    pub left: Vec<Drift>,
    /// What became of what is wanted.
    pub outcome: Outcome,
}

impl<D: Dataplane> Enforcer<D> {
    /// Compares the kernel with what was brought into force, and repairs what is different. The end of a device is no
    /// difference: that is told by [`set_devices`](Self::set_devices). What did not succeed before is tried again.
    ///
    /// # Errors
    /// The kernel refuses to say what is there.
    pub fn audit(&mut self) -> Result<Audit, DataplaneError> {
        let found = self.drifts()?;
        self.guard_again();
        if found.is_empty() {
            return Ok(Audit { found, left: Vec::new(), outcome: self.retry() });
        }
        let outcome = self.repair(&found)?;
        let left = self.drifts()?;
        Ok(Audit { found, left, outcome })
    }

    fn drifts(&self) -> Result<Vec<Drift>, DataplaneError> {
        let mut drifts = self.dataplane.audit(&self.expected())?;
        let closed = |class| self.classes.values().any(|of| of.id == class && of.plan.is_none());
        drifts.retain(|drift| match drift {
            Drift::DeviceGone(_) => false,
            // What could not be switched is a problem already, and tried again.
            Drift::OtherPlan { class, .. } | Drift::PlanDamaged(class) => !closed(*class),
            _ => true,
        });
        Ok(drifts)
    }

    /// What the kernel should say.
    fn expected(&self) -> Intent {
        let bindings = self.bound.values().map(|bound| BindingIntent {
            binding: bound.binding,
            ifindex: bound.ifindex,
            interface: bound.configuration.clone(),
            class: bound.class,
        });
        let classes = self.classes.values().map(|loaded| ClassIntent {
            class: loaded.id,
            plan: loaded.plan.map(|plan| (plan.generation, plan.digest)),
        });
        Intent { bindings: bindings.collect(), classes: classes.collect() }
    }

    /// Takes up what is there as another process would, and brings what is wanted into force anew: what is as it should be
    /// is not touched.
    fn repair(&mut self, found: &[Drift]) -> Result<Outcome, DataplaneError> {
        let mut work = Work::default();
        for drift in found {
            let Drift::NotEnforced { binding, .. } = drift else { continue };
            let Some(interface) = self.interface_of(*binding) else { continue };
            if let Err(wrong) = self.attach_again(interface) {
                work.problems.insert(interface, wrong);
            }
        }
        self.take_up()?;
        if self.updated {
            self.failed.clear();
            let steps: Vec<Step> = self.every_load().map(load_step).collect();
            self.run(&steps, &mut work);
            let interfaces = self.every_interface();
            self.place_each(&interfaces, &mut work);
            self.drop_unwanted_classes();
        }
        Ok(self.finish(work))
    }

    /// Tries again what did not succeed.
    fn retry(&mut self) -> Outcome {
        let mut work = Work::default();
        let mut steps = Vec::new();
        self.with_failed(&mut steps);
        self.run(&steps, &mut work);
        let troubled: Vec<_> = self.problems.keys().copied().collect();
        if self.updated {
            self.place_each(&troubled, &mut work);
            self.drop_unwanted_classes();
        }
        self.finish(work)
    }
}
