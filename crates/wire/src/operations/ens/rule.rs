//! Rules on the wire: the two dialects of ENS (docs/decisions.md, decisions 16 to 20).

use model::{
    Id, UnixMillis,
    address::Prefix,
    id::SecurityGroupKind,
    rule::{Direction, Policy, PortRange, Protocol, Rule},
};

use crate::catalogue::prelude::*;

/// The most rules that one request may name (`Permissions`).
const PERMISSIONS_MAX: usize = 200;

macro_rules! permission_fields {
    ($($extra:expr),*) => {
        &[
            Parameter::required("Direction", Kind::OneOf(&["ingress", "egress"]), "Which way the packets go, seen from the interface.", "ingress"),
            Parameter::required("IpProtocol", Kind::OneOf(&["TCP", "UDP", "ICMP", "ICMPv6", "ALL", "GRE"]), "The protocol.", "TCP"),
            Parameter::required("Policy", Kind::OneOf(&["Accept", "Drop"]), "Whether matching packets pass or are dropped.", "Accept"),
            Parameter::required("PortRange", Kind::form(1, 16, Form::PORTS), "The destination ports.", "80/80"),
            Parameter::required("Priority", Kind::Integer { min: 1, max: 100 }, "The place in the order: the smaller number decides first.", "1"),
            Parameter::optional("SourcePortRange", Kind::form(1, 16, Form::PORTS), "The source ports; all of them where it is not given.", "1/65535"),
            Parameter::optional("SourceCidrIp", Kind::Ipv4Prefix, "The IPv4 source.", "10.0.0.0/8"),
            Parameter::optional("DestCidrIp", Kind::Ipv4Prefix, "The IPv4 destination.", "0.0.0.0/0"),
            Parameter::optional("Ipv6SourceCidrIp", Kind::Ipv6Prefix, "The IPv6 source; not in one rule with IPv4 addresses.", "2001:db8::/32"),
            Parameter::optional("Ipv6DestCidrIp", Kind::Ipv6Prefix, "The IPv6 destination; not in one rule with IPv4 addresses.", "::/0"),
            $($extra),*
        ]
    };
}

/// `Permissions` of a request that adds rules.
pub(super) const PERMISSIONS: Kind = Kind::Objects {
    fields: permission_fields!(Parameter::optional(
        "Description",
        Kind::form(2, 256, Form::NO_URL),
        "What the rule is for.",
        "web"
    )),
    max: PERMISSIONS_MAX,
    encoding: Encoding::Json,
};

/// `Permissions` of a request that removes rules: what a rule is, without what it is for. A description that is sent
/// all the same is not looked at.
pub(super) const PERMISSIONS_REMOVED: Kind =
    Kind::Objects { fields: permission_fields!(), max: PERMISSIONS_MAX, encoding: Encoding::Json };

const OLD_PROTOCOLS: Kind = Kind::OneOf(&["tcp", "udp", "icmp", "gre", "all"]);

/// The parameters of the four operations of the old dialect; `peer` is `SourceCidrIp` or `DestCidrIp`.
pub(super) const fn old_dialect(peer: &'static str, peer_summary: &'static str) -> [Parameter; 7] {
    [
        Parameter::required(
            "SecurityGroupId",
            Kind::Id,
            "The security group.",
            "sg-5vn4n3y4laeb2ii9zxxltlvzi",
        ),
        Parameter::required("IpProtocol", OLD_PROTOCOLS, "The protocol; small letters.", "tcp"),
        Parameter::required(
            "PortRange",
            Kind::form(1, 16, Form::PORTS),
            "The destination ports; `-1/-1` for protocols without ports.",
            "22/22",
        ),
        Parameter::required(peer, Kind::Ipv4Prefix, peer_summary, "10.0.0.0/8"),
        Parameter::optional(
            "Policy",
            Kind::OneOf(&["accept", "drop"]),
            "Whether matching packets pass; `accept` where it is not given.",
            "accept",
        ),
        Parameter::optional(
            "Priority",
            Kind::Integer { min: 1, max: 100 },
            "The place in the order: the smaller number decides first; 1 where it is not given.",
            "1",
        ),
        Parameter::optional(
            "SourcePortRange",
            Kind::form(1, 16, Form::PORTS),
            "The source ports; all of them where it is not given.",
            "1/65535",
        ),
    ]
}

/// The rules of `Permissions`.
pub(super) fn permissions(arguments: &Arguments) -> Result<Vec<Rule>, Fault> {
    arguments.objects("Permissions").map(permission).collect()
}

