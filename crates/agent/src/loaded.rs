//! What this process has put into the kernel, or found there.

use dataplane::{Binding, BindingReport, ClassId, ClassReport, Generation, Interface, Stamp};
use model::node;

/// A class that is in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoadedClass {
    pub(crate) id: ClassId,
    /// What is in force; none where it is closed.
    pub(crate) plan: Option<LoadedPlan>,
}

/// A plan that is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoadedPlan {
    /// The generation that it came with.
    pub(crate) generation: Generation,
    pub(crate) digest: u64,
    /// The switch that put it in force.
    pub(crate) stamp: Stamp,
}

impl LoadedClass {
    pub(crate) fn of(report: &ClassReport) -> Self {
        let plan = report.plan.filter(|plan| plan.intact);
        let plan = plan.map(|plan| LoadedPlan {
            generation: plan.generation,
            digest: plan.digest,
            stamp: plan.stamp,
        });
        Self { id: report.class, plan }
    }
}

/// A binding that is in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) binding: Binding,
    pub(crate) ifindex: u32,
    pub(crate) configuration: Interface,
    /// Its class; none is closed.
    pub(crate) class: Option<ClassId>,
    /// How its device was named when it was bound; none: by another process, which is not known. While that is what is
    /// wanted it stays at the device, whatever that is called meanwhile.
    pub(crate) under: Option<node::Device>,
}

impl Bound {
    pub(crate) fn of(report: BindingReport) -> Self {
        Self {
            binding: report.binding,
            ifindex: report.device.ifindex,
            configuration: report.configuration,
            class: report.class,
            under: None,
        }
    }
}
