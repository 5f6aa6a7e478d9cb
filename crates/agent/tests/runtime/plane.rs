//! A control plane that does what a test tells it.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Stream, stream};
use model::node::AuthorityFingerprint;
use parking_lot::Mutex;
use protocol::{
    SERVER_NAME,
    node::{self, FromNode, Hello, ToNode, enrolment_server, from_node, session_server, to_node},
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair,
};
use rustls::{RootCertStore, ServerConfig, server::WebPkiClientVerifier};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
    sync::mpsc,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tonic::{Request, Response, Status, Streaming, transport::server::Connected};

/// How long something may take that happens. Only a failure takes that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The token that is good.
const SECRET: &str = "5f3c0e9d5f3c0e9d5f3c0e9d5f3c0e9d5f3c0e9d5f3c0e9d5f3c0e9d5f3c0e9d";
/// The node that it is for.
pub(crate) const NODE: &str = "node-5qk3n8y4laeb2ii9zxxltlvzi";

/// An authority that signs.
struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn make() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.self_signed(&key).unwrap().der().clone();
        Self { certificate, issuer: Issuer::new(parameters, key) }
    }
}

/// What the services share.
struct Shared {
    authority: Authority,
    /// Sessions that began, for the test.
    sessions: mpsc::UnboundedSender<PlaneSession>,
    /// Whether certificates are given whose time for renewal has come.
    short: Mutex<bool>,
    joins: Mutex<usize>,
}

impl Shared {
    fn sign(&self, request: &[u8]) -> Vec<u8> {
        let request = CertificateSigningRequestParams::from_der(&request.to_vec().into()).unwrap();
        let mut request = request;
        request.params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let day = Duration::from_secs(86_400);
        let now = std::time::SystemTime::now();
        let before = if *self.short.lock() { 9 } else { 1 };
        request.params.not_before = (now - day * before).into();
        request.params.not_after = (now + day).into();
        if before == 1 {
            request.params.not_after = (now + day * 90).into();
        }
        request.signed_by(&self.authority.issuer).unwrap().der().to_vec()
    }
}

/// A session, in the hands of a test.
pub(crate) struct PlaneSession {
    pub(crate) hello: Hello,
    tell: mpsc::Sender<Result<ToNode, Status>>,
    said: Streaming<FromNode>,
}

impl PlaneSession {
    pub(crate) async fn tell(&self, message: to_node::Message) {
        self.tell.send(Ok(ToNode { message: Some(message) })).await.unwrap();
    }

    pub(crate) async fn end(self, status: Status) {
        self.tell.send(Err(status)).await.unwrap();
    }

    /// What the node says next, but for its reports.
    pub(crate) async fn hear(&mut self) -> from_node::Message {
        loop {
            let said = timeout(PATIENCE, self.said.message()).await.expect("the node says something");
            match said.unwrap().expect("the session goes on").message.unwrap() {
                from_node::Message::Report(_) => {}
                message => return message,
            }
        }
    }

    /// Whether the node has ended it.
    pub(crate) async fn ended(mut self) {
        while let Ok(Some(_)) = timeout(PATIENCE, self.said.message()).await.expect("the session ends") {}
    }

