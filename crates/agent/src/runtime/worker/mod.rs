//! The one thread that changes and reads the kernel: it obeys updates, one batch of orders after the other.
//!
//! An update is first taken for what is wanted and written to the state file, then brought into force and read back, then
//! waited for until the disk has it, and only then confirmed. So the time in which packets still meet the old rules is not
//! lengthened by the disk, and still a confirmed generation is one that the next process begins with, and the next run of
//! the machine. [`Saved`] says what each kind of end leaves.
//!
//! The thread knows no session: what it says goes to whoever there is.

mod answer;
mod obey;
mod rules;
mod sample;

use std::{collections::VecDeque, mem, sync::Arc, time::Instant};

use dataplane::{Dataplane, DataplaneError};
use model::NetworkInterfaceId;
use protocol::node::{self, from_node::Message};
use tokio::sync::mpsc::Receiver;

use self::rules::RuleNames;
use super::{
    drops::Samples,
    instances::Driver,
    order::{Ask, Batch, Order},
    outbox::Outbox,
    shared::{EnforcementStanding, Shared},
    timed::Timed,
};
use crate::{
    clock,
    device::{FoundDevices, GuardedNames},
    enforcer::{Enforcer, chain},
    message::{self, Took},
    outcome::{Outcome, Problem, ProblemKind},
    saved::Saved,
    wanted::{Update, UpdateError, Wanted},
};

/// The most asks that wait here; beyond them nothing more is taken before one of them is answered.
const ASKS_MAX: usize = 64;
/// The most drifts of an audit that are kept as text.
const DRIFTS_KEPT: usize = 100;

/// What the node has said last in the present session of what is in force.
#[derive(Debug, PartialEq)]
enum Said {
    /// Nothing: the control plane has told nothing yet that there would be an answer to.
    Nothing,
    /// All of it, and which interfaces have no device.
    InForce { absent: Vec<NetworkInterfaceId> },
    /// Not all of it.
    NotInForce(Vec<Problem>),
}

/// Who hears what the enforcer's thread says.
pub(crate) struct Told {
    /// The control plane, while there is a session.
    pub(crate) outbox: Arc<Outbox>,
    /// Whoever looks at the agent.
    pub(crate) shared: Arc<Shared>,
    /// Whoever follows dropped packets.
    pub(crate) samples: Arc<Samples>,
}

/// What belongs to the enforcer's thread.
pub(crate) struct Worker<D> {
    enforcer: Enforcer<Timed<D>>,
    saved: Saved,
    outbox: Arc<Outbox>,
    shared: Arc<Shared>,
    samples: Arc<Samples>,
    driver: Option<Driver>,
    rules: RuleNames,
    standing: EnforcementStanding,
    audited_at: Option<model::UnixMillis>,
    said: Said,
}

/// Brings into force what was wanted last, where anything was; otherwise devices are guarded.
///
/// # Errors
/// The kernel refuses to say what is there. What was wanted contradicts itself: that cannot have been written by an agent.
pub(crate) fn restore<D: Dataplane>(
    dataplane: D,
    guarded: GuardedNames,
    devices: FoundDevices,
    wanted: Option<Wanted>,
) -> Result<(Enforcer<D>, Outcome), RestoreError> {
    let mut enforcer = Enforcer::open(dataplane, guarded)?;
    let outcome = enforcer.set_devices(devices);
    let outcome = match wanted {
        Some(wanted) => enforcer.update(Update::snapshot(wanted))?,
        None => outcome,
    };
    Ok((enforcer, outcome))
}

