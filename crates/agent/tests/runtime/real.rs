//! The same on the real kernel, with devices that come, go, are called otherwise and are moved. Needs root and `ip`.

use std::{panic, process::Command, thread};

use agent::{
    Unfit,
    directory::AgentDirectory,
    links::Uplink,
    runtime::{Agent, DeviceFeed, restore},
    settings::Settings,
    status::InterfaceState,
};
use dataplane::{Attach, Dataplane as _, EbpfDataplane, Options};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    unistd::geteuid,
};
use protocol::node::{self, from_node::Message as Said, to_node::Message};
use tokio::{runtime::Runtime, sync::oneshot};

use crate::{
    host::{Host, snapshot},
    plane::{PATIENCE, Plane, PlaneSession},
};

/// Calls a test on a thread with a network, a BPF file system and names of namespaces of its own.
fn on_own_ground(test: impl FnOnce() + Send) {
    if !geteuid().is_root() || Command::new("ip").arg("-V").output().is_err() {
        eprintln!("skipped: this needs root and the program `ip`");
        return;
    }
    let ended = thread::scope(|scope| {
        let run = || {
            std::fs::create_dir_all("/run/netns").unwrap();
            unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).unwrap();
            let nothing = None::<&str>;
            mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing).unwrap();
            for (kind, place) in [("bpf", "/sys/fs/bpf"), ("tmpfs", "/run/netns")] {
                mount(Some(kind), place, Some(kind), MsFlags::empty(), nothing).unwrap();
            }
            ip("link set lo up");
            test();
        };
        scope.spawn(run).join()
    });
    if let Err(panic) = ended {
        panic::resume_unwind(panic);
    }
}

/// Runs `ip` in the namespace of the calling thread.
fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "ip {arguments}: {output:?}");
}

fn options() -> Options {
    Options { flows_max: 4096, arena_words: 65_536, ..Options::new("agent") }
}

/// A running agent; it ends with `stop`.
struct Running {
    stop: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

/// A control plane, and a host that has joined it.
fn joined() -> (Plane, Host, Runtime) {
    let (plane, host, runtime) = (Plane::start(), Host::new(), Runtime::new().unwrap());
    runtime.block_on(host.join(&plane.address.to_string(), &plane.token)).unwrap();
    (plane, host, runtime)
}

fn start(host: &Host) -> Running {
    start_with(host, options())
}

fn start_with(host: &Host, options: Options) -> Running {
    let agent = Agent::open(host.settings(), "test").unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let (ready, begun) = std::sync::mpsc::channel();
    let thread = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let run = async {
            let feed = DeviceFeed::kernel().await.unwrap();
            let dataplane = EbpfDataplane::open(options).unwrap();
            let ready = || {
                let _ = ready.send(());
            };
            agent.run(dataplane, feed, ready, async { drop(stopped.await) }).await.unwrap();
        };
        runtime.block_on(run);
    });
    begun.recv_timeout(PATIENCE).expect("the agent is ready");
    Running { stop, thread }
}

impl Running {
    fn stop(self) {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap();
    }
}

/// Waits until the interface stands like this, at this device; gives the device's index.
fn stands(runtime: &Runtime, host: &Host, state: InterfaceState, device: Option<&str>) -> Option<u32> {
    let what = format!("{state:?} at {device:?}");
    let status = runtime.block_on(host.stands(&what, |status| {
        let interface = &status.interfaces[0];
        interface.state == state && interface.device.as_deref() == device
    }));
    status.interfaces[0].ifindex
}

