//! What a dataplane is made with.

use std::time::Duration;

use ipnet::IpNet;

use super::sys::{MAP_TYPE_ARRAY, MAP_TYPE_RINGBUF, MMAPABLE, MapShape};
use crate::{
    error::DataplaneError,
    flow::FlowState,
    layout::{
        ALLOWED_KEY_SIZE, ARENA_UNIT, CLASS_OFFSET_BITS, DeviceWord, EXEMPT_KEY_SIZE, EXPIRY_ENTRY_SIZE,
        FRAGMENTS_PER_SLOT, FlowKey, FlowValue, InterfaceValue, REASONS, SHARE_WORDS, STATES, SWEEPER_SIZE,
        SettingsValue,
    },
};

/// How programs are attached to devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Attach {
    /// By tcx where the kernel has it, by clsact otherwise; as it was before where the dataplane exists.
    #[default]
    Best,
    /// By tcx links (Linux 6.6).
    Tcx,
    /// By filters of the clsact queueing discipline.
    Clsact,
}

/// How long a flow lasts after its last packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeouts([Duration; STATES]);

impl Default for Timeouts {
    fn default() -> Self {
        let mut timeouts = [Duration::from_secs(600); STATES];
        let seconds = [120, 60, 432_000, 120, 120, 10, 30, 120, 30, 30, 180, 600, 300];
        for (timeout, seconds) in timeouts.iter_mut().zip(seconds) {
            *timeout = Duration::from_secs(seconds);
        }
        Self(timeouts)
    }
}

impl Timeouts {
    /// That of a state.
    pub fn of(&self, state: FlowState) -> Duration {
        self.0[state as usize]
    }

    /// Changes that of a state.
    #[must_use]
    pub fn with(mut self, state: FlowState, timeout: Duration) -> Self {
        self.0[state as usize] = timeout;
        self
    }

    pub(crate) fn nanoseconds(&self) -> [u64; STATES] {
        self.0.map(|timeout| u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// Settings of a dataplane. Sizes are those of the kernel's maps, and stay what they were when the dataplane was made;
/// the others can be changed each time it is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its name, a directory under `/sys/fs/bpf/ravelin`.
    pub name: String,
    /// The most interfaces, 1 to 65,535.
    pub interfaces_max: u32,
    /// The most classes, 1 to 65,535.
    pub classes_max: u32,
    /// The most flows of all interfaces, 64 to 16,777,216; 140 bytes of the kernel's memory each.
    pub flows_max: u32,
    /// The most further prefixes of all interfaces, 1 to 1,048,576.
    pub prefixes_max: u32,
    /// The memory of plans in words of 8 bytes, 4,096 to 134,217,720.
    pub arena_words: u32,
    /// The memory of events that nobody has read, in bytes: a power of two from 4,096 to 1,073,741,824.
    pub event_bytes: u32,
    /// How programs are attached.
    pub attach: Attach,
    /// Time-outs of flows.
    pub timeouts: Timeouts,
    /// The least time between two events of an interface.
    pub event_interval: Duration,
    /// Peers that no rule is asked about: the host, a metadata service; at most 256.
    pub exempt: Vec<IpNet>,
}

/// The most exempt prefixes.
const EXEMPT_MAX: u32 = 256;

impl Options {
    /// The default settings.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            interfaces_max: 4096,
            classes_max: 4096,
            flows_max: 262_144,
            prefixes_max: 65_536,
            arena_words: 4 * 1024 * 1024,
            event_bytes: 1024 * 1024,
            attach: Attach::Best,
            timeouts: Timeouts::default(),
            event_interval: Duration::from_millis(100),
            exempt: Vec::new(),
        }
    }

