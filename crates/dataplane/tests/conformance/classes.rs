//! Classes and plans.

use dataplane::{ClassId, DataplaneError, Generation, Reason};
use model::rule::Direction;

use crate::subject::{Bound, Subject, accepting, request};

pub fn what_a_switch_revokes_is_cut_until_a_switch_permits_it(subject: &mut dyn Subject) {
    let mut bound = Bound::with(subject, &accepting(&[80, 81]));
    let reply = request(80).reversed();
    for port in [80, 81] {
        assert_eq!(bound.request(subject, port), None);
    }
    bound.switch(subject, &accepting(&[81]));
    for _ in 0..3 {
        // Whichever side speaks first, and although the rules let everything out.
        assert_eq!(bound.send(subject, Direction::Egress, &reply), Some(Reason::DeadFlow));
        assert_eq!(bound.request(subject, 80), Some(Reason::DeadFlow));
        assert_eq!(bound.request(subject, 81), None);
    }
    bound.switch(subject, &accepting(&[]));
    assert_eq!(bound.request(subject, 80), Some(Reason::DeadFlow));
    bound.switch(subject, &accepting(&[80]));
    assert_eq!(bound.send(subject, Direction::Egress, &reply), None);
    assert_eq!(bound.request(subject, 80), None);
    assert_eq!(bound.request(subject, 81), Some(Reason::DeadFlow));
}

pub fn a_switch_is_read_back_with_its_generation_and_digest(subject: &mut dyn Subject) {
    let mut bound = Bound::new(subject);
    let empty = subject.dataplane().read_back_class(bound.class).unwrap();
    assert_eq!((empty.word, empty.plan, empty.label), (0, None, 42));
    let mut seen = Vec::new();
    for (generation, ports) in (1..).zip([vec![80], (1..=300).collect(), vec![80]]) {
        let plan = accepting(&ports);
        let stamp = bound.switch(subject, &plan);
        assert_eq!(bound.request(subject, 80), None);
        let report = subject.dataplane().read_back_class(bound.class).unwrap();
        let found = report.plan.unwrap();
        assert_eq!((found.stamp, found.generation), (stamp, Generation(generation)));
        assert!(found.intact && report.word != 0);
        assert_eq!(found.digest, plan.image(generation, stamp.0)[policy::image::DIGEST]);
        seen.push((found.digest, report.word));
    }
    assert_eq!(seen[0].0, seen[2].0, "equal plans have equal digests");
    assert!(seen[0].0 != seen[1].0 && seen[0].1 != seen[2].1);
}

pub fn a_class_in_use_is_not_removed(subject: &mut dyn Subject) {
    use DataplaneError as Error;
    let bound = Bound::with(subject, &accepting(&[80]));
    let dataplane = subject.dataplane();
    let refused = dataplane.remove_class(bound.class);
    assert!(matches!(refused, Err(Error::ClassInUse { binding, .. }) if binding == bound.binding));
    dataplane.assign(bound.binding, None).unwrap();
    dataplane.remove_class(bound.class).unwrap();
    assert!(dataplane.classes().unwrap().is_empty());
    let unknown = ClassId(4711);
    let assigned = dataplane.assign(bound.binding, Some(unknown));
    assert!(matches!(assigned, Err(Error::UnknownClass(_))));
    assert!(matches!(dataplane.remove_class(unknown), Err(Error::UnknownClass(_))));
    assert!(matches!(dataplane.read_back_class(unknown), Err(Error::UnknownClass(_))));
    let switched = dataplane.switch(unknown, Generation(1), &accepting(&[]));
    assert!(matches!(switched, Err(Error::UnknownClass(_))));
    let class = dataplane.create_class(0).unwrap();
    assert!(matches!(dataplane.rule_counts(class), Err(Error::NoPlan(_))));
}

pub fn an_interface_changes_its_class(subject: &mut dyn Subject) {
    let bound = Bound::with(subject, &accepting(&[80]));
    assert_eq!(bound.request(subject, 80), None);
    let other = subject.dataplane().create_class(43).unwrap();
    subject.dataplane().switch(other, Generation(9), &accepting(&[81])).unwrap();
    assert_eq!(bound.request(subject, 80), None, "a class of others changes nothing");
    subject.dataplane().assign(bound.binding, Some(other)).unwrap();
    assert_eq!(subject.dataplane().read_back(bound.binding).unwrap().class, Some(other));
    assert_eq!(bound.request(subject, 80), Some(Reason::DeadFlow));
    assert_eq!(bound.request(subject, 81), None);
    subject.dataplane().assign(bound.binding, Some(bound.class)).unwrap();
    assert_eq!(bound.request(subject, 80), None);
    assert_eq!(bound.request(subject, 81), Some(Reason::DeadFlow));
}

pub fn stamps_are_never_used_again(subject: &mut dyn Subject) {
    let mut bound = Bound::new(subject);
    let mut last = None;
    for round in 0..200 {
        let stamp = bound.switch(subject, &accepting(&[80]));
        assert!(last < Some(stamp));
        last = Some(stamp);
        if round % 50 == 0 {
            subject.kill();
        }
    }
}

pub fn a_generation_is_kept_as_it_is_given(subject: &mut dyn Subject) {
    let bound = Bound::new(subject);
    let mut last = None;
    for generation in [7, u64::MAX, 3, 3, 0].map(Generation) {
        let stamp = subject.dataplane().switch(bound.class, generation, &accepting(&[80])).unwrap();
        assert!(last < Some(stamp), "stamps tell switches apart, generations do not");
        last = Some(stamp);
        let found = subject.dataplane().read_back_class(bound.class).unwrap().plan.unwrap();
        assert_eq!((found.generation, found.stamp), (generation, stamp));
    }
}
