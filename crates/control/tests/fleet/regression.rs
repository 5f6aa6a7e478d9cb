//! Nodes that hold a newer generation than this control plane ever gave: it was restored from an older backup.

use std::{fs, path::Path, sync::Arc};

use control::{
    Control, Failure, Heard, Hello, Submission, Told,
    fleet::{Delay, EnforcementState, RefusalReason},
};
use model::{Command, NodeId, Refusal, node::NodeCommand};
use store::{FjallStore, Options, Store};

use crate::site::{Obedient, Site, certificate, hello, settings};

fn readmit(node: NodeId) -> NodeCommand {
    NodeCommand::Readmit { node }
}

fn regression(site: &Site) -> Option<u64> {
    site.control.standing(site.nodes[0]).regression.map(|regression| regression.generation)
}

#[test]
fn a_regressed_node_keeps_what_it_has_until_an_operator_says_what_counts() {
    let site = Site::new();
    let node = site.nodes[0];
    let mut host = Obedient::new(site.follow(0, 4).unwrap());
    assert_eq!(regression(&site), Some(4));
    // It is told once what is here, so that its own people hear of it.
    let Some(Ok(Told::Snapshot { generation: 1, obey_regression: false, .. })) = host.obey_now() else {
        panic!("no snapshot")
    };
    host.refuse(1, RefusalReason::Regressed);
    let left = site.must(site.leave(0, 0));
    // Also when the numbers here have come further than what it holds.
    for _ in 0..3 {
        site.must(site.join(0, 0));
        site.must(site.leave(0, 0));
    }
    assert_eq!(host.obey_now(), None);
    let enforcement = site.control.enforcement(left).unwrap();
    assert_eq!(enforcement.state, EnforcementState::Pending);
    let delay = control::fleet::Progress::Behind(Delay::Regressed { generation: 4 });
    assert_eq!(enforcement.nodes[0].progress, delay);
    drop(host);
    let mut host = Obedient::new(site.follow(0, 4).unwrap());
    assert_eq!(host.obey_now(), None, "it could take it for progress");
    assert_eq!(regression(&site), Some(4));
    site.must(readmit(node));
    let told = host.obey_now();
    assert!(matches!(told, Some(Ok(Told::Snapshot { obey_regression: true, .. }))), "{told:?}");
    assert_eq!(host.desired, site.desired(0));
    assert!(site.control.standing(node).regression.unwrap().readmitted);
    host.confirm();
    assert_eq!(regression(&site), None);
    assert_eq!(site.control.enforcement(left).unwrap().state, EnforcementState::Confirmed);
    site.must(site.join(0, 0));
    assert!(matches!(host.obey_now(), Some(Ok(Told::Delta { .. }))));
}

/// The snapshot that it was told before is on its way while the operator decides.
#[test]
fn a_late_refusal_does_not_undo_that_a_node_is_readmitted() {
    let site = Site::new();
    let mut host = Obedient::new(site.follow(0, 4).unwrap());
    let Some(Ok(Told::Snapshot { generation, obey_regression: false, .. })) = host.obey_now() else {
        panic!("no snapshot")
    };
    site.must(readmit(site.nodes[0]));
    host.refuse(generation, RefusalReason::Regressed);
    assert!(site.control.standing(site.nodes[0]).regression.unwrap().readmitted);
    let told = host.obey_now();
    assert!(matches!(told, Some(Ok(Told::Snapshot { obey_regression: true, .. }))), "{told:?}");
    // What it refuses now it was told to obey.
    host.refuse(host.generation, RefusalReason::Regressed);
    assert!(!site.control.standing(site.nodes[0]).regression.unwrap().readmitted);
    assert_eq!(host.obey_now(), None);
}

#[test]
fn a_node_that_is_away_is_readmitted_when_it_comes() {
    let site = Site::new();
    drop(site.follow(0, 4).unwrap());
    site.must(readmit(site.nodes[0]));
    let mut host = Obedient::new(site.follow(0, 4).unwrap());
    assert!(matches!(host.obey_now(), Some(Ok(Told::Snapshot { obey_regression: true, .. }))));
}

