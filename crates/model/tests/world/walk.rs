//! Steps of a random walk: every command there is, on what there is and on what is not.

use model::{
    Command, InstanceId, NetworkId, NetworkInterfaceId, NodeId, SecurityGroupId, VSwitchId,
    command::{
        AddressFamily, ChargeWish, InstanceCommand, InstanceWish, InterfaceCommand, Ipv6Wish, NetworkCommand,
        ReleaseCharge, SecurityGroupCommand, TagCommand,
    },
    id::{DiskId, Id},
    instance::{InstanceStatus, Next},
    interface::InterfaceStatus,
    node::{AuthorityFingerprint, Device, InstanceReport, NodeCommand, NodeWish, ReportedState, TokenText},
    refusal::Target,
    rule::Rule,
    state::{Record, Table},
    tag::Tag,
};
use proptest::prelude::*;

use super::{SITE, World, any_rule, device, disk, fingerprint, join, leave, new_network, new_vswitch, wish};

/// How many kinds of steps there are.
pub const KINDS: u8 = 52;
/// One step, by numbers: which of what there is, and how.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub what: u8,
    pub one: usize,
    pub other: usize,
    pub how: u8,
}

/// Steps of these kinds.
pub fn steps(what: impl Strategy<Value = u8>) -> impl Strategy<Value = Vec<Step>> {
    let step = (what, 0usize..100, 0usize..100, 0u8..8).prop_map(|(what, one, other, how)| Step {
        what,
        one,
        other,
        how,
    });
    prop::collection::vec(step, 1..120)
}

/// What there is to choose from; one id more than there are, which names nothing.
struct Choice {
    groups: Vec<SecurityGroupId>,
    instances: Vec<InstanceId>,
    interfaces: Vec<NetworkInterfaceId>,
    networks: Vec<NetworkId>,
    vswitches: Vec<VSwitchId>,
    disks: Vec<DiskId>,
    nodes: Vec<NodeId>,
}

impl Choice {
    fn of(world: &World) -> Self {
        let state = &world.state;
        let disks = state.instances().oldest_first(world.account).flat_map(|instance| instance.disks());
        Self {
            disks: disks.map(|disk| disk.id).chain([Id::from_entropy(1)]).collect(),
            groups: ids(world, state.groups()),
            instances: ids(world, state.instances()),
            interfaces: ids(world, state.interfaces()),
            networks: ids(world, state.networks()),
            vswitches: ids(world, state.vswitches()),
            nodes: ids(world, state.nodes()),
        }
    }
}

/// The ids of the account's entities of a kind, and one that names nothing.
fn ids<K, R: Record<Key = Id<K>>>(world: &World, table: &Table<R>) -> Vec<Id<K>> {
    table.oldest_first(world.account).map(|entity| entity.key()).chain([Id::from_entropy(1)]).collect()
}

fn pick<T: Copy>(from: &[T], number: usize) -> T {
    from[number % from.len()]
}

/// One of those for which `likely` holds, where there is any; now and then any other.
fn prefer<T: Copy>(from: &[T], step: Step, number: usize, likely: impl Fn(T) -> bool) -> T {
    let good: Vec<T> = from.iter().copied().filter(|id| likely(*id)).collect();
    if good.is_empty() || step.how == 7 { pick(from, number) } else { pick(&good, number) }
}

/// Whether the interface is secondary and has this status.
fn is(world: &World, interface: NetworkInterfaceId, status: InterfaceStatus) -> bool {
    let held = world.state.interfaces().get(&interface);
    held.is_some_and(|held| !held.primary && held.status == status)
}

fn on_interfaces(world: &World, choice: &Choice, step: Step) -> InterfaceCommand {
    let Step { what, one, other, .. } = step;
    let stopped = |id| world.state.instances().get(&id).is_some_and(|e| e.status == InstanceStatus::Stopped);
    let with = |status| prefer(&choice.interfaces, step, one, |id| is(world, id, status));
    match what {
        23 => {
            let interface = with(InterfaceStatus::Available);
            let second = pick(&choice.interfaces, other);
            InterfaceCommand::Delete {
                interfaces: if step.how == 0 { vec![interface, second] } else { vec![interface] },
            }
        }
        24 | 25 => InterfaceCommand::Attach {
            interface: with(InterfaceStatus::Available),
            instance: prefer(&choice.instances, step, other, stopped),
        },
        _ => InterfaceCommand::Detach { interface: with(InterfaceStatus::InUse) },
    }
}

