//! A small network on this host, from a file: namespaces, bridges, routes, and the enforcement of security groups at
//! every interface.
//!
//! It is the tool to try rules with real packets, and what tests drive. Everything lies in namespaces of the lab's own;
//! nothing of the machine's own network is touched. What is wanted ([`desired`]) and what is there ([`observed`]) are two
//! types, and the steps from the one to the other ([`difference`]) a third: nothing is remembered that the kernel can
//! be asked.
//!
//! This crate must not know the control plane: it is given a [`Definition`].

pub mod definition;
pub mod desired;
pub mod difference;
pub mod error;
pub mod execute;
pub mod identity;
pub mod kernel;
pub mod lab;
pub mod name;
pub mod observed;
pub mod state;
pub mod status;
pub mod step;
pub mod temporary;

pub use definition::Definition;
pub use error::LabError;
pub use host::in_namespace;
pub use lab::{Applied, Lab, Progress, down, down_and_tell};
pub use step::Step;
pub use temporary::TemporaryLab;

/// A complete example of a lab's file; docs/lab.md explains it.
pub const EXAMPLE: &str = include_str!("../example.toml");
