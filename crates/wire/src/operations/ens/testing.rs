//! A small world for tests: a state that grows by planned commands, and calls that go the way of real ones, from the
//! text of their parameters to their answer. Ids and time are fixed, so that every run is the same.

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

use control::fleet::{self, AskError, Enforcement, NodeStanding, Question};
use model::{
    AccountId, Actor, Context, InstanceId, Limits, NetworkId, NodeId, Refusal, SecurityGroupId, Timing,
    UnixMillis, VSwitchId,
    command::{AddressFamily, ChargeWish, DiskWish, InstanceWish, Placement},
    instance::Instance,
    node::NodeCommand,
    ram::{RamCommand, RamOutcome, Secret},
    site::Catalogue,
};

use crate::{
    catalogue::{self, Fleet, conforms, fault_of, fault_of_asking, prelude::*, validate},
    protocol::{
        parameters::Parameters,
        percent,
        query::{Pairs, QueryLimits},
    },
};

/// The edge site at which everything is.
pub(crate) const REGION: &str = "edge-1";

/// A state with one account, and what is needed to change it.
pub(crate) struct World {
    /// What exists.
    pub(crate) state: State,
    /// What the operator offers.
    pub(crate) site: Catalogue,
    /// How many of what there may be.
    pub(crate) limits: Limits,
    /// The present.
    pub(crate) now: UnixMillis,
    /// Who calls.
    pub(crate) actor: Actor,
    /// What is known of nodes beside the state.
    pub(crate) fleet: KnownFleet,
    /// What nodes answer that are asked; one that is not here is not connected.
    pub(crate) answers: BTreeMap<NodeId, Result<fleet::Answer, AskError>>,
    /// What was asked last.
    pub(crate) asked: Option<Question>,
    timing: Timing,
    drawn: u128,
}

/// What a test says is known of nodes.
#[derive(Default)]
pub(crate) struct KnownFleet {
    /// What is known of single nodes.
    pub(crate) standings: BTreeMap<NodeId, NodeStanding>,
    /// How far generations are in force.
    pub(crate) enforcements: BTreeMap<u64, Enforcement>,
}

impl Fleet for KnownFleet {
    fn standing(&self, node: NodeId) -> NodeStanding {
        self.standings.get(&node).cloned().unwrap_or_default()
    }

    fn enforcement(&self, generation: u64) -> Option<Enforcement> {
        self.enforcements.get(&generation).cloned()
    }
}

impl World {
    /// A world with one account, whose root calls, and an authority of nodes.
    pub(crate) fn new() -> Self {
        let mut world = Self {
            state: State::new(),
            site: Catalogue::default(),
            limits: Limits::default(),
            now: UnixMillis(1_767_323_045_000), // 2026-01-02T03:04:05Z
            actor: Actor::Operator,
            fleet: KnownFleet::default(),
            answers: BTreeMap::new(),
            asked: None,
            timing: Timing::default(),
            drawn: 0,
        };
        world.actor = Actor::Root(world.new_account("edge"));
        let establish =
            NodeCommand::EstablishAuthority { certificate: [1].into(), key: Secret::new("authority") };
        world.plan_as(Actor::Operator, &Command::Node(establish)).unwrap();
        world
    }

    /// One more account.
    pub(crate) fn new_account(&mut self, name: &str) -> AccountId {
        let command = Command::Ram(RamCommand::CreateAccount { name: name.into(), key: None });
        match self.plan_as(Actor::Operator, &command) {
            Ok(Outcome::Ram(RamOutcome::Account(id, _))) => id,
            other => panic!("{other:?}"),
        }
    }

    /// The account that calls.
    pub(crate) fn account(&self) -> AccountId {
        self.actor.account().unwrap()
    }

