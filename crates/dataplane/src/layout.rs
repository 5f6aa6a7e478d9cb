//! The layout that programs and loader share: `bpf/layout.h`, in Rust. A test compares the two.
//!
//! Numbers are read and written byte by byte: nothing here is laid over memory of the kernel.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

/// The version of all of this; part of the path of the pins.
pub const LAYOUT_VERSION: u32 = 1;

/// `devices`: this bit of the slot says which copy of `interfaces` is in force.
pub(crate) const DEVICE_COPY: u32 = 0x8000_0000;
/// `interfaces`: addresses are not checked.
pub(crate) const INTERFACE_SOURCE_CHECK_OFF: u32 = 1;
/// `interfaces`: `allowed` has further addresses.
pub(crate) const INTERFACE_FURTHER_ADDRESSES: u32 = 2;
/// `classes`: where the stamp begins.
pub(crate) const CLASS_OFFSET_BITS: u32 = 24;
/// How many bits a stamp has.
pub(crate) const STAMP_BITS: u32 = 40;
/// A stamp in a flow's word.
pub(crate) const STAMP_MASK: u64 = (1 << STAMP_BITS) - 1;
/// A plan's place is counted in units of so many words.
pub(crate) const ARENA_UNIT: u32 = 8;
/// A flow that was cut.
pub(crate) const FLOW_DEAD: u64 = 1 << 40;
/// A flow that the interface began.
pub(crate) const FLOW_EGRESS: u64 = 1 << 41;
/// A flow for whose timer the kernel had no memory.
pub(crate) const FLOW_UNTIMED: u64 = 1 << 42;
/// The bits of `state` that are the state.
pub(crate) const STATE_MASK: u32 = 0xff;
/// How many states have a time-out.
pub(crate) const STATES: usize = 16;
/// No rule matched.
pub(crate) const RULE_IMPLICIT: u32 = 0xffff_ffff;
/// No rule was asked.
pub(crate) const RULE_EXEMPT: u32 = 0xffff_fffe;
/// How many counters of drops a slot has.
pub(crate) const REASONS: u32 = 32;
/// How many fragments of a slot are kept.
pub(crate) const FRAGMENTS_PER_SLOT: u32 = 32;
/// Words of a `struct share`; the first is the number of flows.
pub(crate) const SHARE_WORDS: u32 = 3;

/// Reads numbers from bytes, in the order of this machine; 0 behind their end.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

macro_rules! readers {
    ($($name:ident: $number:ty;)*) => {
        impl Reader<'_> {
            $(pub(crate) fn $name(&mut self) -> $number {
                <$number>::from_ne_bytes(self.bytes())
            })*

            pub(crate) fn bytes<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
                let (head, rest) = self.0.split_at(LENGTH.min(self.0.len()));
                self.0 = rest;
                let mut bytes = [0; LENGTH];
                bytes[..head.len()].copy_from_slice(head);
                bytes
            }
        }
    };
}
readers! { u8: u8; u16: u16; u32: u32; u64: u64; }

/// Bytes of a structure whose fields are given one by one.
macro_rules! structure {
    ($($field:expr),* $(,)?) => {{
        let mut bytes: Vec<u8> = Vec::new();
        $(bytes.extend_from_slice(&$field);)*
        bytes
    }};
}

/// The 16 bytes of an address; IPv4 is mapped.
pub(crate) fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// The address of 16 bytes.
pub(crate) fn address(octets: [u8; 16]) -> IpAddr {
    Ipv6Addr::from(octets).to_canonical()
}

/// `struct address` of an address; none is zero.
fn words(of: Option<IpAddr>) -> [u8; 16] {
    let mut bytes = of.map_or([0; 16], octets);
    if cfg!(target_endian = "little") {
        bytes[..8].reverse();
        bytes[8..].reverse();
    }
    bytes
}

fn from_words(reader: &mut Reader<'_>) -> Option<IpAddr> {
    let bits = u128::from(reader.u64()) << 64 | u128::from(reader.u64());
    (bits != 0).then(|| address(bits.to_be_bytes()))
}

