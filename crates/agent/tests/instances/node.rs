//! A lab node in a network namespace of its own: its dataplane, its enforcer and its driver, and what is wanted of it.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    process,
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use agent::{
    Enforcer, FoundDevice, FoundDevices, GuardedNames, InstanceDriver, LabDriver, Update, Wanted,
    instances::names,
};
use dataplane::{Device, EbpfDataplane, Options};
use host::{Link, Netlink, in_namespace, namespace};
use ipnet::IpNet;
use model::{
    InstanceId, NetworkId, NetworkInterfaceId, NodeId, SecurityGroupId,
    address::Mac,
    node,
    node::{InstanceReport, ReportedState},
};
use policy::{
    Desired, DesiredInstance, DesiredInstanceInterface, DesiredInterface, Group, WantedState,
    text::parse_rule,
};

/// How long what is waited for may take on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is looked.
const PAUSE: Duration = Duration::from_millis(20);

static NUMBER: AtomicU32 = AtomicU32::new(1);

/// A number that nobody else has, in this process or in another one.
pub(crate) fn unique() -> u128 {
    u128::from(process::id()) << 32 | u128::from(NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Whether tests can run here; says so where they cannot.
pub(crate) fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        println!("skipped: instances need root");
    }
    root
}

/// A network for tests: 10.`block`.0.0/16 and fd00:`block`::/48, with a vSwitch for each third number.
#[derive(Clone, Copy)]
pub(crate) struct TestNetwork {
    pub(crate) id: NetworkId,
    block: u8,
}

impl TestNetwork {
    pub(crate) fn new(block: u8) -> Self {
        Self::of(NetworkId::from_entropy(unique()), block)
    }

    pub(crate) fn of(id: NetworkId, block: u8) -> Self {
        Self { id, block }
    }

    pub(crate) fn ipv4(&self, vswitch: u8, host: u8) -> IpAddr {
        IpAddr::from([10, self.block, vswitch, host])
    }

    pub(crate) fn ipv6(&self, vswitch: u8, host: u8) -> IpAddr {
        let (block, vswitch, host) = (self.block.into(), vswitch.into(), host.into());
        IpAddr::from([0xfd00, block, 0, vswitch, 0, 0, 0, host])
    }

    /// An interface of this network.
    pub(crate) fn interface(&self, vswitch: u8, host: u8) -> DesiredInstanceInterface {
        let with = |address: IpAddr, length| IpNet::new(address, length).unwrap();
        DesiredInstanceInterface {
            id: NetworkInterfaceId::from_entropy(unique()),
            network: self.id,
            blocks: [
                with(self.ipv4(0, 0), 16),
                with(IpAddr::from([0xfd00, self.block.into(), 0, 0, 0, 0, 0, 0]), 48),
            ]
            .into(),
            mac: Mac([2, 1, 0, self.block, vswitch, host]),
            addresses: [with(self.ipv4(vswitch, host), 24), with(self.ipv6(vswitch, host), 64)].into(),
            gateways: [self.ipv4(vswitch, 1), self.ipv6(vswitch, 1)].into(),
        }
    }
}

/// The group that permits everything.
pub(crate) fn everything() -> SecurityGroupId {
    SecurityGroupId::from_number(1)
}

fn group() -> Group {
    let rules = ["ingress accept all from 0.0.0.0/0", "ingress accept all from ::/0"];
    Group { id: everything(), rules: rules.iter().map(|rule| parse_rule(rule).unwrap()).collect() }
}

/// A lab node. Everything of it goes with it.
pub(crate) struct TestNode {
    pub(crate) id: NodeId,
    pub(crate) namespace: String,
    dataplane: String,
    pub(crate) desired: Desired,
    generation: u64,
}

