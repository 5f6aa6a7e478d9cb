//! The host of the story: this process, as a lab node of the demo's server. Its agent is the one that `ravelin agent` runs.

use std::{path::PathBuf, sync::Arc, time::Duration};

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
use tokio::{
    runtime::Handle,
    sync::{Mutex, oneshot},
    task::JoinHandle,
    time::timeout,
};

/// What the host calls itself.
pub(super) const NAME: &str = "demo-host";
/// How long the agent may take to begin, and to end.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most flows of the few instances, so that no memory is taken that is not needed.
const FLOWS_MAX: u32 = 4_096;

/// The host, as the story has it. What its agent makes goes with the demo's ground.
pub(super) struct LabNode {
    runtime: Handle,
    directory: PathBuf,
    server: String,
    /// The devices that are there before an agent is.
    devices_before: Vec<String>,
    host: Host,
}

/// The agent of the host, which both the story and whoever ends the demo may end.
#[derive(Clone, Default)]
pub(super) struct Host(Arc<Mutex<Standing>>);

#[derive(Default)]
enum Standing {
    /// None runs.
    #[default]
    Idle,
    Running(Running),
    /// None will run any more.
    Closed,
}

/// An agent that runs.
struct Running {
    stop: oneshot::Sender<()>,
    ended: JoinHandle<anyhow::Result<()>>,
}

impl Host {
    /// Ends the agent, and lets none begin from now on. The state of an agent is on disk when this is over, and nothing
    /// more is written.
    ///
    /// # Errors
    /// It had ended by itself, or does not end.
    pub(super) async fn close(&self) -> anyhow::Result<()> {
        // Whoever joins at this moment has it, and ends soon: there is no server any more.
        let standing = timeout(PATIENCE, self.0.lock()).await;
        let mut standing = standing.context("the host does not end to join")?;
        let last = std::mem::replace(&mut *standing, Standing::Closed);
        last.end().await
    }
}

impl Standing {
    async fn end(self) -> anyhow::Result<()> {
        let Self::Running(Running { stop, ended }) = self else { return Ok(()) };
        // Nobody listens where it has ended already.
        let _ = stop.send(());
        let ended = timeout(PATIENCE, ended).await;
        ended
            .with_context(|| format!("the agent did not end within {} s", PATIENCE.as_secs()))??
            .context("the agent cannot go on")
    }
}

impl LabNode {
    /// A host that may join the server at this address. The threads of the runtime are on the demo's ground; `directory`
    /// is for the agent alone.
    pub(super) fn new(runtime: Handle, directory: PathBuf, server: String, host: Host) -> Self {
        Self { runtime, directory, server, devices_before: Vec::new(), host }
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
        let (settings, server, token) = (self.settings(), self.server.clone(), Secret::new(token));
        let host = self.host.clone();
        self.runtime.block_on(async {
            let mut standing = host.0.lock().await;
            if matches!(*standing, Standing::Closed) {
                anyhow::bail!("the demo is at its end");
            }
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
            let (running, begun) = begin(settings);
            *standing = Standing::Running(running);
            match timeout(PATIENCE, begun).await {
                Ok(Ok(())) => Ok(()),
                // It has ended before it was ready.
                Ok(Err(_)) => {
                    let ended = std::mem::take(&mut *standing).end().await;
                    ended.and_then(|()| anyhow::bail!("the agent ended at once"))
                }
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
        self.runtime.block_on(self.host.close())
    }
}

/// Starts an agent on the runtime of the caller; gives what is told when it enforces.
fn begin(settings: Settings) -> (Running, oneshot::Receiver<()>) {
    let (stop, stopped) = oneshot::channel::<()>();
    let (ready, begun) = oneshot::channel();
    let ended = tokio::spawn(async move {
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
    (Running { stop, ended }, begun)
}
