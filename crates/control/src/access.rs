//! The part of the state that says who may do what, seen alone.

use std::sync::Arc;

use model::{
    AccountId, Entity, State,
    account::Account,
    change::{Change, Changes},
    node::EnforcementWait,
    ram::{AccessKey, User, UserId, document::PolicyDocument},
};

/// Accounts, users, access keys and policies: what authentication and authorisation need. And how long changes of
/// accounts wait for nodes, which every one of them asks.
///
/// Every request asks for it, and it hardly ever changes. Because nothing else can be seen through it, such a read
/// need not wait for commits of other things.
#[derive(Debug, Clone, Copy)]
pub struct Access<'a>(&'a State);

impl<'a> Access<'a> {
    /// What authentication and authorisation may see of a state.
    pub fn new(state: &'a State) -> Self {
        Self(state)
    }

    /// The account with this number.
    pub fn account(self, id: AccountId) -> Option<&'a Arc<Account>> {
        self.0.account(id)
    }

    /// The access key with this id.
    pub fn access_key(self, id: &str) -> Option<&'a Arc<AccessKey>> {
        self.0.access_key(id)
    }

    /// The user with this number.
    pub fn user(self, id: UserId) -> Option<&'a Arc<User>> {
        self.0.users().get(&id)
    }

    /// The account's user of this name.
    pub fn user_named(self, account: AccountId, name: &str) -> Option<&'a Arc<User>> {
        self.0.user_named(account, name)
    }

    /// How long the account's changes wait for nodes; none: it has no setting of its own.
    pub fn enforcement_wait(self, account: AccountId) -> Option<&'a Arc<EnforcementWait>> {
        self.0.enforcement_wait(account)
    }

    /// The document in force of a policy that the account wrote.
    pub fn document(self, account: AccountId, name: &str) -> Option<&'a Arc<PolicyDocument>> {
        self.0.document(account, name)
    }
}

/// Whether [`Access`] may look different afterwards.
pub(crate) fn concerned(changes: &Changes) -> bool {
    let shown = |entity: &Entity| {
        matches!(
            entity,
            Entity::Account(_)
                | Entity::User(_)
                | Entity::AccessKey(_)
                | Entity::CustomPolicy(_)
                | Entity::EnforcementWait(_)
        )
    };
    changes.0.iter().flat_map(|Change { before, after }| [before, after]).flatten().any(shown)
}
