//! Which instances a call asks for: where to look for them, and whether one is meant.

use std::{cell::RefCell, net::Ipv4Addr, sync::Arc};

use model::{
    AccountId, InstanceId, NetworkId, SecurityGroupId, VSwitchId,
    instance::{Charge, Instance},
    interface::NetworkInterface,
};

use super::{
    search::{Scratch, Search},
    shown::service_status,
};
use crate::catalogue::prelude::*;

/// The parameters that are filters.
const FILTERS: [&str; 20] = [
    "EipAddresses",
    "EnsRegionId",
    "EnsRegionIds",
    "EnsServiceId",
    "ImageId",
    "InstanceId",
    "InstanceIds",
    "InstanceName",
    "InstanceResourceType",
    "InstanceType",
    "IntranetIp",
    "NetworkId",
    "SearchKey",
    "SecurityGroupId",
    "ServiceStatus",
    "Status",
    "Tags",
    "VSwitchId",
    "VpdId",
    "VpdVSwitchId",
];

/// The filters whose resources do not exist here.
const OF_NOTHING: [&str; 3] = ["EnsServiceId", "VpdId", "VpdVSwitchId"];

/// The filters of a call, each read once: every instance of an account may be held against them.
pub(super) struct Filter<'a> {
    arguments: &'a Arguments,
    account: AccountId,
    id: Option<InstanceId>,
    ids: Option<Vec<InstanceId>>,
    name: Option<&'a str>,
    group: Option<SecurityGroupId>,
    private: Option<Ipv4Addr>,
    public: Option<Vec<Ipv4Addr>>,
    vswitch: Option<VSwitchId>,
    network: Option<NetworkId>,
    regions: Option<Vec<&'a str>>,
    services: Option<Vec<&'a str>>,
    region: Option<&'a str>,
    image: Option<&'a str>,
    instance_type: Option<&'a str>,
    status: Option<&'a str>,
    resource_type: Option<&'a str>,
    /// Keys and values.
    tags: Vec<(Option<&'a str>, Option<&'a str>)>,
    search: Option<Search>,
    scratch: RefCell<Scratch>,
}

impl<'a> Filter<'a> {
    /// The filters of a call.
    pub(super) fn of(arguments: &'a Arguments, account: AccountId) -> Self {
        let addresses = |texts: Vec<&str>| texts.into_iter().filter_map(|text| text.parse().ok()).collect();
        Self {
            arguments,
            account,
            id: arguments.id("InstanceId"),
            ids: arguments.ids("InstanceIds"),
            name: arguments.text("InstanceName"),
            group: arguments.id("SecurityGroupId"),
            private: arguments.ipv4("IntranetIp"),
            public: arguments.texts("EipAddresses").map(addresses),
            vswitch: arguments.id("VSwitchId"),
            network: arguments.id("NetworkId"),
            regions: arguments.texts("EnsRegionIds"),
            services: arguments.texts("ServiceStatus"),
            region: arguments.text("EnsRegionId"),
            image: arguments.text("ImageId"),
            instance_type: arguments.text("InstanceType"),
            status: arguments.text("Status"),
            resource_type: arguments.text("InstanceResourceType"),
            tags: arguments.objects("Tags").map(|tag| (tag.text("Key"), tag.text("Value"))).collect(),
            search: arguments.text("SearchKey").map(Search::of),
            scratch: RefCell::default(),
        }
    }

    /// Whether there is no filter.
    pub(super) fn lets_all_pass(&self) -> bool {
        !FILTERS.iter().any(|name| self.arguments.has(name))
    }

    /// The group that is asked for.
    pub(super) fn group(&self) -> Option<SecurityGroupId> {
        self.group
    }

