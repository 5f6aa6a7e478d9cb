//! Rules that no packet has used, as far as nodes can tell.
//!
//! A node counts how often each rule decides, for all its interfaces that are in the same groups together, from when these
//! groups last changed at the latest. So much is known of a rule that has decided nothing there and has no flow: since the
//! later of that change, the interface's own and the node's boot no packet has used it. What a node does not answer, counts for
//! too short a time, or counts of other rules than those that are here, is not known, and is said to be so.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use model::{
    AccountId, EntityKey, NetworkInterfaceId, NodeId, SecurityGroupId, State, UnixMillis,
    interface::NetworkInterface, rule::Rule, security_group::SecurityGroup,
};
use policy::text::RuleText;
use tokio::{task::JoinSet, time::Instant};

use super::{FindingsError, FoundRule, sorted};
use crate::{
    activity::{Activity, Touched},
    control::Control,
    fleet::{Answer, AskError, Question, RuleCounters},
    published::{Read, Unavailable},
};

/// The most classes at nodes that are asked about.
const ASKED_MAX: usize = 64;

/// Which rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnusedScope {
    /// Those of a group, wherever it is enforced.
    Group(SecurityGroupId),
    /// Those of all groups of an interface, there.
    Interface(NetworkInterfaceId),
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct UnusedWish {
    /// Whose.
    pub account: AccountId,
    /// Which rules.
    pub scope: UnusedScope,
    /// Rules that no packet has used since this time; none: since nodes count.
    pub since: Option<UnixMillis>,
    /// How long nodes may take.
    pub wait: Duration,
}

/// A rule that no packet has used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// The rule.
    pub rule: FoundRule,
    /// Since when, at every node that enforces it.
    pub since: UnixMillis,
    /// How many nodes said so.
    pub node_count: usize,
}

/// What nodes said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnusedFound {
    /// The rules, group by group.
    pub unused: Vec<Unused>,
    /// Rules of which it is not known.
    pub unknown: usize,
    /// How many rules have been used.
    pub used: usize,
    /// The nodes that did not answer, and why.
    pub silent: Vec<(NodeId, AskError)>,
    /// How many interfaces that are bound to no node have the rules: no packet of theirs is judged by them.
    pub unbound_count: usize,
    /// How many classes at nodes were not asked about, because they are too many.
    pub left_out: usize,
}

/// One class at one node, asked about by one of its interfaces.
struct Place {
    node: NodeId,
    interface: NetworkInterfaceId,
    groups: Vec<SecurityGroupId>,
}

struct Gathered {
    /// The rules that are looked at.
    groups: Vec<Arc<SecurityGroup>>,
    places: Vec<Place>,
    left_out: usize,
    unbound_count: usize,
}

/// What is known of one rule.
#[derive(Default)]
struct Known {
    used: bool,
    unknown: bool,
    since: Option<UnixMillis>,
    nodes: BTreeSet<NodeId>,
}

impl Control {
    /// Rules that no packet has used, as far as the nodes can tell that enforce them.
    ///
    /// # Errors
    /// What is named does not exist, or the state cannot be shown.
    pub async fn unused_rules(&self, wish: UnusedWish) -> Result<UnusedFound, FindingsError> {
        let Read { value: gathered, generation } = self.read(|state| gather(state, &wish)).await?;
        let Gathered { groups, places, left_out, unbound_count } = gathered?;
        let mut found = UnusedFound { left_out, unbound_count, ..UnusedFound::default() };
        let deadline = Instant::now() + wish.wait;
        let mut by_node: BTreeMap<NodeId, Vec<Place>> = BTreeMap::new();
        for place in places {
            by_node.entry(place.node).or_default().push(place);
        }
        let mut asking = JoinSet::new();
        for places in by_node.into_values() {
            asking.spawn(ask_node(self.clone(), places, deadline));
        }
        let mut known: BTreeMap<(SecurityGroupId, usize), Known> = BTreeMap::new();
        for group in &groups {
            let rules = (0..group.rules.len()).map(|position| ((group.id, position), Known::default()));
            known.extend(rules);
        }
        let rules: BTreeMap<SecurityGroupId, &[Rule]> =
            groups.iter().map(|group| (group.id, group.rules.as_slice())).collect();
        let mut answers = Vec::new();
        while let Some(answered) = asking.join_next().await {
            answers.extend(answered.map_err(|_| Unavailable)?);
        }
        for (place, answer) in answers {
            match answer {
                Ok(Answer::Counters(counters)) => {
                    let since = counting_since(self, &place, generation);
                    take(&mut known, &rules, &place, &counters.rules, since);
                }
                answer => {
                    let wrong = || AskError::Failed("it answered something else".into());
                    found.silent.push((place.node, answer.err().unwrap_or_else(wrong)));
                    not_known(&mut known, &place);
                }
            }
        }
        found.silent.sort_by_key(|(node, _)| *node);
        found.silent.dedup_by_key(|(node, _)| *node);
        sum_up(&mut found, known, &rules, wish.since);
        Ok(found)
    }
}

/// Asks one node about its classes, one after the other: a node has few places for questions, and others ask too.
async fn ask_node(
    control: Control,
    places: Vec<Place>,
    deadline: Instant,
) -> Vec<(Place, Result<Answer, AskError>)> {
    let mut answers = Vec::with_capacity(places.len());
    for place in places {
        let question = Question::Counters { interface: place.interface };
        let left = deadline.saturating_duration_since(Instant::now());
        let answer = control.ask(place.node, question, left).await;
        answers.push((place, answer));
    }
    answers
}

