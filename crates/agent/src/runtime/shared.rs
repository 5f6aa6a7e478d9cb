//! What is known of a running agent, for those who look: its own threads say it, and nobody waits for anybody.

use std::{net::IpAddr, time::Instant};

use model::UnixMillis;
use parking_lot::Mutex;
use tokio::sync::watch;

use super::metrics::Metrics;
use crate::{
    clock,
    enforcer::Tally,
    identity::Validity,
    status::{AuditStatus, GenerationStatus, InstanceStatus, RefusedStatus},
};

/// What is known of a running agent.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) node: String,
    pub(crate) server: String,
    pub(crate) version: String,
    pub(crate) started_at: UnixMillis,
    pub(crate) metrics: Metrics,
    session: Mutex<SessionStanding>,
    /// Where the control plane was reached last.
    reached: watch::Sender<Option<IpAddr>>,
    enforcement: Mutex<EnforcementStanding>,
    instances: Mutex<Vec<InstanceStatus>>,
    changed: watch::Sender<u64>,
}

/// How the session with the control plane stands.
#[derive(Debug, Clone)]
pub(crate) struct SessionStanding {
    pub(crate) connected: bool,
    pub(crate) since: UnixMillis,
    pub(crate) connections: u64,
    pub(crate) error: Option<String>,
    pub(crate) certificate: Validity,
    pub(crate) renewal_error: Option<String>,
}

/// How what is wanted stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct EnforcementStanding {
    /// Whether anything was ever wanted.
    pub(crate) updated: bool,
    pub(crate) wanted: u64,
    pub(crate) confirmed: u64,
    /// Since when something wanted is not confirmed.
    pub(crate) behind_since: Option<Instant>,
    pub(crate) took_us: Option<u64>,
    pub(crate) refused: Option<RefusedStatus>,
    pub(crate) unsaved: Option<String>,
    pub(crate) tally: Tally,
    pub(crate) audit: AuditStatus,
}

impl EnforcementStanding {
    pub(crate) fn generation(&self, now: Instant) -> GenerationStatus {
        let behind = self.behind_since.map(|since| now.saturating_duration_since(since));
        GenerationStatus {
            wanted: self.wanted,
            confirmed: self.confirmed,
            behind_ms: behind.map(|behind| u64::try_from(behind.as_millis()).unwrap_or(u64::MAX)),
            took_us: self.took_us,
            refused: self.refused.clone(),
            unsaved: self.unsaved.clone(),
        }
    }
}

impl Shared {
    pub(crate) fn new(node: String, server: String, version: String, certificate: Validity) -> Self {
        let now = clock::now();
        let metrics = Metrics::default();
        metrics.certificate_expires.set(certificate.until.seconds());
        let session = SessionStanding {
            connected: false,
            since: now,
            connections: 0,
            error: None,
            certificate,
            renewal_error: None,
        };
        Self {
            node,
            server,
            version,
            started_at: now,
            metrics,
            session: Mutex::new(session),
            reached: watch::Sender::new(None),
            enforcement: Mutex::default(),
            instances: Mutex::default(),
            changed: watch::Sender::new(0),
        }
    }

    /// Told whenever something has changed.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn notify(&self) {
        self.changed.send_modify(|number| *number += 1);
    }

    /// Where the control plane was reached last. It is told whenever devices are to be looked at again.
    pub(crate) fn reached(&self) -> watch::Receiver<Option<IpAddr>> {
        self.reached.subscribe()
    }

    /// It was reached there: over which devices is to be looked at.
    pub(crate) fn set_reached(&self, server: IpAddr) {
        self.reached.send_replace(Some(server));
    }

    /// Devices may be otherwise than before, of which the kernel does not tell always.
    pub(crate) fn look_again(&self) {
        self.reached.send_modify(|_| {});
    }

    pub(crate) fn session(&self) -> SessionStanding {
        self.session.lock().clone()
    }

    pub(crate) fn enforcement(&self) -> EnforcementStanding {
        self.enforcement.lock().clone()
    }

    pub(crate) fn instances(&self) -> Vec<InstanceStatus> {
        self.instances.lock().clone()
    }

    pub(crate) fn set_enforcement(&self, standing: EnforcementStanding) {
        let behind = standing.behind_since.map(|since| since.elapsed());
        self.metrics.set(&standing, behind);
        *self.enforcement.lock() = standing;
        self.notify();
    }

    pub(crate) fn set_instances(&self, instances: Vec<InstanceStatus>) {
        *self.instances.lock() = instances;
        self.notify();
    }

    /// A session has begun.
    pub(crate) fn connected(&self) {
        self.metrics.connected.set(1);
        self.metrics.connections.inc();
        let mut session = self.session.lock();
        if !session.connected {
            tracing::info!(server = self.server, "there is a session with the control plane");
            session.since = clock::now();
        }
        (session.connected, session.error) = (true, None);
        session.connections += 1;
        drop(session);
        self.notify();
    }

    /// There is no session: why. It is logged when it begins to be so, and when it has another reason.
    pub(crate) fn disconnected(&self, error: String) {
        self.metrics.connected.set(0);
        self.metrics.failed_connections.inc();
        let mut session = self.session.lock();
        let news = session.error.as_ref() != Some(&error);
        if session.connected {
            session.since = clock::now();
            tracing::warn!(
                error,
                "the session with the control plane has ended: what is in force stays as it is"
            );
        } else if news {
            tracing::warn!(
                error,
                "there is no session with the control plane: what is in force stays as it is"
            );
        } else {
            tracing::debug!(error, "there is still no session with the control plane");
        }
        (session.connected, session.error) = (false, Some(error));
        drop(session);
        self.notify();
    }

    /// The node has another certificate, or could not get one.
    pub(crate) fn renewed(&self, result: Result<Validity, String>) {
        let mut session = self.session.lock();
        match result {
            Ok(validity) => {
                self.metrics.certificate_expires.set(validity.until.seconds());
                (session.certificate, session.renewal_error) = (validity, None);
            }
            Err(error) => {
                if session.renewal_error.as_ref() != Some(&error) {
                    let until = session.certificate.until.to_text();
                    tracing::warn!(
                        error,
                        until,
                        "the node's certificate could not be renewed; it is tried again"
                    );
                }
                session.renewal_error = Some(error);
            }
        }
        drop(session);
        self.notify();
    }
}
