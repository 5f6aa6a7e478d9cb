//! Opening a dataplane: what the kernel must have, what is pinned, and what follows from it.
//!
//! ```text
//! /sys/fs/bpf/ravelin/<name>/v<layout version>/
//!   ledger                           numbers that are never used again, bindings, classes
//!   maps/<name>                      the maps of layout.h
//!   programs/{from,to}_instance      what hangs at devices
//!   links/<ifindex>_{from,to}_instance
//! ```
//!
//! One process at a time has a dataplane open: it holds a lock on the directory of the name. A layout of a newer version
//! than [`LAYOUT_VERSION`] is refused. A program of version n takes over from one of an older version by copying its
//! bindings, classes and flows into maps of its own, then attaching, then removing the old pins; version 1 has none before.

use std::{
    fs::{self, File},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::MetadataExt,
    },
    path::{Path, PathBuf},
};

use aya::{
    EbpfLoader,
    maps::{Map as LoadedMap, MapData, RingBuf},
    programs::{ProgramError, SchedClassifier},
};

use super::{
    attach::{Attacher, Programs},
    host::{self, system},
    ledger::{Ledger, check_shape},
    mapped::Words,
    options::{Attach, Options},
    sys::{self, Map},
};
use crate::{
    error::DataplaneError,
    layout::{LAYOUT_VERSION, SettingsValue, exempt_key},
};

/// The programs, compiled from `bpf/` by `cargo xtask bpf`.
static OBJECT: &[u8] = aya::include_bytes_aligned!("../../bpf/ravelin.bpf.o");

/// How often a directory is locked that others remove in the same moment.
const LOCK_TRIES: usize = 100;

/// Where BPF objects are pinned.
const BPF_FS: &str = "/sys/fs/bpf";

/// An array of the kernel, as a map and as memory.
pub(crate) struct Array {
    pub(crate) map: Map,
    pub(crate) words: Words,
}

/// The maps of the programs.
pub(crate) struct Maps {
    pub(crate) devices: Map,
    pub(crate) interfaces: Array,
    pub(crate) slot_class: Array,
    pub(crate) classes: Array,
    pub(crate) arena: Array,
    pub(crate) allowed: Map,
    pub(crate) flows: Map,
    pub(crate) shares: Array,
    pub(crate) drops: Array,
    pub(crate) fragments: Map,
    pub(crate) events: RingBuf<MapData>,
}

/// What is behind an open dataplane.
pub(crate) struct Opened {
    pub(crate) directory: PathBuf,
    pub(crate) lock: File,
    pub(crate) maps: Maps,
    pub(crate) ledger: Ledger,
    pub(crate) attacher: Attacher,
    pub(crate) attach: Attach,
}

/// The directory of a dataplane.
pub(crate) fn directory_of(name: &str) -> PathBuf {
    Path::new(BPF_FS).join("ravelin").join(name)
}

/// What to do where a dataplane is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// Make it.
    Make,
    /// Refuse: nothing is made.
    Refuse,
}

/// Opens a dataplane.
pub(crate) fn open(options: &Options, absent: Absent) -> Result<Opened, DataplaneError> {
    options.check()?;
    host::mount_bpf(Path::new(BPF_FS))?;
    probe()?;
    let name = directory_of(&options.name);
    let lock = lock(&options.name, &name, absent)?;
    refuse_newer(&options.name, &name)?;
    let directory = name.join(format!("v{LAYOUT_VERSION}"));
    if absent == Absent::Refuse && !directory.join("ledger").exists() {
        return Err(DataplaneError::Missing { name: options.name.clone() });
    }
    for part in ["maps", "programs", "links"] {
        fs::create_dir_all(directory.join(part)).map_err(system("making the directory of pins"))?;
    }
    let maps_directory = directory.join("maps");
    if !directory.join("ledger").exists() && maps_directory.join("devices").exists() {
        return Err(DataplaneError::Damaged { what: "there are maps without a ledger".to_owned() });
    }
    let ledger = Ledger::open(&directory.join("ledger"), options)?;
    let attach = choose_attach(options.attach, &ledger)?;
    check_maps(options, &maps_directory)?;
    let loaded = load(options, &maps_directory)?;
    // Those that were just made are what the object says.
    check_maps(options, &maps_directory)?;
    let (programs, replaced) = choose_programs(loaded, &directory.join("programs"))?;
    let maps = Maps::open(&maps_directory)?;
    let epoch = sys::program_info(&programs.from_instance).map_err(system("asking for a program"))?.id;
    let attacher = Attacher::new(programs, attach, directory.join("links"), replaced)?;
    set(options, &maps_directory, epoch)?;
    Ok(Opened { directory: name, lock, maps, ledger, attacher, attach })
}

