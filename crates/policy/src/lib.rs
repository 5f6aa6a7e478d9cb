//! What is allowed: the meaning of security-group rules for packets.
//!
//! [`evaluate()`] is that meaning. It is written to be read, not to be fast: whatever decides packets faster is tested
//! against it. [`Plan`] is what decides them faster, and [`image`] what the kernel reads of it.
//!
//! This crate must not know any IO, clock, randomness or async, nor who is a member of what: it is given the groups of
//! an interface as a [`PolicyClass`].

pub mod class;
pub mod desired;
pub mod difference;
pub mod evaluate;
pub mod explain;
pub mod findings;
pub mod flip;
pub mod image;
pub mod intent;
pub mod order;
pub mod packet;
pub mod plan;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;

pub use class::{ClassError, Group, PolicyClass, RULES_MAX, same_rules, weight};
pub use desired::{Delta, Desired, DesiredInstance, DesiredInstanceInterface, DesiredInterface, WantedState};
pub use evaluate::{Decider, Decision, evaluate};
pub use intent::{ClassKey, Intent};
pub use order::PlacedRule;
pub use packet::{Family, MixedFamilies, Packet, ProtocolKind};
pub use plan::Plan;
