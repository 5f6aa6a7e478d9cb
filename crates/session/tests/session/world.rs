//! A control plane with its listener for nodes, and what stands in its state.

use std::{
    future::Future,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use control::{Clock, Control, Submission, SystemClock, fleet::NodeStanding};
use model::{
    AccountId, Actor, Command, Limits, NetworkInterfaceId, NodeId, Outcome, SecurityGroupId, UnixMillis,
    address::Prefix,
    command::{InterfaceCommand, Ipv6Wish, NetworkCommand, SecurityGroupCommand},
    node::{Device, NodeCommand, NodeWish, TokenText},
    ram::{RamCommand, RamOutcome},
    refusal::Target,
    rule::{Direction, Policy, PortRange, Protocol, Rule},
};
use session::{Bound, Metrics, Server, SessionSettings};
use store::{FjallStore, MemoryStore, Store};

/// The edge site at which everything is.
pub(crate) const REGION: &str = "edge-1";
pub(crate) const DAY_MS: i64 = 86_400_000;
/// How long something may take that must happen. Only a failure takes that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for what must happen.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.expect("it happens in time")
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "{what}");
}

/// The time of the system, moved by as much as a test likes.
#[derive(Debug, Clone, Default)]
pub(crate) struct MovedClock(Arc<AtomicI64>);

impl MovedClock {
    pub(crate) fn move_by(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(SystemClock.now().0 + self.0.load(Ordering::SeqCst))
    }
}

/// A control plane whose nodes are served.
pub(crate) struct World {
    pub(crate) control: Control,
    pub(crate) clock: MovedClock,
    pub(crate) server: Option<Server>,
    pub(crate) address: SocketAddr,
    pub(crate) account: AccountId,
    pub(crate) metrics: Metrics,
}

/// Settings with which tests may join as often as they like.
pub(crate) fn settings() -> SessionSettings {
    SessionSettings {
        joins_per_minute: 100_000,
        joins_per_minute_per_address: 100_000,
        strangers_per_address_max: 512,
        ..SessionSettings::default()
    }
}

impl World {
    /// One that forgets everything when it ends.
    pub(crate) async fn new() -> Self {
        Self::with(settings()).await
    }

    pub(crate) async fn with(settings: SessionSettings) -> Self {
        Self::open(MemoryStore::new(), settings, MovedClock::default()).await
    }

    /// One that keeps its state in a directory.
    pub(crate) async fn at(directory: &Path) -> Self {
        let store = FjallStore::open(directory, &store::Options::default()).unwrap();
        Self::open(store, settings(), MovedClock::default()).await
    }

    pub(crate) async fn open(
        store: impl Store + 'static,
        settings: SessionSettings,
        clock: MovedClock,
    ) -> Self {
        let limits = Limits { rules_per_group: 1_000, ..Limits::default() };
        let control_settings =
            control::Settings { limits, commit_on_submitter: true, ..control::Settings::default() };
        let opened =
            Control::open(Box::new(store), control_settings, Arc::new(clock.clone()), &mut |_| {}).unwrap();
        let control = opened.control;
        let bound = Bound::to("127.0.0.1:0".parse().unwrap(), settings).unwrap();
        let metrics = Metrics::default();
        let server = bound.serve(control.clone(), Arc::new(clock.clone()), metrics.clone()).await.unwrap();
        let account = account(&control).await;
        Self { address: server.address(), control, clock, server: Some(server), account, metrics }
    }

    /// Ends the listener and the control plane, as a server that is stopped.
    pub(crate) async fn stop(mut self) {
        within(self.server.take().unwrap().stop()).await;
        within(self.control.stop()).await;
    }

    /// Carries out a command of the account's root.
    pub(crate) async fn must(&self, command: Command) -> Outcome {
        submit(&self.control, Actor::Root(self.account), command).await
    }

    pub(crate) async fn generation(&self) -> u64 {
        self.control.status().durable
    }

    /// A token for a new node.
    pub(crate) async fn token(&self) -> String {
        self.token_for(NodeWish::New { region: REGION.into(), name: None, lab: false }).await
    }

