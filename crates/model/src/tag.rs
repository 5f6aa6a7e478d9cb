//! Tags: pairs of key and value that people put on resources.

use serde::{Deserialize, Serialize};

/// One tag. A resource has at most one tag of a key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tag {
    /// 1 to 64 characters.
    pub key: Box<str>,
    /// 0 to 128 characters.
    pub value: Box<str>,
}

/// The tags of a resource, in the order of their keys.
pub type Tags = Box<[Tag]>;

/// `tags` with `added` put over them.
pub fn with(tags: &[Tag], added: &[Tag]) -> Tags {
    let mut all: Vec<Tag> =
        tags.iter().filter(|tag| added.iter().all(|new| new.key != tag.key)).cloned().collect();
    for (index, tag) in added.iter().enumerate() {
        // Of two new tags of one key the later one stays.
        if added[index + 1..].iter().all(|later| later.key != tag.key) {
            all.push(tag.clone());
        }
    }
    all.sort();
    all.into()
}

/// `tags` without those of these keys.
pub fn without(tags: &[Tag], keys: &[Box<str>]) -> Tags {
    tags.iter().filter(|tag| !keys.contains(&tag.key)).cloned().collect()
}
