//! `ravelin agent join`.

use std::{fs, io::Read as _, path::Path};

use agent::{
    address::host_and_port,
    identity::{Identity, IdentityError, JoinOrder, join as join_control_plane},
    saved::Saved,
};
use anyhow::{Context as _, anyhow, bail};
use model::ram::Secret;

use super::{VERSION, root, settings};
use crate::{cli::JoinArguments, output, serve};

/// The longest token that is read, in bytes.
const TOKEN_BYTES_MAX: u64 = 4096;

/// Makes this host a node.
///
/// # Errors
/// Why it did not become one, for people.
pub(super) fn join(arguments: &JoinArguments) -> anyhow::Result<()> {
    check_server(&arguments.server)?;
    let directory = root::take(&settings::load(&arguments.settings)?.directory)?;
    let before = match Identity::read(directory.path()) {
        Ok(identity) => Some(identity),
        Err(IdentityError::Missing { .. }) => None,
        // It is to be replaced.
        Err(IdentityError::Damaged { .. }) if arguments.again => None,
        Err(error) => return Err(error.into()),
    };
    if let Some(before) = before.as_ref().filter(|_| !arguments.again) {
        bail!(
            "this host is {} already, of the control plane at {}: use --again to join anew",
            before.node,
            before.server
        );
    }
    let token = token(&arguments.token_file)?;
    let host_name = match &arguments.name {
        Some(name) => name.clone(),
        None => host_name()?,
    };
    let order = JoinOrder {
        server: &arguments.server,
        token: &token,
        host_name: &host_name,
        region: arguments.region.as_deref().unwrap_or_default(),
        version: VERSION,
    };
    let identity = serve::runtime()?.block_on(join_control_plane(&order)).map_err(|error| {
        let error = anyhow::Error::new(error);
        match advice(&format!("{error:#}"), &arguments.server) {
            Some(advice) => anyhow!("{error:#}: {advice}"),
            None => error,
        }
    })?;
    // Generations of two control planes have nothing to do with each other.
    let same = before.as_ref().is_some_and(|before| {
        before.node == identity.node && before.credentials.authority() == identity.credentials.authority()
    });
    if !same {
        Saved::remove(directory.path())?;
    }
    identity.write(directory.path())?;
    let validity = identity.credentials.validity();
    output::line(&format!(
        "This host is {}, of the control plane at {}. Its certificate is good until {}, and is renewed by itself.\n\nNow start \
         the agent: `systemctl enable --now ravelin-agent`, or `ravelin agent run`.",
        identity.node,
        identity.server,
        validity.until.to_text()
    ))
}

/// The token of a file, or of standard input.
fn token(path: &Path) -> anyhow::Result<Secret> {
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(TOKEN_BYTES_MAX).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(TOKEN_BYTES_MAX).read_to_string(&mut text))
    }
    .with_context(|| format!("cannot read the token from {}", path.display()))?;
    Ok(Secret::new(text.trim()))
}

/// What the host calls itself.
fn host_name() -> anyhow::Result<String> {
    let text = fs::read_to_string("/proc/sys/kernel/hostname");
    let text = text.context("the host does not say its name: give one with --name")?;
    Ok(text.trim().to_owned())
}

/// The address is of the form that nodes connect to.
///
/// # Errors
/// How it is written.
fn check_server(server: &str) -> anyhow::Result<()> {
    let (scheme, address) = server.split_once("://").map_or(("", server), |(scheme, rest)| (scheme, rest));
    let address = address.trim_end_matches('/');
    if scheme.is_empty() && host_and_port(address).is_some() && address == server {
        return Ok(());
    }
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    bail!(
        "--server {server}: write HOST:PORT, such as {host}:8019, without http:// and with the port that `ravelin serve \
         --node-listen` names"
    )
}

/// What to try where the control plane is not reached.
fn advice(problem: &str, server: &str) -> Option<String> {
    // The libraries below keep these causes as text only.
    if problem.contains("InvalidContentType") {
        return Some(format!(
            "{server} does not speak TLS; this looks like the port for HTTP. The one for nodes is that of `ravelin serve \
             --node-listen`, such as 8019"
        ));
    }
    problem.contains("Connection refused").then(|| {
        format!(
            "nobody listens at {server}: does `ravelin serve` run there, with --node-listen and that port?"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_does_not_reach_the_control_plane_is_advised() {
        check_server("control.example.org:8019").unwrap();
        check_server("[::1]:8019").unwrap();
        for wrong in ["http://127.0.0.1:8019", "control.example.org", "127.0.0.1:8019/", ":8019"] {
            let said = check_server(wrong).unwrap_err().to_string();
            assert!(said.contains("HOST:PORT"), "{said}");
        }
        assert!(check_server("http://10.0.0.1:8017/").unwrap_err().to_string().contains("10.0.0.1:8019"));
        assert!(
            advice("received corrupt message of type InvalidContentType", "h:1").unwrap().contains("HTTP")
        );
        assert!(advice("Connection refused (os error 111)", "h:1").unwrap().contains("h:1"));
        assert_eq!(advice("the control plane refuses", "h:1"), None);
    }
}
