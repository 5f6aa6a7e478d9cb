//! The floors under durability: one fdatasync of 4 KiB on the same disk.

use std::{
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::Path,
    time::{Duration, Instant},
};

use crate::statistics::Measured;

/// Size of the file that is written over and over, in blocks.
const BLOCKS: u64 = 1024;
const BLOCK: usize = 4096;

/// Where the blocks are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Over and over in a file that has its size already: the least that a disk can do.
    Overwritten,
    /// At the end of a file that grows: what a log does, and every commit is an entry of one.
    Appended,
}

/// A file that grows.
pub struct Log(File);

impl Log {
    /// Makes one that ends with this value.
    ///
    /// # Errors
    /// The system refuses.
    pub fn open(directory: &Path) -> anyhow::Result<Self> {
        Ok(Self(tempfile::tempfile_in(directory)?))
    }

    /// Writes 4 KiB where the last ones ended and waits until it is on disk; gives the time that took.
    ///
    /// # Errors
    /// The system refuses.
    pub fn write(&mut self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        self.0.write_all(&[7u8; BLOCK])?;
        self.0.sync_data()?;
        Ok(begun.elapsed())
    }
}

/// Writes 4 KiB and waits until it is on disk, for this long.
pub fn fdatasync(directory: &Path, time: Duration, place: Place) -> anyhow::Result<Measured> {
    let mut log = Log::open(directory)?;
    if place == Place::Overwritten {
        prepare(&mut log.0)?;
    }
    let mut latencies = Vec::new();
    let started = Instant::now();
    while started.elapsed() < time {
        if place == Place::Overwritten {
            let at = latencies.len() as u64 % BLOCKS;
            log.0.seek(SeekFrom::Start(at * BLOCK as u64))?;
        }
        latencies.push(log.write()?);
    }
    Ok(Measured::of(latencies, started.elapsed()))
}

fn prepare(file: &mut File) -> anyhow::Result<()> {
    for _ in 0..BLOCKS {
        file.write_all(&[0u8; BLOCK])?;
    }
    file.sync_all()?;
    Ok(())
}
