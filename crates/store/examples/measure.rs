//! What a commit and a scan cost here, next to what the disk costs.
//!
//! `cargo run --release -p ravelin-store --example measure -- DIRECTORY [RECORDS]`

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program for developers")]

use std::{
    fs,
    io::Write,
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use store::{Batch, FjallStore, Options, Store, Table};

const ROUNDS: usize = 1_000;
const RECORD_BYTES: usize = 300;
const LOAD_BATCH: usize = 10_000;

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("{what:44} p50 {:>9.1?}  p99 {:>9.1?}", at(50), at(99));
}

fn timed(mut run: impl FnMut(usize)) -> Vec<Duration> {
    let round = |index| {
        let start = Instant::now();
        run(index);
        start.elapsed()
    };
    (0..ROUNDS).map(round).collect()
}

fn raw(directory: &Path) {
    let mut file = fs::File::create(directory.join("raw")).unwrap();
    let block = [7; 4096];
    report(
        "append 4 KiB, fdatasync",
        timed(|_| {
            file.write_all(&block).unwrap();
            file.sync_data().unwrap();
        }),
    );
    fs::remove_file(directory.join("raw")).unwrap();
}

fn commits(store: &mut FjallStore, changes: u64) {
    let times = timed(|index| {
        let mut batch = Batch::new();
        for change in 0..changes {
            batch.put(
                Table::Entities,
                (index as u64 * changes + change).to_be_bytes(),
                vec![5; RECORD_BYTES],
            );
        }
        store.commit(store.revision() + 1, &batch).unwrap();
    });
    report(&format!("commit of {changes}"), times);
}

fn resident_kilobytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn load_and_scan(path: &Path, records: u64) {
    let mut store = FjallStore::open(path, &Options::default()).unwrap();
    let start = Instant::now();
    for first in (0..records).step_by(LOAD_BATCH) {
        let mut batch = Batch::new();
        for record in first..(first + LOAD_BATCH as u64).min(records) {
            batch.put(Table::Entities, record.to_be_bytes(), vec![5; RECORD_BYTES]);
        }
        store.commit(store.revision() + 1, &batch).unwrap();
    }
    println!("load {records} records: {:.1?}, resident {} KiB", start.elapsed(), resident_kilobytes());
    drop(store);
    let start = Instant::now();
    let store = FjallStore::open(path, &Options::default()).unwrap();
    println!("open: {:.1?}, resident {} KiB", start.elapsed(), resident_kilobytes());
    let start = Instant::now();
    let mut bytes = 0;
    store
        .scan(Table::Entities, &[], &mut |key, value| {
            bytes += key.len() + value.len();
            ControlFlow::Continue(())
        })
        .unwrap();
    println!("scan of {bytes} bytes: {:.1?}, resident {} KiB", start.elapsed(), resident_kilobytes());
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().unwrap());
    let records = arguments.next().map_or(2_000_000, |records| records.parse().unwrap());
    fs::create_dir_all(&directory).unwrap();
    raw(&directory);
    let path = directory.join("commits");
    for opened in ["fresh", "opened again"] {
        println!("{opened}:");
        let mut store = FjallStore::open(&path, &Options::default()).unwrap();
        commits(&mut store, 1);
        commits(&mut store, 64);
    }
    raw(&directory);
    load_and_scan(&directory.join("large"), records);
}
