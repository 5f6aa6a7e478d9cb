//! Addresses and prefixes, with the text in which they were sent.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

use crate::id::NetworkId;

/// An IPv4 or IPv6 prefix of a rule: what it means, and how it was written.
///
/// Read-back echoes the text as it was sent (`10.1.2.3` does not become `10.1.2.3/32`), because clients compare it
/// with their configuration (docs/decisions.md, decision 17). Two prefixes are equal when they mean the same.
#[derive(Clone, Serialize, Deserialize)]
pub struct Prefix {
    text: Box<str>,
    net: IpNet,
}

/// The text is neither an address nor a CIDR block of the family that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address or CIDR block of this family")]
pub struct MalformedPrefix;

impl Prefix {
    /// Reads an IPv4 address or CIDR block.
    pub fn ipv4(text: &str) -> Result<Self, MalformedPrefix> {
        let net = match text.split_once('/') {
            Some((address, length)) => Ipv4Net::new(ipv4(address)?, prefix_length(length)?),
            None => Ipv4Net::new(ipv4(text)?, 32),
        };
        Ok(Self { text: text.into(), net: IpNet::V4(net.map_err(|_| MalformedPrefix)?.trunc()) })
    }

    /// Reads an IPv6 address or CIDR block.
    pub fn ipv6(text: &str) -> Result<Self, MalformedPrefix> {
        let net = match text.split_once('/') {
            Some((address, length)) => Ipv6Net::new(ipv6(address)?, prefix_length(length)?),
            None => Ipv6Net::new(ipv6(text)?, 128),
        };
        Ok(Self { text: text.into(), net: IpNet::V6(net.map_err(|_| MalformedPrefix)?.trunc()) })
    }

    /// The prefix as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The network that the prefix means; its host bits are zero.
    pub fn net(&self) -> IpNet {
        self.net
    }

    /// Whether the address lies in the prefix.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.net.contains(&address)
    }
}

impl PartialEq for Prefix {
    fn eq(&self, other: &Self) -> bool {
        self.net == other.net
    }
}
impl Eq for Prefix {}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn ipv4(text: &str) -> Result<Ipv4Addr, MalformedPrefix> {
    text.parse().map_err(|_| MalformedPrefix)
}

fn ipv6(text: &str) -> Result<Ipv6Addr, MalformedPrefix> {
    text.parse().map_err(|_| MalformedPrefix)
}

/// A prefix length in plain decimal: no sign, no leading zero.
fn prefix_length(text: &str) -> Result<u8, MalformedPrefix> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().map_err(|_| MalformedPrefix) } else { Err(MalformedPrefix) }
}

/// A MAC address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// A MAC of the block `00:16:3e`, which is set aside for virtual machines, from 24 bits of entropy.
    pub fn from_entropy(entropy: u128) -> Self {
        let [a, b, c, ..] = entropy.to_le_bytes();
        Self([0x00, 0x16, 0x3e, a, b, c])
    }

    /// The MAC of the interface whose first address in a network is this one. No two interfaces of a network have the
    /// same: its addresses differ in their last 24 bits, and these decide; what is mixed in is the same for all of
    /// them, and makes interfaces of different networks differ most of the time.
    pub fn in_network(network: NetworkId, address: Ipv4Addr) -> Self {
        let [a, b, c, ..] = network.number().to_le_bytes();
        let [_, x, y, z] = address.octets();
        Self([0x00, 0x16, 0x3e, a ^ x, b ^ y, c ^ z])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_kept_and_the_meaning_compared() {
        let host = Prefix::ipv4("10.1.2.3").unwrap();
        assert_eq!(host.text(), "10.1.2.3");
        assert_eq!(host, Prefix::ipv4("10.1.2.3/32").unwrap());
        assert_eq!(Prefix::ipv4("10.0.0.5/8").unwrap(), Prefix::ipv4("10.0.0.0/8").unwrap());
        assert_eq!(Prefix::ipv6("2001:DB8::/32").unwrap(), Prefix::ipv6("2001:db8:0::/32").unwrap());
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for text in [
            "",
            "10.0.0.5/99",
            "10.0.0/8",
            "10.0.0.0/",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "::/0",
            "a",
            "1.2.3.4/33",
        ] {
            assert_eq!(Prefix::ipv4(text), Err(MalformedPrefix), "{text}");
        }
        for text in ["", "::/129", "10.0.0.0/8", "::1/", ":::/3"] {
            assert_eq!(Prefix::ipv6(text), Err(MalformedPrefix), "{text}");
        }
    }
}
