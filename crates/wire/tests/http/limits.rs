//! Every bound is reached, answered, and survived.

use wire::server::{HttpLimits, TARGET_BYTES_MOST};

use crate::support::{Connection, Running, local, patiently};

fn small_bodies() -> HttpLimits {
    HttpLimits { body_bytes_max: 1000, ..HttpLimits::default() }
}

#[tokio::test]
async fn an_announced_body_that_is_too_large_is_refused_before_it_is_sent() {
    let server = Running::limited(small_bodies());
    for more in ["", "expect: 100-continue\r\n"] {
        let mut connection = Connection::to(server.address).await;
        let request = format!("POST / HTTP/1.1\r\nhost: x\r\n{more}content-length: 1001\r\n\r\n");
        let answer = connection.ask(request).await;
        answer.refuses(413, "RequestEntityTooLarge");
        assert_eq!(answer.header("connection"), Some("close"));
        connection.ends().await;
    }
    server.still_serves().await;
}

#[tokio::test]
async fn a_client_that_sends_too_much_all_the_same_reads_why() {
    let server = Running::limited(small_bodies());
    let body = vec![b'x'; 16 << 20];
    let mut connection = Connection::to(server.address).await;
    connection.send(format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len())).await;
    connection.ask(body).await.refuses(413, "RequestEntityTooLarge");
    server.still_serves().await;
}

#[tokio::test]
async fn a_chunked_body_that_grows_too_large_is_refused() {
    let server = Running::limited(small_bodies());
    let mut connection = Connection::to(server.address).await;
    connection.send("POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for _ in 0..3 {
        connection.send(format!("1f4\r\n{}\r\n", "x".repeat(500))).await;
    }
    connection.answer().await.refuses(413, "RequestEntityTooLarge");
    let mut connection = Connection::to(server.address).await;
    let largest = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{}", "x".repeat(1000));
    assert!(connection.ask(largest).await.body.contains("body=1000"));
}

#[tokio::test]
async fn bodies_together_are_bounded() {
    let server = Running::limited(HttpLimits { bodies_bytes_max: 1000, ..HttpLimits::default() });
    let body = "x".repeat(800);
    let request = |query| format!("POST /{query} HTTP/1.1\r\nhost: x\r\ncontent-length: 800\r\n\r\n{body}");
    let mut first = server.connect().await;
    first.send(request("?Action=Wait")).await;
    patiently(server.application.entered.acquire()).await.unwrap().forget();
    let mut second = server.connect().await;
    second.ask(request("")).await.refuses(503, "ServiceUnavailable");
    server.application.gate.add_permits(1);
    assert_eq!(first.answer().await.status, 200);
    let mut third = server.connect().await;
    assert_eq!(third.ask(request("")).await.status, 200);
}

#[tokio::test]
async fn headers_are_bounded_in_number_and_size() {
    let server = Running::begin(local());
    let with = |count: usize, size: usize| {
        let headers: String =
            (0..count).map(|index| format!("x-{index}: {}\r\n", "v".repeat(size))).collect();
        format!("GET /?a=b HTTP/1.1\r\n{headers}\r\n")
    };
    assert_eq!(Connection::to(server.address).await.ask(with(100, 1)).await.status, 200);
    for refused in [with(101, 1), with(30, 1200), with(90, 5000)] {
        let mut connection = Connection::to(server.address).await;
        connection.ask(refused).await.refuses(413, "RequestEntityTooLarge");
    }
    server.still_serves().await;
}

#[tokio::test]
async fn fewer_headers_can_be_allowed() {
    let server = Running::limited(HttpLimits { header_count_max: 2, ..HttpLimits::default() });
    let mut connection = server.connect().await;
    connection
        .ask("GET / HTTP/1.1\r\nhost: x\r\na: 1\r\nb: 2\r\n\r\n")
        .await
        .refuses(413, "RequestEntityTooLarge");
}

