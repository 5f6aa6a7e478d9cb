//! What is written is read; what a kill or a power cut leaves is read as it was confirmed; damage is refused.

use std::{fs, os::unix::fs::PermissionsExt};

use model::{NetworkId, NetworkInterfaceId, address::Mac, node::Device};
use policy::{Desired, DesiredInterface};
use prost::Message as _;
use protocol::MESSAGE_BYTES_MAX;

use super::*;

fn interface(addresses: u8) -> DesiredInterface {
    DesiredInterface {
        device: Device::Aliased,
        adopt_seconds: 0,
        network: NetworkId::from_number(1),
        mac: Mac([2, 0, 0, 0, 0, 1]),
        addresses: (0..addresses).map(|last| [10, 0, 0, last].into()).collect(),
        allowed_prefixes: [].into(),
        source_check: true,
        groups: [].into(),
    }
}

fn wanted(generation: u64) -> Wanted {
    let interfaces = [(NetworkInterfaceId::from_number(7), interface(1))].into();
    Wanted { generation, run: 40, desired: Desired { interfaces, ..Desired::default() } }
}

/// A change that puts an interface with so many addresses, which makes it longer or shorter.
fn change(number: u128, addresses: u8) -> Delta {
    let interfaces = [(NetworkInterfaceId::from_number(number), Some(interface(addresses)))].into();
    Delta { interfaces, ..Delta::default() }
}

/// A directory with a state, to which changes of these lengths were added one after the other.
fn saved(lengths: &[u8]) -> (tempfile::TempDir, Saved, Wanted) {
    let directory = tempfile::tempdir().unwrap();
    let (mut saved, nothing) = Saved::open(directory.path()).unwrap();
    assert_eq!(nothing, None);
    let mut now = wanted(3);
    saved.replace(&now).unwrap();
    for (number, length) in lengths.iter().enumerate() {
        let delta = change(number as u128, *length);
        assert!(saved.add(now.generation, now.generation + 2, now.run + 1, &delta).unwrap());
        saved.sync().unwrap();
        now.generation += 2;
        now.run += 1;
        now.desired.apply(&delta);
    }
    (directory, saved, now)
}

fn read(directory: &Path) -> Result<Option<Wanted>, SavedError> {
    Saved::open(directory).map(|(_, wanted)| wanted)
}

#[test]
fn what_is_written_is_read_and_only_by_its_owner() {
    let (directory, mut saved, mut now) = saved(&[1, 100, 2]);
    assert_eq!(read(directory.path()).unwrap(), Some(now.clone()));
    now.generation += 1;
    saved.replace(&now).unwrap();
    assert_eq!(read(directory.path()).unwrap(), Some(now));
    let file = directory.path().join(FILE);
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    Saved::remove(directory.path()).unwrap();
    Saved::remove(directory.path()).unwrap();
    assert_eq!(read(directory.path()).unwrap(), None);
}

#[test]
fn a_file_that_is_read_is_written_on() {
    let (directory, saved, mut now) = saved(&[1, 1]);
    drop(saved);
    for number in 10..14 {
        let (mut saved, _) = Saved::open(directory.path()).unwrap();
        assert!(saved.add(now.generation, now.generation + 1, now.run, &change(number, 3)).unwrap());
        now.desired.apply(&change(number, 3));
        now.generation += 1;
        // Killed before it is on disk: the file has it all the same.
        assert_eq!(read(directory.path()).unwrap(), Some(now.clone()));
    }
}

