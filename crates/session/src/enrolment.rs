//! How a host becomes a node: `Enrolment.Join`.

use control::Submission;
use model::{
    Actor, Command,
    node::{NODE_NAME_MAX, NodeCommand, TokenText},
};
use protocol::node;
use rcgen::PublicKey;
use tonic::Status;

use crate::{
    authority::{AuthorityError, Issued},
    context::{Context, request_id},
    peer::{Peer, counted_as},
    request,
    status::{self, JoinFault},
};

/// The longest name of an edge site, in characters.
const REGION_MAX: usize = 64;

/// What a host asks for, as far as that can be seen without the state.
struct Wish {
    token: TokenText,
    key: PublicKey,
    host_name: Box<str>,
    region: Option<Box<str>>,
}

impl Wish {
    fn read(message: &node::JoinRequest) -> Result<Self, JoinFault> {
        let token = TokenText::read(&message.token).ok_or(JoinFault::Token)?;
        let host_name = message.host_name.as_str();
        if !is_host_name(host_name) {
            let shown = host_name.chars().take(NODE_NAME_MAX + 1).collect();
            return Err(JoinFault::HostName(shown));
        }
        if message.ens_region_id.chars().count() > REGION_MAX {
            return Err(JoinFault::Region);
        }
        let key = request::public_key(&message.certificate_signing_request)?;
        let region = Some(message.ens_region_id.as_str()).filter(|region| !region.is_empty());
        Ok(Self { token, key, host_name: host_name.into(), region: region.map(Into::into) })
    }
}

/// Names of hosts, as CreateNodeToken takes them.
fn is_host_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let separator = |byte: Option<&u8>| matches!(byte, Some(b'-' | b'.'));
    let bytes = name.as_bytes();
    (1..=NODE_NAME_MAX).contains(&bytes.len())
        && bytes.iter().copied().all(plain)
        && !separator(bytes.first())
        && !separator(bytes.last())
        && !bytes.windows(2).any(|pair| separator(pair.first()) && separator(pair.last()))
}

impl Context {
    /// Makes a host a node.
    pub(crate) async fn join(
        &self,
        peer: &Peer,
        message: &node::JoinRequest,
    ) -> Result<node::JoinResponse, Status> {
        // Before anything else is done for the host.
        self.attempts.join(counted_as(peer.address.ip())).map_err(|wait| {
            tracing::debug!(source = %peer.address, "a join is turned away: too many attempts");
            let seconds = wait.as_secs().saturating_add(1);
            Status::resource_exhausted(format!("too many attempts to join; try again in {seconds} s"))
        })?;
        let request_id = request_id();
        let wish = Wish::read(message).map_err(|fault| refused(peer, &request_id, &fault))?;
        let credentials = self.keeper.credentials().await;
        if wish.token.authority != credentials.fingerprint {
            return Err(refused(peer, &request_id, &JoinFault::OtherAuthority));
        }
        let node = wish.token.node;
        let now = self.clock.now();
        let issued = credentials.signer.node(node, &wish.key, now, self.settings.certificate_ms());
        let Issued { certificate, fingerprint, expires_at } = issued.map_err(|error| unsigned(&error))?;
        let agent_version: String = message.agent_version.chars().take(NODE_NAME_MAX).collect();
        let command = NodeCommand::Join {
            node,
            secret: wish.token.digest,
            region: wish.region,
            name: wish.host_name,
            fingerprint,
            expires_at,
        };
        let submission = Submission {
            actor: Actor::Node(node),
            command: Command::Node(command),
            operation: "Join",
            request_id: request_id.into(),
            source: Some(peer.address.ip()),
            nonce: None,
        };
        self.control.submit(submission).await.map_err(|failure| status::of_failure(&failure))?;
        tracing::info!(%node, source = %peer.address, agent_version, certificate = %fingerprint, "a host has joined");
        Ok(node::JoinResponse {
            node_id: node.to_string(),
            certificate: certificate.to_vec(),
            authority: credentials.signer.certificate.to_vec(),
        })
    }
}

/// The authority does not sign: nothing that the caller could help.
pub(crate) fn unsigned(error: &AuthorityError) -> Status {
    tracing::error!(error = error as &dyn std::error::Error, "no certificate for a node");
    Status::internal("the server cannot make a certificate; its log says why")
}

/// What never reaches the writer is recorded as what it refuses.
fn refused(peer: &Peer, request_id: &str, fault: &JoinFault) -> Status {
    let source = peer.address.ip();
    tracing::info!(
        target: "audit", request_id, operation = "Join", actor = "host", %source, refusal = %fault, "refused"
    );
    fault.status()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts_are_those_that_a_token_may_be_for() {
        for good in ["a", "rack-7", "rack-7.example.com", "7", "A1", &"a".repeat(64)] {
            assert!(is_host_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a..b", "a.-b", "a b", "a_b", "ä", "a\n", "..", "../x", &"a".repeat(65)]
        {
            assert!(!is_host_name(bad), "{bad:?}");
        }
    }
}
