//! How a running lab stands: what the kernel says, with the names of its file.

use host::namespace;
use std::{collections::BTreeMap, net::IpAddr};

use dataplane::{BindingReport, ClassReport, Dataplane, EbpfDataplane, Event, Flow, RulePlace, Tuple};
use model::rule::Direction;
use policy::text::RuleText;
use serde::Serialize;

use crate::{
    definition::{Definition, Interface},
    desired::{Desired, DesiredClass, DesiredInterface},
    error::LabError,
    kernel, name,
    state::{self, Remembered},
};

/// The most flows of an interface that are listed.
pub const FLOWS_MAX: usize = 1_000;
/// The most events that are taken at once.
const EVENTS_MAX: usize = 1_000;

/// How a lab stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Its name.
    pub lab: String,
    /// The number of its last change.
    pub generation: u64,
    /// Whether that was carried out to its end.
    pub complete: bool,
    /// Its interfaces, by instance and number.
    pub interfaces: Vec<InterfaceStatus>,
    /// Its classes, by number.
    pub classes: Vec<ClassStatus>,
    /// Flows, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flows: Option<Vec<FlowStatus>>,
}

/// How an interface stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InterfaceStatus {
    /// Whose it is.
    pub instance: String,
    /// The device in the instance.
    pub device: String,
    /// The host's end, where rules are enforced.
    pub host_device: String,
    /// Its network.
    pub network: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its MAC.
    pub mac: String,
    /// Its groups.
    pub groups: Vec<String>,
    /// Its class's number; none: closed.
    pub class: Option<u32>,
    /// The change that its rules are from.
    pub generation: Option<u64>,
    /// The switch that put them in force.
    pub stamp: Option<u64>,
    /// Whether every packet meets our programs first.
    pub enforced: bool,
    /// Its flows, alive and dead.
    pub flows: u64,
    /// Packets dropped since it was bound, by reason.
    pub drops: BTreeMap<&'static str, u64>,
}

/// How a class stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassStatus {
    /// Its number.
    pub class: u32,
    /// Its groups; none: the file that was applied last does not have it.
    pub groups: Option<Vec<String>>,
    /// How many interfaces have it.
    pub interfaces: usize,
    /// The change that its rules are from.
    pub generation: Option<u64>,
    /// The switch that put them in force.
    pub stamp: Option<u64>,
    /// Whether the rules in force are those of the file that was applied last.
    pub current: bool,
    /// Its rules, in the order in which they decide.
    pub rules: Vec<RuleStatus>,
}

/// A rule, and how often it decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleStatus {
    /// `ingress` or `egress`.
    pub direction: &'static str,
    /// Its group; none for what happens where no rule matches.
    pub group: Option<String>,
    /// What it says.
    pub rule: String,
    /// How often it admitted, refused or judged again; packets of a flow that goes on are not counted.
    pub decisions: u64,
}

/// A flow.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FlowStatus {
    /// Whose it is: instance and device.
    pub interface: String,
    /// What began it, as one line of text.
    pub flow: String,
    /// What admitted or cut it when it was last judged.
    pub rule: String,
    /// Where its protocol stands.
    pub state: &'static str,
    /// Whether it was alive when it was last judged.
    pub alive: bool,
    /// How long ago it began, in seconds.
    pub age_seconds: f64,
    /// How long ago its last packet was, in seconds.
    pub idle_seconds: f64,
    /// Packets that passed, both ways.
    pub packets: u64,
    /// Bytes that passed, both ways.
    pub bytes: u64,
}

/// A packet that was dropped; a sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DropStatus {
    /// How long ago, in seconds.
    pub age_seconds: f64,
    /// Whose it was: instance and device; none: of a device that nobody bound.
    pub interface: Option<String>,
    /// `ingress` or `egress`.
    pub direction: &'static str,
    /// Why.
    pub reason: &'static str,
    /// What decided, where rules were asked.
    pub rule: Option<String>,
    /// What it was, as far as that could be read.
    pub packet: String,
}

/// Which flows to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FlowChoice {
    /// None.
    #[default]
    None,
    /// Those of every interface.
    All,
    /// Those of one instance, or of one interface: `web-1`, `web-1/eth0`.
    Of(String),
}

/// A running lab that is looked at.
struct View {
    definition: Definition,
    desired: Desired,
    remembered: Remembered,
}

/// How a lab stands.
///
/// # Errors
/// [`LabError::Unknown`], [`LabError::UnknownInterface`]; the kernel refuses.
pub fn status(lab: &str, flows: &FlowChoice) -> Result<Status, LabError> {
    let view = View::open(lab)?;
    view.check(flows)?;
    kernel::look(lab, |dataplane| view.status(&dataplane, flows))
}

