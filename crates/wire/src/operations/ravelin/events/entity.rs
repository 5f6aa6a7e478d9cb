//! What is kept, as people read it in events: the fields that say what a thing is, and nothing that is secret.

use control::activity::EventChange;
use model::{
    Entity, EntityKey,
    id::{InstanceKind, NetworkInterfaceKind, NetworkKind, NodeKind, SecurityGroupKind, VSwitchKind},
    node::{Binding, Device, Node},
    ram::{CustomPolicy, User},
};

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
            "Permissions": own.rules.iter().map(ens::shown_rule).collect::<Vec<_>>(),
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

/// What a change changed: the fields that differ, before and after. Of a list that is there on both sides, the entries that
/// are on one alone.
pub(crate) fn differing(change: &EventChange) -> (Option<Value>, Option<Value>) {
    let (mut before, mut after) = (change.before.as_ref().map(shown), change.after.as_ref().map(shown));
    if let (Some(Value::Object(before)), Some(Value::Object(after))) = (&mut before, &mut after) {
        let same: Vec<String> = before
            .iter()
            .filter(|(name, value)| after.get(*name) == Some(value))
            .map(|(name, _)| name.clone())
            .collect();
        for name in &same {
            before.remove(name);
            after.remove(name);
        }
        for (name, value) in before.iter_mut() {
            if let (Value::Array(had), Some(Value::Array(has))) = (value, after.get_mut(name)) {
                let common: Vec<Value> = had.iter().filter(|item| has.contains(item)).cloned().collect();
                // Where the order alone differs, both are shown as they are.
                if common.len() < had.len().max(has.len()) {
                    had.retain(|item| !common.contains(item));
                    has.retain(|item| !common.contains(item));
                }
            }
        }
    }
    (before, after)
}
