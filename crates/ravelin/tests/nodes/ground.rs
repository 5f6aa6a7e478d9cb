//! Ground of a test's own.

use std::{fs, panic, path::Path, thread};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    unistd::geteuid,
};

/// Calls a test on a thread in namespaces of its own, and says that it is skipped where that is not possible.
pub(crate) fn on_own_ground(test: impl FnOnce() + Send) {
    if !geteuid().is_root() {
        eprintln!("skipped: only root may make namespaces");
        return;
    }
    let ended = thread::scope(|scope| {
        let run = || {
            enter();
            test();
        };
        scope.spawn(run).join()
    });
    if let Err(panic) = ended {
        panic::resume_unwind(panic);
    }
}

fn enter() {
    fs::create_dir_all("/run/netns").unwrap();
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).unwrap();
    let nothing = None::<&Path>;
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing).unwrap();
    for (kind, place) in [("bpf", "/sys/fs/bpf"), ("tmpfs", "/run/netns")] {
        mount(Some(kind), place, Some(kind), MsFlags::empty(), nothing).unwrap();
    }
    let netlink = host::Netlink::open().unwrap();
    netlink.set_up(netlink.link("lo").unwrap().index).unwrap();
}
