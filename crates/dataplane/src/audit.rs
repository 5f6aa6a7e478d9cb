//! Whether the kernel enforces what is wanted.

use std::{fmt, time::Duration};

use crate::{
    interface::{Binding, ClassId, Generation, Interface},
    report::{Attachment, BindingReport, ClassReport},
};

/// What is wanted, all of it.
#[derive(Debug, Clone, Default)]
pub struct Intent {
    /// Every binding.
    pub bindings: Vec<BindingIntent>,
    /// Every class.
    pub classes: Vec<ClassIntent>,
}

/// What is wanted of a binding.
#[derive(Debug, Clone)]
pub struct BindingIntent {
    /// Which one.
    pub binding: Binding,
    /// At which device.
    pub ifindex: u32,
    /// What its interface may be. `adopt` is not compared.
    pub interface: Interface,
    /// Its class.
    pub class: Option<ClassId>,
}

/// What is wanted of a class.
#[derive(Debug, Clone, Copy)]
pub struct ClassIntent {
    /// Which one.
    pub class: ClassId,
    /// Its generation and the digest of its plan; none where it is closed.
    pub plan: Option<(Generation, u64)>,
}

/// One difference between what is wanted and what the kernel says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// A binding that is wanted does not exist.
    BindingMissing(Binding),
    /// A binding exists that is not wanted.
    BindingUnwanted(Binding),
    /// The device of a binding is gone.
    DeviceGone(Binding),
    /// A binding is at another device.
    OtherDevice {
        /// Which one.
        binding: Binding,
        /// Where it is.
        found: u32,
    },
    /// A program does not hang where it should.
    NotEnforced {
        /// At whose device.
        binding: Binding,
        /// The program for what the instance sends.
        from_instance: Attachment,
        /// The program for what the instance is sent.
        to_instance: Attachment,
    },
    /// An interface is configured otherwise.
    OtherConfiguration(Binding),
    /// A binding has another class.
    OtherClass {
        /// Which one.
        binding: Binding,
        /// What it has.
        found: Option<ClassId>,
    },
    /// A class that is wanted does not exist.
    ClassMissing(ClassId),
    /// A class exists that is not wanted.
    ClassUnwanted(ClassId),
    /// Another plan or generation is in force.
    OtherPlan {
        /// Of which class.
        class: ClassId,
        /// What is in force, with its digest.
        found: Option<(Generation, u64)>,
    },
    /// The words of a plan are not those that were written.
    PlanDamaged(ClassId),
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BindingMissing(binding) => write!(f, "binding {binding} does not exist"),
            Self::BindingUnwanted(binding) => write!(f, "binding {binding} is not wanted"),
            Self::DeviceGone(binding) => write!(f, "the device of binding {binding} is gone"),
            Self::OtherDevice { binding, found } => write!(f, "binding {binding} is at the device {found}"),
            Self::NotEnforced { binding, from_instance, to_instance } => write!(
                f,
                "the programs of binding {binding}: from the instance {from_instance:?}, to it {to_instance:?}"
            ),
            Self::OtherConfiguration(binding) => write!(f, "binding {binding} is configured otherwise"),
            Self::OtherClass { binding, found: Some(class) } => {
                write!(f, "binding {binding} has the class {class}")
            }
            Self::OtherClass { binding, found: None } => write!(f, "binding {binding} is closed"),
            Self::ClassMissing(class) => write!(f, "class {class} does not exist"),
            Self::ClassUnwanted(class) => write!(f, "class {class} is not wanted"),
            Self::OtherPlan { class, found: Some((generation, digest)) } => {
                write!(f, "class {class} has the plan {digest:016x} of generation {generation}")
            }
            Self::OtherPlan { class, found: None } => write!(f, "class {class} is closed"),
            Self::PlanDamaged(class) => write!(f, "the plan of class {class} is damaged"),
        }
    }
}

impl Intent {
    /// The differences, bindings first, each by number.
    pub fn compare(&self, bindings: &[BindingReport], classes: &[ClassReport]) -> Vec<Drift> {
        let mut drifts = Vec::new();
        for wanted in &self.bindings {
            match bindings.iter().find(|found| found.binding == wanted.binding) {
                None => drifts.push(Drift::BindingMissing(wanted.binding)),
                Some(found) => wanted.compare(found, &mut drifts),
            }
        }
        let unwanted = |found: &&BindingReport| !self.bindings.iter().any(|of| of.binding == found.binding);
        drifts.extend(bindings.iter().filter(unwanted).map(|found| Drift::BindingUnwanted(found.binding)));
        for wanted in &self.classes {
            match classes.iter().find(|found| found.class == wanted.class) {
                None => drifts.push(Drift::ClassMissing(wanted.class)),
                Some(found) => drifts.extend(wanted.compare(found)),
            }
        }
        let unwanted = |found: &&ClassReport| !self.classes.iter().any(|of| of.class == found.class);
        drifts.extend(classes.iter().filter(unwanted).map(|found| Drift::ClassUnwanted(found.class)));
        drifts
    }
}

impl BindingIntent {
    fn compare(&self, found: &BindingReport, drifts: &mut Vec<Drift>) {
        let binding = self.binding;
        if found.device.ifindex != self.ifindex {
            drifts.push(Drift::OtherDevice { binding, found: found.device.ifindex });
        }
        if !found.present {
            drifts.push(Drift::DeviceGone(binding));
        } else if !found.enforced() {
            let (from_instance, to_instance) = (found.from_instance, found.to_instance);
            drifts.push(Drift::NotEnforced { binding, from_instance, to_instance });
        }
        if comparable(&self.interface) != comparable(&found.configuration) {
            drifts.push(Drift::OtherConfiguration(binding));
        }
        if found.class != self.class {
            drifts.push(Drift::OtherClass { binding, found: found.class });
        }
    }
}

/// An interface without what passes with time, with its lists in order, and each address said in one way.
fn comparable(interface: &Interface) -> Interface {
    let mut interface = Interface { adopt: Duration::ZERO, ..interface.clone() };
    let is_address = |prefix: &ipnet::IpNet| prefix.prefix_len() == prefix.max_prefix_len();
    let single = interface.prefixes.extract_if(.., |prefix| is_address(prefix));
    interface.addresses.extend(single.map(|prefix| prefix.addr()));
    let link_local = std::net::IpAddr::V6(interface.link_local());
    interface.addresses.retain(|address| *address != link_local);
    interface.addresses.sort_unstable();
    interface.addresses.dedup();
    for prefix in &mut interface.prefixes {
        *prefix = prefix.trunc();
    }
    interface.prefixes.sort_unstable();
    interface.prefixes.dedup();
    interface
}

impl ClassIntent {
    fn compare(&self, found: &ClassReport) -> Option<Drift> {
        if found.plan.is_some_and(|plan| !plan.intact) {
            return Some(Drift::PlanDamaged(self.class));
        }
        let plan = found.plan.map(|plan| (plan.generation, plan.digest));
        (plan != self.plan).then_some(Drift::OtherPlan { class: self.class, found: plan })
    }
}
