//! What the programs alone cost, inside the kernel: the same packet given to them many times over, without a network.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::ensure;
use dataplane::{Dataplane as _, Device, Reason};
use model::{
    address::Mac,
    rule::Direction::{self, Egress, Ingress},
};

use crate::{enforcement::Enforcement, figures::median, rules, system, topology::Host, traffic::PORT};

/// How often a packet is given in one measurement, and how many measurements there are.
const TIMES: u32 = 20_000;
const ROUNDS: usize = 21;

/// The MAC of the interface of a device that exists for test runs alone.
pub const MAC: Mac = Mac([2, 0, 0, 254, 0, 1]);
/// Its address.
pub const OWN: Ipv4Addr = Ipv4Addr::new(10, 254, 0, 1);
/// An instance from which the last rule accepts.
pub const PEER: Ipv4Addr = Ipv4Addr::new(10, 254, 0, 2);
/// Nobody, from whom no rule accepts.
const STRANGER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const PEER_MAC: Mac = Mac([2, 0, 0, 254, 0, 2]);

/// Makes a device for test runs in the namespace of this thread, which is that of `host`.
///
/// # Errors
/// The kernel refuses.
pub fn device(host: &crate::namespace::Namespace, name: &str) -> anyhow::Result<Device> {
    host.ip(&format!(
        "link add {name} type veth peer name p{name}\nlink set {name} up\nlink set p{name} up\n"
    ))?;
    Ok(Device::named(name)?)
}

/// Measures, and prints a table.
///
/// # Errors
/// The kernel refuses; a packet is not decided as it should be.
pub fn run(enforcement: &mut Enforcement, host: &Host) -> anyhow::Result<()> {
    let device = device(&host.namespace, "alone")?;
    let few = enforcement.class(&rules::plan(10, 1)?)?;
    let many = enforcement.class(&rules::plan(1_000, 1)?)?;
    let binding = enforcement.bind(&device.name, MAC, IpAddr::V4(OWN), 1_000, few)?;
    println!("\nThe programs alone, without a network, on one small UDP packet over and over:\n");
    println!("| | nanoseconds |\n|---|---|");
    let known = datagram(PEER, OWN, 40_000, PORT);
    let back = datagram(OWN, PEER, PORT, 40_000);
    let unknown = datagram(STRANGER, OWN, 40_000, PORT);
    for (what, class, direction, frame, reason) in [
        ("to an instance, of a known flow", few, Ingress, &known, None),
        ("from an instance, of a known flow", few, Egress, &back, None),
        (
            "to an instance, refused by 10 rules (all tables are asked)",
            few,
            Ingress,
            &unknown,
            Some(Reason::Implicit),
        ),
        ("the same with 1,000 rules", many, Ingress, &unknown, Some(Reason::Implicit)),
    ] {
        enforcement.dataplane().assign(binding, Some(class))?;
        let took = one(enforcement, device.ifindex, direction, frame, reason)?;
        println!("| {what} | {took:.0} |");
    }
    Ok(())
}

fn one(
    enforcement: &mut Enforcement,
    ifindex: u32,
    direction: Direction,
    frame: &[u8],
    reason: Option<Reason>,
) -> anyhow::Result<f64> {
    let mut took = Vec::new();
    for _ in 0..ROUNDS {
        system::go_on()?;
        let trial = enforcement.dataplane().try_packet_often(ifindex, direction, frame, TIMES)?;
        ensure!(trial.reason == reason, "a packet was decided {:?} and not {reason:?}", trial.reason);
        took.push(f64::from(trial.duration_ns));
    }
    Ok(median(took))
}

/// The smallest frame with a datagram, to or from the interface with [`OWN`].
pub fn datagram(source: Ipv4Addr, destination: Ipv4Addr, from: u16, to: u16) -> Vec<u8> {
    const PAYLOAD: u16 = 22;
    let (sender, receiver) = if source == OWN { (MAC, PEER_MAC) } else { (PEER_MAC, MAC) };
    let mut frame = [&receiver.0[..], &sender.0, &[8, 0]].concat();
    frame.extend([0x45, 0]);
    frame.extend((20 + 8 + PAYLOAD).to_be_bytes());
    // No identification, no fragment, 64 hops, UDP; the programs leave the checksum to whoever receives it.
    frame.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    frame.extend(source.octets());
    frame.extend(destination.octets());
    frame.extend(from.to_be_bytes());
    frame.extend(to.to_be_bytes());
    frame.extend((8 + PAYLOAD).to_be_bytes());
    frame.extend([0; 2 + PAYLOAD as usize]);
    frame
}