#[test]
fn a_file_that_is_damaged_anywhere_is_refused_and_left_alone() {
    let (directory, ..) = saved(&[1, 40, 1]);
    let file = directory.path().join(FILE);
    let right = fs::read(&file).unwrap();
    let used = right.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    let refused = |bytes: &[u8], context: &str| {
        fs::write(&file, bytes).unwrap();
        assert!(matches!(read(directory.path()), Err(SavedError::Damaged { .. })), "{context}");
        assert!(fs::read(&file).unwrap() == bytes, "{context}");
    };
    refused(&right[..right.len() - 512], "cut at its end");
    for at in 0..used {
        for bit in [1, 0x80] {
            let mut flipped = right.clone();
            flipped[at] ^= bit;
            assert!(layout::read(&flipped).is_err(), "byte {at}");
            if at % 101 == 0 {
                refused(&flipped, &format!("byte {at}"));
            }
        }
        assert!(layout::read(&right[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_change_of_which_a_power_cut_left_a_part_is_not_there() {
    // The last change spans several sectors.
    let (directory, _, now) = saved(&[1, 1]);
    let file = directory.path().join(FILE);
    let before = fs::read(&file).unwrap();
    let (mut saved, _) = Saved::open(directory.path()).unwrap();
    assert!(saved.add(now.generation, now.generation + 1, 0, &change(9, 200)).unwrap());
    let after = fs::read(&file).unwrap();
    let sectors: Vec<usize> =
        (0..after.len()).step_by(512).filter(|at| after[*at..at + 512] != before[*at..at + 512]).collect();
    assert!(sectors.len() > 3, "{sectors:?}");
    // Every choice of sectors that reached the disk, but all of them.
    for choice in 0..(1u32 << sectors.len()) - 1 {
        let mut cut = before.clone();
        for (number, at) in sectors.iter().enumerate() {
            if choice & (1 << number) != 0 {
                cut[*at..at + 512].copy_from_slice(&after[*at..at + 512]);
            }
        }
        fs::write(&file, &cut).unwrap();
        assert_eq!(read(directory.path()).unwrap(), Some(now.clone()), "{choice:b}");
        assert!(fs::read(&file).unwrap() == before, "{choice:b}: the remains are cleared away");
    }
}

/// As much as can be wanted: with one more address it would be too long.
fn longest() -> Wanted {
    let mut desired = Desired::default();
    let bytes = |desired: &Desired| desired::to_snapshot(3, desired).encoded_len();
    let mut left = MESSAGE_BYTES_MAX - bytes(&desired);
    for number in 0.. {
        let id = NetworkInterfaceId::from_number(number);
        let with = |addresses| {
            let interfaces = [(id, interface(addresses))].into();
            bytes(&Desired { interfaces, ..Desired::default() }) - bytes(&Desired::default())
        };
        let lengths = [200, 100, 50, 20, 10, 5, 2, 1, 0];
        let Some(addresses) = lengths.into_iter().find(|addresses| with(*addresses) <= left) else { break };
        left -= with(addresses);
        desired.interfaces.insert(id, interface(addresses));
    }
    Wanted { generation: 3, run: 0, desired }
}

#[test]
fn the_longest_file_that_is_written_is_read() {
    let (directory, mut saved, _) = saved(&[]);
    let longest = longest();
    saved.replace(&longest).unwrap();
    assert!(read(directory.path()).unwrap() == Some(longest));
}

#[test]
fn when_the_room_is_used_up_the_file_is_replaced() {
    let (directory, mut saved, mut now) = saved(&[]);
    let size = |directory: &Path| fs::metadata(directory.join(FILE)).unwrap().len();
    let first = size(directory.path());
    let mut filling = 0;
    for number in 0..4000 {
        let delta = change(number % 5, 50);
        let fits = saved.add(now.generation, now.generation + 1, 0, &delta).unwrap();
        now.desired.apply(&delta);
        now.generation += 1;
        filling += usize::from(saved.is_filling());
        if !fits {
            assert!(saved.is_filling());
            saved.replace(&now).unwrap();
            assert!(!saved.is_filling());
            assert_eq!(read(directory.path()).unwrap(), Some(now));
            assert!(filling > 50 && size(directory.path()) < 2 * first);
            return;
        }
    }
    panic!("there was always room");
}

#[test]
fn what_cannot_be_written_leaves_the_one_before_and_is_made_good_later() {
    let (directory, mut saved, now) = saved(&[1]);
    let new = directory.path().join("state.new");
    fs::create_dir(&new).unwrap();
    assert!(matches!(saved.replace(&wanted(40)), Err(SavedError::File(_))));
    assert_eq!(read(directory.path()).unwrap(), Some(now));
    assert!(
        !saved.add(40, 41, 0, &change(1, 1)).unwrap(),
        "what the file holds is not what it would follow from"
    );
    fs::remove_dir(&new).unwrap();
    saved.replace(&wanted(41)).unwrap();
    assert_eq!(read(directory.path()).unwrap(), Some(wanted(41)));
}

#[test]
fn a_change_that_does_not_follow_is_damage() {
    let (directory, mut saved, _) = saved(&[1]);
    assert!(saved.add(99, 100, 0, &change(1, 1)).unwrap());
    assert!(matches!(read(directory.path()), Err(SavedError::Damaged { .. })));
}

#[test]
fn a_pipe_in_the_place_of_the_file_is_refused_and_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(FILE);
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let refused = Saved::open(directory.path()).unwrap_err();
    let text = crate::enforcer::chain(&refused);
    assert!(text.contains(path.to_str().unwrap()) && text.contains("no regular file"), "{text}");
}
