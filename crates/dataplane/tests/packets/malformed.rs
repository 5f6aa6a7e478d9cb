//! Frames of every length, right but for their end, or of bytes at random: each one arrives rightly or is counted.

use dataplane::Reason;
use policy::testing::Random;

use crate::{
    link::Link,
    support::{frame, may_test_the_kernel, seed},
    topology::{
        Family::{self, V4, V6},
        Shape::Bridge,
        mac,
    },
    world::World,
};

const LENGTH_MAX: usize = 200;
const ETHERNET_BYTES: usize = 14;

/// Right frames, all longer than [`LENGTH_MAX`].
fn right_frames() -> Vec<Vec<u8>> {
    const ROUTING: u8 = 43;
    const FRAGMENT: u8 = 44;
    let payload = [7; LENGTH_MAX];
    let mut frames = Vec::new();
    for family in [V4, V6] {
        let echo = if family == V4 { 8 } else { 128 };
        let icmp = if family == V4 { frame::ICMP } else { frame::ICMPV6 };
        let transports = [
            (frame::UDP, frame::udp(4000, 5000, &payload)),
            (frame::UDP, frame::udp(4000, 22, &payload)),
            (frame::TCP, [&frame::tcp(4000, 5000, frame::SYN)[..], &payload].concat()),
            (frame::TCP, [&frame::tcp(4000, 5000, frame::ACK)[..], &payload].concat()),
            (icmp, [&frame::echo(echo, 5)[..], &payload].concat()),
            (47, payload.to_vec()),
            (ROUTING, [&[frame::UDP, 0, 4, 0, 0, 0, 0, 0][..], &frame::udp(4000, 5000, &payload)].concat()),
            (FRAGMENT, [&[frame::UDP, 0, 0, 1, 0, 0, 0, 9][..], &frame::udp(4000, 5000, &payload)].concat()),
        ];
        for (protocol, transport) in transports {
            let (from, to) = (Bridge.address(1, family), Bridge.address(2, family));
            let mut packet = frame::ip(from, to, protocol, &transport);
            if family == V6 {
                // Not that of neighbour discovery, which an echo of another type would be.
                packet[7] = 64;
            }
            frames.push(frame::ethernet(mac(1), mac(2), &packet));
        }
    }
    frames.push(frame::ethernet_of(mac(1), mac(2), 0x0806, &payload));
    frames.push(frame::ethernet_of(mac(1), mac(2), 0x88cc, &payload));
    frames
}

/// The IP packet in a frame with the lengths in its headers those of the frame.
fn with_right_lengths(frame: &mut [u8]) {
    let length = frame.len() - ETHERNET_BYTES;
    if frame[12..14] == [8, 0] && length >= 20 {
        frame[16..18].copy_from_slice(&u16::try_from(length).unwrap().to_be_bytes());
        frame[24..26].fill(0);
        let sum = frame::checksum(&frame[14..34]);
        frame[24..26].copy_from_slice(&sum.to_be_bytes());
    } else if frame[12..14] == [0x86, 0xdd] && length >= 40 {
        frame[18..20].copy_from_slice(&u16::try_from(length - 40).unwrap().to_be_bytes());
    }
}

fn number(frame: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([frame[at], frame[at + 1]]))
}

/// From the first instance to the second, or to a multicast group, which the rules judge like it.
fn is_between(frame: &[u8], family: Family) -> bool {
    let is = |at: usize, instance| match Bridge.address(instance, family) {
        std::net::IpAddr::V4(address) => frame[at..at + 4] == address.octets(),
        std::net::IpAddr::V6(address) => frame[at..at + 16] == address.octets(),
    };
    match family {
        V4 => is(26, 1) && (is(30, 2) || (224..240).contains(&frame[30])),
        V6 => is(22, 1) && (is(38, 2) || frame[38] == 0xff),
    }
}

/// Which part of which datagram a frame is: where its transport begins and ends, and of a fragment the offset with
/// its flag and the identification.
struct Part {
    at: usize,
    end: usize,
    fragment: Option<(usize, Vec<u8>)>,
}

