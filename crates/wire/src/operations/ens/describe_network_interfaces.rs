//! `DescribeNetworkInterfaces`.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use model::{
    InstanceId, NetworkId, NetworkInterfaceId, SecurityGroupId, VSwitchId, interface::NetworkInterface,
    network::VSwitch,
};

use super::{
    filter::{IDS, REGION, REGIONS, both, newest_first, passes, regions},
    page::{PAGE_NUMBER, Page},
};
use crate::catalogue::prelude::*;

/// How many entries a page has where the caller does not say.
const PAGE_SIZE_DEFAULT: usize = 50;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DescribeNetworkInterfaces",
    family: "network interface",
    summary: "Lists network interfaces with their addresses and security groups, the newest first.",
    description: "Filters hold all at once. `SecurityGroupIds` names the newest membership first; where the request filters by `SecurityGroupId`, that group stands first. An id that names nothing gives an empty list, not an error.",
    methods: Methods::GetOrPost,
    parameters: &[
        REGION,
        REGIONS,
        Parameter::optional("InstanceId", Kind::Id, "Those of this instance.", "i-5vn4n3y4laeb2ii9zxxltlvzi"),
        Parameter::optional("NetworkId", Kind::Id, "Those in this network.", "n-5vn4n3y4laeb2ii9zxxltlvzi"),
        Parameter::optional("VSwitchId", Kind::Id, "Those in this vSwitch.", "vsw-5rllcjb3ol6duzjdnbm1ombn7"),
        Parameter::optional(
            "SecurityGroupId",
            Kind::Id,
            "Those in this security group.",
            "sg-5vn4n3y4laeb2ii9zxxltlvzi",
        ),
        Parameter::optional(
            "NetworkInterfaceId",
            Kind::Id,
            "This interface alone.",
            "eni-5f6533jbifugr5fo2j1wabcde",
        ),
        Parameter::optional(
            "NetworkInterfaceIds",
            IDS,
            "These interfaces alone.",
            "eni-5f6533jbifugr5fo2j1wabcde",
        ),
        Parameter::optional("NetworkInterfaceName", Kind::text(128), "Those of exactly this name.", "backup"),
        Parameter::optional(
            "PrimaryIpAddress",
            Kind::Ipv4,
            "Those with this primary private IPv4 address.",
            "172.17.0.2",
        ),
        Parameter::optional(
            "Ipv6Address",
            Kind::List { of: &Kind::Ipv6, max: 100, encoding: Encoding::Numbered },
            "Those with one of these IPv6 addresses.",
            "2001:db8::1",
        ),
        Parameter::optional(
            "Status",
            Kind::OneOf(&["Available", "Attaching", "InUse", "Detaching", "Deleting"]),
            "Those in this state.",
            "InUse",
        ),
        Parameter::optional(
            "Type",
            Kind::OneOf(&["Primary", "Secondary"]),
            "Those of this type.",
            "Secondary",
        ),
        PAGE_NUMBER,
        Parameter::optional(
            "PageSize",
            Kind::Integer { min: 1, max: 100 },
            "How many entries a page has; 50 where it is not given.",
            "50",
        ),
    ],
    exactly_one: &[],
    answer: &[
        Field::integer("PageNumber", "1"),
        Field::integer("PageSize", "50"),
        Field::integer("TotalCount", "1"),
        Field::text(
            "NetworkInterfaceSets.NetworkInterfaceSet[].NetworkInterfaceId",
            "eni-5f6533jbifugr5fo2j1wabcde",
        ),
        Field::text("NetworkInterfaceSets.NetworkInterfaceSet[].NetworkInterfaceName", "backup"),
        Field::text("NetworkInterfaceSets.NetworkInterfaceSet[].Description", "Backup traffic"),
        Field::text("NetworkInterfaceSets.NetworkInterfaceSet[].Type", "Secondary"),
        Field::text("NetworkInterfaceSets.NetworkInterfaceSet[].Status", "InUse"),
        Field::text("NetworkInterfaceSets.NetworkInterfaceSet[].InstanceId", "i-5vn4n3y4laeb2ii9zxxltlvzi"),
        Field::text("NetworkInterfaceSets.NetworkInterfaceSet[].EnsRegionId", "cn-hangzhou-telecom"),
        Field::text("NetworkInterfaceSets.NetworkInterfaceSet[].NetworkId", "n-5vn4n3y4laeb2ii9zxxltlvzi"),
        Field::text("NetworkInterfaceSets.NetworkInterfaceSet[].VSwitchId", "vsw-5rllcjb3ol6duzjdnbm1ombn7"),
        Field::text("NetworkInterfaceSets.NetworkInterfaceSet[].MacAddress", "00:16:3e:08:60:0a"),
        Field::text("NetworkInterfaceSets.NetworkInterfaceSet[].PrimaryIp", "172.17.0.2"),
        Field::text("NetworkInterfaceSets.NetworkInterfaceSet[].PrimaryIpType", "private"),
        Field::text(
            "NetworkInterfaceSets.NetworkInterfaceSet[].PrivateIpSets.PrivateIpSet[].PrivateIpAddress",
            "172.17.0.2",
        ),
        Field::boolean(
            "NetworkInterfaceSets.NetworkInterfaceSet[].PrivateIpSets.PrivateIpSet[].Primary",
            "true",
        ),
        Field::text(
            "NetworkInterfaceSets.NetworkInterfaceSet[].PrivateIpSets.PrivateIpSet[].PrivateIpStatus",
            "Available",
        ),
        Field::text(
            "NetworkInterfaceSets.NetworkInterfaceSet[].Ipv6Sets.Ipv6Set[].Ipv6Address",
            "2001:db8::1",
        ),
        Field::text(
            "NetworkInterfaceSets.NetworkInterfaceSet[].SecurityGroupIds.SecurityGroup[]",
            "sg-5vn4n3y4laeb2ii9zxxltlvzi",
        ),
        Field::boolean("NetworkInterfaceSets.NetworkInterfaceSet[].VmncLearn", "false"),
        Field::text("NetworkInterfaceSets.NetworkInterfaceSet[].CreationTime", "2026-11-22T03:53:25Z"),
    ],
    errors: &[],
    ram: Ram::all("ens:DescribeNetworkInterfaces", Access::List),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let wanted = Wanted::of(call.arguments);
    let page = Page::of(call.arguments, PAGE_SIZE_DEFAULT);
    let all = state.interfaces();
    let passes = |interface: &&Arc<NetworkInterface>| {
        interface.account == call.account && wanted.has(state, interface)
    };
    let (mut answer, entries) = if wanted.everything {
        page.cut_counted(all.newest_first(call.account), all.count(call.account))
    } else {
        match wanted.by_index(call, state) {
            Some(found) => page.cut(newest_first(found.filter(passes)).into_iter()),
            None => page.cut(all.newest_first(call.account).filter(passes)),
        }
    };
    let shown: Vec<Value> =
        entries.into_iter().map(|interface| shown(state, interface, wanted.group)).collect();
    answer.insert("NetworkInterfaceSets".into(), json!({ "NetworkInterfaceSet": shown }));
    Ok(answer)
}

