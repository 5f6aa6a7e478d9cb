//! Messages of the protocol as what the control plane understands, and the other way round. Pure.
//!
//! Whatever a node sends is bounded here: numbers have their ranges, texts are cut, lists have lengths. What does not fit is
//! a [`Malformed`] message, which names the field.

mod answer;
mod field;
mod heard;
mod told;

pub(crate) use self::{
    heard::{Spoken, spoken},
    told::to_node,
};
