//! Who may see what a change of users, access keys and policies was: whoever may ask RAM for it now.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use control::{Control, activity::EventChange};
use model::{Actor, Entity, ram::UserId};

use crate::{
    authorisation::{self, Policies},
    catalogue::{self, prelude::*},
};

/// What a caller may see of changes.
pub(super) struct Sight<'a> {
    call: &'a Call<'a>,
    policies: Option<Policies>,
    /// The names of users that access keys belong to.
    names: BTreeMap<UserId, Box<str>>,
}

impl<'a> Sight<'a> {
    /// That of the caller, for these changes.
    pub(super) async fn of(
        call: &'a Call<'a>,
        control: &Control,
        changes: impl Iterator<Item = &EventChange>,
    ) -> Result<Self, Fault> {
        let owners: Vec<UserId> = changes
            .filter_map(|change| match change.after.as_ref().or(change.before.as_ref()) {
                Some(Entity::AccessKey(key)) => key.user,
                _ => None,
            })
            .collect();
        let read = control.read_access(|access| {
            let named = |id: &UserId| access.user(*id).map(|user| (*id, user.name.clone()));
            (authorisation::policies(access, call.actor), owners.iter().filter_map(named).collect())
        });
        let (policies, names) = read.await.map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))?.value;
        Ok(Self { call, policies, names })
    }

    /// Whether the caller may see it on both sides.
    pub(super) fn admits(&self, change: &EventChange) -> bool {
        if matches!(self.call.actor, Actor::Root(_)) {
            return true;
        }
        [&change.before, &change.after].into_iter().flatten().all(|entity| self.admits_entity(entity))
    }

    /// Whether the caller may see whether there is an access key with this id: of one that is there who may list those of
    /// its user, of any other who may list those of everybody. So nobody else can tell the two apart.
    pub(super) async fn admits_key(&self, control: &Control, id: &str) -> Result<bool, Fault> {
        let owner = control.read_access(|access| {
            let key = access.access_key(id).filter(|key| key.account == self.call.account)?;
            key.user.and_then(|user| access.user(user)).map(|user| user.name.clone())
        });
        let owner = owner.await.map_err(|_| Fault::of(&code::SERVICE_UNAVAILABLE))?.value;
        let admits = |name: &str| self.may("ListAccessKeys", "UserName", name);
        Ok(matches!(self.call.actor, Actor::Root(_)) || admits(owner.as_deref().unwrap_or("*")))
    }

    /// Whether the caller may see whether there is a user of this name.
    pub(super) fn admits_user(&self, name: &str) -> bool {
        matches!(self.call.actor, Actor::Root(_)) || self.may("GetUser", "UserName", name)
    }

    fn admits_entity(&self, entity: &Entity) -> bool {
        match entity {
            Entity::User(own) => self.may("GetUser", "UserName", &own.name),
            Entity::AccessKey(own) => {
                // Of a user that is gone, and of the account's own key: who may see those of everybody.
                let name = own.user.and_then(|user| self.names.get(&user));
                self.may("ListAccessKeys", "UserName", name.map_or("*", |name| &**name))
            }
            Entity::CustomPolicy(own) => self.may("GetPolicy", "PolicyName", &own.name),
            _ => true,
        }
    }

    fn may(&self, operation: &str, parameter: &str, name: &str) -> bool {
        let Some(operation) = catalogue::find(Product::Ram, operation) else { return false };
        let call = self.call;
        let source = call.source.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let given = |wanted: &str| (wanted == parameter).then_some(name);
        let policies = self.policies.as_ref();
        authorisation::authorise(policies, call.actor, operation, given, source, call.secure, call.now)
            .is_ok()
    }
}
