//! The command line.

mod agent;
mod people;
mod traffic;
pub mod value;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use self::agent::{
    AgentCommand, BindArguments, JoinArguments, RunArguments, SettingArguments, UnbindArguments,
};
pub use self::people::{
    EventsArguments, ExplainArguments, FindingsArguments, FlowArguments, LookArguments, MembershipArguments,
    PreviewCommand, RuleArguments,
};
pub use self::traffic::{DropsArguments, FlowStatus, FlowsArguments};

/// A security-group service for edge fleets, wire-compatible with Edge Node Service (ENS).
#[derive(Debug, Parser)]
#[command(
    name = "ravelin",
    version,
    about,
    after_help = "Start here: `ravelin demo` shows an instance join a group and leave it. `ravelin serve` starts a server; \
                  `ravelin ens --help` lists the operations that it answers."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a server: an ENS endpoint that the official SDKs use unchanged.
    Serve(Box<ServeArguments>),
    /// Show the whole story on an embedded server: join, describe, leave, and what goes wrong. As root also with real
    /// packets: a host that joins, instances on it, and when a Leave cuts their flows. Nothing is left behind.
    Demo(DemoArguments),
    /// Manage the accounts of a server, from its host.
    #[command(subcommand)]
    Account(AccountCommand),
    /// Show or replace the authority that signs the certificates of nodes, from the server's host.
    #[command(subcommand)]
    NodeAuthority(NodeAuthorityCommand),
    /// Write a consistent backup while the server runs.
    Backup {
        /// The server's data directory.
        #[arg(long, env = "RAVELIN_DATA", default_value = "ravelin-data", value_name = "DIR")]
        data: PathBuf,
        /// The backup file; it must not exist yet.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Make a data directory from a backup.
    Restore {
        /// The backup file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The data directory; it must be missing or empty.
        #[arg(long, env = "RAVELIN_DATA", default_value = "ravelin-data", value_name = "DIR")]
        data: PathBuf,
    },
    /// Keep the addresses and access keys of servers as profiles, for `ens`, `ram`, `sts` and `api`.
    #[command(subcommand)]
    Configure(ConfigureCommand),
    /// Try rules with real packets: a small network in namespaces of this host, from one file.
    #[command(
        subcommand,
        after_help = "Start here, as root:\n\n  ravelin lab example > shop.toml\n  ravelin lab apply shop.toml\n  \
                      ravelin lab status --flows\n  ravelin lab exec client -- bash\n  ravelin lab down\n\nNothing of this \
                      machine's own network is touched, and `down` leaves nothing behind."
    )]
    Lab(LabCommand),
    /// Enforce security groups on this host: join a control plane, and follow it.
    #[command(
        subcommand,
        after_help = "Start here. On the server's side, once a host:\n\n  ravelin api CreateNodeToken --EnsRegionId \
                      cn-hangzhou-telecom\n\nOn the host, as root, with the Token that it answered in a file:\n\n  ravelin \
                      agent join --server control.example.com:8019 --token-file token\n  ravelin agent run\n  ravelin \
                      agent status\n\nThen bind interfaces to devices with `ravelin bind`. What is in force stays so when the \
                      agent ends, is restarted or is killed, and when the control plane is not reached."
    )]
    Agent(AgentCommand),
    /// Let a device of a node stand for a network interface: its rules are enforced there.
    Bind(BindArguments),
    /// End the binding of a network interface: its flows are cut, and its device is closed.
    Unbind(UnbindArguments),
    /// See what a change would do before it is made: which packets and which running flows would stop.
    #[command(subcommand)]
    Preview(PreviewCommand),
    /// See why traffic passes or not: the rule that decides, who put the interface into its group, what would change it.
    Explain(ExplainArguments),
    /// List what is odd about security groups and their rules.
    Findings(FindingsArguments),
    /// List who changed what, when and from where; refused calls too.
    Events(EventsArguments),
    /// List the flows of a network interface on its node: who talks to whom, and which rule permits it.
    Flows(FlowsArguments),
    /// Show which packets of a network interface its node drops, and why.
    Drops(DropsArguments),
    /// Print shell completions: `ravelin completions bash > /etc/bash_completion.d/ravelin`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a directory.
    Man {
        /// The directory; it is made if it is missing.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
    },
}

