//! What values settings may have beyond their type.

use agent::address::host_and_port;
use anyhow::{Context as _, bail};
use model::node::ENFORCEMENT_WAIT_SECONDS_MAX;
use toml::{Table, Value};
use wire::{
    catalogue,
    server::{ServerError, ServerSettings},
};

use super::{Settings, near};

/// Checks each setting by itself.
///
/// # Errors
/// The first that is out of its range.
pub fn values(settings: &Settings) -> anyhow::Result<()> {
    log_filter(&settings.log)?;
    public_url(&settings.gateway.public_url)?;
    for name in settings.gateway.flow.operations.keys() {
        if !catalogue::all().any(|operation| operation.name == name) {
            bail!(
                "gateway.flow.operations: there is no operation {name:?}{}",
                near::suggestion(name, catalogue::all().map(|operation| operation.name))
            );
        }
    }
    if let Value::Table(limits) = Value::try_from(&settings.limits)? {
        not_zero("limits", &limits)?;
    }
    let most = model::Limits::RULES_PER_INTERFACE_MAX;
    if settings.limits.rules_per_interface > most {
        bail!("limits.rules_per_interface must be at most {most}: no more can be enforced for one interface");
    }
    if let Value::Table(mut gateway) = Value::try_from(&settings.gateway)? {
        // 0 is not to wait.
        gateway.remove("wait_for_enforcement");
        not_zero("gateway", &gateway)?;
    }
    if let Value::Table(fleet) = Value::try_from(settings.fleet)? {
        not_zero("fleet", &fleet)?;
    }
    if settings.gateway.wait_for_enforcement > ENFORCEMENT_WAIT_SECONDS_MAX {
        bail!("gateway.wait_for_enforcement must be from 0 to {ENFORCEMENT_WAIT_SECONDS_MAX} seconds");
    }
    if let Err(wrong) = settings.nodes.check() {
        bail!("nodes.{wrong}");
    }
    if let Err(wrong) = settings.console.check() {
        bail!("console.{wrong}");
    }
    let server = ServerSettings {
        limits: settings.http.clone(),
        drain_seconds_max: settings.drain_seconds_max,
        ..ServerSettings::default()
    };
    match server.check() {
        Err(ServerError::Setting { setting, least, most }) => {
            // The server knows its limits by another name.
            let name = setting.strip_prefix("limits.").map_or(setting.into(), |name| format!("http.{name}"));
            bail!("{name} must be from {least} to {most}")
        }
        checked => Ok(checked?),
    }
}

/// Checks what settings mean together.
///
/// # Errors
/// They contradict each other.
pub fn whole(settings: &Settings) -> anyhow::Result<()> {
    if settings.listen.is_empty() && settings.listen_tls.is_empty() {
        bail!("there is nowhere to listen: set listen or listen_tls");
    }
    for (name, address) in [
        ("listen", &settings.listen),
        ("listen_tls", &settings.listen_tls),
        ("node_listen", &settings.node_listen),
    ] {
        if !address.is_empty() && host_and_port(address).is_none() {
            bail!("{name}: {address:?} is not an address and port, such as 127.0.0.1:8017");
        }
    }
    let (certificate, key) = (&settings.tls_certificate, &settings.tls_key);
    if certificate.is_empty() != key.is_empty() {
        bail!("tls_certificate and tls_key go together; only one of them is set");
    }
    if settings.listen_tls.is_empty() && !certificate.is_empty() {
        bail!("there is a certificate, but no address for HTTPS: set listen_tls (--listen-tls), too");
    }
    Ok(())
}

/// Of nothing there may be none: such a limit refuses every request.
fn not_zero(section: &str, limits: &Table) -> anyhow::Result<()> {
    for (name, value) in limits {
        if value.as_integer() == Some(0) {
            bail!("{section}.{name} must be at least 1");
        }
    }
    Ok(())
}

/// A bare word is a level. The log's own grammar also takes it for the name of a part of the program, and then says
/// nothing at all: `inof`.
///
/// # Errors
/// It is no filter.
pub fn log_filter(filter: &str) -> anyhow::Result<()> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    for directive in filter.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let bare = directive.chars().all(|c| c.is_ascii_alphanumeric() || "_:-".contains(c));
        if bare && !LEVELS.contains(&directive.to_lowercase().as_str()) {
            bail!(
                "{directive:?} is no level of the log{}: take error, warn, info, debug, trace or off, or a filter \
                 such as info,wire=debug",
                near::suggestion(directive, LEVELS.into_iter())
            );
        }
    }
    tracing_subscriber::EnvFilter::try_new(filter)
        .map(|_| ())
        .with_context(|| format!("{filter:?} is not a log filter"))
}

fn public_url(url: &str) -> anyhow::Result<()> {
    if url.is_empty() {
        return Ok(());
    }
    let parsed = url.parse::<http::Uri>().ok();
    let good = parsed.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
    });
    if !good {
        bail!("gateway.public_url must be an address such as https://ens.example:8443, not {url:?}");
    }
    Ok(())
}
