//! A small world for tests: one account, a clock that tests move, ids from a counter. Every change that it makes is
//! checked on the way ([`laws`]).

// Not every test file uses everything; and a test that cannot go on says so by a panic.
#![allow(dead_code, unreachable_pub, clippy::panic)]

pub mod laws;
pub mod walk;

use model::{
    AccountId, Actor, Changes, Command, Context, InstanceId, Limits, NetworkId, NetworkInterfaceId, NodeId,
    Outcome, Refusal, SecurityGroupId, State, Timing, UnixMillis, VSwitchId,
    command::{
        AddressFamily, ChargeWish, DiskWish, InstanceCommand, InstanceWish, InterfaceCommand, Ipv6Wish,
        NetworkCommand, Placement, SecurityGroupCommand, TagCommand,
    },
    instance::{Charge, Instance, InstanceStatus},
    interface::NetworkInterface,
    node::{
        Binding, Device, Digest, Hosting, InstanceReport, Node, NodeAuthority, NodeCommand, NodeWish,
        ReportedState, TokenText,
    },
    plan,
    ram::Secret,
    refusal::Target,
    rule::{Direction, Policy, PortRange, Protocol, Rule},
    site::Catalogue,
};

/// The edge site at which everything is made.
pub const SITE: &str = "edge-1";

/// What becomes a [`Command`].
pub trait IntoCommand {
    /// The command.
    fn command(self) -> Command;
}

macro_rules! into_command {
    ($($kind:ident => $variant:ident),*) => {$(
        impl IntoCommand for $kind {
            fn command(self) -> Command {
                Command::$variant(self)
            }
        }
    )*};
}

into_command! {
    SecurityGroupCommand => SecurityGroup, InstanceCommand => Instance, InterfaceCommand => Interface,
    NetworkCommand => Network, TagCommand => Tag, NodeCommand => Node
}

impl IntoCommand for Command {
    fn command(self) -> Command {
        self
    }
}

/// A state, and what plans are given besides it.
pub struct World {
    pub state: State,
    pub account: AccountId,
    pub now: UnixMillis,
    pub limits: Limits,
    pub timing: Timing,
    pub site: Catalogue,
    /// Every token that was made, the newest last.
    pub tokens: Vec<TokenText>,
    /// What the last command changed that was legal.
    pub changes: Changes,
    seed: u64,
}

impl Default for World {
    fn default() -> Self {
        Self {
            state: beginning(),
            account: AccountId(1_000_000_000_000_001),
            now: UnixMillis(1_700_000_000_000),
            limits: Limits::default(),
            timing: Timing::default(),
            site: Catalogue::default(),
            tokens: Vec::new(),
            changes: Changes::default(),
            seed: 0,
        }
    }
}

/// A state in which there is nothing but an authority of nodes, so that nodes may join.
fn beginning() -> State {
    let mut state = State::new();
    let authority = NodeAuthority {
        certificate: [1].into(),
        key: Secret::new("the key of the authority"),
        created_at: UnixMillis(0),
        previous: None,
    };
    state.load(&authority.into());
    state
}

impl World {
    /// A world in which nothing is but an authority of nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A world whose passing states last no time.
    pub fn hasty() -> Self {
        let timing = Timing {
            creating_ms: 0,
            image_downloading_ms: 0,
            starting_ms: 0,
            stopping_ms: 0,
            resetting_ms: 0,
            transferring_ms: 0,
            releasing_ms: 0,
            attaching_ms: 0,
            detaching_ms: 0,
            deleting_ms: 0,
            ..Timing::default()
        };
        Self { timing, ..Self::default() }
    }

    /// Plans a command, checks its changes, applies them, checks the state.
    pub fn act(&mut self, command: impl IntoCommand) -> Result<Outcome, Refusal> {
        let command = command.command();
        let actor = match command {
            Command::Advance { .. } => Actor::Clock,
            Command::Node(
                NodeCommand::Join { node, .. }
                | NodeCommand::RenewCertificate { node, .. }
                | NodeCommand::ReportInstances { node, .. },
            ) => Actor::Node(node),
            Command::Node(NodeCommand::EstablishAuthority { .. } | NodeCommand::ReplaceAuthority { .. }) => {
                Actor::Operator
            }
            _ => Actor::Root(self.account),
        };
        let seed = &mut self.seed;
        let mut entropy = || {
            *seed += 1;
            mixed(*seed)
        };
        let mut context = Context {
            now: self.now,
            entropy: &mut entropy,
            limits: &self.limits,
            timing: &self.timing,
            site: &self.site,
        };
        let planned = plan(&self.state, actor, &command, &mut context)?;
        laws::check_changes(&self.state, &planned.changes);
        if actor == Actor::Clock {
            laws::check_clock(&self.state, &planned.changes);
        }
        self.state.apply(&planned.changes);
        laws::check_state(&self.state, &self.limits);
        if let Outcome::NodeToken { token, .. } = &planned.outcome {
            self.tokens.push(TokenText::read(token.reveal()).expect("a token is written as it is read"));
        }
        self.changes = planned.changes;
        Ok(planned.outcome)
    }