/// Since when a node counts for a class, at the latest.
fn counting_since(control: &Control, place: &Place, generation: u64) -> Option<UnixMillis> {
    let activity: &Activity = &control.core().activity;
    let own = [EntityKey::Interface(place.interface), EntityKey::Binding(place.interface)];
    let groups = place.groups.iter().map(|group| EntityKey::SecurityGroup(*group));
    // Who joins a group may bring its rules to the node, or take the place of the class that counted there.
    let members = place.groups.iter().map(|group| Touched::MembersOf(*group));
    let touched: Vec<Touched> = own.into_iter().chain(groups).map(Touched::Entity).chain(members).collect();
    let last = activity.last_touched(&touched, generation);
    let changed = match last {
        Some(last) => activity.event(last).map(|event| event.at),
        // Nothing of it has changed for as long as history goes back.
        None => activity.oldest().map(|(_, at)| at),
    }?;
    // What a record touched that is not understood, nobody knows.
    if activity.first_damaged_after(last.unwrap_or(0)).is_some() {
        return None;
    }
    let standing = control.standing(place.node);
    // A node that has not confirmed the change may count what was before it.
    if last.is_some_and(|last| standing.confirmed_generation.is_none_or(|confirmed| confirmed < last)) {
        return None;
    }
    let booted = standing.connection.and_then(|connection| connection.booted_at)?;
    Some(changed.max(booted))
}

fn take(
    known: &mut BTreeMap<(SecurityGroupId, usize), Known>,
    rules: &BTreeMap<SecurityGroupId, &[Rule]>,
    place: &Place,
    counted: &[RuleCounters],
    since: Option<UnixMillis>,
) {
    let mut seen = BTreeSet::new();
    for counters in counted {
        let Some(of) = counters.rule else { continue };
        let Ok(position) = usize::try_from(of.rule) else { continue };
        let (Some(own), Some(rule)) =
            (known.get_mut(&(of.group, position)), rules.get(&of.group).and_then(|own| own.get(position)))
        else {
            continue;
        };
        // A node that is behind may count for another rule at this place.
        if *counters.rule_text != *RuleText(rule).to_string() {
            continue;
        }
        seen.insert((of.group, position));
        own.used |= counters.decisions > 0 || counters.flow_count > 0;
        own.nodes.insert(place.node);
        match since {
            Some(since) => own.since = Some(own.since.map_or(since, |before| before.max(since))),
            None => own.unknown = true,
        }
    }
    for (key, own) in known.iter_mut() {
        own.unknown |= place.groups.contains(&key.0) && !seen.contains(key);
    }
}

fn not_known(known: &mut BTreeMap<(SecurityGroupId, usize), Known>, place: &Place) {
    let of_place = known.iter_mut().filter(|((group, _), _)| place.groups.contains(group));
    of_place.for_each(|(_, own)| own.unknown = true);
}

fn sum_up(
    found: &mut UnusedFound,
    known: BTreeMap<(SecurityGroupId, usize), Known>,
    rules: &BTreeMap<SecurityGroupId, &[Rule]>,
    wanted: Option<UnixMillis>,
) {
    // Another node may have seen what these have not.
    let is_whole = found.left_out == 0;
    for ((group, position), own) in known {
        let rule = rules.get(&group).and_then(|own| own.get(position));
        match (own.since, rule) {
            _ if own.used => found.used += 1,
            (Some(since), Some(rule))
                if !own.unknown && is_whole && wanted.is_none_or(|wanted| since <= wanted) =>
            {
                let text = RuleText(rule).to_string();
                let rule = FoundRule { group, position, text };
                found.unused.push(Unused { rule, since, node_count: own.nodes.len() });
            }
            _ => found.unknown += 1,
        }
    }
}

fn gather(state: &State, wish: &UnusedWish) -> Result<Gathered, FindingsError> {
    let group = |id: &SecurityGroupId| state.groups().get(id).cloned();
    let (groups, interfaces): (Vec<_>, Vec<&Arc<NetworkInterface>>) = match wish.scope {
        UnusedScope::Group(id) => {
            let own = state.groups().of(wish.account, &id).ok_or(FindingsError::GroupNotFound)?;
            (vec![Arc::clone(own)], state.members(id).collect())
        }
        UnusedScope::Interface(id) => {
            let own = state.interfaces().of(wish.account, &id).ok_or(FindingsError::InterfaceNotFound)?;
            (own.groups.iter().filter_map(group).collect(), vec![own])
        }
    };
    let mut places: BTreeMap<(NodeId, Vec<SecurityGroupId>), NetworkInterfaceId> = BTreeMap::new();
    let mut unbound_count = 0;
    for interface in interfaces {
        match state.bindings().get(&interface.id) {
            Some(binding) => {
                places.entry((binding.node, sorted(interface))).or_insert(interface.id);
            }
            None => unbound_count += 1,
        }
    }
    let left_out = places.len().saturating_sub(ASKED_MAX);
    let place = |((node, groups), interface)| Place { node, interface, groups };
    let places = places.into_iter().take(ASKED_MAX).map(place).collect();
    Ok(Gathered { groups, places, left_out, unbound_count })
}
