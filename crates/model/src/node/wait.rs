//! How long changes wait for nodes before they are answered.

use serde::{Deserialize, Serialize};

use crate::account::AccountId;

/// The longest that an answer waits for nodes, in seconds.
pub const ENFORCEMENT_WAIT_SECONDS_MAX: u8 = 60;

/// An account's own setting of how long the answer to a change waits until the nodes that it concerns have confirmed it.
/// An account without one waits as long as the server's setting says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnforcementWait {
    /// The account.
    pub account: AccountId,
    /// For how many seconds at most, up to [`ENFORCEMENT_WAIT_SECONDS_MAX`]; 0: not at all.
    pub seconds: u8,
}
