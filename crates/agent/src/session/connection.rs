//! One connection to a control plane: TCP, TLS, HTTP/2.
//!
//! A connection that ends is not made again behind the back of who uses it: what was told on it may be lost, and a new
//! session begins with what the node has.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use protocol::SERVER_NAME;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use thiserror::Error;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint};

use crate::address::host_and_port;

/// How long the way to the end of the TLS handshake may take, for each address.
const CONNECT_PATIENCE: Duration = Duration::from_secs(8);
/// How often a connection on which nothing happens is tried.
const KEEP_ALIVE: Duration = Duration::from_secs(4);
/// How long the other side may take to say that it is there.
const KEEP_ALIVE_PATIENCE: Duration = Duration::from_secs(6);
/// How much of a message may be under way before the other side waits, in bytes.
const WINDOW_BYTES: u32 = 4 * 1024 * 1024;

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The server's address is none.
    #[error("{server:?} is no address of a control plane: write HOST:PORT, as in control.example.com:8019")]
    Address {
        /// What was given.
        server: String,
    },
    /// Its name leads nowhere.
    #[error("the name of the control plane {server} leads to no address")]
    Resolve {
        /// The server.
        server: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Nobody answers.
    #[error("cannot reach the control plane at {address}")]
    Reach {
        /// Where it was tried.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It does not take the connection, or is not whom this node trusts.
    #[error("no secure connection with the control plane at {address}")]
    Tls {
        /// Where it was tried.
        address: SocketAddr,
        /// What TLS said.
        #[source]
        source: io::Error,
    },
    /// It does not answer in time.
    #[error("the control plane at {address} did not answer in {} seconds", CONNECT_PATIENCE.as_secs())]
    Patience {
        /// Where it was tried.
        address: SocketAddr,
    },
    /// It does not speak the protocol.
    #[error("the control plane at {server} does not speak as one")]
    Protocol {
        /// The server.
        server: String,
        /// What was said.
        #[source]
        source: tonic::transport::Error,
    },
}

/// Connects to a control plane, and says where it was reached. Of several addresses the first one counts that answers.
///
/// # Errors
/// [`ConnectError`], of the last address that was tried.
pub(crate) async fn connect(
    server: &str,
    tls: Arc<ClientConfig>,
) -> Result<(Channel, SocketAddr), ConnectError> {
    let address = || ConnectError::Address { server: server.to_owned() };
    let found = tokio::net::lookup_host(host_and_port(server).ok_or_else(address)?).await;
    let resolve = |source| ConnectError::Resolve { server: server.to_owned(), source };
    let mut last = resolve(io::Error::from(io::ErrorKind::NotFound));
    for address in found.map_err(resolve)? {
        let secured = timeout(CONNECT_PATIENCE, secure(address, Arc::clone(&tls))).await;
        match secured.unwrap_or(Err(ConnectError::Patience { address })) {
            Ok(stream) => return Ok((speak(server, stream).await?, address)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn secure(address: SocketAddr, tls: Arc<ClientConfig>) -> Result<TlsStream<TcpStream>, ConnectError> {
    let reach = |source| ConnectError::Reach { address, source };
    let stream = TcpStream::connect(address).await.map_err(reach)?;
    stream.set_nodelay(true).map_err(reach)?;
    let name = ServerName::try_from(SERVER_NAME).map_err(|error| reach(io::Error::other(error)))?;
    let secured = TlsConnector::from(tls).connect(name, stream).await;
    secured.map_err(|source| ConnectError::Tls { address, source })
}

async fn speak(server: &str, stream: TlsStream<TcpStream>) -> Result<Channel, ConnectError> {
    let endpoint = Endpoint::from_static("http://control-plane.ravelin.internal")
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE_PATIENCE)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES);
    let once = Arc::new(Mutex::new(Some(TokioIo::new(stream))));
    let connector = tower::service_fn(move |_| {
        let stream = once.lock().take().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected));
        async move { stream }
    });
    let channel = endpoint.connect_with_connector(connector).await;
    channel.map_err(|source| ConnectError::Protocol { server: server.to_owned(), source })
}