#[test]
fn devices_are_followed_and_a_reboot_brings_back_what_was_confirmed() {
    on_own_ground(|| {
        use InterfaceState::{Absent, InForce};
        ip("link add vnet0 type veth peer name p0");
        let (mut plane, host, runtime) = joined();
        let running = start(&host);
        let mut session = runtime.block_on(plane.session());
        runtime.block_on(async {
            session.tell(Message::Snapshot(snapshot(5, 80))).await;
            assert_eq!(session.confirmed().await.generation, 5);
        });
        let first = stands(&runtime, &host, InForce, Some("vnet0"));
        ip("link set vnet0 name web0");
        assert_eq!(stands(&runtime, &host, InForce, Some("web0")), first);
        ip("link del web0");
        stands(&runtime, &host, Absent, None);
        ip("link add vnet0 type veth peer name p0");
        assert_ne!(stands(&runtime, &host, InForce, Some("vnet0")), first);
        ip("netns add elsewhere");
        ip("link set vnet0 netns elsewhere");
        stands(&runtime, &host, Absent, None);
        // Deleted and made anew at once, with the same number.
        ip("link add vnet0 index 700 type veth peer name q0");
        assert_eq!(stands(&runtime, &host, InForce, Some("vnet0")), Some(700));
        ip("link del vnet0");
        ip("link add vnet0 index 700 type veth peer name q0");
        assert_eq!(stands(&runtime, &host, InForce, Some("vnet0")), Some(700));
        // Nobody binds this one, and its name is guarded.
        ip("link add vnet9 type veth peer name p9");
        runtime.block_on(host.stands("it is closed", |status| status.counts.guarded == 1));
        runtime.block_on(async {
            session.tell(Message::Current(node::Current { generation: 6, run: 0 })).await;
            // Before that it has confirmed the one before again, each time that the device came or went.
            let mut confirmed = session.confirmed().await;
            while confirmed.generation == 5 {
                confirmed = session.confirmed().await;
            }
            assert_eq!(confirmed.generation, 6);
        });
        running.stop();
        let open = |dataplane: &EbpfDataplane| {
            let bindings = dataplane.bindings().unwrap();
            bindings.iter().filter(|of| of.class.is_some() && of.enforced()).count()
        };
        // What is in force stays so without an agent.
        let dataplane = EbpfDataplane::open_existing(options()).unwrap();
        assert_eq!(open(&dataplane), 1);
        // A reboot: nothing is in the kernel, and nobody answers.
        plane.cut();
        dataplane.remove().unwrap();
        let directory = AgentDirectory::take(&host.directory()).unwrap();
        let devices = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let devices = devices.block_on(DeviceFeed::kernel()).unwrap().into_first();
        let guarded = host.settings().guarded().unwrap();
        let dataplane = EbpfDataplane::open(options()).unwrap();
        let restored = restore(&directory, guarded, devices, dataplane).unwrap();
        assert!(restored.outcome.confirmed() && !restored.may_be_open(), "{restored:?}");
        assert_eq!((restored.generation, restored.tally.bound, restored.tally.guarded), (Some(6), 1, 1));
        let dataplane = EbpfDataplane::open_existing(options()).unwrap();
        assert_eq!(open(&dataplane), 1);
        dataplane.remove().unwrap();
    });
}

/// Real devices; what this kernel cannot make is left out, and said.
#[test]
fn a_device_that_shares_another_one_is_refused_with_its_kind_and_what_to_do() {
    on_own_ground(|| {
        use InterfaceState::{InForce, Troubled};
        let (mut plane, host, runtime) = joined();
        ip("link add lower type veth peer name p0");
        let running = start(&host);
        let mut session = runtime.block_on(plane.session());
        let mut generation = 4;
        for kind in ["macvlan", "macvtap", "ipvlan"] {
            let made = ["link", "add", "link", "lower", "name", "vnet0", "type", kind];
            if !Command::new("ip").args(made).output().unwrap().status.success() {
                eprintln!("skipped: this kernel makes no {kind} devices");
                continue;
            }
            generation += 1;
            let problem = runtime.block_on(async {
                session.tell(Message::Snapshot(snapshot(generation, 80))).await;
                loop {
                    match session.hear().await {
                        Said::NotInForce(problem) if problem.generation == generation => break problem,
                        Said::NotInForce(_) | Said::Confirmed(_) => {}
                        other => panic!("{other:?}"),
                    }
                }
            });
            let message = &problem.problems[0].message;
            assert!(message.contains(&format!("a {kind} device")), "{message}");
            assert!(message.contains("a tap or a veth pair"), "{message}");
            stands(&runtime, &host, Troubled, Some("vnet0"));
            // Its name is guarded, and nobody is told that it is closed.
            let what = format!("{kind} is open");
            runtime.block_on(host.stands(&what, |status| {
                status.devices.iter().any(|device| device.device == "vnet0" && !device.closed)
            }));
            // Another device of the name is as good as any.
            ip("link del vnet0");
            ip("link add vnet0 type veth peer name q0");
            stands(&runtime, &host, InForce, Some("vnet0"));
            ip("link del vnet0");
        }
        running.stop();
        EbpfDataplane::open_existing(options()).unwrap().remove().unwrap();
    });
}

