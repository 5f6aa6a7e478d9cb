//! Lists of pairs of numbers, as the store keeps them. Pure.

use crate::records::RecordError;

/// Each pair as 16 bytes, both numbers with the most significant byte first.
pub(super) fn written(pairs: impl Iterator<Item = (u64, u64)>) -> Vec<u8> {
    pairs.flat_map(|(first, second)| first.to_be_bytes().into_iter().chain(second.to_be_bytes())).collect()
}

/// What was written.
///
/// # Errors
/// [`RecordError::Trailing`]: these are no whole pairs.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<(u64, u64)>, RecordError> {
    let (pairs, rest) = bytes.as_chunks::<16>();
    if !rest.is_empty() {
        return Err(RecordError::Trailing(rest.len()));
    }
    // The halves of it: nothing is lost.
    #[allow(clippy::cast_possible_truncation)]
    let halves = |both: u128| ((both >> 64) as u64, both as u64);
    Ok(pairs.iter().map(|pair| halves(u128::from_be_bytes(*pair))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let pairs = vec![(1, u64::MAX), (1 << 40, 7)];
        let bytes = written(pairs.iter().copied());
        assert_eq!(read(&bytes).unwrap(), pairs);
        assert!(matches!(read(&bytes[..17]), Err(RecordError::Trailing(1))));
        assert!(read(&[]).unwrap().is_empty());
    }
}
