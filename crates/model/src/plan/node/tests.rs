use super::*;
use crate::{
    node::{AuthorityFingerprint, Device, PreviousAuthority},
    ram::Secret,
    refusal::Refusal as R,
    world::{SITE, World, bind, device, fingerprint, join_node, unfit_field},
};

const DAY: u64 = 86_400_000;

fn token_fault(world: &mut World, command: Command) -> TokenFault {
    match world.act(command) {
        Err(R::NodeToken(fault)) => fault,
        other => panic!("not refused for its token: {other:?}"),
    }
}

#[test]
fn a_token_makes_one_node_once() {
    let mut world = World::new();
    let token = world.token(None);
    let node = world.node_of(token.node);
    assert_eq!((node.status, &*node.name, node.region.as_str()), (NodeStatus::Pending, "", SITE));
    let until = world.now.plus(DAY);
    world.must(join_node(&token, 1, until));
    let node = world.node_of(token.node).clone();
    assert_eq!((node.status, &*node.name, node.joined_at), (NodeStatus::Ready, "host-1", Some(world.now)));
    assert_eq!(world.state.node_with_certificate(fingerprint(1)).map(|own| own.id), Some(node.id));
    assert_eq!(token_fault(&mut world, join_node(&token, 2, until)), TokenFault::Used);
}

#[test]
fn nothing_of_a_token_that_is_kept_is_the_token() {
    let mut world = World::new();
    let wish = NodeWish::New { region: SITE.into(), name: None, lab: true };
    let Outcome::NodeToken { node, token, expires_at } =
        world.must(Command::CreateToken { wish, valid_ms: 1_000 })
    else {
        panic!("no token")
    };
    assert!(world.node_of(node).lab);
    assert_eq!(expires_at, world.now.plus(1_000));
    let (_, secret) = token.reveal().split_once('.').expect("a dot");
    assert!(!format!("{:?}", world.state).contains(secret));
    assert!(!format!("{token:?}").contains(secret));
}

#[test]
fn an_expired_a_foreign_and_a_made_up_token_are_refused() {
    let mut world = World::new();
    let token = world.token(Some("host-1"));
    let until = world.now.plus(DAY);
    let with = |change: fn(&mut Command)| {
        let mut join = join_node(&token, 1, until);
        change(&mut join);
        join
    };
    let elsewhere = with(|join| {
        if let Command::Join { region, .. } = join {
            *region = Some("edge-2".into());
        }
    });
    let other_name = with(|join| {
        if let Command::Join { name, .. } = join {
            *name = "host-2".into();
        }
    });
    let made_up = with(|join| {
        if let Command::Join { secret, .. } = join {
            *secret = fingerprint(9);
        }
    });
    for (join, fault) in [
        (elsewhere, TokenFault::Region),
        (other_name.clone(), TokenFault::Name),
        (made_up.clone(), TokenFault::Unknown),
    ] {
        assert_eq!(token_fault(&mut world, join), fault);
    }
    world.now = world.now.plus(3_600_000);
    assert_eq!(token_fault(&mut world, join_node(&token, 1, until)), TokenFault::Expired);
    assert_eq!(token_fault(&mut world, made_up), TokenFault::Unknown, "who has no secret learns nothing");
    assert_eq!(world.node_of(token.node).status, NodeStatus::Pending);
    let mut nobody = token;
    nobody.node = NodeId::from_entropy(1);
    assert_eq!(world.act(join_node(&nobody, 1, until)), Err(R::NodeNotFound));
}

#[test]
fn a_new_token_voids_the_old_one_and_keeps_what_is_bound() {
    let mut world = World::new();
    let vswitch = world.subnet();
    let interface = world.interface_in(vswitch, &[]);
    let old = world.token(None);
    let node = old.node;
    world.bound(interface, node);
    world.must(Command::CreateToken { wish: NodeWish::Again(node), valid_ms: 1_000 });
    let new = *world.tokens.last().expect("a token");
    let until = world.now.plus(DAY);
    assert_eq!(token_fault(&mut world, join_node(&old, 1, until)), TokenFault::Unknown);
    world.must(join_node(&new, 1, until));
    world.must(Command::CreateToken { wish: NodeWish::Again(node), valid_ms: 1_000 });
    let again = *world.tokens.last().expect("a token");
    world.must(join_node(&again, 2, until));
    assert!(world.state.node_with_certificate(fingerprint(1)).is_none(), "its host was made anew");
    assert_eq!(world.binding(interface).map(|binding| binding.node), Some(node));
    let nobody = NodeWish::Again(NodeId::from_entropy(1));
    assert_eq!(world.act(Command::CreateToken { wish: nobody, valid_ms: 1 }), Err(R::NodeNotFound));
}

