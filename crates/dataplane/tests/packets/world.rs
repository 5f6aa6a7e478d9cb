//! A host with instances and enforcement.

use std::{
    ops::Deref,
    sync::{Arc, OnceLock},
    thread,
    time::{Duration, Instant},
};

use dataplane::{
    Binding, ClassId, Dataplane, Drops, FlowState, Generation, Options, Reason, Timeouts, Tuple,
};
use model::SecurityGroupId;
use policy::{Group, PolicyClass, plan::Plan, text::parse_rule};

use crate::{
    support::{self, Host},
    topology::{Shape, Topology},
};

/// Longer than these, and shorter than [`DEAD`], is a silence.
pub const UDP: Duration = Duration::from_millis(300);
pub const DEAD: Duration = Duration::from_secs(20);

/// A host with instances, each bound, with a class of its own, and closed until it is given groups.
pub struct World {
    pub host: Host,
    pub topology: Topology,
    pub instances: Vec<Instance>,
    generation: u64,
}

/// An instance's interface.
#[derive(Debug, Clone, Copy)]
pub struct Instance {
    pub binding: Binding,
    pub class: ClassId,
}

/// Rules of groups, one text a rule.
pub type Groups<'a> = &'a [&'a [&'a str]];

impl Deref for World {
    type Target = Topology;
    fn deref(&self) -> &Topology {
        &self.topology
    }
}

/// A failure is told with what the interfaces know.
impl Drop for World {
    fn drop(&mut self) {
        if !thread::panicking() || !self.host.is_open() {
            return;
        }
        for (instance, number) in self.instances.iter().zip(1..) {
            println!("instance {number}: {:?}", self.host.drops(Some(instance.binding)));
            for flow in self.host.flows(instance.binding, 5).into_iter().flatten() {
                println!("  {flow:?}");
            }
        }
    }
}

impl World {
    pub fn new(shape: Shape, count: u8) -> Self {
        Self::with(shape, count, options())
    }

    pub fn with(shape: Shape, count: u8, options: Options) -> Self {
        Self::of(Topology::new(shape, count), options)
    }

    /// One where nobody says anything by itself, and what is dropped is known to the last packet.
    pub fn silent(count: u8) -> Self {
        Self::of(Topology::silent(count), options())
    }

    fn of(topology: Topology, options: Options) -> Self {
        let (shape, count) = (topology.shape, u8::try_from(topology.instances.len()).unwrap());
        let mut host = Host::new(options);
        let instances = (1..=count).map(|number| bind(&mut host, shape, number)).collect();
        Self { host, topology, instances, generation: 0 }
    }

    /// One whose devices another process has bound, in their order, and which is opened here.
    pub fn recovered(topology: Topology, options: Options) -> Self {
        let host = Host::new(options);
        let instances = host.bindings().unwrap().into_iter();
        let instances = instances
            .map(|report| Instance { binding: report.binding, class: report.class.unwrap() })
            .collect();
        // More than any that the other process has used.
        Self { host, topology, instances, generation: 1 << 40 }
    }

    pub fn instance(&self, number: u8) -> Instance {
        self.instances[usize::from(number) - 1]
    }

    /// Puts an instance's interface into groups. Gives the moment at which that was in force.
    pub fn groups(&mut self, number: u8, groups: Groups) -> Moment {
        self.generation += 1;
        let class = self.instance(number).class;
        self.host.switch(class, Generation(self.generation), &plan(groups)).unwrap();
        Moment::now()
    }

    /// Gives an instance's interface another class, with these groups.
    pub fn reclass(&mut self, number: u8, groups: Groups) -> Moment {
        let class = self.host.create_class(number.into()).unwrap();
        self.generation += 1;
        self.host.switch(class, Generation(self.generation), &plan(groups)).unwrap();
        let before = self.instance(number);
        self.host.assign(before.binding, Some(class)).unwrap();
        let moment = Moment::now();
        self.host.remove_class(before.class).unwrap();
        self.instances[usize::from(number) - 1].class = class;
        moment
    }

    /// What names the only flow of an instance's interface.
    pub fn host_flow(&self, number: u8) -> Tuple {
        let flows = self.host.flows(self.instance(number).binding, 10).unwrap();
        assert_eq!(flows.len(), 1, "{flows:?}");
        flows[0].tuple
    }

    pub fn drops(&self, number: u8) -> Drops {
        self.host.drops(Some(self.instance(number).binding)).unwrap()
    }

    /// Asserts that an instance's interface dropped these packets since it was bound, and no others.
    pub fn assert_drops(&self, number: u8, expected: &[(Reason, u64)]) {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        let mut found: Vec<(Reason, u64)> = self.drops(number).iter().collect();
        found.sort_unstable();
        assert_eq!(found, expected, "packets of instance {number} that were dropped");
    }
}

/// Binds an instance's device, with a class that is closed.
pub fn bind(host: &mut Host, shape: Shape, number: u8) -> Instance {
    let binding = host.bind(&Topology::device(number), &shape.interface(number)).unwrap();
    let class = host.create_class(number.into()).unwrap();
    host.assign(binding, Some(class)).unwrap();
    Instance { binding, class }
}

/// Options with short time-outs.
pub fn options() -> Options {
    let mut options = support::options();
    options.timeouts = [FlowState::UdpNew, FlowState::UdpStream, FlowState::Icmp]
        .into_iter()
        .fold(Timeouts::default(), |timeouts, state| timeouts.with(state, UDP))
        .with(FlowState::Dead, DEAD);
    options
}

/// The plan of groups.
pub fn plan(groups: Groups) -> Plan {
    let groups = groups.iter().zip(1u128..).map(|(rules, number)| Group {
        id: SecurityGroupId::from_entropy(number),
        rules: rules
            .iter()
            .map(|text| parse_rule(text).unwrap_or_else(|error| panic!("{text}: {error}")))
            .collect::<Arc<[_]>>(),
    });
    Plan::compile(&PolicyClass::new(groups).unwrap())
}

/// A moment, the same for all threads: nanoseconds since the first that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

impl Moment {
    pub fn now() -> Self {
        static FIRST: OnceLock<Instant> = OnceLock::new();
        Self(u64::try_from(FIRST.get_or_init(Instant::now).elapsed().as_nanos()).unwrap())
    }
}
