//! What all connections and handlers share.

use std::sync::Arc;

use control::{Clock, Control};
use model::{NodeId, UnixMillis, node::Digest};
use tokio::sync::watch;
use tonic::Status;

use crate::{
    attempts::Attempts, metrics::Metrics, peer::Peer, settings::SessionSettings, status, tls::Keeper,
};

/// What all connections and handlers share.
pub(crate) struct Context {
    pub(crate) control: Control,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: SessionSettings,
    pub(crate) keeper: Keeper,
    pub(crate) attempts: Attempts,
    pub(crate) metrics: Metrics,
    /// Whether the listener is stopping.
    pub(crate) stop: watch::Receiver<bool>,
}

/// A node that has proved itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Authenticated {
    pub(crate) node: NodeId,
    pub(crate) certificate: Digest,
    pub(crate) expires_at: UnixMillis,
}

impl Context {
    /// The node that has this certificate, if it is good at this time.
    pub(crate) async fn node_of(&self, certificate: Digest) -> Result<Option<Authenticated>, Status> {
        let now = self.clock.now();
        let found = self.control.read(|state| {
            let node = state.node_with_certificate(certificate)?;
            let own = node.certificate(certificate, now)?;
            Some(Authenticated { node: node.id, certificate, expires_at: own.expires_at })
        });
        found.await.map(|read| read.value).map_err(status::of_unavailable)
    }

    /// The node at the other end of a connection, which ends where there is none.
    pub(crate) async fn authenticate(&self, peer: &Peer) -> Result<Authenticated, Status> {
        let found = match peer.certificate {
            Some(certificate) => self.node_of(certificate).await?,
            None => None,
        };
        found.ok_or_else(|| {
            let certificate = peer.certificate.map(tracing::field::display);
            tracing::warn!(source = %peer.address, certificate, "refused: not the certificate of a node");
            peer.link.close();
            status::no_certificate()
        })
    }

    /// Resolves when the listener is stopping.
    pub(crate) async fn stopping(&self) {
        // The sender lives as long as the server; when it has gone, this is over too.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }
}

/// An id for a request, for history and audit.
pub(crate) fn request_id() -> String {
    uuid::Uuid::new_v4().to_string().to_uppercase()
}
