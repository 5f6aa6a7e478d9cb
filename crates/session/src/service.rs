//! The services that nodes and hosts call.

use std::sync::Arc;

use protocol::{
    ENROLMENT_BYTES_MAX, FROM_NODE_BYTES_MAX, MESSAGE_BYTES_MAX,
    node::{
        self,
        enrolment_server::{Enrolment, EnrolmentServer},
        session_server::{Session, SessionServer},
    },
};
use tonic::{Request, Response, Status, Streaming, service::Routes};

use crate::{
    context::Context,
    following::{self, ToNode},
    peer::Peer,
};

/// The service for hosts that are no nodes yet.
struct EnrolmentService(Arc<Context>);

#[tonic::async_trait]
impl Enrolment for EnrolmentService {
    async fn join(
        &self,
        request: Request<node::JoinRequest>,
    ) -> Result<Response<node::JoinResponse>, Status> {
        let peer = Peer::of(&request)?;
        let _busy = peer.link.busy();
        let joined = self.0.join(&peer, request.get_ref()).await;
        self.0.metrics.count_join(&joined);
        joined.map(Response::new)
    }
}

/// The service for nodes.
struct SessionService(Arc<Context>);

#[tonic::async_trait]
impl Session for SessionService {
    type FollowStream = ToNode;

    async fn follow(&self, request: Request<Streaming<node::FromNode>>) -> Result<Response<ToNode>, Status> {
        let peer = Peer::of(&request)?;
        let own = self.0.authenticate(&peer).await?;
        let from_node = request.into_inner();
        Ok(Response::new(following::begin(Arc::clone(&self.0), peer, own, from_node)))
    }

    async fn renew(
        &self,
        request: Request<node::RenewRequest>,
    ) -> Result<Response<node::RenewResponse>, Status> {
        let peer = Peer::of(&request)?;
        let _busy = peer.link.busy();
        let renewed = self.0.renew(&peer, request.get_ref()).await;
        self.0.metrics.count_renewal(&renewed);
        renewed.map(Response::new)
    }
}

/// Everything that can be called, with the bounds of its messages.
///
/// Renewals share the bound of a node's messages: it is the service's, and the writer of a larger request is a node.
pub(crate) fn routes(context: &Arc<Context>) -> Routes {
    let enrolment = EnrolmentServer::new(EnrolmentService(Arc::clone(context)))
        .max_decoding_message_size(ENROLMENT_BYTES_MAX)
        .max_encoding_message_size(ENROLMENT_BYTES_MAX);
    let session = SessionServer::new(SessionService(Arc::clone(context)))
        .max_decoding_message_size(FROM_NODE_BYTES_MAX)
        .max_encoding_message_size(MESSAGE_BYTES_MAX);
    Routes::new(enrolment).add_service(session).prepare()
}
