//! Publication to nodes, and receipts.
//!
//! The writer says what each change means for nodes ([`stage`]), and takes it up here when it is on disk. Each node that
//! is connected has a [`Follower`], which is told what is wanted of it and says what became of it. What is not told yet
//! is one merged change a node (`backlog`), so that a node that is slow or away costs nobody anything; a node that a
//! change does not concern is not even looked at. A generation is confirmed when every node that it concerns has said
//! that it is in force, or does not exist any more (`receipts`).
//!
//! What is kept here is kept in memory alone. After a restart every node connects again, says at which generation it
//! is, gets what it needs and confirms it: so it is known again what is in force where, and nothing has to be believed
//! that a disk says. Receipts of generations from before the restart are not known.
//!
//! This module must not know the messages in which nodes speak, nor connections.

mod backlog;
mod binding;
mod enforcement;
mod follower;
mod following;
mod heard;
mod hearing;
mod instances;
mod metrics;
mod question;
mod questions;
mod receipts;
mod roster;
mod shared;
mod slot;
mod stage;
mod standing;
mod told;
mod view;

pub use self::{
    binding::BindingState,
    enforcement::{
        Delay, Enforced, Enforcement, EnforcementState, Laggard, NodeEnforcement, NodeReceipt, Progress,
    },
    follower::Follower,
    heard::{Heard, KEPT_MAX, NodeProblem, NodeReport, RefusalReason},
    instances::InstanceProblem,
    question::{
        ANSWER_WAIT_MAX, ANSWERED_MAX, Answer, AskError, Decision, DropPlace, DropsFrom, FlowFilter,
        InterfaceCounters, NodeDrop, NodeFlow, Question, RuleCounters, RulePlace, protocol_name,
        protocol_number,
    },
    standing::{NodeConnection, NodeStanding, NotInForce, Refused, Regression},
    told::{Ended, FollowError, Hello, Told},
};
pub(crate) use self::{roster::Staged, shared::Fleet, stage::stage};
