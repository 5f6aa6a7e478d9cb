"""Networks, vSwitches and tags through each client."""

import pytest

from conftest import REGION, refused, unique


def networks(client, **filters):
    return client.call("DescribeNetworks", **filters)["Networks"]["Network"]


def vswitches(client, **filters):
    return client.call("DescribeVSwitches", **filters)["VSwitches"]["VSwitch"]


def test_networks(client):
    name = unique("network")
    made = client.call(
        "CreateNetwork", EnsRegionId=REGION, CidrBlock="192.168.0.0/16", NetworkName=name, Description="a test's"
    )
    network = made["NetworkId"]
    [found] = networks(client, NetworkId=network)
    assert (found["NetworkName"], found["CidrBlock"], found["Status"]) == (name, "192.168.0.0/16", "Available")
    assert found["VSwitchIds"] == {"VSwitchId": []}
    client.call("ModifyNetworkAttribute", NetworkId=network, NetworkName=name + "-2", Description="still a test's")
    answer = client.call("DescribeNetworkAttribute", NetworkId=network)
    assert (answer["NetworkName"], answer["Description"]) == (name + "-2", "still a test's")
    client.call("DeleteNetwork", NetworkId=network)
    assert networks(client, NetworkId=network) == []
    refused(client, "DescribeNetworkAttribute", "InvalidNetworkId.NotFound", NetworkId=network)


def test_vswitches(client, world):
    network, vswitch = world.vswitch("10.0.1.0/24")
    [found] = vswitches(client, VSwitchId=vswitch)
    assert (found["CidrBlock"], found["NetworkId"], found["Status"]) == ("10.0.1.0/24", network, "Available")
    free = found["FreeIpCount"]
    name = unique("vswitch")
    client.call("ModifyVSwitchAttribute", VSwitchId=vswitch, VSwitchName=name)
    answer = client.call("DescribeVSwitchAttributes", VSwitchId=vswitch)
    assert answer["VSwitchName"] == name
    instance = world.instance(VSwitchId=vswitch)
    address = world.describe(instance)["NetworkAttributes"]["PrivateIpAddress"]["IpAddress"][0]
    assert address.startswith("10.0.1.")
    assert vswitches(client, VSwitchId=vswitch)[0]["FreeIpCount"] == free - 1
    refused(client, "DeleteVSwitch", "DependencyViolation", VSwitchId=vswitch)
    refused(client, "DeleteNetwork", "DependencyViolation", NetworkId=network)


def test_a_vswitch_that_is_not_used_can_go(client, world):
    network, vswitch = world.vswitch()
    assert client.call("DescribeNetworkAttribute", NetworkId=network)["VSwitchIds"]["VSwitchId"] == [vswitch]
    client.call("DeleteVSwitch", VSwitchId=vswitch)
    assert vswitches(client, NetworkId=network) == []
    refused(client, "DescribeVSwitchAttributes", "InvalidVSwitchId.NotFound", VSwitchId=vswitch)


@pytest.mark.parametrize("cidr", ["10.1.0.0/24", "10.0.0.0/30"])
def test_blocks_that_do_not_fit(client, world, cidr):
    network, _ = world.vswitch()
    wish = {"EnsRegionId": REGION, "NetworkId": network, "CidrBlock": cidr}
    assert "CidrBlock" in refused(client, "CreateVSwitch", "InvalidParameter", **wish).message


def test_tags(client, world):
    instances = world.instances(2)
    tags = [{"Key": "team", "Value": "c&d*~+/="}, {"Key": unique("a b"), "Value": ""}]
    client.call("TagResources", ResourceType="instance", ResourceId=instances, Tag=tags)

    def listed(**filters):
        answer = client.call("ListTagResources", ResourceType="instance", **filters)
        return {(one["ResourceId"], one["TagKey"], one["TagValue"]) for one in answer["TagResources"]}

    everything = {(one, tag["Key"], tag["Value"]) for one in instances for tag in tags}
    assert listed(ResourceId=instances) == everything
    assert listed(Tag=[tags[1]]) == everything
    client.call("UntagResources", ResourceType="instance", ResourceId=instances[:1], TagKey=["team"])
    assert listed(ResourceId=instances) == everything - {(instances[0], "team", "c&d*~+/=")}
    client.call("UntagResources", ResourceType="instance", ResourceId=instances, All=True)
    assert listed(ResourceId=instances) == set()
