//! Random rulesets and packets for tests, here and wherever something decides packets that must agree with the
//! evaluator. The same seed gives the same ones, for ever and everywhere.
//!
//! Rulesets are meant to be awkward: few priorities, nested prefixes, ranges of ports that touch, both families, rules
//! that name both ends, IPv6 prefixes around `::ffff:0:0/96`. Packets are drawn at the edges of what a rule names.

mod every;
mod packets;
mod pairs;
mod random;
mod rules;
mod shrink;

pub use every::every_packet;
pub use packets::{packet, packet_near, unicast_packet};
pub use pairs::{pair, shrink_pair};
pub use random::Random;
pub use rules::{class, class_of, rules};
pub use shrink::shrink;
