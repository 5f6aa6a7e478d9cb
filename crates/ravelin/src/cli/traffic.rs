//! The command line of what is looked at on nodes: flows and drops.

use clap::Args;

use crate::{
    cli::value,
    commands::{self, ServerAccess},
    output::OutputFormat,
};

/// The most flows or drops that are listed at once.
const LISTED_MAX: i64 = 1_000;

/// Which flows.
#[derive(Debug, Args)]
#[command(
    after_help = "The node to which the interface is bound is asked, and answers from its kernel. A flow is written as the packet \
                  that began it: `ingress` was begun by the peer, `egress` by the interface. Beside it stands the rule that \
                  admitted it, with its security group. `cut` is a flow that was revoked: its packets are dropped, and it is \
                  remembered until it has been quiet for some time.\n\nA flow is judged anew at its next packet after a \
                  change, and not before: until then it keeps its state, and `its next packet is judged anew` stands beside \
                  it. So a flow that a Leave forbids is listed as cut, and with --status dead, from its next packet on; one that is \
                  silent lets nothing through all the same.\n\nThose that had a packet last are listed; filters are \
                  asked about every flow, so that nothing is missed among many.\n\nWith --follow it is asked again each \
                  second, until Ctrl-C. Where standard output is no terminal, a line with its time is written for each flow \
                  that runs already, begins, is cut or has ended; with --output json an object a line, with `Event` (Running, \
                  Began, Cut, Ended), `Time` and `Flow`.\n\nExamples:\n  ravelin flows --interface eni-...\n  ravelin flows \
                  --interface eni-... --protocol tcp --port 443 --peer 10.0.0.0/8\n  ravelin flows --interface eni-... --status \
                  dead   # what a Leave has cut\n\nSee also `ravelin drops` for packets that do not pass, and `ravelin api \
                  DescribeNetworkInterfaceCounters` for how often each rule decided."
)]
pub struct FlowsArguments {
    /// The network interface.
    #[arg(long, value_name = "ENI", visible_alias = "network-interface", value_parser = value::interface)]
    pub interface: String,
    /// Only flows of this protocol: tcp, udp, icmp, icmpv6, gre, or a number.
    #[arg(long, value_name = "PROTOCOL")]
    pub protocol: Option<String>,
    /// Only flows with a peer of this address or in this CIDR block.
    #[arg(long, value_name = "ADDRESS|CIDR")]
    pub peer: Option<String>,
    /// Only flows with this port at either end.
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// Only flows that pass, or only those that were revoked.
    #[arg(long, value_enum, value_name = "STATUS")]
    pub status: Option<FlowStatus>,
    /// The most that are listed.
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=LISTED_MAX))]
    pub most: u16,
    /// Look again each second, until Ctrl-C.
    #[arg(long, short)]
    pub follow: bool,
    /// How to print: for people or for programs.
    #[arg(long, short, value_enum, default_value = "table", value_name = "FORMAT")]
    pub output: OutputFormat,
    #[command(flatten)]
    pub server: ServerAccess,
}

/// Whether a flow passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FlowStatus {
    /// It passes.
    Alive,
    /// It was revoked.
    Dead,
}

/// Which drops.
#[derive(Debug, Args)]
#[command(
    after_help = "The node to which the interface is bound is asked. The counts by reason are exact, since the interface was bound \
                  to its device; the packets below them are samples, some ten a second at most, so that a flood costs nothing. \
                  `ingress` is to the interface, `egress` from it. Where a rule dropped a packet it is named with its security \
                  group.\n\nWith --follow each sample is printed as it comes, until Ctrl-C; with --output json as an object a \
                  line. Where samples were lost in between, or the agent was restarted, that is said. A node that is away \
                  for a while is waited for.\n\nExamples:\n  ravelin drops --interface eni-...\n  ravelin drops --interface \
                  eni-... --follow\n  ravelin drops --interface eni-... --follow --last 0 --output json\n\n`ravelin drops --help` \
                  explains every reason.",
    after_long_help = commands::reasons_explained()
)]
pub struct DropsArguments {
    /// The network interface.
    #[arg(long, value_name = "ENI", visible_alias = "network-interface", value_parser = value::interface)]
    pub interface: String,
    /// Print samples as they come, until Ctrl-C.
    #[arg(long, short)]
    pub follow: bool,
    /// How many of the last samples are shown at first; 0 shows none.
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=LISTED_MAX))]
    pub last: u16,
    /// How to print: for people or for programs.
    #[arg(long, short, value_enum, default_value = "table", value_name = "FORMAT")]
    pub output: OutputFormat,
    #[command(flatten)]
    pub server: ServerAccess,
}
