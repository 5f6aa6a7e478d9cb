use crate::{
    Actor, Command, Context, InstanceId, NodeId, Outcome, Refusal as R, UnixMillis,
    command::{ChargeWish, InstanceCommand, InstanceWish, InterfaceCommand},
    instance::InstanceStatus as S,
    interface::InterfaceStatus,
    node::{Device, InstanceReport, NodeCommand, NodeStatus, ReportedState as Said},
    refusal::Kind,
    world::{World, bind, wish},
};

/// A world with a lab node and one running instance on it.
struct Lab {
    world: World,
    node: NodeId,
    instance: InstanceId,
}

impl Lab {
    fn new() -> Self {
        let mut world = World::new();
        let node = world.lab_node(1);
        let vswitch = world.subnet();
        let instance = world.run(InstanceWish { vswitch: Some(vswitch), ..wish() })[0];
        world.reported(instance, Said::Running);
        assert_eq!(world.instance(instance).status, S::Running);
        Self { world, node, instance }
    }

    fn status(&self) -> S {
        self.world.instance(self.instance).status
    }

    /// How often it was started and made.
    fn counts(&self) -> (u64, u64) {
        let hosting = self.world.hosting(self.instance);
        (hosting.boots, hosting.images)
    }

    fn stopped(&mut self) {
        self.world.must(InstanceCommand::Stop { instance: self.instance });
        self.world.reported(self.instance, Said::Stopped);
        assert_eq!(self.status(), S::Stopped);
    }

    fn saying(&self, boots: u64, images: u64, state: Said) -> NodeCommand {
        let report = InstanceReport { instance: self.instance, boots, images, state };
        NodeCommand::ReportInstances { node: self.node, reports: vec![report] }
    }

    /// A report that is legal and changes nothing.
    #[track_caller]
    fn is_no_news(&mut self, report: NodeCommand) {
        if let NodeCommand::ReportInstances { node, reports } = &report {
            assert!(!reports[0].is_news(&self.world.state, *node));
        }
        self.world.must(report);
        assert!(self.world.changes.0.is_empty());
    }
}

#[test]
fn instances_go_to_the_lab_node_with_the_fewest_and_without_one_the_clock_moves_them() {
    let mut world = World::new();
    world.node(9);
    let alone = world.run(wish())[0];
    assert!(world.state.hostings().get(&alone).is_none(), "the node is no lab node");
    world.settle();
    assert_eq!(world.instance(alone).status, S::Running);
    let nodes = [world.lab_node(1), world.lab_node(2)];
    let on = |world: &World, ids: &[InstanceId]| {
        ids.iter().map(|id| world.hosting(*id).node).collect::<Vec<NodeId>>()
    };
    let three = world.run(InstanceWish { amount: 3, ..wish() });
    assert_eq!(on(&world, &three), [nodes[0], nodes[1], nodes[0]], "of equals the older one");
    let two = world.run(InstanceWish { amount: 2, ..wish() });
    assert_eq!(on(&world, &two), [nodes[1], nodes[0]]);
    for id in three.iter().chain(&two) {
        let binding = world.binding(world.instance(*id).primary_interface).expect("it is bound").clone();
        assert_eq!((binding.node, binding.device), (world.hosting(*id).node, Device::Aliased));
        assert_eq!(world.instance(*id).status, S::Creating);
    }
    world.must(NodeCommand::RevokeCertificates { node: nodes[0] });
    let one = world.run(wish());
    assert_eq!(on(&world, &one), [nodes[1]], "a node that is gone takes none");
}

#[test]
fn a_node_takes_no_more_than_it_may_and_nothing_is_made_elsewhere_instead() {
    let mut world = World::new();
    world.limits.interfaces_per_node = 2;
    let nodes = [world.lab_node(1), world.lab_node(2)];
    let vswitch = world.subnet();
    for _ in 0..2 {
        let bound = world.interface_in(vswitch, &[]);
        world.bound(bound, nodes[0]);
    }
    let wish = InstanceWish { amount: 2, vswitch: Some(vswitch), ..wish() };
    let two = world.run(wish.clone());
    assert!(two.iter().all(|id| world.hosting(*id).node == nodes[1]), "the other one is full");
    let full = R::Limit { kind: Kind::InterfaceOfNode, limit: 2 };
    assert_eq!(world.act(InstanceCommand::Run(Box::new(wish))), Err(full));
}