/// `struct device`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeviceWord {
    pub(crate) slot: u32,
    pub(crate) copy: bool,
    pub(crate) id: u32,
}

impl DeviceWord {
    pub(crate) const SIZE: u32 = 8;

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let slot = self.slot | if self.copy { DEVICE_COPY } else { 0 };
        structure!(slot.to_ne_bytes(), self.id.to_ne_bytes())
    }

    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut reader = Reader(bytes);
        let (slot, id) = (reader.u32(), reader.u32());
        Self { slot: slot & !DEVICE_COPY, copy: slot & DEVICE_COPY != 0, id }
    }
}

/// `struct interface`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct InterfaceValue {
    pub(crate) id: u32,
    pub(crate) flags: u32,
    pub(crate) ipv4: Option<IpAddr>,
    pub(crate) ipv6: Option<IpAddr>,
    pub(crate) link_local: Option<IpAddr>,
    pub(crate) adopt_until_ns: u64,
    pub(crate) flows_max: u32,
    pub(crate) mac: [u8; 6],
}

impl InterfaceValue {
    pub(crate) const SIZE: u32 = 80;

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        structure!(
            self.id.to_ne_bytes(),
            self.flags.to_ne_bytes(),
            words(self.ipv4),
            words(self.ipv6),
            words(self.link_local),
            self.adopt_until_ns.to_ne_bytes(),
            self.flows_max.to_ne_bytes(),
            self.mac,
            [0; 2 + 4],
        )
    }

    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut reader = Reader(bytes);
        Self {
            id: reader.u32(),
            flags: reader.u32(),
            ipv4: from_words(&mut reader),
            ipv6: from_words(&mut reader),
            link_local: from_words(&mut reader),
            adopt_until_ns: reader.u64(),
            flows_max: reader.u32(),
            mac: reader.bytes(),
        }
    }
}

/// A prefix with IPv4 mapped: its length of 128, and its first address.
fn mapped(prefix: IpNet) -> (u32, [u8; 16]) {
    let further = if prefix.addr().is_ipv4() { 96 } else { 0 };
    (u32::from(prefix.prefix_len()) + further, octets(prefix.network()))
}

/// `struct allowed_key`.
pub(crate) fn allowed_key(slot: u32, prefix: IpNet) -> Vec<u8> {
    let (length, first) = mapped(prefix);
    structure!((32 + length).to_ne_bytes(), slot.to_ne_bytes(), first)
}
/// Its size.
pub(crate) const ALLOWED_KEY_SIZE: u32 = 24;

/// The slot and prefix of a `struct allowed_key`.
pub(crate) fn read_allowed_key(bytes: &[u8]) -> Option<(u32, IpNet)> {
    let mut reader = Reader(bytes);
    let (bits, slot, first) = (reader.u32(), reader.u32(), address(reader.bytes()));
    let length = bits.checked_sub(if first.is_ipv4() { 32 + 96 } else { 32 })?;
    Some((slot, IpNet::new(first, u8::try_from(length).ok()?).ok()?))
}

/// `struct exempt_key`.
pub(crate) fn exempt_key(prefix: IpNet) -> Vec<u8> {
    let (length, first) = mapped(prefix);
    structure!(length.to_ne_bytes(), first)
}
/// Its size.
pub(crate) const EXEMPT_KEY_SIZE: u32 = 20;

/// `struct flow_key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlowKey {
    pub(crate) id: u32,
    pub(crate) local_port: u16,
    pub(crate) remote_port: u16,
    pub(crate) protocol: u8,
    pub(crate) icmp_type: u8,
    pub(crate) local: IpAddr,
    pub(crate) remote: IpAddr,
}

impl FlowKey {
    pub(crate) const SIZE: u32 = 44;

    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut reader = Reader(bytes);
        let (id, local_port, remote_port) = (reader.u32(), reader.u16(), reader.u16());
        let (protocol, icmp_type, _) = (reader.u8(), reader.u8(), reader.u16());
        let (local, remote) = (address(reader.bytes()), address(reader.bytes()));
        Self { id, local_port, remote_port, protocol, icmp_type, local, remote }
    }
}