    pub(crate) async fn token_for(&self, wish: NodeWish) -> String {
        let create = NodeCommand::CreateToken { wish, valid_ms: 3_600_000 };
        match self.must(Command::Node(create)).await {
            Outcome::NodeToken { token, .. } => token.reveal().into(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn standing(&self, node: NodeId) -> NodeStanding {
        self.control.standing(node)
    }

    pub(crate) async fn revoke(&self, node: NodeId) {
        self.must(Command::Node(NodeCommand::RevokeCertificates { node })).await;
    }

    /// A group with so many rules.
    pub(crate) async fn group(&self, rules: u16) -> SecurityGroupId {
        let create = SecurityGroupCommand::Create {
            name: "web".into(),
            description: "".into(),
            rules: (0..rules).map(rule).collect(),
        };
        match self.must(Command::SecurityGroup(create)).await {
            Outcome::SecurityGroup(group) => group,
            other => panic!("{other:?}"),
        }
    }

    /// Adds a rule to a group, or removes it.
    pub(crate) async fn change_rule(&self, group: SecurityGroupId, number: u16, there: bool) {
        let rules = vec![rule(number)];
        self.must(Command::SecurityGroup(if there {
            SecurityGroupCommand::AddRules { group, rules }
        } else {
            SecurityGroupCommand::RemoveRules { group, rules }
        }))
        .await;
    }

    pub(crate) async fn leave(&self, group: SecurityGroupId, interface: NetworkInterfaceId) {
        let target = Target::Interface(interface);
        self.must(Command::SecurityGroup(SecurityGroupCommand::Leave { group, target })).await;
    }

    /// Interfaces that are members of a group.
    pub(crate) async fn interfaces(&self, group: SecurityGroupId, count: usize) -> Vec<NetworkInterfaceId> {
        let network = NetworkCommand::Create {
            region: REGION.into(),
            cidr: "10.0.0.0/16".parse().unwrap(),
            name: "".into(),
            description: "".into(),
            tags: Vec::new(),
            ipv6: false,
            ipv6_isp: "".into(),
        };
        let Outcome::Network(network) = self.must(Command::Network(network)).await else { panic!() };
        let vswitch = NetworkCommand::CreateVSwitch {
            region: REGION.into(),
            network: Some(network),
            cidr: "10.0.0.0/20".parse().unwrap(),
            name: "".into(),
            description: "".into(),
            tags: Vec::new(),
            ipv6: Ipv6Wish::Off,
        };
        let Outcome::VSwitch(vswitch) = self.must(Command::Network(vswitch)).await else { panic!() };
        let mut made = Vec::new();
        for _ in 0..count {
            let create = InterfaceCommand::Create {
                vswitch,
                groups: vec![group],
                name: "".into(),
                description: "".into(),
            };
            let Outcome::Interface(interface) = self.must(Command::Interface(create)).await else { panic!() };
            made.push(interface);
        }
        made
    }

    pub(crate) async fn bind(&self, interface: NetworkInterfaceId, node: NodeId) {
        let bind = NodeCommand::Bind { interface, node, device: Device::Aliased, adopt_seconds: 0 };
        self.must(Command::Node(bind)).await;
    }

    pub(crate) async fn unbind(&self, interface: NetworkInterfaceId) {
        self.must(Command::Node(NodeCommand::Unbind { interface })).await;
    }

    /// The node's history, and everything else that is kept of what was done, as text.
    pub(crate) async fn history(&self) -> String {
        format!("{:?}", self.control.history(0, 10_000).await.unwrap())
    }
}

/// The rule with this number.
fn rule(number: u16) -> Rule {
    Rule {
        direction: Direction::Ingress,
        protocol: Protocol::Tcp,
        policy: Policy::Accept,
        priority: 1,
        ports: PortRange::parse(&format!("{0}/{0}", number + 1), Protocol::Tcp).unwrap(),
        source_ports: PortRange::default_for(Protocol::Tcp),
        source: Prefix::ipv4("10.0.0.0/8").ok(),
        destination: None,
        ipv6_source: None,
        ipv6_destination: None,
        description: None,
        created_at: UnixMillis(0),
    }
}

/// The node and the secret of a token.
pub(crate) fn read_token(token: &str) -> TokenText {
    TokenText::read(token).unwrap()
}

async fn submit(control: &Control, actor: Actor, command: Command) -> Outcome {
    let submission = Submission {
        actor,
        command,
        operation: "Test",
        request_id: "test".into(),
        source: None,
        nonce: None,
    };
    control.submit(submission).await.unwrap().outcome
}

/// The first account; made where there is none.
async fn account(control: &Control) -> AccountId {
    let there = control.read(|state| state.account_named("test").map(|account| account.id)).await.unwrap();
    if let Some(account) = there.value {
        return account;
    }
    let create = RamCommand::CreateAccount { name: "test".into(), key: None };
    match submit(control, Actor::Operator, Command::Ram(create)).await {
        Outcome::Ram(RamOutcome::Account(account, _)) => account,
        other => panic!("{other:?}"),
    }
}