/// Locks the directory of a dataplane. A process that removes it holds the lock until it is gone, and then what was
/// locked is no directory of a dataplane any more.
fn lock(name: &str, path: &Path, absent: Absent) -> Result<File, DataplaneError> {
    for _ in 0..LOCK_TRIES {
        let opened = match absent {
            Absent::Make => fs::create_dir_all(path).and_then(|()| File::open(path)),
            Absent::Refuse => File::open(path),
        };
        let opened = match (opened, absent) {
            (Err(error), Absent::Make) if error.kind() == io::ErrorKind::NotFound => continue,
            (Err(error), Absent::Refuse) if error.kind() == io::ErrorKind::NotFound => {
                return Err(DataplaneError::Missing { name: name.to_owned() });
            }
            (opened, _) => opened.map_err(system("opening the directory of pins"))?,
        };
        if !host::lock(&opened).map_err(system("locking the directory of pins"))? {
            return Err(DataplaneError::InUse { name: name.to_owned() });
        }
        if is_at(&opened, path) {
            return Ok(opened);
        }
    }
    Err(DataplaneError::InUse { name: name.to_owned() })
}

/// Whether this open directory is the one at the path, and not one that was removed.
fn is_at(open: &File, path: &Path) -> bool {
    let identity = |data: fs::Metadata| (data.dev(), data.ino());
    let (open, there) = (open.metadata().map(identity), fs::metadata(path).map(identity));
    matches!((open, there), (Ok(open), Ok(there)) if open == there)
}

/// Whether the maps that are pinned are those that the programs need.
fn check_maps(options: &Options, directory: &Path) -> Result<(), DataplaneError> {
    for (map, shape) in options.maps() {
        let path = directory.join(map);
        if path.exists() {
            let found = sys::pinned(&path).and_then(Map::from_fd).map_err(system("opening a pinned map"))?;
            check_shape(map, found.shape(), shape)?;
        }
    }
    Ok(())
}

/// Whether the kernel has what every dataplane needs, and whether this process may use it.
fn probe() -> Result<(), DataplaneError> {
    for (helper, feature) in [(169, "BPF timers"), (181, "bounded loops of BPF programs")] {
        let knows = sys::knows_helper(helper).map_err(|error| match error.raw_os_error() {
            Some(libc::ENOSYS) => {
                DataplaneError::KernelLacks { feature: "bpf system call", option: "CONFIG_BPF_SYSCALL" }
            }
            _ => system("loading a program")(error),
        })?;
        if !knows {
            return Err(DataplaneError::KernelLacks { feature, option: "CONFIG_BPF_SYSCALL" });
        }
    }
    let ring =
        sys::MapShape { kind: sys::MAP_TYPE_RINGBUF, key_size: 0, value_size: 0, entries: 4096, flags: 0 };
    Map::create(ring, "probe").map(drop).map_err(|error| match error.raw_os_error() {
        Some(libc::EINVAL) => {
            DataplaneError::KernelLacks { feature: "BPF ring buffers", option: "CONFIG_BPF_SYSCALL" }
        }
        _ => system("making a ring buffer")(error),
    })?;
    host::wait_for_readers().map_err(|error| match error.raw_os_error() {
        Some(libc::ENOSYS | libc::EINVAL) => DataplaneError::KernelLacks {
            feature: "membarrier of all CPUs (CPUs with nohz_full have none)",
            option: "CONFIG_MEMBARRIER",
        },
        _ => system("membarrier")(error),
    })?;
    if !Path::new("/sys/kernel/btf/vmlinux").exists() {
        return Err(DataplaneError::KernelLacks {
            feature: "type information",
            option: "CONFIG_DEBUG_INFO_BTF",
        });
    }
    Ok(())
}