/// `struct flow`, without its timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlowValue {
    pub(crate) word: u64,
    pub(crate) begun_ns: u64,
    pub(crate) seen_local_ns: u64,
    pub(crate) seen_remote_ns: u64,
    pub(crate) packets_local: u64,
    pub(crate) bytes_local: u64,
    pub(crate) packets_remote: u64,
    pub(crate) bytes_remote: u64,
    pub(crate) rule: u32,
    pub(crate) state: u32,
    pub(crate) slot: u32,
}

impl FlowValue {
    pub(crate) const SIZE: u32 = 96;

    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut reader = Reader(bytes);
        Self {
            word: reader.u64(),
            begun_ns: reader.u64(),
            seen_local_ns: reader.u64(),
            seen_remote_ns: reader.u64(),
            packets_local: reader.u64(),
            bytes_local: reader.u64(),
            packets_remote: reader.u64(),
            bytes_remote: reader.u64(),
            rule: reader.u32(),
            state: reader.u32(),
            slot: reader.u32(),
        }
    }
}

/// `struct event`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventValue {
    pub(crate) at_ns: u64,
    pub(crate) ifindex: u32,
    pub(crate) slot: u32,
    pub(crate) id: u32,
    pub(crate) rule: u32,
    pub(crate) reason: u16,
    pub(crate) direction: u8,
    pub(crate) protocol: u8,
    pub(crate) ethertype: u16,
    pub(crate) local_port: u16,
    pub(crate) remote_port: u16,
    pub(crate) length: u16,
    pub(crate) local: [u8; 16],
    pub(crate) remote: [u8; 16],
}

impl EventValue {
    pub(crate) const SIZE: usize = 72;

    pub(crate) fn read(bytes: &[u8]) -> Self {
        let mut reader = Reader(bytes);
        let (at_ns, ifindex, slot) = (reader.u64(), reader.u32(), reader.u32());
        let (id, rule, reason) = (reader.u32(), reader.u32(), reader.u16());
        let (direction, protocol, ethertype) = (reader.u8(), reader.u8(), reader.u16());
        let (local_port, remote_port, length) = (reader.u16(), reader.u16(), reader.u16());
        let _unused = reader.u32();
        let (local, remote) = (reader.bytes(), reader.bytes());
        Self {
            at_ns,
            ifindex,
            slot,
            id,
            rule,
            reason,
            direction,
            protocol,
            ethertype,
            local_port,
            remote_port,
            length,
            local,
            remote,
        }
    }
}

/// `struct settings`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SettingsValue {
    pub(crate) timeout_ns: [u64; STATES],
    pub(crate) event_interval_ns: u64,
    pub(crate) seed: [u64; 2],
    pub(crate) exempt: u32,
    pub(crate) arena_words: u32,
}

impl SettingsValue {
    pub(crate) const SIZE: u32 = 160;

    /// The seed in the bytes of such a value.
    pub(crate) fn seed_in(bytes: &[u8]) -> [u64; 2] {
        let mut reader = Reader(bytes.get(8 * (STATES + 1)..).unwrap_or_default());
        [reader.u64(), reader.u64()]
    }

    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let timeouts: Vec<u8> = self.timeout_ns.iter().flat_map(|of| of.to_ne_bytes()).collect();
        structure!(
            timeouts,
            self.event_interval_ns.to_ne_bytes(),
            self.seed[0].to_ne_bytes(),
            self.seed[1].to_ne_bytes(),
            self.exempt.to_ne_bytes(),
            self.arena_words.to_ne_bytes(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_sizes_of_the_kernel() {
        assert_eq!(InterfaceValue::default().to_bytes().len(), InterfaceValue::SIZE as usize);
        let settings = SettingsValue {
            timeout_ns: [0; STATES],
            event_interval_ns: 0,
            seed: [0; 2],
            exempt: 0,
            arena_words: 0,
        };
        assert_eq!(settings.to_bytes().len(), SettingsValue::SIZE as usize);
        let prefix = "10.1.0.0/16".parse().unwrap();
        assert_eq!(allowed_key(7, prefix).len(), ALLOWED_KEY_SIZE as usize);
        assert_eq!(read_allowed_key(&allowed_key(7, prefix)), Some((7, prefix)));
        assert_eq!(exempt_key(prefix).len(), EXEMPT_KEY_SIZE as usize);
    }

    /// The number that `layout.h` gives a name, in a `#define` or an enum.
    fn number(name: &str) -> u64 {
        let header = include_str!("../bpf/layout.h");
        let tokens: Vec<&str> = header.split_whitespace().collect();
        let text = tokens.windows(3).find_map(|three| match three {
            ["#define", of, text] | [of, "=", text] if *of == name => Some(*text),
            _ => None,
        });
        let text = text.unwrap_or_else(|| panic!("no {name} in layout.h"));
        let text = text.trim_end_matches([',', 'U', 'L']);
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).unwrap(),
            None => text.parse().unwrap(),
        }
    }