/// The command of a step, in the world as it is.
pub fn command(world: &World, step: Step) -> Command {
    let choice = Choice::of(world);
    let Step { one, other, how, .. } = step;
    let (instance, group) = (pick(&choice.instances, one), pick(&choice.groups, other));
    let (interface, vswitch) = (pick(&choice.interfaces, one), pick(&choice.vswitches, other));
    match step.what {
        0..=12 => on_instances(world, &choice, step),
        13 => Command::SecurityGroup(SecurityGroupCommand::Create {
            name: "g".into(),
            description: "".into(),
            rules: vec![],
        }),
        14 => Command::SecurityGroup(SecurityGroupCommand::Delete { group }),
        15 | 16 => Command::SecurityGroup(join(group, instance)),
        17 | 18 => {
            let member =
                |id| world.state.instances().get(&id).is_some_and(|_| !world.primary(id).groups.is_empty());
            let instance = prefer(&choice.instances, step, one, member);
            let group = prefer(&choice.groups, step, other, |group| {
                world.state.members(group).any(|own| own.primary && own.instance == Some(instance))
            });
            Command::SecurityGroup(leave(group, instance))
        }
        19 => {
            Command::SecurityGroup(SecurityGroupCommand::Join { group, target: Target::Interface(interface) })
        }
        20 => Command::SecurityGroup(SecurityGroupCommand::Leave {
            group,
            target: Target::Interface(interface),
        }),
        21 | 22 => Command::Interface(InterfaceCommand::Create {
            vswitch: if other < 80 { choice.vswitches[0] } else { vswitch },
            groups: choice.groups.iter().copied().skip(one % 7).take(usize::from(how)).collect(),
            name: "".into(),
            description: "".into(),
        }),
        23..=26 => Command::Interface(on_interfaces(world, &choice, step)),
        27 => {
            let vswitch = (how == 0).then_some(vswitch);
            Command::Interface(InterfaceCommand::AssignAddress { interface, vswitch })
        }
        28 => {
            let held = world.state.interfaces().get(&interface);
            let addresses = held.map(|held| held.addresses().skip(usize::from(how % 3)).collect());
            let addresses = addresses.unwrap_or_default();
            Command::Interface(InterfaceCommand::UnassignAddresses { interface, addresses })
        }
        29..=32 => Command::Network(on_networks(&choice, step)),
        46 | 47 => Command::SecurityGroup(on_rules(world, &choice, step)),
        48.. => Command::Node(report(world, &choice, step)),
        34..=45 => Command::Node(on_nodes(world, &choice, step)),
        _ => {
            let instances = vec![instance, pick(&choice.instances, other)];
            let tags = vec![Tag { key: how.to_string().into(), value: "".into() }];
            Command::Tag(if how < 6 {
                TagCommand::Tag { instances, tags }
            } else {
                TagCommand::Untag { instances, keys: (how == 6).then(|| vec!["1".into()]) }
            })
        }
    }
}

fn on_networks(choice: &Choice, Step { what, one, other, how }: Step) -> NetworkCommand {
    let network = pick(&choice.networks, if how < 4 { 0 } else { one });
    let vswitch = pick(&choice.vswitches, one);
    match what {
        29 => {
            let mut create =
                new_network(["10.0.0.0/8", "10.0.0.0/27", "192.168.0.0/16", "10.0.0.0/4"][one % 4]);
            if let NetworkCommand::Create { ipv6, .. } = &mut create {
                *ipv6 = how < 4;
            }
            create
        }
        30 => {
            let block =
                ["10.0.1.0/29", "10.0.1.8/29", "10.0.1.0/28", "10.0.0.0/20", "192.168.4.0/24"][other % 5];
            let mut create = new_vswitch(network, block);
            if let NetworkCommand::CreateVSwitch { ipv6, .. } = &mut create {
                *ipv6 = [Ipv6Wish::Off, Ipv6Wish::Any, Ipv6Wish::Number(1)][usize::from(how) % 3].clone();
            }
            create
        }
        31 if how < 4 => NetworkCommand::Delete { network },
        31 => NetworkCommand::DeleteVSwitch { vswitch },
        _ => {
            let ipv6 = Some([Ipv6Wish::Off, Ipv6Wish::Any, Ipv6Wish::Number(how)][other % 3].clone());
            NetworkCommand::ModifyVSwitch { vswitch, name: None, description: None, ipv6 }
        }
    }
}