#[test]
fn only_a_node_itself_joins_and_renews() {
    let mut world = World::new();
    let token = world.token(None);
    let join = join_node(&token, 1, world.now.plus(DAY));
    let node = world.node(2);
    let renew = renewal(&world, node, 2, 3, DAY);
    for command in [join, renew] {
        for actor in
            [Actor::Root(world.account), Actor::Operator, Actor::Clock, Actor::Node(NodeId::from_entropy(1))]
        {
            assert_eq!(planned(&world, actor, &command), Err(R::NodeNotFound), "{actor:?}, {command:?}");
        }
    }
    let renew = renewal(&world, node, 2, 3, DAY);
    assert_eq!(planned(&world, Actor::Node(node), &renew), Ok(Outcome::Done));
}

#[test]
fn who_acts_for_no_account_makes_and_changes_no_node() {
    let mut world = World::new();
    let vswitch = world.subnet();
    let interface = world.interface_in(vswitch, &[]);
    let node = world.node(1);
    let new = NodeWish::New { region: SITE.into(), name: None, lab: false };
    for command in [
        Command::CreateToken { wish: new, valid_ms: 1 },
        Command::CreateToken { wish: NodeWish::Again(node), valid_ms: 1 },
        Command::RevokeCertificates { node },
        Command::Delete { node, force: true },
        bind(interface, node, Device::Aliased),
        Command::Unbind { interface },
        Command::ModifyEnforcement { interface, source_check: Some(false), allowed_prefixes: None },
    ] {
        for actor in [Actor::Operator, Actor::Clock, Actor::Node(node)] {
            assert_eq!(planned(&world, actor, &command), Err(R::NodeNotFound), "{actor:?}, {command:?}");
        }
    }
}

#[test]
fn the_name_of_a_host_is_bounded() {
    let mut world = World::new();
    let token = world.token(None);
    let until = world.now.plus(DAY);
    let named = |host: &str| {
        let mut join = join_node(&token, 1, until);
        if let Command::Join { name, .. } = &mut join {
            *name = host.into();
        }
        join
    };
    for unfit in [String::new(), "a".repeat(NODE_NAME_MAX + 1)] {
        assert_eq!(unfit_field(world.act(named(&unfit))), "NodeName");
    }
    world.must(named(&"a".repeat(NODE_NAME_MAX)));
}

fn planned(world: &World, actor: Actor, command: &Command) -> Result<Outcome, R> {
    let mut context = Context {
        now: world.now,
        entropy: &mut || 0,
        limits: &world.limits,
        timing: &world.timing,
        site: &world.site,
    };
    let command = crate::Command::Node(command.clone());
    crate::plan(&world.state, actor, &command, &mut context).map(|plan| plan.outcome)
}

fn renewal(world: &World, node: NodeId, under: u8, new: u8, good_for: u64) -> Command {
    let (under, fingerprint) = (fingerprint(under), fingerprint(new));
    Command::RenewCertificate { node, under, fingerprint, expires_at: world.now.plus(good_for) }
}

#[test]
fn a_certificate_is_renewed_while_it_is_good_and_two_are_held_at_most() {
    let mut world = World::new();
    let node = world.node(1);
    let numbers = |world: &World| -> Vec<Digest> {
        world.node_of(node).certificates.iter().map(|own| own.fingerprint).collect()
    };
    let fault = |world: &mut World, command| match world.act(command) {
        Err(R::NodeCertificate(fault)) => fault,
        other => panic!("not refused for its certificate: {other:?}"),
    };
    world.must(renewal(&world, node, 1, 2, 2 * DAY));
    world.must(renewal(&world, node, 2, 3, 2 * DAY));
    assert_eq!(numbers(&world), [fingerprint(3), fingerprint(2)]);
    for (under, new, good_for, why) in [
        (1, 4, DAY, CertificateFault::NotGood),
        (3, 2, DAY, CertificateFault::InUse),
        (3, 4, 0, CertificateFault::Expired),
    ] {
        let refused = renewal(&world, node, under, new, good_for);
        assert_eq!(fault(&mut world, refused), why);
    }
    let other = world.node(9);
    let stolen = renewal(&world, other, 3, 4, DAY);
    assert_eq!(fault(&mut world, stolen), CertificateFault::NotGood);
    world.now = world.now.plus(2 * DAY);
    let late = renewal(&world, node, 3, 4, DAY);
    assert_eq!(fault(&mut world, late), CertificateFault::NotGood);
}

