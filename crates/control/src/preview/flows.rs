//! The flows of the interfaces that a change concerns, and what would become of each.

use std::{cmp::Reverse, collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use model::{
    NetworkInterfaceId, NodeId,
    rule::{Direction, Policy},
};
use policy::{Packet, PolicyClass, evaluate, text::Flow};
use tokio::{task::JoinSet, time::Instant};

use super::{Computed, PreviewBounds, concerned::ConcernedClasses};
use crate::{
    control::Control,
    fleet::{ANSWERED_MAX, Answer, AskError, Decision, FlowFilter, NodeFlow, Question},
};

/// What would become of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FlowFate {
    /// Its next packet would be its end.
    Cut,
    /// It was cut before, and would live again.
    Revived,
    /// It would go on.
    Continues,
}

/// A flow, and what would become of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedFlow {
    /// The interface.
    pub interface: NetworkInterfaceId,
    /// The node that sees it.
    pub node: NodeId,
    /// The flow.
    pub flow: NodeFlow,
    /// What would become of it.
    pub fate: FlowFate,
}

/// A node that was to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedNode {
    /// The node.
    pub node: NodeId,
    /// What it is called.
    pub name: Box<str>,
    /// How many interfaces it was asked about.
    pub asked: usize,
    /// How many it answered about.
    pub answered: usize,
    /// How many flows it has beside those that it answered.
    pub left_out: u64,
    /// Why it did not answer about all.
    pub error: Option<AskError>,
}

/// What nodes answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlowsFound {
    /// Whether nodes were asked at all.
    pub asked: bool,
    /// The flows: those that would be cut first, of them those with the caller's address, then those that had a packet last.
    /// Of more than may be listed some of each fate.
    pub listed: Vec<JudgedFlow>,
    /// How many would be cut, of those that nodes answered.
    pub cut: usize,
    /// How many would live again.
    pub revived: usize,
    /// How many would go on.
    pub continuing: usize,
    /// The nodes, by id.
    pub nodes: Vec<AskedNode>,
    /// How many interfaces that are bound to a node were not asked about, because they are too many.
    pub interfaces_left_out: usize,
}

impl FlowsFound {
    /// Whether nodes answered everything: what is not here, is not.
    pub fn is_whole(&self) -> bool {
        let whole = |node: &AskedNode| node.error.is_none() && node.left_out == 0;
        self.asked && self.interfaces_left_out == 0 && self.nodes.iter().all(whole)
    }
}

/// Whether a flow is with an address.
pub(super) fn is_with(flow: &NodeFlow, address: IpAddr) -> bool {
    [flow.remote_address, flow.local_address].contains(&address.to_canonical())
}

/// The packet that began a flow, as its interface saw it; none: its addresses are of two families, which never is so.
pub(crate) fn begun(flow: &NodeFlow) -> Option<Flow> {
    let (local, remote) = ((flow.local_address, flow.local_port), (flow.remote_address, flow.remote_port));
    let (from, to) = match flow.direction {
        Direction::Ingress => (remote, local),
        Direction::Egress => (local, remote),
    };
    let first = Packet::new(flow.protocol, from.0, to.0, (from.1, to.1)).ok()?;
    Some(Flow { direction: flow.direction, first })
}

/// For how long a flow that was ended must have been silent to count as over.
const OVER_AFTER: Duration = Duration::from_secs(5);

/// Whether both sides have ended it, or one has reset it, and neither has been heard since: it is remembered for what is still
/// on its way. Nodes go by flags alone, not by sequence numbers: what is still heard after a FIN or a reset may be a connection
/// that goes on, whose packets pass.
fn is_over(flow: &NodeFlow) -> bool {
    matches!(&*flow.state, "time_wait" | "closed") && flow.idle >= OVER_AFTER
}

/// What becomes of a flow under a policy; none: it is gone, and stays so.
pub(crate) fn fate(flow: &NodeFlow, after: &PolicyClass) -> Option<FlowFate> {
    let begun = begun(flow)?;
    if flow.decision == Some(Decision::Exempt) {
        // No rule was asked about it, nor will be.
        return flow.alive.then_some(FlowFate::Continues);
    }
    match (flow.alive, evaluate(after, begun.direction, &begun.first).policy) {
        (true, Policy::Accept) => Some(FlowFate::Continues),
        // Nothing of it is left to cut or to live again.
        _ if is_over(flow) => None,
        (true, Policy::Drop) => Some(FlowFate::Cut),
        (false, Policy::Accept) => Some(FlowFate::Revived),
        (false, Policy::Drop) => None,
    }
}

