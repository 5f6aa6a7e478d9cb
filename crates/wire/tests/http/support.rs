//! A server with a stand-in behind it, and a client that says exactly what a test wants said.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use control::Phase;
use http::HeaderMap;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::{Semaphore, oneshot},
    task::JoinHandle,
};
use wire::{
    catalogue::Fault,
    gateway::{RawRequest, RawResponse},
    server::{Application, HttpLimits, Server, ServerSettings, Stopped},
};

/// No test waits longer than this for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// What stands behind the server: it answers with what it was asked.
pub(crate) struct StandIn {
    /// One permit for each request that has come with `Action=Wait`.
    pub entered: Semaphore,
    /// One permit lets one of them be answered.
    pub gate: Semaphore,
    /// Whether the control plane is recovering.
    pub recovering: AtomicBool,
    /// The queries that were answered.
    pub answered: parking_lot::Mutex<Vec<String>>,
    /// One permit for each answer.
    pub answers: Semaphore,
}

impl StandIn {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            entered: Semaphore::new(0),
            gate: Semaphore::new(0),
            recovering: AtomicBool::new(false),
            answered: parking_lot::Mutex::default(),
            answers: Semaphore::new(0),
        })
    }
}

impl Application for StandIn {
    async fn handle(&self, request: RawRequest<'_>) -> RawResponse {
        match request.query {
            "Action=Panic" => panic!("on purpose"),
            "Action=Never" => std::future::pending().await,
            _ => {}
        }
        if request.query.starts_with("Action=Wait") {
            self.entered.add_permits(1);
            self.gate.acquire().await.unwrap().forget();
        }
        let mut body = format!(
            "{} {} query={} body={} secure={} peer={}",
            request.method,
            request.path,
            request.query.len(),
            request.body.len(),
            request.secure,
            request.peer.unwrap()
        );
        if request.query == "Action=Large" {
            body = "x".repeat(64 << 20);
        }
        self.answered.lock().push(request.query.to_owned());
        self.answers.add_permits(1);
        RawResponse { status: 200, headers: vec![("content-type", "text/plain".into())], body: body.into() }
    }

    fn refuse(&self, _: &HeaderMap, fault: Fault) -> RawResponse {
        let body = format!("{}: {}", fault.code, fault.message);
        let headers = vec![("content-type", "application/json;charset=utf-8".into())];
        RawResponse { status: fault.status, headers, body: body.into() }
    }

    fn metrics(&self) -> String {
        "# EOF\n".into()
    }

    fn phase(&self) -> Phase {
        if self.recovering.load(Ordering::Relaxed) { Phase::Recovering } else { Phase::Serving }
    }
}

/// A server that runs.
pub(crate) struct Running {
    pub application: Arc<StandIn>,
    pub address: SocketAddr,
    pub tls: Option<SocketAddr>,
    shutdown: Option<oneshot::Sender<()>>,
    task: JoinHandle<Stopped>,
}

impl Running {
    pub(crate) fn begin(settings: ServerSettings) -> Self {
        let application = StandIn::new();
        let server = Server::bind(settings, Arc::clone(&application)).unwrap();
        let (address, tls) = (server.local_address(), server.local_tls_address());
        let (shutdown, stopping) = oneshot::channel();
        let task = tokio::spawn(server.run(stopping));
        Self { application, address, tls, shutdown: Some(shutdown), task }
    }

    pub(crate) fn limited(limits: HttpLimits) -> Self {
        Self::begin(ServerSettings { limits, ..local() })
    }

    pub(crate) fn ask_to_stop(&mut self) {
        self.shutdown.take().unwrap().send(()).unwrap();
    }

    pub(crate) async fn stopped(self) -> Stopped {
        patiently(self.task).await.unwrap()
    }

    /// A connection whose first request was answered: it has its place.
    pub(crate) async fn connect(&self) -> Connection {
        let mut connection = Connection::to(self.address).await;
        assert_eq!(connection.ask("GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.status, 200);
        connection
    }

    /// Asserts that the server goes on serving.
    pub(crate) async fn still_serves(&self) {
        drop(self.connect().await);
    }
}

/// Listening on a free port of this host.
pub(crate) fn local() -> ServerSettings {
    ServerSettings { listen: Some(([127, 0, 0, 1], 0).into()), ..ServerSettings::default() }
}

/// The result of the future, which no test has to wait for longer than anybody would.
pub(crate) async fn patiently<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("nothing happened")
}

/// One answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// Asserts status and code of an error answer.
    pub(crate) fn refuses(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert!(self.body.starts_with(&format!("{code}: ")), "{self:?}");
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// The client's end of a connection.
pub(crate) struct Connection<S = TcpStream> {
    pub stream: S,
    unread: Vec<u8>,
}

impl Connection {
    pub(crate) async fn to(address: SocketAddr) -> Self {
        Self::over(patiently(TcpStream::connect(address)).await.unwrap())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self { stream, unread: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        patiently(self.stream.write_all(bytes.as_ref())).await.unwrap();
        patiently(self.stream.flush()).await.unwrap();
    }

    pub(crate) async fn ask(&mut self, bytes: impl AsRef<[u8]>) -> Answer {
        self.send(bytes).await;
        self.answer().await
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        self.try_answer().await.expect("the connection ended without an answer")
    }

    /// The next answer; `None` where the connection ends before it is whole.
    pub(crate) async fn try_answer(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(end) = self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            self.read_more().await?;
        };
        let head = String::from_utf8(self.unread.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: String::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        while self.unread.len() < length {
            self.read_more().await?;
        }
        answer.body = String::from_utf8(self.unread.drain(..length).collect()).unwrap();
        Some(answer)
    }

    async fn read_more(&mut self) -> Option<()> {
        match patiently(self.stream.read_buf(&mut self.unread)).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some(()),
        }
    }

    /// Asserts that the server ends the connection without a further byte.
    pub(crate) async fn ends(&mut self) {
        assert!(self.unread.is_empty());
        let read = patiently(self.stream.read_buf(&mut self.unread)).await;
        assert!(matches!(read, Ok(0)), "{read:?} {:?}", String::from_utf8_lossy(&self.unread));
    }
}
