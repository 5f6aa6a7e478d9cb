//! The flows that the demo watches, and what it says of them.

use std::{
    net::{IpAddr, SocketAddr},
    time::{Duration, SystemTime},
};

use anyhow::Context as _;
use host::in_namespace;
use serde_json::{Value, json};
use traffic::{Client, Flow, Knock, Protocol, Seen, Server};

/// The time between two records of a flow.
pub(super) const INTERVAL: Duration = Duration::from_micros(500);
/// How long what is permitted may take to get through. Only a failure takes that long.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to go on sending to somebody who is not expected to answer.
const SILENCE: Duration = Duration::from_secs(2);
/// How long to wait for somebody who is not expected to answer.
const KNOCK: Duration = Duration::from_millis(300);

/// Two instances between which there are flows, as their namespaces.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    /// Where flows begin.
    pub(super) client: String,
    /// Where they arrive.
    pub(super) server: String,
    /// The server's address.
    pub(super) address: IpAddr,
}

/// A flow with the group that lets it in.
pub(super) struct Watched {
    /// The name of the group.
    pub(super) group: &'static str,
    protocol: Protocol,
    port: u16,
    flow: Flow,
}

/// What was seen of a flow.
#[derive(Debug, Clone)]
pub(super) struct Sight {
    /// The name of the group that lets it in.
    pub(super) group: &'static str,
    name: String,
    /// What was seen.
    pub(super) seen: Seen,
}

impl Pair {
    /// Whether a TCP port of the server can be reached.
    ///
    /// # Errors
    /// The client's namespace is gone; there is no way to the server.
    pub(super) fn knock(&self, port: u16) -> anyhow::Result<Knock> {
        let to = SocketAddr::new(self.address, port);
        let knocked = in_namespace(&self.client, || traffic::knock(to, KNOCK))?;
        knocked.with_context(|| format!("cannot try {to}"))
    }

    /// Begins a flow, which is through when this returns.
    ///
    /// # Errors
    /// It does not get through.
    pub(super) fn begin(
        &self,
        group: &'static str,
        protocol: Protocol,
        port: u16,
    ) -> anyhow::Result<Watched> {
        let to = SocketAddr::new(self.address, port);
        let flow = (|| {
            let server = in_namespace(&self.server, || Server::listen(protocol, to))??;
            let client = in_namespace(&self.client, || Client::connect(protocol, to, PATIENCE))??;
            let flow = Flow::begin(client, server, INTERVAL)?;
            let seen = flow.wait(PATIENCE, |seen| seen.back.received > 0);
            anyhow::ensure!(seen.back.received > 0, "nothing comes back");
            Ok(flow)
        })();
        let name = protocol.name();
        let flow = flow.with_context(|| format!("{name} to {to} does not get through"))?;
        Ok(Watched { group, protocol, port, flow })
    }
}

impl Watched {
    /// What it is called.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.protocol.name(), self.port)
    }

    /// What is seen of it now.
    pub(super) fn look(&self) -> Sight {
        Sight { group: self.group, name: self.name(), seen: self.flow.seen() }
    }

    /// Waits until so many more records have come there and back, or until it is clear that they do not.
    pub(super) fn go_on(&self, records: u64) -> Sight {
        let enough = self.flow.seen().back.received + records;
        let seen = self.flow.wait(PATIENCE, |seen| seen.back.received >= enough);
        Sight { group: self.group, name: self.name(), seen }
    }

    /// Lets it send so many more records, and ends it, whatever became of them.
    pub(super) fn abandon(self, records: u64) -> Sight {
        let enough = self.flow.seen().sent + records;
        // A connection that was cut sends on into its own buffer, for as long as that has room.
        let seen = self.flow.wait(SILENCE, |seen| seen.sent >= enough);
        Sight { group: self.group, name: self.name(), seen }
    }
}

impl Sight {
    /// The heads of a table's columns.
    pub(super) const COLUMNS: [&'static str; 6] =
        ["flow", "by group", "sent", "arrived", "came back", "longest pause"];

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// When the last record arrived, at either end.
    pub(super) fn last_arrival(&self) -> Option<SystemTime> {
        let last = |tally: &traffic::Tally| tally.last.map(|arrival| arrival.at);
        last(&self.seen.there).max(last(&self.seen.back))
    }

    /// How many records did not come there, or not back, of those that were sent before the last one that did.
    pub(super) fn missing(&self) -> u64 {
        self.seen.there.missing().max(self.seen.back.missing())
    }

    /// A row of a table.
    pub(super) fn row(&self) -> Vec<String> {
        let seen = &self.seen;
        let pause = seen.back.longest_pause.as_secs_f64() * 1_000.0;
        vec![
            self.name.clone(),
            self.group.to_owned(),
            seen.sent.to_string(),
            seen.there.received.to_string(),
            seen.back.received.to_string(),
            format!("{pause:.1} ms"),
        ]
    }

    /// For programs.
    pub(super) fn as_json(&self) -> Value {
        let seen = &self.seen;
        json!({
            "flow": self.name,
            "group": self.group,
            "sent": seen.sent,
            "arrived": seen.there.received,
            "came_back": seen.back.received,
            "missing": self.missing(),
            "longest_pause_ms": (seen.back.longest_pause.as_secs_f64() * 1e6).round() / 1e3,
        })
    }
}
