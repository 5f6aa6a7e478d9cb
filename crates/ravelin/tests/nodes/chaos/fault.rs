//! What goes wrong, and when.

use std::{thread, time::Duration};

pub(super) use crate::common::choices::Choices;
use crate::{common::Server, node::LabNode};

/// Something that goes wrong while a change is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// kill -9 of an agent, which is started again at once; sometimes it is killed once more while it begins.
    Agent,
    /// kill -9 of the control plane.
    Server,
    /// kill -9 of both.
    Both,
    /// An agent is killed before, and started again when the change was answered.
    Away,
    /// The session of a node is cut, and healed when the change was answered.
    Cut,
}

/// How often each of them happens.
const OFTEN: [(Fault, usize); 5] =
    [(Fault::Agent, 14), (Fault::Server, 12), (Fault::Both, 4), (Fault::Away, 3), (Fault::Cut, 3)];
/// The longest time after a change was asked for, in microseconds: about twice as long as a change takes.
const MOMENT_US: u64 = 15_000;
/// The longest time until an agent is killed once more, in microseconds: as long as it takes to begin.
const BEGINNING_US: u64 = 600_000;

/// What goes wrong with each of so many changes: all that is to happen, in any order.
pub(super) fn schedule(changes: usize, choices: &mut Choices) -> Vec<Option<Fault>> {
    let mut faults: Vec<Option<Fault>> =
        OFTEN.iter().flat_map(|(fault, times)| vec![Some(*fault); *times]).collect();
    faults.resize(changes.max(faults.len()), None);
    for last in (1..faults.len()).rev() {
        faults.swap(last, choices.place(last + 1));
    }
    faults
}

/// When something happens, after a change was asked for. It is no wait for anything: the random moment is what is tested.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(Duration);

impl Moment {
    /// Any, while a change is made or shortly after.
    pub(super) fn of_change(choices: &mut Choices) -> Self {
        Self(Duration::from_micros(choices.below(MOMENT_US)))
    }

    /// Any, while an agent begins; seldom there is one.
    pub(super) fn of_beginning(choices: &mut Choices) -> Option<Self> {
        choices.once_in(3).then(|| Self(Duration::from_micros(choices.below(BEGINNING_US))))
    }

    fn pass(self) {
        thread::sleep(self.0);
    }
}

/// Kills an agent at a moment, perhaps once more, and starts it again.
pub(super) fn kill_agent(node: &mut LabNode, at: Moment, again: Option<Moment>) {
    at.pass();
    node.kill();
    node.start();
    if let Some(again) = again {
        again.pass();
        node.kill();
        node.start();
    }
}

/// Kills the control plane at a moment.
pub(super) fn kill_server(server: &mut Server, at: Moment) {
    at.pass();
    server.kill();
}

/// Cuts the session of a node at a moment.
pub(super) fn cut(node: &LabNode, at: Moment) {
    at.pass();
    node.cut();
}
