//! The kernel object of the dataplane: it is what its source compiles to, and the kernel takes it.

use super::{
    World,
    debian::{BPFTOOL, CLANG, KERNEL_HEADERS, LIBBPF, LLVM},
    step::{Outcome, Step},
};
use crate::bpf;

/// The steps.
pub(super) const STEPS: &[Step] = &[Step {
    name: "bpf",
    summary: "the kernel object is what its source compiles to, and the verifier takes it",
    run: check,
}];

fn check(world: &World<'_>) -> anyhow::Result<Outcome> {
    if let Some(missing) = world.installer.provide(&[CLANG, LLVM, LIBBPF, KERNEL_HEADERS, BPFTOOL])? {
        return Ok(Outcome::skipped(missing));
    }
    Ok(Outcome::of(bpf::check(world.repository)?))
}
