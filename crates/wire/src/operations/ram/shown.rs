//! What users, access keys and policies look like in answers.

use std::sync::Arc;

use model::{
    UnixMillis,
    ram::{
        AccessKey, CustomPolicy, PolicyName, PolicyVersion, User,
        document::{SYSTEM_POLICIES, SystemPolicy},
    },
};

use super::{parameters, steps::Place};
use crate::catalogue::prelude::*;

/// When the system policies were written.
const SYSTEM_DATE: &str = "2026-11-22T00:00:00Z";
/// The only version of a system policy.
const SYSTEM_VERSION: &str = "v1";

/// A user as every answer shows it.
pub(super) fn user(user: &User) -> Answer {
    let mut shown = Answer::new();
    shown.insert("UserId".into(), json!(user.id.to_string()));
    shown.insert("UserName".into(), json!(user.name));
    shown.insert("DisplayName".into(), json!(user.display_name));
    shown.insert("MobilePhone".into(), json!(user.mobile_phone));
    shown.insert("Email".into(), json!(user.email));
    shown.insert("Comments".into(), json!(user.comments));
    shown.insert("CreateDate".into(), json!(user.created_at.to_text()));
    shown
}

/// A user with the time of its last change.
pub(super) fn user_with_update(who: &User) -> Answer {
    let mut shown = user(who);
    shown.insert("UpdateDate".into(), json!(who.updated_at.to_text()));
    shown
}

/// An access key without its secret.
pub(super) fn access_key(key: &AccessKey) -> Answer {
    let mut shown = Answer::new();
    shown.insert("AccessKeyId".into(), json!(key.id));
    shown.insert("Status".into(), json!(if key.active { "Active" } else { "Inactive" }));
    shown.insert("CreateDate".into(), json!(key.created_at.to_text()));
    shown
}

/// An answer with one object in it.
pub(super) fn one(name: &str, shown: Answer) -> Answer {
    Answer::from_iter([(name.to_owned(), Value::Object(shown))])
}

/// The user that the call names.
pub(super) fn find_user<'s>(call: &Call<'_>, state: &'s State) -> Result<&'s Arc<User>, Fault> {
    let user = state.user_named(call.account, call.arguments.required_text("UserName"));
    user.ok_or_else(|| Fault::of(&code::ENTITY_NOT_EXIST_USER))
}

