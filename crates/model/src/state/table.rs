//! Entities of one kind, by key and in the order of their creation.

use std::{
    collections::BTreeMap,
    fmt,
    hash::{BuildHasher, Hash},
    sync::Arc,
};

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use crate::{
    account::AccountId,
    id::{InstanceId, NetworkId, NetworkInterfaceId, NodeId, SecurityGroupId, VSwitchId},
    instance::Instance,
    interface::NetworkInterface,
    network::{Network, VSwitch},
    node::{Binding, Enforcement, Hosting, Node},
    ram::{AccessKey, CustomPolicy, User, UserId},
    security_group::SecurityGroup,
};

/// An entity that belongs to an account and was created at some point in the order of all things.
pub trait Record {
    /// What names it.
    type Key: Clone + Eq + Hash + Ord + std::fmt::Debug;
    /// Its key.
    fn key(&self) -> Self::Key;
    /// Whose it is.
    fn account(&self) -> AccountId;
    /// Its place in the order of creation.
    fn serial(&self) -> u64;
}

macro_rules! records {
    ($($kind:ty => $key:ty, |$e:ident| $expr:expr;)*) => {$(
        impl Record for $kind {
            type Key = $key;
            fn key(&self) -> Self::Key {
                let $e = self;
                $expr
            }
            fn account(&self) -> AccountId {
                self.account
            }
            fn serial(&self) -> u64 {
                self.serial
            }
        }
    )*};
}

records! {
    User => UserId, |e| e.id;
    AccessKey => Box<str>, |e| e.id.clone();
    CustomPolicy => (AccountId, Box<str>), |e| (e.account, e.name.clone());
    Network => NetworkId, |e| e.id;
    VSwitch => VSwitchId, |e| e.id;
    Instance => InstanceId, |e| e.id;
    NetworkInterface => NetworkInterfaceId, |e| e.id;
    SecurityGroup => SecurityGroupId, |e| e.id;
    Node => NodeId, |e| e.id;
    Binding => NetworkInterfaceId, |e| e.interface;
    Enforcement => NetworkInterfaceId, |e| e.interface;
    Hosting => InstanceId, |e| e.instance;
}

/// Entities of one kind.
///
/// Built for millions: the hash table holds nothing but the entities (their keys are in them), and the order of
/// creation is kept an account at a time, so that it needs the serial alone.
pub struct Table<R: Record> {
    by_key: HashTable<Arc<R>>,
    hasher: DefaultHashBuilder,
    order: HashMap<AccountId, BTreeMap<u64, Arc<R>>>,
}

impl<R: Record> Default for Table<R> {
    fn default() -> Self {
        Self { by_key: HashTable::new(), hasher: DefaultHashBuilder::default(), order: HashMap::new() }
    }
}

impl<R: Record + fmt::Debug> fmt::Debug for Table<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.all()).finish()
    }
}

impl<R: Record> Table<R> {
    /// The entity with this key, whosever it is.
    pub fn get(&self, key: &R::Key) -> Option<&Arc<R>> {
        self.by_key.find(self.hasher.hash_one(key), |entity| entity.key() == *key)
    }

    /// The entity with this key, if it is this account's: others' do not exist for it (contract, decision 5).
    pub fn of(&self, account: AccountId, key: &R::Key) -> Option<&Arc<R>> {
        self.get(key).filter(|entity| entity.account() == account)
    }

    /// The account's entities, the newest first.
    pub fn newest_first(&self, account: AccountId) -> impl Iterator<Item = &Arc<R>> {
        self.order.get(&account).into_iter().flat_map(|order| order.values().rev())
    }

    /// The account's entities, the oldest first.
    pub fn oldest_first(&self, account: AccountId) -> impl Iterator<Item = &Arc<R>> {
        self.order.get(&account).into_iter().flat_map(BTreeMap::values)
    }

    /// How many the account has.
    pub fn count(&self, account: AccountId) -> usize {
        self.order.get(&account).map_or(0, BTreeMap::len)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Every entity, in no particular order.
    pub fn all(&self) -> impl Iterator<Item = &Arc<R>> {
        self.by_key.iter()
    }

    /// Every entity with its account, an account after the other, the oldest of each first.
    pub(super) fn ordered(&self) -> impl Iterator<Item = (AccountId, &Arc<R>)> {
        self.order.iter().flat_map(|(account, order)| order.values().map(|entity| (*account, entity)))
    }

    /// Adds an entity, or puts it in the place of the one with its key (which has its account and serial).
    pub(super) fn put(&mut self, entity: Arc<R>) {
        let (key, hasher) = (entity.key(), &self.hasher);
        self.order.entry(entity.account()).or_default().insert(entity.serial(), Arc::clone(&entity));
        let place = self.by_key.entry(
            hasher.hash_one(&key),
            |other| other.key() == key,
            |other| hasher.hash_one(other.key()),
        );
        place.insert(entity);
    }

    pub(super) fn remove(&mut self, entity: &R) {
        let key = entity.key();
        let Ok(place) = self.by_key.find_entry(self.hasher.hash_one(&key), |other| other.key() == key) else {
            return;
        };
        place.remove();
        if let Some(order) = self.order.get_mut(&entity.account()) {
            order.remove(&entity.serial());
            if order.is_empty() {
                self.order.remove(&entity.account());
            }
        }
    }
}
