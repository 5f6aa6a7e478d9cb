//! Counters, events, audits, and what is found again.

use dataplane::{
    Drift, Generation, Intent, Reason, RulePlace,
    audit::{BindingIntent, ClassIntent},
};
use model::rule::{Direction, Policy, Protocol};

use crate::{
    subject::{Bound, OWN, PEER, Subject, accepting, plan, request, rule, udp},
    support::interface,
};

pub fn drops_are_counted_by_reason(subject: &mut dyn Subject) {
    let rules = [rule(Policy::Drop, Protocol::Udp, 81), rule(Policy::Accept, Protocol::Udp, 80)];
    let bound = Bound::with(subject, &plan(rules));
    assert_eq!(bound.request(subject, 80), None);
    for _ in 0..3 {
        assert_eq!(bound.request(subject, 81), Some(Reason::Rule));
    }
    assert_eq!(bound.request(subject, 82), Some(Reason::Implicit));
    let spoofed = udp("10.0.0.3", PEER, (1, 2));
    assert_eq!(bound.send(subject, Direction::Egress, &spoofed), Some(Reason::SpoofedAddress));
    let drops = subject.dataplane().drops(Some(bound.binding)).unwrap();
    let counts: Vec<(Reason, u64)> = drops.iter().collect();
    assert_eq!(counts, [(Reason::Rule, 3), (Reason::Implicit, 1), (Reason::SpoofedAddress, 1)]);
    assert_eq!(drops.total(), 5);
    subject.dataplane().unbind(bound.binding).unwrap();
    let binding = subject.dataplane().bind(&bound.device, &interface(2)).unwrap();
    assert_eq!(subject.dataplane().drops(Some(binding)).unwrap().total(), 0);
}

pub fn rule_counts_go_on_while_the_rule_is_the_same(subject: &mut dyn Subject) {
    let mut bound = Bound::with(subject, &accepting(&[80, 81]));
    let counts = |subject: &mut dyn Subject, bound: &Bound| -> Vec<(RulePlace, u64)> {
        let counts = subject.dataplane().rule_counts(bound.class).unwrap();
        let of_ingress = counts.iter().filter(|count| count.direction == Direction::Ingress);
        of_ingress.map(|count| (count.rule, count.count)).collect()
    };
    for _ in 0..3 {
        assert_eq!(bound.request(subject, 81), None);
    }
    assert_eq!(bound.request(subject, 99), Some(Reason::Implicit));
    let [first, second, end] = [RulePlace::Rule(0), RulePlace::Rule(1), RulePlace::Implicit];
    assert_eq!(counts(subject, &bound), [(first, 0), (second, 1), (end, 1)], "admissions, not packets");
    // The rule for 81 is the first one now, and judges its flow again.
    bound.switch(subject, &accepting(&[81, 82]));
    assert_eq!(counts(subject, &bound), [(first, 1), (second, 0), (end, 1)]);
    assert_eq!(bound.request(subject, 81), None);
    assert_eq!(counts(subject, &bound), [(first, 2), (second, 0), (end, 1)]);
    bound.switch(subject, &accepting(&[82]));
    bound.switch(subject, &accepting(&[81, 82]));
    assert_eq!(counts(subject, &bound), [(first, 0), (second, 0), (end, 1)], "a rule added anew");
}

pub fn events_tell_about_dropped_packets(subject: &mut dyn Subject) {
    let bound = Bound::with(subject, &plan([rule(Policy::Drop, Protocol::Udp, 81)]));
    assert!(subject.dataplane().events(10).unwrap().is_empty());
    assert_eq!(bound.request(subject, 81), Some(Reason::Rule));
    assert_eq!(bound.request(subject, 82), Some(Reason::Implicit));
    let events = subject.dataplane().events(10).unwrap();
    assert_eq!(events.len(), 2, "{events:?}");
    for (event, (reason, place, port)) in events
        .iter()
        .zip([(Reason::Rule, RulePlace::Rule(0), 81), (Reason::Implicit, RulePlace::Implicit, 82)])
    {
        assert_eq!((event.ifindex, event.binding), (bound.device.ifindex, Some(bound.binding)));
        assert_eq!((event.reason, event.rule), (reason, Some(place)));
        assert_eq!((event.direction, event.ethertype), (Direction::Ingress, 0x0800));
        let tuple = event.tuple.unwrap();
        assert_eq!((tuple.local_port, tuple.remote_port, tuple.protocol), (port, 4000, 17));
        assert_eq!((tuple.local.to_string(), tuple.remote.to_string()), (OWN.to_owned(), PEER.to_owned()));
    }
    for _ in 0..5 {
        bound.request(subject, 81);
    }
    assert_eq!(subject.dataplane().events(2).unwrap().len(), 2);
    assert_eq!(subject.dataplane().events(10).unwrap().len(), 3);
}