/// What the filters of a call let pass.
struct Wanted<'a> {
    everything: bool,
    regions: Option<Vec<&'a str>>,
    ids: Option<Vec<NetworkInterfaceId>>,
    instance: Option<InstanceId>,
    network: Option<NetworkId>,
    vswitch: Option<VSwitchId>,
    group: Option<SecurityGroupId>,
    name: Option<&'a str>,
    address: Option<Ipv4Addr>,
    ipv6_addresses: Option<Vec<Ipv6Addr>>,
    status: Option<&'a str>,
    primary: Option<bool>,
}

impl<'a> Wanted<'a> {
    fn of(arguments: &'a Arguments) -> Self {
        let filters = OPERATION.parameters.iter().map(|parameter| parameter.name);
        let mut filters = filters.filter(|name| !matches!(*name, "PageNumber" | "PageSize"));
        let ipv6_addresses = arguments.texts("Ipv6Address");
        Self {
            everything: !filters.any(|name| arguments.has(name)),
            regions: regions(arguments),
            ids: both(arguments.id("NetworkInterfaceId"), arguments.ids("NetworkInterfaceIds")),
            instance: arguments.id("InstanceId"),
            network: arguments.id("NetworkId"),
            vswitch: arguments.id("VSwitchId"),
            group: arguments.id("SecurityGroupId"),
            name: arguments.text("NetworkInterfaceName"),
            address: arguments.ipv4("PrimaryIpAddress"),
            ipv6_addresses: ipv6_addresses
                .map(|texts| texts.into_iter().filter_map(|text| text.parse().ok()).collect()),
            status: arguments.text("Status"),
            primary: arguments.text("Type").map(|word| word == "Primary"),
        }
    }

