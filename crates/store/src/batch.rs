//! The unit of change: puts and deletes that happen together or not at all.

use std::collections::BTreeMap;

use crate::{StoreError, Table};

/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 4 * 1024;
/// The longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 16 * 1024 * 1024;
/// The most puts and deletes in one batch.
pub const MAX_BATCH_WRITES: usize = 1 << 20;

/// What happens to one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write<'a> {
    /// The key gets this value.
    Put(&'a [u8]),
    /// The key is removed, if it is there.
    Delete,
}

/// Puts and deletes that are applied as a whole. Of several on the same key the last one counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    writes: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
}

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) {
        self.writes.insert((table, key.into()), Some(value.into()));
    }

    /// Removes `key`.
    pub fn delete(&mut self, table: Table, key: impl Into<Vec<u8>>) {
        self.writes.insert((table, key.into()), None);
    }

    /// The number of keys it touches.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether it touches nothing.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// What it does, by table and key.
    pub fn writes(&self) -> impl Iterator<Item = (Table, &[u8], Write<'_>)> {
        self.writes.iter().map(|((table, key), value)| {
            let write = value.as_deref().map_or(Write::Delete, Write::Put);
            (*table, key.as_slice(), write)
        })
    }

    /// Refuses what an engine could only truncate or choke on.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.writes.len() > MAX_BATCH_WRITES {
            return Err(StoreError::TooLarge { what: "batch", limit: MAX_BATCH_WRITES });
        }
        for ((_, key), value) in &self.writes {
            if key.is_empty() || key.len() > MAX_KEY_BYTES {
                return Err(StoreError::TooLarge { what: "key", limit: MAX_KEY_BYTES });
            }
            if value.as_ref().is_some_and(|value| value.len() > MAX_VALUE_BYTES) {
                return Err(StoreError::TooLarge { what: "value", limit: MAX_VALUE_BYTES });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_write_on_a_key_counts() {
        let mut batch = Batch::new();
        batch.put(Table::Entities, "a", "1");
        batch.delete(Table::Entities, "a");
        batch.put(Table::Meta, "a", "2");
        let writes: Vec<_> = batch.writes().collect();
        assert_eq!(
            writes,
            [(Table::Entities, &b"a"[..], Write::Delete), (Table::Meta, &b"a"[..], Write::Put(b"2"))]
        );
    }

    #[test]
    fn keys_and_values_are_bounded() {
        let refused = |key: Vec<u8>, value: Vec<u8>| {
            let mut batch = Batch::new();
            batch.put(Table::Entities, key, value);
            matches!(batch.check(), Err(StoreError::TooLarge { .. }))
        };
        assert!(refused(vec![], vec![]), "an empty key");
        assert!(refused(vec![0; MAX_KEY_BYTES + 1], vec![]));
        assert!(refused(vec![0; 1], vec![0; MAX_VALUE_BYTES + 1]));
        assert!(!refused(vec![0; MAX_KEY_BYTES], vec![0; MAX_VALUE_BYTES]));
    }
}