type Wanted = (NetworkInterfaceId, Arc<PolicyClass>);

/// Asks the nodes for the flows of the interfaces, each about one after the other and all nodes at once.
pub(super) async fn ask(
    control: &Control,
    computed: &[Computed],
    concerned: &ConcernedClasses,
    wait: Duration,
    source: Option<IpAddr>,
    bounds: PreviewBounds,
) -> FlowsFound {
    let mut found = FlowsFound { asked: !wait.is_zero(), ..FlowsFound::default() };
    let mut by_node: BTreeMap<NodeId, Vec<Wanted>> = BTreeMap::new();
    let mut bound = 0;
    for class in &concerned.classes {
        bound += class.interfaces.iter().filter(|own| own.node.is_some()).count();
    }
    let wanted = computed.iter().filter_map(|own| Some((own, own.after.as_ref()?)));
    let wanted = wanted.flat_map(|(own, after)| own.change.interfaces.iter().map(move |one| (one, after)));
    let wanted = wanted.filter_map(|(one, after)| Some((one.node?, (one.id, Arc::clone(after)))));
    let mut count = 0;
    for (node, wanted) in wanted.take(bounds.asked_interfaces_max) {
        count += 1;
        by_node.entry(node).or_default().push(wanted);
    }
    found.interfaces_left_out = bound - count;
    if !found.asked {
        return found;
    }
    let deadline = Instant::now() + wait;
    let mut asking = JoinSet::new();
    for (node, wanted) in by_node {
        let name = concerned.nodes.get(&node).cloned().unwrap_or_default();
        asking.spawn(ask_node(control.clone(), (node, name), wanted, deadline));
    }
    while let Some(answered) = asking.join_next().await {
        if let Ok((node, flows)) = answered {
            found.nodes.push(node);
            found.listed.extend(flows);
        }
    }
    found.nodes.sort_by_key(|own| own.node);
    let count = |fate| found.listed.iter().filter(|own| own.fate == fate).count();
    (found.cut, found.revived, found.continuing) =
        (count(FlowFate::Cut), count(FlowFate::Revived), count(FlowFate::Continues));
    // What concerns the caller is not what the list is cut short by, however long it has been idle.
    let is_foreign = |own: &JudgedFlow| !source.is_some_and(|source| is_with(&own.flow, source));
    found.listed.sort_by_key(|own| (own.fate, is_foreign(own), own.flow.idle, Reverse(own.flow.age)));
    shorten(&mut found.listed, bounds.flows_max);
    found
}

/// Cuts a list that is sorted by fate short, so that of each fate some are left: a tenth of it, where there are as many.
fn shorten(listed: &mut Vec<JudgedFlow>, most: usize) {
    const FATES: [FlowFate; 3] = [FlowFate::Cut, FlowFate::Revived, FlowFate::Continues];
    if listed.len() <= most {
        return;
    }
    let counts = FATES.map(|fate| listed.iter().filter(|own| own.fate == fate).count());
    let kept = counts.map(|count| count.min(most / 10));
    let mut spare = most.saturating_sub(kept.iter().sum());
    let mut left = Vec::with_capacity(FATES.len());
    for (fate, (count, kept)) in FATES.into_iter().zip(counts.into_iter().zip(kept)) {
        let more = (count - kept).min(spare);
        spare -= more;
        left.push((fate, kept + more));
    }
    listed.retain(|own| match left.iter_mut().find(|(fate, left)| *fate == own.fate && *left > 0) {
        Some((_, left)) => {
            *left -= 1;
            true
        }
        None => false,
    });
}

