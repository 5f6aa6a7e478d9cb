"""Every row of the error table of LeaveSecurityGroup, with each client: code, HTTP 400 and a request id.

Rows that Leave cannot reach are reached through the sibling that can. `ens.interface.error` needs a node, and
`CallInterface` a disk that fails: both are tested where there is one.
"""

import json

import pytest

from conftest import CLIENTS, World, make_client, refused, unique

RULE = {"IpProtocol": "tcp", "PortRange": "22/22", "SourceCidrIp": "10.0.0.0/8"}


def leave_refused(client, code, **parameters):
    return refused(client, "LeaveSecurityGroup", code, **parameters)


def test_missing_parameter(client, world):
    group, instance = world.group(), world.instance()
    leave_refused(client, "MissingParameter", InstanceId=instance)
    leave_refused(client, "MissingParameter", SecurityGroupId=group)
    # An empty text counts as not supplied.
    error = leave_refused(client, "MissingParameter", SecurityGroupId=group, InstanceId="")
    assert "The input parameter that is mandatory for processing this request is not supplied." in error.message


def test_no_permission(client, server, ram, here):
    group, instance = here.group(), here.instance()
    here.client.call("JoinSecurityGroup", SecurityGroupId=group, InstanceId=instance)
    user = unique("nobody")
    ram.call("CreateUser", UserName=user)
    made = ram.call("CreateAccessKey", UserName=user)["AccessKey"]
    client = as_user(client, server, made)
    error = leave_refused(client, "NoPermission", SecurityGroupId=group, InstanceId=instance)
    assert "Permission denied." in error.message
    # RAM is asked before the parameters are looked at, and says nothing about what exists.
    leave_refused(client, "NoPermission")
    leave_refused(client, "NoPermission", SecurityGroupId="sg-nonexistent", InstanceId=instance)
    assert here.groups_of(instance) == [group]


def as_user(client, server, made):
    """A client of the same kind with another key."""
    from clients import OldSdk
    from ravelin_server import Key

    kind = "old" if isinstance(client, OldSdk) else "new-v1" if client.client._signature_algorithm else "new-v3"
    return make_client(kind, server, Key(made["AccessKeyId"], made["AccessKeySecret"]))


@pytest.mark.parametrize("id_", ["sg/1", "sg 1", "sg-ü", "s" * 129])
def test_malformed_id(client, id_):
    error = leave_refused(client, "InvalidParameter.SecurityGroupId", SecurityGroupId=id_, InstanceId="i-1")
    assert "The specified field SecurityGroupId invalid. Please check it again." in error.message


def test_malformed_target(client, world):
    group = world.group()
    leave_refused(client, "InvalidParameter.InstanceId", SecurityGroupId=group, InstanceId="i;1")
    leave_refused(client, "InvalidParameter.NetworkInterfaceId", SecurityGroupId=group, NetworkInterfaceId="eni'1")


def test_both_targets(client, world):
    group, instance = world.group(), world.instance()
    targets = {"InstanceId": instance, "NetworkInterfaceId": world.primary(instance)}
    error = leave_refused(client, "InvalidParameter", SecurityGroupId=group, **targets)
    assert "InstanceId" in error.message and "NetworkInterfaceId" in error.message


def test_not_a_member(client, world):
    group, instance = world.group(), world.instance()
    error = leave_refused(client, "InvalidParameter", SecurityGroupId=group, InstanceId=instance)
    assert group in error.message and instance in error.message
    interface = world.primary(instance)
    error = leave_refused(client, "InvalidParameter", SecurityGroupId=group, NetworkInterfaceId=interface)
    assert group in error.message and interface in error.message


def test_a_second_leave_is_an_error(client, world):
    group, instance = world.group(), world.instance()
    client.call("JoinSecurityGroup", SecurityGroupId=group, InstanceId=instance)
    client.call("LeaveSecurityGroup", SecurityGroupId=group, InstanceId=instance)
    leave_refused(client, "InvalidParameter", SecurityGroupId=group, InstanceId=instance)


def test_unknown_group(client, world):
    error = leave_refused(
        client, "InvalidSecurityGroupId.NotFound", SecurityGroupId="sg-nonexistent", InstanceId=world.instance()
    )
    assert "The specified SecurityGroupId does not exist." in error.message


def test_the_group_is_looked_for_before_the_target(client):
    leave_refused(client, "InvalidSecurityGroupId.NotFound", SecurityGroupId="sg-none", InstanceId="i-none")


def test_another_accounts_group(client, server, stranger, world):
    theirs = World(make_client("new-v3", server, stranger))
    group, instance = theirs.group(), world.instance()
    leave_refused(client, "InvalidSecurityGroupId.NotFound", SecurityGroupId=group, InstanceId=instance)


