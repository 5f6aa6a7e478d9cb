//! What a node does with what it is told.

use protocol::node::{self, from_node, refused::Reason, to_node::Message};

use crate::{
    host::{Host, interface, snapshot},
    plane::Plane,
};

fn leave(from: u64) -> Message {
    Message::Delta(of_leave(from))
}

fn of_leave(from: u64) -> node::Delta {
    let interfaces = vec![interface(&[])];
    node::Delta { from_generation: from, generation: from + 1, interfaces, ..node::Delta::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_is_in_force_and_confirmed_and_outlives_cuts_and_restarts() {
    let mut plane = Plane::start();
    let mut host = Host::of(&plane).await;
    let mut session = plane.session().await;
    assert_eq!((session.hello.generation, session.hello.run), (0, 0));
    session.tell(Message::Snapshot(snapshot(5, 80))).await;
    let confirmed = session.confirmed().await;
    assert_eq!((confirmed.generation, confirmed.absent_interfaces.len()), (5, 0));
    assert!(confirmed.switched_us > 0 && confirmed.switched_us <= confirmed.took_us, "{confirmed:?}");
    assert_eq!(host.kernel.open(), (1, 5));
    session.tell(leave(5)).await;
    assert_eq!(session.confirmed().await.generation, 6);
    session.tell(Message::Current(node::Current { generation: 9, run: 70 })).await;
    assert_eq!(session.confirmed().await.generation, 9);
    let status = host.stands("it is in force", |status| status.generation.confirmed == 9).await;
    assert!(status.session.connected && status.interfaces[0].state.name() == "in force", "{status:?}");
    // Cut off, everything stays as it is, and says so.
    let before = host.kernel.open();
    plane.cut();
    let status = host.stands("it is frozen", |status| !status.session.connected).await;
    assert!(status.session.error.is_some() && status.generation.confirmed == 9, "{status:?}");
    assert_eq!(host.kernel.open(), before);
    // Another process takes up what is there, without the control plane, and goes on where it was.
    host.stop();
    assert_eq!(host.kernel.open(), before);
    host.start();
    assert_eq!(host.kernel.open(), before);
    plane.heal();
    let mut session = plane.session().await;
    assert_eq!((session.hello.generation, session.hello.run), (9, 70));
    // A run alone is something new, too.
    session.tell(Message::Current(node::Current { generation: 9, run: 71 })).await;
    assert_eq!(session.confirmed().await.generation, 9);
    host.stop();
    host.start();
    let mut session = plane.session().await;
    assert_eq!((session.hello.generation, session.hello.run), (9, 71));
    session.tell(Message::Delta(node::Delta { run: 72, ..of_leave(9) })).await;
    assert_eq!(session.confirmed().await.generation, 10);
    host.stop();
    host.start();
    assert_eq!(plane.session().await.hello.run, 72);
    host.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_obeyed_is_refused_and_nothing_is_lost() {
    let mut plane = Plane::start();
    let mut host = Host::of(&plane).await;
    let mut session = plane.session().await;
    session.tell(Message::Snapshot(snapshot(5, 80))).await;
    session.confirmed().await;
    let before = host.kernel.open();
    let mut malformed = snapshot(6, 22);
    malformed.interfaces[0].mac.clear();
    let regressed = Message::Snapshot(snapshot(4, 22));
    for (message, reason) in [
        (Message::Snapshot(malformed), Reason::Invalid),
        (leave(9), Reason::Gap),
        (regressed, Reason::Regressed),
    ] {
        session.tell(message).await;
        let refused = session.refused().await;
        assert_eq!((refused.reason(), refused.kept_generation), (reason, 5), "{refused:?}");
        assert_eq!(host.kernel.open(), before);
    }
    let status = host.stands("it says so", |status| status.generation.refused.is_some()).await;
    assert!(status.generation.refused.unwrap().regressed);
    // An operator has said that it is to be obeyed.
    session.tell(Message::Snapshot(node::Snapshot { obey_regression: true, ..snapshot(4, 22) })).await;
    assert_eq!(session.confirmed().await.generation, 4);
    assert_eq!(host.kernel.open(), (1, 4));
    host.stands("it is obeyed", |status| status.generation.refused.is_none()).await;
    host.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_is_too_large_ends_the_session_and_the_next_one_goes_on() {
    let mut plane = Plane::start();
    let mut host = Host::of(&plane).await;
    let mut session = plane.session().await;
    session.tell(Message::Snapshot(snapshot(5, 80))).await;
    session.confirmed().await;
    let mut huge = snapshot(6, 22);
    huge.interfaces[0].device = "x".repeat(protocol::MESSAGE_BYTES_MAX);
    session.tell(Message::Snapshot(huge)).await;
    session.ended().await;
    let mut session = plane.session().await;
    assert_eq!(session.hello.generation, 5);
    session.tell(leave(5)).await;
    assert_eq!(session.confirmed().await.generation, 6);
    host.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_come_and_go_and_what_cannot_be_enforced_is_told() {
    let mut plane = Plane::start();
    let mut host = Host::of(&plane).await;
    let mut session = plane.session().await;
    let mut told = snapshot(5, 80);
    told.interfaces[0].device = "tun0".into();
    session.tell(Message::Snapshot(told)).await;
    assert_eq!(session.confirmed().await.absent_interfaces.len(), 1);
    host.stands("the device of nobody is closed", |status| status.counts.guarded == 1).await;
    // A device that packets of another kind go through.
    let device = host.kernel.0.lock().add_other_device("tun0");
    host.devices.push(agent::FoundDevice { device: device.clone(), alias: "".into(), unfit: None });
    host.tell_devices().await;
    let from_node::Message::NotInForce(problem) = session.hear().await else { panic!() };
    assert_eq!((problem.generation, problem.problem_count), (5, 1));
    assert!(problem.problems[0].message.contains("not an Ethernet device"), "{problem:?}");
    // It goes, and there is nothing to enforce any more.
    host.kernel.0.lock().remove_device(device.ifindex);
    host.devices.pop();
    host.tell_devices().await;
    assert_eq!(session.confirmed().await.absent_interfaces.len(), 1);
    host.devices.push(host.kernel.add_device("tun0"));
    host.tell_devices().await;
    let confirmed = session.confirmed().await;
    assert_eq!(
        (confirmed.generation, confirmed.absent_interfaces.len()),
        (5, 0),
        "that it is there is told, too"
    );
    host.stands("it is bound", |status| status.counts.bound == 1).await;
    assert_eq!(host.kernel.open().0, 1);
    host.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_saved_is_in_force_and_confirmed_when_it_is_saved() {
    let mut plane = Plane::start();
    let mut host = Host::of(&plane).await;
    let mut session = plane.session().await;
    let in_the_way = host.directory().join("state.new");
    std::fs::create_dir(&in_the_way).unwrap();
    session.tell(Message::Snapshot(snapshot(5, 80))).await;
    let from_node::Message::NotInForce(problem) = session.hear().await else { panic!() };
    assert!(problem.problems[0].message.contains("cannot be kept on disk"), "{problem:?}");
    assert_eq!(host.kernel.open(), (1, 5));
    std::fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(session.confirmed().await.generation, 5);
    host.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_are_answered() {
    let mut plane = Plane::start();
    let mut host = Host::of(&plane).await;
    let mut session = plane.session().await;
    session.tell(Message::Snapshot(snapshot(5, 80))).await;
    session.confirmed().await;
    let interface = snapshot(5, 80).interfaces[0].network_interface_id.clone();
    let drops = node::DropsQuestion { most: 5, wait_ms: 100, ..node::DropsQuestion::default() };
    for (id, question) in [
        node::question::Question::Flows(node::FlowsQuestion {
            network_interface_id: interface.clone(),
            most: 5,
            ..node::FlowsQuestion::default()
        }),
        node::question::Question::Drops(drops),
        node::question::Question::Counters(node::CountersQuestion { network_interface_id: interface }),
        node::question::Question::Counters(node::CountersQuestion::default()),
    ]
    .into_iter()
    .enumerate()
    {
        let id = id as u64;
        session.tell(Message::Question(node::Question { id, question: Some(question) })).await;
        let from_node::Message::Answer(answer) = session.hear().await else { panic!() };
        let failed = matches!(answer.answer, Some(node::answer::Answer::Failed(_)));
        assert_eq!((answer.id, failed), (id, id == 3), "{answer:?}");
    }
    host.stop();
}

/// However many flows there are, and however many lists of them are asked for: an update is in force meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_does_not_wait_for_a_list_of_flows() {
    const QUESTIONS: u64 = 10;
    let mut plane = Plane::start();
    let mut host = Host::of(&plane).await;
    let mut session = plane.session().await;
    session.tell(Message::Snapshot(snapshot(5, 80))).await;
    session.confirmed().await;
    let held_up = host.kernel.hold_up_readers();
    let interface = snapshot(5, 80).interfaces[0].network_interface_id.clone();
    for id in 0..QUESTIONS {
        let question = match id % 2 {
            0 => node::question::Question::Flows(node::FlowsQuestion {
                network_interface_id: interface.clone(),
                most: 5,
                ..node::FlowsQuestion::default()
            }),
            _ => node::question::Question::Counters(node::CountersQuestion {
                network_interface_id: interface.clone(),
            }),
        };
        session.tell(Message::Question(node::Question { id, question: Some(question) })).await;
    }
    let came = held_up.came;
    let came = tokio::task::spawn_blocking(move || {
        came.recv_timeout(crate::plane::PATIENCE).expect("a list is under way");
        came
    });
    let came = came.await.unwrap();
    session.tell(leave(5)).await;
    // What is said next is that it is in force: no list is at its end.
    assert_eq!(session.confirmed().await.generation, 6);
    assert_eq!(host.kernel.open(), (1, 6));
    assert!(came.try_recv().is_err(), "one list at a time is read");
    for _ in 0..QUESTIONS {
        held_up.go_on.send(()).unwrap();
        let from_node::Message::Answer(answer) = session.hear().await else { panic!() };
        assert!(!matches!(answer.answer, Some(node::answer::Answer::Failed(_))), "{answer:?}");
    }
    host.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_agent_of_a_directory_is_refused() {
    let plane = Plane::start();
    let mut host = Host::of(&plane).await;
    let refused = host.second().unwrap_err();
    assert!(refused.to_string().contains("another agent uses"), "{refused}");
    host.stop();
    host.second().unwrap();
}

#[test]
fn a_host_that_has_not_joined_is_told_so_and_nothing_is_left_there() {
    let host = Host::new();
    let refused = host.second().unwrap_err();
    assert!(refused.to_string().contains("this host is no node yet"), "{refused}");
    assert!(!host.directory().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_that_is_bound_is_let_go_by_force_where_there_is_no_session() {
    let mut plane = Plane::start();
    let mut host = Host::of(&plane).await;
    // No pattern says that it is to be closed.
    host.devices.push(host.kernel.add_device("web0"));
    host.tell_devices().await;
    let mut session = plane.session().await;
    let mut told = snapshot(5, 80);
    told.interfaces[0].device = "web0".into();
    session.tell(Message::Snapshot(told)).await;
    session.confirmed().await;
    host.stands("it is bound", |status| status.counts.bound == 1).await;
    let refused = host.release("web0", false).await.unwrap_err();
    assert!(refused.contains("ravelin unbind") && refused.contains("--force"), "{refused}");
    let refused = host.release("web0", true).await.unwrap_err();
    assert!(refused.contains("the control plane is reached"), "{refused}");
    plane.cut();
    host.stands("it is frozen", |status| !status.session.connected).await;
    host.release("web0", true).await.unwrap();
    let status = host.stands("it is let go", |status| status.counts.bound == 0).await;
    let problem = status.interfaces[0].problem.clone().unwrap();
    assert!(problem.contains("has let its device go"), "{problem}");
    host.stop();
}
