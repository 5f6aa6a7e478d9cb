//! Whoever speaks with the listener: a node that behaves, and everybody else. Written with TLS and gRPC directly, so that it
//! can say what no agent would.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use control::Clock as _;
use hyper_util::rt::TokioIo;
use model::NodeId;
use policy::Desired;
use protocol::node::{
    self, enrolment_client::EnrolmentClient, from_node::Message, session_client::SessionClient, to_node,
};
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::ring,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use tokio::{net::TcpStream, sync::mpsc};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::{
    Request, Status, Streaming,
    transport::{Channel, Endpoint},
};

use crate::world::{MovedClock, World, read_token, within};

/// What a node proves itself with.
pub(crate) struct Identity {
    pub(crate) node: NodeId,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: Vec<u8>,
    pub(crate) authority: CertificateDer<'static>,
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        let Self { node, chain, key, authority } = self;
        Self { node: *node, chain: chain.clone(), key: key.clone(), authority: authority.clone() }
    }
}

/// A new key and a request for its certificate.
pub(crate) fn request() -> (KeyPair, Vec<u8>) {
    let key = KeyPair::generate().unwrap();
    let request = CertificateParams::default().serialize_request(&key).unwrap().der().to_vec();
    (key, request)
}

/// Verifies the server by the clock of the test.
#[derive(Debug)]
struct ByClock {
    inner: Arc<WebPkiServerVerifier>,
    clock: MovedClock,
}

impl ServerCertVerifier for ByClock {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let now = Duration::from_millis(u64::try_from(self.clock.now().0).unwrap());
        let now = UnixTime::since_unix_epoch(now);
        self.inner.verify_server_cert(end_entity, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// TLS of a client that trusts an authority.
pub(crate) fn tls(
    authority: &CertificateDer<'static>,
    clock: &MovedClock,
    identity: Option<(&[CertificateDer<'static>], &[u8])>,
) -> TlsConnector {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone()).unwrap();
    let inner = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
    let verifier = ByClock { inner: inner.unwrap(), clock: clock.clone() };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match identity {
        Some((chain, key)) => {
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.to_vec()));
            builder.with_client_auth_cert(chain.to_vec(), key).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

pub(crate) async fn secure(address: SocketAddr, tls: &TlsConnector) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(address).await?;
    tls.connect(ServerName::try_from(protocol::SERVER_NAME).unwrap(), stream).await
}

/// A channel over one connection, with the smallest windows there are.
pub(crate) async fn channel(stream: TlsStream<TcpStream>) -> Result<Channel, tonic::transport::Error> {
    let mut once = Some(TokioIo::new(stream));
    let connector = tower::service_fn(move |_| {
        let stream = once.take().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected));
        async move { stream }
    });
    let endpoint = Endpoint::from_static("http://control-plane.ravelin.internal")
        .initial_stream_window_size(65_535)
        .initial_connection_window_size(65_535);
    endpoint.connect_with_connector(connector).await
}

impl World {
    /// The certificate of the authority.
    pub(crate) async fn authority(&self) -> CertificateDer<'static> {
        let read = self.control.read(|state| state.node_authority().unwrap().certificate.to_vec());
        CertificateDer::from(read.await.unwrap().value)
    }

    /// A connection without a certificate.
    pub(crate) async fn stranger(&self) -> Channel {
        let tls = tls(&self.authority().await, &self.clock, None);
        within(channel(secure(self.address, &tls).await.unwrap())).await.unwrap()
    }

    /// A connection of a node; none: the listener does not take it.
    pub(crate) async fn try_connect(&self, identity: &Identity) -> Option<Channel> {
        let tls = tls(&identity.authority, &self.clock, Some((&identity.chain, &identity.key)));
        let stream = within(secure(self.address, &tls)).await.ok()?;
        within(channel(stream)).await.ok()
    }

    pub(crate) async fn connect(&self, identity: &Identity) -> Channel {
        self.try_connect(identity).await.expect("a connection")
    }

    /// A host joins with a token.
    pub(crate) async fn join(&self, token: &str) -> Result<Identity, Status> {
        let (key, request) = request();
        let asked = join_request(token, request);
        let answer = within(EnrolmentClient::new(self.stranger().await).join(asked)).await?.into_inner();
        assert_eq!(answer.authority, self.authority().await.to_vec());
        assert_eq!(answer.node_id, read_token(token).node.to_string());
        Ok(Identity {
            node: answer.node_id.parse().unwrap(),
            chain: vec![CertificateDer::from(answer.certificate)],
            key: key.serialize_der(),
            authority: CertificateDer::from(answer.authority),
        })
    }

