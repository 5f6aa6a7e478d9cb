//! The driver of instances on a thread of its own: the enforcer's thread says what is wanted and what is in force, and the
//! driver's thread says how instances stand.

use std::{collections::BTreeMap, io, sync::Arc, thread, time::Duration};

use model::{
    InstanceId, NetworkInterfaceId,
    node::{InstanceReport, ReportedState},
};
use parking_lot::{Condvar, Mutex};
use policy::{Desired, DesiredInstance, WantedState};
use protocol::{instance, node::from_node::Message};
use tokio::sync::oneshot;

use super::{outbox::Outbox, shared::Shared};
use crate::{
    instances::{InstanceDriver, names},
    status::InstanceStatus,
};

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
    /// Whether it is known what is wanted. Before, nothing is touched: instances of an earlier process run on.
    known: bool,
    /// Whether everything is to be said again: a session has begun.
    again: bool,
    ended: bool,
}

/// The enforcer's end of the driver.
pub(crate) struct Driver {
    slot: Arc<Slot>,
}

impl Driver {
    /// Starts the thread, and gives what resolves when it has ended: with an error where nobody told it to.
    ///
    /// # Errors
    /// There can be no more threads.
    pub(crate) fn start(
        driver: Box<dyn InstanceDriver>,
        outbox: Arc<Outbox>,
        shared: Arc<Shared>,
    ) -> io::Result<(Self, oneshot::Receiver<()>)> {
        let slot = Arc::new(Slot::default());
        let (said, unsaid) = (Vec::new(), false);
        let thread = Thread { driver, slot: Arc::clone(&slot), outbox, shared, said, unsaid };
        let (ended, end) = oneshot::channel();
        let run = move || {
            thread.run();
            // A panic does not come to this, and is seen by that.
            let _ = ended.send(());
        };
        thread::Builder::new().name("instances".into()).spawn(run)?;
        Ok((Self { slot }, end))
    }

    /// Says what is wanted and what is in force, where that is otherwise than before. Not before something is wanted: what
    /// is not wanted is removed.
    pub(crate) fn tell(&self, wanted: &Desired, in_force: BTreeMap<NetworkInterfaceId, u32>) {
        let mut told = self.slot.told.lock();
        // At the start it looks at what is there, also where nothing is wanted: instances may be left that are not.
        told.news |= !told.known;
        told.known = true;
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
    /// Whether something of it could not be said.
    unsaid: bool,
}

impl Thread {
    fn run(mut self) {
        loop {
            let (wanted, in_force, again) = {
                let mut told = self.slot.told.lock();
                let idle = told.wanted.instances.is_empty() && self.said.is_empty();
                while !(told.ended || told.known && (told.news || told.again)) {
                    if idle || !told.known {
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
            let states = self.driver.bring(&wanted, &in_force);
            // The kernel does not tell of an alias that a device gets while it is off.
            self.shared.look_again();
            self.say(&wanted, states, again);
        }
    }

    /// Says how instances stand: all of them, or those that stand otherwise than it was said.
    fn say(&mut self, wanted: &Desired, states: Vec<InstanceReport>, again: bool) {
        let again = again || self.unsaid;
        let is_news = |report: &&InstanceReport| again || !self.said.contains(report);
        let news: Vec<InstanceReport> = states.iter().filter(is_news).cloned().collect();
        let said = news
            .chunks(STATES_MAX)
            .all(|part| self.outbox.say(Message::InstanceStates(instance::to_states(part))));
        self.unsaid = !said;
        self.shared.set_instances(instance_statuses(wanted, &states));
        self.said = states;
    }
}

fn instance_statuses(wanted: &Desired, states: &[InstanceReport]) -> Vec<InstanceStatus> {
    let report = |id| states.iter().find(|report| report.instance == id).map(|report| &report.state);
    wanted.instances.iter().map(|(id, instance)| instance_status(*id, instance, report(*id))).collect()
}

fn instance_status(
    id: InstanceId,
    instance: &DesiredInstance,
    state: Option<&ReportedState>,
) -> InstanceStatus {
    let (name, message) = match state {
        Some(ReportedState::Running) => ("running", None),
        Some(ReportedState::Stopped) => ("stopped", None),
        Some(ReportedState::Gone) => ("gone", None),
        Some(ReportedState::Failed(why)) => ("failed", Some(why.to_string())),
        None => ("coming", None),
    };
    let wanted = match instance.wanted {
        WantedState::Running => "running",
        WantedState::Stopped => "stopped",
        WantedState::Gone => "gone",
    };
    InstanceStatus {
        instance_id: id.to_string(),
        host_name: instance.host_name.to_string(),
        wanted: wanted.to_owned(),
        state: name.to_owned(),
        namespace: (name == "running").then(|| names::namespace(id)),
        message,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use model::UnixMillis;

    use super::*;
    use crate::identity::Validity;

    /// Says what it is called with, and answers that everything runs.
    struct Recorder(mpsc::Sender<Desired>);

    impl InstanceDriver for Recorder {
        fn bring(&mut self, wanted: &Desired, _: &BTreeMap<NetworkInterfaceId, u32>) -> Vec<InstanceReport> {
            self.0.send(wanted.clone()).unwrap();
            let report = |(id, of): (&InstanceId, &DesiredInstance)| InstanceReport {
                instance: *id,
                boots: of.boots,
                images: of.images,
                state: ReportedState::Running,
            };
            wanted.instances.iter().map(report).collect()
        }
    }

    fn wanted() -> Desired {
        let instance = DesiredInstance {
            host_name: "a".into(),
            wanted: WantedState::Running,
            boots: 1,
            images: 1,
            interfaces: [].into(),
        };
        Desired { instances: [(InstanceId::from_entropy(1), instance)].into(), ..Desired::default() }
    }

    fn start(driver: impl InstanceDriver + 'static) -> (Driver, oneshot::Receiver<()>) {
        let validity = Validity { from: UnixMillis(0), until: UnixMillis::NEVER };
        let shared = Shared::new("node".into(), "server".into(), "0".into(), validity);
        Driver::start(Box::new(driver), Arc::default(), Arc::new(shared)).unwrap()
    }

    /// Does what no driver should.
    struct Panics;

    impl InstanceDriver for Panics {
        fn bring(&mut self, _: &Desired, _: &BTreeMap<NetworkInterfaceId, u32>) -> Vec<InstanceReport> {
            panic!("as the test wants it")
        }
    }

    #[test]
    fn the_end_of_a_thread_that_nobody_told_to_end_is_an_error() {
        let (driver, ended) = start(Panics);
        driver.tell(&wanted(), BTreeMap::new());
        assert!(ended.blocking_recv().is_err());
        let (driver, ended) = start(Recorder(mpsc::channel().0));
        drop(driver);
        assert_eq!(ended.blocking_recv(), Ok(()));
    }

    #[test]
    fn nothing_is_touched_before_it_is_known_what_is_wanted() {
        let (sender, brought) = mpsc::channel();
        let (driver, _ended) = start(Recorder(sender));
        driver.begin();
        assert_eq!(
            brought.recv_timeout(Duration::from_millis(200)).err(),
            Some(mpsc::RecvTimeoutError::Timeout)
        );
        driver.tell(&wanted(), BTreeMap::new());
        let patience = Duration::from_secs(60);
        assert_eq!(brought.recv_timeout(patience).unwrap().instances, wanted().instances);
        driver.tell(&Desired::default(), BTreeMap::new());
        let mut last = brought.recv_timeout(patience).unwrap();
        while !last.instances.is_empty() {
            last = brought.recv_timeout(patience).unwrap();
        }
    }
}
