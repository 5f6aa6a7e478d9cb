//! An edge site: a server, lab nodes, and instances of one network on them.

use std::{
    fs,
    net::{IpAddr, SocketAddr},
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use host::{Netlink, in_namespace, namespace, netlink::Pair};
use model::address::Mac;
use serde_json::json;
use tempfile::TempDir;
use traffic::{Client as Source, Flow, Knock, Protocol, Server as Sink, knock};

use crate::{
    change::enforce,
    common::{
        ACCESS_KEY_ID, ACCESS_KEY_SECRET, Answer, Client, Launch, Server, bounded::Bounded, wait_until,
    },
    node::LabNode,
};

/// The version of the product Ravelin.
const RAVELIN: &str = "2026-11-22";
/// Where everything is.
pub(crate) const REGION: &str = "edge-1";
/// How often a flow sends.
const INTERVAL: Duration = Duration::from_micros(500);
/// How long what is permitted may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait for an answer that is not to come.
const SILENCE: Duration = Duration::from_millis(500);

/// An instance.
pub(crate) struct Instance {
    /// Its id.
    pub(crate) id: String,
    /// Its first address.
    pub(crate) address: IpAddr,
}

impl Instance {
    /// Its network namespace.
    pub(crate) fn namespace(&self) -> String {
        format!("ravelin-{}", self.id)
    }
}

/// An edge site.
pub(crate) struct Site {
    /// Its nodes.
    pub(crate) nodes: Vec<LabNode>,
    /// The server.
    pub(crate) server: Server,
    /// A client of it.
    pub(crate) client: Client,
    /// Where its data is.
    data: PathBuf,
    place: TempDir,
}

impl Site {
    /// A site with so many lab nodes, all connected.
    pub(crate) fn with_nodes(count: u8) -> Self {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        fs::create_dir(&data).unwrap();
        let server = Launch::on(&data).node_listen("0.0.0.0:0").start();
        let client = server.client();
        let port = server.nodes.rsplit_once(':').unwrap().1.parse().unwrap();
        let mut site = Self { nodes: Vec::new(), server, client, data, place };
        for number in 1..=count {
            let wish = [("EnsRegionId", REGION), ("Lab", "true")];
            let made = site.ravelin("CreateNodeToken", &wish);
            let (id, token) = (made.text("/NodeId"), made.text("/Token"));
            let node = LabNode::join(number, id, token, port, site.place.path());
            site.nodes.push(node);
        }
        for node in &site.nodes {
            wait_until("the node is connected", || site.is_connected(node).then_some(()));
        }
        site
    }

    /// A site with two lab nodes, whose networks are joined, and an instance of one network on each.
    pub(crate) fn of_two() -> (Self, [Instance; 2]) {
        let site = Self::with_nodes(2);
        let instances = site.run();
        site.trunk(&instances);
        (site, instances)
    }

    /// Starts the server again, where its nodes expect it. The one before has ended.
    pub(crate) fn start_server(&mut self) {
        self.server = Launch::on(&self.data).node_listen(&self.server.nodes).start();
        self.client = self.server.client();
    }

    /// Makes a backup while the server runs, and gives its file.
    pub(crate) fn back_up(&self) -> PathBuf {
        let file = self.place.path().join("backup");
        operate(
            Command::new(env!("CARGO_BIN_EXE_ravelin"))
                .arg("backup")
                .arg("--data")
                .arg(&self.data)
                .arg(&file),
        );
        file
    }

    /// Restores a backup, and starts a server on it. The one before has ended.
    pub(crate) fn restore(&mut self, backup: &Path) {
        self.data = self.place.path().join("restored");
        operate(
            Command::new(env!("CARGO_BIN_EXE_ravelin"))
                .arg("restore")
                .arg(backup)
                .arg("--data")
                .arg(&self.data),
        );
        self.start_server();
    }

    /// Calls an operation of the product Ravelin, which succeeds.
    pub(crate) fn ravelin(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        let answer = self.client.v3_of("POST", RAVELIN, action, parameters);
        assert_eq!(answer.code(), "", "{action}: {:?}", answer.body);
        answer
    }

    /// Calls an operation of ENS, which succeeds.
    pub(crate) fn ens(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        let answer = self.client.v3(action, parameters);
        assert_eq!(answer.code(), "", "{action}: {:?}", answer.body);
        answer
    }

    /// Whether the server has a connection with a node.
    pub(crate) fn is_connected(&self, node: &LabNode) -> bool {
        let answer = self.ravelin("DescribeNodes", &[("NodeId", &node.id)]);
        answer.body.pointer("/Nodes/Node/0/Connected") == Some(&json!(true))
    }

    /// Runs so many instances, of one network, and waits until they are up.
    pub(crate) fn run<const COUNT: usize>(&self) -> [Instance; COUNT] {
        let amount = COUNT.to_string();
        let made = self.ens("RunInstances", &[("EnsRegionId", REGION), ("Amount", &amount)]);
        let ids: Vec<_> =
            made.list("/InstanceIds").iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        let ids: [String; COUNT] = ids.try_into().unwrap();
        ids.map(|id| {
            self.wait(&id, "Running");
            let found = self.ens("DescribeInstances", &[("InstanceId", &id)]);
            let address = found.text("/Instances/Instance/0/InnerIpAddress/IpAddress/0").parse().unwrap();
            Instance { id, address }
        })
    }

    /// Waits until an instance has this state.
    pub(crate) fn wait(&self, instance: &str, status: &str) {
        wait_until(&format!("{instance} is {status}"), || {
            let found = self.ens("DescribeInstances", &[("InstanceId", instance)]);
            (found.text("/Instances/Instance/0/Status") == status).then_some(())
        });
    }

    /// A group that lets these in: TCP and UDP, each of these ports.
    pub(crate) fn group(&self, ports: &[u16]) -> String {
        let rule = |protocol: &str, port: u16| {
            json!({ "Direction": "ingress", "IpProtocol": protocol, "PortRange": format!("{port}/{port}"),
                    "Policy": "Accept", "Priority": 1, "SourceCidrIp": "0.0.0.0/0" })
        };
        let rules: Vec<_> = ports.iter().flat_map(|port| [rule("TCP", *port), rule("UDP", *port)]).collect();
        let rules = json!(rules).to_string();
        let made =
            self.ens("CreateSecurityGroup", &[("SecurityGroupName", "some-ports"), ("Permissions", &rules)]);
        made.text("/SecurityGroupId").to_owned()
    }

    /// An instance joins a group, and that is in force.
    pub(crate) fn join(&self, instance: &Instance, group: &str) {
        enforce(
            &self.client,
            "JoinSecurityGroup",
            &[("SecurityGroupId", group), ("InstanceId", &instance.id)],
        );
    }

    /// Joins the bridges on which the instances are, on two nodes, by a link.
    fn trunk(&self, instances: &[Instance; 2]) {
        let [one, other] = instances.each_ref().map(|instance| self.node_of(instance));
        assert_ne!(one.0.id, other.0.id, "the instances are on two nodes");
        let peer = namespace::open(&other.0.namespace).unwrap();
        let make = || {
            let netlink = Netlink::open().unwrap();
            let (mac, peer_mac) = (Mac([0x02, 0x98, 0, 0, 0, 1]), Mac([0x02, 0x98, 0, 0, 0, 2]));
            let (name, peer_name) = ("trunk", "trunk");
            netlink
                .add_pair(&Pair { name, mac, group: 0, peer_name, peer_mac, peer_namespace: peer.as_fd() })
                .unwrap();
        };
        in_namespace(&one.0.namespace, make).unwrap();
        for (node, bridge) in [one, other] {
            in_namespace(&node.namespace, || {
                let netlink = Netlink::open().unwrap();
                let trunk = netlink.link("trunk").unwrap().index;
                netlink.set_master(trunk, bridge).unwrap();
                netlink.set_up(trunk).unwrap();
            })
            .unwrap();
        }
    }

    /// The node on which an instance is, and the index of the bridge to which its device belongs.
    pub(crate) fn node_of(&self, instance: &Instance) -> (&LabNode, u32) {
        let interface = self.interface_of(instance);
        let alias = format!("ravelin:{interface}");
        let place = self.nodes.iter().find_map(|node| {
            let links = in_namespace(&node.namespace, || Netlink::open().unwrap().links().unwrap()).unwrap();
            let device = links.into_iter().find(|link| link.alias == alias)?;
            Some((node, device.master.expect("it is on a bridge")))
        });
        place.expect("some node has it")
    }

    /// The primary interface of an instance.
    pub(crate) fn interface_of(&self, instance: &Instance) -> String {
        let found = self.ens("DescribeInstances", &[("InstanceId", &instance.id)]);
        let pointer = "/Instances/Instance/0/NetworkInterfaces/NetworkInterfaces/0/NetworkInterfaceId";
        found.text(pointer).to_owned()
    }

    /// A command of the program, as somebody types it who has the account's root access key.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ravelin"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("RAVELIN_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .env("RAVELIN_ENDPOINT", format!("http://{}", self.server.address))
            .env("RAVELIN_ACCESS_KEY_ID", ACCESS_KEY_ID)
            .env("RAVELIN_ACCESS_KEY_SECRET", ACCESS_KEY_SECRET);
        command
    }

    /// Begins a flow between two instances, and waits until it is through.
    pub(crate) fn flow(&self, from: &Instance, to: &Instance, protocol: Protocol, port: u16) -> Flow {
        self.flow_to(from, to, to.address, protocol, port)
    }

    /// As [`Site::flow`], to another address of the instance.
    pub(crate) fn flow_to(
        &self,
        from: &Instance,
        to: &Instance,
        address: IpAddr,
        protocol: Protocol,
        port: u16,
    ) -> Flow {
        let address = SocketAddr::new(address, port);
        let sink = in_namespace(&to.namespace(), || Sink::listen(protocol, address)).unwrap().unwrap();
        let source = in_namespace(&from.namespace(), || Source::connect(protocol, address, PATIENCE))
            .unwrap()
            .unwrap();
        let flow = Flow::begin(source, sink, INTERVAL).unwrap();
        let seen = flow.wait(PATIENCE, |seen| seen.back.received > 0);
        assert!(seen.back.received > 0, "{protocol:?} {port} does not get through: {seen:?}");
        flow
    }

    /// Whether a TCP port of an instance can be reached from another one, also where nobody listens there.
    pub(crate) fn reaches(&self, from: &Instance, address: IpAddr, port: u16) -> bool {
        let to = SocketAddr::new(address, port);
        in_namespace(&from.namespace(), || knock(to, SILENCE)).unwrap().unwrap() != Knock::Silent
    }

    /// Releases instances, and waits until nothing is left of them on any node.
    pub(crate) fn release(&self, instances: &[Instance]) {
        for instance in instances {
            self.ens("ReleasePostPaidInstance", &[("InstanceId", &instance.id)]);
        }
        for instance in instances {
            wait_until("the instance is gone", || {
                let found = self.ens("DescribeInstances", &[("InstanceId", &instance.id)]);
                (found.body["TotalCount"] == 0).then_some(())
            });
            assert!(!namespace::exists(&instance.namespace()), "the namespace of {} is left", instance.id);
        }
        for node in &self.nodes {
            let links = in_namespace(&node.namespace, || Netlink::open().unwrap().links().unwrap()).unwrap();
            let left: Vec<_> = links.iter().filter(|link| link.alias.starts_with("ravelin:")).collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }
}

/// Runs an operator's command, which succeeds.
fn operate(command: &mut Command) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = Bounded::new(&format!("{command:?}"), child).output();
    assert!(output.status.success(), "{command:?}: {output:?}");
}
