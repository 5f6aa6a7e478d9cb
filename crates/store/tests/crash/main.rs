//! The store under `kill -9`, failing disks, full disks and power failures.
//!
//! A process of its own ([`process::writer`]) commits numbered batches under the preloaded fault library and prints
//! what it was told; it is killed, what it did not synchronise is taken away, and the store is opened again here.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod check;
mod process;

use faults::{Faults, Loss, UNLIMITED};
use process::{Bench, Said};

#[test]
fn killed_at_random_with_the_page_cache_kept_lost_or_torn() {
    let bench = Bench::new();
    let mut acknowledged = 0;
    for cycle in 0_u64..30 {
        let mut writer = bench.start(&Faults::default(), 1_500);
        let batches = 1 + (cycle * 7) % 23;
        acknowledged = writer.acknowledge(batches, acknowledged);
        acknowledged = writer.kill(acknowledged);
        match cycle % 3 {
            0 => {}
            1 => drop(bench.lose(Loss::All)),
            _ => drop(bench.lose(Loss::Torn(cycle + 1))),
        }
        acknowledged = check::store(&bench.store(), acknowledged, 1);
    }
}

#[test]
fn killed_at_every_third_call_then_torn() {
    let bench = Bench::new();
    let mut acknowledged = 0;
    let mut writer = bench.start(&Faults::default(), 400);
    acknowledged = writer.acknowledge(3, acknowledged);
    acknowledged = writer.kill(acknowledged);
    for call in (0..120).step_by(3) {
        let mut writer = bench.start(&Faults { after: call, kill: true, ..Faults::default() }, 9_000);
        acknowledged = writer.wait(acknowledged);
        bench.lose(Loss::Torn(call + 1));
        acknowledged = check::store(&bench.store(), acknowledged, 1);
    }
}

#[test]
fn killed_at_every_call_of_creation() {
    for call in (0..).step_by(4) {
        let bench = Bench::new();
        let mut writer = bench.start(&Faults { after: call, kill: true, ..Faults::default() }, 100);
        let acknowledged = writer.wait(0);
        bench.lose(Loss::All);
        check::store(&bench.store(), acknowledged, 1);
        if acknowledged > 2 {
            return;
        }
    }
}

#[test]
fn journals_turn_over_and_the_process_is_killed() {
    let bench = Bench::new();
    let mut acknowledged = 0;
    for cycle in 1..=3 {
        let mut writer = bench.start_without_faults(60_000);
        acknowledged = writer.acknowledge(250 * cycle, acknowledged);
        acknowledged = writer.kill(acknowledged);
        acknowledged = check::store(&bench.store(), acknowledged, 1);
    }
}

/// Lets `faults` happen to a running writer; it must fail, recover when they are over, and go on. Then the power fails.
fn fails_and_recovers(
    bench: &Bench,
    faults: &Faults,
    value_bytes: usize,
    mut acknowledged: u64,
    loss: Loss,
) -> u64 {
    let mut writer = bench.start(&Faults::default(), value_bytes);
    acknowledged = writer.acknowledge(2, acknowledged);
    bench.faults(faults);
    let attempted = loop {
        match writer.next().expect("the writer ended without a failure") {
            Said::Acknowledged(revision) => acknowledged = revision,
            Said::Failed(revision) => break revision,
            Said::Recovered(_) | Said::RecoveryFailed => panic!("there was no failure"),
        }
    };
    assert_eq!(attempted, acknowledged + 1);
    // With the fault still there recovery may fail, any number of times.
    for _ in 0..3 {
        match writer.next().unwrap() {
            Said::RecoveryFailed => {}
            Said::Recovered(revision) => {
                assert!(revision == acknowledged || revision == attempted, "{revision}");
                acknowledged = revision;
                break;
            }
            Said::Failed(_) | Said::Acknowledged(_) => panic!("not recovered yet"),
        }
    }
    bench.faults(&Faults::default());
    acknowledged = writer.acknowledge(5, acknowledged);
    acknowledged = writer.kill(acknowledged);
    bench.lose(loss);
    check::store(&bench.store(), acknowledged, 1)
}

#[test]
fn a_failed_synchronisation() {
    let bench = Bench::new();
    let mut acknowledged = 0;
    for count in [1, 2, UNLIMITED] {
        for after in 0..4 {
            let path_contains = ".jnl".to_owned();
            let faults = Faults { path_contains, after, sync_errors: count, ..Faults::default() };
            acknowledged = fails_and_recovers(&bench, &faults, 2_000, acknowledged, Loss::All);
        }
    }
}

#[test]
fn a_failed_write_whole_or_in_part() {
    let bench = Bench::new();
    let mut acknowledged = 0;
    for after in 0..4 {
        for (write_errors, short_writes) in [(1, 0), (UNLIMITED, 0), (1, 1)] {
            let path_contains = ".jnl".to_owned();
            let faults = Faults { path_contains, after, write_errors, short_writes, ..Faults::default() };
            acknowledged = fails_and_recovers(&bench, &faults, 20_000, acknowledged, Loss::Torn(after + 1));
        }
    }
}

#[test]
fn a_full_disk() {
    let bench = Bench::new();
    let mut acknowledged = 0;
    for space_bytes in [0, 1, 100, 5_000, 40_000] {
        let faults = Faults { space_bytes, ..Faults::default() };
        acknowledged = fails_and_recovers(&bench, &faults, 3_000, acknowledged, Loss::All);
    }
}

#[test]
fn a_failing_disk_in_the_background() {
    let bench = Bench::new();
    let mut acknowledged = 0;
    let background = || "keyspaces/".to_owned();
    for faults in [
        Faults { path_contains: background(), sync_errors: UNLIMITED, ..Faults::default() },
        Faults { path_contains: background(), write_errors: UNLIMITED, ..Faults::default() },
        Faults { path_contains: background(), space_bytes: 50_000, ..Faults::default() },
        Faults { path_contains: background(), after: 3, sync_errors: 1, ..Faults::default() },
        Faults { path_contains: background(), after: 6, sync_errors: 1, ..Faults::default() },
    ] {
        acknowledged = fails_and_recovers(&bench, &faults, 60_000, acknowledged, Loss::All);
    }
}

#[test]
fn a_full_disk_that_is_real() {
    let Some(bench) = Bench::on_small_disk() else {
        println!("SKIPPED a_full_disk_that_is_real: mounting a tmpfs needs root");
        return;
    };
    let mut writer = bench.start(&Faults::default(), 3_000);
    let mut acknowledged = writer.acknowledge(20, 0);
    bench.fill_disk();
    loop {
        match writer.next().unwrap() {
            Said::Acknowledged(revision) | Said::Recovered(revision) => acknowledged = revision,
            Said::Failed(_) => {}
            Said::RecoveryFailed => break,
        }
    }
    bench.free_disk();
    acknowledged = writer.acknowledge(20, acknowledged);
    acknowledged = writer.kill(acknowledged);
    check::store(&bench.store(), acknowledged, 1);
}
