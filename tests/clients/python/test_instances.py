"""Instances through each client: making, describing, the states, resetting, releasing."""

import json

import pytest

from conftest import CLIENTS, REGION, World, make_client, refused, unique, wait_until


def test_run_and_describe(client, world):
    name = unique("web")
    first, second = world.instances(2, InstanceName=name, SystemDisk={"Size": 40}, DataDisk=[{"Size": 20}])
    shown = world.describe(first)
    assert (shown["InstanceName"], shown["EnsRegionId"], shown["Status"]) == (name, REGION, "Running")
    # Asked for in GiB, shown in MiB: so it is in ENS.
    assert shown["SystemDisk"]["Size"] == 40 * 1024
    assert [disk["Size"] for disk in shown["DataDisk"]["DataDisk"]] == [20 * 1024]
    assert isinstance(shown["Cpu"], str)
    assert shown["SecurityGroupIds"] == {"SecurityGroupId": []}
    [interface] = shown["NetworkInterfaces"]["NetworkInterfaces"]
    assert interface["Type"] == "Primary"
    address = shown["NetworkAttributes"]["PrivateIpAddress"]["IpAddress"][0]
    assert interface["PrimaryIpAddress"] == address
    assert address != world.describe(second)["NetworkAttributes"]["PrivateIpAddress"]["IpAddress"][0]


def test_filters_hold_all_at_once(client, world):
    name = unique("filtered")
    instances = world.instances(3, InstanceName=name)

    def found(**filters):
        answer = client.call("DescribeInstances", InstanceName=name, **filters)
        ids = [one["InstanceId"] for one in answer["Instances"]["Instance"]]
        return ids if len(ids) == answer["TotalCount"] else answer["TotalCount"]

    assert sorted(found()) == sorted(instances)
    assert found(InstanceId=instances[0]) == [instances[0]]
    assert sorted(found(InstanceIds=json.dumps(instances[:2]))) == sorted(instances[:2])
    assert found(InstanceIds="[]") == [], "an empty list matches nothing"
    assert sorted(found(EnsRegionId=REGION, Status="Running")) == sorted(instances)
    assert found(Status="Stopped") == []
    assert found(EnsRegionId="cn-shanghai-cmcc") == []
    assert found(PageSize="2", PageNumber=2) == 3
    group = world.group()
    client.call("JoinSecurityGroup", SecurityGroupId=group, InstanceId=instances[1])
    assert found(SecurityGroupId=group) == [instances[1]]
    assert found(SecurityGroupId=group, InstanceId=instances[0]) == []
    assert found(SecurityGroupId="sg-nonexistent") == []


def test_stop_start_reboot(client, world):
    instance = world.instance()
    assert client.call("StopInstance", InstanceId=instance)["Code"] == 0
    world.wait(instance, "Stopped")
    refused(client, "StopInstance", "IncorrectInstanceStatus", InstanceId=instance)
    assert client.call("StartInstance", InstanceId=instance)["Code"] == 0
    world.wait(instance, "Running")
    assert client.call("RebootInstance", InstanceId=instance)["Code"] == 0
    world.wait(instance, "Running")


def test_many_at_once(client, world):
    instances = world.instances(2)
    answer = client.call("StopInstances", InstanceIds=[*instances, "i-nonexistent"])
    results = {one["InstanceId"]: one["Code"] for one in answer["InstanceResponses"]}
    assert [results[one] for one in instances] == [200, 200]
    assert results["i-nonexistent"] == 400
    for instance in instances:
        world.wait(instance, "Stopped")
    client.call("StartInstances", InstanceIds=instances)
    for instance in instances:
        world.wait(instance, "Running")
    client.call("RebootInstances", InstanceIds=instances)
    for instance in instances:
        world.wait(instance, "Running")


def test_modify(client, world):
    instance = world.instance()
    name = unique("renamed")
    client.call("ModifyInstanceAttribute", InstanceId=instance, InstanceName=name)
    assert world.describe(instance)["InstanceName"] == name


def test_a_reset_ends(client, world):
    instance = world.instance()
    client.call("ReinitInstance", InstanceId=instance, ImageId="m-ubuntu-24-04", Password="P@ss w0rd*~")
    wait_until(lambda: world.describe(instance)["Status"] in ("Running", "Stopped"), "the reset is over")
    assert world.describe(instance)["ImageId"] == "m-ubuntu-24-04"


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_reset_takes_a_while(slow_server, kind):
    world = World(make_client(kind, slow_server))
    instance = world.instance()
    world.client.call("ReinitInstance", InstanceId=instance, ImageId="m-debian-12")
    assert world.describe(instance)["Status"] == "Resetting"
    refused(world.client, "StartInstance", "IncorrectInstanceStatus", InstanceId=instance)


def test_release(client, world):
    group = world.group()
    instance = world.instance(SecurityId=group)
    client.call("StopInstance", InstanceId=instance)
    world.wait(instance, "Stopped")
    client.call("ReleasePostPaidInstance", InstanceId=instance)
    wait_until(lambda: world.describe(instance) is None, "the instance is gone")
    # It has left its groups, so that the group can go, too.
    client.call("DeleteSecurityGroup", SecurityGroupId=group)
    refused(client, "ReleasePostPaidInstance", "InstanceIdNotFound", InstanceId=instance)


def test_a_subscription(client, world):
    answer = client.call(
        "CreateInstance",
        EnsRegionId=REGION,
        InstanceType="ens.sn1.tiny",
        Period="1",
        Quantity="1",
        PaymentType="Subscription",
    )
    assert answer["Code"] == 0
    [instance] = answer["InstanceIds"]["InstanceId"]
    world.wait(instance, "Running")
    refused(client, "ReleasePostPaidInstance", "InvalidParameter", InstanceId=instance)


def test_what_is_offered(client):
    regions = client.call("DescribeEnsRegions")["EnsRegions"]["EnsRegions"]
    assert REGION in [one["EnsRegionId"] for one in regions]
    types = client.call("DescribeInstanceTypes")["InstanceTypes"]["InstanceType"]
    assert "ens.sn1.small" in [one["InstanceTypeId"] for one in types]
    assert client.call("DescribeInstanceSpec")["InstanceSpecs"]["InstanceSpec"]
    images = client.call("DescribeImages")["Images"]["Image"]
    assert "m-debian-12" in [one["ImageId"] for one in images]
    assert client.call("DescribeImageInfos")["Images"]["Image"]


def test_providers(ens):
    """The one operation that is GET only."""
    isps = ens.call("DescribeRegionIsps", EnsRegionId="cn-chenzhou-telecom_unicom_cmcc")["Isps"]
    assert sorted(one["Code"] for one in isps) == ["cmcc", "telecom", "unicom"]


def test_another_account_sees_nothing(server, stranger, here):
    instance = here.instance()
    theirs = make_client("new-v3", server, stranger)
    assert theirs.call("DescribeInstances", InstanceId=instance)["TotalCount"] == 0
    refused(theirs, "StopInstance", "InstanceIdNotFound", InstanceId=instance)
