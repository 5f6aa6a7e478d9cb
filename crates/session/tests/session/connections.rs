//! Connections that lead nowhere, and too many of them.

use std::{io, time::Duration};

use session::SessionSettings;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    client::{secure, tls},
    world::{World, settings, until, within},
};

/// Resolves when the other side has closed the connection.
async fn closed(mut stream: impl AsyncReadExt + Unpin) {
    let mut rest = [0; 4096];
    while !matches!(within(stream.read(&mut rest)).await, Ok(0) | Err(_)) {}
}

fn metric(world: &World, name: &str) -> u64 {
    let (mut registry, mut text) = (Default::default(), String::new());
    world.metrics.register(&mut registry);
    prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    line.unwrap_or(0)
}

const REFUSED_HANDSHAKES: &str = "node_connections_refused_total{reason=\"handshake\"}";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_tls_is_refused_and_counted() {
    let world = World::new().await;
    for garbage in ["GET / HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\0\0\0\0\0\0"] {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
        stream.write_all(garbage.as_bytes()).await.unwrap();
        closed(stream).await;
    }
    until("all are counted", || metric(&world, REFUSED_HANDSHAKES) == 3).await;
    let identity = world.node().await;
    world.follow(&identity, 0).await.told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_inside_of_tls_ends_the_connection_alone() {
    let world = World::new().await;
    let identity = world.node().await;
    let mut follow = world.follow(&identity, 0).await;
    follow.told().await;
    let tls = tls(&identity.authority, &world.clock, Some((&identity.chain, &identity.key)));
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 100_000]] {
        let mut stream = secure(world.address, &tls).await.unwrap();
        let _ = stream.write_all(garbage).await;
        closed(stream).await;
    }
    let interface = world.interfaces(world.group(1).await, 1).await[0];
    follow.say(crate::client::confirmed(0)).await;
    world.bind(interface, identity.node).await;
    follow.told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_on_which_nothing_is_asked_for_is_closed() {
    let settings = SessionSettings { idle_seconds_max: 1, handshake_seconds_max: 1, ..settings() };
    let world = World::with(settings).await;
    // Neither one that says nothing, ...
    closed(TcpStream::connect(world.address).await.unwrap()).await;
    let identity = world.node().await;
    for who in [None, Some((&identity.chain[..], &identity.key[..]))] {
        let tls = tls(&identity.authority, &world.clock, who);
        // ... nor one that stops after TLS, with a certificate and without, ...
        closed(secure(world.address, &tls).await.unwrap()).await;
    }
    // ... nor one that has begun to speak HTTP/2.
    let tls = tls(&identity.authority, &world.clock, None);
    let mut stream = secure(world.address, &tls).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    closed(stream).await;
    until("none is left", || metric(&world, "node_connections ") == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_take_no_more_places_than_there_are_and_none_of_nodes() {
    let settings = SessionSettings { strangers_per_address_max: 3, ..settings() };
    let world = World::with(settings).await;
    let identity = world.node().await;
    let mut follow = world.follow(&identity, 0).await;
    follow.told().await;
    let mut held = Vec::new();
    for _ in 0..3 {
        // They have ended their handshakes, as what the server says after it shows, and go on to join, for all one knows.
        let tls = tls(&identity.authority, &world.clock, None);
        let mut stream = secure(world.address, &tls).await.unwrap();
        stream.read_u8().await.unwrap();
        held.push(stream);
    }
    until("they have their places", || metric(&world, "node_connections ") == 4).await;
    closed(TcpStream::connect(world.address).await.unwrap()).await;
    assert_eq!(metric(&world, "node_connections_refused_total{reason=\"address\"}"), 1);
    // The node has its place already; when the strangers go others may come.
    follow.say(crate::client::confirmed(0)).await;
    held.clear();
    until("they have gone", || metric(&world, "node_connections ") == 1).await;
    world.node().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_nothing_keeps_nobody_of_its_address_out() {
    let settings = SessionSettings { strangers_per_address_max: 3, ..settings() };
    let world = World::with(settings).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(TcpStream::connect(world.address).await.unwrap());
    }
    until("they have their places", || metric(&world, "node_connections ") == 3).await;
    // The node joins and follows over connections of its own: each takes the place of one that is silent.
    let identity = world.node().await;
    world.follow(&identity, 0).await.told().await;
    closed(silent.remove(0)).await;
    assert!(metric(&world, "node_connections_refused_total{reason=\"address\"}") >= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_has_a_few_connections_and_no_more() {
    let world = World::new().await;
    let identity = world.node().await;
    let tls = tls(&identity.authority, &world.clock, Some((&identity.chain, &identity.key)));
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(secure(world.address, &tls).await.unwrap());
    }
    until("they have their places", || metric(&world, "node_connections ") == 4).await;
    // The handshakes of some may not have ended yet; then the fifth is one of the four that stay.
    let fifth = secure(world.address, &tls).await;
    let refused = || metric(&world, "node_connections_refused_total{reason=\"node\"}") == 1;
    until("one is refused", refused).await;
    drop((held, fifth));
    until("they have gone", || metric(&world, "node_connections ") == 0).await;
    world.follow(&identity, 0).await.told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_falls_silent_is_noticed() {
    let settings = SessionSettings { keepalive_seconds: 1, keepalive_seconds_max: 1, ..settings() };
    let world = World::with(settings).await;
    let identity = world.node().await;
    // Between the two somebody stops to carry anything.
    let relay = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, server) = (relay.local_addr().unwrap(), world.address);
    let (cut, mut is_cut) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        let (mut near, _) = relay.accept().await?;
        let mut far = TcpStream::connect(server).await?;
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
            _ = is_cut.wait_for(|cut| *cut) => {}
        }
        // Both stay open.
        std::future::pending::<io::Result<()>>().await
    });
    let tls = tls(&identity.authority, &world.clock, Some((&identity.chain, &identity.key)));
    let channel = crate::client::channel(secure(address, &tls).await.unwrap()).await.unwrap();
    let mut follow = crate::client::Follow::begin(channel).await.unwrap();
    follow.say(crate::client::hello(0)).await;
    follow.told().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(world.standing(identity.node).connection.is_some(), "one that answers stays");
    cut.send_replace(true);
    world.until_disconnected(identity.node).await;
}
