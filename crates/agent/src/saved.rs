//! What was wanted last, on disk: from it a node enforces after a reboot, before it has spoken to anybody.
//!
//! The file is a snapshot of the protocol behind a line that says what it is, with a checksum. It is replaced as a whole:
//! whoever reads it finds the one before or the new one.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use prost::Message;
use protocol::{MESSAGE_BYTES_MAX, desired, node};
use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

use crate::wanted::Wanted;

/// What the file begins with; the number is the version of the form.
const MAGIC: &[u8] = b"ravelin agent state 1\n";
const CHECKSUM_BYTES: usize = 8;

/// Why what was wanted cannot be read or written.
#[derive(Debug, Error)]
pub enum SavedError {
    /// The file cannot be read, or not be written.
    #[error("cannot {what} {}", path.display())]
    File {
        /// What was to be done.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not one that this program writes, or it is damaged. It is left as it is.
    #[error(
        "{} is not a state of an agent, or is damaged ({why}); it is left as it is: remove it, and the control plane says anew what is wanted",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// Reads what was wanted last; none: nothing was ever.
///
/// # Errors
/// [`SavedError`].
pub fn read(path: &Path) -> Result<Option<Wanted>, SavedError> {
    let failed = |source| SavedError::File { what: "read", path: path.to_owned(), source };
    let mut bytes = Vec::new();
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => {
            let most = MESSAGE_BYTES_MAX + MAGIC.len() + CHECKSUM_BYTES + 1;
            opened.map_err(failed)?.take(most as u64).read_to_end(&mut bytes).map_err(failed)?
        }
    };
    decode(&bytes).map(Some).map_err(|why| SavedError::Damaged { path: path.to_owned(), why })
}

/// Writes what is wanted, durably, for its owner alone.
///
/// # Errors
/// [`SavedError::File`]: the one before is still there.
pub fn write(path: &Path, wanted: &Wanted) -> Result<(), SavedError> {
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |source| SavedError::File { what, path, source }
    };
    let new = path.with_extension("new");
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)
        .map_err(failed("make", &new))?;
    file.write_all(&encode(wanted)).map_err(failed("write", &new))?;
    file.sync_all().map_err(failed("write", &new))?;
    fs::rename(&new, path).map_err(failed("replace", path))?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed("write", directory))
}

fn encode(wanted: &Wanted) -> Vec<u8> {
    let snapshot = desired::to_snapshot(wanted.generation, &wanted.desired).encode_to_vec();
    [MAGIC, &xxh3_64(&snapshot).to_le_bytes(), &snapshot].concat()
}

fn decode(bytes: &[u8]) -> Result<Wanted, String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("it begins otherwise")?;
    let (checksum, snapshot) = rest.split_first_chunk::<CHECKSUM_BYTES>().ok_or("it is cut short")?;
    if snapshot.len() > MESSAGE_BYTES_MAX {
        return Err("it is too long".into());
    }
    if xxh3_64(snapshot).to_le_bytes() != *checksum {
        return Err("its checksum is wrong".into());
    }
    let snapshot = node::Snapshot::decode(snapshot).map_err(|error| error.to_string())?;
    let desired = desired::from_snapshot(&snapshot).map_err(|error| error.to_string())?;
    Ok(Wanted { generation: snapshot.generation, desired })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use model::{NetworkId, NetworkInterfaceId, address::Mac, node::Device};
    use policy::{Desired, DesiredInterface};

    use super::*;

    fn wanted(generation: u64) -> Wanted {
        let interface = DesiredInterface {
            device: Device::Aliased,
            adopt_seconds: 0,
            network: NetworkId::from_number(1),
            mac: Mac([2, 0, 0, 0, 0, 1]),
            addresses: [[10, 0, 0, 1].into()].into(),
            allowed_prefixes: [].into(),
            source_check: true,
            groups: [].into(),
        };
        let interfaces = [(NetworkInterfaceId::from_number(7), interface)].into();
        Wanted { generation, desired: Desired { interfaces, ..Desired::default() } }
    }

    #[test]
    fn what_is_written_is_read_and_only_by_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        assert!(read(&path).unwrap().is_none());
        for generation in [3, 4] {
            write(&path, &wanted(generation)).unwrap();
            assert_eq!(read(&path).unwrap(), Some(wanted(generation)));
        }
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_damaged_anywhere_is_refused_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        write(&path, &wanted(3)).unwrap();
        let right = fs::read(&path).unwrap();
        for at in 0..right.len() {
            let mut flipped = right.clone();
            flipped[at] ^= 1;
            for damaged in [&flipped[..], &right[..at]] {
                fs::write(&path, damaged).unwrap();
                assert!(matches!(read(&path), Err(SavedError::Damaged { .. })), "byte {at}");
                assert_eq!(fs::read(&path).unwrap(), damaged);
            }
        }
    }

    #[test]
    fn what_cannot_be_written_leaves_the_one_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        write(&path, &wanted(3)).unwrap();
        fs::create_dir(path.with_extension("new")).unwrap();
        assert!(matches!(write(&path, &wanted(4)), Err(SavedError::File { .. })));
        assert_eq!(read(&path).unwrap().unwrap().generation, 3);
    }
}
