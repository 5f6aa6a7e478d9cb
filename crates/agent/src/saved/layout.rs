//! The bytes of the state file. Pure.
//!
//! ```text
//! 0   "ravelin agent state 1\n", two zeros
//! 24  length of the snapshot, its checksum, length of the file, zeros, the checksum of all that: 8 bytes each
//! 64  the snapshot (a message of the protocol), zeros up to a multiple of 16
//!     records, each at a multiple of 16:
//!       length of the change (4), the checksum of length and place (4), the checksum of the change (8)
//!       the change (a message of the protocol), a byte that is not zero, zeros up to a multiple of 16
//!     zeros: room for further records
//! ```
//!
//! The room is written once, as zeros, so that a record that is added changes nothing but its own bytes and costs one write
//! to the disk, without a change of the file's size. What a power cut leaves of the last record is told from damage by how
//! disks write: whole sectors, each all of it or not at all. A head never stands in two sectors. So a record of which a
//! sector is missing, in place of which zeros stand, was never confirmed to be on disk, and is not there. Everything else
//! that is wrong is damage.

use prost::Message;
use protocol::{MESSAGE_BYTES_MAX, desired, node};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::wanted::Wanted;

/// What the file begins with; the number is the version of the form.
const MAGIC: &[u8; 24] = b"ravelin agent state 1\n\0\0";
const HEADER_BYTES: usize = 64;
const HEAD_BYTES: usize = 16;
/// Everything stands at multiples of this.
const ALIGN: usize = 16;
/// The least that a disk writes at once, in bytes.
const SECTOR_BYTES: usize = 512;
/// What a change ends with, so that its last sector is never all zeros.
const END: u8 = 0xff;

/// The least and the most room for records, in bytes; in between it is as long as the snapshot, so that what a change
/// costs on average does not grow with the state.
const ROOM_BYTES: std::ops::RangeInclusive<usize> = 256 * 1024..=4 * 1024 * 1024;
/// The longest file that is written, and so the longest that is read.
pub(super) const FILE_BYTES_MAX: usize = file_bytes(MESSAGE_BYTES_MAX);

/// What a file says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Content {
    pub(super) wanted: Wanted,
    /// Where the first record goes.
    pub(super) start: usize,
    /// Where the next record goes.
    pub(super) end: usize,
    /// Whether something stands behind the last record: the remains of one that was never confirmed.
    pub(super) remains: bool,
}

const fn aligned(length: usize) -> usize {
    length.next_multiple_of(ALIGN)
}

/// How much room there is for records behind a snapshot of this length.
const fn room_bytes(length: usize) -> usize {
    let (least, most) = (*ROOM_BYTES.start(), *ROOM_BYTES.end());
    aligned(if length < least {
        least
    } else if length > most {
        most
    } else {
        length
    })
}

/// How long a file with a snapshot of this length is.
const fn file_bytes(length: usize) -> usize {
    (HEADER_BYTES + aligned(length) + room_bytes(length)).next_multiple_of(SECTOR_BYTES)
}

/// A whole file without records, and where the first one goes. None: there is more wanted than a message can say.
pub(super) fn file_of(wanted: &Wanted) -> Option<(Vec<u8>, usize)> {
    let snapshot = desired::to_snapshot(wanted.generation, &wanted.desired);
    let snapshot = node::Snapshot { run: wanted.run, ..snapshot };
    let length = snapshot.encoded_len();
    if length > MESSAGE_BYTES_MAX {
        return None;
    }
    let end = HEADER_BYTES + aligned(length);
    let size = file_bytes(length);
    let mut bytes = Vec::with_capacity(size);
    bytes.resize(HEADER_BYTES, 0);
    bytes.extend(snapshot.encode_to_vec());
    let checksum = xxh3_64(bytes.get(HEADER_BYTES..)?);
    bytes.resize(size, 0);
    let mut header = MAGIC.to_vec();
    for number in [length as u64, checksum, bytes.len() as u64, 0] {
        header.extend(number.to_le_bytes());
    }
    header.extend(xxh3_64(&header).to_le_bytes());
    bytes.get_mut(..HEADER_BYTES)?.copy_from_slice(&header);
    Some((bytes, end))
}

/// A record for this place. None: the change is longer than a message may be.
pub(super) fn record(place: usize, change: &node::Delta) -> Option<Vec<u8>> {
    let length = change.encoded_len();
    let short = u32::try_from(length).ok().filter(|_| length <= MESSAGE_BYTES_MAX)?;
    let payload = [&change.encode_to_vec()[..], &[END]].concat();
    let mut bytes = head(place, short, xxh3_64(&payload)).to_vec();
    bytes.extend(payload);
    bytes.resize(aligned(bytes.len()), 0);
    Some(bytes)
}