    /// What must be legal.
    #[track_caller]
    pub fn must(&mut self, command: impl IntoCommand) -> Outcome {
        self.act(command).expect("the command is legal")
    }

    /// Lets time pass, and the clock do what is due.
    pub fn later(&mut self, milliseconds: u64) {
        self.now = self.now.plus(milliseconds);
        while self.must(Command::Advance { most: 50 }) != Outcome::Advanced(0) {}
    }

    /// Lets the clock work until no state passes any more that it ends.
    pub fn settle(&mut self) {
        while let Some(due) = self.passing_until() {
            self.now = self.now.max(due);
            self.must(Command::Advance { most: 50 });
        }
    }

    fn passing_until(&self) -> Option<UnixMillis> {
        let instances = self.state.instances().all().filter_map(|instance| instance.passage);
        let interfaces = self.state.interfaces().all().filter_map(|interface| interface.due_at);
        let instances = instances.map(|passage| passage.due_at).filter(|due_at| *due_at != UnixMillis::NEVER);
        instances.chain(interfaces).min()
    }

    pub fn group(&mut self) -> SecurityGroupId {
        let create = SecurityGroupCommand::Create { name: "g".into(), description: "".into(), rules: vec![] };
        let Outcome::SecurityGroup(id) = self.must(create) else { panic!("no group") };
        id
    }

    /// A group that has one rule.
    pub fn group_with_a_rule(&mut self) -> SecurityGroupId {
        let group = self.group();
        self.must(SecurityGroupCommand::AddRules { group, rules: vec![any_rule()] });
        group
    }

    pub fn network(&mut self, cidr: &str) -> NetworkId {
        let Outcome::Network(id) = self.must(new_network(cidr)) else { panic!("no network") };
        id
    }

    pub fn vswitch(&mut self, network: NetworkId, cidr: &str) -> VSwitchId {
        let Outcome::VSwitch(id) = self.must(new_vswitch(network, cidr)) else { panic!("no vSwitch") };
        id
    }

    /// A network 10.0.0.0/16 with a vSwitch 10.0.0.0/24.
    pub fn subnet(&mut self) -> VSwitchId {
        let network = self.network("10.0.0.0/16");
        self.vswitch(network, "10.0.0.0/24")
    }

    /// A network and a vSwitch with IPv6.
    pub fn dual_subnet(&mut self) -> VSwitchId {
        let mut create = new_network("10.6.0.0/16");
        if let NetworkCommand::Create { ipv6, .. } = &mut create {
            *ipv6 = true;
        }
        let Outcome::Network(network) = self.must(create) else { panic!("no network") };
        let mut create = new_vswitch(network, "10.6.0.0/24");
        if let NetworkCommand::CreateVSwitch { ipv6, .. } = &mut create {
            *ipv6 = Ipv6Wish::Any;
        }
        let Outcome::VSwitch(id) = self.must(create) else { panic!("no vSwitch") };
        id
    }

    pub fn run(&mut self, wish: InstanceWish) -> Vec<InstanceId> {
        let Outcome::Instances(ids) = self.must(InstanceCommand::Run(Box::new(wish))) else { panic!("none") };
        ids
    }

    /// An instance that is running.
    pub fn running(&mut self, wish: InstanceWish) -> InstanceId {
        let id = self.run(wish)[0];
        self.settle();
        assert_eq!(self.instance(id).status, InstanceStatus::Running);
        id
    }

    /// An instance that is stopped.
    pub fn stopped(&mut self, wish: InstanceWish) -> InstanceId {
        let instance = self.running(wish);
        self.must(InstanceCommand::Stop { instance });
        self.settle();
        assert_eq!(self.instance(instance).status, InstanceStatus::Stopped);
        instance
    }

