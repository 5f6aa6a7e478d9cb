//! What is kept, as people read it in events: the fields that say what a thing is, and nothing that is secret.

use control::activity::EventChange;
use model::{
    Entity, EntityKey,
    id::{InstanceKind, NetworkInterfaceKind, NetworkKind, NodeKind, SecurityGroupKind, VSwitchKind},
    node::{Binding, Device, Node},
    ram::{CustomPolicy, User},
    rule::Rule,
};
use policy::text::RuleText;

use super::super::super::ens;
use crate::catalogue::prelude::*;

/// The kind of a thing, and what names it.
pub(crate) fn name(key: &EntityKey) -> (&'static str, String) {
    match key {
        EntityKey::Account(id) => ("Account", id.to_string()),
        EntityKey::User(id) => ("User", id.to_string()),
        EntityKey::AccessKey(id) => ("AccessKey", id.to_string()),
        EntityKey::CustomPolicy(_, name) => ("Policy", name.to_string()),
        EntityKey::Network(id) => ("Network", id.to_string()),
        EntityKey::VSwitch(id) => ("VSwitch", id.to_string()),
        EntityKey::Instance(id) => ("Instance", id.to_string()),
        EntityKey::Interface(id) => ("NetworkInterface", id.to_string()),
        EntityKey::SecurityGroup(id) => ("SecurityGroup", id.to_string()),
        EntityKey::Node(id) => ("Node", id.to_string()),
        EntityKey::Binding(id) => ("Binding", id.to_string()),
        EntityKey::Enforcement(id) => ("Enforcement", id.to_string()),
        EntityKey::NodeAuthority => ("NodeAuthority", "node-authority".into()),
        EntityKey::Hosting(id) => ("Hosting", id.to_string()),
        EntityKey::EnforcementWait(id) => ("AccountEnforcement", id.to_string()),
    }
}

/// What a user is called, as it was before the change where it is gone then. Other things are found by their ids.
pub(crate) fn user_name(change: &EventChange) -> Option<&str> {
    match change.after.as_ref().or(change.before.as_ref()) {
        Some(Entity::User(own)) => Some(&own.name),
        _ => None,
    }
}

/// The things that an id may name: one alone, and what belongs to it.
pub(crate) fn keys(id: &str) -> Vec<EntityKey> {
    if let Ok(id) = id.parse::<model::Id<SecurityGroupKind>>() {
        vec![EntityKey::SecurityGroup(id)]
    } else if let Ok(id) = id.parse::<model::Id<InstanceKind>>() {
        vec![EntityKey::Instance(id), EntityKey::Hosting(id)]
    } else if let Ok(id) = id.parse::<model::Id<NetworkInterfaceKind>>() {
        vec![EntityKey::Interface(id), EntityKey::Binding(id), EntityKey::Enforcement(id)]
    } else if let Ok(id) = id.parse::<model::Id<NetworkKind>>() {
        vec![EntityKey::Network(id)]
    } else if let Ok(id) = id.parse::<model::Id<VSwitchKind>>() {
        vec![EntityKey::VSwitch(id)]
    } else if let Ok(id) = id.parse::<model::Id<NodeKind>>() {
        vec![EntityKey::Node(id)]
    } else {
        vec![EntityKey::AccessKey(id.into())]
    }
}

