//! Commands on accounts, RAM users, access keys and policies.

use crate::{
    account::AccountId,
    ram::{AccessKey, CustomPolicy, PolicyName, PolicyVersion, Secret, User},
    tag::Tag,
};

/// The fields of a user that a command gives; none: left as it is (or empty, for a new one).
#[derive(Debug, Clone, Default)]
pub struct UserFields {
    /// Its name for people.
    pub display_name: Option<Box<str>>,
    /// Its phone number.
    pub mobile_phone: Option<Box<str>>,
    /// Its address.
    pub email: Option<Box<str>>,
    /// Comments.
    pub comments: Option<Box<str>>,
}

/// An access key that somebody else made up: id and secret.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// Its id.
    pub id: Box<str>,
    /// Its secret.
    pub secret: Secret,
}

/// Commands on accounts, RAM users, access keys and policies. Users and policies go by name, as in the API; names,
/// documents and comments are well-formed already. All but the operator's are legal for an account and its users only.
#[derive(Debug, Clone)]
pub enum RamCommand {
    /// Makes an account with a root access key. The operator only.
    CreateAccount {
        /// Its name.
        name: Box<str>,
        /// Its root key; none: a new one.
        key: Option<KeyPair>,
    },
    /// Deletes the root access keys of an account and makes a new one. The operator only.
    ResetRootKey {
        /// The account.
        account: AccountId,
        /// The new key; none: made up here.
        key: Option<KeyPair>,
    },
    /// Makes a user. Legal while the account has none whose name differs from the new one in case alone.
    CreateUser {
        /// Its name.
        name: Box<str>,
        /// Its other fields.
        fields: UserFields,
    },
    /// Changes a user's name or fields. The new name is subject to the same as that of a new user.
    UpdateUser {
        /// Its name.
        name: Box<str>,
        /// The new name.
        new_name: Option<Box<str>>,
        /// The new fields.
        fields: UserFields,
    },
    /// Deletes a user. Legal when it has neither access keys nor policies.
    DeleteUser {
        /// Its name.
        name: Box<str>,
    },
    /// Makes an access key of a user; without a name, of the caller (a user's own, or the account's root).
    CreateAccessKey {
        /// The user's name.
        user: Option<Box<str>>,
    },
    /// Switches an access key on or off.
    UpdateAccessKey {
        /// The user's name; none: the caller.
        user: Option<Box<str>>,
        /// The key's id.
        key: Box<str>,
        /// On or off.
        active: bool,
    },
    /// Deletes an access key.
    DeleteAccessKey {
        /// The user's name; none: the caller.
        user: Option<Box<str>>,
        /// The key's id.
        key: Box<str>,
    },
    /// Makes a policy with version 1, which is in force. Names of policies are as unique as those of users.
    CreatePolicy {
        /// Its name.
        name: Box<str>,
        /// Its description.
        description: Box<str>,
        /// Its document: understood already.
        document: Box<str>,
        /// Its tags.
        tags: Vec<Tag>,
    },
    /// Changes a policy's description.
    UpdatePolicyDescription {
        /// Its name.
        name: Box<str>,
        /// The new description.
        description: Box<str>,
    },
    /// Deletes a policy. Legal when it is attached to nobody and has one version only.
    DeletePolicy {
        /// Its name.
        name: Box<str>,
        /// Whether versions that are not in force go with it.
        cascade: bool,
    },
    /// Makes a new version of a policy.
    CreatePolicyVersion {
        /// Its name.
        name: Box<str>,
        /// The document: understood already.
        document: Box<str>,
        /// Whether it is in force at once.
        set_default: bool,
        /// Whether the oldest version that is not in force goes when there are as many as there may be.
        rotate: bool,
    },
    /// Deletes a version that is not in force.
    DeletePolicyVersion {
        /// The policy's name.
        name: Box<str>,
        /// The version's number.
        version: u32,
    },
    /// Puts a version in force.
    SetDefaultPolicyVersion {
        /// The policy's name.
        name: Box<str>,
        /// The version's number.
        version: u32,
    },
    /// Attaches a policy to a user.
    AttachPolicy {
        /// The policy.
        policy: PolicyName,
        /// The user's name.
        user: Box<str>,
    },
    /// Detaches a policy from a user.
    DetachPolicy {
        /// The policy.
        policy: PolicyName,
        /// The user's name.
        user: Box<str>,
    },
}

/// What a RAM command made.
#[derive(Debug, Clone)]
pub enum RamOutcome {
    /// An account and its root key.
    Account(AccountId, AccessKey),
    /// A user, as it is now.
    User(User),
    /// An access key, with its secret.
    AccessKey(AccessKey),
    /// A policy, as it is now.
    Policy(CustomPolicy),
    /// A version of a policy.
    PolicyVersion {
        /// The version.
        version: PolicyVersion,
        /// Whether it is in force.
        default: bool,
    },
}

impl PartialEq for RamOutcome {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Account(a, k), Self::Account(b, l)) => a == b && k.id == l.id,
            (Self::User(a), Self::User(b)) => a.id == b.id,
            (Self::AccessKey(a), Self::AccessKey(b)) => a.id == b.id,
            (Self::Policy(a), Self::Policy(b)) => (a.account, &a.name) == (b.account, &b.name),
            (
                Self::PolicyVersion { version: a, default: d },
                Self::PolicyVersion { version: b, default: e },
            ) => (a, d) == (b, e),
            _ => false,
        }
    }
}
impl Eq for RamOutcome {}
