//! Why packets are dropped.

use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// Why a packet is dropped: `enum reason` of `bpf/layout.h`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Reason {
            $($(#[$doc])* $name = $number,)*
        }

        impl Reason {
            /// Every reason, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The reason with this number.
            pub fn from_number(number: u16) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its name, as it is printed and counted.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

reasons! {
    /// A rule drops it.
    Rule = 1, "rule";
    /// No rule accepts it.
    Implicit = 2, "implicit";
    /// It is of a flow that was cut.
    DeadFlow = 3, "dead_flow";
    /// TCP that does not begin with SYN.
    NoSyn = 4, "no_syn";
    /// From an instance, with a source MAC that is not its own.
    SpoofedMac = 5, "spoofed_mac";
    /// From an instance, with a source address that is not its own.
    SpoofedAddress = 6, "spoofed_address";
    /// ARP from an instance, with a sender that is not itself.
    SpoofedArp = 7, "spoofed_arp";
    /// A neighbour advertisement from an instance for an address that is not its own.
    SpoofedNd = 8, "spoofed_nd";
    /// A router advertisement or redirect from an instance.
    RogueRouter = 9, "rogue_router";
    /// A DHCP server's packet from an instance.
    RogueDhcp = 10, "rogue_dhcp";
    /// Malformed.
    Invalid = 11, "invalid";
    /// A fragment whose first one was not seen or not admitted, or that overlaps a header.
    Fragment = 12, "fragment";
    /// An ICMP error that quotes no live flow.
    UnrelatedError = 13, "unrelated_error";
    /// The interface has its share of flows.
    FlowLimit = 14, "flow_limit";
    /// The table of flows is full.
    TableFull = 15, "table_full";
    /// Of a device that nobody bound.
    Unbound = 16, "unbound";
    /// Of an interface with no class in force.
    Closed = 17, "closed";
    /// Neither ARP, IPv4 nor IPv6.
    Ethertype = 18, "ethertype";
    /// Tagged for a VLAN.
    Vlan = 19, "vlan";
    /// To an interface, for another MAC or address.
    Destination = 20, "destination";
    /// The plan is not what the class's word says; dropped rather than guessed.
    Internal = 21, "internal";
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_reasons_are_the_same() {
        for reason in Reason::ALL {
            assert_eq!(Reason::from_number(*reason as u16), Some(*reason));
        }
        assert_eq!(Reason::from_number(0), None);
    }
}
