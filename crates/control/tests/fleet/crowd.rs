//! Many nodes at once, on several threads, while changes are made and some commits fail.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use control::{
    Control, Told, desired,
    fleet::{Ended, Enforced},
};
use model::{
    NodeId, Outcome, UnixMillis,
    command::{InterfaceCommand, SecurityGroupCommand},
    node::{Device, NodeCommand, NodeWish, TokenText},
    refusal::Target,
};
use policy::Desired;
use store::FailedCommit;

use crate::{
    site::{Obedient, Site, hello},
    world::{SITE, bind, fingerprint},
};

const NODES: u8 = 12;
const CHANGES: usize = 400;
const LONG: Duration = Duration::from_secs(120);

/// More nodes, each with an interface of its own in the first group.
fn more_nodes(site: &Site) -> Vec<(NodeId, u8, model::NetworkInterfaceId)> {
    let interface = site.interfaces[0][0];
    let vswitch = site.control.read_blocking(|state| state.interfaces().get(&interface).unwrap().vswitch);
    let vswitch = vswitch.unwrap().value;
    let made = (20..20 + NODES).map(|number| {
        let wish = NodeWish::New { region: SITE.into(), name: None, lab: false };
        let token = site.act(NodeCommand::CreateToken { wish, valid_ms: 10_000 }).unwrap().outcome;
        let Outcome::NodeToken { node, token, .. } = token else { panic!("no token") };
        site.must(NodeCommand::Join {
            node,
            secret: TokenText::read(token.reveal()).unwrap().digest,
            region: None,
            name: format!("host-{number}").into(),
            fingerprint: fingerprint(number),
            expires_at: UnixMillis(i64::MAX),
        });
        let create = InterfaceCommand::Create {
            vswitch,
            groups: vec![site.groups[0]],
            name: "".into(),
            description: "".into(),
        };
        let Outcome::Interface(interface) = site.act(create).unwrap().outcome else { panic!("none") };
        site.must(bind(interface, node, Device::Aliased));
        (node, number, interface)
    });
    made.collect()
}

/// Follows, obeys and confirms, and connects anew every now and then, until it is told to stop. Gives what it has.
async fn host(control: Control, node: NodeId, number: u8, stop: Arc<AtomicBool>) -> Desired {
    let (mut generation, mut has) = (0, Desired::default());
    loop {
        let followed = control.follow(node, hello(generation, fingerprint(number)));
        let Ok(follower) = followed else { return has };
        let mut obedient = Obedient::new(follower);
        (obedient.generation, obedient.desired) = (generation, has);
        for told in 0.. {
            match tokio::time::timeout(Duration::from_millis(20), obedient.obey()).await {
                Err(_) if stop.load(Ordering::SeqCst) => return obedient.desired,
                Err(_) => {}
                Ok(Ok(Told::Delta { .. })) if told % 7 == usize::from(number) % 7 => break,
                Ok(Ok(_)) => obedient.confirm(),
                Ok(Err(Ended::Stopping)) => return obedient.desired,
                Ok(Err(ended)) => panic!("{ended}"),
            }
        }
        (generation, has) = (obedient.generation, obedient.desired.clone());
    }
}

#[test]
fn a_crowd_of_nodes_comes_to_what_is_wanted_and_every_change_is_confirmed() {
    let site = Site::new();
    let nodes = more_nodes(&site);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let all = nodes.iter().map(|(node, number, _)| (*node, *number));
    let all = all.chain([(site.nodes[0], 0), (site.nodes[1], 1)]);
    let hosts: Vec<_> = all
        .map(|(node, number)| {
            (node, runtime.spawn(host(site.control.clone(), node, number, Arc::clone(&stop))))
        })
        .collect();
    let rule = site.control.read_blocking(|state| state.groups().get(&site.groups[0]).unwrap().rules.clone());
    let (rule, group) = (rule.unwrap().value, site.groups[0]);
    let mut waiting = Vec::new();
    for change in 0..CHANGES {
        let (_, _, interface) = nodes[change / 4 % nodes.len()];
        let target = Target::Interface(interface);
        if change % 50 == 25 {
            let outcome = [FailedCommit::Present, FailedCommit::Absent][change / 50 % 2];
            site.failures.fail_commit(outcome);
        }
        let done = match change % 4 {
            0 => site.act(SecurityGroupCommand::Leave { group, target }),
            1 => site.act(SecurityGroupCommand::RemoveRules { group, rules: rule.clone() }),
            2 => site.act(SecurityGroupCommand::AddRules { group, rules: rule.clone() }),
            _ => site.act(SecurityGroupCommand::Join { group, target }),
        };
        if let Ok(receipt) = done {
            let control = site.control.clone();
            let enforced = async move { control.enforced(receipt.generation, LONG).await };
            waiting.push(runtime.spawn(enforced));
        }
    }
    assert!(waiting.len() > CHANGES / 2, "only {} changes were made", waiting.len());
    runtime.block_on(async {
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap(), Enforced::Confirmed);
        }
        stop.store(true, Ordering::SeqCst);
        for (node, host) in hosts {
            let has = host.await.unwrap();
            let wanted = site.control.read(|state| desired(state, node)).await.unwrap().value;
            assert_eq!(has, wanted);
        }
    });
}
