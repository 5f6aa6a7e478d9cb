//! How hosts become nodes, and who does not.

use model::{
    Command,
    node::{NodeCommand, NodeStatus, NodeWish},
};
use protocol::node::{self, enrolment_client::EnrolmentClient};
use session::SessionSettings;
use tonic::{Code, Status};

use crate::{
    client::{join_request, request},
    world::{REGION, World, read_token, settings, within},
};

async fn refused(world: &World, request: node::JoinRequest) -> Status {
    let joined = within(EnrolmentClient::new(world.stranger().await).join(request)).await;
    joined.map(|_| ()).expect_err("it is refused")
}

async fn status_of(world: &World, token: &str) -> NodeStatus {
    let id = read_token(token).node;
    world.control.read(|state| state.nodes().get(&id).unwrap().status).await.unwrap().value
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_joins_once_with_its_token_and_the_token_is_kept_nowhere() {
    let world = World::new().await;
    let token = world.token().await;
    let identity = world.join(&token).await.unwrap();
    let node = world.control.read(|state| state.nodes().get(&identity.node).unwrap().clone());
    let node = node.await.unwrap().value;
    assert_eq!((node.status, &*node.name), (NodeStatus::Ready, "rack-7"));
    let again = world.join(&token).await.err().unwrap();
    assert_eq!(again.code(), Code::AlreadyExists);
    assert!(again.message().contains("CreateNodeToken"), "{again}");
    let (_, secret) = token.split_once('.').unwrap();
    let (secret, _) = secret.split_once('.').unwrap();
    let history = world.history().await;
    assert!(history.contains("\"Join\"") && !history.contains(secret));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_refused_is_told_what_to_do_and_uses_nothing_up() {
    let world = World::new().await;
    let wish = NodeWish::New { region: REGION.into(), name: Some("rack-7".into()), lab: false };
    let token = world.token_for(wish).await;
    let other = world.token().await;
    let csr = || request().1;
    let good = |token: &str| join_request(token, csr());
    let parts: Vec<&str> = token.split('.').collect();
    let guessed = format!("{}.{}.{}", parts[0], "0".repeat(64), parts[2]);
    let swapped = format!("{}.{}.{}", read_token(&other).node, parts[1], parts[2]);
    let elsewhere = format!("{}.{}.{}", parts[0], parts[1], "0".repeat(32));
    let mut damaged = csr();
    *damaged.last_mut().unwrap() ^= 1;
    let cases = [
        (good("no token"), Code::InvalidArgument, "token"),
        (good(&token[..token.len() - 1]), Code::InvalidArgument, "token"),
        (good(&guessed), Code::Unauthenticated, "CreateNodeToken"),
        (good(&swapped), Code::Unauthenticated, "CreateNodeToken"),
        (good(&elsewhere), Code::Unauthenticated, "another control plane"),
        (join_request(&token, Vec::new()), Code::InvalidArgument, "PKCS #10"),
        (join_request(&token, damaged), Code::InvalidArgument, "not signed by the key"),
        (join_request(&token, vec![0; 5_000]), Code::InvalidArgument, "4096 bytes"),
        (
            node::JoinRequest { host_name: "rack-8".into(), ..good(&token) },
            Code::PermissionDenied,
            "another name",
        ),
        (
            node::JoinRequest { host_name: "rack 7".into(), ..good(&token) },
            Code::InvalidArgument,
            "\"rack 7\"",
        ),
        (node::JoinRequest { host_name: "x".repeat(65), ..good(&token) }, Code::InvalidArgument, "64"),
        (node::JoinRequest { ens_region_id: "edge-2".into(), ..good(&token) }, Code::OutOfRange, "edge site"),
        (node::JoinRequest { ens_region_id: "x".repeat(65), ..good(&token) }, Code::InvalidArgument, "64"),
        (
            node::JoinRequest { agent_version: "x".repeat(20_000), ..good(&token) },
            Code::OutOfRange,
            "too large",
        ),
    ];
    for (request, code, says) in cases {
        let status = refused(&world, request).await;
        assert_eq!(status.code(), code, "{status:?}");
        assert!(status.message().contains(says), "{says:?} is not in {status:?}");
        assert!(!status.message().contains(parts[1]), "a secret is in {status:?}");
    }
    assert_eq!(status_of(&world, &token).await, NodeStatus::Pending);
    world.join(&token).await.unwrap();
    world.join(&other).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_and_a_revoked_token_are_refused() {
    let world = World::new().await;
    let (expired, revoked) = (world.token().await, world.token().await);
    world.revoke(read_token(&revoked).node).await;
    assert_eq!(world.join(&revoked).await.err().unwrap().code(), Code::Unauthenticated);
    world.clock.move_by(3_600_001);
    let status = world.join(&expired).await.err().unwrap();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("has expired; ask for another"), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_joins_again_as_itself_and_its_old_certificate_ends() {
    let world = World::new().await;
    let before = world.node().await;
    let again = world.token_for(NodeWish::Again(before.node)).await;
    let mut follow = world.follow(&before, 0).await;
    let after = world.join(&again).await.unwrap();
    assert_eq!(after.node, before.node);
    assert_eq!(follow.end().await.code(), Code::Unauthenticated);
    let mut follow = world.follow(&after, 0).await;
    follow.told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_node_that_was_deleted_tells_nothing() {
    let world = World::new().await;
    let token = world.token().await;
    let node = read_token(&token).node;
    world.must(Command::Node(NodeCommand::Delete { node, force: false })).await;
    let deleted = world.join(&token).await.err().unwrap();
    let unknown = world.token().await;
    let parts: Vec<&str> = unknown.split('.').collect();
    let guessed = world.join(&format!("{}.{}.{}", parts[0], "0".repeat(64), parts[2])).await.err().unwrap();
    assert_eq!((deleted.code(), deleted.message()), (guessed.code(), guessed.message()));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_cannot_be_guessed_by_trying() {
    let settings = SessionSettings { joins_per_minute_per_address: 5, ..settings() };
    let world = World::with(settings).await;
    let token = world.token().await;
    let mut codes = Vec::new();
    for guess in 0..20 {
        let parts: Vec<&str> = token.split('.').collect();
        let guessed = format!("{}.{guess:064x}.{}", parts[0], parts[2]);
        codes.push(world.join(&guessed).await.err().unwrap().code());
    }
    let let_through = codes.iter().filter(|code| **code == Code::Unauthenticated).count();
    // While the test runs a few more may come due.
    assert!((5..10).contains(&let_through), "{codes:?}");
    assert!(codes.iter().skip(10).any(|code| *code == Code::ResourceExhausted), "{codes:?}");
}
