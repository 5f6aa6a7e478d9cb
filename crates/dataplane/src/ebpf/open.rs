//! Opening a dataplane: what the kernel must have, what is pinned, and what follows from it.
//!
//! ```text
//! /sys/fs/bpf/ravelin/<name>/v<layout version>/
//!   ledger                           numbers that are never used again, bindings, classes
//!   maps/<name>                      the maps of layout.h
//!   programs/{from,to}_instance      what hangs at devices
//!   links/<ifindex>_{from,to}_instance
//!   links/<ifindex>_{from,to}_instance_barrier   what stands in for one that moves
//!   links/elsewhere_<link>           that of a device in another namespace whose index another device has now
//! ```
//!
//! One process at a time has a dataplane open: it holds a lock on the directory of the name. A layout of a newer version
//! than [`LAYOUT_VERSION`] is refused. A program of version n takes over from one of an older version by copying its
//! bindings, classes and flows into maps of its own, then attaching, then removing the old pins; version 1 has none before.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::{DirBuilderExt, MetadataExt},
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
    features,
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
    pub(crate) lock: host::Lock,
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
    features::probe(&features::Running)?;
    let name = directory_of(&options.name);
    let lock = lock(&options.name, &name, absent)?;
    for directory in name.ancestors().take(2) {
        refuse_others(directory)?;
    }
    // Whoever had it open may have taken a plan or a configuration out of force just now: its memory counts as free below.
    host::wait_for_readers().map_err(system("membarrier"))?;
    refuse_newer(&options.name, &name)?;
    let directory = name.join(format!("v{LAYOUT_VERSION}"));
    if absent == Absent::Refuse && !directory.join("ledger").exists() {
        return Err(DataplaneError::Missing { name: options.name.clone() });
    }
    for part in ["maps", "programs", "links"] {
        make_directory(&directory.join(part))?;
    }
    let maps_directory = directory.join("maps");
    if !directory.join("ledger").exists() && maps_directory.join("devices").exists() {
        return Err(DataplaneError::Damaged { what: "there are maps without a ledger".to_owned() });
    }
    let ledger = Ledger::open(&directory.join("ledger"), options)?;
    let attach = features::choose_attach(options.attach, ledger.attach(), sys::has_tcx())?;
    ledger.set_attach(attach as u64);
    check_maps(options, &maps_directory)?;
    let loaded = load(options, &maps_directory)?;
    // Those that were just made are what the object says.
    check_maps(options, &maps_directory)?;
    let programs = choose_programs(loaded, &directory.join("programs"))?;
    let maps = Maps::open(&maps_directory)?;
    let epoch = sys::program_info(&programs.from_instance).map_err(system("asking for a program"))?.id;
    let attacher = Attacher::new(programs, attach, directory.join("links"), &options.name)?;
    set(options, &maps_directory, epoch)?;
    Ok(Opened { directory: name, lock, maps, ledger, attacher, attach })
}

/// Locks the directory of a dataplane. A process that removes it holds the lock until it is gone, and then what was
/// locked is no directory of a dataplane any more.
fn lock(name: &str, path: &Path, absent: Absent) -> Result<host::Lock, DataplaneError> {
    let in_use = || DataplaneError::InUse { name: name.to_owned() };
    for _ in 0..LOCK_TRIES {
        let Some(file) = open_directory(name, path, absent)? else { continue };
        let opened = file.metadata().map_err(system("looking at the directory of pins"))?;
        let lock = host::Lock::take(file).map_err(system("locking the directory of pins"))?;
        let lock = lock.ok_or_else(in_use)?;
        if is_at(&opened, path) {
            return Ok(lock);
        }
    }
    Err(in_use())
}

/// Opens the directory of a dataplane; none where others remove it in the same moment. In a directory that others may write
/// nothing is made.
fn open_directory(name: &str, path: &Path, absent: Absent) -> Result<Option<File>, DataplaneError> {
    let above = path.parent().unwrap_or(path);
    let failed = || system("opening the directory of pins");
    if absent == Absent::Make {
        make_directory(above)?;
    }
    let opened = refuse_others(above).and_then(|()| {
        if absent == Absent::Make {
            try_make_directory(path).map_err(failed())?;
        }
        File::open(path).map_err(failed())
    });
    match opened {
        Err(DataplaneError::System { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            match absent {
                Absent::Make => Ok(None),
                Absent::Refuse => Err(DataplaneError::Missing { name: name.to_owned() }),
            }
        }
        opened => opened.map(Some),
    }
}

/// Whether an open directory is the one at the path, and not one that was removed.
fn is_at(opened: &fs::Metadata, path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (opened.dev(), opened.ino()))
}

/// Whether the maps that are pinned are those that the programs need.
fn check_maps(options: &Options, directory: &Path) -> Result<(), DataplaneError> {
    for (map, shape) in options.maps() {
        let path = directory.join(map);
        if path.exists() {
            let opened = sys::pinned(&path).and_then(Map::from_fd);
            let found = opened.map_err(system(format!("opening the pinned map {map}")))?;
            check_shape(map, found.shape(), shape)?;
        }
    }
    Ok(())
}

/// Makes a directory for its owner alone, and those above it.
fn make_directory(path: &Path) -> Result<(), DataplaneError> {
    try_make_directory(path).map_err(system("making the directory of pins"))
}

fn try_make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whoever may write a directory of pins can take away what is enforced: where everybody may pin, somebody may have made it
/// before.
fn refuse_others(path: &Path) -> Result<(), DataplaneError> {
    const OTHERS_MAY_WRITE: u32 = 0o022;
    let found = fs::symlink_metadata(path).map_err(system("looking at the directory of pins"))?;
    let (owner, mode, user) = (found.uid(), found.mode() & 0o7777, host::user());
    if found.is_dir() && owner == user && mode & OTHERS_MAY_WRITE == 0 {
        return Ok(());
    }
    Err(DataplaneError::OthersMayWrite { path: path.display().to_string(), owner, mode, user })
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
        load_again(classifier).map_err(|error| match &error {
            ProgramError::LoadError { io_error, .. } if io_error.raw_os_error() == Some(libc::EPERM) => {
                DataplaneError::NotPermitted
            }
            _ => failed(&error),
        })?;
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

/// The pinned programs where they are the same as the loaded ones; otherwise the loaded ones, pinned.
fn choose_programs(loaded: Programs, directory: &Path) -> Result<Programs, DataplaneError> {
    Ok(Programs {
        from_instance: choose_program(loaded.from_instance, &directory.join("from_instance"))?,
        to_instance: choose_program(loaded.to_instance, &directory.join("to_instance"))?,
    })
}

fn choose_program(loaded: OwnedFd, path: &Path) -> Result<OwnedFd, DataplaneError> {
    let tag = |fd: &OwnedFd| Ok(sys::program_info(fd).map_err(system("asking for a program"))?.tag);
    match sys::pinned(path) {
        Ok(pinned) if tag(&pinned)? == tag(&loaded)? => return Ok(pinned),
        Ok(_) => fs::remove_file(path).map_err(system("removing a pin"))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(system(format!("opening the pinned program {}", path.display()))(error)),
    }
    sys::pin(&loaded, path).map_err(system("pinning a program"))?;
    Ok(loaded)
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