fn permission(item: &Arguments) -> Result<Rule, Fault> {
    let direction = match item.required_text("Direction") {
        "egress" => Direction::Egress,
        _ => Direction::Ingress,
    };
    let rule = Rule {
        source: prefix(item, "SourceCidrIp", Prefix::ipv4)?,
        destination: prefix(item, "DestCidrIp", Prefix::ipv4)?,
        ipv6_source: prefix(item, "Ipv6SourceCidrIp", Prefix::ipv6)?,
        ipv6_destination: prefix(item, "Ipv6DestCidrIp", Prefix::ipv6)?,
        description: item.boxed("Description"),
        ..without_addresses(item, direction)?
    };
    let ipv4 = rule.source.is_some() || rule.destination.is_some();
    let ipv6 = rule.ipv6_source.is_some() || rule.ipv6_destination.is_some();
    match (ipv4, ipv6) {
        (true, true) => Err(Fault::invalid("a rule cannot have IPv4 and IPv6 addresses at once")),
        (false, false) => {
            Err(Fault::invalid("a rule needs SourceCidrIp, DestCidrIp, Ipv6SourceCidrIp or Ipv6DestCidrIp"))
        }
        _ => Ok(rule),
    }
}

/// The rule of a request of the old dialect.
pub(super) fn old_rule(arguments: &Arguments, direction: Direction) -> Result<Rule, Fault> {
    Ok(Rule {
        source: prefix(arguments, "SourceCidrIp", Prefix::ipv4)?,
        destination: prefix(arguments, "DestCidrIp", Prefix::ipv4)?,
        ..without_addresses(arguments, direction)?
    })
}

fn without_addresses(item: &Arguments, direction: Direction) -> Result<Rule, Fault> {
    let protocol = match item.required_text("IpProtocol") {
        "TCP" | "tcp" => Protocol::Tcp,
        "UDP" | "udp" => Protocol::Udp,
        "ICMP" | "icmp" => Protocol::Icmp,
        "ICMPv6" => Protocol::Icmpv6,
        "GRE" | "gre" => Protocol::Gre,
        _ => Protocol::All,
    };
    let ports = |name| match item.text(name) {
        Some(text) => PortRange::parse(text, protocol).ok_or_else(|| Fault::malformed(name)),
        None => Ok(PortRange::default_for(protocol)),
    };
    let priority = u8::try_from(item.integer("Priority").unwrap_or(1)).unwrap_or(1);
    Ok(Rule {
        direction,
        protocol,
        policy: if matches!(item.text("Policy"), Some("Drop" | "drop")) {
            Policy::Drop
        } else {
            Policy::Accept
        },
        priority,
        ports: ports("PortRange")?,
        source_ports: ports("SourcePortRange")?,
        source: None,
        destination: None,
        ipv6_source: None,
        ipv6_destination: None,
        description: None,
        created_at: UnixMillis(0),
    })
}

fn prefix<E>(
    item: &Arguments,
    name: &str,
    read: fn(&str) -> Result<Prefix, E>,
) -> Result<Option<Prefix>, Fault> {
    item.text(name).map(|text| read(text).map_err(|_| Fault::malformed(name))).transpose()
}

/// The command that adds rules to the group of the call.
pub(super) fn add(call: &Call<'_>, rules: Vec<Rule>) -> Command {
    let group = call.arguments.required_id::<SecurityGroupKind>("SecurityGroupId");
    Command::SecurityGroup(SecurityGroupCommand::AddRules { group, rules })
}

/// The command that removes rules from the group of the call.
pub(super) fn remove(call: &Call<'_>, rules: Vec<Rule>) -> Command {
    let group: Id<SecurityGroupKind> = call.arguments.required_id("SecurityGroupId");
    Command::SecurityGroup(SecurityGroupCommand::RemoveRules { group, rules })
}

/// A rule as answers show it: in the new dialect, with the addresses as they were sent.
pub(in crate::operations) fn shown(rule: &Rule) -> Value {
    let text = |prefix: &Option<Prefix>| prefix.as_ref().map_or_else(String::new, |p| p.text().into());
    json!({
        "Direction": match rule.direction { Direction::Ingress => "ingress", Direction::Egress => "egress" },
        "IpProtocol": match rule.protocol {
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
            Protocol::Icmp => "ICMP",
            Protocol::Icmpv6 => "ICMPv6",
            Protocol::Gre => "GRE",
            Protocol::All => "ALL",
        },
        "PortRange": rule.ports.to_string(),
        "SourcePortRange": rule.source_ports.to_string(),
        "Policy": match rule.policy { Policy::Accept => "Accept", Policy::Drop => "Drop" },
        "Priority": rule.priority,
        "SourceCidrIp": text(&rule.source),
        "DestCidrIp": text(&rule.destination),
        "Ipv6SourceCidrIp": text(&rule.ipv6_source),
        "Ipv6DestCidrIp": text(&rule.ipv6_destination),
        "Description": rule.description.as_deref().unwrap_or_default(),
        "CreationTime": rule.created_at.to_text(),
    })
}
