//! A policy class in the form in which packets are decided.

use crate::class::PolicyClass;

/// A compiled class.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    class: PolicyClass,
}

impl Plan {
    /// Compiles a class.
    pub fn compile(class: &PolicyClass) -> Self {
        Self { class: class.clone() }
    }

    /// The class that it was compiled from.
    pub fn class(&self) -> &PolicyClass {
        &self.class
    }
}