    /// All instances that can match, and as few others as the indexes allow, each once. None: no index helps, and all
    /// must be looked at.
    pub(super) fn candidates<'s>(&self, state: &'s State) -> Option<Vec<&'s Arc<Instance>>>
    where
        'a: 's,
    {
        if OF_NOTHING.iter().any(|name| self.arguments.has(name)) {
            return Some(Vec::new());
        }
        let get = |id: &InstanceId| state.instances().of(self.account, id);
        let mut found: Vec<&Arc<Instance>> = if let Some(id) = self.id {
            get(&id).into_iter().collect()
        } else if let Some(ids) = &self.ids {
            ids.iter().filter_map(get).collect()
        } else if let Some(addresses) = &self.public {
            addresses.iter().filter_map(|address| state.instance_at(*address)).collect()
        } else if let Some(address) = self.private {
            instances_of(state.interfaces_at(self.account, address.into()), state)
        } else if let Some(name) = self.name {
            // An instance that was given no name has its id for one.
            let by_id = name.parse().ok().and_then(|id| get(&id));
            by_id.into_iter().chain(state.instances_named(self.account, name)).collect()
        } else {
            self.of_interfaces(state)?
        };
        found.sort_unstable_by_key(|instance| instance.serial);
        found.dedup_by_key(|instance| instance.serial);
        Some(found)
    }

    /// The instances of the interfaces that a filter names: of a group first, since it has fewer members than a vSwitch
    /// or a network may have.
    fn of_interfaces<'s>(&self, state: &'s State) -> Option<Vec<&'s Arc<Instance>>> {
        if let Some(group) = self.group {
            return Some(instances_of(state.members(group), state));
        }
        if let Some(vswitch) = self.vswitch {
            return Some(instances_of(state.interfaces_in(vswitch), state));
        }
        let vswitches = state.vswitches_of(self.network?);
        Some(instances_of(vswitches.flat_map(|vswitch| state.interfaces_in(vswitch.id)), state))
    }

    /// Whether an instance is meant.
    pub(super) fn matches(&self, state: &State, instance: &Instance) -> bool {
        let text = |wanted: Option<&str>, own: &str| wanted.is_none_or(|wanted| wanted == own);
        instance.account == self.account
            && self.id.is_none_or(|id| id == instance.id)
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&instance.id))
            && self.name.is_none_or(|name| is_named(instance, name))
            && text(self.region, instance.region.as_str())
            && self.regions.as_ref().is_none_or(|regions| regions.contains(&instance.region.as_str()))
            && text(self.image, instance.image.as_str())
            && text(self.instance_type, instance.instance_type.as_str())
            && text(self.status, instance.status.name())
            && self.services.as_ref().is_none_or(|wanted| wanted.contains(&service_status(instance)))
            && self.is_of_resource_type(instance)
            && self.has_public_address(instance)
            && self.has_tags(instance)
            && self.has_interface(state, instance)
            && self
                .search
                .as_ref()
                .is_none_or(|search| search.finds(instance, state, &mut self.scratch.borrow_mut()))
    }

    fn is_of_resource_type(&self, instance: &Instance) -> bool {
        match self.resource_type {
            None => true,
            Some("EnsInstance") => matches!(instance.charge, Charge::PrePaid { .. }),
            Some("EnsPostPaidInstance" | "EnsPostInstance") => instance.charge == Charge::PostPaid,
            Some(_) => false,
        }
    }

    fn has_public_address(&self, instance: &Instance) -> bool {
        let one_of =
            |wanted: &Vec<Ipv4Addr>| instance.public_address.is_some_and(|own| wanted.contains(&own));
        self.public.as_ref().is_none_or(one_of)
    }

    fn has_tags(&self, instance: &Instance) -> bool {
        self.tags.iter().all(|(key, value)| {
            instance.tags.iter().any(|own| {
                key.is_none_or(|key| *own.key == *key) && value.is_none_or(|value| *own.value == *value)
            })
        })
    }

    /// The filters that are about interfaces. They mean the primary one, but for the address.
    fn has_interface(&self, state: &State, instance: &Instance) -> bool {
        if let Some(address) = self.private {
            let mut interfaces = instance.interfaces().filter_map(|id| state.interfaces().get(&id));
            if !interfaces.any(|interface| interface.addresses().any(|own| own == address)) {
                return false;
            }
        }
        if self.group.is_none() && self.vswitch.is_none() && self.network.is_none() {
            return true;
        }
        let Some(primary) = state.interfaces().get(&instance.primary_interface) else { return false };
        let in_network = |network: NetworkId| {
            state.vswitches().get(&primary.vswitch).is_some_and(|vswitch| vswitch.network == network)
        };
        self.group.is_none_or(|group| primary.groups.contains(&group))
            && self.vswitch.is_none_or(|vswitch| vswitch == primary.vswitch)
            && self.network.is_none_or(in_network)
    }
}

/// The instances that have one of the interfaces.
fn instances_of<'s>(
    interfaces: impl Iterator<Item = &'s Arc<NetworkInterface>>,
    state: &'s State,
) -> Vec<&'s Arc<Instance>> {
    interfaces.filter_map(|interface| state.instances().get(&interface.instance?)).collect()
}

fn is_named(instance: &Instance, name: &str) -> bool {
    match &instance.name {
        Some(own) => **own == *name,
        None => instance.id.to_string() == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_but_those_of_order_and_page_is_a_filter() {
        let others = ["OrderByParams", "PageNumber", "PageSize"];
        let mut names: Vec<_> =
            super::super::OPERATION.parameters.iter().map(|parameter| parameter.name).collect();
        names.retain(|name| !others.contains(name));
        names.sort_unstable();
        assert_eq!(names, FILTERS);
    }
}
