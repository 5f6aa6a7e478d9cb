//! `ravelin serve`: store, control plane, gateway, console, HTTP and HTTPS, the listener for nodes, put together and ended in order.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Instant};

use anyhow::{Context as _, bail};
use console::Console;
use control::{Control, SystemClock};
use model::ram::KeyPair;
use tokio::signal::unix::{Signal, SignalKind, signal};
use wire::{
    gateway::{Gateway, Mode},
    server::{Server, ServerSettings, TlsSettings},
};

use crate::{
    cli::ServeArguments,
    directory::DataDirectory,
    event_log::EventLog,
    first_start, log, operator, output, service_manager,
    settings::{Settings, Sources},
};

/// Runs the server until it is told to stop.
///
/// # Errors
/// Why it cannot serve, for people.
pub fn run(arguments: &ServeArguments) -> anyhow::Result<()> {
    let settings = settings(arguments)?;
    if arguments.print_settings {
        return output::line(settings.to_toml()?.trim_end());
    }
    let _log = log::start(&settings.log, settings.log_format)?;
    raise_open_files();
    keep_files_private();
    let runtime = runtime()?;
    let served = Served::open(&settings)?;
    let event_log = match settings.event_log.as_str() {
        "" => None,
        target => Some(EventLog::start(target, &served.control)?),
    };
    let ready = |urls: &[String]| {
        if settings.gateway.mode == Mode::Lenient {
            tracing::warn!(
                "LENIENT MODE: signatures, times and nonces are not checked; everybody may do everything"
            );
        }
        // Whoever waits for this line and cannot have it waits for ever: then better no server.
        urls.iter()
            .try_for_each(|url| output::try_line(&format!("ready {url}")))
            .context(output::UNWRITABLE)?;
        if let Some(url) =
            urls.iter().find(|url| url.starts_with("http")).filter(|_| settings.console.enabled)
        {
            tracing::info!("the console is at {url}/console");
        }
        service_manager::ready(&format!("serving {}", urls.join(", ")));
        Ok(())
    };
    let served = runtime.block_on(async {
        let mut signals = StopSignals::listen()?;
        if let Some(log) = &event_log {
            reopen_on_hang_up(log.reopener())?;
        }
        let stop = async {
            let signal = signals.wait().await.name();
            service_manager::stopping();
            tracing::info!(
                signal,
                "stopping: finishing the requests in flight; the same again stops at once"
            );
            tokio::spawn(async move {
                let signal = signals.wait().await;
                output::note(&format!(
                    "ravelin: {} again: stopped at once, with requests in flight",
                    signal.name()
                ));
                std::process::exit(1);
            });
        };
        served.serve(&settings, None, ready, stop).await
    });
    if let Some(log) = event_log {
        log.finish();
    }
    served
}

/// Calls this with each SIGHUP from now on, which would end the program otherwise.
fn reopen_on_hang_up(reopen: impl Fn() + Send + 'static) -> anyhow::Result<()> {
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hang_up.recv().await.is_some() {
            reopen();
        }
    });
    Ok(())
}

fn settings(arguments: &ServeArguments) -> anyhow::Result<Settings> {
    let environment: Vec<(String, String)> = std::env::vars().collect();
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let mut flags = Vec::new();
    let mut flag = |name, value: Option<String>| flags.extend(value.map(|value| (name, value)));
    flag("data", arguments.data.as_deref().map(path));
    flag("listen", arguments.listen.clone());
    flag("listen_tls", arguments.listen_tls.clone());
    flag("tls_certificate", arguments.tls_certificate.as_deref().map(path));
    flag("tls_key", arguments.tls_key.as_deref().map(path));
    flag("node_listen", arguments.node_listen.clone());
    flag("log", arguments.log.clone());
    flag("event_log", arguments.event_log.clone());
    flag("gateway.mode", arguments.lenient.then(|| "lenient".into()));
    flag("console.enabled", arguments.no_console.then(|| "false".into()));
    flag("gateway.wait_for_enforcement", arguments.wait_for_enforcement.clone());
    Settings::load(&Sources {
        file: arguments.config.as_deref(),
        environment: &environment,
        assignments: &arguments.assignments,
        flags: &flags,
    })
}

/// A runtime with a thread for each processor, and never less than two: one may be held by a commit.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()
}