    fn plan_as(&mut self, actor: Actor, command: &Command) -> Result<Outcome, Refusal> {
        let drawn = &mut self.drawn;
        let mut entropy = || {
            *drawn += 1;
            // Spread over all bits, so that ids differ in every part.
            drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835)
        };
        let mut context = Context {
            now: self.now,
            entropy: &mut entropy,
            limits: &self.limits,
            timing: &self.timing,
            site: &self.site,
        };
        let plan = model::plan(&self.state, actor, command, &mut context)?;
        self.state.apply(&plan.changes);
        Ok(plan.outcome)
    }

    /// Carries out a command in the caller's name, a second after the last one.
    pub(crate) fn plan(&mut self, command: Command) -> Result<Outcome, Refusal> {
        self.now = self.now.plus(1_000);
        self.plan_as(self.actor, &command)
    }

    /// Lets time pass until nothing passes by itself any more. Passing states take seconds, subscriptions days: those
    /// do not end.
    pub(crate) fn settle(&mut self) {
        while self.next_due().is_some() {
            self.step();
        }
    }

    /// Lets time pass until the next thing happens by itself.
    pub(crate) fn step(&mut self) {
        if let Some(due) = self.next_due() {
            self.now = self.now.max(due);
            self.plan_as(Actor::Clock, &Command::Advance { most: 1_000 }).unwrap();
        }
    }

    fn next_due(&self) -> Option<UnixMillis> {
        self.state.next_due().filter(|due| *due < self.now.plus(self.timing.billing_day_ms))
    }

    /// A new security group without rules.
    pub(crate) fn group(&mut self, name: &str) -> SecurityGroupId {
        let (name, description) = (name.into(), "".into());
        match self.plan(Command::SecurityGroup(SecurityGroupCommand::Create {
            name,
            description,
            rules: Vec::new(),
        })) {
            Ok(Outcome::SecurityGroup(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    /// A new network and a vSwitch in it.
    pub(crate) fn network(&mut self, cidr: &str) -> (NetworkId, VSwitchId) {
        let network =
            self.made("CreateNetwork", &[("EnsRegionId", REGION), ("CidrBlock", cidr)], "NetworkId");
        let vswitch = &[("EnsRegionId", REGION), ("CidrBlock", cidr), ("NetworkId", &network)];
        let vswitch = self.made("CreateVSwitch", vswitch, "VSwitchId");
        (network.parse().unwrap(), vswitch.parse().unwrap())
    }

    fn made(&mut self, operation: &str, parameters: &[(&str, &str)], field: &str) -> String {
        self.call(operation, parameters).unwrap()[field].as_str().unwrap().into()
    }

    /// What an instance is like where nothing is said: for changing a field or two.
    pub(crate) fn wish() -> InstanceWish {
        InstanceWish {
            amount: 1,
            placement: Placement::Region(REGION.into()),
            image: None,
            instance_type: None,
            name: None,
            host_name: None,
            unique_suffix: false,
            vswitch: None,
            network: None,
            address: None,
            family: AddressFamily::Ipv4,
            ipv6_count: 0,
            group: None,
            charge: ChargeWish::PostPaid,
            auto_release_at: None,
            deletion_protection: false,
            key_pair: None,
            user_data: None,
            public_address: false,
            internet_bandwidth_mbps: 0,
            system_disk: DiskWish { size_gib: None, category: None, encrypted: false, key_id: "".into() },
            data_disks: Vec::new(),
            tags: Vec::new(),
        }
    }

    /// New instances, on the way to `Running`.
    pub(crate) fn run(&mut self, wish: InstanceWish) -> Vec<InstanceId> {
        match self.plan(Command::Instance(InstanceCommand::Run(Box::new(wish)))) {
            Ok(Outcome::Instances(ids)) => ids,
            other => panic!("{other:?}"),
        }
    }

    /// One new instance in these groups (the last one joined last), `Running`.
    pub(crate) fn instance(&mut self, groups: &[SecurityGroupId]) -> InstanceId {
        let id = self.run(InstanceWish { group: groups.first().copied(), ..Self::wish() })[0];
        self.settle();
        for group in groups.iter().skip(1) {
            let target = model::refusal::Target::Instance(id);
            self.plan(Command::SecurityGroup(SecurityGroupCommand::Join { group: *group, target })).unwrap();
        }
        id
    }

    /// An instance as it is now.
    pub(crate) fn see(&self, id: InstanceId) -> &Arc<Instance> {
        self.state.instances().get(&id).unwrap()
    }

    /// The address of an instance's primary interface.
    pub(crate) fn address(&self, id: InstanceId) -> Ipv4Addr {
        self.state.interfaces().get(&self.see(id).primary_interface).unwrap().address
    }

    /// Calls an operation of ENS. See [`World::call_of`].
    pub(crate) fn call(&mut self, operation: &str, parameters: &[(&str, &str)]) -> Result<Answer, Fault> {
        self.call_of(Product::Ens, operation, parameters)
    }

    /// Calls an operation in the caller's name: reads and checks the parameters, carries it out, and makes the
    /// answer. Everything but signature and authorisation is as in a real call. Faults must be documented ones and
    /// answers must be as the catalogue says.
    pub(crate) fn call_of(
        &mut self,
        product: Product,
        operation: &str,
        parameters: &[(&str, &str)],
    ) -> Result<Answer, Fault> {
        let operation = catalogue::find(product, operation).unwrap_or_else(|| panic!("no {operation}"));
        let result = self.carry_out(operation, parameters);
        match &result {
            Ok(answer) => assert_eq!(conforms(operation, answer), Ok(())),
            Err(fault) => assert!(operation.documents(&fault.code), "{}: {fault:?}", operation.name),
        }
        result
    }

    fn carry_out(
        &mut self,
        operation: &'static Operation,
        parameters: &[(&str, &str)],
    ) -> Result<Answer, Fault> {
        let arguments = validate(operation, &read(parameters))?;
        let site = self.site.clone();
        let fleet = std::mem::take(&mut self.fleet);
        let call = Call {
            operation,
            actor: self.actor,
            account: self.account(),
            access_key: "LTAI5tTest",
            arguments: &arguments,
            now: self.now,
            site: &site,
            fleet: &fleet,
            wait_seconds: 3,
            source: None,
            secure: true,
        };
        let result = self.handle(&call);
        self.fleet = fleet;
        result
    }

    fn handle(&mut self, call: &Call<'_>) -> Result<Answer, Fault> {
        let operation = call.operation;
        match operation.handler {
            Handler::Query(query) => query(call, &self.state),
            Handler::Identity(query) => query(call, control::Access::new(&self.state)),
            Handler::Survey(_) => panic!("{} asks a control plane", operation.name),
            Handler::Ask { inquiry, answer } => {
                let inquiry = inquiry(call, &self.state)?;
                self.asked = Some(inquiry.question.clone());
                let answered = self.answers.get(&inquiry.node).cloned();
                let standing = call.fleet.standing(inquiry.node);
                match answered.unwrap_or(Err(AskError::NotConnected)) {
                    Ok(told) => Ok(answer(&inquiry, &standing, &told).unwrap()),
                    Err(error) => Err(fault_of_asking(&inquiry, &standing, &error)),
                }
            }
            Handler::Change { command, answer } => {
                let outcome = self.plan(command(call)?).map_err(|refusal| fault_of(&refusal, operation))?;
                Ok(answer(call, &outcome))
            }
            Handler::Bind { command, answer } => {
                self.plan(command(call)?).map_err(|refusal| fault_of(&refusal, operation))?;
                let (node, interface) =
                    (call.arguments.required_id("NodeId"), call.arguments.required_id("NetworkInterfaceId"));
                let status = self.state.nodes().get(&node).map(|own| own.status);
                Ok(answer(&call.fleet.standing(node).binding(status, interface, None)))
            }
            Handler::ChangeEach { commands, answer } => {
                let mut results = Vec::new();
                for item in commands(call)? {
                    let refused = |refusal| fault_of(&refusal, operation);
                    let result = item.command.and_then(|command| self.plan(command).map_err(refused));
                    results.push((item.id, result.err()));
                }
                Ok(answer(&results))
            }
        }
    }

    /// The code of the fault that a call must end with.
    pub(crate) fn fault(&mut self, operation: &str, parameters: &[(&str, &str)]) -> String {
        self.call(operation, parameters).unwrap_err().code.into_owned()
    }
}

/// Parameters as they come in a query string.
pub(crate) fn read(parameters: &[(&str, &str)]) -> Parameters {
    let pair = |(name, value): &(&str, &str)| format!("{}={}", percent::encode(name), percent::encode(value));
    let query: Vec<String> = parameters.iter().map(pair).collect();
    Parameters::new(Pairs::decode(query.join("&").as_bytes(), b"", &QueryLimits::default()).unwrap())
}
