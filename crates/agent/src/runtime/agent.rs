//! The agent, put together and ended in order.

use std::{
    future, io,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use dataplane::{Dataplane, DataplaneError};
use model::NodeId;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};

use super::{
    drops::Samples,
    feed::DeviceFeed,
    instances::Driver,
    metrics_server::{MetricsError, MetricsServer},
    order::{Order, Orders},
    outbox::Outbox,
    shared::Shared,
    socket::{SocketError, StatusSocket},
    tasks,
    timed::Timed,
    worker::{self, RestoreError, Told, Worker},
};
use crate::{
    clock,
    device::{FoundDevices, GuardedNames},
    directory::{AgentDirectory, DirectoryError},
    enforcer::chain,
    identity::{Identity, IdentityError},
    instances::InstanceDriver,
    links::LinkError,
    outcome::Outcome,
    saved::{Saved, SavedError},
    service_manager::{self, News},
    session::Session,
    settings::{SettingError, Settings},
    wanted::Wanted,
};

/// Why the agent does not run.
#[derive(Debug, Error)]
pub enum AgentError {
    /// A setting says nothing sensible.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Its directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// It is not known who the node is.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// What was wanted last cannot be read.
    #[error(transparent)]
    Saved(#[from] SavedError),
    /// The kernel cannot enforce.
    #[error(transparent)]
    Dataplane(#[from] DataplaneError),
    /// What was wanted last cannot be brought into force.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// Devices are not known.
    #[error(transparent)]
    Links(#[from] LinkError),
    /// Nobody can ask how it stands.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// Nobody can read its metrics.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// There can be no more threads.
    #[error("no thread can be started")]
    Thread(#[source] io::Error),
    /// The enforcer's thread has ended by itself, which it never should.
    #[error("the agent's thread that enforces has ended; what is in force stays so")]
    Ended,
    /// The driver's thread has ended by itself, which it never should.
    #[error("the agent's thread that makes instances has ended; they and what is in force stay so")]
    DriverEnded,
}

/// An agent that is about to run.
pub struct Agent {
    settings: Settings,
    guarded: GuardedNames,
    directory: AgentDirectory,
    identity: Identity,
    saved: Saved,
    wanted: Option<Wanted>,
    version: String,
    driver: Option<Box<dyn InstanceDriver>>,
}

/// What the enforcer's thread says when it begins.
type Begun = oneshot::Sender<Result<Outcome, RestoreError>>;

impl Agent {
    /// Takes the directory, and reads who the node is and what was wanted of it last.
    ///
    /// # Errors
    /// [`AgentError`].
    pub fn open(settings: Settings, version: &str) -> Result<Self, AgentError> {
        settings.check()?;
        // Of a host that has not joined nothing is to be left: a directory looks as if it had.
        if let Err(missing @ IdentityError::Missing { .. }) = Identity::read(&settings.directory) {
            return Err(missing.into());
        }
        let directory = AgentDirectory::take(&settings.directory)?;
        let identity = Identity::read(directory.path())?;
        let (saved, wanted) = Saved::open(directory.path())?;
        let guarded = settings.guarded()?;
        let version = version.to_owned();
        Ok(Self { settings, guarded, directory, identity, saved, wanted, version, driver: None })
    }

    /// The node.
    pub fn node(&self) -> NodeId {
        self.identity.node
    }

    /// With a driver that makes instances.
    #[must_use]
    pub fn with_driver(mut self, driver: Box<dyn InstanceDriver>) -> Self {
        self.driver = Some(driver);
        self
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Brings what was wanted last into force, then follows the control plane until `stop` resolves. What is in force stays
    /// so when this ends, however it ends. `ready` is called when the first is done and devices are followed.
    ///
    /// # Errors
    /// [`AgentError`]: it could not begin, or cannot go on.
    pub async fn run<D: Dataplane + Send + 'static>(
        mut self,
        dataplane: D,
        mut feed: DeviceFeed,
        ready: impl FnOnce(),
        stop: impl Future<Output = ()>,
    ) -> Result<(), AgentError> {
        let metrics = match &*self.settings.metrics {
            "" => None,
            address => Some(MetricsServer::listen(address).await?),
        };
        let socket = StatusSocket::listen(&self.settings.socket)?;
        let shared = self.shared();
        // Without randomness the time tells two processes apart as well.
        let process = getrandom::u64().unwrap_or_else(|_| clock::now().0.unsigned_abs());
        let (outbox, samples) = (Arc::new(Outbox::default()), Arc::new(Samples::of(process)));
        // Before anybody can say so that devices are to be looked at.
        let reached = shared.reached();
        let driver = self.driver.take().map(|driver| {
            Driver::start(driver, Arc::clone(&outbox), Arc::clone(&shared)).map_err(AgentError::Thread)
        });
        let (driver, driver_ended) = driver.transpose()?.unzip();
        let (orders, queue) = Orders::queue();
        let first = feed.first();
        let begin = Begin {
            guarded: self.guarded.clone(),
            first,
            wanted: self.wanted.take(),
            saved: self.saved,
            told: Told {
                outbox: Arc::clone(&outbox),
                shared: Arc::clone(&shared),
                samples: Arc::clone(&samples),
            },
            driver,
        };
        let (thread, outcome) = begin.start(dataplane, queue).await?;
        log_beginning(&outcome, &shared);
        let session = Session {
            server: shared.server.clone(),
            directory: self.directory.path().to_owned(),
            identity: Mutex::new(self.identity),
            orders: orders.clone(),
            outbox,
            shared: Arc::clone(&shared),
            samples,
        };
        let audit = Duration::from_secs(self.settings.audit_seconds);
        let mut running = JoinSet::new();
        running.spawn(session.run());
        running.spawn(tasks::devices(feed, orders.clone(), audit, reached));
        running.spawn(tasks::lines(Arc::clone(&shared)));
        running.spawn(tasks::watchdog(orders.clone()));
        running.spawn(socket.serve(orders.clone(), Arc::clone(&shared)));
        for (period, ask) in tasks::CHORES {
            running.spawn(tasks::every(period, orders.clone(), ask));
        }
        if let Some(metrics) = metrics {
            tracing::info!(address = ?metrics.address(), "metrics are served");
            running.spawn(metrics.serve(orders.clone(), Arc::clone(&shared)));
        }
        service_manager::tell(&News::Ready);
        ready();
        let ended = tokio::select! {
            () = stop => Ok(()),
            () = end_of_driver(driver_ended) => Err(AgentError::DriverEnded),
            // No task ends before the thread does.
            _ = running.join_next() => Err(AgentError::Ended),
        };
        service_manager::tell(&News::Stopping);
        drop(running);
        end(thread, &orders).await;
        ended
    }

    fn shared(&self) -> Arc<Shared> {
        let server = match &*self.settings.server {
            "" => self.identity.server.clone(),
            server => server.to_owned(),
        };
        let validity = self.identity.credentials.validity();
        let (node, version) = (self.identity.node.to_string(), self.version.clone());
        Arc::new(Shared::new(node, server, version, validity))
    }
}

/// What the enforcer's thread begins with.
struct Begin {
    guarded: GuardedNames,
    first: FoundDevices,
    wanted: Option<Wanted>,
    saved: Saved,
    told: Told,
    driver: Option<Driver>,
}

impl Begin {
    /// Starts the thread, and waits until what was wanted last is in force.
    async fn start<D: Dataplane + Send + 'static>(
        self,
        dataplane: D,
        queue: mpsc::Receiver<Order>,
    ) -> Result<(JoinHandle<()>, Outcome), AgentError> {
        let (begun, beginning) = oneshot::channel();
        let thread = thread::Builder::new().name("enforcer".into());
        let thread = thread.spawn(move || self.run(dataplane, queue, begun)).map_err(AgentError::Thread)?;
        let outcome = beginning.await.map_err(|_| AgentError::Ended)??;
        Ok((thread, outcome))
    }

    fn run<D: Dataplane>(self, dataplane: D, queue: mpsc::Receiver<Order>, begun: Begun) {
        let restored = worker::restore(Timed::new(dataplane), self.guarded, self.first, self.wanted);
        match restored {
            Ok((enforcer, outcome)) => {
                let worker = Worker::new(enforcer, self.saved, self.told, self.driver);
                if begun.send(Ok(outcome)).is_ok() {
                    worker.run(queue);
                }
            }
            // Whoever waits for this is told; nobody else can be.
            Err(error) => drop(begun.send(Err(error))),
        }
    }
}

/// Resolves when the driver's thread has ended by itself.
async fn end_of_driver(ended: Option<oneshot::Receiver<()>>) {
    let told_to = match ended {
        Some(ended) => ended.await.is_ok(),
        // There is none.
        None => true,
    };
    if told_to {
        future::pending().await
    }
}

fn log_beginning(outcome: &Outcome, shared: &Shared) {
    let tally = shared.enforcement().tally;
    let (generation, interfaces, absent) = (outcome.generation, tally.interfaces, tally.absent);
    if generation == 0 {
        tracing::info!(node = shared.node, guarded = tally.guarded, "nothing was wanted of this node yet");
        return;
    }
    tracing::info!(
        node = shared.node,
        generation,
        interfaces,
        absent,
        guarded = tally.guarded,
        "what was wanted last is in force"
    );
    for problem in &outcome.problems {
        tracing::error!(interface = %problem.interface, problem = %problem.kind, "but for this one");
    }
}

/// Ends the enforcer's thread, when it has done what it was told before.
async fn end(thread: JoinHandle<()>, orders: &Orders) {
    // It has ended already where nobody takes the order.
    let _ = orders.give(Order::End).await;
    let joined = tokio::task::spawn_blocking(move || thread.join().is_ok()).await;
    if !joined.unwrap_or(false) {
        tracing::error!("{}", chain(&AgentError::Ended));
    }
}
