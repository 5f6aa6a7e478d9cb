//! `DescribeVSwitches`.

use std::sync::Arc;

use model::{NetworkId, VSwitchId, network::VSwitch, state::AddressPool};

use super::{
    filter::{IDS, REGION, REGIONS, both, newest_first, passes, regions},
    page::{PAGE_NUMBER, PAGE_SIZE, Page},
    tagging,
};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DescribeVSwitches",
    family: "network",
    summary: "Lists vSwitches with their free addresses, the newest first.",
    description: "Filters hold all at once.",
    methods: Methods::GetOrPost,
    parameters: &[
        REGION,
        REGIONS,
        Parameter::optional("NetworkId", Kind::Id, "Those of this network.", "n-5vn4n3y4laeb2ii9zxxltlvzi"),
        Parameter::optional("VSwitchId", Kind::Id, "This vSwitch alone.", "vsw-5rllcjb3ol6duzjdnbm1ombn7"),
        Parameter::optional("VSwitchIds", IDS, "These vSwitches alone.", "vsw-5rllcjb3ol6duzjdnbm1ombn7"),
        Parameter::optional("VSwitchName", Kind::text(128), "Those of exactly this name.", "front-1"),
        Parameter::optional(
            "EnableIpv6",
            Kind::Boolean,
            "`true`: those with IPv6; `false`: those without.",
            "true",
        ),
        PAGE_NUMBER,
        PAGE_SIZE,
    ],
    exactly_one: &[],
    answer: &[
        Field::integer("PageNumber", "1"),
        Field::integer("PageSize", "10"),
        Field::integer("TotalCount", "1"),
        Field::text("VSwitches.VSwitch[].VSwitchId", "vsw-5rllcjb3ol6duzjdnbm1ombn7"),
        Field::text("VSwitches.VSwitch[].VSwitchName", "front-1"),
        Field::text("VSwitches.VSwitch[].Description", "First row of front ends"),
        Field::text("VSwitches.VSwitch[].EnsRegionId", "cn-hangzhou-telecom"),
        Field::text("VSwitches.VSwitch[].NetworkId", "n-5vn4n3y4laeb2ii9zxxltlvzi"),
        Field::text("VSwitches.VSwitch[].CidrBlock", "192.168.1.0/24"),
        Field::text("VSwitches.VSwitch[].Ipv6CidrBlock", "fd00:1:2:301::/64"),
        Field::integer("VSwitches.VSwitch[].FreeIpCount", "253"),
        Field::text("VSwitches.VSwitch[].Status", "Available"),
        Field::text("VSwitches.VSwitch[].CreatedTime", "2026-11-22T06:33:15Z"),
        Field::text("VSwitches.VSwitch[].Tags.Tag[].Key", "team"),
        Field::text("VSwitches.VSwitch[].Tags.Tag[].Value", "blue"),
        Field::text("VSwitches.VSwitch[].Tags.Tag[].TagKey", "team"),
        Field::text("VSwitches.VSwitch[].Tags.Tag[].TagValue", "blue"),
    ],
    errors: &[],
    ram: Ram::all("ens:DescribeVSwitches", Access::List),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let arguments = call.arguments;
    let vswitches = state.vswitches();
    let ids: Option<Vec<VSwitchId>> = both(arguments.id("VSwitchId"), arguments.ids("VSwitchIds"));
    let network: Option<NetworkId> = arguments.id("NetworkId");
    let (regions, name) = (regions(arguments), arguments.text("VSwitchName"));
    let ipv6 = arguments.boolean("EnableIpv6");
    let has = |vswitch: &&Arc<VSwitch>| {
        vswitch.account == call.account
            && network.is_none_or(|network| vswitch.network == network)
            && passes(regions.as_deref(), &vswitch.region.as_str())
            && name.is_none_or(|name| &*vswitch.name == name)
            && ipv6.is_none_or(|ipv6| vswitch.ipv6_cidr.is_some() == ipv6)
    };
    let page = Page::of(arguments, 10);
    let (mut answer, entries) = match (&ids, network) {
        (Some(ids), _) => {
            let named = ids.iter().filter_map(|id| vswitches.get(id));
            page.cut(newest_first(named.filter(has)).into_iter())
        }
        (None, Some(network)) => page.cut(newest_first(state.vswitches_of(network).filter(has)).into_iter()),
        (None, None) if regions.is_none() && name.is_none() && ipv6.is_none() => {
            page.cut_counted(vswitches.newest_first(call.account), vswitches.count(call.account))
        }
        (None, None) => page.cut(vswitches.newest_first(call.account).filter(has)),
    };
    let shown: Vec<Value> = entries.into_iter().map(|vswitch| shown(state, vswitch)).collect();
    answer.insert("VSwitches".into(), json!({ "VSwitch": shown }));
    Ok(answer)
}

fn shown(state: &State, vswitch: &VSwitch) -> Value {
    json!({
        "VSwitchId": vswitch.id.to_string(),
        "VSwitchName": vswitch.name,
        "Description": vswitch.description,
        "EnsRegionId": vswitch.region.as_str(),
        "NetworkId": vswitch.network.to_string(),
        "CidrBlock": vswitch.cidr.to_string(),
        "Ipv6CidrBlock": vswitch.ipv6_cidr.map_or_else(String::new, |block| block.to_string()),
        "FreeIpCount": state.pool(vswitch.id).map_or(0, AddressPool::free),
        "Status": "Available",
        "CreatedTime": vswitch.created_at.to_text(),
        "Tags": tagging::shown(&vswitch.tags),
    })
}
