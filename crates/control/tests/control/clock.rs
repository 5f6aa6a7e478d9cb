//! Time moves instances.

use std::sync::Arc;

use control::Control;
use model::{
    Actor, Command, InstanceId, Outcome, UnixMillis,
    command::{AddressFamily, ChargeWish, DiskWish, InstanceCommand, InstanceWish, Placement},
    instance::InstanceStatus,
    ram::{RamCommand, RamOutcome},
};
use store::MemoryStore;

use crate::world::{ManualClock, assert_consistent, either_way, submission};

fn wish() -> InstanceWish {
    InstanceWish {
        amount: 3,
        placement: Placement::Region("edge-1".into()),
        image: None,
        instance_type: None,
        name: None,
        host_name: None,
        unique_suffix: false,
        vswitch: None,
        network: None,
        address: None,
        family: AddressFamily::Ipv4,
        ipv6_count: 0,
        group: None,
        charge: ChargeWish::PostPaid,
        auto_release_at: None,
        deletion_protection: false,
        key_pair: None,
        user_data: None,
        public_address: false,
        internet_bandwidth_mbps: 0,
        system_disk: DiskWish { size_gib: None, category: None, encrypted: false, key_id: "".into() },
        data_disks: Vec::new(),
        tags: Vec::new(),
    }
}

fn status(control: &Control, instance: InstanceId) -> InstanceStatus {
    control.read_blocking(|state| state.instances().get(&instance).unwrap().status).unwrap().value
}

#[test]
fn an_instance_becomes_running_by_the_clock_alone() {
    for settings in either_way() {
        let clock = ManualClock::default();
        let start = UnixMillis(1_700_000_000_000);
        clock.set(start);
        let store = Box::new(MemoryStore::new());
        let opened = Control::open(store, settings, Arc::new(clock.clone()), &mut |_| {}).unwrap();
        let control = opened.control;
        let create = Command::Ram(RamCommand::CreateAccount { name: "edge".into(), key: None });
        let mut create = submission(create);
        create.actor = Actor::Operator;
        let created = control.submit_blocking(create).unwrap();
        let Outcome::Ram(RamOutcome::Account(account, _)) = created.outcome else { panic!("{created:?}") };
        let mut run = submission(Command::Instance(InstanceCommand::Run(Box::new(wish()))));
        run.actor = Actor::Root(account);
        let ran = control.submit_blocking(run).unwrap();
        let Outcome::Instances(instances) = ran.outcome else { panic!("{ran:?}") };
        assert_ne!(status(&control, instances[0]), InstanceStatus::Running);

        // Nothing is due yet: looking changes nothing and gives no generation.
        control.wake();
        drop(control.snapshot_blocking().unwrap());
        assert_eq!(control.status().generation, ran.generation);

        while let Some(due) = control.read_blocking(|state| state.next_due()).unwrap().value {
            clock.set(due);
            control.wake();
            // A snapshot is given after a turn, and each turn begins with what is due.
            drop(control.snapshot_blocking().unwrap());
        }
        let statuses: Vec<_> = instances.into_iter().map(|instance| status(&control, instance)).collect();
        assert_eq!(statuses, [InstanceStatus::Running; 3]);
        assert_consistent(&control);
        let history = control.history_blocking(ran.generation + 1, 100).unwrap();
        assert!(!history.is_empty());
        assert!(history.iter().all(|record| record.actor == Actor::Clock && record.operation == "Advance"));
        assert_eq!(history.last().unwrap().generation, control.status().durable);
    }
}
