//! What each generation changed is kept, within bounds.

use control::{HistoryRetention, Settings};
use model::{
    Actor, Command, Entity, Outcome,
    node::NodeCommand,
    ram::{RamCommand, RamOutcome, Secret},
};
use store::{MemoryStore, Table};

use crate::{
    seed,
    world::{create_group, is_member, join, leave, open, open_with, settings, stored, submission},
};

#[test]
fn a_record_says_who_when_and_what() {
    let mut store = MemoryStore::new();
    seed::fill(&mut store, 1, 1);
    let control = open(store);
    let mut asked = leave(0);
    asked.operation = "LeaveSecurityGroup";
    asked.request_id = "0ABC".into();
    asked.source = Some("203.0.113.9".parse().unwrap());
    control.submit_blocking(asked).unwrap();
    let history = control.history_blocking(0, 10).unwrap();
    let [record] = &history[..] else { panic!("{history:?}") };
    assert_eq!((record.generation, &*record.request_id), (2, "0ABC"));
    assert_eq!(record.operation, "LeaveSecurityGroup");
    assert_eq!(record.actor, Actor::Root(seed::ACCOUNT));
    assert_eq!(record.source.as_deref(), Some("203.0.113.9"));
    let [change] = &record.changes[..] else { panic!("{record:?}") };
    let groups = |side: &Option<Entity>| match side {
        Some(Entity::Interface(interface)) => interface.groups.len(),
        other => panic!("{other:?}"),
    };
    assert_eq!((groups(&change.before), groups(&change.after)), (1, 0));
}

#[test]
fn secrets_are_not_in_it() {
    let control = open(MemoryStore::new());
    let mut create = submission(Command::Ram(RamCommand::CreateAccount { name: "edge".into(), key: None }));
    create.actor = Actor::Operator;
    let Outcome::Ram(RamOutcome::Account(_, key)) = control.submit_blocking(create).unwrap().outcome else {
        panic!("no account");
    };
    let contains = |table| {
        let secret = key.secret.reveal().as_bytes();
        stored(&control, table).values().any(|value| value.windows(secret.len()).any(|part| part == secret))
    };
    assert!(contains(Table::Entities));
    assert!(!contains(Table::History));
}

#[test]
fn the_key_of_the_authority_is_in_the_store_and_not_in_it() {
    let control = open(MemoryStore::new());
    let establish = |key: &str| {
        let mut establish = submission(Command::Node(NodeCommand::EstablishAuthority {
            certificate: [7; 40].into(),
            key: Secret::new(key),
        }));
        establish.actor = Actor::Operator;
        establish
    };
    control.submit_blocking(establish("a very secret key")).unwrap();
    let contains = |table| {
        let holds = |value: &Vec<u8>| value.windows(17).any(|part| part == b"a very secret key");
        stored(&control, table).values().any(holds)
    };
    assert!(contains(Table::Entities));
    assert!(!contains(Table::History));
    control.submit_blocking(establish("another key")).unwrap();
    let kept = control.read_blocking(|state| state.node_authority().cloned()).unwrap().value.unwrap();
    assert_eq!(kept.key.reveal(), "a very secret key");
    assert!(!format!("{:?}", control.history_blocking(0, 10).unwrap()).contains("secret key"));
}

fn generations(retention: HistoryRetention) -> Vec<u64> {
    let mut store = MemoryStore::new();
    seed::fill(&mut store, 1, 1);
    let control = open_with(store, Settings { history: retention, ..settings() }).control;
    for _ in 0..5 {
        control.submit_blocking(leave(0)).unwrap();
        control.submit_blocking(join(0)).unwrap();
    }
    assert!(control.read_blocking(|state| is_member(state, 0)).unwrap().value);
    control.history_blocking(0, 100).unwrap().iter().map(|record| record.generation).collect()
}

#[test]
fn the_oldest_generations_go_when_a_bound_is_reached() {
    let all: Vec<u64> = (2..=11).collect();
    let none = HistoryRetention::default();
    assert_eq!(generations(none), all);
    assert_eq!(generations(HistoryRetention { generations_max: 4, ..none }), all[6..]);
    assert_eq!(generations(HistoryRetention { generations_max: 0, ..none }), all[9..]);
    let few = generations(HistoryRetention { bytes_max: 1000, ..none });
    assert!(few.len() > 1 && few.len() < 9, "{few:?}");
    assert_eq!(few, all[all.len() - few.len()..]);
}

#[test]
fn a_part_of_it_can_be_read() {
    let control = open(MemoryStore::new());
    for number in 0..6 {
        control.submit_blocking(create_group(&number.to_string())).unwrap();
    }
    let part = |from, most| -> Vec<u64> {
        control.history_blocking(from, most).unwrap().iter().map(|record| record.generation).collect()
    };
    assert_eq!(part(3, 2), [3, 4]);
    assert_eq!(part(6, 10), [6]);
    assert!(part(7, 10).is_empty());
    assert!(part(1, 0).is_empty());
}
