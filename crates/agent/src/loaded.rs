//! What this process has put into the kernel, or found there.

use dataplane::{Binding, ClassId, ClassReport, Interface};
use policy::{Plan, PolicyClass, image, intent::ClassKey};
use xxhash_rust::xxh3::xxh3_128;

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

/// By what a class is found again by another process: its groups.
pub(crate) fn label(key: &ClassKey) -> u128 {
    let bytes: Vec<u8> = key.groups().iter().flat_map(|group| group.number().to_le_bytes()).collect();
    xxh3_128(&bytes)
}

/// A compiled class and the digest by which the kernel's words are compared with it.
pub(crate) fn compile(class: &PolicyClass) -> (Plan, u64) {
    let plan = Plan::compile(class);
    let digest = plan.image(0, 0)[image::DIGEST];
    (plan, digest)
}
