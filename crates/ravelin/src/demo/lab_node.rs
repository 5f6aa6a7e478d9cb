//! The host of the story: this process, as a lab node of the demo's server. Its agent is the one that `ravelin agent` runs.

use std::{path::PathBuf, time::Duration};

use agent::{
    identity::{self, JoinOrder},
    instances::LabDriver,
    runtime::{Agent, DeviceFeed},
    settings::{DataplaneSettings, Settings},
};
use anyhow::Context as _;
use dataplane::EbpfDataplane;
use host::Netlink;
use model::ram::Secret;
use tokio::{runtime::Handle, sync::oneshot, task::JoinHandle, time::timeout};

/// What the host calls itself.
pub(super) const NAME: &str = "demo-host";
/// How long the agent may take to begin, and to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most flows of the few instances, so that no memory is taken that is not needed.
const FLOWS_MAX: u32 = 4_096;

/// The host. Its agent ends when it is dropped; what the agent has made goes with the demo's ground.
pub(super) struct LabNode {
    runtime: Handle,
    directory: PathBuf,
    server: String,
    /// The devices that are there before an agent is.
    devices_before: Vec<String>,
    agent: Option<Running>,
}

/// An agent that runs.
struct Running {
    stop: oneshot::Sender<()>,
    ended: JoinHandle<anyhow::Result<()>>,
}

impl LabNode {
    /// A host that may join the server at this address. The threads of the runtime are on the demo's ground; `directory`
    /// is for the agent alone.
    pub(super) fn new(runtime: Handle, directory: PathBuf, server: String) -> Self {
        Self { runtime, directory, server, devices_before: Vec::new(), agent: None }
    }

    /// The names of the devices that were there before it joined.
    pub(super) fn devices_before(&self) -> &[String] {
        &self.devices_before
    }

    /// Joins with a token, and begins to enforce.
    ///
    /// # Errors
    /// The server refuses the token; the agent cannot begin.
    pub(super) fn join(&mut self, token: String) -> anyhow::Result<()> {
        self.devices_before = Netlink::open()?.links()?.into_iter().map(|link| link.name).collect();
        let settings = self.settings();
        let (server, token) = (self.server.clone(), Secret::new(token));
        let runtime = self.runtime.clone();
        runtime.block_on(async {
            let order = JoinOrder {
                server: &server,
                token: &token,
                host_name: NAME,
                region: "",
                version: env!("CARGO_PKG_VERSION"),
            };
            let identity = identity::join(&order).await.context("the host cannot join")?;
            drop(agent::directory::AgentDirectory::take(&settings.directory)?);
            identity.write(&settings.directory)?;
            let (stop, stopped) = oneshot::channel::<()>();
            let (ready, begun) = oneshot::channel();
            let ended = self.runtime.spawn(async move {
                let agent = Agent::open(settings, env!("CARGO_PKG_VERSION"))?;
                let options = agent.settings().dataplane.options()?;
                let driver = LabDriver::new(agent.node());
                let dataplane = tokio::task::spawn_blocking(|| EbpfDataplane::open(options)).await??;
                let feed = DeviceFeed::kernel().await?;
                let ready = || {
                    // Whoever waited may have given up.
                    let _ = ready.send(());
                };
                let stopped = async { drop(stopped.await) };
                Ok(agent.with_driver(Box::new(driver)).run(dataplane, feed, ready, stopped).await?)
            });
            self.agent = Some(Running { stop, ended });
            match timeout(PATIENCE, begun).await {
                Ok(Ok(())) => Ok(()),
                // It has ended before it was ready.
                Ok(Err(_)) => self.end().await.and_then(|()| anyhow::bail!("the agent ended at once")),
                Err(_) => anyhow::bail!("the agent did not begin within {} s", PATIENCE.as_secs()),
            }
        })
    }

    fn settings(&self) -> Settings {
        Settings {
            directory: self.directory.join("agent"),
            socket: self.directory.join("agent.sock"),
            dataplane: DataplaneSettings {
                name: "demo".into(),
                flows_max: FLOWS_MAX,
                ..DataplaneSettings::default()
            },
            ..Settings::default()
        }
    }

    /// Ends the agent.
    ///
    /// # Errors
    /// It had ended by itself, or does not end.
    pub(super) fn stop(&mut self) -> anyhow::Result<()> {
        self.runtime.clone().block_on(self.end())
    }

    async fn end(&mut self) -> anyhow::Result<()> {
        let Some(Running { stop, ended }) = self.agent.take() else { return Ok(()) };
        // Nobody listens where it has ended already.
        let _ = stop.send(());
        let ended = timeout(PATIENCE, ended).await;
        ended
            .with_context(|| format!("the agent did not end within {} s", PATIENCE.as_secs()))??
            .context("the agent cannot go on")
    }
}
