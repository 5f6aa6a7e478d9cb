//! One batch as it lies in the engine's journal: a start marker (count, sequence number), the items, an end marker
//! with the checksum of the items and a fixed trailer.
//!
//! Known here and not asked of the engine because the engine takes any bytes it does not understand for the end of a
//! journal and cuts off what follows; see `journal`. The layout is that of the pinned engine version; a test reads
//! what the engine wrote.

use xxhash_rust::xxh3::xxh3_64;

const START: u8 = 1;
const ITEM: u8 = 2;
const END: u8 = 3;
const TRAILER: &[u8] = b"FJL\x03";
/// The least a batch can take: start marker and end marker.
const MIN_BYTES: usize = 13 + 13;

/// The tree that holds the store's own records, and the key of the revision in it.
pub(crate) const SYSTEM_TREE: u64 = 1;
pub(crate) const REVISION_KEY: &[u8] = b"revision";

/// A commit's place in the chain: the revision it made and the one it was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) revision: u64,
    pub(crate) previous: u64,
}

impl Link {
    /// The value under [`REVISION_KEY`].
    pub(crate) fn encode(self) -> [u8; 16] {
        ((u128::from(self.revision) << 64) | u128::from(self.previous)).to_be_bytes()
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let (revision, previous) = value.split_first_chunk::<8>()?;
        let previous: [u8; 8] = previous.try_into().ok()?;
        Some(Self { revision: u64::from_be_bytes(*revision), previous: u64::from_be_bytes(previous) })
    }
}

/// A batch whose markers and checksum are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct JournalBatch {
    /// Its length in the journal.
    pub(crate) bytes: usize,
    /// Its place in the engine's order.
    pub(crate) sequence: u64,
    /// The revision it makes, if it is a commit.
    pub(crate) link: Option<Link>,
}

/// Reads the batch that begins with the first byte of `bytes`; `None` if there is no whole one.
pub(crate) fn parse(bytes: &[u8]) -> Option<JournalBatch> {
    let mut reader = Reader { bytes, position: 0 };
    if bytes.len() < MIN_BYTES || reader.u8()? != START {
        return None;
    }
    let count = u32::from_le_bytes(reader.array()?);
    let sequence = u64::from_le_bytes(reader.array()?);
    let items = reader.position;
    let mut link = None;
    for _ in 0..count {
        let (tree, key, value) = reader.item()?;
        if tree == SYSTEM_TREE && key == REVISION_KEY {
            link = Some(Link::decode(value)?);
        }
    }
    let checksum = xxh3_64(bytes.get(items..reader.position)?);
    let whole = reader.u8()? == END
        && u64::from_le_bytes(reader.array()?) == checksum
        && reader.take(TRAILER.len())? == TRAILER;
    whole.then_some(JournalBatch { bytes: reader.position, sequence, link })
}

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.position.checked_add(length)?;
        let taken = self.bytes.get(self.position..end)?;
        self.position = end;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn item(&mut self) -> Option<(u64, &'a [u8], &'a [u8])> {
        if self.u8()? != ITEM {
            return None;
        }
        let (_value_type, compression) = (self.u8()?, self.u8()?);
        let tree = u64::from_le_bytes(self.array()?);
        let key_length = u16::from_le_bytes(self.array()?);
        let _value_length: [u8; 4] = self.array()?;
        let stored_length = usize::try_from(u32::from_le_bytes(self.array()?)).ok()?;
        let key = self.take(usize::from(key_length))?;
        let value = self.take(stored_length)?;
        (compression == 0).then_some((tree, key, value))
    }
}
