//! What HTTP allows a client to do.

use tokio::io::AsyncWriteExt;

use crate::support::{Connection, Running, local, patiently};

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_order() {
    let server = Running::begin(local());
    let mut connection = server.connect().await;
    let mut requests = String::new();
    for length in 0..20 {
        requests.push_str(&format!("GET /?{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(length)));
    }
    connection.send(requests).await;
    for length in 0..20 {
        let answer = connection.answer().await;
        assert_eq!(answer.body, format!("GET / query={length} body=0 secure=false peer=127.0.0.1"));
    }
}

#[tokio::test]
async fn a_body_may_come_in_every_way() {
    let server = Running::begin(local());
    let mut connection = server.connect().await;
    let whole = connection.ask("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc").await;
    assert!(whole.body.contains("body=3"), "{whole:?}");
    let chunked =
        "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert!(connection.ask(chunked).await.body.contains("body=5"));
    let on_get = connection.ask("GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc").await;
    assert!(on_get.body.contains("GET / query=0 body=3"), "{on_get:?}");
    connection.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nab").await;
    assert!(connection.ask("cde").await.body.contains("body=5"));
    let large = vec![b'x'; 1 << 20];
    connection.send(format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", large.len())).await;
    assert!(connection.ask(large).await.body.contains("body=1048576"));
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let server = Running::begin(local());
    let mut connection = server.connect().await;
    let head = "POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 3\r\n\r\n";
    assert_eq!(connection.ask(head).await.status, 100);
    assert!(connection.ask("abc").await.body.contains("body=3"));
}

#[tokio::test]
async fn http_1_0_is_answered_and_closed() {
    let server = Running::begin(local());
    let mut connection = Connection::to(server.address).await;
    assert_eq!(connection.ask("GET /?a=b HTTP/1.0\r\n\r\n").await.status, 200);
    connection.ends().await;
}

#[tokio::test]
async fn a_client_that_has_closed_its_side_is_answered() {
    let server = Running::begin(local());
    let mut connection = Connection::to(server.address).await;
    connection.send("GET /?Action=Wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
    connection.stream.shutdown().await.unwrap();
    patiently(server.application.entered.acquire()).await.unwrap().forget();
    server.application.gate.add_permits(1);
    assert_eq!(connection.answer().await.status, 200);
    connection.ends().await;
}

#[tokio::test]
async fn a_defect_behind_the_server_is_answered_and_harms_nobody() {
    let server = Running::begin(local());
    let mut connection = server.connect().await;
    connection.ask("GET /?Action=Panic HTTP/1.1\r\nhost: x\r\n\r\n").await.refuses(500, "InternalError");
    assert_eq!(connection.ask("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.status, 200);
}

#[tokio::test]
async fn what_is_not_http_is_refused_and_the_server_goes_on() {
    let server = Running::begin(local());
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: a\x00b\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n",
    ] {
        let mut connection = Connection::to(server.address).await;
        connection.ask(garbage).await.refuses(400, "InvalidRequest");
        connection.ends().await;
    }
    server.still_serves().await;
}

#[tokio::test]
async fn a_refusal_follows_the_answers_to_what_was_good() {
    let server = Running::begin(local());
    let mut connection = server.connect().await;
    assert_eq!(connection.ask("GET /?a=b HTTP/1.1\r\nhost: x\r\n\r\n").await.status, 200);
    connection.ask("\x01\x02\r\n\r\n").await.refuses(400, "InvalidRequest");
    connection.ends().await;
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let server = Running::begin(local());
    let mut connection = Connection::to(server.address).await;
    connection.send("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc").await;
    connection.stream.shutdown().await.unwrap();
    connection.answer().await.refuses(400, "InvalidRequest");
    let mut connection = Connection::to(server.address).await;
    let broken = "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nnot a size\r\n";
    connection.ask(broken).await.refuses(400, "InvalidRequest");
    server.still_serves().await;
}
