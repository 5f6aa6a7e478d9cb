//! Nothing is shown that is not on disk.

use std::{pin::pin, thread};

use control::Unavailable;
use model::{Actor, Command, ram::RamCommand};
use store::FailedCommit;

use crate::{
    scripted::{BOTH, Scripted},
    seed,
    world::{is_member, leave, open, open_with, poll_once, runtime, settings, submission},
};

#[test]
fn a_read_beside_a_commit_waits_for_it() {
    let (store, script, _) = Scripted::memory(|store| seed::fill(store, 1, 1));
    let control = open(store);
    let runtime = runtime();
    let _guard = runtime.enter();
    assert_eq!(control.read_blocking(|state| is_member(state, 0)).unwrap().generation, 1);
    script.close();
    thread::scope(|scope| {
        let leaving = scope.spawn(|| control.submit_blocking(leave(0)));
        script.wait_for_entry(1);
        let mut reading = pin!(control.read(|state| is_member(state, 0)));
        assert!(poll_once(reading.as_mut()).is_none(), "the commit has not ended");
        assert_eq!(control.status().generation, 2);
        assert_eq!(control.status().durable, 1);
        script.open();
        assert_eq!(leaving.join().unwrap().unwrap().generation, 2);
        let read = poll_once(reading).unwrap().unwrap();
        assert_eq!((read.value, read.generation), (false, 2));
    });
}

#[test]
fn a_read_beside_a_failing_commit_shows_what_recovery_found() {
    for outcome in BOTH {
        let (store, script, failures) = Scripted::memory(|store| seed::fill(store, 1, 1));
        let control = open(store);
        script.close();
        failures.fail_commit(outcome);
        thread::scope(|scope| {
            let leaving = scope.spawn(|| control.submit_blocking(leave(0)));
            script.wait_for_entry(1);
            let reading = scope.spawn(|| control.read_blocking(|state| is_member(state, 0)).unwrap());
            script.open();
            let left = leaving.join().unwrap().is_ok();
            assert_eq!(left, outcome == FailedCommit::Present);
            // It may have been answered before recovery, by what was durable then; never by what was not.
            let read = reading.join().unwrap();
            assert!(read.value == (read.generation == 1), "{read:?}");
            assert_eq!(control.read_blocking(|state| is_member(state, 0)).unwrap().value, !left);
        });
    }
}

#[test]
fn authorisation_does_not_wait_for_commits_of_other_things() {
    let (store, script, _) = Scripted::memory(|store| seed::fill(store, 1, 1));
    let control = open(store);
    let runtime = runtime();
    let _guard = runtime.enter();
    let account = seed::ACCOUNT;
    script.close();
    thread::scope(|scope| {
        scope.spawn(|| control.submit_blocking(leave(0)).unwrap());
        script.wait_for_entry(1);
        let mut reading = pin!(control.read_access(|access| access.account(account).is_some()));
        assert!(poll_once(reading.as_mut()).unwrap().unwrap().value);
        script.open();
    });
    script.close();
    thread::scope(|scope| {
        let create = RamCommand::CreateAccount { name: "other".into(), key: None };
        let mut create = submission(Command::Ram(create));
        create.actor = Actor::Operator;
        let creating = scope.spawn(|| control.submit_blocking(create).unwrap());
        script.wait_for_entry(2);
        let mut reading = pin!(control.read_access(|access| access.account(account).is_some()));
        assert!(poll_once(reading.as_mut()).is_none(), "this commit changes who may do what");
        script.open();
        let receipt = creating.join().unwrap();
        let read = poll_once(reading).unwrap().unwrap();
        assert!(read.value);
        assert_eq!(read.generation, receipt.generation);
    });
}

#[test]
fn a_read_ends_by_its_deadline() {
    let (store, script, _) = Scripted::memory(|store| seed::fill(store, 1, 1));
    let deadline = std::time::Duration::ZERO;
    let control = open_with(store, control::Settings { read_deadline: deadline, ..settings() }).control;
    script.close();
    thread::scope(|scope| {
        let leaving = scope.spawn(|| control.submit_blocking(leave(0)));
        script.wait_for_entry(1);
        assert_eq!(control.read_blocking(|state| is_member(state, 0)), Err(Unavailable));
        assert_eq!(runtime().block_on(control.read(|state| is_member(state, 0))), Err(Unavailable));
        script.open();
        leaving.join().unwrap().unwrap();
    });
    assert!(control.read_blocking(|state| !is_member(state, 0)).unwrap().value);
}
