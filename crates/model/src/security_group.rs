//! Security groups.

use serde::{Deserialize, Serialize};

use crate::{account::AccountId, context::UnixMillis, id::SecurityGroupId, rule::Rule};

/// A security group: an account-wide list of rules that interfaces can be members of.
///
/// Its members are not kept here: each interface lists its groups, and the state indexes them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SecurityGroup {
    /// Its id.
    pub id: SecurityGroupId,
    /// Whose it is.
    pub account: AccountId,
    /// Its place in the order of creation.
    pub serial: u64,
    /// 2 to 128 characters, or empty.
    pub name: Box<str>,
    /// 2 to 256 characters, or empty.
    pub description: Box<str>,
    /// When it was created.
    pub created_at: UnixMillis,
    /// Its rules, in the order in which they were added.
    pub rules: Vec<Rule>,
}
