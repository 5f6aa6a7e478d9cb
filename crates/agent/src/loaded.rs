//! What this process has put into the kernel, or found there.

use dataplane::{Binding, ClassId, ClassReport, Interface};

/// A class that is in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LoadedClass {
    pub(crate) id: ClassId,
    /// The digest of the plan that is in force; none where it is closed.
    pub(crate) digest: Option<u64>,
}

impl LoadedClass {
    pub(crate) fn of(report: &ClassReport) -> Self {
        let plan = report.plan.filter(|plan| plan.intact);
        Self { id: report.class, digest: plan.map(|plan| plan.digest) }
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
}