    pub(crate) fn check(&self) -> Result<(), DataplaneError> {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if self.name.is_empty() || self.name.len() > 64 || !self.name.bytes().all(letters) {
            return Err(DataplaneError::Name { name: self.name.clone() });
        }
        let exempt = u64::try_from(self.exempt.len()).unwrap_or(u64::MAX);
        let arena_most = (1u64 << CLASS_OFFSET_BITS) * u64::from(ARENA_UNIT) - u64::from(ARENA_UNIT);
        for (setting, value, least, most) in [
            ("interfaces_max", self.interfaces_max.into(), 1, 65_535),
            ("classes_max", self.classes_max.into(), 1, 65_535),
            ("flows_max", self.flows_max.into(), 64, 1 << 24),
            ("prefixes_max", self.prefixes_max.into(), 1, 1 << 20),
            ("arena_words", self.arena_words.into(), 4096, arena_most),
            ("event_bytes", self.event_bytes.into(), 4096, 1 << 30),
            ("exempt prefixes", exempt, 0, EXEMPT_MAX.into()),
        ] {
            if !(least..=most).contains(&value) {
                return Err(DataplaneError::Setting { setting, value, least, most });
            }
        }
        if !self.event_bytes.is_power_of_two() {
            let (value, most) = (self.event_bytes.into(), self.event_bytes.next_power_of_two().into());
            return Err(DataplaneError::Setting { setting: "event_bytes", value, least: most, most });
        }
        Ok(())
    }

    /// Slots: one an interface, and slot 0.
    pub(crate) fn slots(&self) -> u32 {
        self.interfaces_max + 1
    }

    /// Words of the array of classes: index 0 is closed.
    pub(crate) fn class_entries(&self) -> u32 {
        self.classes_max + 1
    }

    /// The most entries of the queue in which flows wait to be looked at: flows that the loader deletes leave theirs behind.
    pub(crate) fn expiry_max(&self) -> u32 {
        self.flows_max + self.flows_max / 4
    }

    /// The maps of the programs, by name.
    pub(crate) fn maps(&self) -> [(&'static str, MapShape); 15] {
        const HASH: u32 = 1;
        const LPM_TRIE: u32 = 11;
        const QUEUE: u32 = 22;
        const NO_PREALLOC: u32 = 1;
        let array = |value_size, entries| MapShape {
            kind: MAP_TYPE_ARRAY,
            key_size: 4,
            value_size,
            entries,
            flags: MMAPABLE,
        };
        let hash =
            |key_size, value_size, entries| MapShape { kind: HASH, key_size, value_size, entries, flags: 0 };
        let trie = |key_size, entries| MapShape {
            kind: LPM_TRIE,
            key_size,
            value_size: 4,
            entries,
            flags: NO_PREALLOC,
        };
        let queue = MapShape {
            kind: QUEUE,
            key_size: 0,
            value_size: EXPIRY_ENTRY_SIZE,
            // More than are ever in it, so that what is taken out can always be put back.
            entries: self.expiry_max() + 64,
            flags: 0,
        };
        let slots = self.slots();
        let ring = MapShape {
            kind: MAP_TYPE_RINGBUF,
            key_size: 0,
            value_size: 0,
            entries: self.event_bytes,
            flags: 0,
        };
        [
            ("devices", hash(4, DeviceWord::SIZE, slots)),
            ("interfaces", array(InterfaceValue::SIZE, slots * 2)),
            ("slot_class", array(8, slots)),
            ("classes", array(8, self.class_entries())),
            ("arena", array(8, self.arena_words)),
            ("allowed", trie(ALLOWED_KEY_SIZE, self.prefixes_max)),
            ("exempt", trie(EXEMPT_KEY_SIZE, EXEMPT_MAX)),
            ("flows", hash(FlowKey::SIZE, FlowValue::SIZE, self.flows_max)),
            ("expiry", queue),
            ("sweepers", MapShape { flags: 0, ..array(SWEEPER_SIZE, 1) }),
            ("shares", array(8 * SHARE_WORDS, slots)),
            ("fragments", MapShape { flags: 0, ..array(16, slots * FRAGMENTS_PER_SLOT) }),
            ("drops", array(8, slots * REASONS)),
            ("events", ring),
            ("settings", array(SettingsValue::SIZE, 1)),
        ]
    }
}