fn on_rules(world: &World, choice: &Choice, step: Step) -> SecurityGroupCommand {
    let group = prefer(&choice.groups, step, step.other, |id| world.state.member_count(id) > 0);
    let rule = |priority: u8| Rule { priority, ..any_rule() };
    if step.how < 5 {
        SecurityGroupCommand::AddRules { group, rules: vec![rule(step.how), rule(step.how + 10)] }
    } else {
        let held = world.state.groups().get(&group).and_then(|held| held.rules.get(step.one % 4).cloned());
        SecurityGroupCommand::RemoveRules { group, rules: vec![held.unwrap_or_else(|| rule(1))] }
    }
}

fn on_nodes(world: &World, choice: &Choice, step: Step) -> NodeCommand {
    let Step { what, one, other, how } = step;
    let node = pick(&choice.nodes, if how < 5 { 0 } else { one });
    let bound = |id| world.binding(id).is_some();
    // Expired ones are given too, and those that some node has.
    let expires_at = world.now.plus(u64::from(how) * 1_000);
    let certificate = fingerprint(u8::try_from(one).unwrap_or(0));
    match what {
        34 => {
            let region = if how == 7 { "nowhere" } else { SITE }.into();
            let name = (how < 3).then(|| "host-1".into());
            let new = NodeWish::New { region, name, lab: how == 1 };
            let wish = if other % 3 == 0 { NodeWish::Again(node) } else { new };
            NodeCommand::CreateToken { wish, valid_ms: 500 * u64::from(how) }
        }
        35 | 36 => {
            let unknown =
                TokenText { node, digest: fingerprint(0), authority: AuthorityFingerprint([0; 16]) };
            let token = world.tokens.iter().rev().nth(other % 4).copied().unwrap_or(unknown);
            NodeCommand::Join {
                node: token.node,
                secret: token.digest,
                region: (how < 4).then(|| SITE.into()),
                name: if how == 7 { "host-2" } else { "host-1" }.into(),
                fingerprint: certificate,
                expires_at,
            }
        }
        37 => {
            let held = world.state.nodes().get(&node);
            let own = held.and_then(|held| held.certificates.get(other % 2)).map(|own| own.fingerprint);
            let under = own.unwrap_or(fingerprint(0));
            NodeCommand::RenewCertificate { node, under, fingerprint: certificate, expires_at }
        }
        38 => NodeCommand::RevokeCertificates { node },
        39 => NodeCommand::Delete { node, force: how < 2 },
        40..=42 => {
            let interface = prefer(&choice.interfaces, step, one, |id| !bound(id));
            let device = if how < 4 { Device::Aliased } else { device(["vnet0", "vnet1"][other % 2]) };
            NodeCommand::Bind { interface, node: pick(&choice.nodes, other), device, adopt_seconds: 1 }
        }
        43 => NodeCommand::Unbind { interface: prefer(&choice.interfaces, step, one, bound) },
        _ => {
            let blocks = ["10.9.0.1/8", "fd00::/8", "10.9.0.0/24", "::ffff:10.0.0.0/104"];
            let blocks = blocks.iter().skip(other % 4).map(|block| block.parse().expect("a block"));
            NodeCommand::ModifyEnforcement {
                interface: prefer(&choice.interfaces, step, one, bound),
                source_check: (how < 6).then_some(how < 3),
                allowed_prefixes: (how % 2 == 0).then(|| blocks.take(usize::from(how) / 2).collect()),
            }
        }
    }
}