    /// A node that has joined.
    pub(crate) async fn node(&self) -> Identity {
        let token = self.token().await;
        self.join(&token).await.unwrap()
    }

    /// A node that follows, and has said Hello.
    pub(crate) async fn follow(&self, identity: &Identity, generation: u64) -> Follow {
        let follow = Follow::begin(self.connect(identity).await).await.unwrap();
        follow.say(hello(generation)).await;
        follow
    }

    /// The control plane takes this as a node that is connected.
    pub(crate) async fn until_connected(&self, node: NodeId) {
        crate::world::until("the node is connected", || self.standing(node).connection.is_some()).await;
    }

    pub(crate) async fn until_disconnected(&self, node: NodeId) {
        crate::world::until("the node is not connected", || self.standing(node).connection.is_none()).await;
    }
}

pub(crate) fn join_request(token: &str, certificate_signing_request: Vec<u8>) -> node::JoinRequest {
    node::JoinRequest {
        token: token.into(),
        certificate_signing_request,
        host_name: "rack-7".into(),
        agent_version: "1.2.3".into(),
        ens_region_id: String::new(),
    }
}

pub(crate) fn hello(generation: u64) -> Message {
    Message::Hello(node::Hello { agent_version: "1.2.3".into(), generation, booted_at_ms: 1_000, run: 0 })
}

pub(crate) fn confirmed(generation: u64) -> Message {
    Message::Confirmed(node::Confirmed { generation, took_us: 10, ..node::Confirmed::default() })
}

/// A session, from the node's side.
pub(crate) struct Follow {
    to_server: mpsc::Sender<node::FromNode>,
    from_server: Streaming<node::ToNode>,
    _channel: Channel,
}

impl Follow {
    /// Begins a session, and says nothing yet.
    pub(crate) async fn begin(channel: Channel) -> Result<Self, Status> {
        let (to_server, mut messages) = mpsc::channel(64);
        let stream = futures_util::stream::poll_fn(move |context| messages.poll_recv(context));
        let mut client =
            SessionClient::new(channel.clone()).max_decoding_message_size(protocol::MESSAGE_BYTES_MAX);
        let from_server = within(client.follow(Request::new(stream))).await?.into_inner();
        Ok(Self { to_server, from_server, _channel: channel })
    }

    /// Says something; whether it arrives shows in what comes back.
    pub(crate) async fn say(&self, message: Message) {
        let _ = within(self.to_server.send(node::FromNode { message: Some(message) })).await;
    }

    /// The next thing that is told.
    pub(crate) async fn told(&mut self) -> to_node::Message {
        self.next().await.expect("the session goes on").message.expect("something is told")
    }

    pub(crate) async fn next(&mut self) -> Result<node::ToNode, Status> {
        within(self.from_server.message()).await?.ok_or_else(|| Status::ok("the end"))
    }

    /// The status with which the session ends, after whatever is told before.
    pub(crate) async fn end(&mut self) -> Status {
        loop {
            if let Err(status) = self.next().await {
                return status;
            }
        }
    }

    /// Ends the session as a node does.
    pub(crate) fn leave(self) {}
}

/// What a node that obeys has.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) generation: u64,
    pub(crate) desired: Desired,
}

impl Kept {
    /// Obeys the next thing that is told, and confirms it.
    pub(crate) async fn obey(&mut self, follow: &mut Follow) -> to_node::Message {
        let told = follow.told().await;
        match &told {
            to_node::Message::Snapshot(snapshot) => {
                self.desired = protocol::desired::from_snapshot(snapshot).unwrap();
                self.generation = snapshot.generation;
            }
            to_node::Message::Delta(delta) => {
                assert_eq!(delta.from_generation, self.generation);
                self.desired.apply(&protocol::desired::from_delta(delta).unwrap());
                self.generation = delta.generation;
            }
            to_node::Message::Current(current) => self.generation = current.generation,
            to_node::Message::Question(_) => return told,
        }
        follow.say(confirmed(self.generation)).await;
        told
    }

    /// Obeys until it is at a generation.
    pub(crate) async fn obey_until(&mut self, follow: &mut Follow, generation: u64) {
        while self.generation < generation {
            self.obey(follow).await;
        }
    }
}

impl World {
    /// The node has what is wanted of it.
    pub(crate) async fn assert_kept(&self, node: NodeId, kept: &Kept) {
        let wanted = self.control.read(|state| control::desired(state, node)).await.unwrap().value;
        let said = |desired: &Desired| protocol::desired::to_snapshot(0, desired);
        assert_eq!(said(&kept.desired), said(&wanted));
    }
}
