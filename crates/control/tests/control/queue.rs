//! The queue is bounded, and is finished before the end.

use std::{thread, time::Duration};

use control::{Failure, Phase, Settings};

use crate::{
    scripted::Scripted,
    seed,
    world::{leave, open, open_with, poll_once, runtime, settings},
};

#[test]
fn a_full_queue_is_an_overload() {
    let (store, script, _) = Scripted::memory(|store| seed::fill(store, 1, 4));
    let control = open_with(store, Settings { queue_max: 2, ..settings() }).control;
    let runtime = runtime();
    let _guard = runtime.enter();
    script.close();
    thread::scope(|scope| {
        let first = scope.spawn(|| control.submit_blocking(leave(0)));
        script.wait_for_entry(1);
        let mut second = Box::pin(control.submit(leave(1)));
        let mut third = Box::pin(control.submit(leave(2)));
        assert!(poll_once(second.as_mut()).is_none());
        assert!(poll_once(third.as_mut()).is_none());
        assert_eq!(control.status().queued, 2);
        assert_eq!(control.submit_blocking(leave(3)), Err(Failure::Overloaded));
        script.open();
        assert!(first.join().unwrap().is_ok());
        let generations = runtime.block_on(async { (second.await, third.await) });
        assert_eq!(generations.0.unwrap().generation, 3);
        assert_eq!(generations.1.unwrap().generation, 4);
    });
    assert_eq!(script.entered(), 2, "what waited was committed at once");
    assert!(control.submit_blocking(leave(3)).is_ok());
    assert_eq!(control.status().queued, 0);
}

#[test]
fn stopping_finishes_what_waits_and_takes_nothing_more() {
    let (store, script, _) = Scripted::memory(|store| seed::fill(store, 1, 20));
    let control = open_with(store, Settings { batch_max: 3, ..settings() }).control;
    let runtime = runtime();
    let _guard = runtime.enter();
    script.close();
    thread::scope(|scope| {
        let first = scope.spawn(|| control.submit_blocking(leave(0)));
        script.wait_for_entry(1);
        let mut waiting: Vec<_> = (1..20).map(|number| Box::pin(control.submit(leave(number)))).collect();
        for submission in &mut waiting {
            assert!(poll_once(submission.as_mut()).is_none());
        }
        let mut stopping = Box::pin(control.stop());
        assert!(poll_once(stopping.as_mut()).is_none());
        assert_eq!(control.submit_blocking(leave(0)), Err(Failure::Stopping));
        script.open();
        assert!(first.join().unwrap().is_ok());
        runtime.block_on(async {
            for submission in waiting {
                assert!(submission.await.is_ok());
            }
            stopping.await;
        });
    });
    assert_eq!(control.status().phase, Phase::Stopped);
    assert_eq!(control.read_blocking(|state| state.member_count(seed::group_id(0))).unwrap().value, 0);
    assert_eq!(control.submit_blocking(leave(0)), Err(Failure::Stopping));
}

#[test]
fn a_submission_ends_by_its_deadline_and_is_carried_out_all_the_same() {
    let (store, script, _) = Scripted::memory(|store| seed::fill(store, 1, 1));
    let settings = Settings { commit_deadline: Duration::ZERO, ..settings() };
    let control = open_with(store, settings).control;
    script.close();
    assert_eq!(control.submit_blocking(leave(0)), Err(Failure::Unknown));
    assert_eq!(runtime().block_on(control.submit(leave(0))), Err(Failure::Unknown));
    script.open();
    control.stop_blocking();
    assert_eq!(control.read_blocking(|state| state.member_count(seed::group_id(0))).unwrap().value, 0);
}

#[test]
fn the_writer_ends_with_the_last_handle() {
    let (store, script, _) = Scripted::memory(|store| seed::fill(store, 1, 1));
    let control = open(store);
    let other = control.clone();
    drop(control);
    assert!(other.submit_blocking(leave(0)).is_ok());
    drop(other);
    script.wait_for_end();
}