/// What a node says of an instance: mostly that it is as it is wanted, with the numbers of now.
fn report(world: &World, choice: &Choice, step: Step) -> NodeCommand {
    let Step { one, other, how, .. } = step;
    let passing = |id| {
        let held = world.state.instances().get(&id);
        held.is_some_and(|held| held.passage.is_some()) && world.state.hostings().get(&id).is_some()
    };
    let instance = prefer(&choice.instances, step, one, passing);
    let hosting = world.state.hostings().get(&instance);
    let node = hosting.map_or(pick(&choice.nodes, other), |hosting| hosting.node);
    let (boots, images) = hosting.map_or((1, 1), |hosting| (hosting.boots, hosting.images));
    let leaving = hosting.is_some_and(|hosting| hosting.leaving);
    let passage = world.state.instances().get(&instance).and_then(|held| held.passage);
    let wanted = match passage.map(|passage| passage.journey.destination()) {
        Some(Next::Stable(InstanceStatus::Running)) if !leaving => ReportedState::Running,
        Some(Next::Stable(InstanceStatus::Stopped)) if !leaving => ReportedState::Stopped,
        _ => ReportedState::Gone,
    };
    let others = [ReportedState::Running, ReportedState::Stopped, ReportedState::Failed("no".into())];
    let state = if how < 6 { wanted } else { others[other % 3].clone() };
    let report = InstanceReport { instance, boots: boots - u64::from(how == 5), images, state };
    let node = if how == 4 { pick(&choice.nodes, other) } else { node };
    NodeCommand::ReportInstances { node, reports: vec![report.clone(), report] }
}

fn on_instances(world: &World, choice: &Choice, step: Step) -> Command {
    let Step { what, one, other, how } = step;
    let instance = pick(&choice.instances, one);
    let image: Box<str> = world.site.images[other % 4].id.as_str().into();
    Command::Instance(match what {
        0..=3 => InstanceCommand::Run(Box::new(any_wish(world, choice, step))),
        4 => InstanceCommand::Start { instance },
        5 | 6 => InstanceCommand::Stop {
            instance: prefer(&choice.instances, step, one, |id| {
                world.state.instances().get(&id).is_some_and(|e| e.status == InstanceStatus::Running)
            }),
        },
        7 => InstanceCommand::Reboot { instance },
        8 => InstanceCommand::Reinit { instance, image: (how < 4).then_some(image) },
        9 => InstanceCommand::ReinitDisk { disk: pick(&choice.disks, one), image },
        10 => InstanceCommand::Transfer { instance },
        11 => InstanceCommand::Modify {
            instance,
            name: Some(["", "a", "b"][other % 3].into()),
            host_name: None,
            user_data: None,
            deletion_protection: (how < 4).then_some(how < 1),
            password: how == 5,
        },
        _ => {
            let charge = [None, None, Some(ReleaseCharge::PostPaid), Some(ReleaseCharge::PrePaid)];
            InstanceCommand::Release { instance, charge: charge[usize::from(how) % 4] }
        }
    })
}

fn any_wish(world: &World, choice: &Choice, Step { what, one, other, how }: Step) -> InstanceWish {
    let subscription = ChargeWish::PrePaid { days: 1, renew: one.is_multiple_of(2) };
    InstanceWish {
        amount: 1 + usize::from(how) % 3,
        vswitch: (what <= 1).then(|| pick(&choice.vswitches, if how < 6 { 0 } else { one })),
        network: (what == 2).then(|| pick(&choice.networks, one)),
        name: (how < 4).then(|| "a".into()),
        unique_suffix: how < 2,
        family: if how % 4 == 1 { AddressFamily::Dual } else { AddressFamily::Ipv4 },
        ipv6_count: 2,
        group: other.is_multiple_of(2).then(|| pick(&choice.groups, other / 2)),
        charge: if how == 3 { subscription } else { ChargeWish::PostPaid },
        auto_release_at: (how == 5).then(|| world.now.plus(2_000)),
        public_address: how < 5,
        data_disks: vec![disk(None); usize::from(how % 2)],
        ..wish()
    }
}
