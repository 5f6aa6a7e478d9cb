//! One connection: TLS, then HTTP/2, then its end.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use model::node::Digest;
use tokio::{net::TcpStream, time};
use tokio_rustls::server::TlsStream;
use tonic::{body::Body, codegen::Service as _, service::Routes};

use crate::{
    accept::{Listener, StrangersSeat},
    context::Context,
    fingerprint,
    metrics::Unconnected,
    newcomers::Newcomer,
    peer::{Link, Peer},
    settings::SessionSettings,
};

/// What a peer may send before it is read, in bytes: of one stream, and of all of a connection together.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 128 * 1024;
/// What is kept of a message for a peer that does not read, beside the message itself, in bytes.
const SEND_BYTES_MAX: usize = 64 * 1024;
/// The headers of a request together, in bytes.
const HEADER_BYTES_MAX: u32 = 8 * 1024;
/// How many things may be asked for at the same time on one connection.
const STREAMS_MAX: u32 = 8;
/// How many streams that the peer takes back, or that break the protocol, are borne with.
const RESETS_MAX: usize = 32;
/// How long a connection that is ending may take.
const CLOSING: Duration = Duration::from_secs(2);

/// How HTTP/2 is spoken.
pub(crate) fn builder(settings: &SessionSettings) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEADER_BYTES_MAX)
        .max_send_buf_size(SEND_BYTES_MAX)
        .max_pending_accept_reset_streams(RESETS_MAX)
        .max_local_error_reset_streams(RESETS_MAX)
        .keep_alive_interval(Duration::from_secs(settings.keepalive_seconds))
        .keep_alive_timeout(Duration::from_secs(settings.keepalive_seconds_max));
    builder
}

/// Serves a connection until it ends. It is a stranger's until it has shown the certificate of a node.
pub(crate) async fn serve(
    listener: Arc<Listener>,
    stream: TcpStream,
    address: SocketAddr,
    (stranger, newcomer): (StrangersSeat, Newcomer),
) {
    let context = &listener.context;
    let Some((stream, certificate)) = handshake(context, stream, address, newcomer).await else { return };
    let node = match certificate {
        Some(certificate) => context.node_of(certificate).await.ok().flatten(),
        None => None,
    };
    let peer = Peer { address, certificate, link: Link::new() };
    let Some(node) = node else {
        let most = Duration::from_secs(context.settings.stranger_seconds_max);
        let served = drive(&listener, stream, peer);
        if time::timeout(most, served).await.is_err() {
            tracing::debug!(source = %address, "a connection without the certificate of a node took too long");
        }
        drop(stranger);
        return;
    };
    let seat = match listener.nodes.take(node.node) {
        Ok(seat) => seat,
        Err(full) => {
            context.metrics.count_unconnected(full.of_a_node());
            tracing::warn!(node = %node.node, source = %address, ?full, "too many connections: one is closed");
            return;
        }
    };
    drop(stranger);
    drive(&listener, stream, peer).await;
    drop(seat);
}

async fn handshake(
    context: &Context,
    stream: TcpStream,
    address: SocketAddr,
    newcomer: Newcomer,
) -> Option<(TlsStream<TcpStream>, Option<Digest>)> {
    let acceptor = context.keeper.credentials().await.acceptor.clone();
    let most = Duration::from_secs(context.settings.handshake_seconds_max);
    let handshake = async {
        stream.peek(&mut [0]).await?;
        newcomer.heard();
        acceptor.accept(stream).await
    };
    let accepted = tokio::select! {
        accepted = time::timeout(most, handshake) => accepted,
        () = context.stopping() => return None,
        () = newcomer.displaced() => {
            context.metrics.count_unconnected(Unconnected::Address);
            tracing::debug!(source = %address, "too many connections from one address: the oldest that says nothing is closed");
            return None;
        }
    };
    match accepted {
        Ok(Ok(stream)) => {
            let chain = stream.get_ref().1.peer_certificates();
            let certificate =
                chain.and_then(|chain| chain.first()).map(|certificate| fingerprint(certificate));
            Some((stream, certificate))
        }
        Ok(Err(error)) => {
            context.metrics.count_unconnected(Unconnected::Handshake);
            tracing::debug!(source = %address, %error, "refused: the TLS handshake of a node or host failed");
            None
        }
        Err(_) => {
            context.metrics.count_unconnected(Unconnected::Slow);
            tracing::debug!(source = %address, "refused: the TLS handshake of a node or host took too long");
            None
        }
    }
}

async fn drive(listener: &Listener, stream: TlsStream<TcpStream>, peer: Peer) {
    let context = &listener.context;
    let link = Arc::clone(&peer.link);
    let source = peer.address;
    let routes = listener.routes.clone();
    let service = service_fn(move |request| call(routes.clone(), peer.clone(), request));
    let mut connection = pin!(listener.http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = link.closed() => None,
        () = link.idle(Duration::from_secs(context.settings.idle_seconds_max)) => None,
        () = context.stopping() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            // What does not end by then is cut off.
            time::timeout(CLOSING, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%source, error = &error as &dyn std::error::Error, "a connection ended early");
    }
}

/// Hands a request to its service, with who asks.
async fn call(
    mut routes: Routes,
    peer: Peer,
    request: http::Request<Incoming>,
) -> Result<http::Response<Body>, <Routes as tonic::codegen::Service<http::Request<Body>>>::Error> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(peer);
    routes.call(request).await
}