/// A thing.
pub(crate) fn shown(entity: &Entity) -> Value {
    match entity {
        Entity::Account(own) => json!({ "AccountName": own.name }),
        Entity::User(own) => user(own),
        Entity::AccessKey(own) => json!({
            "AccessKeyId": own.id,
            "UserId": own.user.map(|user| user.to_string()).unwrap_or_default(),
            "Status": if own.active { "Active" } else { "Inactive" },
        }),
        Entity::CustomPolicy(own) => policy(own),
        Entity::Network(own) => json!({
            "NetworkName": own.name,
            "Description": own.description,
            "EnsRegionId": own.region.as_str(),
            "CidrBlock": own.cidr.to_string(),
            "Ipv6CidrBlock": own.ipv6_cidr.map(|cidr| cidr.to_string()).unwrap_or_default(),
            "Tags": tags(&own.tags),
        }),
        Entity::VSwitch(own) => json!({
            "VSwitchName": own.name,
            "Description": own.description,
            "NetworkId": own.network.to_string(),
            "CidrBlock": own.cidr.to_string(),
            "Ipv6CidrBlock": own.ipv6_cidr.map(|cidr| cidr.to_string()).unwrap_or_default(),
        }),
        Entity::Instance(own) => instance(own),
        Entity::Interface(own) => interface(own),
        Entity::SecurityGroup(own) => json!({
            "SecurityGroupName": own.name,
            "Description": own.description,
            "Permissions": own.rules.iter().map(rule).collect::<Vec<_>>(),
        }),
        Entity::Node(own) => node(own),
        Entity::Binding(own) => binding(own),
        Entity::Enforcement(own) => json!({
            "SourceCheck": own.source_check,
            "AllowedPrefixes": own.allowed_prefixes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
        // The operator's alone: nothing of it belongs to an account.
        Entity::NodeAuthority(_) => json!({}),
        Entity::Hosting(own) => json!({
            "NodeId": own.node.to_string(),
            "Boots": own.boots,
            "Images": own.images,
            "Leaving": own.leaving,
        }),
        Entity::EnforcementWait(own) => json!({ "WaitSeconds": own.seconds }),
    }
}

fn user(own: &User) -> Value {
    let attached = own.policies.iter().map(|attachment| attachment.policy.text().to_owned());
    json!({
        "UserName": own.name,
        "DisplayName": own.display_name,
        "MobilePhone": own.mobile_phone,
        "Email": own.email,
        "Comments": own.comments,
        "Policies": attached.collect::<Vec<_>>(),
    })
}

fn policy(own: &CustomPolicy) -> Value {
    json!({
        "PolicyName": own.name,
        "Description": own.description,
        "DefaultVersion": format!("v{}", own.default_version),
        "Versions": own.versions.iter().map(|version| format!("v{}", version.number)).collect::<Vec<_>>(),
        "PolicyDocument": own.document().unwrap_or_default(),
    })
}

fn instance(own: &model::instance::Instance) -> Value {
    json!({
        "InstanceName": own.display_name(),
        "HostName": own.host_name,
        "Status": own.status.name(),
        "EnsRegionId": own.region.as_str(),
        "InstanceType": own.instance_type.as_str(),
        "ImageId": own.image.as_str(),
        "NetworkInterfaceIds": own.interfaces().map(|id| id.to_string()).collect::<Vec<_>>(),
        "PublicIpAddress": own.public_address.map(|address| address.to_string()).unwrap_or_default(),
        "DeletionProtection": own.deletion_protection,
        "HasUserData": own.user_data.is_some(),
        "Tags": tags(&own.tags),
    })
}

fn interface(own: &model::interface::NetworkInterface) -> Value {
    json!({
        "NetworkInterfaceName": own.name,
        "Description": own.description,
        "VSwitchId": own.vswitch.to_string(),
        "InstanceId": own.instance.map(|id| id.to_string()).unwrap_or_default(),
        "Primary": own.primary,
        "Status": own.status.name(),
        "PrivateIpAddresses": own.addresses().map(|address| address.to_string()).collect::<Vec<_>>(),
        "Ipv6Addresses": own.ipv6_addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "MacAddress": own.mac.to_string(),
        "SecurityGroupIds": own.groups.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn node(own: &Node) -> Value {
    let certificates = own.certificates.iter().map(|certificate| {
        json!({ "Fingerprint": certificate.fingerprint.to_string(), "Revoked": certificate.revoked_at.is_some() })
    });
    json!({
        "NodeName": own.name,
        "EnsRegionId": own.region.as_str(),
        "Status": own.status.name(),
        "Lab": own.lab,
        "Certificates": certificates.collect::<Vec<_>>(),
    })
}

fn binding(own: &Binding) -> Value {
    let device = match &own.device {
        Device::Named(name) => name.as_str().to_owned(),
        Device::Aliased => format!("ravelin:{}", own.interface),
    };
    json!({ "NodeId": own.node.to_string(), "Device": device, "AdoptSeconds": own.adopt_seconds })
}

fn tags(tags: &model::tag::Tags) -> Value {
    tags.iter().map(|tag| (tag.key.to_string(), json!(tag.value))).collect()
}

/// What a change changed. A list is never shown in part under the name of the whole: what is gone from it and what has come to
/// it have names of their own.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Difference {
    before: Option<Value>,
    after: Option<Value>,
    removed: Option<Value>,
    added: Option<Value>,
}

impl Difference {
    /// That of a change: the fields that differ, before and after, and of lists what was removed and what was added. Of what
    /// came or went, all of it.
    pub(crate) fn of(change: &EventChange) -> Self {
        match (change.before.as_ref().map(shown), change.after.as_ref().map(shown)) {
            (Some(Value::Object(before)), Some(Value::Object(after))) => Self::between(before, &after),
            (before, after) => Self { before, after, ..Self::default() },
        }
    }

    fn between(before: Answer, after: &Answer) -> Self {
        let mut sides: [Answer; 4] = Default::default();
        for (name, had) in before {
            let has = after.get(&name).cloned().unwrap_or_default();
            if had == has {
                continue;
            }
            let [was, is, removed, added] = &mut sides;
            match apart(&had, &has) {
                Some((gone, come)) => {
                    put_some(removed, &name, gone);
                    put_some(added, &name, come);
                }
                None => {
                    was.insert(name.clone(), had);
                    is.insert(name, has);
                }
            }
        }
        let [before, after, removed, added] =
            sides.map(|side| (!side.is_empty()).then_some(Value::Object(side)));
        Self { before, after, removed, added }
    }

    /// The parts that there are, each with its name: `Before`, `After`, `Removed`, `Added`.
    pub(crate) fn parts(self) -> impl Iterator<Item = (&'static str, Value)> {
        let Self { before, after, removed, added } = self;
        let named = [("Before", before), ("After", after), ("Removed", removed), ("Added", added)];
        named.into_iter().filter_map(|(name, part)| Some((name, part?)))
    }
}

/// Of two lists the items that are in one alone; none: they are no lists, or differ in their order alone, and are shown whole.
fn apart(had: &Value, has: &Value) -> Option<(Vec<Value>, Vec<Value>)> {
    let (Value::Array(had), Value::Array(has)) = (had, has) else { return None };
    let without = |own: &[Value], other: &[Value]| -> Vec<Value> {
        own.iter().filter(|item| !other.contains(item)).cloned().collect()
    };
    let (gone, come) = (without(had, has), without(has, had));
    (!gone.is_empty() || !come.is_empty()).then_some((gone, come))
}

fn put_some(side: &mut Answer, name: &str, items: Vec<Value>) {
    if !items.is_empty() {
        side.insert(name.into(), Value::Array(items));
    }
}

/// A rule, with its text form.
fn rule(own: &Rule) -> Value {
    let mut shown = ens::shown_rule(own);
    if let Some(fields) = shown.as_object_mut() {
        fields.insert("Text".into(), json!(RuleText(own).to_string()));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_lists_what_came_and_what_went_is_told_and_never_a_part_as_the_whole() {
        let sides = |before: Value, after: Value| {
            let (Value::Object(before), Value::Object(after)) = (before, after) else { panic!("no objects") };
            let parts = Difference::between(before, &after).parts();
            Value::Object(parts.map(|(name, part)| (name.to_owned(), part)).collect())
        };
        assert_eq!(
            sides(
                json!({ "Name": "a", "Ids": [1, 2], "Same": [] }),
                json!({ "Name": "b", "Ids": [2, 3], "Same": [] })
            ),
            json!({ "Before": { "Name": "a" }, "After": { "Name": "b" }, "Removed": { "Ids": [1] }, "Added": { "Ids": [3] } })
        );
        assert_eq!(
            sides(json!({ "Ids": [1] }), json!({ "Ids": [1, 2] })),
            json!({ "Added": { "Ids": [2] } })
        );
        assert_eq!(
            sides(json!({ "Ids": [1, 2] }), json!({ "Ids": [2, 1] })),
            json!({ "Before": { "Ids": [1, 2] }, "After": { "Ids": [2, 1] } })
        );
    }
}
