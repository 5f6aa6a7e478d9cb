//! Rules that say by which table a packet is routed.

use std::net::IpAddr;

use nix::errno::Errno;
use rtnetlink::{
    IpVersion,
    packet_route::{
        AddressFamily,
        rule::{RuleAction as Action, RuleAttribute, RuleMessage},
    },
};

use super::{Netlink, NetlinkError, code, refused};

/// What is done with packets that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleAction {
    /// They are routed by this table, where it has a route for them; otherwise the next rule is asked.
    Table(u32),
    /// They go nowhere, and their sender is told so.
    Unreachable,
}

/// A rule about packets that come in through a device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct InputRule {
    /// The name of the device. The rule stays when the device goes.
    pub device: String,
    /// Whether it is about IPv4; otherwise about IPv6.
    pub ipv4: bool,
    /// Its place: rules are asked from the lowest to the highest.
    pub priority: u32,
    /// What is done.
    pub action: RuleAction,
}

impl Netlink {
    /// Removes the rules that lead to a table.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn remove_rules(&self, table: u32) -> Result<(), NetlinkError> {
        for version in [IpVersion::V4, IpVersion::V6] {
            let rules = self.all("list routing rules", self.handle.rule().get(version).execute())?;
            let leads = |rule: &RuleMessage| rule.attributes.contains(&RuleAttribute::Table(table));
            for rule in rules.into_iter().filter(leads) {
                self.ask(
                    || format!("remove a routing rule of table {table}"),
                    self.handle.rule().del(rule).execute(),
                )?;
            }
        }
        Ok(())
    }

    /// Lets packets from this address be routed by a table of their own.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn add_source_rule(&self, source: IpAddr, table: u32) -> Result<(), NetlinkError> {
        let what = || format!("make a routing rule for {source}");
        let rule = self.handle.rule().add().table_id(table).action(Action::ToTable).priority(table);
        match source {
            IpAddr::V4(source) => self.ask(what, rule.v4().source_prefix(source, 32).execute()),
            IpAddr::V6(source) => self.ask(what, rule.v6().source_prefix(source, 128).execute()),
        }
    }

    /// Makes a rule; does nothing where the same one is there.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn add_input_rule(&self, rule: &InputRule) -> Result<(), NetlinkError> {
        let request = self.handle.rule().add().input_interface(&rule.device).priority(rule.priority);
        let request = match rule.action {
            RuleAction::Table(table) => request.table_id(table).action(Action::ToTable),
            RuleAction::Unreachable => request.action(Action::Unreachable),
        };
        let made = match rule.ipv4 {
            true => self.runtime.block_on(request.v4().execute()),
            false => self.runtime.block_on(request.v6().execute()),
        };
        match made {
            Err(error) if code(&error) == Errno::EEXIST => Ok(()),
            made => made.map_err(|error| refused(format!("make a routing rule for {}", rule.device), error)),
        }
    }

    /// Every rule about packets that come in through a device, and that does what [`RuleAction`] says, but none of which a
    /// part is about something else.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn input_rules(&self) -> Result<Vec<InputRule>, NetlinkError> {
        let mut rules = Vec::new();
        for version in [IpVersion::V4, IpVersion::V6] {
            let messages = self.all("list routing rules", self.handle.rule().get(version).execute())?;
            rules.extend(messages.iter().filter_map(input_rule));
        }
        Ok(rules)
    }

    /// Removes a rule; does nothing where it is gone.
    ///
    /// # Errors
    /// [`NetlinkError`].
    pub fn remove_input_rule(&self, rule: &InputRule) -> Result<(), NetlinkError> {
        let version = if rule.ipv4 { IpVersion::V4 } else { IpVersion::V6 };
        let messages = self.all("list routing rules", self.handle.rule().get(version).execute())?;
        for message in messages.into_iter().filter(|message| input_rule(message).as_ref() == Some(rule)) {
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
}

fn input_rule(message: &RuleMessage) -> Option<InputRule> {
    let header = &message.header;
    let (mut device, mut priority, mut table) = (None, 0, u32::from(header.table));
    for attribute in &message.attributes {
        match attribute {
            RuleAttribute::Iifname(name) => device = Some(name.clone()),
            RuleAttribute::Priority(own) => priority = *own,
            RuleAttribute::Table(own) => table = *own,
            RuleAttribute::Source(_) | RuleAttribute::Destination(_) | RuleAttribute::FwMark(_) => {
                return None;
            }
            _ => {}
        }
    }
    let action = match header.action {
        Action::ToTable => RuleAction::Table(table),
        Action::Unreachable => RuleAction::Unreachable,
        _ => return None,
    };
    Some(InputRule { device: device?, ipv4: header.family == AddressFamily::Inet, priority, action })
}