#[test]
fn the_clock_moves_no_instance_of_a_node() {
    let mut lab = Lab::new();
    let instance = lab.instance;
    lab.world.must(InstanceCommand::Stop { instance });
    lab.world.later(86_400_000);
    assert_eq!(lab.status(), S::Stopping);
    assert_eq!(lab.world.state.next_due(), None);
}

#[test]
fn every_journey_ends_when_the_node_says_that_it_is_so() {
    let mut lab = Lab::new();
    let instance = lab.instance;
    assert_eq!(lab.counts(), (1, 1));
    lab.stopped();
    assert_eq!(lab.counts(), (1, 1));
    let image = Some(lab.world.site.images[1].id.as_str().into());
    for (command, passing, running, counts) in [
        (InstanceCommand::Start { instance }, S::Starting, true, (2, 1)),
        (InstanceCommand::Reboot { instance }, S::Stopping, true, (3, 1)),
        (InstanceCommand::Reinit { instance, image: None }, S::Resetting, true, (4, 2)),
        (InstanceCommand::Stop { instance }, S::Stopping, false, (4, 2)),
        (InstanceCommand::Reinit { instance, image }, S::Resetting, false, (4, 3)),
    ] {
        lab.world.must(command.clone());
        assert_eq!((lab.status(), lab.counts()), (passing, counts), "{command:?}");
        let wrong = if running { Said::Stopped } else { Said::Running };
        for other in [wrong, Said::Gone, Said::Failed("no bridge".into())] {
            lab.is_no_news(lab.saying(counts.0, counts.1, other));
        }
        lab.world.reported(instance, if running { Said::Running } else { Said::Stopped });
        assert_eq!(lab.status(), if running { S::Running } else { S::Stopped }, "{command:?}");
    }
    let disk = lab.world.instance(instance).system_disk.id;
    let image = lab.world.site.images[0].id.as_str().into();
    lab.world.must(InstanceCommand::ReinitDisk { disk, image });
    assert_eq!((lab.status(), lab.counts()), (S::Resetting, (4, 4)));
}

#[test]
fn what_was_said_before_a_journey_does_not_end_it() {
    let mut lab = Lab::new();
    let instance = lab.instance;
    lab.world.must(InstanceCommand::Reboot { instance });
    lab.is_no_news(lab.saying(1, 1, Said::Running));
    lab.is_no_news(lab.saying(3, 1, Said::Running));
    lab.is_no_news(lab.saying(2, 2, Said::Running));
    assert_eq!(lab.status(), S::Stopping);
    lab.world.reported(instance, Said::Running);
    lab.is_no_news(lab.saying(2, 1, Said::Stopped));
    lab.is_no_news(lab.saying(2, 1, Said::Gone));
    assert_eq!(lab.status(), S::Running);
}

#[test]
fn a_node_speaks_of_its_own_instances_alone_and_only_while_it_is_ready() {
    let mut lab = Lab::new();
    let (instance, node) = (lab.instance, lab.node);
    let other = lab.world.lab_node(2);
    lab.world.must(InstanceCommand::Stop { instance });
    let reports = vec![InstanceReport { instance, boots: 1, images: 1, state: Said::Stopped }];
    lab.is_no_news(NodeCommand::ReportInstances { node: other, reports: reports.clone() });
    let planned = |world: &World, actor| {
        let mut entropy = || 1;
        let mut context = Context {
            now: world.now,
            entropy: &mut entropy,
            limits: &world.limits,
            timing: &world.timing,
            site: &world.site,
        };
        let command = Command::Node(NodeCommand::ReportInstances { node, reports: reports.clone() });
        crate::plan(&world.state, actor, &command, &mut context).map(|plan| plan.outcome)
    };
    for actor in [Actor::Root(lab.world.account), Actor::Operator, Actor::Clock, Actor::Node(other)] {
        assert_eq!(planned(&lab.world, actor), Err(R::NodeNotFound), "{actor:?}");
    }
    assert_eq!(planned(&lab.world, Actor::Node(node)), Ok(Outcome::Done));
    lab.world.must(NodeCommand::RevokeCertificates { node });
    assert_eq!(planned(&lab.world, Actor::Node(node)), Err(R::NodeStatus(NodeStatus::Gone)));
    assert_eq!(lab.status(), S::Stopping);
}

