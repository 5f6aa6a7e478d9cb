//! What nodes are told, and what they say.

use std::time::Duration;

use control::fleet::{Answer, AskError, Enforced, Question};
use model::NetworkInterfaceId;
use protocol::node::{self, from_node::Message, to_node::Message as Told};
use session::SessionSettings;
use tonic::Code;

use crate::{
    client::{Follow, Identity, Kept, confirmed, hello},
    world::{World, settings, until, within},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_told_what_is_wanted_of_it_and_what_changes() {
    let world = World::new().await;
    let identity = world.node().await;
    let group = world.group(3).await;
    let interfaces = world.interfaces(group, 2).await;
    world.bind(interfaces[0], identity.node).await;
    let (mut follow, mut kept) = (world.follow(&identity, 0).await, Kept::default());
    kept.obey(&mut follow).await;
    assert_eq!((kept.desired.interfaces.len(), kept.desired.groups.len()), (1, 1));
    world.bind(interfaces[1], identity.node).await;
    let Told::Delta(delta) = kept.obey(&mut follow).await else { panic!("no delta") };
    assert_eq!(delta.interfaces[0].network_interface_id, interfaces[1].to_string());
    world.leave(group, interfaces[0]).await;
    kept.obey(&mut follow).await;
    world.assert_kept(identity.node, &kept).await;
    let enforced = within(world.control.enforced(kept.generation, Duration::from_secs(60))).await;
    assert!(matches!(enforced, Enforced::Confirmed), "{enforced:?}");
    follow.leave();
    world.until_disconnected(identity.node).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_comes_back_is_told_what_it_missed_and_no_more() {
    let world = World::new().await;
    let identity = world.node().await;
    let group = world.group(3).await;
    let interfaces = world.interfaces(group, 3).await;
    world.bind(interfaces[0], identity.node).await;
    let (mut follow, mut kept) = (world.follow(&identity, 0).await, Kept::default());
    kept.obey(&mut follow).await;
    until("it is confirmed", || world.standing(identity.node).generations_behind == 0).await;
    follow.leave();
    world.until_disconnected(identity.node).await;
    world.bind(interfaces[1], identity.node).await;
    world.bind(interfaces[2], identity.node).await;
    let mut follow = world.follow(&identity, kept.generation).await;
    let Told::Delta(delta) = kept.obey(&mut follow).await else { panic!("no delta") };
    assert_eq!(delta.interfaces.len(), 2, "both changes in one");
    world.assert_kept(identity.node, &kept).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_are_answered_by_the_node_that_is_asked() {
    let world = World::new().await;
    let identity = world.node().await;
    let interface = NetworkInterfaceId::from_number(1);
    let ask = Question::Counters { interface };
    let asked = world.control.ask(identity.node, ask.clone(), Duration::from_secs(1)).await;
    assert_eq!(asked, Err(AskError::NotConnected));
    let mut follow = world.follow(&identity, 0).await;
    follow.told().await;
    let control = world.control.clone();
    let asking = tokio::spawn(async move {
        control.ask(identity.node, Question::Counters { interface }, Duration::from_secs(60)).await
    });
    let Told::Question(question) = follow.told().await else { panic!("no question") };
    let counters = node::Counters { flow_count: 7, ..node::Counters::default() };
    let answer = Some(node::answer::Answer::Counters(counters));
    follow.say(Message::Answer(node::Answer { id: question.id, answer })).await;
    let Ok(Answer::Counters(counters)) = within(asking).await.unwrap() else { panic!("no answer") };
    assert_eq!(counters.flow_count, 7);
}

/// A node that follows, has confirmed what it was told, and then says something.
async fn ended_by(world: &World, identity: &Identity, message: Message) -> tonic::Status {
    let (mut follow, mut kept) = (world.follow(identity, 0).await, Kept::default());
    kept.obey(&mut follow).await;
    follow.say(message).await;
    let status = follow.end().await;
    world.until_disconnected(identity.node).await;
    status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_message_ends_the_session_with_its_name_and_nothing_is_lost() {
    let world = World::new().await;
    let identity = world.node().await;
    let refused = node::Refused { reason: 77, ..node::Refused::default() };
    let absent = vec!["eni".to_owned()];
    let confirmed = node::Confirmed { absent_interfaces: absent, ..node::Confirmed::default() };
    for (message, code, says) in [
        (Message::Refused(refused), Code::InvalidArgument, "reason"),
        (Message::Confirmed(confirmed), Code::InvalidArgument, "absent_interfaces is \"eni\""),
        (hello(0), Code::InvalidArgument, "one Hello"),
        (Message::Answer(node::Answer::default()), Code::InvalidArgument, "answer"),
    ] {
        let status = ended_by(&world, &identity, message).await;
        assert_eq!(status.code(), code, "{status:?}");
        assert!(status.message().contains(says), "{status:?}");
    }
    let (mut follow, mut kept) = (world.follow(&identity, 0).await, Kept::default());
    kept.obey(&mut follow).await;
    world.assert_kept(identity.node, &kept).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_ends_the_session() {
    let world = World::new().await;
    let identity = world.node().await;
    let problem = node::Problem { message: "x".repeat(protocol::FROM_NODE_BYTES_MAX), ..Default::default() };
    let large = node::NotInForce { problems: vec![problem], ..node::NotInForce::default() };
    let status = ended_by(&world, &identity, Message::NotInForce(large)).await;
    assert_eq!(status.code(), Code::OutOfRange, "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_speaks_for_itself_alone() {
    let world = World::new().await;
    let (identity, other) = (world.node().await, world.node().await);
    let group = world.group(1).await;
    let interfaces = world.interfaces(group, 2).await;
    world.bind(interfaces[0], identity.node).await;
    world.bind(interfaces[1], other.node).await;
    let generation = world.generation().await;
    let foreign = interfaces[1].to_string();
    let problem = node::Problem { network_interface_id: foreign.clone(), message: "x".into() };
    let not_in_force = node::NotInForce { generation, problems: vec![problem], problem_count: 1 };
    let confirmed =
        node::Confirmed { generation, absent_interfaces: vec![foreign.clone()], ..Default::default() };
    let answer = node::Answer { id: 99, answer: Some(node::answer::Answer::Failed("no".into())) };
    for (message, says) in [
        (Message::NotInForce(not_in_force), foreign.as_str()),
        (Message::Confirmed(confirmed), foreign.as_str()),
        (Message::Answer(answer), "question 99"),
    ] {
        let status = ended_by(&world, &identity, message).await;
        assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
        assert!(status.message().contains(says), "{status:?}");
    }
    assert_eq!(world.standing(other.node).not_in_force, None);
    assert_eq!(world.standing(identity.node).not_in_force, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_just_gone_may_still_be_spoken_of() {
    let world = World::new().await;
    let (identity, other) = (world.node().await, world.node().await);
    let group = world.group(1).await;
    let interfaces = world.interfaces(group, 1).await;
    world.bind(interfaces[0], identity.node).await;
    let (mut follow, mut kept) = (world.follow(&identity, 0).await, Kept::default());
    kept.obey(&mut follow).await;
    let before = kept.generation;
    world.unbind(interfaces[0]).await;
    let gone = world.generation().await;
    world.bind(interfaces[0], other.node).await;
    // It says this before it has read that the interface has gone.
    let absent = vec![interfaces[0].to_string()];
    let late = node::Confirmed { generation: before, absent_interfaces: absent, ..Default::default() };
    follow.say(Message::Confirmed(late.clone())).await;
    // What comes after that is about the other node, and may not be told to this one.
    kept.obey_until(&mut follow, gone).await;
    world.assert_kept(identity.node, &kept).await;
    until("it is confirmed", || world.standing(identity.node).generations_behind == 0).await;
    // Now it has read that.
    follow.say(Message::Confirmed(node::Confirmed { generation: kept.generation, ..late })).await;
    assert_eq!(follow.end().await.code(), Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_begins_with_hello_and_soon() {
    let world = World::with(SessionSettings { idle_seconds_max: 1, ..settings() }).await;
    let identity = world.node().await;
    let mut silent = Follow::begin(world.connect(&identity).await).await.unwrap();
    let status = silent.end().await;
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status:?}");
    let mut hasty = Follow::begin(world.connect(&identity).await).await.unwrap();
    hasty.say(confirmed(1)).await;
    let status = hasty.end().await;
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    assert!(status.message().contains("Hello"), "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_session_of_a_node_replaces_the_first() {
    let world = World::new().await;
    let identity = world.node().await;
    let mut first = world.follow(&identity, 0).await;
    first.told().await;
    let mut second = world.follow(&identity, 0).await;
    second.told().await;
    let status = first.end().await;
    assert_eq!(status.code(), Code::Aborted, "{status:?}");
    world.until_connected(identity.node).await;
    second.say(confirmed(0)).await;
    second.leave();
    world.until_disconnected(identity.node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_says_so_to_its_nodes() {
    let world = World::new().await;
    let identity = world.node().await;
    let mut follow = world.follow(&identity, 0).await;
    follow.told().await;
    let ended = tokio::spawn(async move { follow.end().await });
    world.stop().await;
    let status = within(ended).await.unwrap();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_read_costs_no_more_than_what_is_under_way() {
    const CHANGES: u16 = 400;
    let world = World::new().await;
    let identity = world.node().await;
    // Some 15 kB, which every change of a rule tells again.
    let group = world.group(300).await;
    let interfaces = world.interfaces(group, 1).await;
    world.bind(interfaces[0], identity.node).await;
    let (mut follow, mut kept) = (world.follow(&identity, 0).await, Kept::default());
    kept.obey(&mut follow).await;
    for number in 0..CHANGES {
        world.change_rule(group, 500 + number / 2, number % 2 == 0).await;
        // It answers what it has not read, so that only its connection holds anything up.
        follow.say(confirmed(world.generation().await)).await;
    }
    let pending = world.standing(identity.node).pending_bytes;
    assert!(pending < 1 << 20, "{pending} bytes wait");
    let end = world.generation().await;
    let mut messages = 0;
    while kept.generation < end {
        kept.obey(&mut follow).await;
        messages += 1;
    }
    // Two windows of 64 KiB and some buffers hold a dozen.
    assert!(messages < 60, "{messages} messages for {CHANGES} changes");
    world.assert_kept(identity.node, &kept).await;
}
