//! Random changes of groups, rules and memberships. Each is previewed, then made, and what the preview said is compared with
//! what became of every interface; traffic is explained after each, and again at the end, of that moment.

use std::{collections::BTreeMap, time::Duration};

use control::{
    Control,
    past::AsOf,
    preview::{Preview, PreviewBounds, PreviewError, PreviewWish},
    traffic::{End, Smallest, Traffic, TrafficWish},
};
use model::{
    AccountId, Actor, Command, NetworkInterfaceId, SecurityGroupId, State,
    command::SecurityGroupCommand,
    refusal::Target,
    rule::{Direction, Rule},
};
use policy::{
    Group, PolicyClass,
    difference::{Bounds, Difference},
    evaluate,
    flip::SingleChange,
    testing::{Random, packet, rules},
};
use proptest::prelude::*;

use crate::site::Site;

const BOUNDS: PreviewBounds = PreviewBounds {
    policies_max: 20,
    difference: Bounds { pieces_max: 1_000, work_max: 2_000_000 },
    more_work_max: 0,
    asked_interfaces_max: 64,
    flows_max: 200,
};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

/// The policy class of an interface, from the state alone.
fn class(state: &State, interface: NetworkInterfaceId) -> PolicyClass {
    let own = state.interfaces().get(&interface).unwrap();
    let groups = own.groups.iter().map(|id| {
        let group = state.groups().get(id).unwrap();
        Group { id: *id, rules: group.rules.as_slice().into() }
    });
    PolicyClass::new(groups).unwrap()
}

fn classes(
    control: &Control,
    interfaces: &[NetworkInterfaceId],
) -> BTreeMap<NetworkInterfaceId, PolicyClass> {
    let all = |state: &State| interfaces.iter().map(|id| (*id, class(state, *id))).collect();
    control.read_blocking(all).unwrap().value
}

fn rules_of(control: &Control, group: SecurityGroupId) -> Vec<Rule> {
    control.read_blocking(|state| state.groups().get(&group).unwrap().rules.clone()).unwrap().value
}

/// A change of one of these groups, for one of these interfaces; not always a legal one.
fn change(
    random: &mut Random,
    control: &Control,
    groups: &[SecurityGroupId],
    interfaces: &[NetworkInterfaceId],
) -> SecurityGroupCommand {
    let group = random.one_of(groups);
    let target = Target::Interface(random.one_of(interfaces));
    match random.below(6) {
        0 => SecurityGroupCommand::Join { group, target },
        1 | 2 => SecurityGroupCommand::Leave { group, target },
        3 | 4 => {
            let count = 1 + random.below(4);
            SecurityGroupCommand::AddRules { group, rules: rules(random, count) }
        }
        _ => {
            let own = rules_of(control, group);
            let one = if own.is_empty() {
                rules(random, 1).remove(0)
            } else {
                own[random.below(own.len())].clone()
            };
            SecurityGroupCommand::RemoveRules { group, rules: vec![one] }
        }
    }
}

async fn preview(
    control: &Control,
    actor: Actor,
    command: &SecurityGroupCommand,
) -> Result<Preview, PreviewError> {
    let wish = PreviewWish {
        actor,
        command: Command::SecurityGroup(command.clone()),
        source: None,
        flow_wait: Duration::ZERO,
        bounds: BOUNDS,
    };
    control.preview(wish).await
}

/// What an explanation says, without where enforcement stands and what is only told of the present.
fn said(traffic: &Traffic) -> String {
    let side = |own: &control::traffic::Side| {
        let since: Vec<_> = own
            .memberships
            .iter()
            .map(|of| (of.group.id, of.since.as_ref().map(|event| event.place.generation)))
            .collect();
        let smallest = own.smallest.as_ref().map(|own| (own.flip.change.to_string(), own.not_compared));
        format!("{} {since:?} {smallest:?}", own.explanation(1_000))
    };
    format!(
        "{} {:?} {:?} {:?}",
        traffic.generation,
        traffic.verdict(),
        traffic.source.as_ref().map(side),
        traffic.destination.as_ref().map(side)
    )
}

