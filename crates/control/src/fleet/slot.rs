//! What is known of one node beside the state: its connection, what it has still to be told, and what it said. Pure.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
};

use model::{NetworkInterfaceId, NodeId, UnixMillis, node::Digest};
use tokio::sync::{Notify, oneshot};

use super::{
    Answer, AskError, Delay, Ended, Hello, NodeReport, NotInForce, Question, Refused, Regression,
    backlog::Backlog, instances::Reports, receipts::Moment,
};

/// A connection of a node.
#[derive(Debug)]
pub(super) struct Connection {
    /// Which one: a follower whose number is another was replaced.
    pub(super) number: u64,
    pub(super) began: UnixMillis,
    pub(super) source: SocketAddr,
    pub(super) agent_version: Box<str>,
    pub(super) booted_at: Option<UnixMillis>,
    pub(super) certificate: Digest,
    /// Why it is at its end; its follower has not noticed yet.
    pub(super) ended: Option<Ended>,
    /// Wakes its follower.
    pub(super) wake: Arc<Notify>,
    pub(super) questions: Questions,
    /// What it said of instances that it hosts.
    pub(super) instances: Reports,
}

/// What a node is asked, on one connection.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// Not told yet.
    pub(super) untold: VecDeque<(u64, Question)>,
    /// Not answered yet, told or not.
    pub(super) unanswered: HashMap<u64, Unanswered>,
}

/// A question that is not answered yet.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) answer: oneshot::Sender<Result<Answer, AskError>>,
    /// Whether the node may hold its answer back.
    pub(super) may_wait: bool,
}

/// A regression, and what is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Regressed {
    pub(super) regression: Regression,
    /// Whether the node is still to be told the older generation once, which it refuses.
    pub(super) untold: bool,
    /// Whether it was told to obey since it was readmitted: what it refuses after that it was not told before.
    pub(super) told_to_obey: bool,
}

/// What is known of one node.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) backlog: Backlog,
    pub(super) connection: Option<Connection>,
    /// When the last connection ended.
    pub(super) left_at: Option<UnixMillis>,
    /// When it said something last.
    pub(super) heard_at: Option<UnixMillis>,
    /// The newest generation that it has confirmed to this process. None also where it has said since that this one is
    /// not in force, or has come back with an older one.
    pub(super) confirmed: Option<u64>,
    /// Generations that concern it and that it has not confirmed, the oldest first.
    pub(super) awaited: VecDeque<u64>,
    /// How many more there are, older ones, of which no receipt is kept.
    pub(super) forgotten: u64,
    /// The newest of them.
    pub(super) forgotten_through: u64,
    /// When the oldest generation that it has not confirmed was durable.
    pub(super) behind_since: Option<Moment>,
    pub(super) not_in_force: Option<Arc<NotInForce>>,
    pub(super) refused: Option<Arc<Refused>>,
    /// Whether it is told nothing before something changes, because it refused a snapshot.
    pub(super) resting: bool,
    pub(super) regressed: Option<Regressed>,
    /// Interfaces without a device, when it confirmed something last.
    pub(super) absent: Arc<BTreeSet<NetworkInterfaceId>>,
    pub(super) report: Option<(UnixMillis, NodeReport)>,
}

impl Slot {
    /// Of a node that has not connected; it is told what changes from this generation on.
    pub(super) fn new(generation: u64) -> Self {
        Self {
            backlog: Backlog::since(generation),
            connection: None,
            left_at: None,
            heard_at: None,
            confirmed: None,
            awaited: VecDeque::new(),
            forgotten: 0,
            forgotten_through: 0,
            behind_since: None,
            not_in_force: None,
            refused: None,
            resting: false,
            regressed: None,
            absent: Arc::default(),
            report: None,
        }
    }

    /// The connection with this number, if it is the present one.
    pub(super) fn connection(&mut self, number: u64) -> Result<&mut Connection, Ended> {
        match &mut self.connection {
            Some(connection) if connection.number == number => match connection.ended {
                None => Ok(connection),
                Some(ended) => Err(ended),
            },
            _ => Err(Ended::Replaced),
        }
    }

    /// The connection, unless it is at its end.
    pub(super) fn connected(&self) -> Option<&Connection> {
        self.connection.as_ref().filter(|connection| connection.ended.is_none())
    }

    pub(super) fn wake(&self) {
        if let Some(connection) = &self.connection {
            connection.wake.notify_one();
        }
    }

    /// Ends the connection; its follower learns why.
    pub(super) fn end(&mut self, why: Ended) {
        if let Some(connection) = &mut self.connection {
            connection.ended.get_or_insert(why);
            connection.questions = Questions::default();
            connection.wake.notify_one();
        }
    }

    /// Whether it is told nothing: until an operator has a say, or until something changes.
    pub(super) fn held(&self) -> bool {
        self.resting || self.regressed.is_some_and(|own| !own.regression.readmitted && !own.untold)
    }

    /// Why it has not confirmed a generation.
    pub(super) fn delay(&self, generation: u64) -> Delay {
        if let Some(Regressed { regression, .. }) = self.regressed
            && !regression.readmitted
        {
            return Delay::Regressed { generation: regression.generation };
        }
        if self.connected().is_none() {
            return self.left_at.map_or(Delay::NeverConnected, |since| Delay::NotConnected { since });
        }
        if let Some(refused) = self.refused.as_ref().filter(|refused| refused.generation >= generation) {
            return Delay::Refused(Arc::clone(refused));
        }
        if let Some(own) = self.not_in_force.as_ref().filter(|own| own.generation >= generation) {
            return Delay::NotInForce(Arc::clone(own));
        }
        if self.backlog.told() >= generation { Delay::NotAnswered } else { Delay::NotTold }
    }
}

/// What is known of nodes, by id.
pub(super) type Slots = BTreeMap<NodeId, Slot>;

impl Connection {
    pub(super) fn new(number: u64, hello: Hello, began: UnixMillis) -> Self {
        let Hello { generation: _, run: _, booted_at, agent_version, source, certificate } = hello;
        Self {
            number,
            began,
            source,
            agent_version,
            booted_at,
            certificate,
            ended: None,
            wake: Arc::default(),
            questions: Questions::default(),
            instances: Reports::default(),
        }
    }
}
