//! Pages that are kept up to date.

use console::ConsoleSettings;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::support::{Browser, Site, patiently};

/// A stream that is read.
pub(crate) struct Stream {
    socket: TcpStream,
    pub(crate) text: String,
}

impl Stream {
    pub(crate) async fn open(browser: &Browser, path: &str) -> Self {
        let mut socket = patiently(TcpStream::connect(browser.address)).await.unwrap();
        let head = browser.head("GET", path, &[], 0);
        patiently(socket.write_all(head.as_bytes())).await.unwrap();
        Self { socket, text: String::new() }
    }

    /// Reads until the text stands there; false where the stream ends before.
    pub(crate) async fn reads(&mut self, text: &str) -> bool {
        let mut bytes = [0; 16 << 10];
        while !self.text.contains(text) {
            match patiently(self.socket.read(&mut bytes)).await {
                Ok(0) | Err(_) => return false,
                Ok(read) => self.text.push_str(&String::from_utf8_lossy(&bytes[..read])),
            }
        }
        true
    }
}

#[tokio::test]
async fn the_overview_is_sent_anew_when_something_changes() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    browser.get("/console").await.shows("data-live=\"/console/live/overview\"");
    let mut stream = Stream::open(&browser, "/console/live/overview").await;
    assert!(stream.reads("event: part").await, "{}", stream.text);
    assert!(stream.text.contains("text/event-stream") && stream.text.contains("content-security-policy"));
    assert!(stream.reads("First steps").await);
    stream.text.clear();
    browser.fill_in("/console/groups/new", "/console/groups/new", &[("SecurityGroupName", "web")]).await;
    assert!(stream.reads("event: part").await);
    assert!(stream.reads("<span class=\"number\">1</span>").await, "{}", stream.text);
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    let mut stream = Stream::open(&browser, "/console/live/overview").await;
    assert!(stream.reads("event: part").await);
    browser.fill_in("/console", "/console/sign-out", &[]).await;
    assert!(stream.reads("event: end").await, "{}", stream.text);
    assert!(!stream.reads("never sent").await);
    assert_eq!(browser.get("/console/live/overview").await.status, 303);
}

#[tokio::test]
async fn a_stream_does_not_hold_the_server_up_that_stops() {
    let mut site = Site::new().await;
    let browser = site.signed_in().await;
    let mut stream = Stream::open(&browser, "/console/live/overview").await;
    assert!(stream.reads("event: part").await);
    site.ask_to_stop();
    assert!(!stream.reads("never sent").await);
    drop(stream);
    assert_eq!(site.stopped().await.connections_cut, 0);
}

#[tokio::test]
async fn no_more_pages_are_kept_up_to_date_than_there_may_be() {
    let site = Site::with(ConsoleSettings { streams_max: 1, ..ConsoleSettings::default() }).await;
    let browser = site.signed_in().await;
    let mut first = Stream::open(&browser, "/console/live/overview").await;
    assert!(first.reads("event: part").await);
    let mut second = Stream::open(&browser, "/console/live/overview").await;
    assert!(second.reads("event: end").await);
    assert!(!second.text.contains("event: part"));
    drop(first);
    patiently(async {
        loop {
            let mut third = Stream::open(&browser, "/console/live/overview").await;
            if third.reads("event: ").await && third.text.contains("event: part") {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_change_that_concerns_no_node_is_settled_at_once() {
    let site = Site::new().await;
    let mut browser = site.signed_in().await;
    browser.fill_in("/console/groups/new", "/console/groups/new", &[("SecurityGroupName", "web")]).await;
    let generation = site.control.status().durable;
    let mut stream = Stream::open(&browser, &format!("/console/changes/{generation}/live")).await;
    assert!(stream.reads("event: end").await);
    assert!(stream.text.contains("It concerns no node"), "{}", stream.text);
}

#[tokio::test]
async fn a_page_that_is_kept_up_to_date_does_not_let_its_session_last() {
    let site = Site::with(ConsoleSettings { idle_minutes: 10, ..ConsoleSettings::default() }).await;
    let mut browser = site.signed_in().await;
    site.later.minutes(9);
    let mut stream = Stream::open(&browser, "/console/live/overview").await;
    assert!(stream.reads("event: part").await);
    site.later.minutes(1);
    assert!(stream.reads("event: end").await, "{}", stream.text);
    assert_eq!(browser.get("/console").await.status, 303);
}

#[tokio::test]
async fn one_session_leaves_streams_to_others() {
    let site = Site::new().await;
    let (browser, other) = (site.signed_in().await, site.signed_in().await);
    let mut open = Vec::new();
    for _ in 0..8 {
        let mut stream = Stream::open(&browser, "/console/live/overview").await;
        assert!(stream.reads("event: part").await);
        open.push(stream);
    }
    let mut refused = Stream::open(&browser, "/console/live/overview").await;
    assert!(refused.reads("event: end").await);
    assert!(!refused.text.contains("event: part"), "{}", refused.text);
    assert!(Stream::open(&other, "/console/live/overview").await.reads("event: part").await);
}

#[tokio::test]
async fn a_stream_that_has_nothing_to_show_any_more_says_that_it_ends() {
    let site = Site::new().await;
    let browser = site.signed_in().await;
    let mut stream = Stream::open(&browser, "/console/nodes/node-none/live").await;
    assert!(stream.reads("event: end").await, "{}", stream.text);
}
