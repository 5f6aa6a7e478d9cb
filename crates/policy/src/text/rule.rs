//! Rules as text.

use std::fmt;

use model::{
    UnixMillis,
    address::Prefix,
    rule::{Policy, PortRange, Protocol, Rule},
};

use super::words::{TextError, Words, direction, direction_word, plain_number};

const PRIORITY: &str = "priority=";
/// The largest number, which decides last.
pub(crate) const PRIORITY_MAX: u8 = 100;
const PRIORITY_DEFAULT: u8 = 1;

/// A rule, printed as text. Its description and its time of creation are not part of that. A rule that names prefixes of
/// both families, which no client can make, is printed with both, and not read again.
#[derive(Debug, Clone, Copy)]
pub struct RuleText<'a>(pub &'a Rule);

/// Reads a rule: `ingress accept priority=10 tcp from 10.0.0.0/8 port 1024/65535 to 10.1.0.0/16 port 443`. What is left
/// out is priority 1, everywhere, every port. It has no description, and 0 as its time of creation.
///
/// # Errors
/// [`TextError`] names the first word that does not fit, and what would.
pub fn parse_rule(text: &str) -> Result<Rule, TextError> {
    let mut words = Words::of(text);
    let direction = direction(&mut words)?;
    let policy = words.read("`accept` or `drop`", |word| match word {
        "accept" => Some(Policy::Accept),
        "drop" => Some(Policy::Drop),
        _ => None,
    })?;
    let priority = priority(&mut words)?;
    let expected = match priority {
        None => "`priority=1` to `priority=100`, or one of `tcp`, `udp`, `icmp`, `icmpv6`, `gre`, `all`",
        Some(_) => "one of `tcp`, `udp`, `icmp`, `icmpv6`, `gre`, `all`",
    };
    let protocol = words.read(expected, protocol)?;
    let source = end(&mut words, "from", protocol, None)?;
    let destination = end(&mut words, "to", protocol, source.is_ipv4())?;
    words.end(match (source.is_given, destination.is_given) {
        (_, true) => "nothing more",
        (true, false) => "`to`, or nothing more",
        (false, false) => "`from`, `to`, or nothing more",
    })?;
    Ok(Rule {
        direction,
        protocol,
        policy,
        priority: priority.unwrap_or(PRIORITY_DEFAULT),
        ports: destination.ports,
        source_ports: source.ports,
        source: source.ipv4,
        destination: destination.ipv4,
        ipv6_source: source.ipv6,
        ipv6_destination: destination.ipv6,
        description: None,
        created_at: UnixMillis(0),
    })
}

fn priority(words: &mut Words<'_>) -> Result<Option<u8>, TextError> {
    let Some(number) = words.peek().and_then(|word| word.strip_prefix(PRIORITY)) else { return Ok(None) };
    let number = plain_number(number).filter(|number| (1..=PRIORITY_MAX).contains(number));
    words.read("`priority=1` to `priority=100`", |_| number).map(Some)
}

fn protocol(word: &str) -> Option<Protocol> {
    Some(match word {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        "icmp" => Protocol::Icmp,
        "icmpv6" => Protocol::Icmpv6,
        "gre" => Protocol::Gre,
        "all" => Protocol::All,
        _ => return None,
    })
}

/// The word for a protocol.
pub(crate) fn protocol_word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Icmp => "icmp",
        Protocol::Icmpv6 => "icmpv6",
        Protocol::Gre => "gre",
        Protocol::All => "all",
    }
}

/// One end of a rule.
struct End {
    is_given: bool,
    ipv4: Option<Prefix>,
    ipv6: Option<Prefix>,
    ports: PortRange,
}

impl End {
    /// Whether it names IPv4; none where it names no prefix.
    fn is_ipv4(&self) -> Option<bool> {
        (self.ipv4.is_some() || self.ipv6.is_some()).then_some(self.ipv4.is_some())
    }
}

/// Reads `from` or `to`, a prefix, `port` and ports. `of_ipv4` is the family that the other end names.
fn end(
    words: &mut Words<'_>,
    keyword: &str,
    protocol: Protocol,
    of_ipv4: Option<bool>,
) -> Result<End, TextError> {
    let ports = PortRange::default_for(protocol);
    let mut end = End { is_given: words.skip(keyword), ipv4: None, ipv6: None, ports };
    if !end.is_given {
        return Ok(end);
    }
    let has_prefix = words.peek() != Some("port");
    if has_prefix {
        let word = words.next("an address, a prefix such as `10.0.0.0/8`, or `port`")?;
        end.ipv4 = Prefix::ipv4(word.text).ok();
        end.ipv6 = Prefix::ipv6(word.text).ok();
        match (end.is_ipv4(), of_ipv4) {
            (None, _) => return Err(word.error("an address, a prefix such as `10.0.0.0/8`, or `port`")),
            (Some(false), Some(true)) => return Err(word.error("an IPv4 prefix, as at the other end")),
            (Some(true), Some(false)) => return Err(word.error("an IPv6 prefix, as at the other end")),
            _ => {}
        }
    }
    if words.peek() == Some("port") {
        if !protocol.has_ports() {
            return Err(words.error("no ports: only `tcp` and `udp` have them"));
        }
        words.skip("port");
        end.ports = words.read("a port, 1 to 65535, or a range such as `1024/65535`", |word| {
            let range = PortRange::parse(word, protocol);
            range.or_else(|| PortRange::parse(&format!("{word}/{word}"), protocol))
        })?;
    }
    Ok(end)
}

impl fmt::Display for RuleText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.0;
        f.write_str(direction_word(rule.direction))?;
        f.write_str(match rule.policy {
            Policy::Accept => " accept",
            Policy::Drop => " drop",
        })?;
        if rule.priority != PRIORITY_DEFAULT {
            write!(f, " {PRIORITY}{}", rule.priority)?;
        }
        write!(f, " {}", protocol_word(rule.protocol))?;
        write_end(f, "from", (&rule.source, &rule.ipv6_source), rule.source_ports)?;
        write_end(f, "to", (&rule.destination, &rule.ipv6_destination), rule.ports)
    }
}

fn write_end(
    f: &mut fmt::Formatter<'_>,
    keyword: &str,
    (ipv4, ipv6): (&Option<Prefix>, &Option<Prefix>),
    ports: PortRange,
) -> fmt::Result {
    let is_every_port = matches!(ports, PortRange::None | PortRange::EVERY);
    if ipv4.is_none() && ipv6.is_none() && is_every_port {
        return Ok(());
    }
    write!(f, " {keyword}")?;
    match (ipv4, ipv6) {
        (Some(ipv4), Some(ipv6)) => write!(f, " {},{}", ipv4.text(), ipv6.text())?,
        (Some(prefix), None) | (None, Some(prefix)) => write!(f, " {}", prefix.text())?,
        (None, None) => {}
    }
    if is_every_port { Ok(()) } else { write!(f, " port {}", PortsText(ports)) }
}

/// Ports as they are written: `443`, `1024/65535`.
pub(crate) struct PortsText(pub(crate) PortRange);

impl fmt::Display for PortsText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            PortRange::Ports { low, high } if low == high => write!(f, "{low}"),
            ports => write!(f, "{ports}"),
        }
    }
}
