//! How a binding stands at its node, from what is known of that node. Pure.

use model::{NetworkInterfaceId, node::NodeStatus};

use super::{Delay, NodeStanding, NotInForce};

/// How a binding stands.
#[derive(Debug, Clone, PartialEq)]
pub enum BindingState {
    /// Its node is revoked: it follows nobody, and nobody hears what is in force there.
    NodeGone,
    /// Its node has not confirmed everything that concerns it.
    Pending(Delay),
    /// Its node cannot bring it into force, for this reason.
    NotInForce(Box<str>),
    /// Its node has confirmed everything, and its device is not there. Nothing passes by a device that is not there, and
    /// where the name is wrong nothing is ever enforced.
    Absent,
    /// Its node has read it back from its kernel.
    Enforced,
}

impl NodeStanding {
    /// How a binding to this node stands, whose status in the state is that; none: it is not known. `made` is the change
    /// that it is about, where one is meant, such as the one that made the binding: whatever else the node has not confirmed
    /// does not count then.
    pub fn binding(
        &self,
        status: Option<NodeStatus>,
        interface: NetworkInterfaceId,
        made: Option<u64>,
    ) -> BindingState {
        if status == Some(NodeStatus::Gone) {
            return BindingState::NodeGone;
        }
        // What a node said before the change was made was about what was so before it.
        let said = self.not_in_force.as_ref().filter(|of| made.is_none_or(|made| of.generation >= made));
        let own = said.and_then(|of| {
            let problem = of.problems.iter().find(|problem| problem.interface == interface)?;
            Some(problem.message.clone())
        });
        if let Some(message) = own {
            return BindingState::NotInForce(message);
        }
        let is_enough =
            |confirmed| self.generations_behind == 0 || made.is_some_and(|made| confirmed >= made);
        match self.confirmed_generation {
            Some(confirmed) if is_enough(confirmed) && self.absent.contains(&interface) => {
                BindingState::Absent
            }
            Some(confirmed) if is_enough(confirmed) => BindingState::Enforced,
            _ => BindingState::Pending(self.delay()),
        }
    }

    /// How a binding stands that its node confirmed once, where the node has said since that what it obeys is not in force
    /// everywhere, but named other interfaces alone; none: that is not so.
    ///
    /// `change` is the last one about the interface: what a node says of less, which it has come back with, says nothing of it.
    pub fn binding_beside(&self, interface: NetworkInterfaceId, change: u64) -> Option<BindingState> {
        let NotInForce { generation, problems, problem_count } = &**self.not_in_force.as_ref()?;
        if *generation < change {
            return None;
        }
        let is_whole = u64::try_from(problems.len()).is_ok_and(|listed| listed == *problem_count);
        let is_named = problems.iter().any(|problem| problem.interface == interface);
        if is_named || !is_whole || self.regression.is_some() {
            return None;
        }
        let is_absent = self.absent.contains(&interface);
        Some(if is_absent { BindingState::Absent } else { BindingState::Enforced })
    }

    /// Why the node as a whole is behind.
    pub fn delay(&self) -> Delay {
        if let Some(own) = self.regression.filter(|own| !own.readmitted) {
            return Delay::Regressed { generation: own.generation };
        }
        match (&self.connection, self.disconnected_at) {
            (None, Some(since)) => return Delay::NotConnected { since },
            (None, None) => return Delay::NeverConnected,
            (Some(_), _) => {}
        }
        match (&self.refused, &self.not_in_force) {
            (Some(refused), _) => Delay::Refused(refused.clone()),
            (None, Some(own)) => Delay::NotInForce(own.clone()),
            (None, None) => Delay::NotAnswered,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::UnixMillis;

    use super::*;
    use crate::fleet::{NodeConnection, NodeProblem, Regression};

    const READY: Option<NodeStatus> = Some(NodeStatus::Ready);

    #[test]
    fn a_binding_stands_as_its_node_has_said_last() {
        let [own, other] = [1, 2].map(NetworkInterfaceId::from_number);
        let mut standing = NodeStanding::default();
        assert_eq!(standing.binding(READY, own, None), BindingState::Pending(Delay::NeverConnected));
        standing.connection = Some(NodeConnection {
            since: UnixMillis(0),
            source: ([192, 0, 2, 1], 1).into(),
            agent_version: "1".into(),
            booted_at: None,
        });
        assert_eq!(standing.binding(READY, own, None), BindingState::Pending(Delay::NotAnswered));
        standing.confirmed_generation = Some(7);
        standing.absent = Arc::new([own].into());
        assert_eq!(standing.binding(READY, own, None), BindingState::Absent);
        assert_eq!(standing.binding(READY, other, None), BindingState::Enforced);
        assert_eq!(standing.binding(Some(NodeStatus::Gone), other, None), BindingState::NodeGone);
        standing.generations_behind = 1;
        assert_eq!(standing.binding(READY, own, None), BindingState::Pending(Delay::NotAnswered));
        assert_eq!(
            standing.binding(READY, own, Some(7)),
            BindingState::Absent,
            "what is newer does not count"
        );
        assert_eq!(standing.binding(READY, own, Some(8)), BindingState::Pending(Delay::NotAnswered));
        let problems = vec![NodeProblem { interface: own, message: "closed".into() }];
        let not_in_force = Arc::new(NotInForce { generation: 8, problems, problem_count: 1 });
        standing.not_in_force = Some(Arc::clone(&not_in_force));
        standing.confirmed_generation = None;
        for made in [None, Some(8)] {
            assert_eq!(standing.binding(READY, own, made), BindingState::NotInForce("closed".into()));
        }
        let pending = BindingState::Pending(Delay::NotInForce(Arc::clone(&not_in_force)));
        assert_eq!(standing.binding(READY, own, Some(9)), pending, "that was said of the binding before");
        assert_eq!(
            standing.binding(READY, other, None),
            BindingState::Pending(Delay::NotInForce(not_in_force))
        );
    }

    #[test]
    fn beside_what_is_not_in_force_stands_what_is_not_named() {
        let [own, other] = [1, 2].map(NetworkInterfaceId::from_number);
        let mut standing = NodeStanding::default();
        assert_eq!(standing.binding_beside(own, 8), None, "the node may have come back with less");
        let problem = NodeProblem { interface: other, message: "closed".into() };
        let said = |problem_count| {
            Some(Arc::new(NotInForce { generation: 8, problems: vec![problem.clone()], problem_count }))
        };
        standing.not_in_force = said(1);
        assert_eq!(standing.binding_beside(own, 8), Some(BindingState::Enforced));
        assert_eq!(standing.binding_beside(own, 9), None, "it has come back without that change");
        assert_eq!(standing.binding_beside(other, 8), None);
        standing.absent = Arc::new([own].into());
        assert_eq!(standing.binding_beside(own, 8), Some(BindingState::Absent));
        standing.not_in_force = said(2);
        assert_eq!(standing.binding_beside(own, 8), None, "the one that is not listed may be this one");
        standing.not_in_force = said(1);
        standing.regression = Some(Regression { generation: 9, found_at: UnixMillis(0), readmitted: false });
        assert_eq!(standing.binding_beside(own, 8), None);
    }
}
