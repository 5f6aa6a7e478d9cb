//! What the tests have in common.

use std::{
    collections::BTreeMap,
    future::Future,
    ops::ControlFlow,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use control::{Clock, Control, NonceRecord, Opened, Settings, Submission};
use model::{Actor, Command, State, UnixMillis, command::SecurityGroupCommand, refusal::Target};
use store::{Store, Table};

use crate::seed::{ACCOUNT, group_id, interface_id};

/// A clock that stands still until it is set.
#[derive(Clone, Default)]
pub struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub fn set(&self, now: UnixMillis) {
        self.0.store(now.0, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

/// Settings for tests: recovery is tried again at once, and nothing ends by a deadline.
pub fn settings() -> Settings {
    Settings {
        recovery_pause: Duration::from_millis(1),
        recovery_pause_max: Duration::from_millis(1),
        read_deadline: Duration::from_secs(600),
        commit_deadline: Duration::from_secs(600),
        ..Settings::default()
    }
}

/// Settings for tests that hold whoever commits: the writer's thread, or the submitter's own.
pub fn either_way() -> [Settings; 2] {
    [false, true].map(|commit_on_submitter| Settings { commit_on_submitter, ..settings() })
}

pub fn open_with(store: impl Store + 'static, settings: Settings) -> Opened {
    Control::open(Box::new(store), settings, Arc::new(ManualClock::default()), &mut |_| {}).unwrap()
}

pub fn open(store: impl Store + 'static) -> Control {
    open_with(store, settings()).control
}

pub fn submission(command: Command) -> Submission {
    Submission {
        actor: Actor::Root(ACCOUNT),
        command,
        operation: "Test",
        request_id: "request".into(),
        source: None,
        nonce: None,
    }
}

pub fn leave(interface: u32) -> Submission {
    let target = Target::Interface(interface_id(interface));
    submission(Command::SecurityGroup(SecurityGroupCommand::Leave { group: group_id(0), target }))
}

pub fn join(interface: u32) -> Submission {
    let target = Target::Interface(interface_id(interface));
    submission(Command::SecurityGroup(SecurityGroupCommand::Join { group: group_id(0), target }))
}

pub fn create_group(name: &str) -> Submission {
    let (name, description) = (name.into(), "".into());
    submission(Command::SecurityGroup(SecurityGroupCommand::Create { name, description, rules: Vec::new() }))
}

pub fn nonce(minute: u32, number: u8) -> Option<NonceRecord> {
    Some(NonceRecord { minute, account: ACCOUNT.0, digest: [number; 8] })
}

/// Whether the interface is a member of group 0.
pub fn is_member(state: &State, interface: u32) -> bool {
    state.interfaces().get(&interface_id(interface)).unwrap().groups.contains(&group_id(0))
}

/// One poll of a future, as a task would make it.
pub fn poll_once<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// A runtime of one thread.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

type Records = BTreeMap<Vec<u8>, Vec<u8>>;

/// The entities that the state shows, as records.
pub fn shown(control: &Control) -> Records {
    let record = |entity: model::Entity| {
        (control::records::entity_key(&entity.key()), control::records::entity_value(&entity).unwrap())
    };
    control.read_blocking(|state| state.entities().map(record).collect()).unwrap().value
}

/// The records of a table, as the store keeps them.
pub fn stored(control: &Control, table: Table) -> Records {
    let snapshot = control.snapshot_blocking().unwrap();
    let mut records = Records::new();
    let mut collect = |key: &[u8], value: &[u8]| {
        records.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    };
    snapshot.scan(table, &[], &mut collect).unwrap();
    records
}

/// State and store say the same, and so do the indexes and the entities.
pub fn assert_consistent(control: &Control) {
    assert_eq!(shown(control), stored(control, Table::Entities));
    let (members, recomputed, memberships) = control
        .read_blocking(|state| {
            let count = |state: &State| -> Vec<usize> {
                (0..4).map(|number| state.member_count(group_id(number))).collect()
            };
            let memberships: usize = state.interfaces().all().map(|interface| interface.groups.len()).sum();
            (count(state), count(&state.recomputed()), memberships)
        })
        .unwrap()
        .value;
    assert_eq!(members, recomputed);
    assert_eq!(control.sizes().memberships, memberships);
}