impl TestNode {
    pub(crate) fn new() -> Self {
        let number = unique();
        let namespace = format!("rvt-{number:x}");
        namespace::create(&namespace, || {
            let netlink = Netlink::open().unwrap();
            netlink.set_up(netlink.link("lo").unwrap().index).unwrap();
            Ok::<(), host::NamespaceError>(())
        })
        .unwrap();
        let dataplane = format!("test-instances-{number:x}");
        let id = NodeId::from_entropy(number);
        Self { id, namespace, dataplane, desired: Desired::default(), generation: 0 }
    }

    /// In the node's own namespace.
    pub(crate) fn on<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        in_namespace(&self.namespace, work).unwrap()
    }

    /// An instance with these interfaces is to run, all of them in the group that permits everything.
    pub(crate) fn run(&mut self, interfaces: &[DesiredInstanceInterface]) -> InstanceId {
        let id = InstanceId::from_entropy(unique());
        for interface in interfaces {
            self.bind(interface);
        }
        let instance = DesiredInstance {
            host_name: "test".into(),
            wanted: WantedState::Running,
            boots: 1,
            images: 1,
            interfaces: interfaces.into(),
        };
        self.desired.instances.insert(id, instance);
        id
    }

    /// The interface is bound, in the group that permits everything.
    pub(crate) fn bind(&mut self, interface: &DesiredInstanceInterface) {
        let bound = DesiredInterface {
            device: node::Device::Aliased,
            adopt_seconds: 0,
            network: interface.network,
            mac: interface.mac,
            addresses: interface.addresses.iter().map(IpNet::addr).collect(),
            allowed_prefixes: [].into(),
            source_check: true,
            groups: [everything()].into(),
        };
        self.desired.interfaces.insert(interface.id, bound);
        self.desired.groups.insert(everything(), group());
    }

    /// What is wanted of an instance, to be changed.
    pub(crate) fn instance(&mut self, id: InstanceId) -> &mut DesiredInstance {
        self.desired.instances.get_mut(&id).unwrap()
    }

    /// The instance is not wanted any more, and its interfaces are bound no more.
    pub(crate) fn forget(&mut self, id: InstanceId) {
        for interface in &self.desired.instances.remove(&id).unwrap().interfaces {
            self.desired.interfaces.remove(&interface.id);
        }
    }

    /// As the agent does it: the driver works, devices are bound, the driver goes on; until every instance stands as it is
    /// wanted.
    pub(crate) fn settle(&mut self) -> BTreeMap<InstanceId, InstanceReport> {
        let reports = self.bring_until(|reports, wanted| {
            wanted.iter().all(|(id, instance)| match reports.get(id).map(|report| &report.state) {
                Some(ReportedState::Running) => instance.wanted == WantedState::Running,
                Some(ReportedState::Stopped) => instance.wanted == WantedState::Stopped,
                Some(ReportedState::Gone) => instance.wanted == WantedState::Gone,
                _ => false,
            })
        });
        for (id, report) in &reports {
            let wanted = &self.desired.instances[id];
            assert_eq!((report.boots, report.images), (wanted.boots, wanted.images));
        }
        reports
    }

    /// As [`Self::settle`], until what is reported is as it should be.
    pub(crate) fn bring_until(
        &mut self,
        good: impl Fn(&BTreeMap<InstanceId, InstanceReport>, &BTreeMap<InstanceId, DesiredInstance>) -> bool
        + Send,
    ) -> BTreeMap<InstanceId, InstanceReport> {
        self.generation += 1;
        let wanted = Wanted { generation: self.generation, run: 0, desired: self.desired.clone() };
        let (id, dataplane) = (self.id, self.dataplane.clone());
        self.on(move || {
            let mut driver = LabDriver::new(id);
            let mut enforcer =
                Enforcer::open(EbpfDataplane::open(options(&dataplane)).unwrap(), GuardedNames::default())
                    .unwrap();
            enforcer.set_devices(devices());
            enforcer.update(Update::snapshot(wanted.clone())).unwrap();
            let until = Instant::now() + PATIENCE;
            loop {
                let reports = driver.bring(&wanted.desired, &enforcer.in_force());
                let reports = reports.into_iter().map(|report| (report.instance, report)).collect();
                enforcer.set_devices(devices());
                if good(&reports, &wanted.desired.instances) {
                    return reports;
                }
                assert!(Instant::now() < until, "{reports:?} of {:?}", wanted.desired.instances);
                thread::sleep(PAUSE);
            }
        })
    }

    /// The devices of the node's own namespace.
    pub(crate) fn links(&self) -> Vec<Link> {
        self.on(|| Netlink::open().unwrap().links().unwrap())
    }

    /// The names of those that were made for instances.
    pub(crate) fn made(&self) -> Vec<String> {
        let own = |link: &Link| link.group == names::DEVICE_GROUP;
        let mut made: Vec<String> = self.links().into_iter().filter(own).map(|link| link.name).collect();
        made.sort_unstable();
        made
    }

    /// What is left of the node's instances.
    pub(crate) fn leftovers(&self) -> Vec<String> {
        let own = self.desired.instances.keys().map(|id| names::namespace(*id));
        let mut left: Vec<String> = own.filter(|name| namespace::path(name).exists()).collect();
        left.extend(self.made());
        let rules = self.on(|| Netlink::open().unwrap().no_transits().unwrap());
        left.extend(rules.into_iter().map(|rule| format!("{rule:?}")));
        left
    }
}

