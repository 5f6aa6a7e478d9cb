//! Prints how long a durable Leave takes through the control plane, and how many of them a second, beside what the disk
//! alone takes. `cargo run --release -p ravelin-control --example throughput [DIRECTORY [INTERFACES]]`

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::print_stdout)]

use std::{
    fs::File,
    io::{Seek, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use control::{Control, NonceRecord, Settings, Submission, SystemClock};
use model::{Actor, Command, command::SecurityGroupCommand, refusal::Target};
use store::{Batch, FjallStore, Options, Store, Table};

#[path = "../tests/control/seed.rs"]
mod seed;

const ONE: u32 = 4_000;
const MANY: u32 = 80_000;
const SUBMITTERS: u32 = 64;

fn percentile(times: &mut [Duration], part: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * part / 100]
}

fn report(what: &str, mut times: Vec<Duration>, start: Instant) {
    let rate = times.len() as f64 / start.elapsed().as_secs_f64();
    let (half, most) = (percentile(&mut times, 50), percentile(&mut times, 99));
    println!("{what}: p50 {half:?}, p99 {most:?}, {rate:.0}/s");
}

/// 4 KiB overwritten and synchronised.
fn disk(directory: &Path) {
    let mut file = File::create(directory.join("floor")).unwrap();
    let (start, mut times) = (Instant::now(), Vec::new());
    for _ in 0..2_000 {
        let begun = Instant::now();
        file.rewind().unwrap();
        file.write_all(&[7; 4096]).unwrap();
        file.sync_data().unwrap();
        times.push(begun.elapsed());
    }
    report("write and fdatasync of 4 KiB", times, start);
}

/// Commits of the size of a Leave's, without the control plane.
fn store_alone(store: &mut FjallStore) {
    let (start, mut times) = (Instant::now(), Vec::new());
    for number in 0..ONE {
        let interface = seed::interface(number, &[seed::group_id(0)]).into();
        let mut batch = Batch::new();
        control::records::put_entity(&mut batch, &interface).unwrap();
        batch.put(Table::Meta, number.to_be_bytes(), [7; 400]);
        batch.put(Table::Nonces, [&[0; 16][..], &number.to_be_bytes()].concat(), []);
        let revision = store.revision() + 1;
        let begun = Instant::now();
        store.commit(revision, &batch).unwrap();
        times.push(begun.elapsed());
    }
    report("commit of the store alone", times, start);
}

async fn leave(control: &Control, interface: u32) -> Duration {
    let target = Target::Interface(seed::interface_id(interface));
    let nonce = NonceRecord {
        minute: 30_000_000,
        account: seed::ACCOUNT.0,
        digest: u64::from(interface).to_be_bytes(),
    };
    let submission = Submission {
        actor: Actor::Root(seed::ACCOUNT),
        command: Command::SecurityGroup(SecurityGroupCommand::Leave { group: seed::group_id(0), target }),
        operation: "LeaveSecurityGroup",
        request_id: "0B1C2D3E-4F50-6172-8394-A5B6C7D8E9F0".into(),
        source: Some(std::net::Ipv4Addr::LOCALHOST.into()),
        nonce: Some(nonce),
    };
    let begun = Instant::now();
    control.submit(submission).await.unwrap();
    begun.elapsed()
}

async fn measure(control: &Control) {
    let (start, mut times) = (Instant::now(), Vec::new());
    for interface in 0..ONE {
        times.push(leave(control, interface).await);
    }
    report("Leave, 1 submitter", times, start);
    let start = Instant::now();
    let submitters = (0..SUBMITTERS).map(|submitter| {
        let control = control.clone();
        tokio::spawn(async move {
            let mut times = Vec::new();
            for interface in (ONE + submitter..MANY).step_by(SUBMITTERS as usize) {
                times.push(leave(&control, interface).await);
            }
            times
        })
    });
    let mut times = Vec::new();
    for submitter in submitters.collect::<Vec<_>>() {
        times.extend(submitter.await.unwrap());
    }
    report("Leave, 64 submitters", times, start);
    let (start, mut times) = (Instant::now(), Vec::new());
    for _ in 0..100_000 {
        let begun = Instant::now();
        control.read_access(|access| access.account(seed::ACCOUNT).is_some()).await.unwrap();
        times.push(begun.elapsed());
    }
    report("read of an account", times, start);
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = tempfile::tempdir_in(arguments.next().map_or(".".into(), PathBuf::from)).unwrap();
    let interfaces = arguments.next().map_or(MANY, |text| text.parse().unwrap()).max(MANY);
    let data = directory.path().join("data");
    let mut store = FjallStore::open(&data, &Options::default()).unwrap();
    seed::fill(&mut store, 1, interfaces);
    disk(directory.path());
    store_alone(&mut store);
    let start = Instant::now();
    let opened =
        Control::open(Box::new(store), Settings::default(), Arc::new(SystemClock), &mut |_| {}).unwrap();
    println!("load of {} entities: {:?}", opened.entities, start.elapsed());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    // As a server does it: a task of the runtime, not the thread that waits for it.
    let control = opened.control.clone();
    runtime.block_on(async { tokio::spawn(async move { measure(&control).await }).await.unwrap() });
    opened.control.stop_blocking();
}
