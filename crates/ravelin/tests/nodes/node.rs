//! A lab node: a network namespace with an uplink to the server, and an agent in it.

use std::{
    fs::{self, File},
    net::{IpAddr, Ipv4Addr},
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use host::{Netlink, in_namespace, namespace, netlink::Pair};
use model::address::Mac;

use crate::common::bounded::Bounded;

/// A lab node.
pub(crate) struct LabNode {
    /// Its id.
    pub(crate) id: String,
    /// Its namespace.
    pub(crate) namespace: String,
    number: u8,
    directory: PathBuf,
    agent: Option<Child>,
}

impl LabNode {
    /// Makes a host with this number, which joins with this token the server whose port for nodes this is, and starts
    /// its agent.
    pub(crate) fn join(number: u8, id: &str, token: &str, port: u16, place: &Path) -> Self {
        let directory = place.join(format!("node-{number}"));
        fs::create_dir(&directory).unwrap();
        let namespace = format!("host-{number}");
        namespace::create(&namespace, || Ok::<_, namespace::NamespaceError>(())).unwrap();
        let mut node = Self { id: id.into(), namespace, number, directory, agent: None };
        node.connect();
        node.write_settings();
        let token_file = node.directory.join("token");
        fs::write(&token_file, token).unwrap();
        let server = format!("10.99.{number}.1:{port}");
        let mut join = node.command(&["agent", "join", "--server", &server, "--config"]);
        join.arg(node.directory.join("agent.toml")).arg("--token-file").arg(&token_file);
        let joined = Bounded::new("ravelin agent join", node.run(&mut join)).output();
        assert!(joined.status.success(), "{joined:?}");
        node.start();
        node
    }

    /// Its link to the server's namespace, which is that of the calling thread.
    fn connect(&self) {
        let number = self.number;
        let netlink = Netlink::open().unwrap();
        let (here, there) = (self.uplink(), "uplink");
        let peer = namespace::open(&self.namespace).unwrap();
        netlink
            .add_pair(&Pair {
                name: &here,
                mac: Mac([0x02, 0x99, 0, 0, number, 1]),
                group: 0,
                peer_name: there,
                peer_mac: Mac([0x02, 0x99, 0, 0, number, 2]),
                peer_namespace: peer.as_fd(),
            })
            .unwrap();
        set_up(&netlink, &here, Ipv4Addr::new(10, 99, number, 1));
        let inside = || {
            let netlink = Netlink::open().unwrap();
            netlink.set_up(netlink.link("lo").unwrap().index).unwrap();
            set_up(&netlink, there, Ipv4Addr::new(10, 99, number, 2));
        };
        in_namespace(&self.namespace, inside).unwrap();
    }

    fn uplink(&self) -> String {
        format!("up{}", self.number)
    }

    /// Cuts its link to the server: nothing gets through, and nobody is told.
    pub(crate) fn cut(&self) {
        let netlink = Netlink::open().unwrap();
        netlink.set_down(netlink.link(&self.uplink()).unwrap().index).unwrap();
    }

    /// Heals it.
    pub(crate) fn heal(&self) {
        let netlink = Netlink::open().unwrap();
        netlink.set_up(netlink.link(&self.uplink()).unwrap().index).unwrap();
    }

    fn write_settings(&self) {
        let place = self.directory.display();
        let settings = format!(
            "directory = \"{place}/state\"\nsocket = \"{place}/agent.sock\"\n\n[dataplane]\nname = \
             \"{}\"\nflows_max = 4096\narena_words = 65536\n",
            self.namespace
        );
        fs::write(self.directory.join("agent.toml"), settings).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ravelin"));
        command.args(arguments);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("RAVELIN_") {
                command.env_remove(name);
            }
        }
        let log = File::options().create(true).append(true).open(self.directory.join("log")).unwrap();
        command.stdout(Stdio::piped()).stderr(log);
        command
    }

    /// Starts a command in its namespace.
    fn run(&self, command: &mut Command) -> Child {
        in_namespace(&self.namespace, || command.spawn().unwrap()).unwrap()
    }

    /// Starts its agent.
    pub(crate) fn start(&mut self) {
        let mut command = self.command(&["agent", "run", "--config"]);
        command.arg(self.directory.join("agent.toml"));
        self.agent = Some(self.run(command.stdout(Stdio::null())));
    }

    /// Ends its agent as a power cut would, but for the page cache: SIGKILL. Does nothing where none runs.
    pub(crate) fn kill(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            agent.kill().unwrap();
            agent.wait().unwrap();
        }
    }

    /// Ends its agent, as SIGTERM does: what is in force stays so.
    pub(crate) fn end(&mut self) {
        let mut agent = self.agent.take().unwrap();
        let id = nix::unistd::Pid::from_raw(i32::try_from(agent.id()).unwrap());
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM).unwrap();
        assert!(agent.wait().unwrap().success());
    }

    /// What its agent has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }
}

fn set_up(netlink: &Netlink, device: &str, address: Ipv4Addr) {
    let index = netlink.link(device).unwrap().index;
    netlink.set_up(index).unwrap();
    netlink.add_address(index, IpAddr::V4(address), 24).unwrap();
}

impl Drop for LabNode {
    fn drop(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            // It may have ended already.
            let _ = agent.kill();
            let _ = agent.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}", self.namespace, self.log());
        }
    }
}