/// What `serve` is told.
#[derive(Debug, Args)]
#[command(
    after_help = "Settings come from, in this order and the later over the earlier: defaults, the file of --config, \
                        the environment (RAVELIN_TIMING_RESETTING_MS is timing.resetting_ms), --set, the flags above.\n\n\
                        On the first start an account is made. Its access key is shown once on a terminal; otherwise it \
                        is written to DIR/root-access-key, which only its owner can read. RAVELIN_ACCESS_KEY_ID and \
                        RAVELIN_ACCESS_KEY_SECRET set it instead.\n\nThe console is at /console of the address that it listens on."
)]
pub struct ServeArguments {
    /// Where the data is kept; made if it is missing [env: RAVELIN_DATA] [default: ravelin-data].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where to listen for HTTP; port 0 is any free one [default: 127.0.0.1:8017].
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<String>,
    /// Where to listen for HTTPS, too.
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen_tls: Option<String>,
    /// The certificate chain for HTTPS (PEM); without it one is made and kept.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// The private key for HTTPS (PEM).
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Where to listen for nodes, such as 0.0.0.0:8019; without it no node can join.
    #[arg(long, value_name = "ADDR:PORT")]
    pub node_listen: Option<String>,
    /// Answer everybody, signed or not. For trying things out; never where others can reach it.
    #[arg(long)]
    pub lenient: bool,
    /// Serve no console: neither `/console` nor the way to it from `/`.
    #[arg(long)]
    pub no_console: bool,
    /// Hold the answer to each change until the nodes that it concerns have confirmed it, for so many seconds at most, up to
    /// 60; then the answer is ens.interface.error, and the change stays made. Requests may say otherwise by the header
    /// x-ravelin-wait, and accounts by ModifyAccountEnforcement [default: 0].
    #[arg(long, value_name = "SECONDS")]
    pub wait_for_enforcement: Option<String>,
    /// Append every event, with what was before and after, as a line of JSON to this file; `-` is standard output. SIGHUP
    /// opens it again, after it was rotated.
    #[arg(long, value_name = "FILE|-")]
    pub event_log: Option<String>,
    /// A settings file (TOML).
    #[arg(long, env = "RAVELIN_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One setting: `--set timing.resetting_ms=60000`.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub assignments: Vec<String>,
    /// What to log: error, warn, info, debug, trace, or a filter [default: info].
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
    /// Print all settings as they would be in force, and stop.
    #[arg(long)]
    pub print_settings: bool,
}

/// What `reference` is told. It is for those who build Ravelin, and so it is in no help, man page or completion.
#[derive(Debug, Args)]
pub struct ReferenceArguments {
    /// Write nothing: name the pages that are out of date, and fail where there are any.
    #[arg(long)]
    pub check: bool,
    /// The directory; it is made if it is missing.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

/// What `demo` is told.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Print what was sent and answered as JSON lines, for programs.
    #[arg(long)]
    pub json: bool,
}

/// Accounts.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account and show its root access key, once.
    Create {
        /// What to call it: 1 to 64 letters, digits, `.`, `_` or `-`.
        name: String,
        #[command(flatten)]
        server: OperatorArguments,
    },
    /// List the accounts.
    List {
        #[command(flatten)]
        server: OperatorArguments,
    },
    /// Delete an account's root access keys, make a new one and show it, once.
    ResetRootKey {
        /// The account's name or number.
        account: String,
        #[command(flatten)]
        server: OperatorArguments,
    },
}

/// The authority of nodes.
#[derive(Debug, Subcommand)]
pub enum NodeAuthorityCommand {
    /// Show its fingerprint, which is the last part of every token.
    Show {
        #[command(flatten)]
        server: OperatorArguments,
    },
    /// Make a new one in its place. Tokens that were not used are void.
    #[command(
        after_help = "Nodes that joined under the present one are served until the overlap is over. Each of them learns of \
                            the new one when it renews its certificate, which it does after two thirds of 90 days; so the \
                            default loses no node that is connected now and then. With --overlap-days 0, for a key that \
                            somebody else may have, every node has to join again with a new token: what it enforces stays."
    )]
    Replace {
        /// For how many days nodes of the present one are still served.
        #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(0..=3650))]
        overlap_days: u16,
        #[command(flatten)]
        server: OperatorArguments,
    },
}

