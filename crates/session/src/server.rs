//! The listener for nodes.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use control::{Clock, Control};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
    time,
};

use crate::{
    accept::{self, CONNECTIONS_OF_NODE_MAX, Listener},
    attempts::Attempts,
    authority::{self, AuthorityError},
    connection,
    context::Context,
    metrics::Metrics,
    seats::Seats,
    service,
    settings::{OutOfRange, SessionSettings},
    tls::{CredentialsError, Keeper},
};

/// How many connections may wait to be accepted; Linux cuts it to `net.core.somaxconn`.
const BACKLOG: u32 = 4096;
/// How long connections may take to end when the server stops.
const DRAIN: Duration = Duration::from_secs(5);

/// Why nodes are not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A setting is out of its range.
    #[error(transparent)]
    Setting(#[from] OutOfRange),
    /// The address cannot be listened on.
    #[error("cannot listen for nodes on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is no authority, or it does not sign.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// TLS cannot be set up.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
}

/// An address that is listened on. Connections queue in the kernel until a server runs on it.
#[derive(Debug)]
pub struct Bound {
    socket: TcpListener,
    address: SocketAddr,
    settings: SessionSettings,
}

impl Bound {
    /// Listens on an address; port 0 takes a free one. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// The address cannot be listened on, or a setting is out of its range.
    pub fn to(address: SocketAddr, settings: SessionSettings) -> Result<Self, ServerError> {
        settings.check()?;
        let listen = || {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            // A restart must not wait for connections of the last run to time out.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let socket = socket.listen(BACKLOG)?;
            let address = socket.local_addr()?;
            Ok((socket, address))
        };
        let (socket, address) = listen().map_err(|source| ServerError::Listen { address, source })?;
        Ok(Self { socket, address, settings })
    }

    /// Where it listens; the port is the real one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Begins to serve nodes. The authority of nodes is made where there is none yet.
    ///
    /// # Errors
    /// There is no authority, or it does not sign.
    pub async fn serve(
        self,
        control: Control,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> Result<Server, ServerError> {
        authority::establish(&control, clock.now()).await?;
        let keeper = Keeper::new(control.clone(), Arc::clone(&clock)).await?;
        let settings = self.settings;
        let (stop, stopping) = watch::channel(false);
        let http = connection::builder(&settings);
        let strangers = Seats::new(settings.strangers_max, settings.strangers_per_address_max);
        let nodes = Seats::new(settings.connections_max, CONNECTIONS_OF_NODE_MAX);
        let attempts = Attempts::new(&settings);
        let context =
            Arc::new(Context { control, clock, settings, keeper, attempts, metrics, stop: stopping });
        let routes = service::routes(&context);
        let newcomers = Arc::default();
        let listener = Arc::new(Listener { context, routes, http, strangers, newcomers, nodes });
        let accepting = tokio::spawn(accept::run(Arc::clone(&listener), self.socket));
        Ok(Server { address: self.address, listener, accepting, stop })
    }
}

/// A server of nodes that runs. It goes on running if this is dropped.
pub struct Server {
    address: SocketAddr,
    listener: Arc<Listener>,
    accepting: tokio::task::JoinHandle<()>,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Resolves when nothing is accepted any more though nobody stopped it, which never should be. What panicked is in the
    /// log already.
    pub async fn ended(&mut self) {
        let _ = (&mut self.accepting).await;
    }

    /// Accepts nothing more, tells every node that it stops, and returns when the connections have ended, or the time that
    /// they have for it is over.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // It ends by itself now, or has ended before.
        if !self.accepting.is_finished() {
            let _ = self.accepting.await;
        }
        let emptied = async {
            self.listener.strangers.fewer_than(1).await;
            self.listener.nodes.fewer_than(1).await;
        };
        if time::timeout(DRAIN, emptied).await.is_err() {
            let connections = self.listener.strangers.taken() + self.listener.nodes.taken();
            tracing::warn!(connections, "cut off connections of nodes that did not end");
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}
