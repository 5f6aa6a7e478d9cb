//! Flows, as they are listed, and sampled drops.

use std::{fmt, net::IpAddr, time::Duration};

use model::rule::Direction;

use crate::{
    error::DataplaneError,
    interface::{Binding, Stamp},
    reason::Reason,
    report::RulePlace,
};

/// What names a flow at one interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tuple {
    /// Its IP protocol number.
    pub protocol: u8,
    /// The interface's address.
    pub local: IpAddr,
    /// The interface's port; the identifier of an ICMP or ICMPv6 query; 0 where the protocol has none.
    pub local_port: u16,
    /// The peer's address.
    pub remote: IpAddr,
    /// The peer's port; the identifier of an ICMP or ICMPv6 query; 0 where the protocol has none.
    pub remote_port: u16,
    /// What the interface's side sends of an ICMP or ICMPv6 query: the type of the request where it asks, of the answer
    /// where it is asked. The type of any other message; 0 for other protocols.
    pub icmp_type: u8,
}

macro_rules! states {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// Where a flow's protocol stands: `enum flow_state` of `bpf/layout.h`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum FlowState {
            $($(#[$doc])* $name = $number,)*
        }

        impl FlowState {
            /// Every state, in the order of its number. The last is the time-out of flows that were cut.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The state with this number.
            pub fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its name, as it is printed.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

states! {
    /// TCP, SYN from its beginner.
    TcpSynSent = 0, "syn_sent";
    /// TCP, SYN answered.
    TcpSynReceived = 1, "syn_received";
    /// TCP, established.
    TcpEstablished = 2, "established";
    /// TCP, one side has said FIN.
    TcpFinWait = 3, "fin_wait";
    /// TCP, both sides have said FIN.
    TcpTimeWait = 4, "time_wait";
    /// TCP, reset.
    TcpClosed = 5, "closed";
    /// UDP, one side has spoken.
    UdpNew = 6, "udp_new";
    /// UDP, both sides have spoken.
    UdpStream = 7, "udp_stream";
    /// An ICMP or ICMPv6 query.
    Icmp = 8, "icmp";
    /// GRE, one side has spoken.
    GreNew = 9, "gre_new";
    /// GRE, both sides have spoken.
    GreStream = 10, "gre_stream";
    /// Another protocol.
    Other = 11, "other";
    /// Cut; for its time-out only.
    Dead = 12, "dead";
}

impl fmt::Display for FlowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A flow of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Whose it is.
    pub binding: Binding,
    /// What names it.
    pub tuple: Tuple,
    /// Which way its first packet went.
    pub begun: Direction,
    /// How long ago that was.
    pub age: Duration,
    /// How long ago its last packet was, from either side.
    pub idle: Duration,
    /// Where its protocol stands.
    pub state: FlowState,
    /// Whether it was alive when it was last judged. One that was judged under another stamp than its class's present
    /// one is judged again by its next packet.
    pub alive: bool,
    /// Under which rules it was last judged.
    pub stamp: Stamp,
    /// What decided then, in the direction in which it began.
    pub rule: RulePlace,
    /// Packets from the interface that passed.
    pub packets_local: u64,
    /// Their bytes, without Ethernet headers.
    pub bytes_local: u64,
    /// Packets to the interface that passed.
    pub packets_remote: u64,
    /// Their bytes, without Ethernet headers.
    pub bytes_remote: u64,
}

/// Called with flows, one after the other, until it says no.
type Visit<'a> = &'a mut dyn FnMut(Flow) -> bool;
/// Visits all of them.
type Read = dyn FnMut(Visit<'_>) -> Result<(), DataplaneError> + Send;

/// Reads the flows of a binding beside the dataplane that it is of: on another thread, while that one goes on changing
/// things. It holds nothing that the dataplane waits for.
pub struct FlowReader(Box<Read>);

impl FlowReader {
    /// A reader that visits flows as `read` does.
    pub fn new(read: impl FnMut(Visit<'_>) -> Result<(), DataplaneError> + Send + 'static) -> Self {
        Self(Box::new(read))
    }

    /// Calls `visit` with every flow, in no order, until it says no. One that comes or goes meanwhile may be seen or not.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn each(&mut self, mut visit: impl FnMut(Flow) -> bool) -> Result<(), DataplaneError> {
        (self.0)(&mut visit)
    }
}

impl fmt::Debug for FlowReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlowReader")
    }
}

/// A packet that was dropped. Events are samples: at most one an interface and event interval is kept, and where nobody
/// reads them the newest are lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// How long ago.
    pub age: Duration,
    /// At which device.
    pub ifindex: u32,
    /// Of which binding; none where nobody bound the device.
    pub binding: Option<Binding>,
    /// Why.
    pub reason: Reason,
    /// What decided, where rules were asked.
    pub rule: Option<RulePlace>,
    /// Which way it went.
    pub direction: Direction,
    /// Its EtherType.
    pub ethertype: u16,
    /// What it said about its flow, as far as that could be read.
    pub tuple: Option<Tuple>,
    /// The length of its frame, in bytes.
    pub length: u16,
}