/// Takes the program away that judges what the instance is sent.
fn take_program_away() {
    let output = Command::new("tc").args(["filter", "del", "dev", "vnet0", "egress"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// With filters of clsact, which are gone when whoever took them away is told so; a link goes some time after its pin.
fn options_of_filters() -> Options {
    Options { attach: Attach::Clsact, ..options() }
}

#[test]
fn programs_that_somebody_took_away_are_put_back_before_anything_is_confirmed() {
    on_own_ground(|| {
        ip("link add vnet0 type veth peer name p0");
        let (mut plane, host, runtime) = joined();
        let running = start_with(&host, options_of_filters());
        let mut session = runtime.block_on(plane.session());
        let confirmed = |session: &mut PlaneSession, generation, port| {
            runtime.block_on(async {
                session.tell(Message::Snapshot(snapshot(generation, port))).await;
                while session.confirmed().await.generation != generation {}
            });
        };
        let drift = |found| {
            let status = runtime.block_on(host.stands("nothing has changed", |_| true));
            assert_eq!((status.audit.drift_found, status.audit.drift_repaired), (found, found), "{status:?}");
            assert_eq!(status.interfaces[0].state, InterfaceState::InForce);
        };
        confirmed(&mut session, 5, 80);
        stands(&runtime, &host, InterfaceState::InForce, Some("vnet0"));
        // By the change of a group, of which the interface is a member.
        take_program_away();
        confirmed(&mut session, 6, 22);
        drift(1);
        // By a look.
        take_program_away();
        drift(2);
        running.stop();
        let enforced = |dataplane: &EbpfDataplane| dataplane.bindings().unwrap()[0].enforced();
        // By the next process, and at boot.
        take_program_away();
        let running = start_with(&host, options_of_filters());
        drift(1);
        running.stop();
        take_program_away();
        let dataplane = EbpfDataplane::open(options_of_filters()).unwrap();
        assert!(!enforced(&dataplane));
        let directory = AgentDirectory::take(&host.directory()).unwrap();
        let devices = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let devices = devices.block_on(DeviceFeed::kernel()).unwrap().into_first();
        let restored = restore(&directory, host.settings().guarded().unwrap(), devices, dataplane).unwrap();
        assert!(restored.outcome.confirmed() && !restored.may_be_open(), "{restored:?}");
        let dataplane = EbpfDataplane::open_existing(options_of_filters()).unwrap();
        assert!(enforced(&dataplane));
        dataplane.remove().unwrap();
    });
}

/// The devices of this namespace at which nothing can be enforced, where the control plane is there.
fn unfit_towards(server: &str) -> Vec<(String, Unfit)> {
    let host = Host::new();
    let settings = Settings { server: server.to_owned(), ..host.settings() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let feed = runtime.block_on(DeviceFeed::kernel_with(Uplink::of(&settings))).unwrap();
    let found = feed.into_first().found;
    found.iter().filter_map(|found| Some((found.device.name.to_string(), found.unfit?))).collect()
}

/// Real devices; what this kernel cannot make is left out, and said.
#[test]
fn what_carries_the_way_to_the_control_plane_is_no_device_for_interfaces() {
    on_own_ground(|| {
        ip("link add up0 type veth peer name p0");
        ip("link add tap0 type veth peer name p1");
        for (kind, further) in [
            ("vlan", "id 7"),
            ("macvlan", ""),
            ("vxlan", "id 7 remote 203.0.113.9 dstport 4789 dev up0"),
            ("gretap", "remote 203.0.113.9 local 203.0.113.1 dev up0"),
        ] {
            let on = if further.ends_with("dev up0") { "" } else { "link up0" };
            let made = format!("link add {on} name way0 type {kind} {further}");
            if !Command::new("ip").args(made.split_whitespace()).output().unwrap().status.success() {
                eprintln!("skipped: this kernel makes no {kind} devices");
                continue;
            }
            ip("link set up0 up");
            ip("link set p0 up");
            ip("link set way0 up");
            ip("address add 192.0.2.1/24 dev way0");
            let names: Vec<_> = unfit_towards("192.0.2.9:8019").into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, ["up0", "way0"], "{kind}");
            ip("link del way0");
        }
    });
}

#[test]
fn the_way_to_the_control_plane_and_what_is_bridged_are_no_devices_for_interfaces() {
    on_own_ground(|| {
        ip("link add up0 type veth peer name p0");
        ip("link add tap0 type veth peer name p1");
        ip("address add 192.0.2.1/24 dev up0");
        ip("link set p0 up");
        ip("link set up0 up");
        let found = unfit_towards;
        let up0 = ("up0".to_owned(), Unfit::Uplink);
        assert_eq!(found("192.0.2.9:8019"), std::slice::from_ref(&up0), "on the link");
        assert_eq!(found("198.51.100.9:8019"), [], "there is no way there");
        ip("route add default via 192.0.2.254");
        assert_eq!(found("198.51.100.9:8019"), [up0], "by a router");
        assert_eq!(found("192.0.2.1:8019"), [], "on this host");
        assert_eq!(found("127.0.0.1:8019"), [], "on this host");
        ip("link add br0 type bridge");
        assert_eq!(found("127.0.0.1:8019"), [("br0".to_owned(), Unfit::Bridge)]);
    });
}
