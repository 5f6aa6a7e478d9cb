//! What is known of interfaces, for those who look.

use std::collections::BTreeMap;

use dataplane::{Binding, ClassId, Dataplane, Device, RulePlace, Stamp};
use model::{
    NetworkInterfaceId, SecurityGroupId,
    rule::{Direction, Policy},
};
use policy::{
    DesiredInterface, PolicyClass, evaluate::implicit, intent::ClassKey, order::in_order, text::RuleText,
};

use super::Enforcer;
use crate::{device::Unfit, outcome::ProblemKind};

/// What is known of an interface that is wanted.
#[derive(Debug, Clone)]
pub struct InterfaceView<'a> {
    /// Which one.
    pub interface: NetworkInterfaceId,
    /// What is wanted of it.
    pub wanted: &'a DesiredInterface,
    /// Its device, where that is there.
    pub device: Option<&'a Device>,
    /// Its binding, where it is bound.
    pub binding: Option<Binding>,
    /// Its class; none is closed.
    pub class: Option<ClassId>,
    /// What is the matter with it.
    pub problem: Option<&'a ProblemKind>,
}

/// A rule, for those who are told what decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRule {
    /// Its group.
    pub group: SecurityGroupId,
    /// Its place in the group, counted from 0.
    pub position: usize,
    /// As one line of text.
    pub text: Box<str>,
}

/// The rules of a class, in the order in which they decide: a place in its plan is one here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    ingress: DirectionRules,
    egress: DirectionRules,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct DirectionRules {
    rules: Box<[NamedRule]>,
    implicit: Policy,
}

impl Rules {
    /// Those of a class.
    pub fn of(class: &PolicyClass) -> Self {
        let of = |direction| {
            let rules = in_order(class, direction).into_iter().map(|placed| NamedRule {
                group: placed.group,
                position: placed.position,
                text: RuleText(placed.rule).to_string().into(),
            });
            DirectionRules { rules: rules.collect(), implicit: implicit(direction).policy }
        };
        Self { ingress: of(Direction::Ingress), egress: of(Direction::Egress) }
    }

    fn of_direction(&self, direction: Direction) -> &DirectionRules {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }

    /// A rule; none where no rule decided.
    pub fn find(&self, direction: Direction, place: RulePlace) -> Option<&NamedRule> {
        match place {
            RulePlace::Rule(place) => self.of_direction(direction).rules.get(usize::try_from(place).ok()?),
            RulePlace::Implicit | RulePlace::Exempt => None,
        }
    }

    /// What happens to a packet that no rule is about.
    pub fn implicit(&self, direction: Direction) -> Policy {
        self.of_direction(direction).implicit
    }
}

impl<D: Dataplane> Enforcer<D> {
    /// The interfaces that are wanted, in order.
    pub fn interfaces(&self) -> impl Iterator<Item = InterfaceView<'_>> {
        self.wanted.desired.interfaces.iter().map(|(interface, wanted)| {
            let bound = self.bound.get(interface);
            InterfaceView {
                interface: *interface,
                wanted,
                device: self.device_of(*interface),
                binding: bound.map(|bound| bound.binding),
                class: bound.and_then(|bound| bound.class),
                problem: self.problems.get(interface),
            }
        })
    }

    /// The binding of an interface.
    pub fn binding_of(&self, interface: NetworkInterfaceId) -> Option<Binding> {
        self.bound.get(&interface).map(|bound| bound.binding)
    }

    /// The interface that a binding stands for.
    pub fn interface_of(&self, binding: Binding) -> Option<NetworkInterfaceId> {
        self.bound.iter().find(|(_, bound)| bound.binding == binding).map(|(interface, _)| *interface)
    }

    /// Every binding, with the interface that it stands for.
    pub fn bindings(&self) -> impl Iterator<Item = (NetworkInterfaceId, Binding)> {
        self.bound.iter().map(|(interface, bound)| (*interface, bound.binding))
    }

    /// The interfaces that are bound, open as their rules say, and were read back so, with the indexes of their devices.
    pub fn in_force(&self) -> BTreeMap<NetworkInterfaceId, u32> {
        let open = self.bound.iter().filter(|(_, bound)| bound.class.is_some());
        let right = open.filter(|(interface, _)| !self.problems.contains_key(interface));
        right.map(|(interface, bound)| (*interface, bound.ifindex)).collect()
    }

    /// The interfaces that are not as they are wanted and that nothing says are closed: packets may pass that should not.
    pub fn possibly_open(&self) -> Vec<NetworkInterfaceId> {
        let is_closed = |interface: NetworkInterfaceId| match self.bound.get(&interface) {
            Some(bound) => {
                let report = self.dataplane.read_back(bound.binding);
                report.is_ok_and(|report| report.enforced() && report.class.is_none())
            }
            None => self.device_of(interface).is_none_or(|device| self.closed.contains_key(&device.ifindex)),
        };
        self.problems
            .iter()
            // It waits for a device that another interface has; or it is in force at one of several; or it was to be bound to
            // the host's own way to the control plane, which is meant to be open.
            .filter(|(_, kind)| {
                !matches!(
                    kind,
                    ProblemKind::SameDevice { .. }
                        | ProblemKind::SameAlias { .. }
                        | ProblemKind::Unfit(Unfit::Uplink)
                )
            })
            .map(|(interface, _)| *interface)
            .filter(|interface| !is_closed(*interface))
            .collect()
    }

    /// The class that is wanted for an interface.
    pub fn class_of(&self, interface: NetworkInterfaceId) -> Option<&ClassKey> {
        self.intent.class_of(interface)
    }

    /// The switch that put the plan in force that a class has: flows with this stamp were judged by it.
    pub fn stamp_of(&self, class: &ClassKey) -> Option<Stamp> {
        self.classes.get(&class.label())?.plan.map(|plan| plan.stamp)
    }

    /// The rules of a class, in the order in which they decide. It is computed.
    pub fn rules_of(&self, class: &ClassKey) -> Option<Rules> {
        self.intent.class(class).map(Rules::of)
    }

    /// The class that an interface has in the kernel; none is closed.
    pub fn class_in_force(&self, interface: NetworkInterfaceId) -> Option<ClassId> {
        self.bound.get(&interface)?.class
    }
}
