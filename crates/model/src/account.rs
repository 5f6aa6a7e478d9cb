//! Accounts, and who acts in their name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{context::UnixMillis, id::NodeId, ram::UserId};

/// The number of an account: sixteen decimal digits, written as such in resource names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountId(pub u64);

impl AccountId {
    /// An account number from entropy: sixteen digits, the first of which is 1.
    pub fn from_entropy(entropy: u128) -> Self {
        // The remainder is below 10^15.
        #[allow(clippy::cast_possible_truncation)]
        let digits = (entropy % 1_000_000_000_000_000) as u64;
        Self(1_000_000_000_000_000 + digits)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016}", self.0)
    }
}

impl FromStr for AccountId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// An account: the owner of resources, users and policies. Accounts do not see each other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// What the operator calls it: 1 to 64 characters, unique on this server.
    pub name: Box<str>,
    /// When it was created.
    pub created_at: UnixMillis,
}

/// Who asked for a change. The order of the variants is part of the stored form: new ones go to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// The operator of the server: the command line on its host.
    Operator,
    /// The server itself: the passing of time.
    Clock,
    /// The account's root access key.
    Root(AccountId),
    /// A RAM user of the account.
    User(AccountId, UserId),
    /// A node, for itself; or who says that it is one, and proves it by the token in the command.
    Node(NodeId),
}

impl Actor {
    /// The account in whose name the actor acts, where there is one.
    pub fn account(self) -> Option<AccountId> {
        match self {
            Self::Operator | Self::Clock | Self::Node(_) => None,
            Self::Root(account) | Self::User(account, _) => Some(account),
        }
    }
}
