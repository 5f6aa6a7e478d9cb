//! The floor under durability: one fdatasync of 4 KiB on the same disk.

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

/// Writes 4 KiB and waits until it is on disk, for this long, in a file that has its size already.
pub fn fdatasync(directory: &Path, time: Duration) -> anyhow::Result<Measured> {
    let mut file = tempfile::tempfile_in(directory)?;
    prepare(&mut file)?;
    let block = [7u8; BLOCK];
    let mut latencies = Vec::new();
    let started = Instant::now();
    while started.elapsed() < time {
        let place = latencies.len() as u64 % BLOCKS;
        file.seek(SeekFrom::Start(place * BLOCK as u64))?;
        let begun = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        latencies.push(begun.elapsed());
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
