//! How the agent stands, put together from what its threads say.

use std::time::Instant;

use super::{order::Sight, shared::Shared};
use crate::status::{CertificateStatus, Counts, SessionStatus, Status};

/// How the agent stands.
pub(crate) fn status(shared: &Shared, seen: Sight) -> Status {
    let (session, standing) = (shared.session(), shared.enforcement());
    let tally = standing.tally;
    Status {
        node_id: shared.node.clone(),
        server: shared.server.clone(),
        agent_version: shared.version.clone(),
        started_at: shared.started_at.to_text(),
        session: SessionStatus {
            connected: session.connected,
            since: session.since.to_text(),
            connections: session.connections,
            error: session.error,
        },
        generation: standing.generation(Instant::now()),
        certificate: CertificateStatus {
            valid_until: session.certificate.until.to_text(),
            renews_at: session.certificate.renewal().to_text(),
            error: session.renewal_error,
        },
        counts: Counts {
            interfaces: tally.interfaces as u64,
            bound: tally.bound as u64,
            absent: tally.absent as u64,
            troubled: tally.troubled as u64,
            guarded: tally.guarded as u64,
            open: tally.open as u64,
            flows: seen.measures.flows,
        },
        audit: standing.audit,
        dropped_packets: seen
            .measures
            .dropped
            .iter()
            .map(|(reason, count)| (reason.name().to_owned(), *count))
            .collect(),
        interfaces: seen.interfaces,
        devices: seen.devices,
        instances: shared.instances(),
    }
}

/// The same in one line, for the service manager.
pub(crate) fn line(shared: &Shared) -> String {
    let (session, standing) = (shared.session(), shared.enforcement());
    let (server, since) = (&shared.server, session.since.to_text());
    let reached = match session.connected {
        true => format!("connected to {server}"),
        false => format!("frozen since {since}: {server} is not reached"),
    };
    let tally = standing.tally;
    let trouble = match tally.troubled {
        0 => String::new(),
        troubled => format!(", {troubled} NOT in force"),
    };
    let generation = match standing.wanted == standing.confirmed {
        true => format!("generation {}", standing.wanted),
        false => format!("generation {} of {}", standing.confirmed, standing.wanted),
    };
    format!("{generation}, {} interfaces, {} bound{trouble}; {reached}", tally.interfaces, tally.bound)
}
