//! What the kernel does with packets: the trait [`Dataplane`], its implementation with eBPF, and one in memory for the
//! tests of crates above.
//!
//! [docs/dataplane.md](../../../docs/dataplane.md) says what happens to a packet and why; `bpf/layout.h` is the layout
//! that the kernel's programs and this crate share.
//!
//! This crate must not know the control plane, nor who is a member of what: it is given devices, interfaces and compiled
//! plans. It never waits for anything but the kernel.

pub mod audit;
pub mod ebpf;
pub mod error;
pub mod flow;
pub mod interface;
pub mod reason;
pub mod report;

pub mod simulated;

mod contract;
mod layout;

pub use audit::{Drift, Intent};
pub use contract::Dataplane;
pub use ebpf::{Attach, EbpfDataplane, Options, Timeouts};
pub use error::DataplaneError;
pub use flow::{Event, Flow, FlowReader, FlowState, Tuple};
pub use interface::{Binding, ClassId, Device, Generation, Interface, Stamp};
pub use layout::LAYOUT_VERSION;
pub use reason::Reason;
pub use report::{Attachment, BindingReport, ClassReport, Drops, PlanReport, RuleCount, RulePlace};
pub use simulated::{Begins, SimulatedDataplane};
