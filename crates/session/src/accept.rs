//! Accepting connections, no more than there may be.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hyper::server::conn::http2;
use hyper_util::rt::TokioExecutor;
use model::NodeId;
use tokio::{net::TcpListener, time};
use tonic::service::Routes;

use crate::{
    connection,
    context::Context,
    metrics::Unconnected,
    newcomers::Newcomers,
    peer::counted_as,
    seats::{Full, Seat, Seats},
};

/// How long accepting rests after an error such as too many open files: the cause does not go away by trying.
const REST: Duration = Duration::from_millis(100);
/// How many connections of one node may be open: its session, a newer one that replaces it, a renewal, and one to spare.
pub(crate) const CONNECTIONS_OF_NODE_MAX: usize = 4;

/// The place of a connection that has not shown the certificate of a node.
pub(crate) type StrangersSeat = Seat<IpAddr>;

/// What connections are served with.
pub(crate) struct Listener {
    pub(crate) context: Arc<Context>,
    pub(crate) routes: Routes,
    pub(crate) http: http2::Builder<TokioExecutor>,
    pub(crate) strangers: Arc<Seats<IpAddr>>,
    pub(crate) newcomers: Arc<Newcomers>,
    pub(crate) nodes: Arc<Seats<NodeId>>,
}

impl Full {
    /// Why a node is not served.
    pub(crate) fn of_a_node(self) -> Unconnected {
        match self {
            Self::All => Unconnected::Full,
            Self::Own => Unconnected::Node,
        }
    }
}

/// Accepts connections until the server stops.
pub(crate) async fn run(listener: Arc<Listener>, socket: TcpListener) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = listener.context.stopping() => return,
            accepted = next(&listener, &socket) => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                // An IPv4 peer of a socket for both is told from its IPv4 address.
                let address = SocketAddr::new(address.ip().to_canonical(), address.port());
                admit(&listener, stream, address);
            }
            Err(error) if is_of_one_connection(&error) => tracing::debug!(%error, "a connection ended early"),
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections of nodes");
                time::sleep(REST).await;
            }
        }
    }
}

/// Waits for a connection, once there is a place for one: in the kernel those that wait cost nothing here.
async fn next(listener: &Listener, socket: &TcpListener) -> io::Result<(tokio::net::TcpStream, SocketAddr)> {
    listener.strangers.free().await;
    socket.accept().await
}

fn admit(listener: &Arc<Listener>, stream: tokio::net::TcpStream, address: SocketAddr) {
    // What is told is small and wanted at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended early");
        return;
    }
    let whose = counted_as(address.ip());
    let seat = match listener.strangers.take(whose) {
        Err(Full::Own) if listener.newcomers.displace(whose) => listener.strangers.replace(whose),
        taken => taken,
    };
    let Ok(seat) = seat else {
        listener.context.metrics.count_unconnected(Unconnected::Address);
        tracing::debug!(source = %address, "too many connections from one address: one is closed");
        return;
    };
    let newcomer = listener.newcomers.enter(whose);
    let listener = Arc::clone(listener);
    tokio::spawn(async move {
        let connections = listener.context.metrics.connections.clone();
        connections.inc();
        // Given back also where serving panics.
        let _counted = Counted(connections);
        connection::serve(listener, stream, address, (seat, newcomer)).await;
    });
}

struct Counted(prometheus_client::metrics::gauge::Gauge);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Whether the error is about the connection that was to be accepted, and not about accepting.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    matches!(
        error.kind(),
        K::ConnectionAborted | K::ConnectionReset | K::ConnectionRefused | K::Interrupted | K::TimedOut
    )
}