fn wish(
    account: AccountId,
    random: &mut Random,
    class: &PolicyClass,
    own: NetworkInterfaceId,
) -> TrafficWish {
    let (direction, packet) = packet(random, class);
    let ports = (packet.source_port(), packet.destination_port());
    let (from, to) = match direction {
        Direction::Ingress => (End::Address(packet.source()), End::Interface(own)),
        Direction::Egress => (End::Interface(own), End::Address(packet.destination())),
    };
    TrafficWish { account, from, to, protocol: packet.protocol(), ports, as_of: None }
}

/// Explains traffic of an interface, compares it with the evaluator, and gives what was asked and said.
async fn explained(
    site: &Site,
    random: &mut Random,
    own: NetworkInterfaceId,
) -> Option<(TrafficWish, String)> {
    let account = site.actor.account().unwrap();
    let class = classes(&site.control, &[own]).remove(&own).unwrap();
    let wish = wish(account, random, &class, own);
    // The interfaces of the site have no IPv6 addresses.
    let traffic = site.control.explain_traffic(wish.clone()).await.ok()?;
    let sides = [&traffic.source, &traffic.destination].into_iter().flatten();
    let side = sides.into_iter().find(|side| side.interface == own).unwrap();
    let decision = evaluate(&class, side.flow.direction, &side.flow.first);
    assert_eq!(side.verdict, decision.policy);
    assert_eq!(side.explanation(10).decision, decision);
    assert_eq!(side.class, class);
    if let Some(Smallest { flip, .. }) = &side.smallest {
        let after = flip.change.apply(&class).unwrap();
        assert_ne!(evaluate(&after, side.flow.direction, &side.flow.first).policy, decision.policy);
        assert!(!matches!(flip.change, SingleChange::JoinGroup { .. }) || class.groups().is_empty());
    }
    Some((wish, said(&traffic)))
}

/// Walks; gives how many changes differed for somebody, and how many explanations were compared.
fn walk(seed: u64) -> (usize, usize) {
    let site = Site::new();
    let (control, runtime) = (&site.control, runtime());
    let mut random = Random::new(seed);
    let interfaces: Vec<NetworkInterfaceId> = site.interfaces.concat();
    let (mut then, mut differing) = (Vec::new(), 0);
    for _ in 0..12 {
        let command = change(&mut random, control, &site.groups, &interfaces);
        let before = classes(control, &interfaces);
        let generation = control.status().generation;
        let previewed = runtime.block_on(preview(control, site.actor, &command));
        assert_eq!(control.status().generation, generation, "a preview changes nothing");
        let made = site.act(command.clone());
        let previewed = match (previewed, made) {
            (Ok(previewed), Ok(_)) => previewed,
            (Err(PreviewError::Refused(one)), Err(control::Failure::Refused(other))) => {
                assert_eq!(one, other);
                continue;
            }
            (previewed, made) => panic!("{command:?}: {previewed:?}, but {made:?}"),
        };
        let after = classes(control, &interfaces);
        differing += usize::from(before != after);
        let mut seen = Vec::new();
        for policy in &previewed.policies {
            for own in &policy.interfaces {
                seen.push(own.id);
                let real = Difference::between(&before[&own.id], &after[&own.id], BOUNDS.difference);
                assert_eq!(policy.difference.as_ref(), Some(&real), "{command:?}");
            }
        }
        assert_eq!(previewed.interface_count, seen.len());
        for own in interfaces.iter().filter(|own| !seen.contains(own)) {
            assert_eq!(before[own], after[own], "{command:?} concerns {own}");
        }
        let own = random.one_of(&interfaces);
        then.extend(runtime.block_on(explained(&site, &mut random, own)));
    }
    let compared = then.len();
    for (wish, said_then) in then {
        let generation: u64 = said_then.split(' ').next().unwrap().parse().unwrap();
        let wish = TrafficWish { as_of: Some(AsOf::Generation(generation)), ..wish };
        let traffic = runtime.block_on(control.explain_traffic(wish)).unwrap();
        assert_eq!(said(&traffic), said_then);
    }
    (differing, compared)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_previewed_and_explained_is_what_is_so(seed: u64) {
        walk(seed);
    }
}

/// That walks come by what they are to compare.
#[test]
fn walks_change_and_explain_something() {
    let (differing, compared) = (0..20).map(walk).fold((0, 0), |sum, own| (sum.0 + own.0, sum.1 + own.1));
    assert!(differing > 60 && compared > 60, "{differing} {compared}");
}