/// Why nothing can be brought into force.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The kernel refuses.
    #[error("the kernel does not say what is in force")]
    Dataplane(#[from] DataplaneError),
    /// What was saved contradicts itself.
    #[error("what was saved as wanted contradicts itself")]
    Saved(#[from] UpdateError),
}

impl<D: Dataplane> Worker<D> {
    /// A worker that goes on from what was brought into force.
    pub(crate) fn new(
        enforcer: Enforcer<Timed<D>>,
        saved: Saved,
        Told { outbox, shared, samples }: Told,
        driver: Option<Driver>,
    ) -> Self {
        let generation = enforcer.wanted().generation;
        let standing = EnforcementStanding {
            updated: generation > 0,
            wanted: generation,
            behind_since: Some(Instant::now()).filter(|_| generation > 0),
            ..EnforcementStanding::default()
        };
        let mut worker = Self {
            enforcer,
            saved,
            outbox,
            shared,
            samples,
            driver,
            rules: RuleNames::default(),
            standing,
            audited_at: None,
            said: Said::Nothing,
        };
        worker.settle();
        worker.drive();
        worker.publish();
        worker
    }

    /// Obeys orders until it is told to end. What is in force stays so.
    ///
    /// What is asked waits for what is told: an answer may take long, and so it is looked for updates again after each.
    pub(crate) fn run(mut self, mut orders: Receiver<Order>) {
        let mut asks = VecDeque::new();
        loop {
            let mut batch = Batch::default();
            if asks.is_empty() {
                let Some(first) = orders.blocking_recv() else { return };
                batch.add(first);
            }
            while asks.len() + batch.asks.len() < ASKS_MAX && batch.orders < orders.max_capacity() {
                let Ok(more) = orders.try_recv() else { break };
                batch.add(more);
            }
            asks.extend(mem::take(&mut batch.asks));
            let end = batch.end;
            self.turn(batch, asks.pop_front());
            if end {
                asks.into_iter().for_each(|ask| self.turn(Batch::default(), Some(ask)));
                return;
            }
        }
    }

    /// Carries out what was told, then what was asked.
    fn turn(&mut self, batch: Batch, ask: Option<Ask>) {
        // Rules are named by what is in force now, and so before that is another one.
        self.drain();
        let told = batch.devices.is_some() || !batch.updates.is_empty();
        if let Some(devices) = batch.devices {
            self.enforcer.set_devices(devices);
            self.settle();
        }
        for (update, came) in batch.updates {
            self.obey(update, came);
        }
        if told {
            self.drive();
            self.publish();
        }
        if let Some(ask) = ask.filter(|ask| !ask.is_given_up()) {
            self.answer(ask);
            self.drive();
            self.publish();
        }
    }

    /// Says what is in force where that is otherwise than it was said.
    fn settle(&mut self) {
        if !self.standing.updated {
            return;
        }
        let outcome = self.enforcer.outcome();
        let now = self.note(&outcome);
        if self.said != Said::Nothing && self.said != now {
            self.say_standing(&outcome, now, Took::default());
        }
    }

    /// What is the matter, with what cannot be saved among it.
    fn problems_of(&self, outcome: &Outcome) -> Vec<Problem> {
        let mut problems = outcome.problems.clone();
        if let Some(why) = &self.standing.unsaved {
            let wanted = self.enforcer.wanted().desired.interfaces.keys();
            problems.extend(
                wanted.map(|interface| Problem {
                    interface: *interface,
                    kind: ProblemKind::Unsaved(why.clone()),
                }),
            );
        }
        problems
    }

    /// Remembers what is in force, and gives what is to be said of it.
    fn note(&mut self, outcome: &Outcome) -> Said {
        let put_back = self.enforcer.take_put_back();
        self.count_drift(put_back, put_back);
        self.standing.wanted = outcome.generation;
        let problems = self.problems_of(outcome);
        // What cannot be saved is in force, but is not confirmed.
        if problems.is_empty() && self.standing.unsaved.is_none() {
            self.standing.confirmed = outcome.generation;
            self.standing.behind_since = None;
            return Said::InForce { absent: outcome.absent.clone() };
        }
        // After a step back nothing newer is confirmed any more.
        self.standing.confirmed = self.standing.confirmed.min(outcome.generation);
        self.standing.behind_since.get_or_insert_with(Instant::now);
        Said::NotInForce(problems)
    }

    fn say_standing(&mut self, outcome: &Outcome, now: Said, took: Took) {
        self.outbox.say(match &now {
            Said::NotInForce(problems) => {
                Message::NotInForce(message::not_in_force(outcome.generation, problems))
            }
            Said::Nothing | Said::InForce { .. } => Message::Confirmed(message::confirmed(outcome, took)),
        });
        self.said = now;
    }

    fn publish(&mut self) {
        self.standing.tally = self.enforcer.tally();
        self.shared.set_enforcement(self.standing.clone());
    }

    /// Compares the kernel with what was put in force, and repairs it.
    fn audit(&mut self) {
        let audited = self.enforcer.audit();
        self.audited_at = Some(clock::now());
        self.standing.audit.at = self.audited_at.map(model::UnixMillis::to_text);
        let audit = match audited {
            Ok(audit) => audit,
            Err(error) => {
                let error = chain(&error);
                tracing::error!(error, "what is in force cannot be compared with what is wanted");
                self.standing.audit.error = Some(error);
                return;
            }
        };
        let (found, left) = (audit.found.len() as u64, audit.left.len() as u64);
        self.count_drift(found, found.saturating_sub(left));
        self.standing.audit.error = None;
        self.standing.audit.left = audit.left.iter().take(DRIFTS_KEPT).map(ToString::to_string).collect();
        for drift in audit.found.iter().take(DRIFTS_KEPT) {
            let repaired = !audit.left.contains(drift);
            tracing::error!(%drift, repaired, "somebody else has changed what is in force");
        }
        self.settle();
        if found > 0 {
            self.report();
        }
    }

    fn count_drift(&mut self, found: u64, repaired: u64) {
        self.standing.audit.drift_found += found;
        self.standing.audit.drift_repaired += repaired;
        self.shared.metrics.drift_found.inc_by(found);
        self.shared.metrics.drift_repaired.inc_by(repaired);
    }

    /// Begins a session: what is said is said on it from now on.
    fn begin(&mut self) -> Receiver<node::FromNode> {
        self.said = Said::Nothing;
        let hello = node::Hello {
            agent_version: self.shared.version.clone(),
            generation: self.enforcer.wanted().generation,
            run: self.enforcer.wanted().run,
            booted_at_ms: clock::booted_at().map_or(0, |at| u64::try_from(at.0).unwrap_or(0)),
        };
        let said = self.outbox.begin(hello);
        if let Some(driver) = &self.driver {
            driver.begin();
        }
        said
    }

    /// Tells the driver of instances what is wanted, and what is in force.
    fn drive(&mut self) {
        // Of a node that was told nothing yet it is not known what is not wanted.
        if let Some(driver) = self.driver.as_ref().filter(|_| self.standing.updated) {
            driver.tell(&self.enforcer.wanted().desired, self.enforcer.in_force());
        }
    }

    /// Says how the node is.
    fn report(&mut self) {
        let measures = self.measure();
        let tally = self.enforcer.tally();
        let report = node::Report {
            drift_found: self.standing.audit.drift_found,
            drift_repaired: self.standing.audit.drift_repaired,
            audited_at_ms: self.audited_at.map_or(0, |at| u64::try_from(at.0).unwrap_or(0)),
            interface_count: tally.interfaces as u64,
            absent_count: tally.absent as u64,
            guarded_count: tally.guarded as u64,
            flow_count: measures.flows,
            dropped_packets: measures
                .dropped
                .iter()
                .map(|(reason, count)| (reason.name().to_owned(), *count))
                .collect(),
        };
        self.outbox.say(Message::Report(report));
    }

    /// Makes good what could not be saved, and makes room in the state file before it is needed.
    fn upkeep(&mut self) {
        let unsaved = self.standing.unsaved.is_some();
        if !self.standing.updated || !unsaved && !self.saved.is_filling() {
            return;
        }
        let saved = self.saved.replace(self.enforcer.wanted());
        self.note_saved(saved.map_err(|error| chain(&error)));
        if unsaved {
            self.settle();
        }
    }

    fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Begin(answer) => drop(answer.send(self.begin())),
            Ask::Flows { interface, answer } => drop(answer.send(self.flows(interface))),
            Ask::Counters { interface, answer } => drop(answer.send(self.counters(interface))),
            Ask::Dropped { interface, answer } => drop(answer.send(self.dropped(interface))),
            Ask::Measure(answer) => drop(answer.send(self.measure())),
            Ask::Look(answer) => drop(answer.send(self.look())),
            Ask::Release { device, force, answer } => drop(answer.send(self.release(&device, force))),
            Ask::Report => self.report(),
            Ask::Drain => {}
            Ask::Audit => self.audit(),
            Ask::Upkeep => self.upkeep(),
            Ask::Alive(answer) => drop(answer.send(())),
        }
    }
}
