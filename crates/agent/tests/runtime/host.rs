//! A host with an agent: its directory, its kernel, its devices.

use std::{path::PathBuf, thread::JoinHandle};

use agent::{
    FoundDevice, FoundDevices,
    directory::AgentDirectory,
    identity::{Identity, JoinError, JoinOrder, join},
    runtime::{Agent, AgentError, DeviceFeed, Request, Response, ask},
    settings::Settings,
    status::Status,
};
use model::ram::Secret;
use protocol::node;
use tokio::sync::{mpsc, oneshot};

use crate::{
    kernel::Kernel,
    plane::{PATIENCE, Plane},
};

/// A host.
pub(crate) struct Host {
    place: tempfile::TempDir,
    pub(crate) kernel: Kernel,
    pub(crate) devices: Vec<FoundDevice>,
    running: Option<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    tell: mpsc::Sender<FoundDevices>,
    thread: JoinHandle<Result<(), AgentError>>,
}

impl Host {
    /// A host with a device `vnet0`.
    pub(crate) fn new() -> Self {
        let kernel = Kernel::default();
        let devices = vec![kernel.add_device("vnet0")];
        Self { place: tempfile::tempdir().unwrap(), kernel, devices, running: None }
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.place.path().join("agent")
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings {
            directory: self.directory(),
            socket: self.place.path().join("run/agent.sock"),
            guard: vec!["vnet*".into()],
            ..Settings::default()
        }
    }

    /// Joins with a token.
    pub(crate) async fn join(&self, server: &str, token: &str) -> Result<Identity, JoinError> {
        let token = Secret::new(token);
        let order = JoinOrder { server, token: &token, host_name: "host", region: "", version: "test" };
        let identity = join(&order).await?;
        let directory = AgentDirectory::take(&self.directory()).unwrap();
        identity.write(directory.path()).unwrap();
        Ok(identity)
    }

    /// A host that has joined, with its agent running.
    pub(crate) async fn of(plane: &Plane) -> Self {
        let mut host = Self::new();
        host.join(&plane.address.to_string(), &plane.token).await.unwrap();
        host.start();
        host
    }

    /// Starts the agent, and waits until it is ready.
    pub(crate) fn start(&mut self) {
        let agent = Agent::open(self.settings(), "test").unwrap();
        let (tell, told) = mpsc::channel(8);
        let feed = DeviceFeed::told(self.devices.clone().into(), told);
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, begun) = std::sync::mpsc::channel();
        let kernel = self.kernel.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let ready = move || {
                let _ = ready.send(());
            };
            runtime.block_on(agent.run(kernel, feed, ready, async { drop(stopped.await) }))
        });
        begun.recv_timeout(PATIENCE).expect("the agent is ready");
        self.running = Some(Running { stop, tell, thread });
    }

    /// Ends the agent, as SIGTERM does.
    pub(crate) fn stop(&mut self) {
        let running = self.running.take().unwrap();
        running.stop.send(()).unwrap();
        running.thread.join().unwrap().unwrap();
    }

    /// Tells the agent which devices there are.
    pub(crate) async fn tell_devices(&self) {
        self.running.as_ref().unwrap().tell.send(self.devices.clone().into()).await.unwrap();
    }

    /// Asks the agent until it stands like this.
    pub(crate) async fn stands(&self, what: &str, like: impl Fn(&Status) -> bool) -> Status {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            let socket = self.settings().socket;
            let answer = tokio::task::spawn_blocking(move || {
                ask(&socket, &Request::Status).unwrap().next().unwrap().unwrap()
            });
            let Response::Status(status) = answer.await.unwrap() else { panic!("no status") };
            if like(&status) {
                return *status;
            }
            assert!(std::time::Instant::now() < deadline, "still not: {what}: {status:?}");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    /// Asks the agent to let a device go.
    pub(crate) async fn release(&self, device: &str, force: bool) -> Result<(), String> {
        let (socket, device) = (self.settings().socket, device.to_owned());
        let answer = tokio::task::spawn_blocking(move || {
            ask(&socket, &Request::Release { device, force }).unwrap().next().unwrap().unwrap()
        });
        match answer.await.unwrap() {
            Response::Released => Ok(()),
            Response::Error(why) => Err(why),
            Response::Status(_) => panic!("that was not asked"),
        }
    }

    /// A second agent in the same directory.
    pub(crate) fn second(&self) -> Result<(), AgentError> {
        Agent::open(self.settings(), "test").map(drop)
    }
}

/// A snapshot with one interface at `vnet0` in a group that lets a port in.
pub(crate) fn snapshot(generation: u64, port: u32) -> node::Snapshot {
    node::Snapshot {
        generation,
        groups: vec![group(port)],
        interfaces: vec![interface(&["sg-5qk3n8y4laeb2ii9zxxltlvzi"])],
        ..node::Snapshot::default()
    }
}

/// The interface in these groups.
pub(crate) fn interface(groups: &[&str]) -> node::Interface {
    node::Interface {
        network_interface_id: "eni-5qk3n8y4laeb2ii9zxxltlvzi".into(),
        network_id: "n-5qk3n8y4laeb2ii9zxxltlvzi".into(),
        mac: vec![2, 0, 0, 0, 0, 1],
        addresses: vec!["10.0.0.1".into()],
        source_check: true,
        security_group_ids: groups.iter().map(ToString::to_string).collect(),
        device: "vnet0".into(),
        ..node::Interface::default()
    }
}

fn group(port: u32) -> node::Group {
    let ports = Some(node::PortRange { low: port, high: port });
    node::Group {
        security_group_id: "sg-5qk3n8y4laeb2ii9zxxltlvzi".into(),
        rules: vec![node::Rule {
            direction: node::rule::Direction::Ingress.into(),
            protocol: node::rule::Protocol::Tcp.into(),
            policy: node::rule::Policy::Accept.into(),
            priority: 1,
            ports,
            source_ports: Some(node::PortRange { low: 1, high: 65_535 }),
            source: "0.0.0.0/0".into(),
            ..node::Rule::default()
        }],
    }
}