/// Lets the process have as many open files as it may: one a connection.
#[allow(unsafe_code)]
fn raise_open_files() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls only read or write the structure, which lives for their whole length.
    let raised = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 && {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) == 0
        }
    };
    if !raised {
        tracing::debug!("the limit of open files stays as it is");
    }
}

/// Makes every file that the process makes its owner's alone: the store's engine makes some when it likes.
#[allow(unsafe_code)]
pub fn keep_files_private() {
    // SAFETY: umask takes a number and touches no memory.
    unsafe { libc::umask(0o077) };
}

/// A control plane that is open, and what serves it.
pub struct Served {
    control: Control,
    gateway: Arc<Gateway>,
    clock: Arc<SystemClock>,
    node_metrics: session::Metrics,
    directory: DataDirectory,
}

/// What is listened on.
struct Doors {
    server: Server,
    nodes: Option<session::Server>,
}

impl Doors {
    /// What each ready line names: the URLs, then the address for nodes.
    fn addresses(&self) -> Vec<String> {
        let nodes = self.nodes.as_ref().map(|nodes| format!("nodes {}", nodes.address()));
        self.server.urls().into_iter().chain(nodes).collect()
    }
}

impl Served {
    /// Opens the store and loads the state.
    ///
    /// # Errors
    /// The store is another process's, foreign or damaged.
    pub fn open(settings: &Settings) -> anyhow::Result<Self> {
        let started = Instant::now();
        let directory = DataDirectory::create(Path::new(&settings.data))?;
        let store = store::FjallStore::open(&directory.store(), &store::Options::default())?;
        let control_settings = control::Settings {
            limits: settings.limits.clone(),
            timing: settings.timing.clone(),
            site: settings.site.clone(),
            history: settings.history,
            fleet: settings.fleet,
            commit_on_submitter: true,
            ..control::Settings::default()
        };
        let mut progress = |entities: u64| {
            if started.elapsed().as_secs() >= 2 {
                tracing::info!(entities, "loading");
            }
        };
        let clock = Arc::new(SystemClock);
        let opened = Control::open(Box::new(store), control_settings, clock.clone(), &mut progress)?;
        tracing::info!(
            entities = opened.entities,
            milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            data = %directory.path().display(),
            "loaded"
        );
        let control = opened.control;
        let mut gateway = Gateway::new(
            control.clone(),
            settings.site.clone(),
            settings.gateway.clone(),
            clock.clone(),
            &opened.nonces,
        );
        let node_metrics = session::Metrics::default();
        gateway.add_metrics(|registry| node_metrics.register(registry));
        Ok(Self { control, gateway: Arc::new(gateway), clock, node_metrics, directory })
    }

    /// Makes the first account if there is none, with `root_key` if one is given; then serves until `stop` resolves and
    /// finishes what was begun. `ready` is told the addresses once connections are taken: HTTP, HTTPS, and `nodes ADDRESS`.
    ///
    /// # Errors
    /// An address cannot be listened on; the certificate cannot be used; the account cannot be made; `ready` fails.
    pub async fn serve(
        self,
        settings: &Settings,
        root_key: Option<KeyPair>,
        ready: impl FnOnce(&[String]) -> anyhow::Result<()>,
        stop: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let prepared = match self.prepare(settings, root_key).await {
            Ok(doors) => ready(&doors.addresses()).map(|()| doors),
            failed => failed,
        };
        let served = match prepared {
            Ok(Doors { server, mut nodes }) => {
                let ended = async {
                    tokio::select! {
                        () = stop => {}
                        () = self.control.stopped() => tracing::error!("the control plane has ended; stopping"),
                        () = end_of(nodes.as_mut()) => tracing::error!("nodes are not accepted any more; stopping"),
                    }
                    // Whoever waits for nodes is answered now, rather than cut off later.
                    self.control.stop_waiting();
                };
                let stopped = server.run(ended).await;
                if stopped.connections_cut > 0 {
                    tracing::warn!(
                        connections = stopped.connections_cut,
                        "cut off connections that did not finish"
                    );
                }
                // After the requests, some of which wait for nodes.
                if let Some(nodes) = nodes {
                    nodes.stop().await;
                }
                Ok(())
            }
            Err(error) => Err(error),
        };
        self.control.stop().await;
        let _ = std::fs::remove_file(self.directory.operator_socket());
        tracing::info!("stopped");
        served
    }

