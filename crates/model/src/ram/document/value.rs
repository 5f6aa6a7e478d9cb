//! The values that conditions compare with.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

/// A whole number in decimal digits, perhaps negative.
pub(super) fn whole_number(text: &str) -> Option<i64> {
    // `parse` would take a plus sign.
    if text.starts_with('+') { None } else { text.parse().ok() }
}

/// Whole seconds since 1970 of a time as ISO 8601 writes it, with `Z` or an offset.
pub(super) fn time_seconds(text: &str) -> Option<i64> {
    // The shape is checked because the parser takes more: spaces, names of zones, fractions, short forms.
    let bytes = text.as_bytes();
    let shape = match bytes.get(19) {
        Some(b'Z') => bytes.len() == 20,
        Some(b'+' | b'-') => bytes.len() == 25 && bytes.get(22) == Some(&b':'),
        _ => false,
    };
    if !shape || bytes.get(10) != Some(&b'T') {
        return None;
    }
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

/// `true` or `false`.
pub(super) fn truth(text: &str) -> Option<bool> {
    text.parse().ok()
}

/// An address, or a range of addresses as a prefix. A range of IPv4 addresses in IPv6 form is the IPv4 range, because
/// that is how the addresses of requests are compared.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let network = match text.parse::<IpNet>() {
        Ok(network) => network,
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    let mapped = match network {
        IpNet::V6(v6) => v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96)),
        IpNet::V4(_) => None,
    };
    match mapped {
        Some((address, length)) => Ipv4Net::new(address, length).ok().map(IpNet::V4),
        None => Some(network),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_whole_and_plain() {
        assert_eq!(whole_number("0"), Some(0));
        assert_eq!(whole_number("-12"), Some(-12));
        for text in ["", "+1", "1.0", "1e3", " 1", "0x1", "99999999999999999999"] {
            assert_eq!(whole_number(text), None, "{text}");
        }
    }

    #[test]
    fn times_have_seconds_and_an_offset() {
        assert_eq!(time_seconds("1970-01-01T00:00:01Z"), Some(1));
        assert_eq!(time_seconds("1970-01-01T08:00:00+08:00"), Some(0));
        assert_eq!(time_seconds("1969-12-31T23:59:59Z"), Some(-1));
        let bad = [
            "",
            "1970-01-01",
            "1970-01-01T00:00Z",
            "1970-01-01T00:00:00",
            "1970-01-01 00:00:00Z",
            "1970-01-01T00:00:00.5Z",
            "1970-01-01T00:00:00+0800",
            "1970-13-01T00:00:00Z",
            "1970-01-01T00:00:00Z[UTC]",
            "0",
        ];
        for text in bad {
            assert_eq!(time_seconds(text), None, "{text}");
        }
    }

    #[test]
    fn networks_are_addresses_or_prefixes() {
        let contains = |range: &str, address: &str| {
            network(range).expect(range).contains(&address.parse::<IpAddr>().expect(address))
        };
        assert!(contains("10.0.0.0/8", "10.255.0.1"));
        assert!(contains("10.0.0.5/8", "10.255.0.1"), "the bits after the prefix do not matter");
        assert!(contains("10.0.0.5", "10.0.0.5") && !contains("10.0.0.5", "10.0.0.6"));
        assert!(contains("2001:db8::/32", "2001:db8::1") && !contains("2001:db8::/32", "2001:db9::1"));
        assert!(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(contains("::ffff:10.0.0.1", "10.0.0.1"));
        assert!(contains("0.0.0.0/0", "10.0.0.1") && !contains("0.0.0.0/0", "::1"));
        for text in ["", "10.0.0.5/99", "10.0.0.0/-1", "10.0.0.*", "10.0.0", "*", "host.example", "::/129"] {
            assert_eq!(network(text), None, "{text}");
        }
    }
}
