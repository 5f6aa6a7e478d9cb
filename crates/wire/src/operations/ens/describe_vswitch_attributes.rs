//! `DescribeVSwitchAttributes`.

use model::state::AddressPool;

use super::addressing::insert_users;
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DescribeVSwitchAttributes",
    family: "network",
    summary: "Shows one vSwitch with what is in it.",
    description: "The lists of instances and interfaces name up to 1,000 interfaces and the instances they belong to; DescribeInstances and DescribeNetworkInterfaces list all of them, a page at a time. NAT gateways, load balancers and virtual addresses do not exist here: their lists are empty.",
    methods: Methods::GetOrPost,
    parameters: &[Parameter::required(
        "VSwitchId",
        Kind::Id,
        "The vSwitch.",
        "vsw-5rllcjb3ol6duzjdnbm1ombn7",
    )],
    exactly_one: &[],
    answer: &[
        Field::text("VSwitchId", "vsw-5rllcjb3ol6duzjdnbm1ombn7"),
        Field::text("VSwitchName", "front-1"),
        Field::text("Description", "First row of front ends"),
        Field::text("EnsRegionId", "cn-hangzhou-telecom"),
        Field::text("NetworkId", "n-5vn4n3y4laeb2ii9zxxltlvzi"),
        Field::text("CidrBlock", "192.168.1.0/24"),
        Field::text("Ipv6CidrBlock", "fd00:1:2:301::/64"),
        Field::integer("AvailableIpAddressCount", "253"),
        Field::text("Status", "Available"),
        Field::text("CreatedTime", "2026-11-22T06:33:15Z"),
        Field::text("InstanceIds.InstanceId[]", "i-5vn4n3y4laeb2ii9zxxltlvzi"),
        Field::text("NetworkInterfaceIds.NetworkInterfaceId[]", "eni-5f6533jbifugr5fo2j1wabcde"),
        Field::text("HaVipIds.HaVipId[]", ""),
        Field::text("LoadBalancerIds.LoadBalancerId[]", ""),
        Field::text("NatGatewayIds.NatGatewayId[]", ""),
    ],
    errors: &[&code::VSWITCH_NOT_FOUND],
    ram: Ram::all("ens:DescribeVSwitchAttributes", Access::List),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let id = call.arguments.required_id("VSwitchId");
    let vswitch =
        state.vswitches().of(call.account, &id).ok_or_else(|| Fault::of(&code::VSWITCH_NOT_FOUND))?;
    let mut answer = Answer::new();
    let mut insert = |name: &str, value: Value| answer.insert(name.into(), value);
    insert("VSwitchId", json!(vswitch.id.to_string()));
    insert("VSwitchName", json!(vswitch.name));
    insert("Description", json!(vswitch.description));
    insert("EnsRegionId", json!(vswitch.region.as_str()));
    insert("NetworkId", json!(vswitch.network.to_string()));
    insert("CidrBlock", json!(vswitch.cidr.to_string()));
    insert("Ipv6CidrBlock", json!(vswitch.ipv6_cidr.map_or_else(String::new, |block| block.to_string())));
    insert("AvailableIpAddressCount", json!(state.pool(id).map_or(0, AddressPool::free)));
    insert("Status", json!("Available"));
    insert("CreatedTime", json!(vswitch.created_at.to_text()));
    insert_users(&mut answer, state.interfaces_in(id));
    Ok(answer)
}