#[test]
fn a_released_instance_is_bound_until_its_node_says_that_it_is_gone() {
    let mut lab = Lab::new();
    let instance = lab.instance;
    let group = lab.world.group();
    lab.world.must(crate::world::join(group, instance));
    let primary = lab.world.primary(instance).id;
    lab.world.must(InstanceCommand::Release { instance, charge: None });
    assert!(lab.world.primary(instance).groups.is_empty(), "it is closed");
    lab.world.later(86_400_000);
    assert_eq!(lab.status(), S::Releasing);
    assert!(lab.world.binding(primary).is_some());
    lab.is_no_news(lab.saying(1, 1, Said::Stopped));
    lab.world.reported(instance, Said::Gone);
    assert!(lab.world.state.instances().is_empty() && lab.world.state.interfaces().is_empty());
    assert!(lab.world.state.bindings().is_empty() && lab.world.state.hostings().is_empty());
    lab.is_no_news(lab.saying(1, 1, Said::Gone));
}

#[test]
fn interfaces_that_come_later_are_bound_to_the_node_by_itself() {
    let mut lab = Lab::new();
    lab.stopped();
    let (instance, node) = (lab.instance, lab.node);
    let vswitch = lab.world.primary(instance).vswitch;
    let interface = lab.world.interface_in(vswitch, &[]);
    let elsewhere = lab.world.node(9);
    lab.world.bound(interface, elsewhere);
    let attach = || InterfaceCommand::Attach { interface, instance };
    assert_eq!(lab.world.act(attach()), Err(R::InterfaceBound { interface, node: elsewhere }));
    lab.world.must(NodeCommand::Unbind { interface });
    lab.world.limits.interfaces_per_node = 1;
    assert_eq!(lab.world.act(attach()), Err(R::Limit { kind: Kind::InterfaceOfNode, limit: 1 }));
    lab.world.limits.interfaces_per_node = 2;
    lab.world.must(attach());
    assert_eq!(lab.world.binding(interface).map(|bound| bound.node), Some(node));
    lab.world.settle();
    for interface in [interface, lab.world.primary(instance).id] {
        let hosted = R::InterfaceHosted { interface, instance, node };
        assert_eq!(lab.world.act(NodeCommand::Unbind { interface }), Err(hosted.clone()));
        assert_eq!(lab.world.act(bind(interface, elsewhere, Device::Aliased)), Err(hosted));
    }
    lab.world.must(InterfaceCommand::Detach { interface });
    assert_eq!(lab.world.binding(interface), None);
    let unbound = R::InterfaceNotBound(interface);
    assert_eq!(lab.world.act(NodeCommand::Unbind { interface }), Err(unbound));
    lab.world.settle();
    lab.world.bound(interface, elsewhere);
}

#[test]
fn a_release_lets_secondary_interfaces_go_at_once() {
    let mut lab = Lab::new();
    lab.stopped();
    let instance = lab.instance;
    let interface = lab.world.interface_in(lab.world.primary(instance).vswitch, &[]);
    lab.world.must(InterfaceCommand::Attach { interface, instance });
    lab.world.must(InstanceCommand::Release { instance, charge: None });
    assert_eq!(lab.world.interface(interface).status, InterfaceStatus::Available);
    assert_eq!(lab.world.binding(interface), None);
}

