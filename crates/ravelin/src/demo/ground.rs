//! Ground of the demo's own, on which a lab node can be without the machine noticing.
//!
//! All that a node makes is named somewhere: devices in a network namespace, namespaces under `/run/netns`, programs and
//! maps under `/sys/fs/bpf`. Here all three are this process's own, and the kernel takes them down with its last thread,
//! whatever ended it. So nothing has to be tidied up, two demos do not meet, and a node of the machine itself is not
//! touched.

use std::{
    fmt, fs, io,
    os::fd::AsFd,
    path::{Path, PathBuf},
    thread,
};

use dataplane::{Dataplane as _, Device, EbpfDataplane, Options};
use host::{Netlink, namespace, netlink::Pair};
use model::address::Mac;
use nix::{
    errno::Errno,
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    unistd::geteuid,
};

/// Where named network namespaces are.
const NAMESPACES: &str = "/run/netns";
/// What is hidden where that is not there: nothing may be made on the machine itself, not even a directory.
const RUN: &str = "/run";
/// Where programs and maps are pinned.
const PINS: &str = "/sys/fs/bpf";

/// Why a lab node cannot be here.
#[derive(Debug)]
pub(super) enum Lacking {
    /// The process is not root.
    Root,
    /// The machine lacks something.
    Machine(String),
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("this is not root"),
            Self::Machine(what) => f.write_str(what),
        }
    }
}

impl Lacking {
    /// What to do, for people; empty where nothing helps.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::Root => "Run it as root to see it: sudo \"$(command -v ravelin)\" demo.",
            Self::Machine(_) => "",
        }
    }

    fn of(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        Self::Machine(text)
    }
}

/// Takes the calling thread, and those that it starts from now on, to ground of their own, if a lab node can be there.
/// `kept` is a directory that stays where it is.
///
/// # Errors
/// [`Lacking`]: the thread is where it was.
pub(super) fn take(kept: &Path) -> Result<(), Lacking> {
    if !geteuid().is_root() {
        return Err(Lacking::Root);
    }
    let covered = covered(kept)?;
    // A thread that has entered namespaces does not come back: first one that ends is sent.
    let tried = thread::scope(|scope| {
        let name = thread::Builder::new().name("trial".into());
        name.spawn_scoped(scope, || try_out(&covered)).map(thread::ScopedJoinHandle::join)
    });
    match tried {
        Ok(Ok(tried)) => tried?,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => return Err(Lacking::of(&error)),
    }
    enter(&covered)
}

/// The directory that gets a file system of the demo's own, so that namespaces are named there and nowhere else.
fn covered(kept: &Path) -> Result<PathBuf, Lacking> {
    let covered = if Path::new(NAMESPACES).is_dir() { NAMESPACES } else { RUN };
    let kept = fs::canonicalize(kept).map_err(|error| Lacking::of(&error))?;
    let real = fs::canonicalize(covered).map_err(|error| Lacking::of(&error))?;
    if kept.starts_with(&real) {
        let place = kept.display();
        return Err(Lacking::Machine(format!("the demo's data is at {place}: set TMPDIR to another place")));
    }
    Ok(real)
}

fn enter(covered: &Path) -> Result<(), Lacking> {
    let refused = |what: &str, error: Errno| {
        let hint = if error == Errno::EPERM { "; in a container, give it CAP_SYS_ADMIN" } else { "" };
        Lacking::Machine(format!("cannot {what}: {}{hint}", io::Error::from(error)))
    };
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET)
        .map_err(|error| refused("make namespaces of its own", error))?;
    let nothing = None::<&Path>;
    // What is mounted from now on is seen by nobody else.
    mount(nothing, "/", nothing, MsFlags::MS_REC | MsFlags::MS_PRIVATE, nothing)
        .map_err(|error| refused("keep its mounts to itself", error))?;
    for (kind, place, options) in [("bpf", Path::new(PINS), "mode=700"), ("tmpfs", covered, "mode=755")] {
        mount(Some(kind), place, Some(kind), MsFlags::empty(), Some(options))
            .map_err(|error| refused(&format!("mount {kind} at {}", place.display()), error))?;
    }
    let netlink = Netlink::open().map_err(|error| Lacking::of(&error))?;
    let loopback = netlink.link("lo").map_err(|error| Lacking::of(&error))?;
    netlink.set_up(loopback.index).map_err(|error| Lacking::of(&error))
}

/// Makes one of everything that a lab node makes. What is made ends with the thread.
fn try_out(covered: &Path) -> Result<(), Lacking> {
    enter(covered)?;
    let made = (|| -> Result<(), Box<dyn std::error::Error>> {
        let netlink = Netlink::open()?;
        netlink.add_bridge("bridge", mac(1), 0)?;
        namespace::create("trial", || Ok::<_, namespace::NamespaceError>(()))?;
        let peer = namespace::open("trial")?;
        netlink.add_pair(&Pair {
            name: "device",
            mac: mac(2),
            group: 0,
            peer_name: "peer",
            peer_mac: mac(3),
            peer_namespace: peer.as_fd(),
        })?;
        let device = Device { ifindex: netlink.link("device")?.index, name: "device".into() };
        let few = Options { flows_max: 64, interfaces_max: 1, arena_words: 4096, ..Options::new("trial") };
        let mut dataplane = EbpfDataplane::open(few)?;
        dataplane.guard(&device)?;
        Ok(dataplane.remove()?)
    })();
    made.map_err(|error| Lacking::of(&*error))
}

/// A MAC for use in a place of one's own.
fn mac(last: u8) -> Mac {
    Mac([0x02, 0, 0, 0, 0, last])
}
