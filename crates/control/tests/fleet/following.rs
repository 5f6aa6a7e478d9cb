//! What a node is told when it connects, when something changes, and when it comes back; and when it is told no more.

use control::{
    FleetSettings, Heard, Settings, Told,
    fleet::{Ended, FollowError, RefusalReason},
};
use model::{
    NodeId,
    node::{Device, NodeCommand},
};

use crate::{
    site::{Obedient, Site, certificate, hello, settings},
    world::{bind, fingerprint},
};

#[test]
fn a_node_gets_a_snapshot_and_then_what_concerns_it_and_nothing_else() {
    let site = Site::new();
    let mut node = Obedient::new(site.follow(0, 0).unwrap());
    let mut other = Obedient::new(site.follow(1, 0).unwrap());
    for node in [&mut node, &mut other] {
        let Some(Ok(Told::Snapshot { generation: 1, obey_regression: false, .. })) = node.obey_now() else {
            panic!("no snapshot")
        };
    }
    assert_eq!(node.desired, site.desired(0));
    assert_eq!(site.must(site.leave(0, 0)), 2);
    assert!(matches!(node.obey_now(), Some(Ok(Told::Delta { from: 1, generation: 2, .. }))));
    assert_eq!(node.desired, site.desired(0));
    assert!(other.obey_now().is_none());
    node.confirm();
    site.must(site.join(0, 0));
    assert!(matches!(node.obey_now(), Some(Ok(Told::Delta { from: 2, generation: 3, .. }))));
    assert_eq!(node.desired, site.desired(0));
    assert!(node.obey_now().is_none() && other.obey_now().is_none());
}

#[test]
fn a_node_that_comes_back_is_told_what_it_missed_and_no_more() {
    let site = Site::new();
    let told = |generation| {
        let mut node = Obedient::new(site.follow(0, generation).unwrap());
        node.generation = generation;
        node.desired = site.desired(0);
        node.obey_now()
    };
    // At the generation at which everything began, nothing has changed for it: also when something else has.
    assert!(matches!(told(1), Some(Ok(Told::Current { generation: 1, .. }))));
    site.must(site.leave(1, 0));
    assert!(matches!(told(1), Some(Ok(Told::Current { generation: 2, .. }))));
    // From one that it was told before that there is no way but a snapshot.
    assert!(matches!(told(0), Some(Ok(Told::Snapshot { generation: 2, .. }))));
    // What changes meanwhile is one change, from wherever it is in between.
    site.must(site.leave(0, 0));
    site.must(site.leave(0, 1));
    drop(site.follow(0, 2).unwrap());
    assert!(matches!(told(2), Some(Ok(Told::Delta { from: 2, generation: 4, .. }))));
    assert!(matches!(told(4), Some(Ok(Told::Current { generation: 4, .. }))));
    assert!(matches!(told(3), Some(Ok(Told::Snapshot { generation: 4, .. }))), "it may have half of it");
}

#[test]
fn a_node_that_does_not_answer_is_told_two_updates_and_then_all_of_it_at_once() {
    let site = Site::new();
    let mut node = site.node(0);
    site.must(site.leave(0, 0));
    assert!(matches!(node.obey_now(), Some(Ok(Told::Delta { .. }))));
    site.must(site.join(0, 0));
    assert!(matches!(node.obey_now(), Some(Ok(Told::Delta { .. }))));
    for _ in 0..10 {
        site.must(site.leave(0, 0));
        site.must(site.join(0, 0));
        assert_eq!(node.obey_now(), None);
    }
    site.must(site.leave(0, 1));
    node.confirm_generation(2);
    assert!(matches!(node.obey_now(), Some(Ok(Told::Delta { from: 3, generation: 24, .. }))));
    assert_eq!(node.desired, site.desired(0));
    assert_eq!(node.obey_now(), None);
}

