//! The packet that a line is tried with: one that its rule is about, between two interfaces that are not the same.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::Value;
use wire::protocol::percent;

use super::{
    line::{Line, Source},
    world::{Group, Member},
};
use crate::{ROOT, api::Api, form::Form, json::text};

/// Why a line is not tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Untried {
    /// There is nobody to send it, or to get it.
    Nobody(&'static str),
    /// No packet is what its rule is about.
    NoSuchPacket(&'static str),
    /// The caller may not call this operation.
    NotPermitted(&'static str),
    /// It was asked about, and this was the answer.
    NoAnswer(String),
}

impl Untried {
    /// As people read it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Nobody(why) => (*why).to_owned(),
            Self::NoSuchPacket(why) => format!("there is no such packet: {why}"),
            Self::NotPermitted(operation) => format!("you may not call {operation}"),
            Self::NoAnswer(message) => message.clone(),
        }
    }
}

/// What a rule that accepts is about.
pub(super) struct About<'r> {
    protocol: &'r str,
    /// Whether it is about IPv6; else about IPv4.
    pub(super) is_ipv6: bool,
    /// Whose packets it is about; none: anybody's.
    pub(super) source: Option<IpNet>,
    /// Which addresses of members; none: all.
    own: Option<IpNet>,
    port: Option<u16>,
    source_port: Option<u16>,
}

impl<'r> About<'r> {
    /// That of a rule, where lines are about this port alone.
    pub(super) fn of(permission: &'r Value, port: Option<u16>) -> Self {
        let block = |names: [&str; 2]| names.into_iter().find_map(|name| block(text(permission, name)));
        let (source, own) =
            (block(["SourceCidrIp", "Ipv6SourceCidrIp"]), block(["DestCidrIp", "Ipv6DestCidrIp"]));
        let protocol = text(permission, "IpProtocol");
        let is_ipv6 = match source.or(own) {
            Some(block) => block.addr().is_ipv6(),
            None => protocol == "ICMPv6",
        };
        let first = |name| range(text(permission, name)).map(|(low, _)| low);
        let port = port.or(first("PortRange"));
        Self { protocol, is_ipv6, source, own, port, source_port: first("SourcePortRange") }
    }

    /// Whether no packet of its protocol has addresses of its family.
    fn is_of_nothing(&self) -> bool {
        matches!((self.protocol, self.is_ipv6), ("ICMP", true) | ("ICMPv6", false))
    }

    /// The members of a group with those of their addresses that packets to or from them have.
    fn ends<'g>(
        &self,
        group: &'g Group,
        block: Option<IpNet>,
    ) -> impl Iterator<Item = (&'g Member, IpAddr)> + Clone + use<'g> {
        let is_ipv6 = self.is_ipv6;
        let addresses = |member: &'g Member| member.addresses.iter().map(move |address| (member, *address));
        group.members.iter().flat_map(addresses).filter(move |(_, address)| {
            address.is_ipv6() == is_ipv6 && block.is_none_or(|block| block.contains(address))
        })
    }

    /// The address of the page that explains a packet from a source to the members of a group.
    pub(super) fn question(
        &self,
        groups: &[Group],
        source: &Source,
        target: &Group,
    ) -> Result<String, Untried> {
        if self.is_of_nothing() {
            return Err(Untried::NoSuchPacket("none of this protocol has these addresses"));
        }
        let Some(count) = target.member_count else {
            return Err(Untried::NotPermitted("DescribeNetworkInterfaces"));
        };
        if count == 0 {
            return Err(Untried::Nobody("nobody is in the group"));
        }
        let to = self.ends(target, self.own);
        let Some(first) = to.clone().next() else {
            return Err(Untried::NoSuchPacket("no member has such an address"));
        };
        let (from, to) = match source {
            // Somebody there is found by the address that is to be reached.
            Source::Internet if self.is_ipv6 => ("internet".to_owned(), first.1.to_string()),
            Source::Internet => ("internet".to_owned(), self.named(first)),
            Source::Prefix(_) => {
                let block = self.source.ok_or(Untried::NoSuchPacket("it names no address"))?;
                (somebody(block).to_string(), self.named(first))
            }
            Source::Group(place) => {
                let sender = groups.get(*place).and_then(|group| {
                    self.ends(group, self.source).find_map(|from| {
                        let other = to.clone().find(|to| to.0.interface != from.0.interface)?;
                        Some((from, other))
                    })
                });
                let (from, to) = sender.ok_or(Untried::Nobody("no other member is there to send it"))?;
                let sender = if self.is_ipv6 { from.1.to_string() } else { self.named(from) };
                (sender, self.named(to))
            }
        };
        Ok(self.address(&from, &to))
    }

    /// An end by its interface, where the packet has its first address of the family then; or else by the address, which may
    /// be that of others too.
    fn named(&self, (member, address): (&Member, IpAddr)) -> String {
        let first = member.addresses.iter().find(|own| own.is_ipv6() == self.is_ipv6);
        if first == Some(&address) { member.interface.clone() } else { address.to_string() }
    }

    fn address(&self, from: &str, to: &str) -> String {
        let (from, to) = (percent::encode(from), percent::encode(to));
        let protocol = match self.protocol {
            "UDP" => "udp",
            "ICMP" => "icmp",
            "ICMPv6" => "icmpv6",
            "GRE" => "gre",
            _ => "tcp",
        };
        let mut address = format!("{ROOT}/explain?From={from}&To={to}&Protocol={protocol}");
        if matches!(protocol, "tcp" | "udp") {
            address.push_str(&format!("&Port={}", self.port.unwrap_or(80)));
            if let Some(port) = self.source_port {
                address.push_str(&format!("&SourcePort={port}"));
            }
        }
        address
    }
}

/// The block that a rule names; a single address is one of itself.
fn block(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// The first and the last port that a rule names; none: it names none, or all.
pub(super) fn range(text: &str) -> Option<(u16, u16)> {
    let (low, high) = text.split_once('/')?;
    let range = (low.parse().ok()?, high.parse().ok()?);
    (range != (1, u16::MAX)).then_some(range)
}

/// An address in a block that a host may have: not the one that names the block, where there are others.
fn somebody(block: IpNet) -> IpAddr {
    match block.hosts().next() {
        // Of IPv6 the first one is every router's.
        Some(first) if first == block.network() => block.hosts().nth(1).unwrap_or(first),
        Some(first) => first,
        None => block.network(),
    }
}

/// Asks what becomes of the packet of a line.
pub(super) async fn try_it(api: &Api, line: &mut Line) {
    let Ok(question) = &line.packet else { return };
    let Some(form) = question.split_once('?').and_then(|(_, query)| Form::read(query.as_bytes())) else {
        return;
    };
    let pairs: Vec<(&str, &str)> = form.pairs().collect();
    if !api.permits("ExplainTraffic", &pairs).await {
        line.packet = Err(Untried::NotPermitted("ExplainTraffic"));
        return;
    }
    match api.try_call("ExplainTraffic", &pairs).await {
        Ok(found) => line.passes = Some(text(&found.answer, "Verdict") == "Accept"),
        Err(fault) => line.packet = Err(Untried::NoAnswer(fault.message)),
    }
}
