//! Who is at the other end of a connection, as handlers see it.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use model::node::Digest;
use tokio::sync::watch;
use tonic::{Request, Status};

/// Who is at the other end.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// From where.
    pub(crate) address: SocketAddr,
    /// The fingerprint of the certificate that it showed, and that the authority signed.
    pub(crate) certificate: Option<Digest>,
    pub(crate) link: Arc<Link>,
}

/// What the handlers of a connection and the connection itself tell each other.
#[derive(Debug)]
pub(crate) struct Link {
    busy: watch::Sender<usize>,
    closing: watch::Sender<bool>,
}

impl Link {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { busy: watch::Sender::new(0), closing: watch::Sender::new(false) })
    }

    /// Something is asked for on this connection until the guard is dropped.
    pub(crate) fn busy(self: &Arc<Self>) -> Busy {
        self.busy.send_modify(|busy| *busy += 1);
        Busy(Arc::clone(self))
    }

    /// The connection is to end, as soon as what was said on it has been sent.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Resolves when it is to end.
    pub(crate) async fn closed(&self) {
        // The sender lives as long as `self`.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Resolves when nothing has been asked for over this time.
    pub(crate) async fn idle(&self, most: std::time::Duration) {
        let mut busy = self.busy.subscribe();
        loop {
            let _ = busy.wait_for(|busy| *busy == 0).await;
            let begins = busy.wait_for(|busy| *busy > 0);
            if tokio::time::timeout(most, begins).await.is_err() {
                return;
            }
        }
    }
}

/// Something is asked for on a connection.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Link>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.send_modify(|busy| *busy -= 1);
    }
}

impl Peer {
    /// Who asks for this.
    pub(crate) fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        // The connection puts it there.
        let peer = request.extensions().get::<Self>().cloned();
        peer.ok_or_else(|| Status::internal("the connection is not known"))
    }
}

/// What connections and attempts are counted by: the address; of IPv6 the network of 64 bits that a host has for itself.
pub(crate) fn counted_as(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let bits = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn a_host_is_counted_once_whichever_of_its_addresses_it_takes() {
        let counted = |text: &str| counted_as(text.parse().unwrap()).to_string();
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(counted("192.0.2.1"), "192.0.2.1");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_after_nothing_was_asked_for_over_the_whole_time() {
        let link = Link::new();
        let most = Duration::from_secs(10);
        let busy = link.busy();
        let waiting = {
            let link = Arc::clone(&link);
            tokio::spawn(async move { link.idle(most).await })
        };
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!waiting.is_finished());
        drop(busy);
        tokio::time::sleep(Duration::from_secs(9)).await;
        assert!(!waiting.is_finished());
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(waiting.now_or_never().map(|ended| ended.is_ok()), Some(true));
    }
}
