//! The control plane goes and comes back: nodes come back with what they have.

use std::path::Path;

use model::node::NodeStatus;
use store::FjallStore;

use crate::{
    client::{Identity, Kept},
    world::{MovedClock, World, settings, until, within},
};

/// A node with something to enforce, that has confirmed it.
async fn at_work(world: &World) -> (Identity, Kept) {
    let identity = world.node().await;
    let group = world.group(2).await;
    let interfaces = world.interfaces(group, 1).await;
    world.bind(interfaces[0], identity.node).await;
    let (mut follow, mut kept) = (world.follow(&identity, 0).await, Kept::default());
    kept.obey_until(&mut follow, world.generation().await).await;
    until("it is confirmed", || world.standing(identity.node).generations_behind == 0).await;
    follow.leave();
    (identity, kept)
}

async fn comes_back(world: &World, identity: &Identity, kept: &mut Kept) {
    let mut follow = world.follow(identity, kept.generation).await;
    kept.obey(&mut follow).await;
    world.assert_kept(identity.node, kept).await;
}

fn restored(backup: &Path, directory: &Path) -> FjallStore {
    store::restore(backup, directory).unwrap();
    FjallStore::open(directory, &store::Options::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_come_back_to_a_server_that_was_started_again() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().join("store");
    let world = World::at(&directory).await;
    let (identity, mut kept) = at_work(&world).await;
    let token = world.token().await;
    world.stop().await;
    let world = World::at(&directory).await;
    assert_eq!(world.authority().await, identity.authority);
    comes_back(&world, &identity, &mut kept).await;
    world.join(&token).await.unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_come_back_to_a_server_that_was_restored_from_a_backup() {
    let place = tempfile::tempdir().unwrap();
    let (backup, directory) = (place.path().join("backup"), place.path().join("store"));
    let world = World::new().await;
    let (identity, mut kept) = at_work(&world).await;
    let snapshot = world.control.snapshot().await.unwrap();
    store::backup(&*snapshot, &backup).unwrap();
    drop(snapshot);
    let late = world.node().await;
    world.stop().await;
    let world = World::open(restored(&backup, &directory), settings(), MovedClock::default()).await;
    comes_back(&world, &identity, &mut kept).await;
    // Whoever joined later is not known here: it has to join again.
    let channel = world.connect(&late).await;
    let refused = crate::client::Follow::begin(channel).await.err().unwrap();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
    let node = world.control.read(|state| state.nodes().get(&identity.node).unwrap().status);
    assert_eq!(within(node).await.unwrap().value, NodeStatus::Ready);
    world.stop().await;
}
