//! A store that is not understood is refused and left as it is.

use std::{error::Error, sync::Arc};

use control::{
    Control, HistoryError, OpenError, SystemClock,
    past::{AsOf, PastError},
    records,
};
use model::EntityKey;
use store::{Batch, MemoryStore, Store, Table};

use crate::{
    seed,
    world::{assert_consistent, is_member, leave, settings, stored},
};

fn refused(change: impl FnOnce(&mut Batch)) -> OpenError {
    let mut store = MemoryStore::new();
    seed::fill(&mut store, 1, 1);
    let mut batch = Batch::new();
    change(&mut batch);
    store.commit(2, &batch).unwrap();
    match Control::open(Box::new(store), settings(), Arc::new(SystemClock), &mut |_| {}) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[test]
fn a_damaged_record_is_named() {
    let error = refused(|batch| batch.put(Table::Entities, [8, 0xab, 0xcd], [1, 2, 3]));
    assert!(matches!(error, OpenError::Damaged { table: Table::Entities, .. }), "{error:?}");
    assert!(error.to_string().contains("8abcd") && error.to_string().contains("Entities"), "{error}");
    assert!(error.source().is_some());

    let error = refused(|batch| {
        let interface = seed::interface(1, &[]).into();
        let mut value = records::entity_value(&interface).unwrap();
        value.push(0);
        batch.put(Table::Entities, records::entity_key(&interface.key()), value);
    });
    assert!(error.source().unwrap().to_string().contains("1 bytes too many"));

    let error = refused(|batch| {
        let value = records::entity_value(&seed::interface(1, &[]).into()).unwrap();
        let other = model::Entity::from(seed::interface(2, &[])).key();
        batch.put(Table::Entities, records::entity_key(&other), value);
    });
    assert!(error.source().unwrap().to_string().contains("not the one that the key names"));

    let error = refused(|batch| batch.put(Table::History, [1], []));
    assert!(matches!(error, OpenError::Damaged { table: Table::History, .. }), "{error:?}");
    let error = refused(|batch| batch.put(Table::Nonces, [1], []));
    assert!(matches!(error, OpenError::Damaged { table: Table::Nonces, .. }), "{error:?}");
}

#[test]
fn records_of_another_version_are_not_touched() {
    let error = refused(|batch| {
        batch.put(Table::Meta, records::SCHEMA_KEY, (records::SCHEMA + 1).to_be_bytes());
    });
    assert!(matches!(error, OpenError::NewerSchema { found } if found == records::SCHEMA + 1), "{error:?}");
    let error = refused(|batch| batch.put(Table::Meta, records::SCHEMA_KEY, [0; 4]));
    assert!(matches!(error, OpenError::Damaged { table: Table::Meta, .. }), "{error:?}");
    let error = refused(|batch| batch.delete(Table::Meta, records::SCHEMA_KEY));
    assert!(matches!(error, OpenError::NoSchema), "{error:?}");
}

#[test]
fn records_of_earlier_versions_are_read_as_they_are() {
    (1..records::SCHEMA).for_each(is_read_as_it_is);
}

fn is_read_as_it_is(earlier: u32) {
    let mut store = MemoryStore::new();
    seed::fill(&mut store, 1, 1);
    let mut batch = Batch::new();
    batch.put(Table::Meta, records::SCHEMA_KEY, earlier.to_be_bytes());
    store.commit(2, &batch).unwrap();
    let opened = Control::open(Box::new(store), settings(), Arc::new(SystemClock), &mut |_| {});
    let control = opened.unwrap_or_else(|error| panic!("{error:?}")).control;
    assert_consistent(&control);
    assert!(control.read_blocking(|state| is_member(state, 0)).unwrap().value);
    control.submit_blocking(leave(0)).unwrap();
    let version = &stored(&control, Table::Meta)[records::SCHEMA_KEY];
    assert_eq!(**version, records::SCHEMA.to_be_bytes(), "an earlier program must not read it any more");
}

#[test]
fn a_past_before_a_damaged_record_is_not_guessed() {
    let mut store = MemoryStore::new();
    seed::fill(&mut store, 1, 3);
    let opened = Control::open(Box::new(store), settings(), Arc::new(SystemClock), &mut |_| {}).unwrap();
    (0..3).for_each(|number| drop(opened.control.submit_blocking(leave(number)).unwrap()));
    let history = stored(&opened.control, Table::History);
    assert_eq!(history.len(), 3);
    let mut store = MemoryStore::new();
    seed::fill(&mut store, 1, 3);
    for (generation, (key, value)) in (2..).zip(history) {
        let mut batch = Batch::new();
        batch.put(Table::History, key, if generation == 3 { vec![1] } else { value });
        store.commit(generation, &batch).unwrap();
    }
    let opened = Control::open(Box::new(store), settings(), Arc::new(SystemClock), &mut |_| {}).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let interface = EntityKey::Interface(seed::interface_id(1));
    let at = |generation| {
        let as_of = AsOf::Generation(generation);
        runtime.block_on(opened.control.thing_at(interface.clone(), as_of))
    };
    assert!(at(4).unwrap().entity.is_some());
    assert!(at(3).unwrap().entity.is_some());
    let error = at(2).unwrap_err();
    let PastError::History(HistoryError::Damaged { generation, .. }) = error else { panic!("{error:?}") };
    assert_eq!(generation, 3);
}
