//! Rules of the groups, as clients send them and as the dataplane's floor compiles them. Pure.

use anyhow::Context as _;
use model::rule::Rule;
use policy::text::parse_rule;
use serde_json::{Value, json};

/// Where flows come from: every instance.
pub const ANYWHERE: &str = "0.0.0.0/0";

/// A rule that accepts what comes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accept {
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    /// A prefix.
    pub source: String,
    /// The one port.
    pub port: u16,
}

impl Accept {
    /// What lets a flow to this port in.
    pub fn flow(port: u16) -> Self {
        Self { protocol: "udp", source: ANYWHERE.into(), port }
    }

    /// As an entry of `Permissions`.
    pub fn permission(&self) -> Value {
        json!({
            "Direction": "ingress",
            "IpProtocol": self.protocol.to_uppercase(),
            "Policy": "Accept",
            "PortRange": format!("{0}/{0}", self.port),
            "Priority": 1,
            "SourceCidrIp": self.source,
        })
    }

    /// As parameters of `AuthorizeSecurityGroup` and `RevokeSecurityGroup`.
    pub fn parameters(&self) -> [(&'static str, String); 3] {
        [
            ("IpProtocol", self.protocol.to_owned()),
            ("PortRange", format!("{0}/{0}", self.port)),
            ("SourceCidrIp", self.source.clone()),
        ]
    }

    /// As the dataplane's floor has it.
    ///
    /// # Errors
    /// It is no rule.
    pub fn parsed(&self) -> anyhow::Result<Rule> {
        let Self { protocol, source, port } = self;
        parse_rule(&format!("ingress accept {protocol} from {source} to port {port}"))
            .with_context(|| format!("the rule {self:?}"))
    }
}

/// So many rules, each about another port, or other peers, of which none is about a flow that is measured.
pub fn rules(count: usize) -> Vec<Accept> {
    let rule = |number: usize| {
        let protocol = if number.is_multiple_of(2) { "tcp" } else { "udp" };
        let (third, fourth) = (number / 250 % 250, number % 250);
        let port = u16::try_from(8_000 + number % 10_000).unwrap_or(u16::MAX);
        Accept { protocol, source: format!("198.51.{third}.{fourth}/32"), port }
    };
    (0..count).map(rule).collect()
}

#[cfg(test)]
mod tests {
    use model::rule::{Policy, PortRange, Protocol};

    use super::*;

    #[test]
    fn a_rule_is_the_same_in_all_its_forms() {
        for accept in rules(600).into_iter().chain([Accept::flow(7_000)]) {
            let rule = accept.parsed().unwrap();
            let name = if rule.protocol == Protocol::Tcp { "TCP" } else { "UDP" };
            assert_eq!(rule.policy, Policy::Accept);
            assert_eq!(rule.ports, PortRange::Ports { low: accept.port, high: accept.port });
            let permission = accept.permission();
            assert_eq!(permission["IpProtocol"], name);
            let [protocol, ports, source] = accept.parameters();
            assert_eq!(protocol.1.to_uppercase(), name);
            assert_eq!(permission["PortRange"], ports.1);
            assert_eq!(permission["SourceCidrIp"], source.1);
        }
    }

    #[test]
    fn no_rule_is_there_twice() {
        let rules = rules(1_000);
        assert!(rules.iter().enumerate().all(|(place, rule)| !rules[..place].contains(rule)));
    }
}