    #[test]
    fn the_numbers_are_those_of_the_header() {
        for (name, here) in [
            ("LAYOUT_VERSION", u64::from(LAYOUT_VERSION)),
            ("DEVICE_COPY", DEVICE_COPY.into()),
            ("INTERFACE_SOURCE_CHECK_OFF", INTERFACE_SOURCE_CHECK_OFF.into()),
            ("INTERFACE_FURTHER_ADDRESSES", INTERFACE_FURTHER_ADDRESSES.into()),
            ("CLASS_OFFSET_BITS", CLASS_OFFSET_BITS.into()),
            ("STAMP_BITS", STAMP_BITS.into()),
            ("PLAN_MAGIC", policy::image::MAGIC),
            ("PLAN_INGRESS", policy::image::INGRESS as u64),
            ("PLAN_EGRESS", policy::image::EGRESS as u64),
            ("PLAN_TABLES", policy::image::TABLES as u64),
            ("DIRECTION_COUNTERS", policy::image::DIRECTION_COUNTERS as u64),
            ("FRAGMENTS_PER_SLOT", FRAGMENTS_PER_SLOT.into()),
            ("RULE_IMPLICIT", RULE_IMPLICIT.into()),
            ("RULE_EXEMPT", RULE_EXEMPT.into()),
            ("STATES", STATES as u64),
            ("REASONS", REASONS.into()),
        ] {
            assert_eq!(number(name), here, "{name}");
        }
        for reason in crate::Reason::ALL {
            let name = format!("REASON_{}", reason.name().to_uppercase());
            assert_eq!(number(&name), *reason as u64, "{name}");
        }
        use crate::FlowState as State;
        for (name, state) in [
            ("STATE_TCP_SYN_SENT", State::TcpSynSent),
            ("STATE_TCP_SYN_RECEIVED", State::TcpSynReceived),
            ("STATE_TCP_ESTABLISHED", State::TcpEstablished),
            ("STATE_TCP_FIN_WAIT", State::TcpFinWait),
            ("STATE_TCP_TIME_WAIT", State::TcpTimeWait),
            ("STATE_TCP_CLOSED", State::TcpClosed),
            ("STATE_UDP_NEW", State::UdpNew),
            ("STATE_UDP_STREAM", State::UdpStream),
            ("STATE_ICMP", State::Icmp),
            ("STATE_GRE_NEW", State::GreNew),
            ("STATE_GRE_STREAM", State::GreStream),
            ("STATE_OTHER", State::Other),
            ("STATE_DEAD", State::Dead),
        ] {
            assert_eq!(number(name), state as u64, "{name}");
        }
    }

    #[test]
    fn an_interface_reads_back_as_it_was_written() {
        let value = InterfaceValue {
            id: 9,
            flags: 2,
            ipv4: Some("10.0.0.1".parse().unwrap()),
            ipv6: None,
            link_local: Some("fe80::1".parse().unwrap()),
            adopt_until_ns: 5,
            flows_max: 6,
            mac: [1, 2, 3, 4, 5, 6],
        };
        assert_eq!(InterfaceValue::read(&value.to_bytes()), value);
        let device = DeviceWord { slot: 3, copy: true, id: 9 };
        assert_eq!(DeviceWord::read(&device.to_bytes()), device);
    }
}