/// A policy of either type.
#[derive(Clone, Copy)]
pub(super) enum Policy<'s> {
    /// One that every account has.
    System(&'static SystemPolicy),
    /// One of the account.
    Custom(&'s CustomPolicy),
}

impl<'s> Policy<'s> {
    /// The policy that the call names.
    pub(super) fn find(call: &Call<'_>, state: &'s State) -> Result<Self, Fault> {
        let policy = Self::named(call, state, &parameters::policy_name(call));
        policy.ok_or_else(|| Fault::of(&code::ENTITY_NOT_EXIST_POLICY))
    }

    /// The policy of this name that the caller's account sees.
    pub(super) fn named(call: &Call<'_>, state: &'s State, name: &PolicyName) -> Option<Self> {
        match name {
            PolicyName::System(name) => SystemPolicy::find(name).map(Self::System),
            PolicyName::Custom(name) => {
                state.policies().get(&(call.account, name.clone())).map(|policy| Self::Custom(policy))
            }
        }
    }

    /// Every policy that the caller's account sees, with its place in the list.
    pub(super) fn all(call: &Call<'_>, state: &'s State) -> impl Iterator<Item = (Place, Self)> {
        let system = SYSTEM_POLICIES.iter().map(|policy| (Place::System(policy.name), Self::System(policy)));
        let own = state.policies().oldest_first(call.account);
        system.chain(own.map(|policy| (Place::Own(policy.serial), Self::Custom(policy))))
    }

    /// What names it.
    pub(super) fn name(self) -> PolicyName {
        match self {
            Self::System(policy) => PolicyName::System(policy.name.into()),
            Self::Custom(policy) => PolicyName::Custom(policy.name.clone()),
        }
    }

    /// `PolicyType`.
    pub(super) fn type_name(self) -> &'static str {
        match self {
            Self::System(_) => "System",
            Self::Custom(_) => "Custom",
        }
    }

    /// Whether it has a tag of this key, and of this value where one is wanted.
    pub(super) fn has_tag(self, (key, value): (&str, Option<&str>)) -> bool {
        let Self::Custom(policy) = self else { return false };
        policy.tags.iter().any(|tag| &*tag.key == key && value.is_none_or(|value| &*tag.value == value))
    }

    /// Its tags.
    pub(super) fn tags(self) -> Vec<Value> {
        let Self::Custom(policy) = self else { return Vec::new() };
        policy.tags.iter().map(|tag| json!({ "TagKey": tag.key, "TagValue": tag.value })).collect()
    }

    /// Name, type, description and version in force.
    pub(super) fn brief(self) -> Answer {
        let (name, description, version) = match self {
            Self::System(policy) => (policy.name, policy.description, SYSTEM_VERSION.to_owned()),
            Self::Custom(policy) => (&*policy.name, &*policy.description, version_id(policy.default_version)),
        };
        let mut shown = Answer::new();
        shown.insert("PolicyName".into(), json!(name));
        shown.insert("PolicyType".into(), json!(self.type_name()));
        shown.insert("Description".into(), json!(description));
        shown.insert("DefaultVersion".into(), json!(version));
        shown
    }

    /// As [`Policy::brief`], with the time of its creation.
    pub(super) fn created(self) -> Answer {
        let mut shown = self.brief();
        shown.insert("CreateDate".into(), json!(self.date(|policy| policy.created_at)));
        shown
    }

    /// As [`Policy::created`], with the time of its last change.
    pub(super) fn updated(self) -> Answer {
        let mut shown = self.created();
        shown.insert("UpdateDate".into(), json!(self.date(|policy| policy.updated_at)));
        shown
    }

    fn date(self, of: impl Fn(&CustomPolicy) -> UnixMillis) -> String {
        match self {
            Self::System(_) => SYSTEM_DATE.to_owned(),
            Self::Custom(policy) => of(policy).to_text(),
        }
    }

    /// As [`Policy::updated`], with the number of users that it is attached to.
    pub(super) fn counted(self, call: &Call<'_>, state: &State) -> Answer {
        let mut shown = self.updated();
        let count = state.attached_to(call.account, &self.name()).count();
        shown.insert("AttachmentCount".into(), json!(count));
        shown
    }

    /// Its versions, the oldest first, with documents.
    pub(super) fn versions(self) -> Vec<Answer> {
        match self {
            Self::System(policy) => vec![system_version(policy)],
            Self::Custom(policy) => {
                let shown = |own: &PolicyVersion| version(own, own.number == policy.default_version);
                policy.versions.iter().map(shown).collect()
            }
        }
    }

    /// The version of this number.
    pub(super) fn version(self, number: u32) -> Option<Answer> {
        match self {
            Self::System(policy) => (number == 1).then(|| system_version(policy)),
            Self::Custom(policy) => {
                policy.version(number).map(|own| version(own, own.number == policy.default_version))
            }
        }
    }

    /// The version in force.
    pub(super) fn default_version(self) -> Option<Answer> {
        match self {
            Self::System(_) => self.version(1),
            Self::Custom(policy) => self.version(policy.default_version),
        }
    }
}

fn version_id(number: u32) -> String {
    format!("v{number}")
}

/// A version with its document.
pub(super) fn version(version: &PolicyVersion, default: bool) -> Answer {
    version_of(&version_id(version.number), default, &version.document, &version.created_at.to_text())
}

fn system_version(policy: &SystemPolicy) -> Answer {
    version_of(SYSTEM_VERSION, true, policy.document, SYSTEM_DATE)
}

fn version_of(id: &str, default: bool, document: &str, created: &str) -> Answer {
    let mut shown = Answer::new();
    shown.insert("VersionId".into(), json!(id));
    shown.insert("IsDefaultVersion".into(), json!(default));
    shown.insert("PolicyDocument".into(), json!(document));
    shown.insert("CreateDate".into(), json!(created));
    shown
}
