//! What the operator decides about listening, TLS and bounds.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use serde::{Deserialize, Serialize};

use super::ServerError;

/// Where the server listens when it is told nothing else.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// The longest target (path and query) of a request that can be taken at all, in bytes.
pub const TARGET_BYTES_MOST: usize = 65_534;

/// Where and how the server listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerSettings {
    /// Where HTTP is served; port 0 takes a free one. Absent: nowhere if HTTPS is served, else [`DEFAULT_LISTEN`].
    pub listen: Option<SocketAddr>,
    /// Where HTTPS is served; port 0 takes a free one. Absent: nowhere.
    pub listen_tls: Option<SocketAddr>,
    /// The certificate of HTTPS.
    pub tls: TlsSettings,
    /// The bounds on what peers may take.
    pub limits: HttpLimits,
    /// How long requests in flight may take to finish when the server stops, in seconds.
    pub drain_seconds_max: u64,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: None,
            listen_tls: None,
            tls: TlsSettings::default(),
            limits: HttpLimits::default(),
            drain_seconds_max: 30,
        }
    }
}

/// The certificate of HTTPS: an own one in two PEM files, or a self-signed one that is made and kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsSettings {
    /// The file of the certificate, followed by those that sign it. Absent, and `key` too: one is generated.
    pub certificate: Option<PathBuf>,
    /// The file of its private key, not encrypted.
    pub key: Option<PathBuf>,
    /// The directory in which a generated certificate (`tls-certificate.pem`) and its key (`tls-key.pem`) are kept.
    pub directory: Option<PathBuf>,
    /// Further host names and addresses that a generated certificate is valid for, besides `localhost`, `127.0.0.1`,
    /// `::1` and the address listened on.
    pub names: Vec<String>,
}

/// The bounds on what peers may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpLimits {
    /// The largest body of a request, in bytes.
    pub body_bytes_max: usize,
    /// What the bodies of all requests in flight may hold together, in bytes.
    pub bodies_bytes_max: usize,
    /// The headers of a request together, in bytes.
    pub header_bytes_max: usize,
    /// How many headers a request may have.
    pub header_count_max: usize,
    /// The longest target (path and query) of a request, in bytes; at most [`TARGET_BYTES_MOST`].
    pub target_bytes_max: usize,
    /// How many connections may be open.
    pub connections_max: usize,
    /// How many connections may be open from one address. Absent: as many as may be open at all.
    pub connections_per_address_max: Option<usize>,
    /// How long a TLS handshake may take, in seconds.
    pub handshake_seconds_max: u64,
    /// How long the first line and the headers of a request may take to arrive, in seconds; on a new connection from
    /// when it was accepted.
    pub header_seconds_max: u64,
    /// How long the body of a request may take to arrive, in seconds.
    pub body_seconds_max: u64,
    /// How long a request may take to be answered once it is there, in seconds; what it waits for nodes does not count.
    pub request_seconds_max: u64,
    /// How long a peer may take to accept an answer, in seconds.
    pub answer_seconds_max: u64,
    /// How long a connection may wait for its next request, in seconds.
    pub idle_seconds_max: u64,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            body_bytes_max: 2 << 20,
            bodies_bytes_max: 256 << 20,
            header_bytes_max: 32 << 10,
            header_count_max: 100,
            target_bytes_max: TARGET_BYTES_MOST,
            connections_max: 4096,
            connections_per_address_max: None,
            handshake_seconds_max: 10,
            header_seconds_max: 10,
            body_seconds_max: 30,
            request_seconds_max: 60,
            answer_seconds_max: 30,
            idle_seconds_max: 75,
        }
    }
}

impl ServerSettings {
    /// Whether every setting is in its range.
    pub fn check(&self) -> Result<(), ServerError> {
        let limits = &self.limits;
        let sizes = [
            ("limits.body_bytes_max", limits.body_bytes_max, 1 << 30),
            ("limits.bodies_bytes_max", limits.bodies_bytes_max, 1 << 40),
            ("limits.header_bytes_max", limits.header_bytes_max, 1 << 20),
            ("limits.header_count_max", limits.header_count_max, 1_000),
            ("limits.target_bytes_max", limits.target_bytes_max, TARGET_BYTES_MOST),
            ("limits.connections_max", limits.connections_max, 1 << 20),
            ("limits.connections_per_address_max", limits.connections_per_address_max.unwrap_or(1), 1 << 20),
        ];
        for (setting, value, most) in sizes {
            let (value, most) = (u64::try_from(value), u64::try_from(most).unwrap_or(u64::MAX));
            within(setting, value.unwrap_or(u64::MAX), 1, most)?;
        }
        let times = [
            ("limits.handshake_seconds_max", limits.handshake_seconds_max),
            ("limits.header_seconds_max", limits.header_seconds_max),
            ("limits.body_seconds_max", limits.body_seconds_max),
            ("limits.request_seconds_max", limits.request_seconds_max),
            ("limits.answer_seconds_max", limits.answer_seconds_max),
            ("limits.idle_seconds_max", limits.idle_seconds_max),
        ];
        for (setting, value) in times {
            within(setting, value, 1, SECONDS_MOST)?;
        }
        within("drain_seconds_max", self.drain_seconds_max, 0, SECONDS_MOST)
    }
}

/// A day: nothing waits longer.
const SECONDS_MOST: u64 = 86_400;

fn within(setting: &'static str, value: u64, least: u64, most: u64) -> Result<(), ServerError> {
    if (least..=most).contains(&value) { Ok(()) } else { Err(ServerError::Setting { setting, least, most }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_in_range() {
        ServerSettings::default().check().unwrap();
    }

    #[test]
    fn a_setting_out_of_range_is_named() {
        let limits = HttpLimits { target_bytes_max: 65_535, ..HttpLimits::default() };
        let error = ServerSettings { limits, ..ServerSettings::default() }.check().unwrap_err();
        assert_eq!(error.to_string(), "limits.target_bytes_max must be from 1 to 65534");
    }

    #[test]
    fn an_unknown_setting_is_refused() {
        let error = serde_json::from_str::<ServerSettings>(r#"{"limits":{"body_bytes":1}}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `body_bytes`"), "{error}");
    }
}