    fn has(&self, state: &State, interface: &NetworkInterface) -> bool {
        passes(self.ids.as_deref(), &interface.id)
            && self.instance.is_none_or(|instance| interface.instance == Some(instance))
            && self.vswitch.is_none_or(|vswitch| interface.vswitch == vswitch)
            && self.group.is_none_or(|group| interface.groups.contains(&group))
            && self.name.is_none_or(|name| &*interface.name == name)
            && self.address.is_none_or(|address| interface.address == address)
            && self.has_ipv6(interface)
            && self.status.is_none_or(|status| interface.status.name() == status)
            && self.primary.is_none_or(|primary| interface.primary == primary)
            && self.has_place(state, interface)
    }

    fn has_ipv6(&self, interface: &NetworkInterface) -> bool {
        let wanted = self.ipv6_addresses.as_deref();
        wanted.is_none_or(|wanted| interface.ipv6_addresses.iter().any(|address| wanted.contains(address)))
    }

    fn has_place(&self, state: &State, interface: &NetworkInterface) -> bool {
        if self.network.is_none() && self.regions.is_none() {
            return true;
        }
        let fits = |vswitch: &Arc<VSwitch>| {
            self.network.is_none_or(|network| vswitch.network == network)
                && passes(self.regions.as_deref(), &vswitch.region.as_str())
        };
        state.vswitches().get(&interface.vswitch).is_some_and(fits)
    }

    /// The interfaces that can pass, by the index that promises the fewest; none: no filter has an index.
    fn by_index(
        &'a self,
        call: &Call<'_>,
        state: &'a State,
    ) -> Option<Box<dyn Iterator<Item = &'a Arc<NetworkInterface>> + 'a>> {
        let account = call.account;
        let get = |id: NetworkInterfaceId| state.interfaces().get(&id);
        Some(if let Some(ids) = &self.ids {
            Box::new(ids.iter().copied().filter_map(get))
        } else if let Some(instance) = self.instance {
            let own = state.instances().get(&instance).into_iter().flat_map(|instance| instance.interfaces());
            Box::new(own.filter_map(get))
        } else if let Some(address) = self.address {
            Box::new(state.interfaces_at(account, IpAddr::V4(address)))
        } else if let Some(addresses) = &self.ipv6_addresses {
            let at = move |address: &Ipv6Addr| state.interfaces_at(account, IpAddr::V6(*address));
            Box::new(addresses.iter().flat_map(at))
        } else if let Some(group) = self.group {
            Box::new(state.members(group))
        } else if let Some(vswitch) = self.vswitch {
            Box::new(state.interfaces_in(vswitch))
        } else if let Some(network) = self.network {
            Box::new(state.vswitches_of(network).flat_map(|vswitch| state.interfaces_in(vswitch.id)))
        } else {
            return None;
        })
    }
}

fn shown(state: &State, interface: &NetworkInterface, first: Option<SecurityGroupId>) -> Value {
    let vswitch = state.vswitches().get(&interface.vswitch);
    let address = |address: Ipv4Addr| {
        json!({
            "PrivateIpAddress": address.to_string(),
            "Primary": address == interface.address,
            "PrivateIpStatus": "Available",
        })
    };
    let ipv6 = |address: &Ipv6Addr| json!({ "Ipv6Address": address.to_string() });
    json!({
        "NetworkInterfaceId": interface.id.to_string(),
        "NetworkInterfaceName": interface.name,
        "Description": interface.description,
        "Type": if interface.primary { "Primary" } else { "Secondary" },
        "Status": interface.status.name(),
        "InstanceId": interface.instance.map_or_else(String::new, |id| id.to_string()),
        "EnsRegionId": vswitch.map_or("", |vswitch| vswitch.region.as_str()),
        "NetworkId": vswitch.map_or_else(String::new, |vswitch| vswitch.network.to_string()),
        "VSwitchId": interface.vswitch.to_string(),
        "MacAddress": interface.mac.to_string(),
        "PrimaryIp": interface.address.to_string(),
        "PrimaryIpType": "private",
        "PrivateIpSets": { "PrivateIpSet": interface.addresses().map(address).collect::<Vec<_>>() },
        "Ipv6Sets": { "Ipv6Set": interface.ipv6_addresses.iter().map(ipv6).collect::<Vec<_>>() },
        "SecurityGroupIds": { "SecurityGroup": groups(interface, first) },
        "VmncLearn": false,
        "CreationTime": interface.created_at.to_text(),
    })
}

/// The groups of an interface, the newest membership first; before it the one that the caller asked for.
fn groups(interface: &NetworkInterface, first: Option<SecurityGroupId>) -> Vec<String> {
    let asked = interface.groups.iter().filter(|group| first == Some(**group));
    let others = interface.groups.iter().filter(|group| first != Some(**group));
    asked.chain(others).map(ToString::to_string).collect()
}