/// How a lab stands, and what was dropped since somebody last asked.
///
/// # Errors
/// [`LabError::Unknown`]; the kernel refuses.
pub fn watch(lab: &str) -> Result<(Status, Vec<DropStatus>), LabError> {
    let view = View::open(lab)?;
    kernel::look(lab, |mut dataplane| {
        let status = view.status(&dataplane, &FlowChoice::None)?;
        let events = dataplane.events(EVENTS_MAX)?;
        let (bindings, classes) = (dataplane.bindings()?, dataplane.classes()?);
        let drops = events.iter().map(|event| view.dropped(event, &bindings, &classes)).collect();
        Ok((status, drops))
    })
}

impl View {
    fn open(lab: &str) -> Result<Self, LabError> {
        crate::lab::require_root()?;
        let unknown = || LabError::Unknown { lab: lab.to_owned() };
        if !namespace::exists(&name::host_namespace(lab)) || !kernel::exists(lab) {
            return Err(unknown());
        }
        // Of a lab that is being removed the file may be gone already.
        let remembered = state::read(lab)?.filter(|of| !of.text.is_empty()).ok_or_else(unknown)?;
        let definition = Definition::parse(&remembered.text)?.renamed(lab)?;
        let desired = crate::lab::desired(&definition)?;
        Ok(Self { definition, desired, remembered })
    }

    /// Whether there is what flows are asked of.
    fn check(&self, flows: &FlowChoice) -> Result<(), LabError> {
        let interfaces = &self.desired.interfaces;
        match flows {
            FlowChoice::Of(name) if !interfaces.iter().any(|wanted| flows.includes(wanted)) => {
                Err(LabError::UnknownInterface {
                    lab: self.desired.lab.clone(),
                    name: name.clone(),
                    interfaces: interfaces.iter().map(full_name).collect(),
                })
            }
            _ => Ok(()),
        }
    }

    fn status(&self, dataplane: &EbpfDataplane, flows: &FlowChoice) -> Result<Status, LabError> {
        let (bindings, classes) = (dataplane.bindings()?, dataplane.classes()?);
        let mut status = Status {
            lab: self.desired.lab.clone(),
            generation: self.remembered.standing.generation,
            complete: self.remembered.standing.complete,
            interfaces: Vec::new(),
            classes: Vec::new(),
            flows: (*flows != FlowChoice::None).then(Vec::new),
        };
        for (wanted, interface) in self.desired.interfaces.iter().zip(self.definition.interfaces()) {
            let found = bindings.iter().find(|found| found.interface == wanted.id && found.present);
            let seen = self.interface(dataplane, (wanted, interface), found, &classes)?;
            status.interfaces.push(seen);
            let (Some(found), Some(listed)) = (found, &mut status.flows) else { continue };
            if flows.includes(wanted) {
                let flows = dataplane.flows(found.binding, FLOWS_MAX)?;
                listed.extend(flows.iter().map(|flow| self.flow(wanted, flow, found, &classes)));
            }
        }
        for found in &classes {
            let members = bindings.iter().filter(|binding| binding.class == Some(found.class)).count();
            status.classes.push(self.class(dataplane, found, members)?);
        }
        Ok(status)
    }

    fn interface(
        &self,
        dataplane: &EbpfDataplane,
        (wanted, interface): (&DesiredInterface, &Interface),
        found: Option<&BindingReport>,
        classes: &[ClassReport],
    ) -> Result<InterfaceStatus, LabError> {
        let class = found.and_then(|found| found.class);
        let plan = classes.iter().find(|of| Some(of.class) == class).and_then(|of| of.plan);
        let drops = match found {
            Some(found) => dataplane.drops(Some(found.binding))?,
            None => dataplane::Drops::default(),
        };
        Ok(InterfaceStatus {
            instance: wanted.instance.clone(),
            device: wanted.wire.inner_device.clone(),
            host_device: wanted.wire.device.clone(),
            network: interface.network.clone(),
            addresses: wanted.wire.addresses.clone(),
            mac: wanted.wire.mac.to_string(),
            groups: interface.groups.clone(),
            class: class.map(|class| class.0),
            generation: plan.map(|plan| plan.generation.0),
            stamp: plan.map(|plan| plan.stamp.0),
            enforced: found.is_some_and(BindingReport::enforced),
            flows: found.map_or(0, |found| found.flows),
            drops: drops.iter().map(|(reason, count)| (reason.name(), count)).collect(),
        })
    }

    fn class(
        &self,
        dataplane: &EbpfDataplane,
        found: &ClassReport,
        interfaces: usize,
    ) -> Result<ClassStatus, LabError> {
        let wanted = self.desired.classes.iter().find(|wanted| wanted.label == found.label);
        let counts = if found.plan.is_some() { dataplane.rule_counts(found.class)? } else { Vec::new() };
        let rules = counts.iter().map(|count| {
            let (group, rule) = self.rule(Some(found), count.direction, count.rule);
            RuleStatus { direction: word(count.direction), group, rule, decisions: count.count }
        });
        Ok(ClassStatus {
            class: found.class.0,
            groups: wanted.map(|wanted| self.desired.groups_of(&wanted.key)),
            interfaces,
            generation: found.plan.map(|plan| plan.generation.0),
            stamp: found.plan.map(|plan| plan.stamp.0),
            current: self.current(found).is_some(),
            rules: rules.collect(),
        })
    }

