use std::time::Duration;

use model::{
    AccountId, UnixMillis,
    node::{Binding, Device, Hosting, ReportedState},
};
use policy::{Delta, Desired};

use super::*;

const ACCOUNT: AccountId = AccountId(1_000_000_000_000_001);

fn node(number: u128) -> NodeId {
    NodeId::from_number(number)
}

fn interface(number: u128) -> NetworkInterfaceId {
    NetworkInterfaceId::from_number(number)
}

fn instance(number: u128) -> InstanceId {
    InstanceId::from_number(number)
}

/// A state in which node 1 has interface 1 and instance 1, and node 2 the others.
fn state() -> State {
    let mut state = State::new();
    for number in 1..=2 {
        let binding = Binding {
            interface: interface(number),
            account: ACCOUNT,
            serial: 1,
            node: node(number),
            device: Device::Aliased,
            adopt_seconds: 0,
            created_at: UnixMillis(0),
        };
        let hosting = Hosting {
            instance: instance(number),
            account: ACCOUNT,
            serial: 1,
            node: node(number),
            boots: 1,
            images: 1,
            leaving: false,
        };
        state.load(&binding.into());
        state.load(&hosting.into());
    }
    state
}

fn confirmed(generation: u64, absent: &[u128]) -> Heard {
    let absent = absent.iter().map(|number| interface(*number)).collect();
    Heard::Confirmed { generation, took: Duration::ZERO, switched: None, absent }
}

fn absent(heard: &Heard) -> usize {
    match heard {
        Heard::Confirmed { absent, .. } => absent.len(),
        other => panic!("{other:?}"),
    }
}

fn foreign(number: u128) -> Result<(), Unacceptable> {
    Err(Foreign::Interface(interface(number)).into())
}

#[test]
fn a_node_speaks_of_what_is_bound_to_it_alone() {
    let mut own = Belongings::of(&state(), node(1));
    own.tell(&Told::Current { generation: 5, run: 0 });
    assert_eq!(own.check(&mut confirmed(5, &[1])), Ok(()));
    assert_eq!(own.check(&mut confirmed(5, &[1, 2])), foreign(2));
}

#[test]
fn what_is_said_of_a_time_before_the_session_is_cut_to_what_is_known() {
    let mut own = Belongings::of(&state(), node(1));
    let mut early = confirmed(3, &[1, 2]);
    assert_eq!(own.check(&mut early), Ok(()));
    assert_eq!(absent(&early), 1);
    own.tell(&Told::Current { generation: 5, run: 0 });
    let mut late = confirmed(4, &[1, 2]);
    assert_eq!((own.check(&mut late), absent(&late)), (Ok(()), 1));
    let mut never = confirmed(6, &[2]);
    assert_eq!((own.check(&mut never), absent(&never)), (Ok(()), 0), "what it was never told says nothing");
}

#[test]
fn what_went_is_known_until_the_node_confirms_that_it_went() {
    let mut own = Belongings::of(&state(), node(1));
    own.tell(&Told::Current { generation: 5, run: 0 });
    let delta = Delta { interfaces: [(interface(1), None)].into(), ..Delta::default() };
    own.tell(&Told::Delta { from: 5, generation: 6, run: 0, delta });
    assert_eq!(own.check(&mut confirmed(5, &[1])), Ok(()));
    assert_eq!(
        own.check(&mut confirmed(6, &[1])),
        Ok(()),
        "what it says with the confirmation is said before it"
    );
    assert_eq!(own.check(&mut confirmed(6, &[1])), foreign(1));
}

#[test]
fn a_snapshot_is_all_that_there_is() {
    let mut own = Belongings::of(&state(), node(1));
    own.tell(&Told::Snapshot { generation: 7, run: 0, desired: Desired::default(), obey_regression: false });
    assert_eq!(own.check(&mut confirmed(7, &[])), Ok(()));
    assert_eq!(own.check(&mut confirmed(7, &[1])), foreign(1));
}