fn refuse_newer(name: &str, directory: &Path) -> Result<(), DataplaneError> {
    let failed = || system("listing the directory of pins");
    for entry in fs::read_dir(directory).map_err(failed())? {
        let entry = entry.map_err(failed())?.file_name();
        let version = entry.to_string_lossy().strip_prefix('v').and_then(|number| number.parse().ok());
        if let Some(found) = version.filter(|found| *found > LAYOUT_VERSION) {
            let name = name.to_owned();
            return Err(DataplaneError::NewerLayout { name, found, known: LAYOUT_VERSION });
        }
    }
    Ok(())
}

/// How programs are attached: as before, or as is wanted and possible.
fn choose_attach(wanted: Attach, ledger: &Ledger) -> Result<Attach, DataplaneError> {
    let before = match ledger.attach() {
        1 => Some(Attach::Tcx),
        2 => Some(Attach::Clsact),
        _ => None,
    };
    let chosen = match (before, wanted) {
        (Some(before), Attach::Best) => before,
        (Some(before), wanted) if before != wanted => {
            let (found, wanted) = (before as u64, wanted as u64);
            let map = "ledger".to_owned();
            return Err(DataplaneError::PinMismatch { map, property: "attachment", found, wanted });
        }
        (_, Attach::Best) if sys::has_tcx() => Attach::Tcx,
        (_, Attach::Best) => Attach::Clsact,
        (_, wanted) => wanted,
    };
    if chosen == Attach::Tcx && !sys::has_tcx() {
        return Err(DataplaneError::KernelLacks { feature: "tcx", option: "CONFIG_NET_XGRESS" });
    }
    ledger.set_attach(chosen as u64);
    Ok(chosen)
}

/// Loads the object; its maps are the pinned ones, and those that are not there yet are pinned.
fn load(options: &Options, maps: &Path) -> Result<Programs, DataplaneError> {
    let failed = |error: &dyn std::error::Error| {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        DataplaneError::Object { message }
    };
    let mut loader = EbpfLoader::new();
    for (name, shape) in options.maps() {
        loader.map_max_entries(name, shape.entries).map_pin_path(name, maps.join(name));
    }
    let mut object = loader.load(OBJECT).map_err(|error| failed(&error))?;
    let mut program = |name: &str| -> Result<OwnedFd, DataplaneError> {
        let missing = || DataplaneError::Object { message: format!("there is no program {name}") };
        let program = object.program_mut(name).ok_or_else(missing)?;
        let classifier: &mut SchedClassifier = program.try_into().map_err(|_| missing())?;
        load_again(classifier).map_err(|error| failed(&error))?;
        let fd = classifier.fd().map_err(|error| failed(&error))?;
        fd.as_fd().try_clone_to_owned().map_err(system("keeping a program"))
    };
    Ok(Programs { from_instance: program("from_instance")?, to_instance: program("to_instance")? })
}

/// Loads a program. The verifier gives up where a signal waits for this thread; then it is asked again.
fn load_again(classifier: &mut SchedClassifier) -> Result<(), ProgramError> {
    const ATTEMPTS_MAX: usize = 16;
    for _ in 1..ATTEMPTS_MAX {
        match classifier.load() {
            Err(ProgramError::LoadError { io_error, .. })
                if io_error.raw_os_error() == Some(libc::EAGAIN) => {}
            other => return other,
        }
    }
    classifier.load()
}

/// The pinned programs where they are the same as the loaded ones; otherwise the loaded ones, pinned, and the ids of
/// those that they replace.
fn choose_programs(
    loaded: Programs,
    directory: &Path,
) -> Result<(Programs, Option<[u32; 2]>), DataplaneError> {
    let (from, from_replaced) = choose_program(loaded.from_instance, &directory.join("from_instance"))?;
    let (to, to_replaced) = choose_program(loaded.to_instance, &directory.join("to_instance"))?;
    let replaced = from_replaced.zip(to_replaced).map(|(from, to)| [from, to]);
    Ok((Programs { from_instance: from, to_instance: to }, replaced))
}

