//! Ids that follow from names, so that the same file means the same lab, today and after a crash.

use model::{Id, NetworkId, NetworkInterfaceId, SecurityGroupId, id::Kind};
use xxhash_rust::xxh3::xxh3_128;

/// The ids of one lab.
#[derive(Debug, Clone)]
pub struct Identity {
    lab: String,
}

impl Identity {
    /// The ids of the lab of this name.
    pub fn of(lab: &str) -> Self {
        Self { lab: lab.to_owned() }
    }

    /// The id of a group.
    pub fn group(&self, name: &str) -> SecurityGroupId {
        self.id(&["group", name])
    }

    /// The id of a network.
    pub fn network(&self, name: &str) -> NetworkId {
        self.id(&["network", name])
    }

    /// The id of an instance's interface.
    pub fn interface(&self, instance: &str, number: usize) -> NetworkInterfaceId {
        self.id(&["interface", instance, &number.to_string()])
    }

    /// Names have no zero byte, and so different lists of them are different texts.
    fn id<K: Kind>(&self, names: &[&str]) -> Id<K> {
        Id::from_entropy(xxh3_128([&[self.lab.as_str()], names].concat().join("\0").as_bytes()))
    }
}
