//! The names of the devices over which the control plane was reached, on disk.
//!
//! A disk may take long, and whoever follows devices does not wait for it.

use std::{
    collections::BTreeSet,
    fs::OpenOptions,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use tokio::{sync::watch, task::spawn_blocking};

use crate::{
    enforcer::chain,
    files::{self, FileError},
};

/// The most that is read, in bytes: 4096 names, each as long as one can be.
const FILE_BYTES_MAX: usize = 64 * 1024;

/// Names of devices.
pub(super) type Names = BTreeSet<Box<str>>;

/// Reads the names in a file; none where there is no file.
pub(super) fn read(file: &Path) -> Result<Names, FileError> {
    let opened = match files::open(file, OpenOptions::new().read(true)) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => return Ok(Names::new()),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    // One more, to know whether there are more.
    opened.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(FileError::of("read", file))?;
    if bytes.len() > FILE_BYTES_MAX {
        // A part of a name may be the name of another device.
        let whole = bytes[..FILE_BYTES_MAX].iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        bytes.truncate(whole);
    }
    // What is no text is the name of no device.
    Ok(String::from_utf8_lossy(&bytes).lines().map(Into::into).collect())
}

fn write(file: &Path, names: &Names) -> Result<(), FileError> {
    let text: String = names.iter().map(|name| format!("{name}\n")).collect();
    files::replace(file, text.as_bytes()).map(drop)
}

/// Keeps names in a file, as long as this is there.
#[derive(Debug)]
pub(super) struct Keeper(watch::Sender<Names>);

impl Keeper {
    /// Keeps names in a file that has these. To be called in a tokio runtime.
    pub(super) fn of(file: PathBuf, kept: Names) -> Self {
        let (sender, names) = watch::channel(kept.clone());
        tokio::spawn(keep(file, kept, names));
        Self(sender)
    }

    /// Keeps these from now on. What could not be written before is tried again.
    pub(super) fn keep(&self, names: Names) {
        self.0.send_replace(names);
    }
}

async fn keep(file: PathBuf, mut kept: Names, mut told: watch::Receiver<Names>) {
    while told.changed().await.is_ok() {
        let names = told.borrow_and_update().clone();
        if names == kept {
            continue;
        }
        let (place, to_write) = (file.clone(), names.clone());
        // It is cancelled only where the runtime ends.
        let Ok(written) = spawn_blocking(move || write(&place, &to_write)).await else { return };
        match written {
            Ok(()) => kept = names,
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "over which devices the control plane is reached is not kept"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_cut_is_no_name() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("uplink");
        assert_eq!(read(&file).unwrap(), Names::new());
        let all: Names = (0..8000).map(|number| format!("eth{number:06}").into()).collect();
        write(&file, &all).unwrap();
        let read_back = read(&file).unwrap();
        assert_eq!(read_back.len(), FILE_BYTES_MAX / 10);
        assert!(read_back.is_subset(&all));
        std::fs::write(&file, "eth0\neth1").unwrap();
        assert_eq!(read(&file).unwrap(), ["eth0".into(), "eth1".into()].into(), "an operator's hand");
        std::fs::write(&file, b"eth0\n\xff\xfe\n").unwrap();
        assert!(read(&file).unwrap().contains("eth0"));
    }
}
