//! Why packets are dropped, in words for people.

use dataplane::Reason;

/// What a reason means, and what to look at.
pub(super) fn meaning(reason: Reason) -> &'static str {
    match reason {
        Reason::Rule => "a rule drops it",
        Reason::Implicit => "no rule accepts it",
        Reason::DeadFlow => "its flow was cut when rules or groups changed",
        Reason::NoSyn => "TCP in the middle of a connection that is not known",
        Reason::SpoofedMac => "the instance sent it with another MAC address than its own",
        Reason::SpoofedAddress => "the instance sent it with another source address than its own",
        Reason::SpoofedArp => "the instance sent ARP in the name of another one",
        Reason::SpoofedNd => "the instance advertised a neighbour that is not itself",
        Reason::RogueRouter => "the instance sent a router advertisement or redirect",
        Reason::RogueDhcp => "the instance answered DHCP as a server",
        Reason::Invalid => "it is malformed",
        Reason::Fragment => "a fragment without its first one, or that overlaps a header",
        Reason::UnrelatedError => "an ICMP error about no flow that passes",
        Reason::FlowLimit => "the interface has as many flows as it may have",
        Reason::TableFull => "the node's table of flows is full",
        Reason::Unbound => "nobody bound the device",
        Reason::Closed => "the interface has no rules in force yet: it is closed",
        Reason::Ethertype => "neither ARP, IPv4 nor IPv6",
        Reason::Vlan => "tagged for a VLAN",
        Reason::Destination => "to another MAC address or address than the interface's",
        Reason::Internal => "what is in force is not intact: see the agent's log",
    }
}

/// What the reason of this name means; empty where this program does not know it.
pub(super) fn meaning_of(name: &str) -> &'static str {
    Reason::ALL.iter().find(|reason| reason.name() == name).map_or("", |reason| meaning(*reason))
}

/// Every reason, for a help text.
pub fn explained() -> String {
    let lines = Reason::ALL.iter().map(|reason| format!("  {:16} {}", reason.name(), meaning(*reason)));
    let lines: Vec<String> = lines.collect();
    format!(
        "The counts by reason are exact, since the interface was bound to its device; the packets below them are samples, \
         some ten a second at most, so that a flood costs nothing. ingress is to the interface, egress from it. Where a \
         rule dropped a packet it is named with its security group.\n\nWith --follow each sample is printed as it comes, \
         until Ctrl-C; with --output json as an object a line. Where samples were lost in between, or the agent was \
         restarted, that is said. A node that is away for a while is waited for.\n\nReasons:\n{}\n\nExamples:\n  ravelin \
         drops --interface eni-...\n  ravelin drops --interface eni-... --follow\n  ravelin drops --interface eni-... \
         --follow --last 0 --output json",
        lines.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_explained() {
        let text = explained();
        for reason in Reason::ALL {
            assert!(text.contains(reason.name()) && text.contains(meaning(*reason)), "{reason}");
            assert_eq!(meaning_of(reason.name()), meaning(*reason));
        }
        assert_eq!(meaning_of("of another version"), "");
    }
}