def test_unknown_instance(client, world):
    error = leave_refused(
        client, "InvalidInstanceId.NotFound", SecurityGroupId=world.group(), InstanceId="i-nonexistent"
    )
    assert "The specified InstanceId does not exist." in error.message


def test_another_accounts_instance_and_interface(client, server, stranger, world):
    theirs = World(make_client("new-v3", server, stranger))
    instance = theirs.instance()
    interface = theirs.primary(instance)
    group = world.group()
    leave_refused(client, "InvalidInstanceId.NotFound", SecurityGroupId=group, InstanceId=instance)
    leave_refused(client, "InvalidEniId.NotFound", SecurityGroupId=group, NetworkInterfaceId=interface)


def test_unknown_interface(client, world):
    error = leave_refused(
        client, "InvalidEniId.NotFound", SecurityGroupId=world.group(), NetworkInterfaceId="eni-nonexistent"
    )
    assert "The specified NetworkInterfaceId does not exist." in error.message


@pytest.mark.parametrize("kind", CLIENTS)
@pytest.mark.parametrize("reset", ["ReinitInstance", "ReInitDisk"])
def test_a_disk_is_being_reset(slow_server, kind, reset):
    client = make_client(kind, slow_server)
    world = World(client)
    group, instance = world.group(), world.instance()
    client.call("JoinSecurityGroup", SecurityGroupId=group, InstanceId=instance)
    client.call("StopInstance", InstanceId=instance)
    world.wait(instance, "Stopped")
    if reset == "ReinitInstance":
        client.call("ReinitInstance", InstanceId=instance, ImageId="m-debian-12")
    else:
        disk = world.describe(instance)["SystemDisk"]["DiskId"]
        client.call("ReInitDisk", DiskId=disk, ImageId="m-debian-12")
    assert world.describe(instance)["Status"] == "Resetting"
    error = leave_refused(client, "IncorrectInstanceStatus", SecurityGroupId=group, InstanceId=instance)
    assert "The current status of the resource does not support this operation." in error.message
    interface = world.primary(instance)
    leave_refused(client, "IncorrectInstanceStatus", SecurityGroupId=group, NetworkInterfaceId=interface)
    refused(client, "JoinSecurityGroup", "IncorrectInstanceStatus", SecurityGroupId=world.group(), InstanceId=instance)
    assert world.groups_of(instance) == [group]


def test_duplicated_rule(client, world):
    group = world.group()
    client.call("AuthorizeSecurityGroup", SecurityGroupId=group, **RULE)
    error = refused(
        client, "AuthorizeSecurityGroup", "SecurityGroupRuleConflict.Duplicated", SecurityGroupId=group, **RULE
    )
    assert "The SecurityGroup rule already exists." in error.message


def test_too_many_rules(client, world):
    rules = [
        {
            "Direction": "ingress",
            "IpProtocol": "TCP",
            "Policy": "Accept",
            "PortRange": f"{port}/{port}",
            "Priority": 1,
            "SourceCidrIp": "10.0.0.0/8",
        }
        for port in range(1, 41)
    ]
    group = world.group(Permissions=rules)
    for first in range(41, 201, 40):
        more = [{**rule, "PortRange": f"{first + n}/{first + n}"} for n, rule in enumerate(rules)]
        client.call("CreateSecurityGroupPermissions", SecurityGroupId=group, Permissions=more)
    error = refused(client, "AuthorizeSecurityGroup", "AuthorizationLimitExceed", SecurityGroupId=group, **RULE, Priority=2)
    assert "The limit of authorization records in the security group reaches." in error.message
    answer = client.call("DescribeSecurityGroupAttribute", SecurityGroupId=group)
    assert len(answer["Permissions"]["Permission"]) == 200


def test_unknown_rule(client, world):
    error = refused(
        client, "RevokeSecurityGroup", "SecurityGroupRule.NotFound", SecurityGroupId=world.group(), **RULE
    )
    assert "The input security group rule does not exist." in error.message


def test_every_error_names_a_page_of_this_server(server):
    """What the SDKs drop: `HostId` and `Recommend`."""
    from urllib.parse import urlparse

    import requests

    answer = requests.post(f"http://{server.http}/?Action=LeaveSecurityGroup&Version=2017-11-10&Format=JSON", timeout=30)
    assert answer.status_code == 400
    error = answer.json()
    assert set(error) >= {"RequestId", "HostId", "Code", "Message", "Recommend"}, json.dumps(error)
    page = urlparse(error["Recommend"])
    assert page.netloc == server.http
    assert error["Code"] in error["Recommend"]
    assert requests.get(error["Recommend"], timeout=30).status_code == 200
