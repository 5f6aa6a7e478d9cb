//! The node's end of the session with its control plane.
//!
//! A session is one connection. When it ends another one is made, after a wait that grows: what is in force stays so
//! meanwhile. A new session begins with the generation that the node has, and so goes on where the last one was.

mod backoff;
mod connection;
mod follow;
mod question;
mod renewal;

use std::{path::PathBuf, sync::Arc, time::Instant};

use parking_lot::Mutex;
use tonic::{Code, Status};

use self::backoff::Backoff;
pub use self::connection::ConnectError;
pub(crate) use self::connection::connect;
use crate::{
    clock,
    enforcer::chain,
    identity::{Credentials, Identity},
    runtime::{Ended, Orders, Outbox, Samples, Shared},
};

/// After how long a session counts as one that worked: what ends it then is no reason to wait.
const STEADY: std::time::Duration = std::time::Duration::from_secs(10);

/// Follows the control plane.
pub(crate) struct Session {
    /// Where it is: host and port.
    pub(crate) server: String,
    /// Where the identity is kept.
    pub(crate) directory: PathBuf,
    pub(crate) identity: Mutex<Identity>,
    pub(crate) orders: Orders,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) samples: Arc<Samples>,
}

/// Why a connection is at its end.
#[derive(Debug)]
enum End {
    /// The node has another certificate, and shows it.
    Renewed,
    /// The enforcer's thread has ended.
    Thread,
    /// It could not be made.
    Connect(String),
    /// The control plane has said so.
    Told(Status),
}

impl End {
    /// Whether the control plane does not know the certificate. Then it may know the one from before alone; after
    /// anything else, and after that one, it is tried with the newest.
    fn is_refusal(&self) -> bool {
        matches!(self, Self::Told(status) if status.code() == Code::Unauthenticated)
    }
}

/// Why the control plane does not accept the node: the first reason since there was a session. It says that the node was
/// deleted, or its certificate revoked, when it ends the session, and afterwards only that it does not know the certificate.
#[derive(Debug, Default)]
struct Rejection(Option<String>);

impl Rejection {
    /// The reason to show, where the control plane has said this and it means that.
    fn reason(&mut self, status: &Status, was_connected: bool, meaning: String) -> String {
        if was_connected {
            self.0 = None;
        }
        match status.code() {
            Code::Unauthenticated | Code::NotFound => self.0.get_or_insert(meaning).clone(),
            _ => meaning,
        }
    }
}

impl From<Ended> for End {
    fn from(_: Ended) -> Self {
        Self::Thread
    }
}

impl Session {
    /// Follows until the enforcer's thread has ended.
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::default();
        let mut rejection = Rejection::default();
        let mut with_previous = false;
        loop {
            let (credentials, is_previous) = self.credentials(with_previous);
            let begun = Instant::now();
            let end = self.follow(&credentials).await;
            self.outbox.end();
            if begun.elapsed() >= STEADY {
                backoff.reset();
            }
            with_previous = !is_previous && end.is_refusal();
            match end {
                End::Renewed => continue,
                End::Thread => return,
                End::Connect(error) => self.shared.disconnected(error),
                End::Told(status) => {
                    let was_connected = self.shared.session().connected;
                    self.shared.disconnected(rejection.reason(&status, was_connected, self.explain(&status)));
                }
            }
            let random = getrandom::u64().unwrap_or_else(|_| u64::from(begun.elapsed().subsec_nanos()));
            tokio::time::sleep(backoff.wait(random)).await;
        }
    }

    /// What the node proves itself with, and whether that is what it had before.
    fn credentials(&self, with_previous: bool) -> (Credentials, bool) {
        let identity = self.identity.lock();
        match identity.good_previous(clock::now()) {
            Some(previous) if with_previous => (previous.clone(), true),
            _ => (identity.credentials.clone(), false),
        }
    }

    /// What somebody should know who reads why the session has ended.
    fn explain(&self, status: &Status) -> String {
        let text = match status.message() {
            "" => format!("{}", status.code()),
            message => message.to_owned(),
        };
        match status.code() {
            Code::Unauthenticated => {
                let node = self.identity.lock().node;
                format!(
                    "the control plane does not accept this node's certificate ({text}): make a token with `ravelin api CreateNodeToken --NodeId {node}`, or without `--NodeId` where the node was deleted, stop the agent, and join again"
                )
            }
            Code::NotFound => {
                let node = self.identity.lock().node;
                format!(
                    "the control plane has {node} no more ({text}): make a token with `ravelin api CreateNodeToken` and the edge site, without `--NodeId`, stop the agent, and join again"
                )
            }
            Code::Aborted => {
                format!("{text}: does a second agent run with a copy of this node's directory?")
            }
            Code::OutOfRange => format!("the control plane says more than this agent takes: {text}"),
            _ => {
                // What went wrong below says more than that it did.
                let cause = std::error::Error::source(status).map(|cause| format!(": {}", chain(cause)));
                format!("{text}{}", cause.unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refused_certificate_is_a_reason_to_show_another_one() {
        assert!(End::Told(Status::unauthenticated("no such certificate")).is_refusal());
        let others = [
            End::Told(Status::unavailable("the control plane has ended the session")),
            End::Connect("the certificate has expired".into()),
            End::Renewed,
        ];
        assert!(others.iter().all(|end| !end.is_refusal()));
    }

    #[test]
    fn the_first_reason_is_kept_until_there_is_a_session_again() {
        let mut rejection = Rejection::default();
        let (deleted, unknown) = (Status::not_found("deleted"), Status::unauthenticated("no certificate"));
        let mut shown = |status: &Status, was_connected, text: &str| {
            rejection.reason(status, was_connected, text.to_owned())
        };
        assert_eq!(shown(&deleted, true, "deleted"), "deleted");
        assert_eq!(shown(&unknown, false, "no certificate"), "deleted");
        assert_eq!(shown(&Status::unavailable("it stops"), false, "it stops"), "it stops");
        assert_eq!(shown(&unknown, false, "no certificate"), "deleted");
        assert_eq!(shown(&unknown, true, "revoked"), "revoked", "there was a session meanwhile");
        assert_eq!(shown(&unknown, false, "no certificate"), "revoked");
    }
}
