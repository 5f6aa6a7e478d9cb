//! Another certificate before the one that the node has expires.

use std::time::Duration;

use protocol::{ENROLMENT_BYTES_MAX, node};
use thiserror::Error;
use tonic::{Status, transport::Channel};

use super::Session;
use crate::{
    clock,
    enforcer::chain,
    files::FileError,
    identity::{CredentialError, Credentials, Identity, NewKey},
};

/// How long is waited at once: the clock may be set meanwhile.
const LOOK: Duration = Duration::from_secs(600);
/// How long to wait after a try that failed.
const PAUSE: Duration = Duration::from_secs(60);
/// How long the control plane may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no other certificate.
#[derive(Debug, Error)]
enum RenewalError {
    #[error("the control plane refuses: {}", .0.message())]
    Refused(Status),
    #[error("the control plane does not answer")]
    Patience,
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    #[error("what the control plane gave cannot be kept")]
    File(#[from] FileError),
    #[error("what the control plane gave cannot be kept")]
    Task(#[from] tokio::task::JoinError),
}

impl Session {
    /// Ends when the node has another certificate than the one that it shows: at two thirds of that one's life, or at once
    /// where it shows the one from before.
    pub(super) async fn renewal(&self, channel: Channel, shown: &Credentials) {
        let is_newest = self.identity.lock().credentials.certificate() == shown.certificate();
        loop {
            let due = clock::until(clock::now(), shown.validity().renewal());
            if is_newest && !due.is_zero() {
                tokio::time::sleep(due.min(LOOK)).await;
                continue;
            }
            match self.renew(channel.clone(), shown).await {
                Ok(()) => return,
                Err(error) => self.shared.renewed(Err(chain(&error))),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn renew(&self, channel: Channel, shown: &Credentials) -> Result<(), RenewalError> {
        let key = NewKey::make()?;
        let request = node::RenewRequest { certificate_signing_request: key.request()? };
        let mut client = node::session_client::SessionClient::new(channel)
            .max_decoding_message_size(ENROLMENT_BYTES_MAX)
            .max_encoding_message_size(ENROLMENT_BYTES_MAX);
        let answer = tokio::time::timeout(PATIENCE, client.renew(request)).await;
        let answer = answer.map_err(|_| RenewalError::Patience)?.map_err(RenewalError::Refused)?;
        let node::RenewResponse { certificate, authority } = answer.into_inner();
        // One that names no authority keeps its own.
        let authority = if authority.is_empty() { shown.authority().to_vec() } else { authority };
        let credentials = key.certified(certificate, authority)?;
        let mut identity = self.identity.lock().clone();
        // What was shown is known to be accepted.
        identity.credentials = shown.clone();
        identity.renew(credentials);
        self.keep(identity).await
    }

    async fn keep(&self, identity: Identity) -> Result<(), RenewalError> {
        let (directory, kept) = (self.directory.clone(), identity.clone());
        tokio::task::spawn_blocking(move || kept.write(&directory)).await??;
        let validity = identity.credentials.validity();
        *self.identity.lock() = identity;
        tracing::info!(until = validity.until.to_text(), "this node has another certificate");
        self.shared.renewed(Ok(validity));
        Ok(())
    }
}
