//! What a node may speak of: what it was told in this session, and what it has been asked. Pure.
//!
//! What is decided here and what a node says cross on the way: an interface that has just gone may still be spoken of. So
//! what went is remembered until the node confirms that it is gone, and what a node says about a time before it was told
//! anything here is cut to what is known, and not held against it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use control::fleet::{Answer, Heard, Question, Told};
use model::{InstanceId, NetworkInterfaceId, NodeId, State, node::InstanceReport};
use protocol::Malformed;

/// The most questions that are remembered for their answers; of older ones an answer means nothing any more.
const QUESTIONS_MAX: usize = 256;
/// The most interfaces that are remembered after they went.
const LEFT_MAX: usize = 10_000;

/// A node speaks of what is not its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Foreign {
    #[error("a message is about network interface {0}, which is not bound to this node")]
    Interface(NetworkInterfaceId),
    #[error("a message is about instance {0}, which another node hosts")]
    Instance(InstanceId),
    #[error("a message answers question {0}, which this node was not asked")]
    Question(u64),
}

/// Why something that a node says is not taken in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unacceptable {
    #[error(transparent)]
    Foreign(#[from] Foreign),
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// What an answer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Flows { most: u32 },
    Drops { most: u32 },
    Counters,
}

/// What a node may speak of.
#[derive(Debug, Default)]
pub(crate) struct Belongings {
    interfaces: BTreeSet<NetworkInterfaceId>,
    /// Those that went, and with which generation.
    left: BTreeMap<NetworkInterfaceId, u64>,
    /// The first and the last generation that it was told here.
    told: Option<(u64, u64)>,
    questions: VecDeque<(u64, Kind)>,
}

impl Belongings {
    /// Of a node to which these interfaces were bound before it began to follow.
    pub(crate) fn new(bound: impl IntoIterator<Item = NetworkInterfaceId>) -> Self {
        Self { interfaces: bound.into_iter().collect(), ..Self::default() }
    }

    /// The node is told something.
    pub(crate) fn tell(&mut self, told: &Told) {
        match told {
            Told::Snapshot { generation, desired, .. } => {
                let before = std::mem::take(&mut self.interfaces);
                self.interfaces = desired.interfaces.keys().copied().collect();
                let gone = before.difference(&self.interfaces).map(|id| (*id, *generation));
                self.left.extend(gone);
                self.tell_generation(*generation);
            }
            Told::Delta { generation, delta, .. } => {
                for (id, interface) in &delta.interfaces {
                    if interface.is_some() {
                        self.interfaces.insert(*id);
                    } else {
                        self.interfaces.remove(id);
                        self.left.insert(*id, *generation);
                    }
                }
                self.tell_generation(*generation);
            }
            Told::Current { generation } => self.tell_generation(*generation),
            Told::Question { id, question } => self.ask(*id, question),
        }
    }

    fn tell_generation(&mut self, generation: u64) {
        let first = self.told.map_or(generation, |(first, _)| first.min(generation));
        self.told = Some((first, generation));
        while self.left.len() > LEFT_MAX {
            self.left.pop_first();
        }
    }

    fn ask(&mut self, id: u64, question: &Question) {
        let kind = match question {
            Question::Flows { most, .. } => Kind::Flows { most: *most },
            Question::Drops { most, .. } => Kind::Drops { most: *most },
            Question::Counters { .. } => Kind::Counters,
        };
        if self.questions.len() == QUESTIONS_MAX {
            self.questions.pop_front();
        }
        self.questions.push_back((id, kind));
    }

    /// Checks what the node says, and cuts it to what is known where nothing can be held against it.
    pub(crate) fn check(&mut self, heard: &mut Heard) -> Result<(), Unacceptable> {
        match heard {
            Heard::Confirmed { generation, absent, .. } => {
                self.own(*generation, absent, |id| *id)?;
                let confirmed = *generation;
                self.left.retain(|_, left| *left > confirmed);
            }
            Heard::NotInForce { generation, problems, .. } => {
                self.own(*generation, problems, |problem| problem.interface)?;
            }
            Heard::Answer { id, answer } => return self.answers(*id, answer),
            Heard::Refused { .. } | Heard::InstanceStates(_) | Heard::Report(_) => {}
        }
        Ok(())
    }

    fn knows(&self, id: NetworkInterfaceId) -> bool {
        self.interfaces.contains(&id) || self.left.contains_key(&id)
    }

    /// Interfaces of which the node speaks as of a generation.
    fn own<T>(
        &self,
        generation: u64,
        all: &mut Vec<T>,
        id: impl Fn(&T) -> NetworkInterfaceId,
    ) -> Result<(), Foreign> {
        let told_here = self.told.is_some_and(|(first, last)| (first..=last).contains(&generation));
        match all.iter().map(&id).find(|id| !self.knows(*id)) {
            Some(foreign) if told_here => return Err(Foreign::Interface(foreign)),
            Some(_) => all.retain(|one| self.knows(id(one))),
            None => {}
        }
        Ok(())
    }

    fn answers(&mut self, id: u64, answer: &mut Answer) -> Result<(), Unacceptable> {
        let Some(place) = self.questions.iter().position(|(asked, _)| *asked == id) else {
            let forgotten = self.questions.front().is_some_and(|(first, _)| id < *first);
            return if forgotten { Ok(()) } else { Err(Foreign::Question(id).into()) };
        };
        let Some((_, kind)) = self.questions.remove(place) else { return Ok(()) };
        let many = |count: usize, most: u32| {
            let fits = u32::try_from(count).is_ok_and(|count| count <= most);
            if fits {
                Ok(())
            } else {
                Err(Malformed::new("answer", count, "at most as many as were asked for"))
            }
        };
        match (kind, answer) {
            (_, Answer::Failed(_)) | (Kind::Counters, Answer::Counters(_)) => {}
            (Kind::Flows { most }, Answer::Flows { flows, .. }) => many(flows.len(), most)?,
            (Kind::Drops { most }, Answer::Drops { drops, .. }) => {
                many(drops.len(), most)?;
                // A node remembers drops at what went long ago.
                drops.retain(|drop| self.knows(drop.interface));
            }
            (kind, _) => return Err(Malformed::new("answer", id, kind.wanted()).into()),
        }
        Ok(())
    }
}

/// Whether a node may report these instances. What no node hosts (any more) is passed over later.
pub(crate) fn may_report(state: &State, node: NodeId, reports: &[InstanceReport]) -> Result<(), Foreign> {
    let others = |id: &InstanceId| state.hostings().get(id).is_some_and(|hosting| hosting.node != node);
    let mut reported = reports.iter().map(|report| report.instance);
    reported.find(others).map_or(Ok(()), |id| Err(Foreign::Instance(id)))
}

impl Kind {
    fn wanted(self) -> &'static str {
        match self {
            Self::Flows { .. } => "an answer with flows, as was asked",
            Self::Drops { .. } => "an answer with drops, as was asked",
            Self::Counters => "an answer with counters, as was asked",
        }
    }
}
