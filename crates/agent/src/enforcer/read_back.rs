//! What the kernel says of what was touched.

use std::mem;

use dataplane::{BindingReport, ClassId, Dataplane};
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
        let classes = mem::take(&mut work.classes);
        // What a class says is done by the programs of each member. A class may have thousands of them: those that were not
        // touched, and whose programs are where they were, need no more.
        let members = self.intent.interfaces().filter(|(_, of)| classes.contains(*of));
        let members = members.map(|(interface, _)| interface);
        work.interfaces.extend(members.filter(|member| !self.is_as_it_was(*member)));
        for key in classes {
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

    /// Whether nothing was wrong with an interface when it was read back last, and its programs come first still.
    fn is_as_it_was(&self, interface: NetworkInterfaceId) -> bool {
        let known = !self.problems.contains_key(&interface) && !self.absent.contains(&interface);
        let bound = self.bound.get(&interface).filter(|_| known);
        bound.is_some_and(|bound| self.dataplane.comes_first(bound.binding).is_ok_and(|first| first))
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

    /// The class that an interface should have, and what the kernel says of it.
    fn read_interface(
        &self,
        interface: NetworkInterfaceId,
    ) -> Result<(Option<ClassId>, BindingReport), ProblemKind> {
        let bound = self.bound.get(&interface);
        let bound = bound.ok_or_else(|| ProblemKind::ReadBack("it is not bound".into()))?;
        let report = self.dataplane.read_back(bound.binding);
        Ok((bound.class, report.map_err(|error| ProblemKind::Dataplane(chain(&error)))?))
    }

    /// Reads an interface back. Programs that somebody took away from its device, or put others before, are put back once.
    fn check_interface(&mut self, interface: NetworkInterfaceId) -> Result<(), ProblemKind> {
        let (mut class, mut report) = self.read_interface(interface)?;
        let put_back = report.present && !report.enforced();
        if put_back {
            tracing::error!(%interface, "somebody took programs away, or put others before them: they are put back");
            self.attach_again(interface)?;
            (class, report) = self.read_interface(interface)?;
        }
        let wrong = |what: &str| Err(ProblemKind::ReadBack(what.into()));
        if !report.enforced() {
            return wrong("another program comes before the one that enforces, or it does not hang there");
        }
        self.put_back += u64::from(put_back);
        if report.class != class || report.interface != interface {
            return wrong("it has another class");
        }
        if report.class.is_none() {
            return wrong("it has no class, and is closed");
        }
        Ok(())
    }

    /// Puts the programs of an interface back to its device, before all others.
    pub(super) fn attach_again(&mut self, interface: NetworkInterfaceId) -> Result<(), ProblemKind> {
        let device = self.bound.get(&interface).and_then(|bound| self.devices.at(bound.ifindex)).cloned();
        let attached = device.map_or(Ok(()), |device| self.dataplane.guard(&device));
        attached.map_err(|error| ProblemKind::Dataplane(chain(&error)))
    }

    /// How many interfaces had their programs put back since this was asked last, by anything but an audit.
    pub fn take_put_back(&mut self) -> u64 {
        mem::take(&mut self.put_back)
    }
}