    pub(crate) async fn confirmed(&mut self) -> node::Confirmed {
        match self.hear().await {
            from_node::Message::Confirmed(confirmed) => confirmed,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn refused(&mut self) -> node::Refused {
        match self.hear().await {
            from_node::Message::Refused(refused) => refused,
            other => panic!("{other:?}"),
        }
    }
}

/// The services of the protocol.
#[derive(Clone)]
struct Services(Arc<Shared>);

#[tonic::async_trait]
impl enrolment_server::Enrolment for Services {
    async fn join(
        &self,
        request: Request<node::JoinRequest>,
    ) -> Result<Response<node::JoinResponse>, Status> {
        let request = request.into_inner();
        if !request.token.contains(SECRET) {
            return Err(Status::unauthenticated("the token is not the newest"));
        }
        let mut joins = self.0.joins.lock();
        *joins += 1;
        if *joins > 1 {
            return Err(Status::already_exists("the token was used before"));
        }
        Ok(Response::new(node::JoinResponse {
            node_id: NODE.into(),
            certificate: self.0.sign(&request.certificate_signing_request),
            authority: self.0.authority.certificate.to_vec(),
        }))
    }
}

#[tonic::async_trait]
impl session_server::Session for Services {
    type FollowStream = Pin<Box<dyn Stream<Item = Result<ToNode, Status>> + Send>>;

    async fn follow(
        &self,
        request: Request<Streaming<FromNode>>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let mut said = request.into_inner();
        let sessions = self.0.sessions.clone();
        let (tell, told) = mpsc::channel(64);
        tokio::spawn(async move {
            let first = said.message().await.unwrap().unwrap().message;
            let Some(from_node::Message::Hello(hello)) = first else { panic!("{first:?}") };
            let _ = sessions.send(PlaneSession { hello, tell, said });
        });
        let told = stream::unfold(told, |mut told| async { Some((told.recv().await?, told)) });
        Ok(Response::new(Box::pin(told)))
    }

    async fn renew(
        &self,
        request: Request<node::RenewRequest>,
    ) -> Result<Response<node::RenewResponse>, Status> {
        *self.0.short.lock() = false;
        Ok(Response::new(node::RenewResponse {
            certificate: self.0.sign(&request.into_inner().certificate_signing_request),
            authority: Vec::new(),
        }))
    }
}

/// A control plane.
pub(crate) struct Plane {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    shared: Arc<Shared>,
    sessions: mpsc::UnboundedReceiver<PlaneSession>,
    tls: TlsAcceptor,
    serving: Option<Runtime>,
}

impl Plane {
    /// Starts one on any free port.
    pub(crate) fn start() -> Self {
        let authority = Authority::make();
        let key = KeyPair::generate().unwrap();
        let parameters = CertificateParams::new(vec![SERVER_NAME.to_owned()]).unwrap();
        let certificate = parameters.signed_by(&key, &authority.issuer).unwrap().der().clone();
        let chain = vec![certificate, authority.certificate.clone()];
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let clients = clients.allow_unauthenticated().build().unwrap();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let fingerprint = AuthorityFingerprint::of(&authority.certificate);
        let (sent, sessions) = mpsc::unbounded_channel();
        let shared =
            Arc::new(Shared { authority, sessions: sent, short: Mutex::default(), joins: Mutex::default() });
        let mut plane = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: format!("{NODE}.{SECRET}.{fingerprint}"),
            shared,
            sessions,
            tls: TlsAcceptor::from(Arc::new(config)),
            serving: None,
        };
        plane.heal();
        plane
    }

    /// Gives certificates that are to be renewed at once, until one is.
    pub(crate) fn give_short_certificates(&self) {
        *self.shared.short.lock() = true;
    }

    /// Ends every connection, and takes none.
    pub(crate) fn cut(&mut self) {
        if let Some(runtime) = self.serving.take() {
            runtime.shutdown_background();
        }
    }

    /// Takes connections again, where it did before.
    pub(crate) fn heal(&mut self) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind(self.address);
        let listener = listener.unwrap();
        listener.set_nonblocking(true).unwrap();
        self.address = listener.local_addr().unwrap();
        let (tls, services) = (self.tls.clone(), Services(Arc::clone(&self.shared)));
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, services) = (tls.clone(), services.clone());
                connections.spawn(async move {
                    let Ok(stream) = tls.accept(stream).await else { return };
                    let once = stream::iter([Ok::<_, io::Error>(Secured(stream))]);
                    let server = tonic::transport::Server::builder()
                        .add_service(session_server::SessionServer::new(services.clone()))
                        .add_service(enrolment_server::EnrolmentServer::new(services));
                    let _ = server.serve_with_incoming(once).await;
                    // It goes on until its runtime ends.
                    std::future::pending::<()>().await;
                });
            }
        });
        self.serving = Some(runtime);
    }

    /// The next session.
    pub(crate) async fn session(&mut self) -> PlaneSession {
        timeout(PATIENCE, self.sessions.recv()).await.expect("the agent connects").unwrap()
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.cut();
    }
}

/// A connection, for the server of gRPC.
struct Secured(TlsStream<TcpStream>);

impl Connected for Secured {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, to)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
