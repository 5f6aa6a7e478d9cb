//! The driver of instances on a thread of its own: the enforcer's thread says what is wanted and what is in force, and the
//! driver's thread says how instances stand.

use std::{collections::BTreeMap, io, sync::Arc, thread, time::Duration};

use model::{
    NetworkInterfaceId,
    node::{InstanceReport, ReportedState},
};
use parking_lot::{Condvar, Mutex};
use policy::Desired;
use protocol::{instance, node::from_node::Message};

use super::{outbox::Outbox, shared::Shared};
use crate::{instances::InstanceDriver, status::InstanceStatus};

/// How long what failed rests before it is tried again, and how often what somebody else removed is looked for.
const PAUSE: Duration = Duration::from_secs(10);
/// The most states that are said in one message.
const STATES_MAX: usize = 500;

/// What the driver's thread is told: the newest is all that counts.
#[derive(Default)]
struct Slot {
    told: Mutex<Told>,
    news: Condvar,
}

#[derive(Default)]
struct Told {
    wanted: Arc<Desired>,
    in_force: BTreeMap<NetworkInterfaceId, u32>,
    news: bool,
    /// Whether everything is to be said again: a session has begun.
    again: bool,
    ended: bool,
}

/// The enforcer's end of the driver.
pub(crate) struct Driver {
    slot: Arc<Slot>,
}

impl Driver {
    /// Starts the thread.
    ///
    /// # Errors
    /// There can be no more threads.
    pub(crate) fn start(
        driver: Box<dyn InstanceDriver>,
        outbox: Arc<Outbox>,
        shared: Arc<Shared>,
    ) -> io::Result<Self> {
        let slot = Arc::new(Slot::default());
        let thread = Thread { driver, slot: Arc::clone(&slot), outbox, shared, said: Vec::new() };
        thread::Builder::new().name("instances".into()).spawn(move || thread.run())?;
        Ok(Self { slot })
    }

    /// Says what is wanted and what is in force, where that is otherwise than before.
    pub(crate) fn tell(&self, wanted: &Desired, in_force: BTreeMap<NetworkInterfaceId, u32>) {
        let mut told = self.slot.told.lock();
        if told.wanted.instances != wanted.instances {
            told.wanted = Arc::new(wanted.clone());
            told.news = true;
        }
        if told.in_force != in_force {
            told.in_force = in_force;
            told.news = true;
        }
        if told.news {
            self.slot.news.notify_one();
        }
    }

    /// A session begins, which knows nothing of instances.
    pub(crate) fn begin(&self) {
        self.slot.told.lock().again = true;
        self.slot.news.notify_one();
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.slot.told.lock().ended = true;
        self.slot.news.notify_one();
    }
}

struct Thread {
    driver: Box<dyn InstanceDriver>,
    slot: Arc<Slot>,
    outbox: Arc<Outbox>,
    shared: Arc<Shared>,
    said: Vec<InstanceReport>,
}

impl Thread {
    fn run(mut self) {
        // At the start it looks at what is there, also where nothing is wanted: instances may be left that are not.
        let mut look = true;
        loop {
            let (wanted, in_force, again) = {
                let mut told = self.slot.told.lock();
                let idle = told.wanted.instances.is_empty() && self.said.is_empty();
                while !(look || told.news || told.again || told.ended) {
                    if idle {
                        self.slot.news.wait(&mut told);
                    } else if self.slot.news.wait_for(&mut told, PAUSE).timed_out() {
                        break;
                    }
                }
                if told.ended {
                    return;
                }
                told.news = false;
                (Arc::clone(&told.wanted), told.in_force.clone(), std::mem::take(&mut told.again))
            };
            look = false;
            let states = self.driver.bring(&wanted, &in_force);
            self.say(states, again);
        }
    }

    /// Says how instances stand: all of them, or those that stand otherwise than it was said.
    fn say(&mut self, states: Vec<InstanceReport>, again: bool) {
        let is_news = |report: &&InstanceReport| again || !self.said.contains(report);
        let news: Vec<InstanceReport> = states.iter().filter(is_news).cloned().collect();
        for part in news.chunks(STATES_MAX) {
            self.outbox.say(Message::InstanceStates(instance::to_states(part)));
        }
        if states != self.said {
            self.shared.set_instances(states.iter().map(instance_status).collect());
            self.said = states;
        }
    }
}

fn instance_status(report: &InstanceReport) -> InstanceStatus {
    let (name, message) = match &report.state {
        ReportedState::Running => ("running", None),
        ReportedState::Stopped => ("stopped", None),
        ReportedState::Gone => ("gone", None),
        ReportedState::Failed(why) => ("failed", Some(why.to_string())),
    };
    InstanceStatus { instance_id: report.instance.to_string(), state: name.to_owned(), message }
}