#[test]
fn only_what_has_regressed_is_readmitted() {
    let site = Site::new();
    let refused = |node| match site.act(readmit(node)) {
        Err(Failure::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(site.nodes[0]), Refusal::NodeNotRegressed(site.nodes[0]));
    site.node(0);
    assert_eq!(refused(site.nodes[0]), Refusal::NodeNotRegressed(site.nodes[0]));
    assert_eq!(refused(NodeId::from_entropy(1)), Refusal::NodeNotFound);
}

/// What a node has confirmed it knows itself, whatever it says when it connects.
#[test]
fn a_node_that_says_so_has_regressed() {
    let site = Site::new();
    let mut host = Obedient::new(site.follow(0, 0).unwrap());
    host.obey_now().unwrap().unwrap();
    let (kept_generation, message) = (9, "no".into());
    host.follower.heard(Heard::Refused {
        generation: 1,
        kept_generation,
        reason: RefusalReason::Regressed,
        message,
    });
    assert_eq!(regression(&site), Some(9));
    site.must(site.leave(0, 0));
    assert_eq!(host.obey_now(), None);
    // It says so once more if it is not to be overridden after all.
    site.must(readmit(site.nodes[0]));
    host.obey_now().unwrap().unwrap();
    host.refuse(host.generation, RefusalReason::Regressed);
    assert_eq!(host.obey_now(), None);
    assert_eq!(regression(&site), Some(9));
}

/// That a node has what it was never told to obey cannot be so: it is no answer to whether it is to be readmitted.
#[test]
fn a_regression_does_not_end_because_the_node_says_that_it_confirms() {
    let site = Site::new();
    let node = site.nodes[0];
    let made = site.must(site.leave(1, 0));
    // The number that it has is known here too; the process that gave it is not.
    let hello = Hello { run: 77, ..hello(made, certificate(0)) };
    let mut host = Obedient::new(site.control.follow(node, hello).unwrap());
    assert_eq!(regression(&site), Some(made));
    for _ in 0..2 {
        host.confirm_generation(made);
        assert_eq!(regression(&site), Some(made));
        assert_eq!(host.obey_now(), None, "it could take it for progress");
    }
    site.must(readmit(node));
    let told = host.obey_now();
    assert!(matches!(told, Some(Ok(Told::Snapshot { obey_regression: true, .. }))), "{told:?}");
    host.confirm();
    assert_eq!(regression(&site), None);
}

fn open(directory: &Path, site: &Site) -> Control {
    let store = FjallStore::open(directory, &Options::default()).unwrap();
    let clock = Arc::new(site.clock.clone());
    Control::open(Box::new(store), settings(), clock, &mut |_| {}).unwrap().control
}

fn create(site: &Site) -> Submission {
    let command = model::command::SecurityGroupCommand::Create {
        name: "a".into(),
        description: "".into(),
        rules: vec![],
    };
    site.submission(Command::SecurityGroup(command))
}

/// A restored control plane gives numbers that the lost ones cannot have come to: what a node holds of those is told
/// apart for ever.
#[test]
fn generations_that_a_restored_backup_does_not_have_are_known_as_lost() {
    let directory = tempfile::tempdir().unwrap();
    let (file, restored) = (directory.path().join("backup"), directory.path().join("restored"));
    let site = Site::with(settings(), |store| {
        store::backup(&*store.snapshot().unwrap(), &file).unwrap();
        Box::new(store)
    });
    store::restore(&file, &restored).unwrap();
    let control = open(&restored, &site);
    let follow = |control: &Control, generation| {
        let node = site.nodes[0];
        drop(control.follow(node, hello(generation, certificate(0))).unwrap());
        let regressed = control.standing(node).regression.is_some();
        if regressed {
            control.submit_blocking(site.submission(readmit(node))).unwrap();
            let mut host = Obedient::new(control.follow(node, hello(generation, certificate(0))).unwrap());
            host.obey_now().unwrap().unwrap();
            host.confirm();
            assert!(control.standing(node).regression.is_none());
        }
        regressed
    };
    assert!(!follow(&control, 1) && follow(&control, 2));
    let first = control.submit_blocking(create(&site)).unwrap().generation;
    assert!(first > 1_000_000);
    control.stop_blocking();
    drop(control);
    // Also after a restart, and when numbers have come further.
    for _ in 0..2 {
        let control = open(&restored, &site);
        let next = control.submit_blocking(create(&site)).unwrap().generation;
        assert!(next > first && next < first + 20, "it goes on counting: {first} {next}");
        assert!(follow(&control, 2) && follow(&control, 1_000) && !follow(&control, next));
        control.stop_blocking();
        drop(control);
    }
}

/// A copy of the directory gives the same numbers once more, and does not know it.
#[test]
fn generations_that_were_made_again_after_a_copy_was_put_back_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let site = Site::with(settings(), |store| {
        store::backup(&*store.snapshot().unwrap(), &at("backup")).unwrap();
        Box::new(store)
    });
    store::restore(&at("backup"), &at("data")).unwrap();
    let node = site.nodes[0];
    let follow = |control: &Control, (generation, run)| {
        let hello = Hello { run, ..hello(generation, certificate(0)) };
        Obedient::new(control.follow(node, hello).unwrap())
    };
    // Makes one generation, and gives what a node is told of it.
    let make = |control: &Control| {
        control.submit_blocking(create(&site)).unwrap();
        match follow(control, (0, 0)).obey_now() {
            Some(Ok(Told::Snapshot { generation, run, .. })) => (generation, run),
            other => panic!("{other:?}"),
        }
    };
    let control = open(&at("data"), &site);
    let kept = make(&control);
    control.stop_blocking();
    drop(control);
    copy(&at("data"), &at("copy"));
    let control = open(&at("data"), &site);
    let gone = make(&control);
    assert_eq!(gone.0, kept.0 + 1);
    assert!(kept.1 != 0 && gone.1 != 0 && kept.1 != gone.1);
    control.stop_blocking();
    drop(control);

    let mut again = gone;
    for number in 0..2 {
        let control = open(&at("copy"), &site);
        let has_regressed = |told| {
            drop(follow(&control, told));
            control.standing(node).regression.is_some()
        };
        assert!(!has_regressed(kept), "{number}: what was before the copy is the same");
        let (before, now) = (again, make(&control));
        again = now;
        assert!(!has_regressed(now) && (number == 0 || !has_regressed(before)), "{number}");
        assert!(now.0 >= gone.0 && has_regressed(gone), "{number}");
        control.submit_blocking(site.submission(readmit(node))).unwrap();
        let mut host = follow(&control, gone);
        assert!(matches!(host.obey_now(), Some(Ok(Told::Snapshot { obey_regression: true, .. }))));
        host.confirm();
        assert!(control.standing(node).regression.is_none());
        drop(host);
        control.stop_blocking();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}
