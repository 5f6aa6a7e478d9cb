//! `ravelin restore`: a data directory from a backup, whole or not at all.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use crate::{directory::DataDirectory, output};

/// Makes a data directory from a backup. What it made is removed where it fails.
///
/// # Errors
/// Why it did not work, for people.
pub fn restore(file: &Path, data: &Path) -> anyhow::Result<()> {
    File::open(file).with_context(|| format!("cannot read the backup {}", file.display()))?;
    let made = missing(data)?;
    let directory = DataDirectory::create(data)?;
    let report = match store::restore(file, &directory.store()) {
        Ok(report) => report,
        Err(error) => {
            remove(&directory, &made);
            return Err(error.into());
        }
    };
    output::line(&format!(
        "The directory {} holds generation {}, {} records. `ravelin serve --data {0}` serves it.",
        data.display(),
        report.revision,
        report.records
    ))
}

/// The directories that are missing on the way to this one, the innermost first.
fn missing(data: &Path) -> anyhow::Result<Vec<PathBuf>> {
    match fs::read_dir(data) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                bail!(
                    "the directory {} is not empty: name one that is empty or not there with --data",
                    data.display()
                );
            }
            Ok(Vec::new())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let ancestors = data.ancestors().filter(|path| !path.as_os_str().is_empty());
            Ok(ancestors.take_while(|path| !path.exists()).map(Into::into).collect())
        }
        Err(error) => Err(error).with_context(|| format!("cannot use the directory {}", data.display())),
    }
}

/// Removes what a restore that failed made: directories that are empty again, and nothing else.
fn remove(directory: &DataDirectory, made: &[PathBuf]) {
    let store = directory.store();
    for path in std::iter::once(&store).chain(made) {
        match fs::remove_dir(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                output::note(&format!("ravelin: cannot remove the directory {}: {error}", path.display()));
                return;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_that_fails_leaves_nothing_behind() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("backup");
        let data = place.path().join("a/b");
        assert!(format!("{:#}", restore(&file, &data).unwrap_err()).contains("cannot read the backup"));
        fs::write(&file, "no backup").unwrap();
        assert!(restore(&file, &data).is_err());
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);
        fs::create_dir(place.path().join("a")).unwrap();
        assert!(restore(&file, &data).is_err());
        assert_eq!(fs::read_dir(place.path().join("a")).unwrap().count(), 0);
        fs::create_dir(&data).unwrap();
        assert!(restore(&file, &data).is_err());
        assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
        fs::write(data.join("mine"), "").unwrap();
        assert!(format!("{:#}", restore(&file, &data).unwrap_err()).contains("directory"));
        assert!(data.join("mine").exists());
    }
}
