//! Why nodes drop packets, in words. The names are those of the API; a node of another version may have others.

/// What a reason means; its name where it is not known here.
pub(super) fn meaning(name: &str) -> &str {
    match name {
        "rule" => "A rule drops it",
        "implicit" => "No rule accepts it",
        "dead_flow" => "Its flow was cut when rules or groups changed",
        "no_syn" => "TCP in the middle of a connection that is not known",
        "spoofed_mac" => "Sent with another MAC address than the interface's",
        "spoofed_address" => "Sent from another address than the interface's",
        "spoofed_arp" => "ARP in the name of another one",
        "spoofed_nd" => "Advertises a neighbour that is not itself",
        "rogue_router" => "A router advertisement or redirect of an instance",
        "rogue_dhcp" => "An answer of a DHCP server, by an instance",
        "invalid" => "Malformed",
        "fragment" => "A fragment without its first one, or that overlaps a header",
        "unrelated_error" => "An ICMP error about no flow that passes",
        "flow_limit" => "The interface has as many flows as it may have",
        "table_full" => "The node's table of flows is full",
        "unbound" => "Nobody bound the device",
        "closed" => "The interface has no rules in force yet",
        "ethertype" => "Neither ARP, IPv4 nor IPv6",
        "vlan" => "Tagged for a VLAN",
        "destination" => "For another MAC address or address than the interface's",
        "internal" => "What is in force is not intact: see the agent's log",
        other => other,
    }
}