#[test]
fn a_revoked_node_is_gone_until_it_joins_again() {
    let mut world = World::new();
    let vswitch = world.subnet();
    let (bound, free) = (world.interface_in(vswitch, &[]), world.interface_in(vswitch, &[]));
    let node = world.node(1);
    world.bound(bound, node);
    world.must(Command::RevokeCertificates { node });
    let held = world.node_of(node);
    assert_eq!(
        (held.status, held.token, held.certificates[0].revoked_at),
        (NodeStatus::Gone, None, Some(world.now))
    );
    assert!(held.certificate(fingerprint(1), world.now).is_none());
    let renew = renewal(&world, node, 1, 2, DAY);
    assert_eq!(world.act(renew), Err(R::NodeCertificate(CertificateFault::NotGood)));
    assert_eq!(world.act(bind(free, node, Device::Aliased)), Err(R::NodeStatus(NodeStatus::Gone)));
    assert!(world.binding(bound).is_some(), "what is bound stays bound");
    world.must(Command::RevokeCertificates { node });
    world.must(Command::CreateToken { wish: NodeWish::Again(node), valid_ms: 1_000 });
    assert_eq!(world.node_of(node).status, NodeStatus::Gone);
    let token = *world.tokens.last().expect("a token");
    world.must(join_node(&token, 2, world.now.plus(DAY)));
    assert_eq!(world.node_of(node).status, NodeStatus::Ready);
}

#[test]
fn a_node_goes_when_nothing_is_bound_to_it_or_by_force() {
    let mut world = World::new();
    let vswitch = world.subnet();
    let interface = world.interface_in(vswitch, &[]);
    let node = world.node(1);
    world.must(bind(interface, node, device("vnet0")));
    match world.act(Command::Delete { node, force: false }) {
        Err(R::InUse { users, total: 1, .. }) => {
            assert_eq!(users, [format!("network interface {interface}")])
        }
        other => panic!("{other:?}"),
    }
    world.must(Command::Delete { node, force: true });
    assert!(world.state.nodes().is_empty() && world.binding(interface).is_none());
    assert!(world.state.node_with_certificate(fingerprint(1)).is_none());
    assert_eq!(world.act(Command::Delete { node, force: true }), Err(R::NodeNotFound));
    let empty = world.node(1);
    world.must(Command::Delete { node: empty, force: false });
}

#[test]
fn nodes_stand_at_edge_sites_that_there_are_and_are_not_too_many() {
    let mut world = World::new();
    let wish = |region: &str| NodeWish::New { region: region.into(), name: None, lab: false };
    let create = |region| Command::CreateToken { wish: wish(region), valid_ms: 1 };
    assert_eq!(world.act(create("nowhere")), Err(R::RegionNotFound));
    world.limits.nodes_per_account = 1;
    world.must(create(SITE));
    assert_eq!(world.act(create(SITE)), Err(R::Limit { kind: Kind::Node, limit: 1 }));
    assert_eq!(world.state.nodes_in(SITE).count(), 1);
}

#[test]
fn another_account_has_no_node_of_this_one() {
    let mut world = World::new();
    let vswitch = world.subnet();
    let interface = world.interface_in(vswitch, &[]);
    let node = world.node(1);
    world.bound(interface, node);
    world.account = AccountId(1_000_000_000_000_002);
    for command in [
        Command::Delete { node, force: true },
        Command::RevokeCertificates { node },
        Command::CreateToken { wish: NodeWish::Again(node), valid_ms: 1 },
    ] {
        assert_eq!(world.act(command), Err(R::NodeNotFound));
    }
    for command in [
        bind(interface, node, Device::Aliased),
        Command::Unbind { interface },
        Command::ModifyEnforcement { interface, source_check: Some(false), allowed_prefixes: None },
    ] {
        assert_eq!(world.act(command), Err(R::InterfaceNotFound));
    }
}