async fn ask_node(
    control: Control,
    (node, name): (NodeId, Box<str>),
    wanted: Vec<Wanted>,
    deadline: Instant,
) -> (AskedNode, Vec<JudgedFlow>) {
    let mut asked = AskedNode { node, name, asked: wanted.len(), answered: 0, left_out: 0, error: None };
    let mut judged = Vec::new();
    for (interface, after) in wanted {
        let question = Question::Flows { interface, most: ANSWERED_MAX, filter: FlowFilter::default() };
        match control.ask(node, question, deadline.saturating_duration_since(Instant::now())).await {
            Ok(Answer::Flows { flows, left_out }) => {
                asked.answered += 1;
                asked.left_out = asked.left_out.saturating_add(left_out);
                let fates = flows.into_iter().filter_map(|flow| {
                    let fate = fate(&flow, &after)?;
                    Some(JudgedFlow { interface, node, flow, fate })
                });
                judged.extend(fates);
            }
            // Another answer than the one to the question is none.
            Ok(_) => asked.error = Some(AskError::Failed("it answered something else".into())),
            Err(error) => {
                let goes_on = matches!(error, AskError::Failed(_));
                asked.error = Some(error);
                if !goes_on {
                    break;
                }
            }
        }
    }
    (asked, judged)
}

#[cfg(test)]
mod tests {
    use model::SecurityGroupId;
    use policy::{Group, text::parse_rule};

    use super::*;

    fn flow(state: &str, alive: bool, idle: Duration) -> NodeFlow {
        NodeFlow {
            direction: Direction::Ingress,
            protocol: policy::packet::protocol::TCP,
            local_address: [10, 0, 0, 7].into(),
            remote_address: [192, 0, 2, 9].into(),
            local_port: 443,
            remote_port: 49_152,
            alive,
            rule: None,
            age: Duration::ZERO,
            idle,
            packets_in: 1,
            bytes_in: 1,
            packets_out: 1,
            bytes_out: 1,
            state: state.into(),
            decision: None,
            rule_text: "".into(),
        }
    }

    /// A class that accepts what these flows began with.
    fn everything() -> PolicyClass {
        let rules = Arc::from([parse_rule("ingress accept tcp to port 443").unwrap()]);
        PolicyClass::new([Group { id: SecurityGroupId::from_entropy(1), rules }]).unwrap()
    }

    #[test]
    fn of_many_flows_some_of_each_fate_are_listed() {
        let judged = |fate| JudgedFlow {
            interface: NetworkInterfaceId::from_number(1),
            node: NodeId::from_number(1),
            flow: flow("established", true, Duration::ZERO),
            fate,
        };
        let many = |cut: usize, revived: usize, continuing: usize| {
            let fates =
                [(FlowFate::Cut, cut), (FlowFate::Revived, revived), (FlowFate::Continues, continuing)];
            let mut all: Vec<_> =
                fates.iter().flat_map(|(fate, count)| vec![judged(*fate); *count]).collect();
            shorten(&mut all, 20);
            fates.map(|(fate, _)| all.iter().filter(|own| own.fate == fate).count())
        };
        assert_eq!(many(70, 0, 4), [18, 0, 2]);
        assert_eq!(many(70, 1, 400), [17, 1, 2]);
        assert_eq!(many(3, 0, 400), [3, 0, 17]);
        assert_eq!(many(10, 5, 5), [10, 5, 5]);
    }

    #[test]
    fn what_is_over_already_is_neither_cut_nor_revived() {
        // Who is in no group accepts nothing new.
        let nothing = PolicyClass::default();
        assert_eq!(fate(&flow("established", true, OVER_AFTER), &nothing), Some(FlowFate::Cut));
        assert_eq!(fate(&flow("fin_wait", true, OVER_AFTER), &nothing), Some(FlowFate::Cut));
        assert_eq!(fate(&flow("established", false, OVER_AFTER), &nothing), None);
        assert_eq!(fate(&flow("established", false, OVER_AFTER), &everything()), Some(FlowFate::Revived));
        for state in ["time_wait", "closed"] {
            assert_eq!(fate(&flow(state, true, OVER_AFTER), &nothing), None, "{state}");
            assert_eq!(fate(&flow(state, false, OVER_AFTER), &everything()), None, "{state}");
        }
    }

    #[test]
    fn what_was_ended_and_is_still_heard_is_cut_or_revived() {
        let heard = OVER_AFTER - Duration::from_millis(1);
        for state in ["time_wait", "closed"] {
            assert_eq!(
                fate(&flow(state, true, heard), &PolicyClass::default()),
                Some(FlowFate::Cut),
                "{state}"
            );
            assert_eq!(fate(&flow(state, false, heard), &everything()), Some(FlowFate::Revived), "{state}");
        }
    }
}
