//! What nodes are told while changes are on their way to disk, and when they do not get there.

use std::{thread, time::Duration};

use control::{Failure, Told, fleet::EnforcementState};
use store::FailedCommit;

use crate::{
    scripted::{BOTH, Script, Scripted},
    site::{Obedient, Site, settings},
};

fn scripted() -> (Site, Script) {
    let mut script = None;
    let site = Site::with(settings(), |store| {
        let (store, own) = Scripted::new(store);
        script = Some(own);
        Box::new(store)
    });
    (site, script.unwrap())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// Waits for what the writer's thread does.
async fn until(what: impl Fn() -> bool) {
    while !what() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn nothing_is_told_before_it_is_on_disk_and_nothing_that_never_is() {
    for outcome in BOTH {
        let (site, script) = scripted();
        let mut node = site.node(0);
        let (before, entered) = (site.desired(0), script.entered());
        script.close();
        site.failures.fail_commit(outcome);
        thread::scope(|scope| {
            let leaving = scope.spawn(|| site.act(site.leave(0, 0)));
            script.wait_for_entry(entered + 1);
            assert_eq!(node.obey_now(), None, "it is applied, and not on disk");
            // Whoever connects meanwhile waits for it as well.
            let mut late = Obedient::new(site.follow(1, 0).unwrap());
            assert_eq!(late.obey_now(), None);
            script.open();
            let answer = leaving.join().unwrap();
            runtime().block_on(async { late.obey().await.unwrap() });
            assert_eq!(late.desired, site.desired(1));
            // After a recovery every node gets all of it.
            let told = runtime().block_on(node.obey()).unwrap();
            assert!(matches!(told, Told::Snapshot { .. }));
            assert_eq!(node.desired, site.desired(0));
            let enforcement = site.control.enforcement(2);
            if outcome == FailedCommit::Present {
                assert_ne!(node.desired, before);
                assert_eq!(enforcement.unwrap().state, EnforcementState::Pending);
                node.confirm();
                let enforcement = site.control.enforcement(answer.unwrap().generation).unwrap();
                assert_eq!(enforcement.state, EnforcementState::Confirmed);
            } else {
                assert_eq!((answer, node.desired), (Err(Failure::NotDurable), before));
                assert_eq!(enforcement, None);
                let next = site.must(site.leave(0, 1));
                assert_eq!(site.control.enforcement(2).unwrap().state, EnforcementState::Unknown);
                assert_eq!(site.control.enforcement(next).unwrap().state, EnforcementState::Pending);
            }
        });
    }
}

/// A snapshot that shows what is on its way to disk has it once, and what comes after it follows.
#[test]
fn a_snapshot_and_the_changes_after_it_fit_together() {
    let (site, script) = scripted();
    let entered = script.entered();
    script.close();
    thread::scope(|scope| {
        let first = scope.spawn(|| site.must(site.leave(0, 0)));
        script.wait_for_entry(entered + 1);
        let mut node = Obedient::new(site.follow(0, 0).unwrap());
        runtime().block_on(async {
            let taken = async { node.obey().await.unwrap() };
            let going_on = async {
                tokio::task::yield_now().await;
                script.open();
            };
            let (told, ()) = tokio::join!(taken, going_on);
            assert!(matches!(told, Told::Snapshot { generation: 2, .. }), "{told:?}");
        });
        assert_eq!(first.join().unwrap(), 2);
        assert_eq!(node.obey_now(), None);
        node.confirm();
        assert_eq!(site.control.enforcement(2).unwrap().state, EnforcementState::Confirmed);
        site.must(site.leave(0, 1));
        assert!(matches!(node.obey_now(), Some(Ok(Told::Delta { from: 2, generation: 3, .. }))));
        assert_eq!(node.desired, site.desired(0));
    });
}

#[test]
fn a_writer_that_fails_ends_all_connections() {
    let (site, script) = scripted();
    let mut node = site.node(0);
    script.panic_in_commit();
    assert_eq!(site.act(site.leave(0, 0)), Err(Failure::Unknown));
    let ended = runtime().block_on(async {
        let stopped = || site.control.status().phase == control::Phase::Stopped;
        until(stopped).await;
        node.obey().await
    });
    assert_eq!(ended, Err(control::fleet::Ended::Stopping));
}
