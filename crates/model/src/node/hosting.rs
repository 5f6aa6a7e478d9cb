//! Which lab node really runs an instance, and what it says of it.

use serde::{Deserialize, Serialize};

use crate::{
    account::AccountId,
    id::{InstanceId, NodeId},
    instance::{InstanceStatus, Journey, Next},
    state::State,
};

/// An instance is really run by a lab node, which alone ends its passing states. Each of its interfaces is bound to the
/// node by itself, at the device with the interface's alias. Ends when the node says that the instance is gone, or with
/// the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hosting {
    /// The instance.
    pub instance: InstanceId,
    /// Whose it is.
    pub account: AccountId,
    /// Its place in the order of creation.
    pub serial: u64,
    /// The node.
    pub node: NodeId,
    /// How often the instance was started: what runs with another number is started anew.
    pub boots: u64,
    /// How often it was made anew from an image: what was made with another number is made anew.
    pub images: u64,
    /// Whether it is leaving the node for another one: it is to be gone from this one first.
    pub leaving: bool,
}

/// What a lab node says of one of its instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceReport {
    /// The instance.
    pub instance: InstanceId,
    /// The number of the start that this is about.
    pub boots: u64,
    /// The number of the image that this is about.
    pub images: u64,
    /// How it is.
    pub state: ReportedState,
}

/// How an instance is on its node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReportedState {
    /// It runs, and its interfaces are in force.
    Running,
    /// It does not run; nothing of it can send or receive.
    Stopped,
    /// There is nothing of it.
    Gone,
    /// It is not as it is wanted, and is tried again: why. Changes nothing.
    Failed(Box<str>),
}

/// What the end of a passing state brings, as a node reported it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The instance is stable again.
    Stable(InstanceStatus),
    /// It has left its node for another one.
    Left,
    /// It is gone for good.
    Gone,
}

impl Hosting {
    /// Counts a journey that begins. What was reported before it says nothing of it any more, where it could be taken for
    /// its end.
    pub(crate) fn begin(&mut self, journey: Journey) {
        match journey {
            Journey::Start | Journey::Reboot => self.boots += 1,
            Journey::Reset { running } => {
                self.images += 1;
                self.boots += u64::from(running);
            }
            Journey::Transfer { .. } => self.leaving = true,
            Journey::Creation | Journey::Stop | Journey::Release => {}
        }
    }
}

impl InstanceReport {
    /// What this report of a node ends. None: nothing, since the instance is not the node's, the report is about an
    /// earlier start or image, or it is not what the instance is on the way to.
    pub(crate) fn ends(&self, state: &State, node: NodeId) -> Option<Arrival> {
        let hosting = state.hostings().get(&self.instance)?;
        let current = (hosting.node, hosting.boots, hosting.images) == (node, self.boots, self.images);
        let passage = state.instances().get(&self.instance)?.passage.filter(|_| current)?;
        match (passage.journey.destination(), &self.state) {
            (Next::Gone, ReportedState::Gone) => Some(Arrival::Gone),
            _ if hosting.leaving => (self.state == ReportedState::Gone).then_some(Arrival::Left),
            (Next::Stable(InstanceStatus::Running), ReportedState::Running) => {
                Some(Arrival::Stable(InstanceStatus::Running))
            }
            (Next::Stable(InstanceStatus::Stopped), ReportedState::Stopped) => {
                Some(Arrival::Stable(InstanceStatus::Stopped))
            }
            _ => None,
        }
    }

    /// Whether this report of a node changes anything. Others need not be asked about.
    pub fn is_news(&self, state: &State, node: NodeId) -> bool {
        self.ends(state, node).is_some()
    }
}