    /// Binds everything, and only then makes the first account: what can fail has failed before its key is shown. No
    /// request is taken before the server runs.
    async fn prepare(&self, settings: &Settings, root_key: Option<KeyPair>) -> anyhow::Result<Doors> {
        let door = operator::bind(&self.directory)?;
        let server = self.bind(settings).await?;
        let bound = bind_for_nodes(settings).await?;
        let (control, directory) = (self.control.clone(), self.directory.clone());
        tokio::task::spawn_blocking(move || first_start::prepare(&control, &directory, root_key)).await??;
        door.open(self.control.clone())?;
        let nodes = match bound {
            Some(bound) => {
                let clock = self.clock.clone();
                Some(bound.serve(self.control.clone(), clock, self.node_metrics.clone()).await?)
            }
            None => None,
        };
        Ok(Doors { server, nodes })
    }

    async fn bind(&self, settings: &Settings) -> anyhow::Result<Server> {
        let listen = resolve(&settings.listen).await?;
        let listen_tls = resolve(&settings.listen_tls).await?;
        if listen.is_none() && listen_tls.is_none() {
            bail!("there is nowhere to listen: set listen or listen_tls");
        }
        let file = |path: &String| Some(path).filter(|path| !path.is_empty()).map(Into::into);
        let server_settings = ServerSettings {
            listen,
            listen_tls,
            tls: TlsSettings {
                certificate: file(&settings.tls_certificate),
                key: file(&settings.tls_key),
                directory: Some(self.directory.path().into()),
                names: settings.tls_names.clone(),
            },
            limits: settings.http.clone(),
            drain_seconds_max: settings.drain_seconds_max,
        };
        let server = Server::bind(server_settings, Arc::clone(&self.gateway))
            .map_err(|error| in_use(error.into(), "--listen and --listen-tls"))?;
        if !settings.console.enabled {
            return Ok(server);
        }
        let console = Console::new(Arc::clone(&self.gateway), &settings.console, self.clock.clone());
        Ok(server.with_pages(Arc::new(console)))
    }
}

/// Resolves when the listener for nodes has ended by itself.
async fn end_of(nodes: Option<&mut session::Server>) {
    match nodes {
        Some(nodes) => nodes.ended().await,
        None => std::future::pending().await,
    }
}

async fn bind_for_nodes(settings: &Settings) -> anyhow::Result<Option<session::Bound>> {
    let address = resolve(&settings.node_listen).await.context("in node_listen")?;
    let bound = address.map(|address| session::Bound::to(address, settings.nodes.clone())).transpose();
    bound.map_err(|error| in_use(error.into(), "--node-listen"))
}

/// What to do where somebody listens on an address already.
fn in_use(error: anyhow::Error, flags: &str) -> anyhow::Error {
    let taken = error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
    });
    if !taken {
        return error;
    }
    anyhow::anyhow!(
        "{error:#}: another program listens there, or another `ravelin serve`; choose another port with {flags}"
    )
}

/// The address that a setting names; none where it is empty.
async fn resolve(address: &str) -> anyhow::Result<Option<SocketAddr>> {
    if address.is_empty() {
        return Ok(None);
    }
    let mut found = tokio::net::lookup_host(address).await.ok().into_iter().flatten();
    let first = found.next();
    first.map(Some).with_context(|| format!("{address:?} is not an address and port, such as 127.0.0.1:8017"))
}

/// The signals that ask a program to stop.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Takes the signals from now on. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// The system does not give them.
    pub fn listen() -> anyhow::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the first of them.
    pub async fn wait(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.interrupt.recv() => StopSignal::Interrupt,
        }
    }
}

/// A signal that asks a program to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGTERM.
    Terminate,
    /// SIGINT.
    Interrupt,
    /// SIGHUP: the terminal was closed.
    HangUp,
    /// SIGQUIT: Ctrl-\.
    Quit,
}

impl StopSignal {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
            Self::HangUp => "SIGHUP",
            Self::Quit => "SIGQUIT",
        }
    }

    /// What a program returns that was ended by it.
    pub fn exit_code(self) -> u8 {
        // 128 and the number of the signal, as shells have it.
        match self {
            Self::Terminate => 143,
            Self::Interrupt => 130,
            Self::HangUp => 129,
            Self::Quit => 131,
        }
    }
}
