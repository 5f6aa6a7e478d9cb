//! A node: a host of the benchmark's network with an agent that has joined the control plane.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use traffic::{Bundle, Client, Server};

use super::{
    namespace::Namespace,
    network::{CONTROL_PLANE, Host, Instance, Interface},
};
use crate::server::program;

/// Where an agent shows its metrics, in the namespace of its host.
const METRICS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9_100);
const PATIENCE: Duration = Duration::from_secs(10);

/// A node.
#[derive(Debug)]
pub struct Node {
    /// Its id.
    pub id: String,
    host: Host,
    // Ends with the node.
    _agent: Agent,
    /// The two ends of flows.
    ends: [Instance; 2],
}

/// What a node was told by the control plane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Messages, of whatever kind, by the agent's own count.
    pub messages: u64,
    /// Bytes of everything that came over the node's uplink.
    pub bytes: u64,
}

impl Told {
    /// What was told later than that.
    pub fn since(self, before: Self) -> Self {
        Self {
            messages: self.messages.saturating_sub(before.messages),
            bytes: self.bytes.saturating_sub(before.bytes),
        }
    }

    /// All of it together.
    pub fn sum(all: &[Self]) -> Self {
        Self {
            messages: all.iter().map(|told| told.messages).sum(),
            bytes: all.iter().map(|told| told.bytes).sum(),
        }
    }
}

/// What is needed to make a node.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The program.
    pub binary: &'a Path,
    /// Where the agent keeps its state.
    pub directory: PathBuf,
    /// The port at which the control plane listens for nodes.
    pub port: u16,
    /// Its number among all nodes.
    pub number: u8,
    /// Its id.
    pub id: String,
    /// The token that it joins with.
    pub token: String,
    /// Its interfaces; the first two are the ends of flows.
    pub interfaces: &'a [Interface],
}

impl Node {
    /// Makes the host and its devices, joins, and starts the agent.
    ///
    /// # Errors
    /// The kernel or the control plane refuses.
    pub fn start(plan: Plan<'_>) -> anyhow::Result<Self> {
        let [client, server, others @ ..] = plan.interfaces else {
            anyhow::bail!("a node has two interfaces at least")
        };
        let mut host = Host::new(plan.number)?;
        host.add_devices(others)?;
        let ends = [host.add_instance(client)?, host.add_instance(server)?];
        let agent = Agent::start(&host.namespace, &plan)?;
        Ok(Self { id: plan.id, host, _agent: agent, ends })
    }

    /// The two ends of a flow to a port of the node's second interface.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn flow(&self, port: u16) -> anyhow::Result<(Client, Server)> {
        let [client, server] = &self.ends;
        client.flow_to(server, port)
    }

    /// What it was told until now.
    ///
    /// # Errors
    /// The agent does not answer.
    pub fn told(&self) -> anyhow::Result<Told> {
        let metrics = self.host.namespace.within(|| get(METRICS, "/metrics"))?;
        Ok(Told { messages: told(&metrics), bytes: self.host.bytes_received()? })
    }
}

/// A running agent; killed when dropped. What it has pinned ends with it: its BPF file system is its own.
#[derive(Debug)]
struct Agent(Child);

impl Agent {
    fn start(namespace: &Namespace, plan: &Plan<'_>) -> anyhow::Result<Self> {
        join(namespace, plan)?;
        let metrics = METRICS.to_string();
        let mut run = program(plan.binary);
        run.args([
            "agent",
            "run",
            "--config",
            "/dev/null",
            "--metrics",
            &metrics,
            "--log",
            "warn",
            "--directory",
        ])
        .arg(&plan.directory)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
        Ok(Self(namespace.start(&mut run)?))
    }
}

fn join(namespace: &Namespace, plan: &Plan<'_>) -> anyhow::Result<()> {
    let server = format!("{CONTROL_PLANE}:{}", plan.port);
    let mut join = program(plan.binary);
    join.args([
        "agent",
        "join",
        "--config",
        "/dev/null",
        "--server",
        &server,
        "--token-file",
        "-",
        "--directory",
    ])
    .arg(&plan.directory)
    .stdin(Stdio::piped())
    .stdout(Stdio::null());
    let mut joining = namespace.start(&mut join)?;
    let mut input = joining.stdin.take().context("the agent has no input")?;
    input.write_all(plan.token.as_bytes())?;
    drop(input);
    ensure!(joining.wait()?.success(), "the agent of {} cannot join", plan.id);
    Ok(())
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Flows on several nodes at once, each to the same port.
///
/// # Errors
/// The kernel refuses.
pub fn flows<'a>(
    nodes: impl IntoIterator<Item = &'a Node>,
    port: u16,
    interval: Duration,
) -> anyhow::Result<Bundle> {
    let flows = nodes.into_iter().map(|node| node.flow(port)).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Bundle::begin(flows, interval)?)
}

/// A page of an HTTP server.
fn get(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)
        .with_context(|| format!("the agent does not answer at {address}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("an answer without a body")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{path} is answered {head}");
    Ok(body.to_owned())
}

/// How many messages an agent was told, of every kind.
fn told(metrics: &str) -> u64 {
    let counts = metrics.lines().filter(|line| line.starts_with("ravelin_agent_told_messages_total"));
    counts.filter_map(|line| line.split_whitespace().next_back()?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_every_kind_are_counted_together() {
        let metrics = "# HELP ravelin_agent_told_messages Messages\nravelin_agent_told_messages_total{kind=\"snapshot\"} 1\n\
                       ravelin_agent_told_messages_total{kind=\"delta\"} 41\nravelin_agent_told_bytes_total{kind=\"delta\"} 7\n# EOF\n";
        assert_eq!(told(metrics), 42);
        assert_eq!(told(""), 0);
    }
}
