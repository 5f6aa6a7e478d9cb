//! How a host becomes a node, and stays one.

use std::os::unix::fs::PermissionsExt;

use agent::identity::{Identity, JoinError};
use protocol::node::{self, to_node::Message};
use tonic::{Code, Status};

use crate::{
    host::{Host, snapshot},
    plane::{NODE, Plane},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_joins_the_control_plane_that_made_the_token_and_no_other() {
    let (plane, other) = (Plane::start(), Plane::start());
    let host = Host::new();
    let refused = host.join(&other.address.to_string(), &plane.token).await.unwrap_err();
    assert!(matches!(refused, JoinError::OtherAuthority { .. }), "{refused:?}");
    let refused = host.join(&plane.address.to_string(), "node-1.2.3").await.unwrap_err();
    assert!(matches!(refused, JoinError::Token), "{refused:?}");
    let identity = host.join(&plane.address.to_string(), &plane.token).await.unwrap();
    assert_eq!(identity.node.to_string(), NODE);
    let kept = Identity::read(&host.directory()).unwrap();
    assert_eq!(kept.credentials.certificate(), identity.credentials.certificate());
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&host.directory()), 0o700);
    assert_eq!(mode(&host.directory().join("identity.toml")), 0o600);
    assert!(!format!("{kept:?}").contains("PRIVATE KEY"));
    let refused = host.join(&plane.address.to_string(), &plane.token).await.unwrap_err();
    assert!(matches!(&refused, JoinError::Refused { code: Code::AlreadyExists, .. }), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_renewed_when_its_time_has_come_and_the_one_before_is_kept() {
    let mut plane = Plane::start();
    plane.give_short_certificates();
    let mut host = Host::of(&plane).await;
    let before = Identity::read(&host.directory()).unwrap();
    // The first session ends when there is another certificate, and the next one shows it.
    plane.session().await.ended().await;
    let session = plane.session().await;
    let after = Identity::read(&host.directory()).unwrap();
    assert_ne!(after.credentials.certificate(), before.credentials.certificate());
    assert_eq!(after.previous.unwrap().certificate(), before.credentials.certificate());
    // Where the new one is not accepted the one before is tried, and renewed.
    session.end(Status::unauthenticated("no such certificate")).await;
    plane.session().await.ended().await;
    plane.session().await;
    let again = Identity::read(&host.directory()).unwrap();
    assert_ne!(again.credentials.certificate(), after.credentials.certificate());
    assert_eq!(again.previous.unwrap().certificate(), before.credentials.certificate());
    host.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_accepted_says_how_to_join_again_and_keeps_what_is_in_force() {
    let mut plane = Plane::start();
    let mut host = Host::of(&plane).await;
    let mut session = plane.session().await;
    session.tell(Message::Snapshot(snapshot(5, 80))).await;
    session.confirmed().await;
    session.end(Status::unauthenticated("the certificate was revoked")).await;
    let told = |status: &agent::status::Status| {
        status.session.error.as_ref().is_some_and(|error| error.contains("CreateNodeToken --NodeId"))
    };
    host.stands("it says so", told).await;
    assert_eq!(host.kernel.open(), (1, 5));
    let mut session = plane.session().await;
    session.tell(Message::Current(node::Current { generation: 5, run: 0 })).await;
    session.confirmed().await;
    host.stop();
}
