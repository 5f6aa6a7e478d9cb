//! What a dataplane is tested by.

use std::{net::IpAddr, sync::Arc, time::Duration};

use dataplane::{
    Attach, Begins, Binding, ClassId, Dataplane, Device, Generation, Reason, SimulatedDataplane, Stamp,
};
use model::{
    SecurityGroupId, UnixMillis,
    address::Prefix,
    rule::{Direction, Policy, PortRange, Protocol, Rule},
};
use policy::{Group, Packet, PolicyClass, plan::Plan};

use crate::support::{self, Host, frame};

/// A dataplane under test, and a way to send packets through it.
pub trait Subject {
    fn dataplane(&mut self) -> &mut dyn Dataplane;
    fn add_device(&mut self, name: &str) -> Device;
    /// A device that is none of Ethernet.
    fn other_device(&mut self) -> Device;
    fn remove_device(&mut self, device: &Device);
    fn send(
        &mut self,
        device: &Device,
        direction: Direction,
        packet: &Packet,
        begins: Begins,
    ) -> Option<Reason>;
    /// Kills the process that has it open, and opens it again.
    fn kill(&mut self);
}

pub struct Kernel {
    host: Host,
}

/// Runs a test against the kernel, where this process may.
pub fn with_kernel(attach: Attach, test: fn(&mut dyn Subject)) {
    if !support::may_test_the_kernel() {
        return;
    }
    support::enter_namespace();
    let mut options = support::options();
    options.attach = attach;
    options.event_interval = Duration::ZERO;
    test(&mut Kernel { host: Host::new(options) });
}

impl Subject for Kernel {
    fn dataplane(&mut self) -> &mut dyn Dataplane {
        &mut *self.host
    }

    fn add_device(&mut self, name: &str) -> Device {
        support::veth(name)
    }

    fn other_device(&mut self) -> Device {
        Device::named("lo").unwrap()
    }

    fn remove_device(&mut self, device: &Device) {
        support::ip(&format!("link delete {}", device.name));
    }

    fn send(
        &mut self,
        device: &Device,
        direction: Direction,
        packet: &Packet,
        begins: Begins,
    ) -> Option<Reason> {
        let payload = match (packet.protocol(), begins) {
            (frame::TCP, Begins::No) => {
                frame::tcp(packet.source_port(), packet.destination_port(), frame::ACK)
            }
            _ => frame::transport(packet, 0),
        };
        let bytes =
            frame::frame(direction, packet.source(), packet.destination(), packet.protocol(), &payload);
        let trial = self.host.try_packet(device.ifindex, direction, &bytes).unwrap();
        assert_eq!(trial.passes, trial.reason.is_none(), "{trial:?}");
        trial.reason
    }

    fn kill(&mut self) {
        self.host.kill();
    }
}

#[derive(Default)]
pub struct Simulated {
    dataplane: SimulatedDataplane,
}

impl Subject for Simulated {
    fn dataplane(&mut self) -> &mut dyn Dataplane {
        &mut self.dataplane
    }

    fn add_device(&mut self, name: &str) -> Device {
        self.dataplane.add_device(name)
    }

    fn other_device(&mut self) -> Device {
        self.dataplane.add_other_device("lo")
    }

    fn remove_device(&mut self, device: &Device) {
        self.dataplane.remove_device(device.ifindex);
    }

    fn send(
        &mut self,
        device: &Device,
        direction: Direction,
        packet: &Packet,
        begins: Begins,
    ) -> Option<Reason> {
        self.dataplane.deliver(device.ifindex, direction, packet, begins).err()
    }

    fn kill(&mut self) {}
}

/// The interface's address, and the one of its peer.
pub const OWN: &str = "10.0.0.1";
pub const PEER: &str = "10.0.0.2";

pub fn udp(source: &str, destination: &str, ports: (u16, u16)) -> Packet {
    packet(frame::UDP, source, destination, ports)
}

pub fn packet(protocol: u8, source: &str, destination: &str, ports: (u16, u16)) -> Packet {
    let [source, destination]: [IpAddr; 2] = [source, destination].map(support::address);
    Packet::new(protocol, source, destination, ports).unwrap()
}

/// A packet of the peer, to a port of the interface.
pub fn request(port: u16) -> Packet {
    udp(PEER, OWN, (4000, port))
}

/// A rule of ingress for a port.
pub fn rule(policy: Policy, protocol: Protocol, port: u16) -> Rule {
    Rule {
        direction: Direction::Ingress,
        protocol,
        policy,
        priority: 1,
        ports: PortRange::Ports { low: port, high: port },
        source_ports: PortRange::EVERY,
        source: Some(Prefix::ipv4("10.0.0.0/8").unwrap()),
        destination: None,
        ipv6_source: None,
        ipv6_destination: None,
        description: None,
        created_at: UnixMillis(0),
    }
}

/// A plan of one group with these rules.
pub fn plan(rules: impl IntoIterator<Item = Rule>) -> Plan {
    let rules: Arc<[Rule]> = rules.into_iter().collect();
    let id = SecurityGroupId::from_entropy(7);
    Plan::compile(&PolicyClass::new([Group { id, rules }]).unwrap())
}

/// A plan that accepts UDP to these ports.
pub fn accepting(ports: &[u16]) -> Plan {
    plan(ports.iter().map(|port| rule(Policy::Accept, Protocol::Udp, *port)))
}

/// A bound interface with a class.
pub struct Bound {
    pub device: Device,
    pub binding: Binding,
    pub class: ClassId,
    generation: u64,
}

impl Bound {
    /// Without a plan yet.
    pub fn new(subject: &mut dyn Subject) -> Self {
        let device = subject.add_device("v0");
        let dataplane = subject.dataplane();
        let binding = dataplane.bind(&device, &support::interface(1)).unwrap();
        let class = dataplane.create_class(42).unwrap();
        dataplane.assign(binding, Some(class)).unwrap();
        Self { device, binding, class, generation: 0 }
    }

    pub fn with(subject: &mut dyn Subject, plan: &Plan) -> Self {
        let mut bound = Self::new(subject);
        bound.switch(subject, plan);
        bound
    }

    pub fn switch(&mut self, subject: &mut dyn Subject, plan: &Plan) -> Stamp {
        self.generation += 1;
        subject.dataplane().switch(self.class, Generation(self.generation), plan).unwrap()
    }

    pub fn send(&self, subject: &mut dyn Subject, direction: Direction, packet: &Packet) -> Option<Reason> {
        subject.send(&self.device, direction, packet, Begins::Yes)
    }

    /// A request to a port.
    pub fn request(&self, subject: &mut dyn Subject, port: u16) -> Option<Reason> {
        self.send(subject, Direction::Ingress, &request(port))
    }
}