/// The part of a UDP datagram from the first instance to the second that a frame is.
fn part_of(frame: &[u8]) -> Option<Part> {
    const OFFSET_AND_MORE: usize = 0x3fff;
    if frame.len() < ETHERNET_BYTES || frame[6..12] != mac(1).0 {
        return None;
    }
    match frame[12..14] {
        [8, 0] if frame.len() >= 34 && is_between(frame, V4) && frame[23] == frame::UDP => {
            let (offset, identification) = (number(frame, 20) & OFFSET_AND_MORE, frame[18..20].to_vec());
            Some(Part {
                at: 14 + usize::from(frame[14] & 0xf) * 4,
                end: 14 + number(frame, 16),
                fragment: (offset != 0).then_some((offset & 0x1fff, identification)),
            })
        }
        [0x86, 0xdd] if frame.len() >= 62 && is_between(frame, V6) => {
            let (next, at) = if matches!(frame[20], 43 | 44) { (frame[54], 62) } else { (frame[20], 54) };
            let (offset, identification) = (number(frame, 56) & 0xfff9, frame[58..62].to_vec());
            let is_fragment = frame[20] == 44 && offset != 0;
            let fragment = is_fragment.then_some((offset >> 3, identification));
            (next == frame::UDP).then_some(Part { at, end: 54 + number(frame, 18), fragment })
        }
        _ => None,
    }
}

/// Whether a frame is one that the second instance may be sent: whole or a fragment, the sender's own, and UDP to
/// port 5000. Of a first fragment the datagram's length is not asked, since the rest is not in it; a later one has
/// no ports, and is right where a first one with its identification, among `begun`, has arrived.
fn is_right(frame: &[u8], begun: &mut Vec<Vec<u8>>) -> bool {
    let Some(Part { at, end, fragment }) = part_of(frame) else { return false };
    let has_header = end >= at + 8 && end <= frame.len() && number(frame, at + 2) == 5000;
    match fragment {
        None => has_header && (8..=end - at).contains(&number(frame, at + 4)),
        Some((0, identification)) => {
            begun.push(identification);
            has_header
        }
        Some((_, identification)) => begun.contains(&identification),
    }
}

#[test]
fn a_malformed_frame_of_any_length_is_dropped_and_counted() {
    if !may_test_the_kernel() {
        return;
    }
    let mut random = Random::new(seed());
    let mut world = World::silent(2);
    // What passes our programs goes from port to port as it is, without another look at it.
    for parameter in ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables", "bridge-nf-call-arptables"] {
        world.topology.host.set(&format!("bridge/{parameter}"), "0");
    }
    world.groups(1, &[]);
    world.groups(2, &[&["ingress accept udp to port 5000"]]);
    let (from, to) = (Link::of(&world, 1), Link::of(&world, 2));
    let (mut sent, mut arrived, mut refused) = (0u64, Vec::new(), 0);
    for length in 0..=LENGTH_MAX {
        let mut frames: Vec<Vec<u8>> = right_frames();
        for frame in &mut frames {
            frame.truncate(length);
        }
        // The same with lengths that agree, and with a byte that is another; and bytes that are none of these.
        let cut = frames.clone();
        for mut frame in cut.into_iter().filter(|frame| frame.len() > ETHERNET_BYTES) {
            with_right_lengths(&mut frame);
            frames.push(frame.clone());
            let at = ETHERNET_BYTES + random.below(frame.len() - ETHERNET_BYTES);
            frame[at] = u8::try_from(random.below(256)).unwrap();
            frames.push(frame);
        }
        for ethertype in [0x0800, 0x86dd, 0x0806] {
            let mut noise = frame::ethernet_of(mac(1), mac(2), ethertype, &[0; LENGTH_MAX]);
            noise.iter_mut().skip(14).for_each(|byte| *byte = u8::try_from(random.below(256)).unwrap());
            noise.truncate(length);
            frames.push(noise);
        }
        for frame in &frames {
            match from.try_send(frame) {
                Ok(()) => sent += 1,
                Err(_) => refused += 1,
            }
        }
        let payload = frame::udp(1, 5000, &length.to_be_bytes());
        let packet = frame::ip(Bridge.address(1, V4), Bridge.address(2, V4), frame::UDP, &payload);
        let marker = frame::ethernet(mac(1), mac(2), &packet);
        from.send(&marker);
        arrived.extend(to.receive_until(&marker));
    }
    // What is shorter than its Ethernet header the sender's own kernel does not take.
    println!("{sent} sent, {} arrived, {refused} refused by the sender's kernel", arrived.len());
    assert!(sent > 8000 && arrived.len() > 100);
    let mut begun = Vec::new();
    for frame in &arrived {
        assert!(is_right(frame, &mut begun), "{frame:02x?} arrived");
    }
    let (at_sender, at_receiver) = (world.drops(1), world.drops(2));
    let dropped = at_sender.total() + at_receiver.total();
    assert_eq!(dropped + arrived.len() as u64, sent, "{at_sender:?} {at_receiver:?}");
    assert!(at_sender.of(Reason::Invalid) > 1000, "{at_sender:?}");
    assert_eq!(at_sender.of(Reason::Internal) + at_receiver.of(Reason::Internal), 0);
}
