//! Stopping loses no answered request.

use std::collections::BTreeSet;

use wire::server::{ServerSettings, Stopped};

use crate::support::{Connection, Running, local, patiently};

#[tokio::test(flavor = "multi_thread")]
async fn under_load_every_request_that_was_answered_reaches_its_client() {
    let mut server = Running::begin(local());
    let mut clients = Vec::new();
    for client in 0..16 {
        let address = server.address;
        clients.push(tokio::spawn(async move {
            let mut connection = Connection::to(address).await;
            let mut received = Vec::new();
            for number in 0.. {
                let query = format!("{client}.{number}");
                let request = format!("GET /?{query} HTTP/1.1\r\nhost: x\r\n\r\n");
                if tokio::io::AsyncWriteExt::write_all(&mut connection.stream, request.as_bytes())
                    .await
                    .is_err()
                {
                    break;
                }
                match connection.try_answer().await {
                    Some(answer) => assert_eq!(answer.status, 200),
                    None => break,
                }
                received.push(query);
            }
            received
        }));
    }
    patiently(server.application.answers.acquire_many(2000)).await.unwrap().forget();
    server.ask_to_stop();
    let application = server.application.clone();
    assert_eq!(server.stopped().await, Stopped { connections_cut: 0 });
    let mut received = BTreeSet::new();
    for client in clients {
        received.extend(patiently(client).await.unwrap());
    }
    let answered: BTreeSet<_> = application.answered.lock().iter().cloned().collect();
    assert_eq!(answered.difference(&received).collect::<Vec<_>>(), Vec::<&String>::new());
    assert!(received.len() >= 2000);
}

#[tokio::test]
async fn pipelined_requests_that_were_answered_reach_their_client() {
    let mut server = Running::begin(local());
    let mut connection = server.connect().await;
    let mut idle = server.connect().await;
    connection.send("GET /?Action=Wait HTTP/1.1\r\nhost: x\r\n\r\n".repeat(3)).await;
    patiently(server.application.entered.acquire()).await.unwrap().forget();
    server.ask_to_stop();
    idle.ends().await;
    server.application.gate.add_permits(3);
    let mut received = 0;
    while let Some(answer) = connection.try_answer().await {
        assert_eq!(answer.status, 200);
        received += 1;
    }
    let application = server.application.clone();
    server.stopped().await;
    assert_eq!(received, application.answered.lock().len());
    assert!(received >= 1);
}

#[tokio::test]
async fn what_is_in_flight_is_finished_and_nothing_new_is_begun() {
    let mut server = Running::begin(local());
    let mut idle = server.connect().await;
    let mut waiting = Vec::new();
    for _ in 0..16 {
        let mut connection = server.connect().await;
        connection.send("GET /?Action=Wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
        waiting.push(connection);
    }
    patiently(server.application.entered.acquire_many(16)).await.unwrap().forget();
    server.ask_to_stop();
    // That an idle connection ends shows that the server has begun to stop.
    idle.ends().await;
    server.application.gate.add_permits(16);
    for connection in &mut waiting {
        let answer = connection.answer().await;
        assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
        connection.ends().await;
    }
    drop(waiting);
    let address = server.address;
    assert_eq!(server.stopped().await, Stopped { connections_cut: 0 });
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_drain_has_an_end() {
    let mut server = Running::begin(ServerSettings { drain_seconds_max: 1, ..local() });
    let mut connection = server.connect().await;
    connection.send("GET /?Action=Wait HTTP/1.1\r\nhost: x\r\n\r\n").await;
    patiently(server.application.entered.acquire()).await.unwrap().forget();
    server.ask_to_stop();
    assert_eq!(server.stopped().await, Stopped { connections_cut: 1 });
    assert!(connection.try_answer().await.is_none());
}
