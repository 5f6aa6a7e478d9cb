//! The command line of what people ask before and after they change something: previews, explanations, findings, events.

use clap::{ArgGroup, Args, Subcommand, builder::PossibleValuesParser};
use wire::catalogue::Product;

use crate::{cli::value, commands::ServerAccess, output::OutputFormat};

/// What every preview's help ends with, and its example.
macro_rules! preview_help {
    ($example:literal) => {
        concat!(
            "Nothing is changed.\n\nExit codes: 0 nothing that passes now would stop; 1 the server cannot be reached, or the \
             command failed here; 2 the command line is wrong; 3 the server refused, as it would refuse the change; 4 the \
             server failed; 5 something that passes now would stop; 6 nothing is known to stop, but not everything is \
             known: a node did not answer, or the difference is too large.\n\nExample: ravelin preview ",
            $example
        )
    };
}

/// What to preview.
#[derive(Debug, Subcommand)]
pub enum PreviewCommand {
    /// An instance or network interface leaves a group.
    #[command(after_help = preview_help!("leave --instance i-... --group sg-..."))]
    Leave(MembershipArguments),
    /// An instance or network interface joins a group.
    #[command(after_help = preview_help!("join --instance i-... --group sg-..."))]
    Join(MembershipArguments),
    /// A rule is added to a group.
    #[command(after_help = preview_help!("add-rule --group sg-... --rule 'ingress drop priority=1 tcp from 0.0.0.0/0 to port 8080'"))]
    AddRule(RuleArguments),
    /// A rule is removed from a group.
    #[command(after_help = preview_help!("remove-rule --group sg-... --rule 'ingress accept priority=10 tcp from 10.0.0.0/8 to port 443'"))]
    RemoveRule(RuleArguments),
}

/// Who would join or leave which group.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("target").required(true))]
pub struct MembershipArguments {
    /// The security group.
    #[arg(long, value_name = "SG")]
    pub group: String,
    /// The instance: its primary network interface is meant.
    #[arg(long, value_name = "INSTANCE", group = "target")]
    pub instance: Option<String>,
    /// The network interface.
    #[arg(long, value_name = "ENI", visible_alias = "interface", group = "target")]
    pub network_interface: Option<String>,
    #[command(flatten)]
    pub flows: FlowArguments,
    #[command(flatten)]
    pub server: LookArguments,
}

/// Which rule.
#[derive(Debug, Args)]
pub struct RuleArguments {
    /// The security group.
    #[arg(long, value_name = "SG")]
    pub group: String,
    /// The rule, in one line: `ingress accept priority=10 tcp from 10.0.0.0/8 to port 443`.
    #[arg(long, value_name = "RULE")]
    pub rule: String,
    #[command(flatten)]
    pub flows: FlowArguments,
    #[command(flatten)]
    pub server: LookArguments,
}

/// How long nodes may take, and how much is printed.
#[derive(Debug, Args)]
pub struct FlowArguments {
    /// For how many seconds nodes may take to say which flows they have; 0: they are not asked [default: 2].
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u8).range(0..=10))]
    pub flow_wait: Option<u8>,
    /// Print all addresses and ports of what differs, and not the first 4 of each list alone. With --output json they are
    /// always there.
    #[arg(long)]
    pub whole: bool,
}

/// Which traffic to explain.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 it passes; 1 the server cannot be reached, or the command failed here; 2 the command line is \
                  wrong; 3 the server refused; 4 the server failed; 5 it is dropped.\n\nExamples:\n  ravelin explain --from \
                  internet --to i-... --port 443\n  ravelin explain --from i-... --to 10.0.0.7 --protocol icmp --as-of \
                  2026-11-22T03:04:05Z"
)]
pub struct ExplainArguments {
    /// Who begins the flow: an address, an instance, a network interface, or `internet`. Name an end by its IPv6 address to ask
    /// about IPv6.
    #[arg(long, value_name = "END")]
    pub from: String,
    /// Whom it is for; the same.
    #[arg(long, value_name = "END")]
    pub to: String,
    /// tcp, udp, icmp, icmpv6, gre, or the number of an IP protocol.
    #[arg(long, value_name = "PROTOCOL", default_value = "tcp")]
    pub protocol: String,
    /// The destination port; needed for TCP and UDP.
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// The source port [default: 49152].
    #[arg(long, value_name = "PORT")]
    pub source_port: Option<u16>,
    /// The moment: a generation, or a time such as 2026-11-22T03:04:05Z [default: now].
    #[arg(long, value_name = "MOMENT")]
    pub as_of: Option<String>,
    #[command(flatten)]
    pub server: LookArguments,
}

