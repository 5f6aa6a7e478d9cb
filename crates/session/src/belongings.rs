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
/// The most interfaces, and instances, that are remembered after they went.
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

/// Those that are a node's, and those that have just been.
#[derive(Debug)]
struct Own<K> {
    now: BTreeSet<K>,
    /// Those that went, and with which generation.
    left: BTreeMap<K, u64>,
}

impl<K: Copy + Ord> Own<K> {
    fn new(now: impl IntoIterator<Item = K>) -> Self {
        Self { now: now.into_iter().collect(), left: BTreeMap::new() }
    }

    fn knows(&self, id: K) -> bool {
        self.now.contains(&id) || self.left.contains_key(&id)
    }

    /// From a generation on these are all.
    fn replace(&mut self, all: impl Iterator<Item = K>, generation: u64) {
        let before = std::mem::replace(&mut self.now, all.collect());
        let gone = before.difference(&self.now).map(|id| (*id, generation));
        self.left.extend(gone);
        self.bound();
    }

    /// One comes or stays, or goes.
    fn change(&mut self, id: K, stays: bool, generation: u64) {
        if stays {
            self.now.insert(id);
        } else {
            self.now.remove(&id);
            self.left.insert(id, generation);
            self.bound();
        }
    }

    /// One that is not there is remembered as if it had just gone.
    fn leave(&mut self, id: K, generation: u64) {
        if !self.now.contains(&id) {
            self.left.insert(id, generation);
            self.bound();
        }
    }

    /// The node has confirmed a generation: what went with it is gone.
    fn confirm(&mut self, generation: u64) {
        self.left.retain(|_, left| *left > generation);
    }

    fn bound(&mut self) {
        while self.left.len() > LEFT_MAX {
            self.left.pop_first();
        }
    }
}

/// What a node may speak of.
#[derive(Debug)]
pub(crate) struct Belongings {
    interfaces: Own<NetworkInterfaceId>,
    instances: Own<InstanceId>,
    /// The first and the last generation that it was told here.
    told: Option<(u64, u64)>,
    /// Instances of which it spoke before it was told anything.
    spoken_of: BTreeSet<InstanceId>,
    questions: VecDeque<(u64, Kind)>,
}

impl Belongings {
    /// Of a node, from a state before it began to follow.
    pub(crate) fn of(state: &State, node: NodeId) -> Self {
        Self {
            interfaces: Own::new(state.bound_to(node).map(|binding| binding.interface)),
            instances: Own::new(state.hosted_by(node).map(|hosting| hosting.instance)),
            told: None,
            spoken_of: BTreeSet::new(),
            questions: VecDeque::new(),
        }
    }

    /// The node is told something.
    pub(crate) fn tell(&mut self, told: &Told) {
        match told {
            Told::Snapshot { generation, desired, .. } => {
                self.interfaces.replace(desired.interfaces.keys().copied(), *generation);
                self.instances.replace(desired.instances.keys().copied(), *generation);
                self.tell_generation(*generation);
            }
            Told::Delta { generation, delta, .. } => {
                for (id, interface) in &delta.interfaces {
                    self.interfaces.change(*id, interface.is_some(), *generation);
                }
                for (id, instance) in &delta.instances {
                    self.instances.change(*id, instance.is_some(), *generation);
                }
                self.tell_generation(*generation);
            }
            Told::Current { generation, .. } => self.tell_generation(*generation),
            Told::Question { id, question } => self.ask(*id, question),
        }
    }

    fn tell_generation(&mut self, generation: u64) {
        // It may say the same again before it has read this.
        for id in std::mem::take(&mut self.spoken_of) {
            self.instances.leave(id, generation);
        }
        let first = self.told.map_or(generation, |(first, _)| first.min(generation));
        self.told = Some((first, generation));
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
                self.interfaces.confirm(*generation);
                self.instances.confirm(*generation);
            }
            Heard::NotInForce { generation, problems, .. } => {
                self.own(*generation, problems, |problem| problem.interface)?;
            }
            Heard::Answer { id, answer } => return self.answers(*id, answer),
            Heard::Refused { .. } | Heard::InstanceStates(_) | Heard::Report(_) => {}
        }
        Ok(())
    }

    /// Interfaces of which the node speaks as of a generation.
    fn own<T>(
        &self,
        generation: u64,
        all: &mut Vec<T>,
        id: impl Fn(&T) -> NetworkInterfaceId,
    ) -> Result<(), Foreign> {
        let told_here = self.told.is_some_and(|(first, last)| (first..=last).contains(&generation));
        match all.iter().map(&id).find(|id| !self.interfaces.knows(*id)) {
            Some(foreign) if told_here => return Err(Foreign::Interface(foreign)),
            Some(_) => all.retain(|one| self.interfaces.knows(id(one))),
            None => {}
        }
        Ok(())
    }

    /// Those reported instances that another node hosts, and of which this one was not told that they are its own. An
    /// instance that no node hosts any more, and one that has just gone to another, are passed over later.
    pub(crate) fn hosted_elsewhere(
        &self,
        state: &State,
        node: NodeId,
        reports: &[InstanceReport],
    ) -> BTreeSet<InstanceId> {
        let elsewhere =
            |id: &InstanceId| state.hostings().get(id).is_some_and(|hosting| hosting.node != node);
        let reported = reports.iter().map(|report| report.instance);
        reported.filter(|id| !self.instances.knows(*id) && elsewhere(id)).collect()
    }

    /// Checks what the node reports. What it says before it was told anything is of a time that is not known here: then
    /// what is elsewhere now is left out, and not held against it.
    pub(crate) fn report(
        &mut self,
        elsewhere: &BTreeSet<InstanceId>,
        reports: &mut Vec<InstanceReport>,
    ) -> Result<(), Foreign> {
        if self.told.is_some() {
            return elsewhere.first().map_or(Ok(()), |id| Err(Foreign::Instance(*id)));
        }
        let room = LEFT_MAX.saturating_sub(self.spoken_of.len());
        self.spoken_of.extend(reports.iter().map(|report| report.instance).take(room));
        reports.retain(|report| !elsewhere.contains(&report.instance));
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
                drops.retain(|drop| self.interfaces.knows(drop.interface));
            }
            (kind, _) => return Err(Malformed::new("answer", id, kind.wanted()).into()),
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests;