fn choose_program(loaded: OwnedFd, path: &Path) -> Result<(OwnedFd, Option<u32>), DataplaneError> {
    let information = |fd: &OwnedFd| sys::program_info(fd).map_err(system("asking for a program"));
    let mut replaced = None;
    match sys::pinned(path) {
        Ok(pinned) => {
            let (old, new) = (information(&pinned)?, information(&loaded)?);
            if old.tag == new.tag {
                return Ok((pinned, Some(old.id)));
            }
            replaced = Some(old.id);
            fs::remove_file(path).map_err(system("removing a pin"))?;
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(system("opening a pinned program")(error)),
    }
    sys::pin(&loaded, path).map_err(system("pinning a program"))?;
    Ok((loaded, replaced))
}

impl Maps {
    fn open(directory: &Path) -> Result<Self, DataplaneError> {
        let map = |name: &str| {
            sys::pinned(&directory.join(name))
                .and_then(Map::from_fd)
                .map_err(system(format!("opening the map {name}")))
        };
        let array = |name: &str| {
            let map = map(name)?;
            let words = Words::of(&map).map_err(system(format!("mapping the map {name}")))?;
            Ok::<_, DataplaneError>(Array { map, words })
        };
        Ok(Self {
            devices: map("devices")?,
            interfaces: array("interfaces")?,
            slot_class: array("slot_class")?,
            classes: array("classes")?,
            arena: array("arena")?,
            allowed: map("allowed")?,
            flows: map("flows")?,
            shares: array("shares")?,
            drops: array("drops")?,
            fragments: map("fragments")?,
            events: ring(&directory.join("events"))?,
        })
    }
}

fn ring(path: &Path) -> Result<RingBuf<MapData>, DataplaneError> {
    let failed = |error: aya::maps::MapError| DataplaneError::Object {
        message: format!("the map of events: {error}"),
    };
    let data = MapData::from_pin(path).map_err(failed)?;
    RingBuf::try_from(LoadedMap::RingBuf(data)).map_err(failed)
}

/// Writes settings, and the exempt prefixes: new ones before the old ones are taken away.
fn set(options: &Options, maps: &Path, epoch: u32) -> Result<(), DataplaneError> {
    let map = |name: &str| {
        sys::pinned(&maps.join(name))
            .and_then(Map::from_fd)
            .map_err(system(format!("opening the map {name}")))
    };
    let (settings, exempt) = (map("settings")?, map("exempt")?);
    let first = 0u32.to_ne_bytes();
    let before = settings.lookup(&first).map_err(system("reading settings"))?.unwrap_or_default();
    let wanted: Vec<Vec<u8>> = options.exempt.iter().map(|prefix| exempt_key(*prefix)).collect();
    for key in exempt.keys().map_err(system("reading exempt prefixes"))? {
        if !wanted.contains(&key) {
            exempt.delete(&key).map_err(system("removing an exempt prefix"))?;
        }
    }
    for key in &wanted {
        exempt.update(key, &1u32.to_ne_bytes()).map_err(system("adding an exempt prefix"))?;
    }
    let value = SettingsValue {
        timeout_ns: options.timeouts.nanoseconds(),
        event_interval_ns: u64::try_from(options.event_interval.as_nanos()).unwrap_or(u64::MAX),
        seed: seed(&before)?,
        exempt: u32::from(!wanted.is_empty()),
        arena_words: options.arena_words,
        expiry_max: options.expiry_max(),
        epoch,
    };
    settings.update(&first, &value.to_bytes()).map_err(system("writing settings"))
}

/// The seed of the hash of fragments: the one that is there, or a new one.
fn seed(before: &[u8]) -> Result<[u64; 2], DataplaneError> {
    let found = SettingsValue::seed_in(before);
    if found != [0; 2] {
        return Ok(found);
    }
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| system("getrandom")(io::Error::other(error)))?;
    let number = u128::from_ne_bytes(bytes);
    let low = u128::from(u64::MAX);
    Ok([number >> 64, number & low].map(|half| u64::try_from(half).unwrap_or(1).max(1)))
}