/// Which server an operator means.
#[derive(Debug, Args)]
pub struct OperatorArguments {
    /// The server's data directory; the server may run or not.
    #[arg(long, env = "RAVELIN_DATA", default_value = "ravelin-data", value_name = "DIR")]
    pub data: PathBuf,
    /// How to print: for people or for programs.
    #[arg(long, value_enum, default_value = "table")]
    pub output: crate::output::OutputFormat,
}

/// Labs.
#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Make the lab of a file, or change the running one to it by the smallest difference.
    #[command(
        after_help = "A changed rule is one switch of a class, a changed membership one assignment: instances that the \
                            change is not about keep their namespaces and flows. What a crash left half done is \
                            repaired by applying again. Each apply has the next generation number."
    )]
    Apply {
        /// The lab's file; `ravelin lab example` prints one.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Say what there is to do, and do nothing.
        #[arg(long)]
        dry_run: bool,
        /// How to print: for people or for programs.
        #[arg(long, value_enum, default_value = "table")]
        output: crate::output::OutputFormat,
    },
    /// Show interfaces, classes, rules with how often they decided, and what was dropped and why.
    #[command(
        after_help = "All of it is read from the kernel. Rules count decisions: flows that they admitted or refused, and \
                            flows judged again after a change; packets of a flow that goes on are not counted."
    )]
    Status {
        #[command(flatten)]
        lab: LabName,
        /// List flows too: all of them, or those of an instance (`web-1`) or interface (`web-1/eth0`).
        #[arg(long, value_name = "INTERFACE", num_args = 0..=1)]
        flows: Option<Option<String>>,
        /// How to print: for people or for programs.
        #[arg(long, value_enum, default_value = "table")]
        output: crate::output::OutputFormat,
    },
    /// Show the status again each second, and dropped packets as they come, until Ctrl-C or the lab's removal.
    #[command(
        after_help = "Where standard output is no terminal, one line is written for each new generation and each \
                            dropped packet. Dropped packets are samples; `status` has the exact counts."
    )]
    Watch {
        #[command(flatten)]
        lab: LabName,
        /// How to print: for people or for programs.
        #[arg(long, value_enum, default_value = "table")]
        output: crate::output::OutputFormat,
    },
    /// Remove a lab: namespaces, devices, programs, everything; also what a killed apply left.
    Down {
        #[command(flatten)]
        lab: LabName,
        /// How to print: for people or for programs.
        #[arg(long, value_enum, default_value = "table")]
        output: crate::output::OutputFormat,
    },
    /// Run a command in an instance: `ravelin lab exec web-1 -- ip address`.
    #[command(
        after_help = "The command is one of this machine. What it ends with is what this ends with; 127 where there is no such \
                            command, 126 where it cannot be started."
    )]
    Exec {
        /// The instance; `host` for the lab's host, where nothing of that name is an instance.
        instance: String,
        /// The lab; it may be left out where only one runs.
        #[arg(long = "lab", id = "LAB", value_name = "LAB")]
        lab: Option<String>,
        /// The command and its arguments.
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Print a complete lab file, to begin with.
    Example,
}

/// Which lab.
#[derive(Debug, Args)]
pub struct LabName {
    /// The lab; it may be left out where only one runs.
    #[arg(value_name = "LAB")]
    pub lab: Option<String>,
}

/// Profiles.
#[derive(Debug, Subcommand)]
pub enum ConfigureCommand {
    /// Keep a profile; what is not given stays as it is.
    Set {
        /// The profile's name [default: default].
        #[arg(long = "profile", value_name = "NAME")]
        name: Option<String>,
        /// The server's address, such as http://127.0.0.1:8017.
        #[arg(long, value_name = "URL")]
        endpoint: Option<String>,
        /// The access key's id; its secret is asked for, or read from standard input.
        #[arg(long, value_name = "ID")]
        access_key_id: Option<String>,
        /// A PEM file with the certificates to trust.
        #[arg(long, value_name = "FILE")]
        ca_certificate: Option<PathBuf>,
    },
    /// List the profiles.
    List,
    /// Forget a profile.
    Delete {
        /// The profile's name.
        #[arg(value_name = "NAME", required_unless_present = "profile", conflicts_with = "profile")]
        name: Option<String>,
        /// The profile's name, as `set` takes it.
        #[arg(long, value_name = "NAME")]
        profile: Option<String>,
    },
}
