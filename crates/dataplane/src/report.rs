//! What the kernel says is in force.

use std::fmt;

use model::{NetworkInterfaceId, rule::Direction};

use crate::{
    interface::{Binding, ClassId, Device, Generation, Interface, Stamp},
    reason::Reason,
};

/// What decides a packet, as the kernel names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RulePlace {
    /// A rule, by its place among the plan's rules of its direction.
    Rule(u32),
    /// No rule matched.
    Implicit,
    /// The peer is exempt: no rule was asked.
    Exempt,
}

impl fmt::Display for RulePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(place) => place.fmt(f),
            Self::Implicit => f.write_str("implicit"),
            Self::Exempt => f.write_str("exempt"),
        }
    }
}

/// How one of the two programs hangs at a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attachment {
    /// It is ours, it is the one that was loaded, and no other program sees packets before it.
    First,
    /// It is ours, but another program runs before it, and may let pass or change what ours would see.
    NotFirst,
    /// A program hangs there in our place that is not the one that was loaded.
    Foreign,
    /// It does not hang there: the device is open.
    Missing,
}

/// What the kernel says about a binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindingReport {
    /// Which one.
    pub binding: Binding,
    /// Its device. The name is the one that the device has now; empty where the device is gone.
    pub device: Device,
    /// The interface that it stands for.
    pub interface: NetworkInterfaceId,
    /// Its configuration, read from the kernel. `adopt` is what is left of it.
    pub configuration: Interface,
    /// Its class; none is closed.
    pub class: Option<ClassId>,
    /// Whether its device is still there.
    pub present: bool,
    /// The program for what the instance sends.
    pub from_instance: Attachment,
    /// The program for what the instance is sent.
    pub to_instance: Attachment,
    /// How many flows it has, alive or dead.
    pub flows: u64,
}

impl BindingReport {
    /// Whether every packet of the device meets our programs first.
    pub fn enforced(&self) -> bool {
        self.present && [self.from_instance, self.to_instance] == [Attachment::First; 2]
    }
}

/// What the kernel says about a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClassReport {
    /// Which one.
    pub class: ClassId,
    /// What its maker called it.
    pub label: u128,
    /// The class's word, as it lies in the kernel; 0 is closed.
    pub word: u64,
    /// What is in force; none before the first switch.
    pub plan: Option<PlanReport>,
}

/// What the kernel says about the plan in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PlanReport {
    /// The stamp of the word.
    pub stamp: Stamp,
    /// The generation that is written in the plan.
    pub generation: Generation,
    /// The digest of the words that lie in the kernel, computed from them.
    pub digest: u64,
    /// Whether that is the digest that was written with them, and the stamp that of the word.
    pub intact: bool,
}

/// Packets dropped, by reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drops(Vec<(Reason, u64)>);

impl Drops {
    /// From a count of each reason; those of no packet are left out.
    pub fn new(counts: impl IntoIterator<Item = (Reason, u64)>) -> Self {
        Self(counts.into_iter().filter(|(_, count)| *count > 0).collect())
    }

    /// How many were dropped for this reason.
    pub fn of(&self, reason: Reason) -> u64 {
        self.0.iter().find(|(of, _)| *of == reason).map_or(0, |(_, count)| *count)
    }

    /// How many were dropped.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// Reasons and counts, by reason; none of zero.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> + '_ {
        self.0.iter().copied()
    }
}

/// How often a rule decided: admissions, refusals and flows judged again, not packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RuleCount {
    /// The direction of the rule.
    pub direction: Direction,
    /// Its place in the plan in force.
    pub rule: RulePlace,
    /// How often, in all plans of the class since the rule is in them.
    pub count: u64,
}
