//! While the disk has one batch, the next one is planned; it is neither written nor answered before that one is on disk.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use control::{Clock, Control, Failure, Phase, Receipt, Settings, Submission};
use model::{
    Actor, Command, Outcome, Refusal, UnixMillis,
    instance::InstanceStatus,
    ram::{RamCommand, RamOutcome},
};
use store::{FailedCommit, Failures, Table};
use tokio::runtime::Handle;

use crate::{
    clock::{run_three, status},
    scripted::{BOTH, Script, Scripted},
    seed,
    world::{
        ManualClock, assert_consistent, create_group, is_member, join, leave, nonce, open, open_with,
        poll_once, runtime, settings, stored, submission,
    },
};

type Answer = Result<Receipt, Failure>;
type Waiting<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// Puts a submission into the queue.
fn ask(control: &Control, submission: Submission) -> Waiting<'_> {
    let mut waiting: Waiting<'_> = Box::pin(control.submit(submission));
    assert!(poll_once(waiting.as_mut()).is_none());
    waiting
}

/// Lets the writer hand over a batch of four, which leave as generations 3 to 6, and the disk stand still with it.
fn hold_four<'a>(control: &'a Control, script: &Script) -> Vec<Waiting<'a>> {
    script.close();
    let mut asked = vec![ask(control, leave(0))];
    script.wait_for_entry(1);
    asked.extend((1..5).map(|number| ask(control, leave(number))));
    script.hold_from(2);
    script.wait_for_entry(2);
    let first = asked.remove(0);
    assert_eq!(Handle::current().block_on(first).unwrap().generation, 2);
    asked
}

/// Waits for what the writer does by itself.
fn until(control: &Control, so: impl Fn(&control::Status) -> bool) {
    while !so(&control.status()) {
        assert_ne!(control.status().phase, Phase::Stopped);
        thread::yield_now();
    }
}

fn answers(waiting: Vec<Waiting<'_>>) -> Vec<Result<u64, Failure>> {
    let mut answers = Vec::new();
    for waiting in waiting {
        answers.push(Handle::current().block_on(waiting).map(|receipt| receipt.generation));
    }
    answers
}