    /// The class as the file has it, where that is what is in force.
    fn current(&self, found: &ClassReport) -> Option<&DesiredClass> {
        let wanted = self.desired.classes.iter().find(|wanted| wanted.label == found.label)?;
        (found.plan?.digest == wanted.digest).then_some(wanted)
    }

    /// A rule's group and text. Where other rules are in force than the file has, its place is all that is known.
    fn rule(
        &self,
        found: Option<&ClassReport>,
        direction: Direction,
        place: RulePlace,
    ) -> (Option<String>, String) {
        let number = match (place, direction) {
            (RulePlace::Rule(number), _) => number,
            (RulePlace::Implicit, Direction::Ingress) => return (None, "no rule matches: drop".into()),
            (RulePlace::Implicit, Direction::Egress) => return (None, "no rule matches: accept".into()),
            (RulePlace::Exempt, _) => return (None, "no rule is asked".into()),
        };
        let known = || {
            let wanted = self.current(found?)?;
            let planned = wanted.plan.direction(direction).rules.get(usize::try_from(number).ok()?)?;
            let group = self.definition.groups().iter().find(|group| group.id == planned.group)?;
            Some((Some(group.name.clone()), RuleText(group.rules.get(planned.position)?).to_string()))
        };
        known().unwrap_or_else(|| (None, format!("rule {number} of other rules than the file's")))
    }

    fn flow(
        &self,
        wanted: &DesiredInterface,
        flow: &Flow,
        found: &BindingReport,
        classes: &[ClassReport],
    ) -> FlowStatus {
        let class = classes.iter().find(|class| Some(class.class) == found.class);
        let judged = class.is_some_and(|class| class.plan.is_some_and(|plan| plan.stamp == flow.stamp));
        let (group, rule) = match judged {
            true => self.rule(class, flow.begun, flow.rule),
            // It names a rule of the rules that were in force then.
            false => (None, "one of earlier rules; its next packet is judged anew".into()),
        };
        FlowStatus {
            interface: full_name(wanted),
            flow: tuple_text(flow.begun, &flow.tuple),
            rule: group.map_or(rule.clone(), |group| format!("{group}: {rule}")),
            state: flow.state.name(),
            alive: flow.alive,
            age_seconds: flow.age.as_secs_f64(),
            idle_seconds: flow.idle.as_secs_f64(),
            packets: flow.packets_local + flow.packets_remote,
            bytes: flow.bytes_local + flow.bytes_remote,
        }
    }

    fn dropped(&self, event: &Event, bindings: &[BindingReport], classes: &[ClassReport]) -> DropStatus {
        let found = bindings.iter().find(|found| Some(found.binding) == event.binding);
        let wanted =
            found.and_then(|of| self.desired.interfaces.iter().find(|wanted| wanted.id == of.interface));
        let class = classes.iter().find(|class| found.is_some_and(|of| of.class == Some(class.class)));
        let rule = event.rule.map(|place| match self.rule(class, event.direction, place) {
            (Some(group), rule) => format!("{group}: {rule}"),
            (None, rule) => rule,
        });
        DropStatus {
            age_seconds: event.age.as_secs_f64(),
            interface: wanted.map(full_name),
            direction: word(event.direction),
            reason: event.reason.name(),
            rule,
            packet: event.tuple.as_ref().map_or_else(
                || format!("ethertype {:#06x}, {} bytes", event.ethertype, event.length),
                |tuple| packet_text(event.direction, tuple),
            ),
        }
    }
}

impl FlowChoice {
    fn includes(&self, wanted: &DesiredInterface) -> bool {
        match self {
            Self::None => false,
            Self::All => true,
            Self::Of(name) => *name == wanted.instance || *name == full_name(wanted),
        }
    }
}

fn full_name(wanted: &DesiredInterface) -> String {
    format!("{}/{}", wanted.instance, wanted.wire.inner_device)
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
    }
}

fn tuple_text(begun: Direction, tuple: &Tuple) -> String {
    format!("{} {}", word(begun), packet_text(begun, tuple))
}

/// A packet in this direction, in the text form where it has one.
fn packet_text(direction: Direction, tuple: &Tuple) -> String {
    let (local, remote) = ((tuple.local, tuple.local_port), (tuple.remote, tuple.remote_port));
    let (from, to) = match direction {
        Direction::Ingress => (remote, local),
        Direction::Egress => (local, remote),
    };
    match policy::Packet::new(tuple.protocol, from.0, to.0, (from.1, to.1)) {
        Ok(packet) => packet.to_string(),
        Err(error) => error.to_string(),
    }
}
