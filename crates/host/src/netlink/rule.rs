//! Rules that say by which table a packet is routed.

use std::net::IpAddr;

use nix::errno::Errno;
use rtnetlink::{
    IpVersion,
    packet_route::{
        AddressFamily,
        route::RouteProtocol,
        rule::{RuleAction, RuleAttribute, RuleMessage},
    },
};

use super::{Netlink, NetlinkError, code, refused};
use crate::namespace;

/// What rules that are made here are marked with (FRA_PROTOCOL, since Linux 4.17), as addresses are.
const MARK: RuleAttribute = RuleAttribute::Protocol(RouteProtocol::Other(0x72));

/// A rule by which packets that come in through a device are forwarded nowhere. The host itself they reach.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoTransit {
    /// The name of the device. The rule stays when the device goes.
    pub device: String,
    /// Whether it is about IPv4; otherwise about IPv6.
    pub ipv4: bool,
    /// Its place: rules are asked from the lowest to the highest.
    pub priority: u32,
    /// Whether [`Netlink::add_no_transit`] made it.
    pub marked: bool,
}

impl NoTransit {
    /// Whether it does the same, whoever made it.
    pub fn does_as(&self, other: &Self) -> bool {
        (&self.device, self.ipv4, self.priority) == (&other.device, other.ipv4, other.priority)
    }
}

impl Netlink {
    /// Removes the rules that lead to a table.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn remove_rules(&self, table: u32) -> Result<(), NetlinkError> {
        let leads = |rule: &RuleMessage| rule.attributes.contains(&RuleAttribute::Table(table));
        for rule in self.rules()?.into_iter().filter(leads) {
            let what = || format!("remove a routing rule of table {table}");
            self.ask(what, self.handle.rule().del(rule).execute())?;
        }
        Ok(())
    }

    /// Lets packets from this address be routed by a table of their own.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn add_source_rule(&self, source: IpAddr, table: u32) -> Result<(), NetlinkError> {
        let what = || format!("make a routing rule for {source}");
        let rule = self.handle.rule().add().table_id(table).action(RuleAction::ToTable).priority(table);
        match source {
            IpAddr::V4(source) => self.ask(what, rule.v4().source_prefix(source, 32).execute()),
            IpAddr::V6(source) => self.ask(what, rule.v6().source_prefix(source, 128).execute()),
        }
    }

    /// Makes a rule, marked; does nothing where one is there that does the same.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn add_no_transit(&self, rule: &NoTransit) -> Result<(), NetlinkError> {
        let request = self.handle.rule().add().input_interface(&rule.device).priority(rule.priority);
        let mut request = request.action(RuleAction::Unreachable);
        request.message_mut().attributes.push(MARK);
        let made = match rule.ipv4 {
            true => self.runtime.block_on(request.v4().execute()),
            false => self.runtime.block_on(request.v6().execute()),
        };
        match made {
            Err(error) if code(&error) == Errno::EEXIST => Ok(()),
            made => made.map_err(|error| refused(format!("make a routing rule for {}", rule.device), error)),
        }
    }

    /// Every rule of this kind. Of IPv6 there is none where the kernel has no IPv6.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn no_transits(&self) -> Result<Vec<NoTransit>, NetlinkError> {
        Ok(self.rules()?.iter().filter_map(no_transit).collect())
    }

    /// Removes a rule; does nothing where it is gone.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn remove_no_transit(&self, rule: &NoTransit) -> Result<(), NetlinkError> {
        for message in self.rules()?.into_iter().filter(|message| no_transit(message).as_ref() == Some(rule))
        {
            match self.runtime.block_on(self.handle.rule().del(message).execute()) {
                Err(error) if code(&error) == Errno::ENOENT => {}
                removed => {
                    let what = || format!("remove a routing rule for {}", rule.device);
                    removed.map_err(|error| refused(what(), error))?;
                }
            }
        }
        Ok(())
    }

    fn rules(&self) -> Result<Vec<RuleMessage>, NetlinkError> {
        let mut rules = self.all("list routing rules", self.handle.rule().get(IpVersion::V4).execute())?;
        if namespace::has_ipv6() {
            rules.extend(self.all("list routing rules", self.handle.rule().get(IpVersion::V6).execute())?);
        }
        Ok(rules)
    }
}

fn no_transit(message: &RuleMessage) -> Option<NoTransit> {
    if message.header.action != RuleAction::Unreachable {
        return None;
    }
    let (mut device, mut priority) = (None, 0);
    for attribute in &message.attributes {
        match attribute {
            RuleAttribute::Iifname(name) => device = Some(name.clone()),
            RuleAttribute::Priority(own) => priority = *own,
            RuleAttribute::Source(_) | RuleAttribute::Destination(_) | RuleAttribute::FwMark(_) => {
                return None;
            }
            _ => {}
        }
    }
    let (ipv4, marked) = (message.header.family == AddressFamily::Inet, message.attributes.contains(&MARK));
    Some(NoTransit { device: device?, ipv4, priority, marked })
}