/// What is taken in of a report about an instance.
fn reported(own: &mut Belongings, state: &State, number: u128) -> Result<usize, Foreign> {
    let report =
        InstanceReport { instance: instance(number), boots: 1, images: 1, state: ReportedState::Gone };
    let mut reports = vec![report];
    let elsewhere = own.hosted_elsewhere(state, node(1), &reports);
    own.report(&elsewhere, &mut reports).map(|()| reports.len())
}

#[test]
fn an_instance_is_reported_by_the_node_that_hosts_it_alone() {
    let (before, mut after) = (state(), state());
    let mut own = Belongings::of(&before, node(1));
    own.tell(&Told::Current { generation: 5, run: 0 });
    assert_eq!(reported(&mut own, &before, 1), Ok(1));
    assert_eq!(reported(&mut own, &before, 9), Ok(1), "nobody hosts it");
    assert_eq!(reported(&mut own, &before, 2), Err(Foreign::Instance(instance(2))));
    // It goes to the other node.
    let moved = before.hostings().get(&instance(1)).map(|hosting| Hosting::clone(hosting)).unwrap();
    after.load(&Hosting { node: node(2), ..moved }.into());
    assert_eq!(reported(&mut own, &after, 1), Ok(1), "it does not know yet");
    let delta = Delta { instances: [(instance(1), None)].into(), ..Delta::default() };
    own.tell(&Told::Delta { from: 5, generation: 6, run: 0, delta });
    assert_eq!(reported(&mut own, &after, 1), Ok(1));
    own.check(&mut confirmed(6, &[])).unwrap();
    assert_eq!(reported(&mut own, &after, 1), Err(Foreign::Instance(instance(1))));
}

#[test]
fn an_instance_that_went_before_the_session_is_not_held_against_a_node_that_was_not_told() {
    let snapshot =
        Told::Snapshot { generation: 7, run: 0, desired: Desired::default(), obey_regression: false };
    let delta = Told::Delta { from: 5, generation: 7, run: 0, delta: Delta::default() };
    for told in [snapshot, delta, Told::Current { generation: 7, run: 0 }] {
        let state = state();
        let mut own = Belongings::of(&state, node(1));
        assert_eq!(reported(&mut own, &state, 2), Ok(0), "it is left out");
        own.tell(&told);
        assert!(reported(&mut own, &state, 2).is_ok(), "it may have said so before it read that");
        own.check(&mut confirmed(7, &[])).unwrap();
        assert_eq!(reported(&mut own, &state, 2), Err(Foreign::Instance(instance(2))));
    }
    // Of one that it never spoke of it knows nothing.
    let mut own = Belongings::of(&state(), node(1));
    own.tell(&Told::Current { generation: 7, run: 0 });
    assert_eq!(reported(&mut own, &state(), 2), Err(Foreign::Instance(instance(2))));
}

#[test]
fn an_answer_is_to_a_question_and_of_its_kind() {
    let mut own = Belongings::of(&state(), node(1));
    let ask = |own: &mut Belongings, id| {
        let filter = control::fleet::FlowFilter::default();
        let question = Question::Flows { interface: interface(1), most: 1, filter };
        own.tell(&Told::Question { id, question });
    };
    let answer = |id, answer| Heard::Answer { id, answer };
    let none = || Answer::Flows { flows: Vec::new(), left_out: 0 };
    assert_eq!(own.check(&mut answer(1, none())), Err(Foreign::Question(1).into()));
    ask(&mut own, 1);
    assert_eq!(own.check(&mut answer(1, none())), Ok(()));
    assert_eq!(own.check(&mut answer(1, none())), Err(Foreign::Question(1).into()), "it was answered");
    ask(&mut own, 2);
    let counters = Answer::Counters(control::fleet::InterfaceCounters::default());
    assert!(matches!(own.check(&mut answer(2, counters)), Err(Unacceptable::Malformed(_))));
    (3..3 + QUESTIONS_MAX as u64 + 1).for_each(|id| ask(&mut own, id));
    assert_eq!(own.check(&mut answer(3, none())), Ok(()), "it is too late for that one");
}
