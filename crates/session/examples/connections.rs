//! What connections of nodes cost: how much memory a control plane takes for many nodes that follow and are told nothing.
//!
//! The nodes are in a process of their own, so that what grows here is the server's.
//!
//! ```sh
//! cargo run --release -p ravelin-session --example connections -- 2000
//! ```

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measurement that people start and read"
)]

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command as Process, Stdio},
    sync::Arc,
    time::Duration,
};

use control::{Control, Submission, SystemClock};
use hyper_util::rt::TokioIo;
use model::{
    AccountId, Actor, Command, NodeId, Outcome,
    node::{NodeCommand, NodeWish},
    ram::{RamCommand, RamOutcome},
};
use protocol::node::{
    self, enrolment_client::EnrolmentClient, from_node::Message, session_client::SessionClient,
};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use session::{Bound, Metrics, SessionSettings};
use store::MemoryStore;
use tokio::{net::TcpStream, sync::mpsc};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("nodes") => nodes(&arguments[1], &arguments[2]).await,
        count => serve(count.map_or(2_000, |count| count.parse().unwrap())).await,
    }
}

/// The control plane.
async fn serve(count: usize) {
    let settings = SessionSettings {
        joins_per_minute: u32::MAX,
        joins_per_minute_per_address: u32::MAX,
        ..SessionSettings::default()
    };
    let clock = Arc::new(SystemClock);
    let opened = Control::open(
        Box::new(MemoryStore::new()),
        control::Settings { commit_on_submitter: true, ..control::Settings::default() },
        clock.clone(),
        &mut |_| {},
    );
    let control = opened.unwrap().control;
    let bound = Bound::to("127.0.0.1:0".parse().unwrap(), settings).unwrap();
    let server = bound.serve(control.clone(), clock, Metrics::default()).await.unwrap();
    let authority = control.read(|state| state.node_authority().unwrap().certificate.to_vec());
    let authority: String = authority.await.unwrap().value.iter().map(|byte| format!("{byte:02x}")).collect();
    let (ids, tokens) = tokens(&control, count).await;
    let before = resident_bytes();
    let mut child = Process::new(std::env::current_exe().unwrap())
        .args(["nodes", &server.address().to_string(), &authority])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || {
        tokens.iter().for_each(|token| writeln!(input, "{token}").unwrap());
        // The nodes stay for as long as this is open.
        input
    });
    let connected = |id: &NodeId| control.standing(*id).connection.is_some();
    while !ids.iter().all(connected) {
        assert!(child.try_wait().unwrap().is_none(), "the nodes have ended");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // What was needed to begin goes back.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let after = resident_bytes();
    let each = after.saturating_sub(before) / count as u64;
    println!("{count} nodes follow: {before} bytes before, {after} bytes now, {each} bytes for each");
    drop(writing.join().unwrap());
    child.wait().unwrap();
    server.stop().await;
    control.stop().await;
}

/// An account with so many nodes that wait for their hosts, and their tokens.
async fn tokens(control: &Control, count: usize) -> (Vec<NodeId>, Vec<String>) {
    let create = Command::Ram(RamCommand::CreateAccount { name: "nodes".into(), key: None });
    let account = match submit(control, Actor::Operator, create).await {
        Outcome::Ram(RamOutcome::Account(account, _)) => account,
        other => panic!("{other:?}"),
    };
    let (mut ids, mut tokens) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (id, token) = token(control, account).await;
        ids.push(id);
        tokens.push(token);
    }
    (ids, tokens)
}

async fn token(control: &Control, account: AccountId) -> (NodeId, String) {
    let wish = NodeWish::New { region: "edge-1".into(), name: None, lab: false };
    let create = Command::Node(NodeCommand::CreateToken { wish, valid_ms: 3_600_000 });
    match submit(control, Actor::Root(account), create).await {
        Outcome::NodeToken { node, token, .. } => (node, token.reveal().into()),
        other => panic!("{other:?}"),
    }
}

async fn submit(control: &Control, actor: Actor, command: Command) -> Outcome {
    let submission = Submission {
        actor,
        command,
        operation: "Example",
        request_id: "example".into(),
        source: None,
        nonce: None,
    };
    control.submit(submission).await.unwrap().outcome
}

/// What this process has in memory.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse().unwrap();
    kilobytes * 1024
}

/// The nodes: one for each token on standard input, for as long as that is open.
async fn nodes(address: &str, authority: &str) {
    let authority = (0..authority.len() / 2).map(|at| u8::from_str_radix(&authority[2 * at..2 * at + 2], 16));
    let authority = CertificateDer::from(authority.collect::<Result<Vec<u8>, _>>().unwrap());
    let (lines, mut tokens) = mpsc::channel::<String>(16);
    std::thread::spawn(move || {
        for line in BufReader::new(std::io::stdin()).lines() {
            lines.blocking_send(line.unwrap()).unwrap();
        }
    });
    let mut held = Vec::new();
    while let Some(token) = tokens.recv().await {
        held.push(follow(address, &authority, &token).await);
    }
}

type Held = (Channel, mpsc::Sender<node::FromNode>, tonic::Streaming<node::ToNode>);

/// Joins and follows.
async fn follow(address: &str, authority: &CertificateDer<'static>, token: &str) -> Held {
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap().der().to_vec();
    let mut joining = EnrolmentClient::new(connect(address, authority, None).await);
    let joined = joining.join(node::JoinRequest {
        token: token.into(),
        certificate_signing_request: request,
        host_name: "host".into(),
        ..node::JoinRequest::default()
    });
    let certificate = CertificateDer::from(joined.await.unwrap().into_inner().certificate);
    let channel = connect(address, authority, Some((certificate, key.serialize_der()))).await;
    let (say, mut said) = mpsc::channel(4);
    let stream = futures_util::stream::poll_fn(move |context| said.poll_recv(context));
    let mut told = SessionClient::new(channel.clone()).follow(stream).await.unwrap().into_inner();
    let tell = async |message| say.send(node::FromNode { message: Some(message) }).await.unwrap();
    tell(Message::Hello(node::Hello { agent_version: "example".into(), ..node::Hello::default() })).await;
    let generation = match told.message().await.unwrap().unwrap().message.unwrap() {
        node::to_node::Message::Snapshot(snapshot) => snapshot.generation,
        node::to_node::Message::Delta(delta) => delta.generation,
        node::to_node::Message::Current(current) => current.generation,
        node::to_node::Message::Question(_) => 0,
    };
    tell(Message::Confirmed(node::Confirmed { generation, ..node::Confirmed::default() })).await;
    (channel, say, told)
}

async fn connect(
    address: &str,
    authority: &CertificateDer<'static>,
    identity: Option<(CertificateDer<'static>, Vec<u8>)>,
) -> Channel {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        Some((certificate, key)) => {
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key));
            builder.with_client_auth_cert(vec![certificate], key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![protocol::ALPN.to_vec()];
    let stream = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from(protocol::SERVER_NAME).unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let mut once = Some(TokioIo::new(stream));
    let connector = tower::service_fn(move |_| {
        let stream = once.take().ok_or_else(|| std::io::Error::other("there is one connection"));
        async move { stream }
    });
    Endpoint::from_static("http://control-plane").connect_with_connector(connector).await.unwrap()
}
