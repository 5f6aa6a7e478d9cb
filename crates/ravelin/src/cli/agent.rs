//! The command line of the agent, and of what is bound to nodes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::{cli::value, commands::ServerChoice};

/// The agent of this host.
#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Make this host a node, with a token of `ravelin api CreateNodeToken`.
    #[command(
        after_help = "The token says which authority vouches for the control plane, so that it is sent to nobody else. The \
                      node's key is made here and never leaves the host.\n\nA host whose certificate was revoked or has \
                      expired joins again: make a token with `ravelin api CreateNodeToken --NodeId ...`, stop the agent, \
                      and use --again. What is in force stays so meanwhile."
    )]
    Join(JoinArguments),
    /// Enforce what the control plane decides, until it is told to stop.
    #[command(
        after_help = "What was wanted last is brought into force first, without the control plane; while that is not \
                      reached everything stays as it is. SIGTERM and Ctrl-C end the agent and touch nothing that is in \
                      force.\n\nSettings come from, in this order and the later over the earlier: defaults, the file of \
                      --config, the environment, --set, the flags above. Each setting has a variable: \
                      `dataplane.flows_max` is RAVELIN_AGENT_DATAPLANE_FLOWS_MAX. --print-settings shows them all."
    )]
    Run(RunArguments),
    /// Show how the running agent stands: session, generation, interfaces, drops, problems.
    #[command(
        after_help = "Exit codes: 0 the control plane is reached, and all that is wanted is in force; 1 no agent answers; 2 the \
                      command line is wrong; 3 the control plane is not reached, or something is not in force or may be open: \
                      the status says what.\n\nPackets of the whole node are counted since the agent began, those of an \
                      interface since it was bound to its device, which a restart of the agent does not change."
    )]
    Status {
        /// Print JSON, for programs.
        #[arg(long)]
        json: bool,
        /// Show it again whenever it changes, until Ctrl-C; with --json a line each.
        #[arg(long)]
        watch: bool,
        /// The agent's socket.
        #[arg(
            long,
            env = "RAVELIN_AGENT_SOCKET",
            default_value = "/run/ravelin-agent/agent.sock",
            value_name = "PATH"
        )]
        socket: PathBuf,
    },
    /// Bring into force what was wanted last, and end: for boot, before anything has a network.
    #[command(
        after_help = "The control plane is not asked. Devices that match `guard` and that nobody bound are closed.\n\nExit codes: 0 \
                      all of it is in force, or the host has never been told anything; 1 something may be open that \
                      should not be, or it is not known; 3 something is not in force, and is closed."
    )]
    Restore(SettingArguments),
    /// Let a device go that is closed because its binding has ended: whatever it sends and is sent passes.
    #[command(
        after_help = "A device that stands for an interface is released by `ravelin unbind` first. With --force it is opened at once, \
                      whatever its interface's rules say. That is for a host that has cut itself off: it is refused while \
                      there is a session with the control plane, and holds until the control plane is heard again or the agent \
                      starts anew, since what is wanted counts then."
    )]
    Release {
        /// The device's name.
        device: String,
        /// Open it although it stands for an interface; only while the control plane is not reached.
        #[arg(long)]
        force: bool,
        /// The agent's socket.
        #[arg(
            long,
            env = "RAVELIN_AGENT_SOCKET",
            default_value = "/run/ravelin-agent/agent.sock",
            value_name = "PATH"
        )]
        socket: PathBuf,
    },
    /// Print the hook that binds the interfaces of libvirt's virtual machines: `ravelin agent libvirt-hook >
    /// /etc/libvirt/hooks/qemu`.
    LibvirtHook,
    /// Take every program away from every device: nothing is enforced any more, and ALL DEVICES ARE OPEN. The instances of a
    /// lab node are deleted, with every process in them.
    Remove {
        /// Do it. Without this it is said what would be done.
        #[arg(long)]
        yes: bool,
        /// Forget who this node is, and what was wanted of it, too.
        #[arg(long)]
        forget: bool,
        #[command(flatten)]
        settings: SettingArguments,
    },
}

