//! How entities are written in the store: the one place that knows keys and values.
//!
//! A key is a byte for the kind and then what names the entity, numbers with the most significant byte first, so that
//! the order of keys is the order of names. A value is the entity in postcard's encoding, its kind included. The
//! encoding does not describe itself: [`SCHEMA`] names it, and the table `Meta` keeps that name.

use model::{AccountId, Entity, EntityKey, ram::UserId};
use store::{Batch, MAX_VALUE_BYTES, Table};

/// The version of the encoding of all tables. Version 2 brought nodes, bindings and enforcements, and records of more
/// than one nonce, version 3 the authority of nodes, hostings and how long accounts wait for nodes, version 4 the names
/// of users in the history: what is of an earlier version is read as it is.
pub const SCHEMA: u32 = 4;
/// Where the table `Meta` keeps the version: four bytes, the most significant first.
pub const SCHEMA_KEY: &[u8] = b"schema";

/// Why a record is not understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The value is not what this program writes.
    #[error("the value cannot be decoded")]
    Value {
        /// What the decoder said.
        #[source]
        source: postcard::Error,
    },
    /// The value is followed by bytes that belong to nothing.
    #[error("the value is followed by {0} bytes too many")]
    Trailing(usize),
    /// The key has the wrong form or length.
    #[error("the key is not one that this program writes")]
    Key,
    /// The value says that it is something else than the key names.
    #[error("the value is not the one that the key names")]
    Misfiled,
    /// The version of the records is not a number that this program knows.
    #[error("the version of the records is not one that ever was")]
    Version,
    /// A value is larger than the store takes.
    #[error("a value of {0} bytes is larger than the store takes")]
    TooLarge(usize),
    /// A value cannot be written.
    #[error("a value cannot be encoded")]
    Encode {
        /// What the encoder said.
        #[source]
        source: postcard::Error,
    },
}

/// The key of an entity.
pub fn entity_key(key: &EntityKey) -> Vec<u8> {
    let numbered = |kind: u8, number: u128| tagged(kind, &[&number.to_be_bytes()]);
    match key {
        EntityKey::Account(AccountId(id)) => tagged(1, &[&id.to_be_bytes()]),
        EntityKey::User(UserId(id)) => tagged(2, &[&id.to_be_bytes()]),
        EntityKey::AccessKey(id) => tagged(3, &[id.as_bytes()]),
        EntityKey::CustomPolicy(AccountId(account), name) => {
            tagged(4, &[&account.to_be_bytes(), name.as_bytes()])
        }
        EntityKey::Network(id) => numbered(5, id.number()),
        EntityKey::VSwitch(id) => numbered(6, id.number()),
        EntityKey::Instance(id) => numbered(7, id.number()),
        EntityKey::Interface(id) => numbered(8, id.number()),
        EntityKey::SecurityGroup(id) => numbered(9, id.number()),
        EntityKey::Node(id) => numbered(10, id.number()),
        EntityKey::Binding(id) => numbered(11, id.number()),
        EntityKey::Enforcement(id) => numbered(12, id.number()),
        EntityKey::NodeAuthority => tagged(13, &[]),
        EntityKey::Hosting(id) => numbered(14, id.number()),
        EntityKey::EnforcementWait(AccountId(id)) => tagged(15, &[&id.to_be_bytes()]),
    }
}

fn tagged(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(kind);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

/// The value of an entity.
///
/// # Errors
/// [`RecordError::Encode`]; no entity is known for which that happens.
pub fn entity_value(entity: &Entity) -> Result<Vec<u8>, RecordError> {
    encode(entity)
}

/// Reads an entity.
///
/// # Errors
/// The record is not one that [`entity_key`] and [`entity_value`] made.
pub fn entity(key: &[u8], value: &[u8]) -> Result<Entity, RecordError> {
    let entity: Entity = decode(value)?;
    if entity_key(&entity.key()) == key { Ok(entity) } else { Err(RecordError::Misfiled) }
}

/// Adds an entity to a batch, in place of the one of the same name.
///
/// # Errors
/// As [`entity_value`].
pub fn put_entity(batch: &mut Batch, entity: &Entity) -> Result<(), RecordError> {
    batch.put(Table::Entities, entity_key(&entity.key()), entity_value(entity)?);
    Ok(())
}

/// Adds the version of the encoding to a batch: the first thing in a new store.
pub fn put_schema(batch: &mut Batch) {
    batch.put(Table::Meta, SCHEMA_KEY, SCHEMA.to_be_bytes());
}

pub(crate) fn encode<T: serde::Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, RecordError> {
    let bytes = postcard::to_stdvec(value).map_err(|source| RecordError::Encode { source })?;
    // Found here, it fails one command; found by the store, it would fail all those of the commit.
    if bytes.len() > MAX_VALUE_BYTES { Err(RecordError::TooLarge(bytes.len())) } else { Ok(bytes) }
}

pub(crate) fn decode<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, RecordError> {
    let (value, rest) = postcard::take_from_bytes(bytes).map_err(|source| RecordError::Value { source })?;
    if rest.is_empty() { Ok(value) } else { Err(RecordError::Trailing(rest.len())) }
}