#[test]
fn what_is_too_much_to_keep_becomes_a_snapshot() {
    let fleet = FleetSettings { pending_bytes_max: 200, ..FleetSettings::default() };
    let site = Site::with(Settings { fleet, ..settings() }, |store| Box::new(store));
    let node = site.node(0);
    let generation = node.generation;
    drop(node);
    let standing = || site.control.standing(site.nodes[0]);
    site.must(site.leave(0, 0));
    assert!(standing().pending_bytes > 0);
    site.must(site.leave(0, 1));
    assert_eq!(standing().pending_bytes, 0, "nothing is kept but that it needs a snapshot");
    let mut node = Obedient::new(site.follow(0, generation).unwrap());
    assert!(matches!(node.obey_now(), Some(Ok(Told::Snapshot { generation: 3, .. }))));
    assert_eq!(node.desired, site.desired(0));
}

#[test]
fn nodes_that_are_away_give_way_to_those_that_are_there() {
    let fleet = FleetSettings { pending_bytes_total_max: 200, unanswered_max: 1, ..FleetSettings::default() };
    let site = Site::with(Settings { fleet, ..settings() }, |store| Box::new(store));
    let mut node = site.node(1);
    let away = site.node(0).generation;
    site.must(site.leave(0, 0));
    site.must(site.leave(1, 0));
    assert!(matches!(node.obey_now(), Some(Ok(Told::Delta { .. }))), "what was kept for the other one went");
    let mut back = Obedient::new(site.follow(0, away).unwrap());
    assert!(matches!(back.obey_now(), Some(Ok(Told::Snapshot { .. }))));
}

#[test]
fn who_costs_nothing_does_not_give_way() {
    let fleet = FleetSettings { pending_bytes_total_max: 1, ..FleetSettings::default() };
    let site = Site::with(Settings { fleet, ..settings() }, |store| Box::new(store));
    let [busy, idle] = [site.node(0).generation, site.node(1).generation];
    let left = site.must(site.leave(0, 0));
    let mut idle = Obedient::new(site.follow(1, idle).unwrap());
    assert!(matches!(idle.obey_now(), Some(Ok(Told::Current { generation, .. })) if generation == left));
    let mut busy = Obedient::new(site.follow(0, busy).unwrap());
    assert!(matches!(busy.obey_now(), Some(Ok(Told::Snapshot { .. }))));
}

#[test]
fn a_node_that_does_not_fit_a_change_gets_a_snapshot_and_one_that_refuses_that_gets_nothing() {
    let site = Site::new();
    let mut node = site.node(0);
    site.must(site.leave(0, 0));
    let before = (node.generation, node.desired.clone());
    assert!(matches!(node.obey_now(), Some(Ok(Told::Delta { .. }))));
    (node.generation, node.desired) = before;
    node.refuse(2, RefusalReason::Gap);
    assert!(matches!(node.obey_now(), Some(Ok(Told::Snapshot { generation: 2, .. }))));
    // What it says of the time before the snapshot is answered by that.
    node.refuse(1, RefusalReason::Gap);
    assert_eq!(node.obey_now(), None);
    node.refuse(2, RefusalReason::Invalid);
    assert_eq!(node.obey_now(), None, "it would refuse the same again");
    let refused = site.control.standing(site.nodes[0]).refused.unwrap();
    assert_eq!((refused.generation, refused.reason), (2, RefusalReason::Invalid));
    site.must(site.join(0, 0));
    assert!(matches!(node.obey_now(), Some(Ok(Told::Snapshot { generation: 3, .. }))));
    node.confirm();
    assert_eq!(site.control.standing(site.nodes[0]).refused, None);
}

#[test]
fn the_newest_connection_of_a_node_counts() {
    let site = Site::new();
    let mut first = site.node(0);
    let mut second = site.node(0);
    assert_eq!(first.obey_now(), Some(Err(Ended::Replaced)));
    site.must(site.leave(0, 0));
    first.confirm_generation(2);
    assert_eq!(site.control.standing(site.nodes[0]).generations_behind, 1, "what it says is not heard");
    drop(first);
    assert!(site.control.standing(site.nodes[0]).connection.is_some());
    assert!(matches!(second.obey_now(), Some(Ok(Told::Delta { .. }))));
}

