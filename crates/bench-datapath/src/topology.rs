//! Hosts with pairs of instances, on one bridge or routed.
//!
//! Neighbours are given, so that nobody asks for them in the middle of a measurement.

use std::{fmt::Write as _, fs, net::Ipv4Addr};

use model::address::Mac;

use crate::{namespace::Namespace, traffic::Ends};

/// How two instances reach each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Two ports of one Linux bridge of their own.
    Bridge,
    /// Each on a link of its own, with a host route to it.
    Routed,
}

/// Where instances look for the host on a routed link.
const GATEWAY: &str = "169.254.1.1";

/// The namespace of a host.
pub struct Host {
    /// The namespace.
    pub namespace: Namespace,
}

/// An instance.
pub struct Instance {
    namespace: Namespace,
    /// The host's end of its link.
    pub device: String,
    /// Its MAC.
    pub mac: Mac,
    /// Its address.
    pub address: Ipv4Addr,
    /// The MAC of the host's end.
    gateway: Mac,
}

/// Two instances that reach each other.
pub struct Pair {
    /// Client and server.
    pub instances: [Instance; 2],
}

impl Pair {
    /// Where loads run.
    pub fn ends(&self) -> Ends<'_> {
        let [client, server] = &self.instances;
        Ends { client: &client.namespace, server: &server.namespace, address: server.address }
    }
}

impl Host {
    /// A host that forwards. Whether netfilter sees what a bridge forwards is `bridges`.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn new(bridges: bool) -> anyhow::Result<Self> {
        let namespace = Namespace::new()?;
        namespace.set(&[
            ("ipv4/ip_forward", "1"),
            ("ipv4/conf/all/rp_filter", "0"),
            ("ipv4/conf/default/rp_filter", "0"),
        ])?;
        if netfilter_sees_bridges() {
            let number = if bridges { "1" } else { "0" };
            namespace.set(&[("bridge/bridge-nf-call-iptables", number)])?;
        }
        Ok(Self { namespace })
    }

    /// Adds two instances. The number is theirs alone on this host, below 200.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn pair(&self, shape: Shape, number: u8) -> anyhow::Result<Pair> {
        let instances = [self.instance(number, 1)?, self.instance(number, 2)?];
        let mut lines = String::new();
        if shape == Shape::Bridge {
            let _ = writeln!(lines, "link add b{number} type bridge\nlink set b{number} up");
        }
        for Instance { device, mac, address, .. } in &instances {
            let _ = match shape {
                Shape::Bridge => writeln!(lines, "link set {device} master b{number}\nlink set {device} up"),
                Shape::Routed => writeln!(
                    lines,
                    "link set {device} up\nroute add {address}/32 dev {device}\n\
                     neighbour add {address} lladdr {mac} dev {device} nud permanent"
                ),
            };
        }
        self.namespace.ip(&lines)?;
        let [one, two] = &instances;
        for (own, other) in [(one, two), (two, one)] {
            let Instance { namespace, address, gateway, .. } = own;
            namespace.ip(&match shape {
                Shape::Bridge => format!(
                    "address add {address}/24 dev eth0\n\
                     neighbour add {} lladdr {} dev eth0 nud permanent\n",
                    other.address, other.mac
                ),
                Shape::Routed => format!(
                    "address add {address}/32 dev eth0\nroute add {GATEWAY} dev eth0 scope link\n\
                     route add default via {GATEWAY} dev eth0\n\
                     neighbour add {GATEWAY} lladdr {gateway} dev eth0 nud permanent\n"
                ),
            })?;
        }
        Ok(Pair { instances })
    }

    fn instance(&self, number: u8, place: u8) -> anyhow::Result<Instance> {
        let namespace = Namespace::new()?;
        let (device, peer) = (format!("t{number}-{place}"), format!("p{number}-{place}"));
        let (mac, gateway) = (Mac([2, 0, 0, number, 0, place]), Mac([2, 0, 0, number, 1, place]));
        self.namespace.ip(&format!(
            "link add {device} address {gateway} type veth peer name {peer} address {mac}\n\
             link set {peer} netns {}\n",
            namespace.path()
        ))?;
        namespace.ip(&format!("link set {peer} name eth0\nlink set eth0 up\n"))?;
        Ok(Instance { namespace, device, mac, address: Ipv4Addr::new(10, number, 0, place), gateway })
    }
}

/// Whether this kernel can show netfilter what a bridge forwards.
pub fn netfilter_sees_bridges() -> bool {
    fs::exists("/proc/sys/net/bridge/bridge-nf-call-iptables").unwrap_or(false)
}
