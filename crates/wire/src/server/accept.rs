//! Accepting connections, no more than there may be.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use http::HeaderMap;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::{
    Application, Door, Shared, Stop, closing,
    connection::{self, Link},
    seats::Seat,
};
use crate::catalogue::{Fault, error_code as code};

/// How long accepting rests after an error such as too many open files: the cause does not go away by trying.
const REST: Duration = Duration::from_millis(100);

/// Accepts connections until the server stops.
pub(super) async fn run<A: Application>(door: Door, shared: Arc<Shared<A>>) {
    let mut stop = shared.stop.clone();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop >= Stop::Draining) => return,
            accepted = door.listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => admit(&door, &shared, stream, peer),
            Err(error) if is_of_one_connection(&error) => tracing::debug!(%error, "a connection ended early"),
            Err(error) => {
                tracing::warn!(%error, address = %door.address, "cannot accept connections");
                tokio::select! {
                    _ = stop.wait_for(|stop| *stop >= Stop::Draining) => return,
                    () = tokio::time::sleep(REST) => {}
                }
            }
        }
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

fn admit<A: Application>(door: &Door, shared: &Arc<Shared<A>>, stream: TcpStream, peer: SocketAddr) {
    // Answers are small and wanted at once.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection ended early");
        return;
    }
    // An IPv4 peer of a listener for both is told from its IPv4 address, as policies and limits name it.
    let address = peer.ip().to_canonical();
    let link = Link::new(address, door.tls.is_some(), &shared.limits);
    match shared.seats.take(address) {
        Some(seat) => {
            tokio::spawn(serve(Arc::clone(shared), door.tls.clone(), stream, link, seat));
        }
        None => turn_away(shared, stream, link.secure),
    }
}

/// Tells a peer that there are too many connections, if that can be done without taking a place.
fn turn_away<A: Application>(shared: &Arc<Shared<A>>, stream: TcpStream, secure: bool) {
    tracing::debug!("too many connections: one is turned away");
    if secure {
        // A handshake is far more work than the answer would be worth.
        return;
    }
    if let Ok(permit) = Arc::clone(&shared.turnstile).try_acquire_owned() {
        let answer = shared.application.refuse(&HeaderMap::new(), Fault::of(&code::SERVICE_UNAVAILABLE));
        tokio::spawn(async move {
            closing::answer_and_close(stream, &answer).await;
            drop(permit);
        });
    }
}

async fn serve<A: Application>(
    shared: Arc<Shared<A>>,
    tls: Option<TlsAcceptor>,
    stream: TcpStream,
    link: Link,
    seat: Seat,
) {
    match tls {
        None => connection::drive(&shared, stream, link).await,
        Some(acceptor) => {
            let deadline = Duration::from_secs(shared.limits.handshake_seconds_max);
            let mut stop = shared.stop.clone();
            let handshake = tokio::select! {
                biased;
                // Nobody has asked for anything yet.
                _ = stop.wait_for(|stop| *stop >= Stop::Draining) => return,
                handshake = tokio::time::timeout(deadline, acceptor.accept(stream)) => handshake,
            };
            match handshake {
                Ok(Ok(stream)) => connection::drive(&shared, stream, link.restarted(&shared.limits)).await,
                Ok(Err(error)) => tracing::debug!(peer = %link.peer, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(peer = %link.peer, "TLS handshake took too long"),
            }
        }
    }
    drop(seat);
}