    /// An instance in this state, a member of the group.
    pub fn in_status(&mut self, status: InstanceStatus, group: SecurityGroupId) -> InstanceId {
        use InstanceStatus as S;
        let wish = InstanceWish { group: Some(group), ..wish() };
        let instance = match status {
            S::Creating | S::ImageDownloading => {
                let instance = self.run(wish)[0];
                if status == S::Creating {
                    self.later(self.timing.image_downloading_ms);
                }
                instance
            }
            S::Running => self.running(wish),
            S::Stopped => self.stopped(wish),
            S::Expired => {
                let charge = ChargeWish::PrePaid { days: 1, renew: false };
                let instance = self.running(InstanceWish { charge, ..wish });
                self.later(self.timing.billing_day_ms);
                instance
            }
            S::Starting => {
                let instance = self.stopped(wish);
                self.must(InstanceCommand::Start { instance });
                instance
            }
            S::Stopping | S::Resetting | S::Transferring | S::Releasing => {
                let instance = self.running(wish);
                self.must(match status {
                    S::Stopping => InstanceCommand::Stop { instance },
                    S::Resetting => InstanceCommand::Reinit { instance, image: None },
                    S::Transferring => InstanceCommand::Transfer { instance },
                    _ => InstanceCommand::Release { instance, charge: None },
                });
                instance
            }
        };
        assert_eq!(self.instance(instance).status, status);
        instance
    }

    /// An interface that is attached to nothing.
    pub fn interface_in(&mut self, vswitch: VSwitchId, groups: &[SecurityGroupId]) -> NetworkInterfaceId {
        let create = InterfaceCommand::Create {
            vswitch,
            groups: groups.into(),
            name: "".into(),
            description: "".into(),
        };
        let Outcome::Interface(id) = self.must(create) else { panic!("no interface") };
        id
    }

    /// A token for a new node at [`SITE`].
    pub fn token(&mut self, name: Option<&str>) -> TokenText {
        let wish = NodeWish::New { region: SITE.into(), name: name.map(Into::into), lab: false };
        self.must(NodeCommand::CreateToken { wish, valid_ms: 3_600_000 });
        *self.tokens.last().expect("a token was made")
    }

    /// A node at [`SITE`] that has joined; its certificate has this number.
    pub fn node(&mut self, certificate: u8) -> NodeId {
        let token = self.token(None);
        let join = join_node(&token, certificate, self.now.plus(86_400_000));
        self.must(join);
        token.node
    }

    /// A lab node at [`SITE`] that has joined; its certificate has this number.
    pub fn lab_node(&mut self, certificate: u8) -> NodeId {
        let wish = NodeWish::New { region: SITE.into(), name: None, lab: true };
        self.must(NodeCommand::CreateToken { wish, valid_ms: 3_600_000 });
        let token = *self.tokens.last().expect("a token was made");
        let join = join_node(&token, certificate, self.now.plus(86_400_000));
        self.must(join);
        token.node
    }

    /// What the node of an instance says of it, with the numbers that it has now.
    pub fn report_of(&self, instance: InstanceId, state: ReportedState) -> NodeCommand {
        let Hosting { node, boots, images, .. } = *self.hosting(instance);
        NodeCommand::ReportInstances {
            node,
            reports: vec![InstanceReport { instance, boots, images, state }],
        }
    }

    /// The node of an instance says this of it.
    #[track_caller]
    pub fn reported(&mut self, instance: InstanceId, state: ReportedState) {
        let report = self.report_of(instance, state);
        self.must(report);
    }

    #[track_caller]
    pub fn hosting(&self, instance: InstanceId) -> &Hosting {
        self.state.hostings().get(&instance).expect("a node hosts the instance")
    }

    /// Binds an interface to the device with its alias.
    pub fn bound(&mut self, interface: NetworkInterfaceId, node: NodeId) {
        self.must(bind(interface, node, Device::Aliased));
    }

    #[track_caller]
    pub fn node_of(&self, id: NodeId) -> &Node {
        self.state.nodes().get(&id).expect("the node exists")
    }

    pub fn binding(&self, interface: NetworkInterfaceId) -> Option<&Binding> {
        self.state.bindings().get(&interface).map(|binding| &**binding)
    }

    #[track_caller]
    pub fn instance(&self, id: InstanceId) -> &Instance {
        self.state.instances().get(&id).expect("the instance exists")
    }

