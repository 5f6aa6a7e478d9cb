//! HTTP and TLS: from sockets to whole requests, and from answers back to bytes.
//!
//! Every resource that a peer can take is bounded: connections, time, header bytes, body bytes. What breaks a bound gets an
//! answer in the caller's format where HTTP still allows one, and the server goes on. The pages that people read (error
//! codes, release notes) are served here too. Must not know signatures, operations' meaning, or the model.

mod accept;
mod application;
mod body;
mod closing;
mod connection;
mod error;
mod mounted;
mod pages;
mod progress;
mod seats;
mod service;
mod settings;
mod tls;
mod watched;

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use hyper::server::conn::http1;
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::{Semaphore, watch},
};
use tokio_rustls::TlsAcceptor;

pub use self::{
    application::Application,
    error::{ServerError, TlsError},
    mounted::{PageAnswer, PageBody, Pages, STREAM_SECONDS_MAX},
    pages::{Article, article},
    settings::{DEFAULT_LISTEN, HttpLimits, ServerSettings, TARGET_BYTES_MOST, TlsSettings},
};
use self::{body::Budget, seats::Seats};
use crate::gateway::Gateway;

/// How many connections may wait to be accepted; Linux cuts it to `net.core.somaxconn`.
const BACKLOG: u32 = 1024;
/// How many connections may be told at a time that there are too many; further ones are closed without a word.
const TURNED_AWAY_MAX: usize = 64;
/// How long connections that are cut off at the end of a drain may take to notice.
const CUT: Duration = Duration::from_secs(1);

/// How far the server is with stopping.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Stop {
    Running,
    /// Nothing new is accepted; what is in flight is finished.
    Draining,
    /// Whatever is left is cut off.
    Cut,
}

/// How a server stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Connections that had not finished when the time to drain was over.
    pub connections_cut: usize,
}

/// What all connections share.
struct Shared<A> {
    application: Arc<A>,
    pages: Option<Arc<dyn Pages>>,
    limits: HttpLimits,
    http: http1::Builder,
    seats: Arc<Seats>,
    budget: Budget,
    /// One permit for each connection that is being told that there are too many.
    turnstile: Arc<Semaphore>,
    stop: watch::Receiver<Stop>,
}

/// A listener, bound.
struct Door {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
}

/// A server that is bound and not yet running.
pub struct Server<A = Gateway> {
    doors: Vec<Door>,
    shared: Shared<A>,
    stop: watch::Sender<Stop>,
    drain: Duration,
}

impl<A: Application> Server<A> {
    /// Binds the listeners and reads, or makes, the certificate. To be called inside a tokio runtime.
    ///
    /// From here on connections queue in the kernel; they are served once [`Server::run`] runs.
    pub fn bind(settings: ServerSettings, application: Arc<A>) -> Result<Self, ServerError> {
        settings.check()?;
        let plain = settings.listen.or(settings.listen_tls.is_none().then_some(DEFAULT_LISTEN));
        let mut doors = Vec::with_capacity(2);
        if let Some(address) = plain {
            doors.push(door(address, None)?);
        }
        if let Some(address) = settings.listen_tls {
            let acceptor = tls::acceptor(&settings.tls, address.ip())?;
            doors.push(door(address, Some(acceptor))?);
        }
        let (stop, stopping) = watch::channel(Stop::Running);
        let shared = Shared {
            application,
            pages: None,
            http: connection::builder(&settings.limits),
            seats: Seats::new(settings.limits.connections_max, settings.limits.connections_per_address_max),
            budget: Budget::new(settings.limits.bodies_bytes_max),
            turnstile: Arc::new(Semaphore::new(TURNED_AWAY_MAX)),
            limits: settings.limits,
            stop: stopping,
        };
        let drain = Duration::from_secs(settings.drain_seconds_max);
        Ok(Self { doors, shared, stop, drain })
    }

    /// Mounts pages: they answer whatever stands below their root, and browsers that open `/` are sent there.
    #[must_use]
    pub fn with_pages(mut self, pages: Arc<dyn Pages>) -> Self {
        self.shared.pages = Some(pages);
        self
    }

    /// The address of the HTTP listener, or of the HTTPS listener where there is no other; the port is the real one.
    pub fn local_address(&self) -> SocketAddr {
        self.doors.first().map_or(DEFAULT_LISTEN, |door| door.address)
    }

    /// The address of the HTTPS listener.
    pub fn local_tls_address(&self) -> Option<SocketAddr> {
        self.doors.iter().find(|door| door.tls.is_some()).map(|door| door.address)
    }

    /// The address that clients use: `http://ADDR:PORT`, or `https://ADDR:PORT` where HTTPS is all there is.
    pub fn url(&self) -> String {
        self.urls().into_iter().next().unwrap_or_default()
    }

    /// The address of every listener: HTTP, then HTTPS.
    pub fn urls(&self) -> Vec<String> {
        let url =
            |door: &Door| format!("{}://{}", if door.tls.is_some() { "https" } else { "http" }, door.address);
        self.doors.iter().map(url).collect()
    }

    /// Serves until `shutdown` resolves; then accepts nothing more, finishes the requests in flight, flushes their answers,
    /// closes connections that wait, and returns, at the latest when the time to drain is over.
    pub async fn run<F: Future>(self, shutdown: F) -> Stopped {
        let shared = Arc::new(self.shared);
        let seats = Arc::clone(&shared.seats);
        let accepting: Vec<_> =
            self.doors.into_iter().map(|door| tokio::spawn(accept::run(door, Arc::clone(&shared)))).collect();
        shutdown.await;
        tracing::debug!(connections = seats.taken(), "draining");
        self.stop.send_replace(Stop::Draining);
        for listener in accepting {
            // It ends by itself now; that it panicked would be in the log already.
            let _ = listener.await;
        }
        // The outcome is told by how many connections are left.
        let _ = tokio::time::timeout(self.drain, seats.emptied()).await;
        let connections_cut = seats.taken();
        self.stop.send_replace(Stop::Cut);
        let _ = tokio::time::timeout(CUT, seats.emptied()).await;
        Stopped { connections_cut }
    }
}

impl<A> std::fmt::Debug for Server<A> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let addresses: Vec<_> = self.doors.iter().map(|door| door.address).collect();
        formatter.debug_struct("Server").field("addresses", &addresses).finish_non_exhaustive()
    }
}

fn door(address: SocketAddr, tls: Option<TlsAcceptor>) -> Result<Door, ServerError> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A restart must not wait for connections of the last run to time out.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    let (listener, address) = listen().map_err(|source| ServerError::Listen { address, source })?;
    Ok(Door { listener, address, tls })
}
