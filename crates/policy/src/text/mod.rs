//! Rules, packets, flows and pieces of a difference as one line of text each: what tests, explanations, lab files and the
//! documentation have in common. `docs/text-form.md` is the grammar, with examples.
//!
//! What is printed can be read again, and gives the same.

mod packet;
mod piece;
mod rule;
mod words;

pub use packet::Flow;
pub(crate) use packet::NumberText;
pub use piece::ShortPiece;
pub(crate) use rule::{PRIORITY_MAX, PortsText, protocol_word};
pub use rule::{RuleText, parse_rule};
pub use words::TextError;