#[test]
fn time_ends_subscriptions_of_instances_on_nodes_too() {
    let mut world = World::new();
    world.lab_node(1);
    let charge = ChargeWish::PrePaid { days: 1, renew: false };
    let auto_release_at = Some(world.now.plus(3 * world.timing.billing_day_ms));
    let instance = world.run(InstanceWish { charge, auto_release_at, ..wish() })[0];
    world.later(2 * world.timing.billing_day_ms);
    assert_eq!(world.instance(instance).status, S::Creating, "its passing state ends first");
    world.reported(instance, Said::Running);
    world.later(0);
    assert_eq!(world.instance(instance).status, S::Expired);
    world.later(world.timing.billing_day_ms);
    assert_eq!(world.instance(instance).status, S::Releasing);
    world.reported(instance, Said::Gone);
    assert!(world.state.instances().is_empty());
}

#[test]
fn a_transfer_leads_to_another_node_when_the_first_has_let_go() {
    let mut lab = Lab::new();
    let instance = lab.instance;
    let other = lab.world.lab_node(2);
    let primary = lab.world.primary(instance).id;
    lab.world.must(InstanceCommand::Transfer { instance });
    lab.is_no_news(lab.saying(1, 1, Said::Running));
    assert_eq!(lab.world.hosting(instance).node, lab.node, "it is still there");
    lab.world.reported(instance, Said::Gone);
    assert_eq!((lab.world.hosting(instance).node, lab.counts()), (other, (2, 1)));
    assert_eq!(lab.world.binding(primary).map(|bound| bound.node), Some(other));
    assert_eq!(lab.status(), S::Transferring);
    lab.is_no_news(lab.saying(1, 1, Said::Gone));
    lab.world.reported(instance, Said::Running);
    assert_eq!(lab.status(), S::Running);
}

#[test]
fn a_transfer_without_another_node_leads_back() {
    let mut lab = Lab::new();
    lab.stopped();
    let instance = lab.instance;
    lab.world.must(InstanceCommand::Transfer { instance });
    lab.world.reported(instance, Said::Gone);
    assert_eq!((lab.world.hosting(instance).node, lab.counts()), (lab.node, (1, 1)));
    lab.world.reported(instance, Said::Stopped);
    assert_eq!(lab.status(), S::Stopped);
}

#[test]
fn a_node_with_instances_goes_by_force_alone_and_takes_them_with_it() {
    let mut lab = Lab::new();
    let (node, running) = (lab.node, lab.instance);
    let group = lab.world.group();
    let vswitch = lab.world.primary(running).vswitch;
    let wish =
        InstanceWish { vswitch: Some(vswitch), group: Some(group), deletion_protection: true, ..wish() };
    let new = lab.world.run(wish)[0];
    let bound = lab.world.interface_in(vswitch, &[]);
    lab.world.bound(bound, node);
    match lab.world.act(NodeCommand::Delete { node, force: false }) {
        Err(R::InUse { users, total: 3, .. }) => {
            let mut instances = [running, new];
            instances.sort_unstable();
            let [first, second] = instances.map(|id| format!("instance {id}"));
            assert_eq!(users, [first, second, format!("network interface {bound}")]);
        }
        other => panic!("not refused: {other:?}"),
    }
    lab.world.must(InstanceCommand::Release { instance: running, charge: None });
    lab.world.must(NodeCommand::Delete { node, force: true });
    for id in [running, new] {
        let gone = lab.world.instance(id);
        assert_eq!(gone.status, S::Releasing);
        assert_ne!(gone.passage.expect("it passes").due_at, UnixMillis::NEVER, "nobody else can end it");
    }
    assert!(lab.world.state.bindings().is_empty());
    assert_eq!(lab.world.state.member_count(group), 0);
    lab.world.settle();
    assert!(lab.world.state.instances().is_empty());
    assert_eq!(lab.world.interface(bound).status, InterfaceStatus::Available);
}
