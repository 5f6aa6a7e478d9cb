//! `DescribeNetworks`.

use std::sync::Arc;

use model::{NetworkId, network::Network};

use super::{
    addressing::{ipv6_blocks, vswitch_ids},
    filter::{IDS, REGION, REGIONS, both, newest_first, passes, regions},
    page::{PAGE_NUMBER, Page},
    tagging,
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DescribeNetworks",
    family: "network",
    summary: "Lists networks with their vSwitches, the newest first.",
    description: "Filters hold all at once. Route tables, network ACLs and further IPv4 blocks do not exist here: their fields are empty.",
    methods: Methods::GetOrPost,
    parameters: &[
        REGION,
        REGIONS,
        Parameter::optional("NetworkId", Kind::Id, "This network alone.", "n-5vn4n3y4laeb2ii9zxxltlvzi"),
        Parameter::optional("NetworkIds", IDS, "These networks alone.", "n-5vn4n3y4laeb2ii9zxxltlvzi"),
        Parameter::optional("NetworkName", Kind::text(128), "Networks of exactly this name.", "front"),
        PAGE_NUMBER,
        Parameter::optional(
            "PageSize",
            Kind::Integer { min: 1, max: 50 },
            "How many entries a page has; 10 where it is not given.",
            "10",
        ),
    ],
    exactly_one: &[],
    answer: ANSWER,
    errors: &[],
    ram: Ram::all("ens:DescribeNetworks", Access::List),
    handler: Handler::Query(query),
};

/// The fields of a page of networks.
pub(in super::super) const ANSWER: &[Field] = &[
    Field::integer("PageNumber", "1"),
    Field::integer("PageSize", "10"),
    Field::integer("TotalCount", "1"),
    Field::text("Networks.Network[].NetworkId", "n-5vn4n3y4laeb2ii9zxxltlvzi"),
    Field::text("Networks.Network[].NetworkName", "front"),
    Field::text("Networks.Network[].Description", "Front ends"),
    Field::text("Networks.Network[].EnsRegionId", "cn-hangzhou-telecom"),
    Field::text("Networks.Network[].CidrBlock", "192.168.0.0/16"),
    Field::text("Networks.Network[].SecondaryCidrBlocks.SecondaryCidrBlock[]", ""),
    Field::text("Networks.Network[].Ipv6CidrBlocks.Ipv6CidrBlock[].Ipv6CidrBlock", "fd00:1:2:3::/56"),
    Field::text("Networks.Network[].Ipv6CidrBlocks.Ipv6CidrBlock[].Ipv6Isp", "telecom"),
    Field::text("Networks.Network[].Ipv6CidrBlocks.Ipv6CidrBlock[].Type", "private"),
    Field::text("Networks.Network[].Status", "Available"),
    Field::text("Networks.Network[].CreatedTime", "2026-11-22T06:33:15Z"),
    Field::text("Networks.Network[].VSwitchIds.VSwitchId[]", "vsw-5rllcjb3ol6duzjdnbm1ombn7"),
    Field::text("Networks.Network[].Tags.Tag[].Key", "team"),
    Field::text("Networks.Network[].Tags.Tag[].Value", "blue"),
    Field::text("Networks.Network[].Tags.Tag[].TagKey", "team"),
    Field::text("Networks.Network[].Tags.Tag[].TagValue", "blue"),
    Field::text("Networks.Network[].RouterTableId", ""),
    Field::text("Networks.Network[].RouteTableId", ""),
    Field::text("Networks.Network[].RouteTableIds.RouteTableId[]", ""),
    Field::text("Networks.Network[].GatewayRouteTableId", ""),
    Field::text("Networks.Network[].NetworkAclId", ""),
];

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let arguments = call.arguments;
    let networks = state.networks();
    let ids: Option<Vec<NetworkId>> = both(arguments.id("NetworkId"), arguments.ids("NetworkIds"));
    let (regions, name) = (regions(arguments), arguments.text("NetworkName"));
    let has = |network: &&Arc<Network>| {
        network.account == call.account
            && passes(regions.as_deref(), &network.region.as_str())
            && name.is_none_or(|name| &*network.name == name)
    };
    let page = Page::of(arguments, 10);
    let (mut answer, entries) = match &ids {
        Some(ids) => {
            let named = ids.iter().filter_map(|id| networks.get(id));
            page.cut(newest_first(named.filter(has)).into_iter())
        }
        None if regions.is_none() && name.is_none() => {
            page.cut_counted(networks.newest_first(call.account), networks.count(call.account))
        }
        None => page.cut(networks.newest_first(call.account).filter(has)),
    };
    put(&mut answer, state, entries);
    Ok(answer)
}

/// Puts networks into the answer.
pub(in super::super) fn put(answer: &mut Answer, state: &State, networks: Vec<&Arc<Network>>) {
    let shown: Vec<Value> = networks.into_iter().map(|network| shown(state, network)).collect();
    answer.insert("Networks".into(), json!({ "Network": shown }));
}

fn shown(state: &State, network: &Network) -> Value {
    json!({
        "NetworkId": network.id.to_string(),
        "NetworkName": network.name,
        "Description": network.description,
        "EnsRegionId": network.region.as_str(),
        "CidrBlock": network.cidr.to_string(),
        "SecondaryCidrBlocks": { "SecondaryCidrBlock": [] },
        "Ipv6CidrBlocks": ipv6_blocks(network),
        "Status": "Available",
        "CreatedTime": network.created_at.to_text(),
        "VSwitchIds": { "VSwitchId": vswitch_ids(state, network) },
        "Tags": tagging::shown(&network.tags),
        "RouterTableId": "",
        "RouteTableId": "",
        "RouteTableIds": { "RouteTableId": [] },
        "GatewayRouteTableId": "",
        "NetworkAclId": "",
    })
}
