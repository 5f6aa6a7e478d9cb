//! What was answered is there after the store is opened again.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use control::{Control, Failure, NONCE_KEEP_MINUTES, NonceRecord, Opened};
use model::{Refusal, UnixMillis};
use store::{FjallStore, Options, Table};

use crate::{
    seed,
    world::{
        ManualClock, assert_consistent, create_group, either_way, join, leave, nonce, open, open_with,
        settings, shown, stored,
    },
};

fn fjall(directory: &Path) -> FjallStore {
    FjallStore::open(directory, &Options::default()).unwrap()
}

#[test]
fn everything_answered_is_there_after_reopening() {
    for settings in either_way() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = fjall(&directory.path().join("data"));
        seed::fill(&mut store, 2, 8);
        let control = open_with(store, settings).control;
        std::thread::scope(|scope| {
            for worker in 0..8 {
                let control = &control;
                scope.spawn(move || {
                    for round in 0..6 {
                        let asked = if round % 2 == 0 { leave(worker) } else { join(worker) };
                        control.submit_blocking(asked).unwrap();
                        control.submit_blocking(create_group(&format!("{worker} {round}"))).unwrap();
                    }
                });
            }
        });
        let generation = control.status().durable;
        assert_eq!(generation, 1 + 8 * 6 * 2);
        let before = shown(&control);
        assert_consistent(&control);
        control.stop_blocking();
        let control = open(fjall(&directory.path().join("data")));
        assert_eq!(shown(&control), before);
        assert_eq!(control.history_blocking(0, 1000).unwrap().len(), 8 * 6 * 2);
        assert_eq!(control.submit_blocking(create_group("next")).unwrap().generation, generation + 1);
        assert_consistent(&control);
    }
}

fn open_at(directory: &Path, minute: u32) -> Opened {
    let clock = ManualClock::default();
    clock.set(UnixMillis(i64::from(minute) * 60_000));
    Control::open(Box::new(fjall(directory)), settings(), Arc::new(clock), &mut |_| {}).unwrap()
}

#[test]
fn nonces_are_there_after_reopening_those_of_refused_commands_too() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("data");
    let begun = 28_000_000;
    {
        let control = open_at(&directory, begun).control;
        let mut applied = create_group("a");
        applied.nonce = nonce(begun, 1);
        control.submit_blocking(applied).unwrap();
        let mut refused = join(0);
        refused.nonce = nonce(begun + 1, 2);
        let answer = control.submit_blocking(refused);
        assert_eq!(answer, Err(Failure::Refused(Refusal::SecurityGroupNotFound)));
        control.stop_blocking();
    }
    let expected: BTreeSet<NonceRecord> =
        [nonce(begun, 1), nonce(begun + 1, 2)].into_iter().flatten().collect();
    let opened = open_at(&directory, begun + NONCE_KEEP_MINUTES);
    assert_eq!(opened.nonces.iter().copied().collect::<BTreeSet<_>>(), expected);
    opened.control.stop_blocking();
    // One minute later the first one is too old, and the next commit forgets it.
    let opened = open_at(&directory, begun + NONCE_KEEP_MINUTES + 1);
    assert_eq!(opened.nonces, nonce(begun + 1, 2).into_iter().collect::<Vec<_>>());
    assert_eq!(stored(&opened.control, Table::Nonces).len(), 2);
    opened.control.submit_blocking(create_group("b")).unwrap();
    assert_eq!(stored(&opened.control, Table::Nonces).len(), 1);
    opened.control.stop_blocking();
}
