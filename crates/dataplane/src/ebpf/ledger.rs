//! What the loader keeps for itself, beside the maps of the programs: numbers that are never used again, and what
//! bindings and classes stand for.
//!
//! It is a pinned array of words in the kernel, and so outlives this process at any instruction. Each entry is written
//! before the word that makes it count, and a number counts as used before it is.

use std::{path::Path, sync::atomic::Ordering::SeqCst};

use model::NetworkInterfaceId;

use super::{
    host::system,
    mapped::Words,
    options::Options,
    sys::{MAP_TYPE_ARRAY, MMAPABLE, Map, MapShape, pin, pinned},
};
use crate::{
    error::DataplaneError,
    layout::{LAYOUT_VERSION, STAMP_MASK},
};

/// The first word: `RAVLEDG` and the layout's version.
const MAGIC: u64 = 0x5241_564c_4544_4700 | LAYOUT_VERSION as u64;
/// Places in the header.
const STAMP: usize = 1;
const ID: usize = 2;
const ATTACH: usize = 3;
/// Words of the header, of a slot and of a class.
const HEADER: u32 = 8;
const SLOT: u32 = 4;
const CLASS: u32 = 4;

/// A binding, as the ledger has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SlotEntry {
    pub(crate) id: u32,
    pub(crate) ifindex: u32,
    pub(crate) interface: NetworkInterfaceId,
}

/// The ledger.
pub(crate) struct Ledger {
    words: Words,
    slots: u32,
    classes: u32,
}

impl Ledger {
    /// Opens the pinned ledger, or makes it.
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Self, DataplaneError> {
        let (slots, classes) = (options.slots(), options.class_entries());
        let entries = HEADER + slots * SLOT + classes * CLASS;
        let shape = MapShape { kind: MAP_TYPE_ARRAY, key_size: 4, value_size: 8, entries, flags: MMAPABLE };
        let map = if path.exists() {
            let map = pinned(path).and_then(Map::from_fd).map_err(system("opening the pinned ledger"))?;
            check_shape("ledger", map.shape(), shape)?;
            map
        } else {
            let map = Map::create(shape, "ledger").map_err(system("making the ledger"))?;
            pin(&map, path).map_err(system("pinning the ledger"))?;
            map
        };
        let words = Words::of(&map).map_err(system("mapping the ledger"))?;
        let ledger = Self { words, slots, classes };
        match ledger.words[0].load(SeqCst) {
            0 => {
                ledger.words[STAMP].store(1, SeqCst);
                ledger.words[ID].store(1, SeqCst);
                ledger.words[0].store(MAGIC, SeqCst);
                Ok(ledger)
            }
            MAGIC => Ok(ledger),
            other => Err(DataplaneError::Damaged { what: format!("the ledger begins with {other:#x}") }),
        }
    }

    /// A stamp that nothing had before.
    pub(crate) fn next_stamp(&self) -> Result<u64, DataplaneError> {
        let stamp = self.words[STAMP].fetch_add(1, SeqCst);
        if stamp > STAMP_MASK { Err(DataplaneError::UsedUp { what: "stamp" }) } else { Ok(stamp) }
    }

    /// A number of a binding that none had before.
    pub(crate) fn next_id(&self) -> Result<u32, DataplaneError> {
        let id = self.words[ID].load(SeqCst);
        let id = u32::try_from(id).map_err(|_| DataplaneError::UsedUp { what: "number of a binding" })?;
        self.words[ID].store(u64::from(id) + 1, SeqCst);
        Ok(id)
    }

    /// How programs are attached: a number of the caller; 0 before it was set.
    pub(crate) fn attach(&self) -> u64 {
        self.words[ATTACH].load(SeqCst)
    }

    pub(crate) fn set_attach(&self, number: u64) {
        self.words[ATTACH].store(number, SeqCst);
    }

    fn slot_at(&self, slot: u32) -> usize {
        (HEADER + slot * SLOT) as usize
    }

    /// The binding of a slot.
    pub(crate) fn slot(&self, slot: u32) -> Option<SlotEntry> {
        let at = self.slot_at(slot);
        let word = self.words[at].load(SeqCst);
        let (id, ifindex) = split(word);
        let interface = NetworkInterfaceId::from_number(self.number(at + 1));
        (id != 0).then_some(SlotEntry { id, ifindex, interface })
    }

    /// Every slot that has a binding.
    pub(crate) fn slots(&self) -> impl Iterator<Item = (u32, SlotEntry)> + '_ {
        (1..self.slots).filter_map(|slot| Some((slot, self.slot(slot)?)))
    }

    pub(crate) fn set_slot(&self, slot: u32, entry: SlotEntry) {
        let at = self.slot_at(slot);
        self.set_number(at + 1, entry.interface.number());
        self.words[at].store(u64::from(entry.id) << 32 | u64::from(entry.ifindex), SeqCst);
    }

    pub(crate) fn clear_slot(&self, slot: u32) {
        self.words[self.slot_at(slot)].store(0, SeqCst);
    }

    fn class_at(&self, class: u32) -> usize {
        (HEADER + self.slots * SLOT + class * CLASS) as usize
    }

    /// The label of a class.
    pub(crate) fn class(&self, class: u32) -> Option<u128> {
        let at = self.class_at(class);
        (self.words[at].load(SeqCst) != 0).then(|| self.number(at + 1))
    }

    /// Every index of a class, and its label where there is such a class.
    pub(crate) fn classes(&self) -> impl Iterator<Item = (u32, Option<u128>)> + '_ {
        (1..self.classes).map(|class| (class, self.class(class)))
    }

    pub(crate) fn set_class(&self, class: u32, label: u128) {
        let at = self.class_at(class);
        self.set_number(at + 1, label);
        self.words[at].store(1, SeqCst);
    }

    pub(crate) fn clear_class(&self, class: u32) {
        self.words[self.class_at(class)].store(0, SeqCst);
    }

    fn number(&self, at: usize) -> u128 {
        u128::from(self.words[at].load(SeqCst)) << 64 | u128::from(self.words[at + 1].load(SeqCst))
    }

    fn set_number(&self, at: usize, number: u128) {
        let low = u128::from(u64::MAX);
        for (at, half) in [(at, number >> 64), (at + 1, number & low)] {
            self.words[at].store(u64::try_from(half).unwrap_or(u64::MAX), SeqCst);
        }
    }
}

fn split(word: u64) -> (u32, u32) {
    let [a, b, c, d, e, f, g, h] = word.to_be_bytes();
    (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
}

/// Whether a pinned map is what is wanted.
pub(crate) fn check_shape(map: &str, found: MapShape, wanted: MapShape) -> Result<(), DataplaneError> {
    for (property, found, wanted) in [
        ("type", found.kind, wanted.kind),
        ("key size", found.key_size, wanted.key_size),
        ("value size", found.value_size, wanted.value_size),
        ("number of entries", found.entries, wanted.entries),
        ("flags", found.flags, wanted.flags),
    ] {
        if found != wanted {
            let (found, wanted) = (found.into(), wanted.into());
            return Err(DataplaneError::PinMismatch { map: map.to_owned(), property, found, wanted });
        }
    }
    Ok(())
}
