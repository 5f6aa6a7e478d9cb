//! Network namespaces with names, as ip-netns(8) keeps them: a file under /run/netns on which the namespace is mounted.
//!
//! A thread that enters a namespace never comes back: it is a thread of its own, which ends.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::fd::AsFd,
    path::{Path, PathBuf},
    thread,
};

use nix::{
    errno::Errno,
    mount::{MntFlags, MsFlags, mount, umount2},
    sched::{CloneFlags, setns, unshare},
    sys::statfs::{FsType, fstatfs},
};
use thiserror::Error;

/// Where named namespaces are.
const DIRECTORY: &str = "/run/netns";
/// The file system of namespaces (NSFS_MAGIC of linux/magic.h).
const NSFS: FsType = FsType(0x6e73_6673);

/// Why a namespace cannot be made, entered or removed.
#[derive(Debug, Error)]
pub enum NamespaceError {
    /// The process may not.
    #[error("this process may not {what}: run it as root, or with CAP_NET_ADMIN and CAP_SYS_ADMIN")]
    NotPermitted {
        /// What it may not do.
        what: String,
    },
    /// There is none of this name.
    #[error("there is no network namespace {name}: `ip netns` lists those that are there")]
    Missing {
        /// Its name.
        name: String,
    },
    /// The kernel has no network namespaces.
    #[error("this kernel has no network namespaces: run one that is built with CONFIG_NET_NS")]
    Unsupported,
    /// Its file says that somebody else makes it.
    #[error("the file {} is {owner}'s: remove it if nobody of that name is here", path(name).display())]
    Foreign {
        /// Its name.
        name: String,
        /// What the file says.
        owner: String,
    },
    /// A system call failed.
    #[error("cannot {what}")]
    System {
        /// What was to be done.
        what: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
}

impl NamespaceError {
    fn of(what: String, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        match source.raw_os_error().map(Errno::from_raw) {
            Some(Errno::EPERM | Errno::EACCES) => Self::NotPermitted { what },
            _ => Self::System { what, source },
        }
    }
}

/// Where the namespace of this name is kept.
pub fn path(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(name)
}

/// Whether there is a namespace of this name; a file that a crash left without one is none.
pub fn exists(name: &str) -> bool {
    let file = File::open(path(name));
    file.is_ok_and(|file| fstatfs(&file).is_ok_and(|status| status.filesystem_type() == NSFS))
}

/// The names of files for namespaces, with or without one, in alphabetical order.
///
/// # Errors
/// The directory cannot be read.
pub fn list() -> Result<Vec<String>, NamespaceError> {
    let entries = match fs::read_dir(DIRECTORY) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(|error| NamespaceError::of(format!("read {DIRECTORY}"), error))?,
    };
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort_unstable();
    Ok(names)
}

