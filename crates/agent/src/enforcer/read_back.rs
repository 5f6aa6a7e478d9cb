//! What the kernel says of what was touched.

use std::mem;

use dataplane::Dataplane;
use model::NetworkInterfaceId;
use policy::intent::ClassKey;

use super::{Enforcer, Work, chain};
use crate::{
    loaded::LoadedClass,
    outcome::{Outcome, Problem, ProblemKind},
};

impl<D: Dataplane> Enforcer<D> {
    /// Reads back what was touched.
    pub(super) fn finish(&mut self, mut work: Work) -> Outcome {
        for key in mem::take(&mut work.classes) {
            if let Err(wrong) = self.check_class(&key) {
                self.close_members(&key, &wrong, &mut work);
            }
        }
        for interface in mem::take(&mut work.interfaces) {
            self.problems.remove(&interface);
            self.absent.remove(&interface);
            if !self.wanted.desired.interfaces.contains_key(&interface) {
                continue;
            }
            if self.device_of(interface).is_none() {
                self.absent.insert(interface);
            } else if let Err(wrong) = self.check_interface(interface) {
                work.problems.entry(interface).or_insert(wrong);
            }
        }
        self.problems.extend(work.problems);
        self.forget_refused();
        self.outcome()
    }

    /// What is so, as far as it was looked at.
    pub fn outcome(&self) -> Outcome {
        let problem =
            |(interface, kind): (&_, &ProblemKind)| Problem { interface: *interface, kind: kind.clone() };
        let problems = self.problems.iter().map(problem).collect();
        let absent = self.absent.iter().copied().collect();
        Outcome { generation: self.wanted.generation, problems, absent }
    }

    fn check_class(&self, key: &ClassKey) -> Result<(), ProblemKind> {
        let Some(loaded) = self.classes.get(&key.label()) else { return Ok(()) };
        let report = self
            .dataplane
            .read_back_class(loaded.id)
            .map_err(|error| ProblemKind::Dataplane(chain(&error)))?;
        if loaded.plan.is_some() && LoadedClass::of(&report) != *loaded {
            return Err(ProblemKind::ReadBack(format!("the class {} has another plan", loaded.id)));
        }
        Ok(())
    }

    fn check_interface(&self, interface: NetworkInterfaceId) -> Result<(), ProblemKind> {
        let Some(bound) = self.bound.get(&interface) else {
            return Err(ProblemKind::ReadBack("it is not bound".into()));
        };
        let report =
            self.dataplane.read_back(bound.binding).map_err(|error| ProblemKind::Dataplane(chain(&error)))?;
        let wrong = |what: &str| Err(ProblemKind::ReadBack(what.into()));
        if report.class != bound.class || report.interface != interface {
            return wrong("it has another class");
        }
        if report.class.is_none() {
            return wrong("it has no class, and is closed");
        }
        if !report.enforced() {
            return wrong("another program comes before the one that enforces, or it does not hang there");
        }
        Ok(())
    }
}
