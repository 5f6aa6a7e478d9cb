//! Records on the wire: a number, and nothing else that matters. Pure.

/// Bytes of a record.
pub(crate) const LENGTH: usize = 32;

/// The record of this number.
pub(crate) fn encode(number: u64) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// The number of a record; none where the bytes are not one.
pub(crate) fn decode(bytes: &[u8]) -> Option<u64> {
    if bytes.len() != LENGTH {
        return None;
    }
    bytes.first_chunk().map(|number| u64::from_be_bytes(*number))
}

/// Puts records together again that arrive as a stream of bytes.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    begun: Vec<u8>,
}

impl Stream {
    /// The records that are whole now; what is left of the bytes waits for more of them.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Vec<u64> {
        self.begun.extend_from_slice(bytes);
        let whole = self.begun.len() - self.begun.len() % LENGTH;
        self.begun.drain(..whole).as_slice().chunks(LENGTH).filter_map(decode).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_out_of_a_stream_however_it_is_cut() {
        let bytes: Vec<u8> = (0..20).flat_map(|number| encode(number << 32)).collect();
        for piece in [1, 7, LENGTH - 1, LENGTH, LENGTH + 1, bytes.len()] {
            let mut stream = Stream::default();
            let found: Vec<u64> = bytes.chunks(piece).flat_map(|piece| stream.take(piece)).collect();
            assert_eq!(
                found,
                (0..20).map(|number| number << 32).collect::<Vec<u64>>(),
                "in pieces of {piece}"
            );
        }
    }

    #[test]
    fn what_is_longer_or_shorter_is_no_record() {
        assert_eq!(decode(&encode(u64::MAX)), Some(u64::MAX));
        assert_eq!(decode(&[0; LENGTH - 1]), None);
        assert_eq!(decode(&[0; LENGTH + 1]), None);
        assert_eq!(decode(&[]), None);
    }
}