pub fn an_audit_finds_each_difference(subject: &mut dyn Subject) {
    let bound = Bound::with(subject, &accepting(&[80]));
    let class = subject.dataplane().read_back_class(bound.class).unwrap();
    let plan = class.plan.map(|plan| (plan.generation, plan.digest));
    let intent = Intent {
        bindings: vec![BindingIntent {
            binding: bound.binding,
            ifindex: bound.device.ifindex,
            interface: interface(1),
            class: Some(bound.class),
        }],
        classes: vec![ClassIntent { class: bound.class, plan }],
    };
    let audit = |subject: &mut dyn Subject, change: &dyn Fn(&mut Intent)| {
        let mut wanted = intent.clone();
        change(&mut wanted);
        subject.dataplane().audit(&wanted).unwrap()
    };
    let binding = bound.binding;
    assert_eq!(audit(subject, &|_| {}), []);
    let found = audit(subject, &|intent| intent.bindings.clear());
    assert_eq!(found, [Drift::BindingUnwanted(binding)]);
    let found = audit(subject, &|intent| intent.classes.clear());
    assert_eq!(found, [Drift::ClassUnwanted(bound.class)]);
    let found = audit(subject, &|intent| intent.bindings[0].interface.flows_max += 1);
    assert_eq!(found, [Drift::OtherConfiguration(binding)]);
    let found = audit(subject, &|intent| intent.bindings[0].class = None);
    assert_eq!(found, [Drift::OtherClass { binding, found: Some(bound.class) }]);
    let found = audit(subject, &|intent| intent.classes[0].plan = Some((Generation(9), 9)));
    assert_eq!(found, [Drift::OtherPlan { class: bound.class, found: plan }]);
    let found = audit(subject, &|intent| intent.bindings[0].ifindex = 77);
    assert_eq!(found, [Drift::OtherDevice { binding, found: bound.device.ifindex }]);
    subject.remove_device(&bound.device);
    assert_eq!(audit(subject, &|_| {}), [Drift::DeviceGone(binding)]);
    subject.dataplane().unbind(binding).unwrap();
    subject.dataplane().remove_class(bound.class).unwrap();
    let found = audit(subject, &|_| {});
    assert_eq!(found, [Drift::BindingMissing(binding), Drift::ClassMissing(bound.class)]);
}

pub fn everything_is_found_again_after_a_kill(subject: &mut dyn Subject) {
    let mut bound = Bound::with(subject, &accepting(&[80, 81]));
    for port in [80, 81] {
        assert_eq!(bound.request(subject, port), None);
    }
    let bindings = subject.dataplane().bindings().unwrap();
    let classes = subject.dataplane().classes().unwrap();
    for _ in 0..3 {
        subject.kill();
        assert_eq!(subject.dataplane().bindings().unwrap(), bindings);
        assert_eq!(subject.dataplane().classes().unwrap(), classes);
        assert_eq!(bound.request(subject, 80), None);
        assert_eq!(bound.send(subject, Direction::Ingress, &request(82)), Some(Reason::Implicit));
    }
    bound.switch(subject, &accepting(&[81]));
    assert_eq!(bound.request(subject, 80), Some(Reason::DeadFlow));
    assert_eq!(bound.request(subject, 81), None);
    subject.kill();
    assert_eq!(bound.request(subject, 80), Some(Reason::DeadFlow));
}