/// The devices of this thread's namespace.
fn devices() -> FoundDevices {
    let links = Netlink::open().unwrap().links().unwrap();
    let found = links.into_iter().map(|link| FoundDevice {
        device: Device { ifindex: link.index, name: link.name.as_str().into() },
        alias: link.alias.as_str().into(),
        unfit: None,
    });
    found.collect::<Vec<_>>().into()
}

/// Small enough to be made often.
fn options(name: &str) -> Options {
    let mut options = Options::new(name);
    options.interfaces_max = 32;
    options.classes_max = 16;
    options.flows_max = 4096;
    options.prefixes_max = 64;
    options.arena_words = 1 << 20;
    options.event_bytes = 1 << 16;
    options
}

impl Drop for TestNode {
    fn drop(&mut self) {
        let (id, dataplane) = (self.id, self.dataplane.clone());
        let cleared = in_namespace(&self.namespace, move || {
            let removed = LabDriver::new(id).remove_all();
            let opened = EbpfDataplane::open(options(&dataplane)).and_then(EbpfDataplane::remove);
            (removed, opened.map_err(|error| error.to_string()))
        });
        let removed = namespace::remove(&self.namespace);
        if !thread::panicking() {
            assert_eq!(cleared.unwrap(), (Ok(()), Ok(())));
            removed.unwrap();
        }
    }
}

/// Joins the bridges of a network at two nodes, as an operator would.
pub(crate) fn join(one: &TestNode, other: &TestNode, network: NetworkId) {
    let far = namespace::open(&other.namespace).unwrap();
    let bridge = names::bridge(network);
    one.on(|| {
        use std::os::fd::AsFd;
        let netlink = Netlink::open().unwrap();
        let pair = host::netlink::Pair {
            name: "uplink",
            mac: Mac([2, 9, 0, 0, 0, 1]),
            group: 0,
            peer_name: "uplink",
            peer_mac: Mac([2, 9, 0, 0, 0, 2]),
            peer_namespace: far.as_fd(),
        };
        netlink.add_pair(&pair).unwrap();
    });
    for node in [one, other] {
        node.on(|| {
            let netlink = Netlink::open().unwrap();
            let uplink = netlink.link("uplink").unwrap().index;
            netlink.set_master(uplink, netlink.link(&bridge).unwrap().index).unwrap();
            netlink.set_up(uplink).unwrap();
        });
    }
    for node in [one, other] {
        let until = Instant::now() + PATIENCE;
        while !node.links().iter().any(|link| link.name == "uplink" && link.ready) {
            assert!(Instant::now() < until, "the uplink does not come up");
            thread::sleep(PAUSE);
        }
    }
}