    #[track_caller]
    pub fn interface(&self, id: NetworkInterfaceId) -> &NetworkInterface {
        self.state.interfaces().get(&id).expect("the interface exists")
    }

    #[track_caller]
    pub fn primary(&self, id: InstanceId) -> &NetworkInterface {
        self.interface(self.instance(id).primary_interface)
    }

    #[track_caller]
    pub fn expires_at(&self, id: InstanceId) -> UnixMillis {
        match self.instance(id).charge {
            Charge::PrePaid { expires_at, .. } => expires_at,
            Charge::PostPaid => panic!("{id} is no subscription"),
        }
    }
}

/// A number that looks random, and is the same each time (the finaliser of splitmix64).
fn mixed(seed: u64) -> u128 {
    let half = |mut bits: u64| {
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u128::from(bits ^ (bits >> 31))
    };
    (half(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64) | half(!seed)
}

/// A rule that lets everything in.
fn any_rule() -> Rule {
    Rule {
        direction: Direction::Ingress,
        protocol: Protocol::All,
        policy: Policy::Accept,
        priority: 1,
        ports: PortRange::None,
        source_ports: PortRange::None,
        source: None,
        destination: None,
        ipv6_source: None,
        ipv6_destination: None,
        description: None,
        created_at: UnixMillis(0),
    }
}

/// One small instance at [`SITE`].
pub fn wish() -> InstanceWish {
    InstanceWish {
        amount: 1,
        placement: Placement::Region(SITE.into()),
        image: None,
        instance_type: None,
        name: None,
        host_name: None,
        unique_suffix: false,
        vswitch: None,
        network: None,
        address: None,
        family: AddressFamily::Ipv4,
        ipv6_count: 1,
        group: None,
        charge: ChargeWish::PostPaid,
        auto_release_at: None,
        deletion_protection: false,
        key_pair: None,
        user_data: None,
        public_address: false,
        internet_bandwidth_mbps: 0,
        system_disk: disk(None),
        data_disks: vec![],
        tags: vec![],
    }
}

/// A disk of this size.
pub fn disk(size_gib: Option<u32>) -> DiskWish {
    DiskWish { size_gib, category: None, encrypted: false, key_id: "".into() }
}

pub fn new_network(cidr: &str) -> NetworkCommand {
    NetworkCommand::Create {
        region: SITE.into(),
        cidr: cidr.parse().expect("a block"),
        name: "".into(),
        description: "".into(),
        tags: vec![],
        ipv6: false,
        ipv6_isp: "".into(),
    }
}

pub fn new_vswitch(network: NetworkId, cidr: &str) -> NetworkCommand {
    NetworkCommand::CreateVSwitch {
        region: SITE.into(),
        network: Some(network),
        cidr: cidr.parse().expect("a block"),
        name: "".into(),
        description: "".into(),
        tags: vec![],
        ipv6: Ipv6Wish::Off,
    }
}

pub fn join(group: SecurityGroupId, instance: InstanceId) -> SecurityGroupCommand {
    SecurityGroupCommand::Join { group, target: Target::Instance(instance) }
}

pub fn leave(group: SecurityGroupId, instance: InstanceId) -> SecurityGroupCommand {
    SecurityGroupCommand::Leave { group, target: Target::Instance(instance) }
}

/// The fingerprint with this number.
pub fn fingerprint(number: u8) -> Digest {
    Digest([number; 32])
}

/// A host `host-1` joins with a token, and gets the certificate with this number.
pub fn join_node(token: &TokenText, certificate: u8, expires_at: UnixMillis) -> NodeCommand {
    NodeCommand::Join {
        node: token.node,
        secret: token.digest,
        region: Some(SITE.into()),
        name: "host-1".into(),
        fingerprint: fingerprint(certificate),
        expires_at,
    }
}

pub fn bind(interface: NetworkInterfaceId, node: NodeId, device: Device) -> NodeCommand {
    NodeCommand::Bind { interface, node, device, adopt_seconds: 0 }
}

/// The device of this name.
pub fn device(name: &str) -> Device {
    Device::Named(name.parse().expect("a name of a device"))
}

/// The parameter that a refusal says does not fit.
pub fn unfit_field<T: std::fmt::Debug>(answer: Result<T, Refusal>) -> &'static str {
    match answer {
        Err(Refusal::Unfit { field, .. }) => field,
        other => panic!("not refused as unfit: {other:?}"),
    }
}