#[tokio::test]
async fn targets_are_bounded() {
    let server = Running::begin(local());
    let ask = async |target_bytes: usize| {
        let request = format!("GET /?{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(target_bytes - 2));
        Connection::to(server.address).await.ask(request).await
    };
    let longest = ask(TARGET_BYTES_MOST).await;
    assert!(longest.body.contains(&format!("query={}", TARGET_BYTES_MOST - 2)), "{longest:?}");
    for target_bytes in [TARGET_BYTES_MOST + 1, 90_000, 1 << 20] {
        ask(target_bytes).await.refuses(413, "RequestEntityTooLarge");
    }
    let parameters: Vec<_> = (0..10_000).map(|number| format!("Parameter.{number}=1")).collect();
    let request = format!("GET /?{} HTTP/1.1\r\nhost: x\r\n\r\n", parameters.join("&"));
    Connection::to(server.address).await.ask(request).await.refuses(413, "RequestEntityTooLarge");
    server.still_serves().await;
}

#[tokio::test]
async fn a_shorter_target_can_be_demanded() {
    let server = Running::limited(HttpLimits { target_bytes_max: 20, ..HttpLimits::default() });
    let mut connection = server.connect().await;
    connection
        .ask("GET /?aaaaaaaaaaaaaaaaaaa HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .refuses(413, "RequestEntityTooLarge");
}

#[tokio::test]
async fn a_head_that_comes_too_slowly_is_refused() {
    let server = Running::limited(HttpLimits { header_seconds_max: 1, ..HttpLimits::default() });
    let mut fresh = Connection::to(server.address).await;
    fresh.send("GET / HTTP/1.1\r\nho").await;
    let mut used = server.connect().await;
    used.send("GET /").await;
    for connection in [&mut fresh, &mut used] {
        let answer = connection.answer().await;
        answer.refuses(400, "InvalidRequest");
        assert!(answer.body.contains("its headers did not arrive within 1 seconds"), "{answer:?}");
        connection.ends().await;
    }
    server.still_serves().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let server =
        Running::limited(HttpLimits { header_seconds_max: 1, idle_seconds_max: 1, ..HttpLimits::default() });
    let mut silent = Connection::to(server.address).await;
    let mut waiting = server.connect().await;
    silent.ends().await;
    waiting.ends().await;
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_refused() {
    let server = Running::limited(HttpLimits { body_seconds_max: 1, ..HttpLimits::default() });
    let mut connection = Connection::to(server.address).await;
    let answer = connection.ask("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc").await;
    answer.refuses(400, "InvalidRequest");
    assert!(answer.body.contains("its body did not arrive within 1 seconds"), "{answer:?}");
    connection.ends().await;
    server.still_serves().await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let server = Running::limited(HttpLimits { request_seconds_max: 1, ..HttpLimits::default() });
    let mut connection = server.connect().await;
    connection.ask("GET /?Action=Never HTTP/1.1\r\nhost: x\r\n\r\n").await.refuses(503, "ServiceUnavailable");
    assert_eq!(connection.ask("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.status, 200);
}

/// Asks on new connections until one is let in; the bound on the whole is the test's patience.
async fn let_in(server: &Running) {
    let asking = async {
        loop {
            let mut connection = Connection::to(server.address).await;
            let answer = connection.ask("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
            if answer.status == 200 {
                return;
            }
            answer.refuses(503, "ServiceUnavailable");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    patiently(asking).await;
}

#[tokio::test]
async fn a_peer_that_takes_no_answer_loses_its_place() {
    let server =
        Running::limited(HttpLimits { answer_seconds_max: 1, connections_max: 1, ..HttpLimits::default() });
    let mut connection = server.connect().await;
    connection.send("GET /?Action=Large HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let_in(&server).await;
    assert!(connection.try_answer().await.is_none(), "the answer was cut off");
}

#[tokio::test]
async fn too_many_connections_are_turned_away_with_an_answer() {
    let server = Running::limited(HttpLimits { connections_max: 2, ..HttpLimits::default() });
    let held = (server.connect().await, server.connect().await);
    for _ in 0..100 {
        let mut refused = Connection::to(server.address).await;
        refused.answer().await.refuses(503, "ServiceUnavailable");
        refused.ends().await;
    }
    drop(held);
    let_in(&server).await;
}

#[tokio::test]
async fn one_address_cannot_take_every_place() {
    let server =
        Running::limited(HttpLimits { connections_per_address_max: Some(1), ..HttpLimits::default() });
    let held = server.connect().await;
    Connection::to(server.address).await.answer().await.refuses(503, "ServiceUnavailable");
    drop(held);
    let_in(&server).await;
}
