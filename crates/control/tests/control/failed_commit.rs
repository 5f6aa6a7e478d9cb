//! A commit that fails is not guessed at.

use std::thread;

use control::{Failure, Phase};
use model::Refusal;
use store::{FailedCommit, MemoryStore, Table};

use crate::{
    scripted::{BOTH, Scripted},
    seed,
    world::{
        assert_consistent, create_group, either_way, is_member, join, leave, nonce, open, open_with,
        poll_once, runtime, shown, stored,
    },
};

#[test]
fn callers_are_answered_by_what_recovery_found() {
    for (outcome, settings) in BOTH.into_iter().flat_map(|outcome| either_way().map(|way| (outcome, way))) {
        let mut store = MemoryStore::new();
        seed::fill(&mut store, 1, 2);
        let failures = store.failures();
        let control = open_with(store, settings).control;
        failures.fail_commit(outcome);
        let answer = control.submit_blocking(leave(0));
        let member = control.read_blocking(|state| is_member(state, 0)).unwrap().value;
        match outcome {
            FailedCommit::Present => assert_eq!((answer.unwrap().generation, member), (2, false)),
            FailedCommit::Absent => assert_eq!((answer, member), (Err(Failure::NotDurable), true)),
        }
        assert_consistent(&control);
        assert_eq!(control.status().phase, Phase::Serving);
        // The number of the failed one is not used again, whatever became of it.
        assert_eq!(control.submit_blocking(leave(1)).unwrap().generation, 3);
        assert_consistent(&control);
        let generations: Vec<u64> =
            control.history_blocking(0, 10).unwrap().iter().map(|record| record.generation).collect();
        assert_eq!(generations, if outcome == FailedCommit::Present { vec![2, 3] } else { vec![3] });
    }
}

#[test]
fn the_very_first_commit_may_fail() {
    for settings in either_way() {
        let store = MemoryStore::new();
        let failures = store.failures();
        let control = open_with(store, settings).control;
        failures.fail_commit(FailedCommit::Absent);
        assert_eq!(control.submit_blocking(create_group("a")), Err(Failure::NotDurable));
        assert!(shown(&control).is_empty());
        assert_eq!(control.submit_blocking(create_group("b")).unwrap().generation, 2);
        // The version of the records, and the runs.
        assert_eq!(stored(&control, Table::Meta).len(), 2);
        assert_consistent(&control);
    }
}

#[test]
fn a_whole_batch_has_one_fate_refusals_included() {
    for outcome in BOTH {
        let (store, script, failures) = Scripted::memory(|store| seed::fill(store, 1, 3));
        let control = open(store);
        let runtime = runtime();
        let _guard = runtime.enter();
        script.close();
        let results = thread::scope(|scope| {
            let first = scope.spawn(|| control.submit_blocking(leave(2)));
            script.wait_for_entry(1);
            // These wait in the queue and become one batch, in this order.
            let asked = [leave(0), leave(0), join(0), leave(1), create_group("new")];
            let mut batch: Vec<_> = asked.map(|submission| Box::pin(control.submit(submission))).into();
            batch.iter_mut().for_each(|waiting| assert!(poll_once(waiting.as_mut()).is_none()));
            script.hold_from(2);
            first.join().unwrap().unwrap();
            script.wait_for_entry(2);
            assert!(poll_once(batch[1].as_mut()).is_none(), "it is refused because of what may not be so");
            failures.fail_commit(outcome);
            // Before recovery has found out, everything is as it was before the batch.
            script.hold_from(3);
            script.wait_for_entry(3);
            let read = control.read_blocking(|state| [0, 1, 2].map(|number| is_member(state, number)));
            let read = read.unwrap();
            assert_eq!((read.generation, read.value), (2, [true, true, false]));
            script.open();
            runtime.block_on(async {
                let mut results = Vec::new();
                for waiting in batch {
                    results.push(waiting.await.map(|receipt| receipt.generation));
                }
                results
            })
        });
        if outcome == FailedCommit::Present {
            assert!(matches!(results[1], Err(Failure::Refused(Refusal::NotAMember { .. }))), "{results:?}");
            let generations: Vec<_> = results.into_iter().filter_map(Result::ok).collect();
            assert_eq!(generations, [3, 4, 5, 6]);
        } else {
            assert_eq!(results, vec![Err(Failure::NotDurable); 5]);
        }
        assert_consistent(&control);
        assert_eq!(control.submit_blocking(create_group("next")).unwrap().generation, 7);
    }
}

#[test]
fn while_the_store_is_being_recovered_nothing_is_taken_and_reads_show_what_was_durable() {
    let (store, script, failures) = Scripted::memory(|store| seed::fill(store, 1, 2));
    let control = open(store);
    script.close();
    failures.fail_commit(FailedCommit::Absent);
    failures.fail_recoveries(3);
    thread::scope(|scope| {
        let leaving = scope.spawn(|| control.submit_blocking(leave(0)));
        script.hold_from(2);
        script.wait_for_entry(2);
        assert_eq!(control.status().phase, Phase::Recovering);
        assert_eq!(control.submit_blocking(leave(1)), Err(Failure::NotDurable));
        assert!(control.read_blocking(|state| is_member(state, 0)).unwrap().value);
        script.open();
        assert_eq!(leaving.join().unwrap(), Err(Failure::NotDurable));
    });
    assert_eq!(control.status().phase, Phase::Serving);
    assert_eq!(script.entered(), 1 + 4, "one commit, three failed recoveries and one that succeeded");
    assert!(control.submit_blocking(leave(1)).is_ok());
    assert_consistent(&control);
}

#[test]
fn stopping_ends_a_recovery_that_does_not_succeed() {
    let (store, script, failures) = Scripted::memory(|store| seed::fill(store, 1, 1));
    let control = open(store);
    failures.fail_commit(FailedCommit::Present);
    failures.fail_recoveries(u32::MAX);
    thread::scope(|scope| {
        let leaving = scope.spawn(|| control.submit_blocking(leave(0)));
        script.wait_for_entry(3);
        control.stop_blocking();
        assert_eq!(leaving.join().unwrap(), Err(Failure::Unknown));
    });
    assert_eq!(control.status().phase, Phase::Stopped);
}

#[test]
fn a_refusal_whose_nonce_cannot_be_written_is_not_given() {
    for settings in either_way() {
        let (store, script, _) = Scripted::memory(|store| seed::fill(store, 1, 1));
        let control = open_with(store, settings).control;
        let mut refused = join(0);
        refused.nonce = nonce(1, 1);
        script.fail_unsynced();
        assert_eq!(control.submit_blocking(refused), Err(Failure::NotDurable));
        let mut refused = join(0);
        refused.nonce = nonce(1, 2);
        let answer = control.submit_blocking(refused);
        assert!(matches!(answer, Err(Failure::Refused(Refusal::AlreadyAMember { .. }))), "{answer:?}");
        assert_eq!(stored(&control, Table::Nonces).len(), 1);
        assert_consistent(&control);
    }
}

#[test]
fn a_writer_that_panics_leaves_nobody_waiting() {
    for settings in either_way() {
        let (store, script, _) = Scripted::memory(|store| seed::fill(store, 1, 1));
        let control = open_with(store, settings).control;
        script.panic_in_commit();
        assert_eq!(control.submit_blocking(leave(0)), Err(Failure::Unknown));
        control.stop_blocking();
        assert_eq!(control.submit_blocking(leave(0)), Err(Failure::Stopping));
        assert!(control.read_blocking(|state| is_member(state, 0)).is_err(), "that change is not on disk");
        assert!(control.snapshot_blocking().is_err());
    }
}
