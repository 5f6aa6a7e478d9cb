//! `Session.Renew`: a new certificate in place of the one that the node shows.

use control::Submission;
use model::{Actor, Command, node::NodeCommand};
use protocol::node;
use tonic::Status;

use crate::{
    authority::Issued,
    context::{Authenticated, Context, request_id},
    enrolment::unsigned,
    peer::Peer,
    request, status,
};

impl Context {
    pub(crate) async fn renew(
        &self,
        peer: &Peer,
        message: &node::RenewRequest,
    ) -> Result<node::RenewResponse, Status> {
        let Authenticated { node, certificate: under, .. } = self.authenticate(peer).await?;
        self.attempts.renewal(node).map_err(|wait| {
            let seconds = wait.as_secs().saturating_add(1);
            Status::resource_exhausted(format!("too many renewals; try again in {seconds} s"))
        })?;
        let key = request::public_key(&message.certificate_signing_request);
        let key = key.map_err(|fault| Status::invalid_argument(fault.to_string()))?;
        let credentials = self.keeper.credentials().await;
        let valid_ms = self.settings.certificate_ms();
        let issued = credentials.signer.node(node, &key, self.clock.now(), valid_ms);
        let Issued { certificate, fingerprint, expires_at } = issued.map_err(|error| unsigned(&error))?;
        let submission = Submission {
            actor: Actor::Node(node),
            command: Command::Node(NodeCommand::RenewCertificate { node, under, fingerprint, expires_at }),
            operation: "RenewCertificate",
            request_id: request_id().into(),
            source: Some(peer.address.ip()),
            nonce: None,
        };
        self.control.submit(submission).await.map_err(|failure| status::of_failure(&failure))?;
        tracing::info!(%node, source = %peer.address, certificate = %fingerprint, "a node has renewed its certificate");
        Ok(node::RenewResponse {
            certificate: certificate.to_vec(),
            authority: credentials.signer.certificate.to_vec(),
        })
    }
}