/// With what a host joins.
#[derive(Debug, Args)]
pub struct JoinArguments {
    /// Where the control plane listens for nodes (`ravelin serve --node-listen`).
    #[arg(long, env = "RAVELIN_AGENT_SERVER", value_name = "HOST:PORT")]
    pub server: String,
    /// The file with the token; `-` reads it from standard input.
    #[arg(long, value_name = "FILE|-")]
    pub token_file: PathBuf,
    /// What the node is called; the host's own name where it is not given.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The edge site (`EnsRegionId`) that the host is at: a token for another one is refused, and not used up.
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// Join although this host is a node already. Where it becomes another node, or that of another control plane, what was
    /// wanted of it before is forgotten; what is in force stays so until the first word of the new one.
    #[arg(long)]
    pub again: bool,
    #[command(flatten)]
    pub settings: SettingArguments,
}

/// What `run` is told.
#[derive(Debug, Args)]
pub struct RunArguments {
    #[command(flatten)]
    pub settings: SettingArguments,
    /// The control plane's address for nodes, where it is not the one that this host joined [env: RAVELIN_AGENT_SERVER].
    #[arg(long, value_name = "HOST:PORT")]
    pub server: Option<String>,
    /// Serve Prometheus metrics over HTTP there; nowhere where it is not given [env: RAVELIN_AGENT_METRICS].
    #[arg(long, value_name = "ADDR:PORT")]
    pub metrics: Option<String>,
    /// The socket for `ravelin agent status` [env: RAVELIN_AGENT_SOCKET] [default: /run/ravelin-agent/agent.sock].
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Print all settings as they would be in force, and stop.
    #[arg(long)]
    pub print_settings: bool,
}

/// Settings of the agent.
#[derive(Debug, Args)]
pub struct SettingArguments {
    /// The settings file (TOML); it may be missing where it is not named
    /// [default: /etc/ravelin/agent.toml].
    #[arg(long, env = "RAVELIN_AGENT_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the node's key is kept, and what was wanted of it last [env: RAVELIN_AGENT_DIRECTORY] [default:
    /// /var/lib/ravelin-agent].
    #[arg(long, value_name = "DIR")]
    pub directory: Option<PathBuf>,
    /// Close devices of this name where nobody bound them, but for the way to the control plane where that is known; `*` at the
    /// end is any number of letters: `--guard 'vnet*'`. May be given several times [env: RAVELIN_AGENT_GUARD, as ["vnet*", "tap*"]].
    #[arg(long, value_name = "PATTERN")]
    pub guard: Vec<String>,
    /// Where programs and maps are pinned: a directory under /sys/fs/bpf/ravelin [env: RAVELIN_AGENT_DATAPLANE_NAME]
    /// [default: agent].
    #[arg(long, value_name = "NAME")]
    pub dataplane: Option<String>,
    /// One setting: `--set dataplane.flows_max=1000000`.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub assignments: Vec<String>,
    /// What to log: error, warn, info, debug, trace, or a filter [env: RAVELIN_AGENT_LOG] [default: info].
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
}

/// What is bound.
#[derive(Debug, Args)]
#[command(
    after_help = "The device is the host's end of what the instance is connected with: a tap (libvirt: `virsh domiflist`), or the \
                  host's side of a veth pair (Incus: `incus info`). It need not be there yet. Without --device it is the \
                  one whose alias says so:\n\n  ip link set vnet0 alias ravelin:eni-...\n\nA tap that is made anew under \
                  another name with each start is best found by its alias; libvirt sets one with <alias> or a hook.\n\nTCP \
                  flows that run when the device is bound are cut, since nobody saw them begin; --adopt takes them \
                  over, where a rule permits them.\n\nExample: ravelin bind --network-interface eni-... --node node-... \
                  --device vnet0 --adopt 30"
)]
pub struct BindArguments {
    /// The network interface.
    #[arg(long, value_name = "ENI", value_parser = value::interface)]
    pub network_interface: String,
    /// The node: `ravelin api DescribeNodes` lists them.
    #[arg(long, value_name = "NODE")]
    pub node: String,
    /// The device's name on the node; without it the device with the alias `ravelin:` and the interface's id.
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
    /// For how many seconds, from when the device is bound, running flows are taken over.
    #[arg(long, value_name = "SECONDS")]
    pub adopt: Option<u32>,
    #[command(flatten)]
    pub server: ServerChoice,
}

/// What is not bound any more.
#[derive(Debug, Args)]
#[command(
    after_help = "The device stays closed, so that an instance that is still connected is not open: `ravelin agent release \
                  DEVICE`, on the node, lets it go. A device that is made anew is open, unless it matches `guard`."
)]
pub struct UnbindArguments {
    /// The network interface.
    #[arg(long, value_name = "ENI", value_parser = value::interface)]
    pub network_interface: String,
    #[command(flatten)]
    pub server: ServerChoice,
}
