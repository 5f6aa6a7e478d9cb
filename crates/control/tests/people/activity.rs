//! Events: what is kept of them, and for how long.

use std::sync::Arc;

use control::{
    Control, HistoryRetention, Settings,
    activity::{
        ActorFilter, Event, EventFilter, EventOutcome, EventPlace, NamedUser, REFUSED_MAX, RefusedCall,
    },
};
use model::{Actor, UnixMillis, ram::UserId};

use crate::site::{Site, settings};

fn filter(site: &Site) -> EventFilter {
    EventFilter {
        account: site.actor.account().unwrap(),
        operation: None,
        actor: ActorFilter::NotTheClock,
        resource: None,
        from: None,
        until: None,
        outcome: None,
    }
}

fn refuse(site: &Site, number: usize) {
    site.control.note_refusal(RefusedCall {
        at: UnixMillis(0),
        actor: Actor::User(site.actor.account().unwrap(), UserId(7)),
        operation: "LeaveSecurityGroup".into(),
        request_id: format!("request-{number}").into(),
        source: None,
        code: "NoPermission".into(),
        message: "x".repeat(2_000).into(),
        about: Box::default(),
    });
}

fn places(events: &[Event]) -> Vec<(u64, u64)> {
    events.iter().map(|event| (event.place.generation, event.place.refusal)).collect()
}

#[test]
fn refused_calls_stand_between_the_changes_and_the_newest_of_them_are_kept() {
    let site = Site::new();
    let leave = site.must(site.leave(0, 0));
    refuse(&site, 1);
    refuse(&site, 2);
    let join = site.must(site.join(0, 0));
    refuse(&site, 3);
    let page = site.control.events(&filter(&site), None, 10);
    assert_eq!(places(&page.events), [(join, 3), (join, 0), (leave, 2), (leave, 1), (leave, 0)]);
    assert!(!page.more);
    let before = EventPlace { generation: join, refusal: 0 };
    let page = site.control.events(&filter(&site), Some(before), 1);
    assert_eq!((places(&page.events), page.more), (vec![(leave, 2)], true));
    let EventOutcome::Refused { message, .. } = &page.events[0].outcome else { panic!("not refused") };
    assert_eq!(message.len(), 512, "a long message is cut short");
    (0..REFUSED_MAX).for_each(|number| refuse(&site, number));
    let users = EventFilter { actor: ActorFilter::User(Some(NamedUser::new("7"))), ..filter(&site) };
    let page = site.control.events(&users, None, 10_000);
    assert_eq!((page.events.len(), page.more), (REFUSED_MAX, false));
    assert!(page.events.iter().all(|event| event.place.refusal > 3));
}

#[test]
fn the_events_of_a_restart_are_those_of_before_without_what_was_refused() {
    let site = Site::new();
    site.must(site.leave(0, 0));
    site.must(site.join(0, 0));
    refuse(&site, 1);
    let before = site.control.events(&filter(&site), None, 10);
    let reopened = reopened(&site, settings());
    let after = reopened.events(&filter(&site), None, 10);
    assert_eq!(after.events, before.events[1..]);
    assert_eq!(after.oldest, before.oldest);
}

/// A control plane on a copy of the history of a site.
fn reopened(site: &Site, settings: Settings) -> Control {
    use store::{Batch, MemoryStore, Store, Table};
    let mut batch = Batch::new();
    let snapshot = site.control.snapshot_blocking().unwrap();
    for table in Table::ALL {
        let mut copy = |key: &[u8], value: &[u8]| {
            batch.put(table, key.to_vec(), value.to_vec());
            std::ops::ControlFlow::Continue(())
        };
        snapshot.scan(table, &[], &mut copy).unwrap();
    }
    let mut store = MemoryStore::new();
    store.commit(snapshot.revision(), &batch).unwrap();
    Control::open(Box::new(store), settings, Arc::new(site.clock.clone()), &mut |_| {}).unwrap().control
}

#[test]
fn events_go_when_their_records_go() {
    let history = HistoryRetention { generations_max: 3, bytes_max: 1 << 20 };
    let site = Site::with(Settings { history, ..settings() }, |store| Box::new(store));
    let mut made = Vec::new();
    for _ in 0..4 {
        made.push(site.must(site.leave(0, 0)));
        made.push(site.must(site.join(0, 0)));
    }
    let page = site.control.events(&filter(&site), None, 10);
    let kept: Vec<u64> = page.events.iter().map(|event| event.place.generation).collect();
    assert_eq!(kept, made.iter().rev().take(3).copied().collect::<Vec<_>>());
    assert_eq!(page.oldest.map(|(generation, _)| generation), Some(made[made.len() - 3]));
}

#[test]
fn a_change_that_was_not_written_is_no_event() {
    let site = Site::new();
    let leave = site.must(site.leave(0, 0));
    site.failures.fail_commit(store::FailedCommit::Absent);
    assert!(site.act(site.join(0, 0)).is_err());
    let join = site.must(site.join(0, 0));
    let page = site.control.events(&filter(&site), None, 10);
    assert_eq!(places(&page.events), [(join, 0), (leave, 0)]);
    site.failures.fail_commit(store::FailedCommit::Present);
    let again = site.must(site.leave(0, 0));
    let page = site.control.events(&filter(&site), None, 1);
    assert_eq!(places(&page.events), [(again, 0)], "it is there, and so it is an event");
}
