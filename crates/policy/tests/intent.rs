//! Step by step or from nothing: what has to be enforced is the same.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{collections::BTreeMap, sync::Arc};

use model::{NetworkInterfaceId, SecurityGroupId, rule::Rule};
use policy::{
    ClassError, ClassKey, Intent, PolicyClass, RULES_MAX,
    intent::{Change, IntentError, Step, difference},
    testing::{self, Random},
    text::parse_rule,
};
use proptest::prelude::*;

fn group_id(number: usize) -> SecurityGroupId {
    SecurityGroupId::from_entropy(number as u128)
}

fn interface_id(number: usize) -> NetworkInterfaceId {
    NetworkInterfaceId::from_entropy(number as u128)
}

fn put_group(number: usize, rules: Vec<Rule>) -> Change {
    Change::PutGroup { group: group_id(number), rules: Arc::from(rules) }
}

fn put_interface(number: usize, groups: &[usize]) -> Change {
    let groups = groups.iter().map(|number| group_id(*number)).collect();
    Change::PutInterface { interface: interface_id(number), groups }
}

fn open(port: u16) -> Rule {
    parse_rule(&format!("ingress accept tcp to port {port}")).unwrap()
}

/// What steps do, without a kernel.
#[derive(Default, PartialEq, Debug)]
struct Toy {
    loaded: BTreeMap<ClassKey, PolicyClass>,
    assigned: BTreeMap<NetworkInterfaceId, ClassKey>,
}

impl Toy {
    fn take(&mut self, steps: &[Step]) {
        for step in steps {
            match step.clone() {
                Step::Load { key, class } => {
                    assert_ne!(self.loaded.insert(key, class.clone()), Some(class), "loaded for nothing");
                }
                Step::Assign { interface, key } => {
                    assert!(self.loaded.contains_key(&key), "assigned before it is loaded");
                    assert_ne!(
                        self.assigned.insert(interface, key.clone()),
                        Some(key),
                        "assigned for nothing"
                    );
                }
                Step::Release { interface } => assert!(self.assigned.remove(&interface).is_some()),
                Step::Unload { key } => {
                    assert!(!self.assigned.values().any(|other| *other == key), "unloaded while in force");
                    assert!(self.loaded.remove(&key).is_some());
                }
            }
        }
    }

    fn of(intent: &Intent) -> Self {
        Self {
            loaded: intent.classes().map(|(key, class)| (key.clone(), class.clone())).collect(),
            assigned: intent.interfaces().map(|(interface, key)| (interface, key.clone())).collect(),
        }
    }
}

fn some_change(random: &mut Random) -> Change {
    match random.below(10) {
        0..3 => {
            let most = if random.percent(10) { 700 } else { 4 };
            let count = random.below(most);
            put_group(random.below(6), testing::rules(random, count))
        }
        3 => Change::RemoveGroup { group: group_id(random.below(6)) },
        4 => Change::RemoveInterface { interface: interface_id(random.below(8)) },
        _ => {
            let groups: Vec<usize> = (0..random.below(4)).map(|_| random.below(6)).collect();
            put_interface(random.below(8), &groups)
        }
    }
}

proptest! {
    #[test]
    fn after_every_change_it_is_what_is_computed_from_nothing(seed in any::<u64>()) {
        let mut random = Random::new(seed);
        let (mut intent, mut toy) = (Intent::default(), Toy::default());
        for _ in 0..60 {
            let before = intent.clone();
            match intent.apply(some_change(&mut random)) {
                Ok(steps) => {
                    prop_assert_eq!(&steps, &difference(&before, &intent));
                    toy.take(&steps);
                }
                Err(_refused) => prop_assert!(intent == before),
            }
            prop_assert!(intent == intent.recompute().unwrap());
            prop_assert_eq!(&toy, &Toy::of(&intent));
        }
        // And from anywhere to anywhere.
        toy.take(&difference(&intent, &Intent::default()));
        prop_assert_eq!(&toy, &Toy::default());
        toy.take(&difference(&Intent::default(), &intent));
        prop_assert_eq!(toy, Toy::of(&intent));
    }
}

fn shown(steps: &[Step]) -> Vec<String> {
    steps.iter().map(ToString::to_string).collect()
}

#[test]
fn each_change_has_its_steps() {
    let mut intent = Intent::default();
    let mut apply = |change| shown(&intent.apply(change).unwrap());
    let (one, two) = (group_id(1), group_id(2));
    let (first, second) = (interface_id(1), interface_id(2));
    assert!(apply(put_group(1, vec![open(80)])).is_empty());
    assert!(apply(put_group(2, vec![open(443), open(444)])).is_empty());
    assert_eq!(
        apply(put_interface(1, &[2, 1])),
        [format!("load {one}+{two} (3 rules)"), format!("assign {first} to {one}+{two}")]
    );
    assert_eq!(apply(put_interface(2, &[1, 2])), [format!("assign {second} to {one}+{two}")]);
    assert!(apply(put_interface(2, &[2, 1])).is_empty());
    assert_eq!(apply(put_group(1, vec![])), [format!("load {one}+{two} (2 rules)")]);
    assert!(apply(put_group(1, vec![])).is_empty());
    assert_eq!(
        apply(put_interface(1, &[])),
        ["load none (0 rules)".to_owned(), format!("assign {first} to none")]
    );
    assert_eq!(
        apply(put_interface(2, &[])),
        [format!("assign {second} to none"), format!("unload {one}+{two}")]
    );
    assert!(apply(Change::RemoveGroup { group: two }).is_empty());
    assert_eq!(apply(Change::RemoveInterface { interface: first }), [format!("release {first}")]);
    assert_eq!(
        apply(Change::RemoveInterface { interface: second }),
        [format!("release {second}"), "unload none".to_owned()]
    );
}

#[test]
fn another_description_is_no_change() {
    let mut intent = Intent::default();
    intent.apply(put_group(1, vec![open(80)])).unwrap();
    intent.apply(put_interface(1, &[1])).unwrap();
    let described = Rule { description: Some("web".into()), ..open(80) };
    assert!(intent.apply(put_group(1, vec![described])).unwrap().is_empty());
}

#[test]
fn what_cannot_be_enforced_is_refused() {
    let mut intent = Intent::default();
    let (group, interface) = (group_id(1), interface_id(1));
    let refused = |intent: &mut Intent, change| intent.apply(change).unwrap_err();
    let unknown = IntentError::UnknownGroup { interface, group };
    assert_eq!(refused(&mut intent, put_interface(1, &[1])), unknown);
    assert_eq!(refused(&mut intent, Change::RemoveGroup { group }), IntentError::NoSuchGroup(group));
    let gone = IntentError::NoSuchInterface(interface);
    assert_eq!(refused(&mut intent, Change::RemoveInterface { interface }), gone);
    intent.apply(put_group(1, vec![open(80); RULES_MAX])).unwrap();
    intent.apply(put_group(2, vec![])).unwrap();
    intent.apply(put_interface(1, &[1, 2])).unwrap();
    let many = IntentError::Class(ClassError::TooManyRules { rules: RULES_MAX + 1 });
    assert_eq!(refused(&mut intent, put_group(2, vec![open(81)])), many);
    let used = IntentError::GroupInUse { group, interface };
    assert_eq!(refused(&mut intent, Change::RemoveGroup { group }), used);
    let twice = IntentError::Class(ClassError::GroupTwice(group));
    assert_eq!(refused(&mut intent, put_interface(1, &[1, 1])), twice);
}