fn head(place: usize, length: u32, checksum: u64) -> [u8; HEAD_BYTES] {
    let own = xxh3_64_with_seed(&length.to_le_bytes(), place as u64).to_le_bytes();
    let mut head = [0; HEAD_BYTES];
    let parts = length.to_le_bytes().into_iter().chain(own.into_iter().take(4)).chain(checksum.to_le_bytes());
    head.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    head
}

/// What a file says.
///
/// # Errors
/// It is none, or damaged: how.
pub(super) fn read(bytes: &[u8]) -> Result<Content, String> {
    let (mut wanted, first) = read_snapshot(bytes)?;
    let mut place = first;
    while let Some(length) = read_head(bytes, place)? {
        let start = place + HEAD_BYTES;
        let payload = bytes.get(start..start + length + 1).ok_or("a change is cut short")?;
        let next = start + aligned(length + 1);
        let rest = bytes.get(start + length + 1..).unwrap_or_default();
        if head(place, u32::try_from(length).unwrap_or(0), xxh3_64(payload))[..] != bytes[place..start] {
            return match lacks_a_sector(bytes, start, start + length + 1) && is_zero(rest) {
                true => Ok(Content { wanted, start: first, end: place, remains: true }),
                false => Err("the checksum of a change is wrong".into()),
            };
        }
        if !is_zero(rest.get(..next - start - length - 1).unwrap_or_default()) {
            return Err("something stands between two changes".into());
        }
        apply(&mut wanted, payload.get(..length).unwrap_or_default())?;
        place = next;
    }
    let remains = !is_zero(bytes.get(place..).unwrap_or_default());
    Ok(Content { wanted, start: first, end: place, remains })
}

fn read_snapshot(bytes: &[u8]) -> Result<(Wanted, usize), String> {
    let (header, rest) = bytes.split_at_checked(HEADER_BYTES).ok_or("it is cut short")?;
    let number = |at: usize| {
        let bytes = header.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_le_bytes)
    };
    if !header.starts_with(MAGIC) {
        return Err("it begins otherwise".into());
    }
    if xxh3_64(&header[..HEADER_BYTES - 8]) != number(56) {
        return Err("its header is damaged".into());
    }
    if number(40) != bytes.len() as u64 {
        return Err("it is not as long as it was".into());
    }
    let length = usize::try_from(number(24)).unwrap_or(usize::MAX);
    if length > MESSAGE_BYTES_MAX {
        return Err("it is too long".into());
    }
    let (snapshot, rest) = rest.split_at_checked(length).ok_or("it is cut short")?;
    if xxh3_64(snapshot) != number(32) {
        return Err("its checksum is wrong".into());
    }
    let padding = rest.get(..aligned(length) - length).ok_or("it is cut short")?;
    if !is_zero(padding) {
        return Err("something stands behind what is wanted".into());
    }
    let snapshot = node::Snapshot::decode(snapshot).map_err(|error| error.to_string())?;
    let desired = desired::from_snapshot(&snapshot).map_err(|error| error.to_string())?;
    let node::Snapshot { generation, run, .. } = snapshot;
    Ok((Wanted { generation, run, desired }, HEADER_BYTES + aligned(length)))
}

/// The length of the change that stands at a place; none: none does.
fn read_head(bytes: &[u8], place: usize) -> Result<Option<usize>, String> {
    let Some(found) = bytes.get(place..place + HEAD_BYTES) else {
        return if bytes.len() == place { Ok(None) } else { Err("it is cut short".into()) };
    };
    if is_zero(found) {
        return Ok(None);
    }
    let mut length = [0; 4];
    length.iter_mut().zip(found).for_each(|(to, from)| *to = *from);
    let length = u32::from_le_bytes(length);
    if head(place, length, 0)[..8] != found[..8] {
        return Err("the length of a change is damaged".into());
    }
    usize::try_from(length).map(Some).map_err(|error| error.to_string())
}

/// Whether of what stands here all the bytes that one sector has are zeros.
fn lacks_a_sector(bytes: &[u8], start: usize, end: usize) -> bool {
    let mut from = start;
    while from < end {
        let to = (from + 1).next_multiple_of(SECTOR_BYTES).min(end);
        if bytes.get(from..to).is_some_and(is_zero) {
            return true;
        }
        from = to;
    }
    false
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn apply(wanted: &mut Wanted, change: &[u8]) -> Result<(), String> {
    let change = node::Delta::decode(change).map_err(|error| error.to_string())?;
    if change.from_generation != wanted.generation {
        return Err(format!(
            "a change begins from generation {} after generation {}",
            change.from_generation, wanted.generation
        ));
    }
    let delta = desired::from_delta(&change).map_err(|error| error.to_string())?;
    wanted.desired.apply(&delta);
    (wanted.generation, wanted.run) = (change.generation, change.run);
    Ok(())
}