/// Kinds of findings.
fn finding_kinds() -> PossibleValuesParser {
    let operation = wire::catalogue::find(Product::Ravelin, "ListFindings");
    PossibleValuesParser::new(operation.map_or(&[][..], |own| own.words("Kind")))
}

/// Where to look for what is odd.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing was found; 1 the server cannot be reached, or the command failed here; 2 the command line \
                  is wrong; 3 the server refused; 4 the server failed; 5 something was found; 6 nothing was found, but not everything is \
                  known: a node did not answer, or it could not be told.\n\nExample: ravelin findings \
                  --kind OpenToTheWorld"
)]
pub struct FindingsArguments {
    /// This security group alone.
    #[arg(long, value_name = "SG", conflicts_with = "network_interface")]
    pub group: Option<String>,
    /// This network interface alone.
    #[arg(long, value_name = "ENI", visible_alias = "interface")]
    pub network_interface: Option<String>,
    /// Findings of this kind alone. Unused is asked of the nodes, about one --group or --network-interface.
    #[arg(long, value_name = "KIND", value_parser = finding_kinds())]
    pub kind: Option<String>,
    /// Of kind Unused: rules that no packet has used since this time, such as 2026-11-22T03:04:05Z.
    #[arg(long, value_name = "TIME", value_parser = value::time)]
    pub unused_since: Option<String>,
    /// Stop after about so many.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    #[command(flatten)]
    pub server: LookArguments,
}

/// Which events to list.
#[derive(Debug, Args)]
#[command(
    after_help = "The newest event stands first. Exit codes: 0 it was done; 1 the server cannot be reached, or the command failed \
                  here; 2 the command line is wrong; 3 the server refused; 4 the server failed.\n\nExample: ravelin events \
                  --resource sg-... --limit 5"
)]
pub struct EventsArguments {
    /// Calls of this operation.
    #[arg(long, value_name = "OPERATION")]
    pub operation: Option<String>,
    /// What this RAM user did: the name that it had then, or its number.
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// What such an actor did: Root, User, Node, Operator, Clock.
    #[arg(long, value_name = "TYPE")]
    pub actor: Option<String>,
    /// Events about this security group, instance, network interface, network, vSwitch, node or access key.
    #[arg(long, value_name = "ID")]
    pub resource: Option<String>,
    /// With this outcome: Applied or Refused.
    #[arg(long, value_name = "OUTCOME")]
    pub outcome: Option<String>,
    /// Not before this time, such as 2026-11-22T03:04:05Z.
    #[arg(long, value_name = "TIME", value_parser = value::time)]
    pub since: Option<String>,
    /// Not after this time.
    #[arg(long, value_name = "TIME", value_parser = value::time)]
    pub until: Option<String>,
    /// The most events.
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    #[command(flatten)]
    pub server: LookArguments,
}

/// Which server to ask, as whom, and how to print what it answers.
#[derive(Debug, Args)]
pub struct LookArguments {
    /// How to print: for people or for programs.
    #[arg(long, short, value_enum, default_value = "table", value_name = "FORMAT")]
    pub output: OutputFormat,
    #[command(flatten)]
    pub access: ServerAccess,
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use crate::cli::Cli;

    #[test]
    fn an_interface_is_named_as_other_commands_name_it() {
        for name in ["--interface", "--network-interface"] {
            for words in [
                ["preview", "leave", "--group", "sg-1", name, "eni-1"].as_slice(),
                &["findings", name, "eni-1"],
                &["flows", name, "eni-1"],
            ] {
                let given = ["ravelin"].iter().chain(words);
                assert!(Cli::try_parse_from(given).is_ok(), "{words:?}");
            }
        }
    }
}