#[test]
fn certificates_that_are_not_good_any_more_end_a_connection() {
    let site = Site::new();
    let [node, other] = site.nodes;
    let (mut revoked, mut renewed) = (site.node(0), site.node(1));
    site.must(NodeCommand::RevokeCertificates { node });
    assert_eq!(revoked.obey_now(), Some(Err(Ended::Revoked)));
    assert!(site.control.standing(node).connection.is_none());
    assert_eq!(site.follow(0, 1).unwrap_err(), FollowError::Certificate);
    for (under, new) in [(1, 11), (11, 12)] {
        assert_eq!(renewed.obey_now(), None, "the certificate before the newest one is good");
        site.must(NodeCommand::RenewCertificate {
            node: other,
            under: fingerprint(under),
            fingerprint: fingerprint(new),
            expires_at: model::UnixMillis(i64::MAX),
        });
    }
    assert_eq!(renewed.obey_now(), Some(Err(Ended::Revoked)));
    let followed = site.control.follow(other, hello(1, fingerprint(12)));
    assert_eq!(followed.map(|follower| follower.node()), Ok(other));
}

#[test]
fn a_deleted_node_and_a_control_plane_that_ends_end_a_connection() {
    let site = Site::new();
    let (mut deleted, mut stopped) = (site.node(0), site.node(1));
    let node = site.nodes[0];
    site.must(NodeCommand::Delete { node, force: true });
    assert_eq!(deleted.obey_now(), Some(Err(Ended::Deleted)));
    assert_eq!(site.follow(0, 1).unwrap_err(), FollowError::NotFound);
    deleted.confirm();
    drop(deleted);
    site.control.stop_blocking();
    assert_eq!(stopped.obey_now(), Some(Err(Ended::Stopping)));
    assert_eq!(site.follow(1, 1).unwrap_err(), FollowError::Stopping);
}

#[test]
fn whoever_follows_shows_a_good_certificate_of_its_own() {
    let site = Site::new();
    let follow = |node, certificate| site.control.follow(node, hello(0, certificate)).err();
    let [node, other] = site.nodes;
    assert_eq!(follow(NodeId::from_entropy(1), certificate(0)), Some(FollowError::NotFound));
    assert_eq!(follow(node, certificate(1)), Some(FollowError::Certificate));
    assert_eq!(follow(other, fingerprint(77)), Some(FollowError::Certificate));
    site.clock.pass(86_400_000);
    assert_eq!(follow(node, certificate(0)), Some(FollowError::Certificate), "it has expired");
}

#[test]
fn what_is_known_of_a_node_is_shown() {
    let site = Site::new();
    let (node, id) = (site.node(0), site.nodes[0]);
    let shown = site.control.standing(id);
    let connection = shown.connection.unwrap();
    assert_eq!((&*connection.agent_version, connection.source.port()), ("0.0.0-test", 4711));
    assert_eq!((shown.confirmed_generation, shown.generations_behind), (Some(1), 0));
    site.must(site.leave(0, 0));
    site.must(site.join(0, 0));
    assert_eq!(site.control.standing(id).generations_behind, 2);
    node.fail(site.interfaces[0][0]);
    let report = control::fleet::NodeReport {
        dropped_packets: (0..200).map(|number| (format!("{number:03}").into(), 1)).collect(),
        ..Default::default()
    };
    node.follower.heard(Heard::Report(report));
    let shown = site.control.standing(id);
    assert_eq!(shown.not_in_force.unwrap().problems[0].interface, site.interfaces[0][0]);
    assert_eq!(shown.report.unwrap().1.dropped_packets.len(), control::fleet::KEPT_MAX);
    drop(node);
    let shown = site.control.standing(id);
    assert!(shown.connection.is_none() && shown.disconnected_at.is_some());
    assert_eq!(site.control.standing(site.nodes[1]), Default::default());
}

#[test]
fn a_node_with_nothing_to_enforce_is_told_so_and_what_comes() {
    let site = Site::new();
    let node = site.nodes[1];
    for interface in site.interfaces[1] {
        site.must(NodeCommand::Unbind { interface });
    }
    let mut host = site.node(1);
    assert_eq!(host.desired, policy::Desired::default());
    site.must(NodeCommand::Unbind { interface: site.interfaces[0][0] });
    site.must(bind(site.interfaces[0][0], node, Device::Aliased));
    assert!(matches!(host.obey_now(), Some(Ok(Told::Delta { .. }))));
    assert_eq!(host.desired, site.desired(1));
}
