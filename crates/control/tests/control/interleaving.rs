//! Many writers and readers beside commits that fail at random: whatever a read showed, and whatever a caller was
//! answered, is what the history says afterwards.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
};

use control::{Control, Failure, HistoryRecord, Phase, Settings};
use model::Entity;
use store::{FailedCommit, MemoryStore};

use crate::{
    seed::{self, interface_id},
    world::{assert_consistent, either_way, is_member, join, leave, open_with},
};

const WORKERS: u32 = 8;
const READERS: usize = 3;
const ROUNDS: u32 = 150;
/// One commit in about so many submissions fails.
const FAIL_EVERY: u32 = 9;

/// What a worker was answered, by request id.
type Answers = BTreeMap<String, Result<u64, Failure>>;
/// Generation, and who was a member then.
type View = (u64, Vec<bool>);

fn members(control: &Control) -> View {
    let read = control
        .read_blocking(|state| (0..WORKERS).map(|worker| is_member(state, worker)).collect::<Vec<_>>())
        .unwrap();
    (read.generation, read.value)
}

fn work(control: &Control, worker: u32, fail: &impl Fn()) -> Answers {
    let mut answers = Answers::new();
    let mut member = true;
    for round in 0..ROUNDS {
        let mut asked = if member { leave(worker) } else { join(worker) };
        let request_id = format!("{worker}/{round}");
        asked.request_id = request_id.as_str().into();
        fail();
        let answer = control.submit_blocking(asked).map(|receipt| receipt.generation);
        if let Ok(generation) = answer {
            member = !member;
            let (seen, views) = members(control);
            assert!(seen >= generation, "a caller sees what it was answered");
            assert_eq!(views[worker as usize], member);
        }
        // Otherwise most would be turned away.
        while control.status().phase == Phase::Recovering {
            thread::yield_now();
        }
        answers.insert(request_id, answer);
    }
    answers
}

/// Who was a member after each generation, by the history.
fn views(history: &[HistoryRecord]) -> BTreeMap<u64, Vec<bool>> {
    let mut members = vec![true; WORKERS as usize];
    let mut views = BTreeMap::from([(1, members.clone())]);
    for record in history {
        for change in &record.changes {
            let Some(Entity::Interface(interface)) = &change.after else { panic!("{change:?}") };
            let worker = (0..WORKERS).find(|worker| interface_id(*worker) == interface.id).unwrap();
            members[worker as usize] = !interface.groups.is_empty();
        }
        assert!(views.insert(record.generation, members.clone()).is_none(), "a generation was used twice");
    }
    views
}

#[test]
fn reads_and_answers_are_what_history_says() {
    for settings in either_way() {
        let mut store = MemoryStore::new();
        seed::fill(&mut store, 1, WORKERS);
        let failures = store.failures();
        let control = open_with(store, Settings { batch_max: 5, ..settings }).control;
        let (asked, done) = (AtomicU32::new(0), AtomicBool::new(false));
        let fail = || {
            let number = asked.fetch_add(1, Ordering::Relaxed);
            if number.is_multiple_of(FAIL_EVERY) {
                let present = (number / FAIL_EVERY).is_multiple_of(2);
                failures.fail_commit(if present { FailedCommit::Present } else { FailedCommit::Absent });
            }
        };
        let (answers, seen) = thread::scope(|scope| {
            let readers: Vec<_> = (0..READERS)
                .map(|_| {
                    scope.spawn(|| {
                        let mut seen: Vec<View> = Vec::new();
                        while !done.load(Ordering::Relaxed) {
                            seen.push(members(&control));
                        }
                        seen
                    })
                })
                .collect();
            let workers: Vec<_> = (0..WORKERS)
                .map(|worker| {
                    let (control, fail) = (&control, &fail);
                    scope.spawn(move || work(control, worker, fail))
                })
                .collect();
            let answers: Answers = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
            done.store(true, Ordering::Relaxed);
            let seen: Vec<Vec<View>> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
            (answers, seen)
        });
        assert_consistent(&control);
        let history = control.history_blocking(0, usize::MAX).unwrap();
        check_answers(&answers, &history);
        let views = views(&history);
        for reader in seen {
            assert!(reader.is_sorted_by_key(|(generation, _)| *generation), "time goes on for a reader");
            for (generation, view) in reader {
                assert_eq!(views.get(&generation), Some(&view), "generation {generation}");
            }
        }
    }
}

fn check_answers(answers: &Answers, history: &[HistoryRecord]) {
    let kept: BTreeMap<&str, u64> =
        history.iter().map(|record| (&*record.request_id, record.generation)).collect();
    assert_eq!(kept.len(), history.len(), "a command was carried out twice");
    let mut failed = false;
    for (request_id, answer) in answers {
        match answer {
            Ok(generation) => assert_eq!(kept.get(&**request_id), Some(generation), "{request_id}"),
            Err(Failure::NotDurable) => {
                failed = true;
                assert_eq!(kept.get(&**request_id), None, "{request_id}");
            }
            Err(other) => panic!("{request_id}: {other:?}"),
        }
    }
    assert!(failed, "no commit failed");
    assert!(!kept.is_empty(), "nothing was carried out");
}
