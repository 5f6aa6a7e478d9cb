//! Addresses of servers as people write them: HOST:PORT.

/// The host, without the brackets of an IPv6 address, and the port; none: it is not written so.
pub fn host_and_port(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() { None } else { Some((host, port.parse().ok()?)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        assert_eq!(host_and_port("control.example.com:8019"), Some(("control.example.com", 8019)));
        assert_eq!(host_and_port("[2001:db8::1]:8019"), Some(("2001:db8::1", 8019)));
        for other in ["", "control.example.com", ":8019", "[]:8019", "192.0.2.1:", "192.0.2.1:65536"] {
            assert_eq!(host_and_port(other), None, "{other}");
        }
    }
}