fn nobody_is_answered(waiting: &mut [Waiting<'_>]) -> bool {
    waiting.iter_mut().all(|waiting| poll_once(waiting.as_mut()).is_none())
}

fn members(control: &Control) -> (u64, Vec<u32>) {
    let read =
        control.read_blocking(|state| (0..8).filter(|number| is_member(state, *number)).collect()).unwrap();
    (read.generation, read.value)
}

fn eight() -> (Control, Script, Failures) {
    let (store, script, failures) = Scripted::memory(|store| seed::fill(store, 1, 8));
    (open(store), script, failures)
}

#[test]
fn the_next_batch_is_planned_and_waits_for_its_own_commit() {
    let (control, script, _) = eight();
    let runtime = runtime();
    let _guard = runtime.enter();
    let mut first = hold_four(&control, &script);
    let mut second = vec![ask(&control, leave(5)), ask(&control, leave(6))];
    until(&control, |status| status.generation == 8);
    let status = control.status();
    assert_eq!((status.durable, status.queued, script.entered()), (2, 0, 2));
    assert!(nobody_is_answered(&mut first) && nobody_is_answered(&mut second));
    script.hold_from(3);
    script.wait_for_entry(3);
    assert_eq!(control.status().durable, 6);
    assert_eq!(answers(first), [Ok(3), Ok(4), Ok(5), Ok(6)]);
    assert!(nobody_is_answered(&mut second));
    let mut reading = pin!(control.read(|state| is_member(state, 5)));
    assert!(poll_once(reading.as_mut()).is_none(), "what it saw is not on disk");
    script.open();
    assert_eq!(answers(second), [Ok(7), Ok(8)]);
    assert!(!runtime.block_on(reading).unwrap().value);
    assert_eq!(script.entered(), 3);
    assert_consistent(&control);
}

#[test]
fn a_full_batch_waits_for_the_disk_alone() {
    let (store, script, _) = Scripted::memory(|store| seed::fill(store, 1, 16));
    let control = open_with(store, Settings { batch_max: 4, queue_max: 4, ..settings() }).control;
    let runtime = runtime();
    let _guard = runtime.enter();
    let first = hold_four(&control, &script);
    let mut second: Vec<_> = (5..9).map(|number| ask(&control, leave(number))).collect();
    until(&control, |status| status.generation == 10);
    // The next batch is full, and so is the queue: nobody can be told anything by way of it.
    second.extend((9..13).map(|number| ask(&control, leave(number))));
    assert_eq!(control.submit_blocking(leave(13)), Err(Failure::Overloaded));
    let status = control.status();
    assert_eq!((status.generation, status.queued), (10, 4));
    script.hold_from(3);
    script.wait_for_entry(3);
    assert_eq!(answers(first), [Ok(3), Ok(4), Ok(5), Ok(6)]);
    until(&control, |status| status.generation == 14);
    script.open();
    assert_eq!(answers(second), (7..15).map(Ok).collect::<Vec<_>>());
    assert_eq!(script.entered(), 4);
    assert_consistent(&control);
}

#[test]
fn when_a_batch_fails_the_one_that_was_planned_on_it_never_was() {
    for outcome in BOTH {
        let (control, script, failures) = eight();
        let runtime = runtime();
        let _guard = runtime.enter();
        let mut first = hold_four(&control, &script);
        // The second and the third depend on what is being written.
        let asked = [leave(5), join(1), leave(2), create_group("new")];
        let second: Vec<_> = asked.map(|submission| ask(&control, submission)).into();
        until(&control, |status| status.generation == 9);
        failures.fail_commit(outcome);
        script.hold_from(3);
        script.wait_for_entry(3);
        assert_eq!(control.status().phase, Phase::Recovering);
        assert_eq!(members(&control), (2, (1..8).collect()), "what certainly is");
        assert_eq!(answers(second), vec![Err(Failure::NotDurable); 4]);
        assert!(nobody_is_answered(&mut first), "nobody knows yet");
        script.open();
        if outcome == FailedCommit::Present {
            assert_eq!(answers(first), [Ok(3), Ok(4), Ok(5), Ok(6)]);
            assert_eq!(members(&control), (6, vec![5, 6, 7]));
        } else {
            assert_eq!(answers(first), vec![Err(Failure::NotDurable); 4]);
            assert_eq!(members(&control), (2, (1..8).collect()));
        }
        assert_consistent(&control);
        assert_eq!(control.submit_blocking(leave(7)).unwrap().generation, 10, "no number is used again");
        assert_consistent(&control);
    }
}

#[test]
fn a_batch_that_was_planned_beside_another_may_fail_alone() {
    for outcome in BOTH {
        let (control, script, failures) = eight();
        let runtime = runtime();
        let _guard = runtime.enter();
        let first = hold_four(&control, &script);
        let second = vec![ask(&control, leave(5)), ask(&control, join(1))];
        until(&control, |status| status.generation == 8);
        script.hold_from(3);
        script.wait_for_entry(3);
        let third = ask(&control, leave(6));
        until(&control, |status| status.generation == 9);
        failures.fail_commit(outcome);
        script.open();
        assert_eq!(answers(first), [Ok(3), Ok(4), Ok(5), Ok(6)]);
        assert_eq!(answers(vec![third]), [Err(Failure::NotDurable)]);
        if outcome == FailedCommit::Present {
            assert_eq!(answers(second), [Ok(7), Ok(8)]);
            assert_eq!(members(&control), (8, vec![1, 6, 7]));
        } else {
            assert_eq!(answers(second), vec![Err(Failure::NotDurable); 2]);
            assert_eq!(members(&control), (6, vec![5, 6, 7]));
        }
        assert_consistent(&control);
    }
}

#[test]
fn a_refusal_waits_for_the_batch_that_it_was_planned_beside() {
    for fails in [false, true] {
        let (control, script, failures) = eight();
        let runtime = runtime();
        let _guard = runtime.enter();
        let first = hold_four(&control, &script);
        let (mut used, mut second) = (leave(1), vec![ask(&control, leave(1))]);
        used.nonce = nonce(1, 1);
        second.push(ask(&control, used));
        until(&control, |status| status.queued == 0);
        assert!(nobody_is_answered(&mut second), "it depends on what is not on disk");
        if fails {
            failures.fail_commit(FailedCommit::Absent);
        }
        script.open();
        let (first, second) = (answers(first), answers(second));
        if fails {
            assert_eq!(
                (first, second),
                (vec![Err(Failure::NotDurable); 4], vec![Err(Failure::NotDurable); 2])
            );
        } else {
            assert_eq!(first, [Ok(3), Ok(4), Ok(5), Ok(6)]);
            for answer in second {
                assert!(matches!(answer, Err(Failure::Refused(Refusal::NotAMember { .. }))), "{answer:?}");
            }
            assert_eq!(script.entered(), 2, "nothing was left to commit");
        }
        assert_eq!(stored(&control, Table::Nonces).len(), usize::from(!fails));
        assert_consistent(&control);
    }
}

#[test]
fn a_snapshot_is_taken_between_two_commits() {
    let (control, script, _) = eight();
    let runtime = runtime();
    let _guard = runtime.enter();
    let first = hold_four(&control, &script);
    let mut snapshot = pin!(control.snapshot());
    assert!(poll_once(snapshot.as_mut()).is_none());
    let mut second = vec![ask(&control, leave(5))];
    until(&control, |status| status.generation == 7);
    assert!(poll_once(snapshot.as_mut()).is_none());
    script.hold_from(3);
    assert_eq!(runtime.block_on(snapshot).unwrap().revision(), 6);
    assert!(nobody_is_answered(&mut second));
    script.open();
    assert_eq!(answers(first), [Ok(3), Ok(4), Ok(5), Ok(6)]);
    assert_eq!(answers(second), [Ok(7)]);
}

#[test]
fn stopping_finishes_both_batches_and_what_waits() {
    let (store, script, _) = Scripted::memory(|store| seed::fill(store, 1, 16));
    let control = open_with(store, Settings { batch_max: 4, ..settings() }).control;
    let runtime = runtime();
    let _guard = runtime.enter();
    let first = hold_four(&control, &script);
    let rest: Vec<_> = (5..16).map(|number| ask(&control, leave(number))).collect();
    until(&control, |status| status.generation == 10);
    let mut stopping = pin!(control.stop());
    assert!(poll_once(stopping.as_mut()).is_none());
    assert_eq!(control.submit_blocking(leave(0)), Err(Failure::Stopping));
    script.open();
    runtime.block_on(stopping);
    assert_eq!(answers(first), [Ok(3), Ok(4), Ok(5), Ok(6)]);
    assert_eq!(answers(rest), (7..18).map(Ok).collect::<Vec<_>>());
    assert_eq!(control.status().phase, Phase::Stopped);
    script.wait_for_end();
}

#[test]
fn a_disk_that_panics_leaves_nobody_waiting() {
    let (control, script, _) = eight();
    let runtime = runtime();
    let _guard = runtime.enter();
    let first = hold_four(&control, &script);
    let second = vec![ask(&control, leave(5))];
    until(&control, |status| status.generation == 7);
    script.panic_in_commit();
    script.open();
    assert_eq!(answers(first), vec![Err(Failure::Unknown); 4]);
    assert_eq!(answers(second), [Err(Failure::NotDurable)], "it never came to the disk");
    runtime.block_on(control.stopped());
    script.wait_for_end();
    assert_eq!(control.submit_blocking(leave(5)), Err(Failure::Stopping));
    assert!(control.read_blocking(|state| is_member(state, 5)).is_err(), "that change is not on disk");
    assert!(control.snapshot_blocking().is_err());
}

/// A clock that panics when it is told to, and the writer with it.
#[derive(Clone, Default)]
struct BreakableClock(Arc<AtomicBool>);

impl Clock for BreakableClock {
    fn now(&self) -> UnixMillis {
        assert!(!self.0.load(Ordering::SeqCst), "ordered by a test");
        UnixMillis(0)
    }
}

#[test]
fn a_writer_that_panics_waits_for_the_disk_and_leaves_nobody_waiting() {
    let (store, script, _) = Scripted::memory(|store| seed::fill(store, 1, 8));
    let clock = BreakableClock::default();
    let opened = Control::open(Box::new(store), settings(), Arc::new(clock.clone()), &mut |_| {}).unwrap();
    let control = opened.control;
    let runtime = runtime();
    let _guard = runtime.enter();
    let first = hold_four(&control, &script);
    clock.0.store(true, Ordering::SeqCst);
    let second = vec![ask(&control, leave(5))];
    assert_eq!(answers(second), [Err(Failure::Unknown)]);
    assert_eq!(answers(first), vec![Err(Failure::Unknown); 4]);
    assert_ne!(control.status().phase, Phase::Stopped, "the store is not closed yet");
    script.open();
    runtime.block_on(control.stopped());
    script.wait_for_end();
    assert_eq!(control.submit_blocking(leave(5)), Err(Failure::Stopping));
    assert!(control.read_blocking(|state| is_member(state, 1)).is_err());
}

/// As [`create_group`], by this actor.
fn group_of(actor: Actor, name: &str) -> Submission {
    Submission { actor, ..create_group(name) }
}

#[test]
fn what_the_clock_changed_in_both_batches_is_taken_back_and_done_again() {
    let (store, script, failures) = Scripted::memory(|_| {});
    let clock = ManualClock::default();
    clock.set(UnixMillis(1_700_000_000_000));
    let settings = Settings { advance_max: 1, ..settings() };
    let opened = Control::open(Box::new(store), settings, Arc::new(clock.clone()), &mut |_| {}).unwrap();
    let control = opened.control;
    let runtime = runtime();
    let _guard = runtime.enter();
    let create = Command::Ram(RamCommand::CreateAccount { name: "edge".into(), key: None });
    let created =
        control.submit_blocking(Submission { actor: Actor::Operator, ..submission(create) }).unwrap();
    let Outcome::Ram(RamOutcome::Account(account, _)) = created.outcome else { panic!("{created:?}") };
    let actor = Actor::Root(account);
    let ran = control.submit_blocking(Submission { actor, ..submission(run_three()) }).unwrap();
    let Outcome::Instances(instances) = ran.outcome else { panic!("{ran:?}") };

    script.close();
    let first = ask(&control, group_of(actor, "first"));
    script.wait_for_entry(3);
    let before = control.status().generation;
    let batch: Vec<_> = ["a", "b", "c"].map(|name| ask(&control, group_of(actor, name))).into();
    an_hour_later(&clock);
    script.hold_from(4);
    script.wait_for_entry(4);
    // Each batch begins with one instance: four changes are at the disk, and one is planned.
    until(&control, |status| status.generation == before + 5);
    failures.fail_commit(FailedCommit::Absent);
    script.open();
    assert_eq!(answers(vec![first]), [Ok(before)]);
    assert_eq!(answers(batch), vec![Err(Failure::NotDurable); 3]);
    while control.read_blocking(|state| state.next_due()).unwrap().value.is_some() {
        an_hour_later(&clock);
        control.wake();
        drop(control.snapshot_blocking().unwrap());
    }
    let statuses: Vec<_> = instances.into_iter().map(|instance| status(&control, instance)).collect();
    assert_eq!(statuses, [InstanceStatus::Running; 3]);
    assert_consistent(&control);
}

/// Sets the clock to when whatever is in motion is due.
fn an_hour_later(clock: &ManualClock) {
    clock.set(UnixMillis(clock.now().0 + 3_600_000));
}