fn establish(certificate: &[u8], key: &str) -> Command {
    Command::EstablishAuthority { certificate: certificate.into(), key: Secret::new(key) }
}

#[test]
fn there_is_no_token_before_there_is_an_authority_and_one_is_established_once() {
    let mut world = World::new();
    world.state = State::new();
    let wish = || NodeWish::New { region: SITE.into(), name: None, lab: false };
    let create = || Command::CreateToken { wish: wish(), valid_ms: 1_000 };
    assert_eq!(world.act(create()), Err(R::NoNodeAuthority));
    world.must(establish(&[7], "first"));
    world.must(establish(&[8], "second"));
    let authority = world.state.node_authority().expect("an authority").clone();
    assert_eq!((&*authority.certificate, authority.key.reveal()), (&[7][..], "first"));
    world.must(create());
    assert_eq!(world.tokens.last().map(|token| token.authority), Some(authority.fingerprint()));
}

#[test]
fn an_authority_is_the_operators_alone() {
    let mut world = World::new();
    let token = world.token(None);
    let before = world.state.node_authority().cloned();
    let replace = Command::ReplaceAuthority {
        present: token.authority,
        certificate: [9].into(),
        key: Secret::new("k"),
        previous: None,
    };
    for actor in [Actor::Root(world.account), Actor::Node(token.node), Actor::Clock] {
        for command in [establish(&[9], "k"), replace.clone()] {
            let mut entropy = || 1;
            let mut context = Context {
                now: world.now,
                entropy: &mut entropy,
                limits: &world.limits,
                timing: &world.timing,
                site: &world.site,
            };
            let planned = plan(&world.state, actor, &command, &mut context);
            assert_eq!(planned.err(), Some(R::NoNodeAuthority), "{actor:?}");
        }
    }
    assert_eq!(world.state.node_authority().cloned(), before);
}

#[test]
fn a_node_of_the_account_may_be_readmitted_and_nothing_changes() {
    let mut world = World::new();
    let node = world.node(1);
    assert_eq!(world.must(Command::Readmit { node }), Outcome::NodeReadmitted(node));
    assert!(world.changes.0.is_empty());
    assert_eq!(world.act(Command::Readmit { node: NodeId::from_entropy(1) }), Err(R::NodeNotFound));
}

#[test]
fn an_account_has_its_own_wait_for_nodes_or_none() {
    let mut world = World::new();
    let wait = |world: &World| world.state.enforcement_wait(world.account).map(|wait| wait.seconds);
    for (seconds, changed) in [(None, 0), (Some(5), 1), (Some(5), 0), (Some(0), 1), (Some(60), 1), (None, 1)]
    {
        world.must(Command::ModifyEnforcementWait { seconds });
        assert_eq!((wait(&world), world.changes.0.len()), (seconds, changed));
    }
    let refused = world.act(Command::ModifyEnforcementWait { seconds: Some(61) });
    assert_eq!(unfit_field(refused), "WaitSeconds");
}

#[test]
fn an_authority_is_replaced_by_whoever_means_the_present_one() {
    let mut world = World::new();
    let present = world.token(None).authority;
    let previous = PreviousAuthority {
        certificate: [1].into(),
        cross_certificate: [2].into(),
        until: world.now.plus(DAY),
    };
    let replace = |present| Command::ReplaceAuthority {
        present,
        certificate: [9].into(),
        key: Secret::new("new"),
        previous: Some(previous.clone()),
    };
    assert_eq!(world.act(replace(AuthorityFingerprint([0; 16]))), Err(R::OtherNodeAuthority));
    world.must(replace(present));
    let authority = world.state.node_authority().expect("an authority");
    assert_eq!((authority.created_at, authority.previous.as_ref()), (world.now, Some(&previous)));
    assert_eq!(authority.fingerprint(), AuthorityFingerprint::of(&[9]));
    assert_eq!(world.act(replace(present)), Err(R::OtherNodeAuthority), "it means one that is gone");
    assert_eq!(world.token(None).authority, AuthorityFingerprint::of(&[9]));
}