/// What is written in the file of a namespace that is not there: a crash came before the namespace had its name, or
/// after it was removed. None: there is no such file, or the namespace is there.
pub fn left_over(name: &str) -> Option<String> {
    /// More is written by nobody.
    const BYTES_MAX: u64 = 1_024;
    if exists(name) {
        return None;
    }
    let mut text = String::new();
    File::open(path(name)).ok()?.take(BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Makes a namespace, and gives it its name when `prepare` has been called in it: one that has a name is prepared. Does
/// nothing where it is there.
///
/// # Errors
/// [`NamespaceError`]; what `prepare` says.
pub fn create<E: From<NamespaceError> + Send>(
    name: &str,
    prepare: impl FnOnce() -> Result<(), E> + Send,
) -> Result<(), E> {
    create_for(name, "", prepare)
}

/// As [`create`]; the file says `owner` while the namespace is not there yet or any more. One that says somebody else is
/// left alone.
///
/// # Errors
/// As [`create`], and [`NamespaceError::Foreign`].
pub fn create_for<E: From<NamespaceError> + Send>(
    name: &str,
    owner: &str,
    prepare: impl FnOnce() -> Result<(), E> + Send,
) -> Result<(), E> {
    if exists(name) {
        return Ok(());
    }
    let failed = |what: &str| format!("{what} the network namespace {name}");
    fs::create_dir_all(DIRECTORY).map_err(|error| NamespaceError::of(format!("make {DIRECTORY}"), error))?;
    let path = path(name);
    match File::options().write(true).create_new(true).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => take_over(name, owner)?,
        made => {
            let written = made.and_then(|mut file| file.write_all(owner.as_bytes()));
            written.map_err(|error| NamespaceError::of(failed("make a file for"), error))?;
        }
    }
    on_own_thread(|| {
        unshare(CloneFlags::CLONE_NEWNET).map_err(|error| match error {
            Errno::EINVAL | Errno::ENOSYS => NamespaceError::Unsupported,
            error => NamespaceError::of(failed("make"), error),
        })?;
        prepare()?;
        let own = Path::new("/proc/thread-self/ns/net");
        mount(Some(own), &path, None::<&Path>, MsFlags::MS_BIND, None::<&Path>)
            .map_err(|error| NamespaceError::of(failed("keep"), error))?;
        Ok(())
    })?
}

/// Takes the file that a crash left of a namespace of the same owner, or one that was not written yet.
fn take_over(name: &str, owner: &str) -> Result<(), NamespaceError> {
    match left_over(name) {
        Some(left) if left == owner => Ok(()),
        Some(left) if left.is_empty() => fs::write(path(name), owner)
            .map_err(|error| NamespaceError::of(format!("write {}", path(name).display()), error)),
        left => {
            let owner = left.unwrap_or_else(|| "somebody else".to_owned());
            Err(NamespaceError::Foreign { name: name.to_owned(), owner })
        }
    }
}

/// Removes a namespace, or the file that a crash left of it; does nothing where there is none. What runs in it goes on,
/// without devices that others have removed.
///
/// # Errors
/// [`NamespaceError`].
pub fn remove(name: &str) -> Result<(), NamespaceError> {
    let path = path(name);
    match umount2(&path, MntFlags::MNT_DETACH) {
        Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => {}
        Err(error) => return Err(NamespaceError::of(format!("unmount {}", path.display()), error)),
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(NamespaceError::of(format!("remove {}", path.display()), error))
        }
        _ => Ok(()),
    }
}

/// The namespace, as a file that can be handed to the kernel.
///
/// # Errors
/// [`NamespaceError`].
pub fn open(name: &str) -> Result<File, NamespaceError> {
    if !exists(name) {
        return Err(NamespaceError::Missing { name: name.to_owned() });
    }
    File::open(path(name)).map_err(|error| NamespaceError::of(format!("open {name}"), error))
}

/// Calls `work` on a thread of its own in the namespace of this name, and gives what it gives. Sockets and processes
/// that it makes are in that namespace, wherever they are used.
///
/// # Errors
/// [`NamespaceError`]: the namespace cannot be entered. A panic of `work` goes on in the caller.
pub fn in_namespace<T: Send>(name: &str, work: impl FnOnce() -> T + Send) -> Result<T, NamespaceError> {
    let namespace = open(name)?;
    on_own_thread(|| {
        setns(namespace.as_fd(), CloneFlags::CLONE_NEWNET)
            .map_err(|error| NamespaceError::of(format!("enter the network namespace {name}"), error))?;
        Ok(work())
    })?
}

/// Calls `work` on a thread of its own in a namespace that nobody else has, and that is gone afterwards.
///
/// # Errors
/// [`NamespaceError`]: the namespace cannot be made.
pub fn in_new_namespace<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, NamespaceError> {
    on_own_thread(|| {
        unshare(CloneFlags::CLONE_NEWNET)
            .map_err(|error| NamespaceError::of("make a network namespace".into(), error))?;
        Ok(work())
    })?
}

fn on_own_thread<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, NamespaceError> {
    thread::scope(|scope| {
        let spawned = thread::Builder::new().name("namespace".into()).spawn_scoped(scope, work);
        let thread = spawned.map_err(|error| NamespaceError::of("start a thread".into(), error))?;
        match thread.join() {
            Ok(made) => Ok(made),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Whether the kernel has IPv6.
pub fn has_ipv6() -> bool {
    Path::new("/proc/sys/net/ipv6").exists()
}

/// Sets a parameter of the calling thread's namespace, such as `ipv4/ip_forward`.
///
/// # Errors
/// It is not there or does not take the value.
pub fn set_parameter(name: &str, value: &str) -> Result<(), NamespaceError> {
    let path = Path::new("/proc/sys/net").join(name);
    fs::write(&path, value).map_err(|error| NamespaceError::of(format!("set net/{name} to {value}"), error))
}
