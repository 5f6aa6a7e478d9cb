//! Prints how long a large store takes to load. `cargo run --release -p ravelin-control --example load [DIRECTORY
//! [INSTANCES]]`; each instance has its primary interface.

#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::print_stdout)]

use std::{path::PathBuf, sync::Arc, time::Instant};

use control::{Control, Settings, SystemClock, records};
use model::{
    Entity, Id, UnixMillis,
    instance::{Charge, Disk, Instance, InstanceStatus},
    interface::{InterfaceStatus, NetworkInterface},
};
use store::{Batch, FjallStore, Options, Store};

#[path = "../tests/control/seed.rs"]
mod seed;

const GROUPS: u32 = 10_000;
const AT_ONCE: u32 = 50_000;

fn pair(number: u32) -> [Entity; 2] {
    let entropy = u128::from(number + 1).wrapping_mul(0x2545_F491_4F6C_DD1D_9E37_79B9_7F4A_7C15);
    let instance = Instance {
        id: Id::from_entropy(entropy),
        account: seed::ACCOUNT,
        serial: u64::from(number) * 2,
        region: "edge-1".into(),
        instance_type: "ens.sn1.small".into(),
        image: "m-debian-12".into(),
        status: InstanceStatus::Running,
        passage: None,
        primary_interface: seed::interface_id(number),
        secondary_interfaces: Box::default(),
        charge: Charge::PostPaid,
        auto_release_at: None,
        name: None,
        host_name: None,
        key_pair: None,
        user_data: None,
        deletion_protection: false,
        internet_bandwidth_mbps: 0,
        public_address: None,
        system_disk: Disk {
            id: Id::from_entropy(entropy + 1),
            size_gib: 20,
            category: "cloud_efficiency".into(),
            encrypted: false,
            key_id: "".into(),
        },
        data_disks: Box::default(),
        tags: Box::default(),
        created_at: UnixMillis(1_700_000_000_000),
    };
    let interface = NetworkInterface {
        instance: Some(instance.id),
        primary: true,
        status: InterfaceStatus::InUse,
        serial: u64::from(number) * 2 + 1,
        ..seed::interface(number, &[seed::group_id(number % GROUPS)])
    };
    [instance.into(), interface.into()]
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let directory = tempfile::tempdir_in(arguments.next().map_or(".".into(), PathBuf::from)).unwrap();
    let instances: u32 = arguments.next().map_or(1_000_000, |text| text.parse().unwrap());
    let data = directory.path().join("data");
    let mut store = FjallStore::open(&data, &Options::default()).unwrap();
    seed::fill(&mut store, GROUPS, 0);
    for first in (0..instances).step_by(AT_ONCE as usize) {
        let mut batch = Batch::new();
        for entity in (first..instances.min(first + AT_ONCE)).flat_map(pair) {
            records::put_entity(&mut batch, &entity).unwrap();
        }
        let revision = store.revision() + 1;
        store.commit(revision, &batch).unwrap();
    }
    drop(store);
    let start = Instant::now();
    let store = FjallStore::open(&data, &Options::default()).unwrap();
    println!("store open: {:?}", start.elapsed());
    let mut progress = |entities| println!("{entities} entities: {:?}", start.elapsed());
    let opened =
        Control::open(Box::new(store), Settings::default(), Arc::new(SystemClock), &mut progress).unwrap();
    println!("{} entities: {:?}; {:?}", opened.entities, start.elapsed(), opened.control.sizes());
    let memory = std::fs::read_to_string("/proc/self/status").unwrap();
    memory
        .lines()
        .filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS"))
        .for_each(|line| println!("{line}"));
    opened.control.stop_blocking();
}
