//! From the store into memory: at the start, and after a recovery.

use std::{fmt, io, ops::ControlFlow};

use model::{State, UnixMillis, state::Loading};
use store::{Batch, Store, StoreError, Table};

use crate::{
    activity,
    history::{self, HistoryIndex},
    nonces::{self, NonceRecord},
    published,
    records::{self, RecordError, SCHEMA, SCHEMA_KEY},
};

/// After how many entities progress is reported.
const REPORT_EVERY: u64 = 100_000;

/// Why the control plane does not start. The store is unchanged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The store failed.
    #[error("the store failed while it was loaded")]
    Store {
        /// How.
        #[source]
        source: StoreError,
    },
    /// A record is not understood.
    #[error("the record {key} in the table {table:?} is damaged; nothing was changed: restore a backup")]
    Damaged {
        /// In which table.
        table: Table,
        /// Under which key.
        key: HexKey,
        /// What is wrong with it.
        #[source]
        source: RecordError,
    },
    /// A later program wrote the records.
    #[error(
        "the records have version {found}, this program knows up to {SCHEMA}: use the newer program, nothing was changed"
    )]
    NewerSchema {
        /// Their version.
        found: u32,
    },
    /// The store holds records, but not which version they have.
    #[error(
        "the store was not written by this program, or lost the version of its records; nothing was changed"
    )]
    NoSchema,
    /// The writer's thread could not be started.
    #[error("the writer cannot be started")]
    Thread {
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// A key, shown as hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HexKey(pub Vec<u8>);

impl fmt::Display for HexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What the store held.
pub(crate) struct Loaded {
    pub(crate) state: State,
    pub(crate) memberships: usize,
    pub(crate) entities: u64,
    pub(crate) history: HistoryIndex,
    pub(crate) activity: activity::Loaded,
}

/// Loads entities and the index of the history.
pub(crate) fn load(store: &dyn Store, progress: &mut dyn FnMut(u64)) -> Result<Loaded, OpenError> {
    check_schema(store)?;
    let mut loading = Loading::new();
    let (mut memberships, mut entities) = (0, 0u64);
    visit(store, Table::Entities, |key, value| {
        let entity = records::entity(key, value)?;
        memberships += published::memberships(&entity);
        loading.add(entity);
        entities += 1;
        if entities.is_multiple_of(REPORT_EVERY) {
            progress(entities);
        }
        Ok(())
    })?;
    let (mut index, mut activity) = (HistoryIndex::default(), activity::Loaded::default());
    visit(store, Table::History, |key, value| {
        let generation = history::generation(key)?;
        index.push(generation, value.len());
        // A record that is not understood is no reason not to serve: it is said where it, or a past before it, is asked for.
        match history::decode(value) {
            Ok(record) => activity.add(&record),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(generation, error, "a history record is damaged");
                activity.add_damaged(generation);
            }
        }
        Ok(())
    })?;
    Ok(Loaded { state: loading.finish(), memberships, entities, history: index, activity })
}

/// The nonces that still count.
pub(crate) fn load_nonces(store: &dyn Store, now: UnixMillis) -> Result<Vec<NonceRecord>, OpenError> {
    let first_kept = nonces::first_minute_kept(now);
    let mut found = Vec::new();
    visit(store, Table::Nonces, |key, value| {
        let nonces = nonces::read(key, value)?.into_iter();
        found.extend(nonces.filter(|nonce| nonce.minute >= first_kept));
        Ok(())
    })?;
    Ok(found)
}

/// Writes the version of the records into a store that is new or has an earlier one. The next commit makes it durable,
/// and nothing of this version is written before.
pub(crate) fn initialise(store: &mut dyn Store) -> Result<(), OpenError> {
    let failed = |source| OpenError::Store { source };
    let version = store.get(Table::Meta, SCHEMA_KEY).map_err(failed)?;
    if version.is_none_or(|version| *version != SCHEMA.to_be_bytes()) {
        let mut batch = Batch::new();
        records::put_schema(&mut batch);
        store.write_unsynced(&batch).map_err(failed)?;
    }
    Ok(())
}

/// Whether this program knows the records. When the encoding changes, this is where older ones are recognised and
/// migrated.
fn check_schema(store: &dyn Store) -> Result<(), OpenError> {
    let version = store.get(Table::Meta, SCHEMA_KEY).map_err(|source| OpenError::Store { source })?;
    let Some(version) = version else {
        return if is_empty(store)? { Ok(()) } else { Err(OpenError::NoSchema) };
    };
    match <[u8; 4]>::try_from(&*version).map(u32::from_be_bytes) {
        Ok(1..=SCHEMA) => Ok(()),
        Ok(found) if found > SCHEMA => Err(OpenError::NewerSchema { found }),
        _ => Err(OpenError::Damaged {
            table: Table::Meta,
            key: HexKey(SCHEMA_KEY.to_vec()),
            source: RecordError::Version,
        }),
    }
}

fn is_empty(store: &dyn Store) -> Result<bool, OpenError> {
    let mut empty = store.revision() == 0;
    for table in Table::ALL {
        let scanned = store.scan(table, &[], &mut |_, _| {
            empty = false;
            ControlFlow::Break(())
        });
        scanned.map_err(|source| OpenError::Store { source })?;
    }
    Ok(empty)
}

/// Visits a whole table and names the record that is not understood.
fn visit(
    store: &dyn Store,
    table: Table,
    mut visitor: impl FnMut(&[u8], &[u8]) -> Result<(), RecordError>,
) -> Result<(), OpenError> {
    let mut damaged = None;
    let scanned = store.scan(table, &[], &mut |key, value| match visitor(key, value) {
        Ok(()) => ControlFlow::Continue(()),
        Err(source) => {
            damaged = Some(OpenError::Damaged { table, key: HexKey(key.to_vec()), source });
            ControlFlow::Break(())
        }
    });
    scanned.map_err(|source| OpenError::Store { source })?;
    damaged.map_or(Ok(()), Err)
}
