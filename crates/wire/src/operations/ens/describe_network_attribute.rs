//! `DescribeNetworkAttribute`.

use super::addressing::{insert_users, ipv6_blocks, vswitch_ids};
use crate::catalogue::prelude::*;

pub(super) static OPERATION: Operation = Operation {
    product: Product::Ens,
    name: "DescribeNetworkAttribute",
    family: "network",
    summary: "Shows one network with what is in it.",
    description: "The lists of instances and interfaces name up to 1,000 interfaces and the instances they belong to; DescribeInstances and DescribeNetworkInterfaces list all of them, a page at a time. Route tables, network ACLs, further IPv4 blocks, NAT gateways, load balancers and virtual addresses do not exist here: their fields are empty.",
    methods: Methods::GetOrPost,
    parameters: &[Parameter::required("NetworkId", Kind::Id, "The network.", "n-5vn4n3y4laeb2ii9zxxltlvzi")],
    exactly_one: &[],
    answer: &[
        Field::text("NetworkId", "n-5vn4n3y4laeb2ii9zxxltlvzi"),
        Field::text("NetworkName", "front"),
        Field::text("Description", "Front ends"),
        Field::text("EnsRegionId", "cn-hangzhou-telecom"),
        Field::text("CidrBlock", "192.168.0.0/16"),
        Field::text("SecondaryCidrBlocks.SecondaryCidrBlock[]", ""),
        Field::text("Ipv6CidrBlocks.Ipv6CidrBlock[].Ipv6CidrBlock", "fd00:1:2:3::/56"),
        Field::text("Ipv6CidrBlocks.Ipv6CidrBlock[].Ipv6Isp", "telecom"),
        Field::text("Ipv6CidrBlocks.Ipv6CidrBlock[].Type", "private"),
        Field::text("Status", "Available"),
        Field::text("CreatedTime", "2026-11-22T06:33:15Z"),
        Field::text("VSwitchIds.VSwitchId[]", "vsw-5rllcjb3ol6duzjdnbm1ombn7"),
        Field::text("InstanceIds.InstanceId[]", "i-5vn4n3y4laeb2ii9zxxltlvzi"),
        Field::text("NetworkInterfaceIds.NetworkInterfaceId[]", "eni-5f6533jbifugr5fo2j1wabcde"),
        Field::text("CloudResources.CloudResourceSetType[].ResourceType", "VSwitch"),
        Field::integer("CloudResources.CloudResourceSetType[].ResourceCount", "1"),
        Field::text("RouterTableId", ""),
        Field::text("RouteTableId", ""),
        Field::text("RouteTableIds.RouteTableId[]", ""),
        Field::text("GatewayRouteTableId", ""),
        Field::text("NetworkAclId", ""),
        Field::text("HaVipIds.HaVipId[]", ""),
        Field::text("LoadBalancerIds.LoadBalancerId[]", ""),
        Field::text("NatGatewayIds.NatGatewayId[]", ""),
    ],
    errors: &[&code::NETWORK_NOT_FOUND],
    ram: Ram::all("ens:DescribeNetworkAttribute", Access::Get),
    handler: Handler::Query(query),
};

fn query(call: &Call<'_>, state: &State) -> Result<Answer, Fault> {
    let id = call.arguments.required_id("NetworkId");
    let network =
        state.networks().of(call.account, &id).ok_or_else(|| Fault::of(&code::NETWORK_NOT_FOUND))?;
    let vswitches = vswitch_ids(state, network);
    let mut answer = Answer::new();
    let mut insert = |name: &str, value: Value| answer.insert(name.into(), value);
    insert("NetworkId", json!(network.id.to_string()));
    insert("NetworkName", json!(network.name));
    insert("Description", json!(network.description));
    insert("EnsRegionId", json!(network.region.as_str()));
    insert("CidrBlock", json!(network.cidr.to_string()));
    insert("SecondaryCidrBlocks", json!({ "SecondaryCidrBlock": [] }));
    insert("Ipv6CidrBlocks", ipv6_blocks(network));
    insert("Status", json!("Available"));
    insert("CreatedTime", json!(network.created_at.to_text()));
    let count = json!({ "ResourceType": "VSwitch", "ResourceCount": vswitches.len() });
    insert("CloudResources", json!({ "CloudResourceSetType": [count] }));
    insert("VSwitchIds", json!({ "VSwitchId": vswitches }));
    insert("RouteTableIds", json!({ "RouteTableId": [] }));
    for absent in ["RouterTableId", "RouteTableId", "GatewayRouteTableId", "NetworkAclId"] {
        insert(absent, json!(""));
    }
    let interfaces = state.vswitches_of(id).flat_map(|vswitch| state.interfaces_in(vswitch.id));
    insert_users(&mut answer, interfaces);
    Ok(answer)
}
