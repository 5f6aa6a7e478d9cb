"""Network interfaces through each client."""

from conftest import refused, unique, wait_until


def shown(client, interface):
    answer = client.call("DescribeNetworkInterfaces", NetworkInterfaceId=interface)
    found = answer["NetworkInterfaceSets"]["NetworkInterfaceSet"]
    return found[0] if found else None


def wait_for(client, interface, status):
    return wait_until(lambda: (shown(client, interface) or {}).get("Status") == status, f"{interface} {status}")


def create(client, world, vswitch, groups=None, **parameters):
    wish = {"VSwitchId": vswitch, "SecurityGroupIds": groups or [world.group()]}
    [interface] = client.call("CreateNetworkInterface", **wish, **parameters)["NetworkInterfaceIds"]
    return interface


def test_create_describe_modify_delete(client, world):
    network, vswitch = world.vswitch()
    groups = [world.group(), world.group()]
    name = unique("eni")
    interface = create(client, world, vswitch, groups, Name=name, Description="for a test")
    found = shown(client, interface)
    assert (found["NetworkInterfaceName"], found["Description"]) == (name, "for a test")
    assert (found["VSwitchId"], found["NetworkId"]) == (vswitch, network)
    assert (found["Status"], found["Type"]) == ("Available", "Secondary")
    assert sorted(found["SecurityGroupIds"]["SecurityGroup"]) == sorted(groups)
    assert found["PrimaryIp"] == found["PrivateIpSets"]["PrivateIpSet"][0]["PrivateIpAddress"]

    client.call("ModifyNetworkInterfaceAttribute", NetworkInterfaceId=interface, NetworkInterfaceName=name + "-2")
    assert shown(client, interface)["NetworkInterfaceName"] == name + "-2"
    answer = client.call("DescribeNetworkInterfaces", NetworkInterfaceIds=[interface, "eni-nonexistent"])
    assert answer["TotalCount"] == 1

    client.call("DeleteNetworkInterfaces", NetworkInterfaceIds=[interface])
    wait_until(lambda: shown(client, interface) is None, "the interface is gone")
    refused(client, "DeleteNetworkInterfaces", "InvalidEniId.NotFound", NetworkInterfaceIds=[interface])


def test_an_interface_joins_and_leaves_by_itself(client, world):
    _, vswitch = world.vswitch()
    first, second = world.group(), world.group()
    interface = create(client, world, vswitch, [first])
    client.call("JoinSecurityGroup", SecurityGroupId=second, NetworkInterfaceId=interface)
    assert shown(client, interface)["SecurityGroupIds"]["SecurityGroup"] == [second, first]
    answer = client.call("DescribeNetworkInterfaces", SecurityGroupId=first, VSwitchId=vswitch)
    [found] = answer["NetworkInterfaceSets"]["NetworkInterfaceSet"]
    assert found["NetworkInterfaceId"] == interface
    for group in (first, second):
        client.call("LeaveSecurityGroup", SecurityGroupId=group, NetworkInterfaceId=interface)
    assert shown(client, interface)["SecurityGroupIds"]["SecurityGroup"] == []
    refused(client, "LeaveSecurityGroup", "InvalidParameter", SecurityGroupId=first, NetworkInterfaceId=interface)


def test_attach_and_detach(client, world):
    _, vswitch = world.vswitch()
    instance = world.instance(VSwitchId=vswitch)
    primary_group, secondary_group = world.group(), world.group()
    client.call("JoinSecurityGroup", SecurityGroupId=primary_group, InstanceId=instance)
    interface = create(client, world, vswitch, [secondary_group])
    attach = {"InstanceId": instance, "NetworkInterfaceId": interface}
    refused(client, "AttachNetworkInterface", "InvalidOperation.InvalidEnsStatus", **attach)
    client.call("StopInstance", InstanceId=instance)
    world.wait(instance, "Stopped")
    client.call("AttachNetworkInterface", **attach)
    wait_for(client, interface, "InUse")
    assert shown(client, interface)["InstanceId"] == instance

    # An instance's groups are those of its primary interface, in the list and in the filter.
    assert world.groups_of(instance) == [primary_group]
    assert world.describe(instance, SecurityGroupId=secondary_group) is None
    refused(client, "LeaveSecurityGroup", "InvalidParameter", SecurityGroupId=secondary_group, InstanceId=instance)
    client.call("LeaveSecurityGroup", SecurityGroupId=secondary_group, NetworkInterfaceId=interface)

    primary = world.primary(instance)
    refused(client, "DetachNetworkInterface", "InvalidOperation.InvalidEniType", NetworkInterfaceId=primary)
    client.call("DetachNetworkInterface", NetworkInterfaceId=interface)
    wait_for(client, interface, "Available")


def test_further_addresses(client, world):
    _, vswitch = world.vswitch()
    interface = create(client, world, vswitch)
    answer = client.call("AssignPrivateIpAddresses", NetworkInterfaceId=interface, VSwitchId=vswitch)
    assigned = answer["AssignedPrivateIpAddressesSet"]
    assert assigned["NetworkInterfaceId"] == interface
    [address] = assigned["PrivateIpSet"]

    def addresses():
        return [one["PrivateIpAddress"] for one in shown(client, interface)["PrivateIpSets"]["PrivateIpSet"]]

    assert address in addresses()
    client.call("UnassignPrivateIpAddresses", NetworkInterfaceId=interface, PrivateIpAddress=[address])
    assert address not in addresses()


def test_groups_are_needed(client, world):
    _, vswitch = world.vswitch()
    refused(client, "CreateNetworkInterface", "MissingParameter", VSwitchId=vswitch)
    refused(
        client,
        "CreateNetworkInterface",
        "InvalidSecurityGroupId.NotFound",
        VSwitchId=vswitch,
        SecurityGroupIds=[world.group(), "sg-nonexistent"],
    )
