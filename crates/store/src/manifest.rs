//! The manifests of the engine's trees: checked before the engine acts on them.
//!
//! Each tree has a file `current` that names its manifest `v<number>` and holds the manifest's checksum, which the
//! engine itself does not verify; and a tree without `current` it takes for one that was never finished, and deletes.
//! After a crash or a failure a whole `current` is on disk, or its predecessor, since it is replaced by renaming; so
//! anything else is damage.

use std::{fs, path::Path};

use xxhash_rust::xxh3::xxh3_128;

use crate::{StoreError, files};

const CURRENT: &str = "current";

/// Checks the manifests of the trees `0..trees`.
pub(crate) fn check(engine: &Path, trees: u64) -> Result<(), StoreError> {
    for tree in 0..trees {
        let folder = folder(engine, tree);
        let path = folder.join(CURRENT);
        let current = fs::read(&path).map_err(|error| missing(&path, &error))?;
        let (version, checksum) =
            parse(&current).ok_or_else(|| StoreError::damaged(&path, "its content is not understood"))?;
        let manifest = folder.join(format!("v{version}"));
        let bytes = fs::read(&manifest).map_err(|error| missing(&manifest, &error))?;
        if xxh3_128(&bytes) != checksum {
            return Err(StoreError::damaged(manifest, "its checksum is wrong"));
        }
    }
    Ok(())
}

/// Makes what is shown durable: the engine may have failed between replacing `current` and synchronising the
/// directory. Manifests and tables are synchronised before `current` names them, so they need no copy.
pub(crate) fn renew(engine: &Path, trees: u64) -> Result<(), StoreError> {
    for tree in 0..trees {
        let folder = folder(engine, tree);
        files::sync_directory(&folder.join("tables"))?;
        let path = folder.join(CURRENT);
        let current = fs::read(&path).map_err(StoreError::io("read", &path))?;
        files::replace(&path, &[&current])?;
    }
    Ok(())
}

fn folder(engine: &Path, tree: u64) -> std::path::PathBuf {
    engine.join("keyspaces").join(tree.to_string())
}

fn parse(current: &[u8]) -> Option<(u64, u128)> {
    let (version, rest) = current.split_first_chunk::<8>()?;
    let (checksum, kind) = rest.split_first_chunk::<16>()?;
    (kind == [0]).then(|| (u64::from_le_bytes(*version), u128::from_le_bytes(*checksum)))
}

fn missing(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::damaged(path, format!("it cannot be read ({error})"))
}
