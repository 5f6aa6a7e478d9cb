"""The whole family of security groups, with each client."""

import pytest

from conftest import refused, unique

INGRESS = {"Direction": "ingress", "IpProtocol": "TCP", "Policy": "Accept", "PortRange": "80/80", "Priority": 1}
EGRESS = {"Direction": "egress", "IpProtocol": "UDP", "Policy": "Drop", "PortRange": "53/53", "Priority": 100}
ECHOED = (
    "Direction IpProtocol PortRange SourcePortRange Policy Priority SourceCidrIp DestCidrIp Ipv6SourceCidrIp "
    "Ipv6DestCidrIp Description"
).split()


def rules_of(client, group):
    answer = client.call("DescribeSecurityGroupAttribute", SecurityGroupId=group)
    return answer["Permissions"]["Permission"]


def assert_echoed(client, group, sent):
    """What was sent comes back as it was sent; what was not sent comes back empty or as its default."""
    shown = rules_of(client, group)
    assert len(shown) == len(sent)
    for rule in sent:
        found = [one for one in shown if all(one[name] == value for name, value in rule.items())]
        assert len(found) == 1, f"{rule} is not once in {shown}"
        for name in ECHOED:
            if name not in rule and name != "SourcePortRange":
                assert found[0].get(name, "") == "", f"{name} of {found[0]}"


def test_a_new_group_has_no_rules(client, world):
    name = unique("empty")
    group = world.group(SecurityGroupName=name, Description="nothing yet")
    assert group.startswith("sg-")
    answer = client.call("DescribeSecurityGroupAttribute", SecurityGroupId=group)
    assert answer["SecurityGroupId"] == group
    assert (answer["SecurityGroupName"], answer["Description"]) == (name, "nothing yet")
    assert answer["Permissions"] == {"Permission": []}


def test_modify(client, world):
    group = world.group(Description="before")
    name = unique("after")
    client.call("ModifySecurityGroupAttribute", SecurityGroupId=group, SecurityGroupName=name, Description="after")
    answer = client.call("DescribeSecurityGroupAttribute", SecurityGroupId=group)
    assert (answer["SecurityGroupName"], answer["Description"]) == (name, "after")


def test_describe_filters_and_pages(client, world):
    name = unique("listed")
    groups = {world.group(SecurityGroupName=name) for _ in range(3)}
    answer = client.call("DescribeSecurityGroups", SecurityGroupName=name, PageSize=2, PageNumber=1)
    assert (answer["TotalCount"], answer["PageSize"], answer["PageNumber"]) == (3, 2, 1)
    first = [one["SecurityGroupId"] for one in answer["SecurityGroups"]["SecurityGroup"]]
    answer = client.call("DescribeSecurityGroups", SecurityGroupName=name, PageSize=2, PageNumber=2)
    second = [one["SecurityGroupId"] for one in answer["SecurityGroups"]["SecurityGroup"]]
    assert (len(first), len(second)) == (2, 1)
    assert set(first + second) == groups
    answer = client.call("DescribeSecurityGroups", SecurityGroupId=first[0])
    assert [one["SecurityGroupId"] for one in answer["SecurityGroups"]["SecurityGroup"]] == [first[0]]
    assert client.call("DescribeSecurityGroups", SecurityGroupId="sg-none")["TotalCount"] == 0


def test_join_leave_and_members(client, world):
    first, second, instance = world.group(), world.group(), world.instance()
    for group in (first, second):
        client.call("JoinSecurityGroup", SecurityGroupId=group, InstanceId=instance)
    assert world.groups_of(instance) == [second, first], "the newest membership first"
    shown = world.describe(instance, SecurityGroupId=first)
    assert shown["SecurityGroupIds"]["SecurityGroupId"] == [first, second], "the group of the filter first"

    answer = client.call("DescribeSecurityGroups", SecurityGroupId=first)
    [listed] = answer["SecurityGroups"]["SecurityGroup"]
    assert listed["InstanceCount"] == 1
    assert listed["InstanceIds"] == {"InstanceId": [instance]}

    refused(client, "DeleteSecurityGroup", "DependencyViolation", SecurityGroupId=first)
    client.call("LeaveSecurityGroup", SecurityGroupId=first, InstanceId=instance)
    client.call("LeaveSecurityGroup", SecurityGroupId=second, NetworkInterfaceId=world.primary(instance))
    assert world.groups_of(instance) == []
    client.call("DeleteSecurityGroup", SecurityGroupId=first)
    refused(client, "DescribeSecurityGroupAttribute", "InvalidSecurityGroupId.NotFound", SecurityGroupId=first)


def test_join_twice(client, world):
    group, instance = world.group(), world.instance()
    client.call("JoinSecurityGroup", SecurityGroupId=group, InstanceId=instance)
    error = refused(client, "JoinSecurityGroup", "InvalidParameter", SecurityGroupId=group, InstanceId=instance)
    assert "already" in error.message


def test_an_instance_of_a_group_from_its_first_moment(client, world):
    group = world.group()
    instance = world.instance(SecurityId=group)
    assert world.groups_of(instance) == [group]
    client.call("LeaveSecurityGroup", SecurityGroupId=group, InstanceId=instance)


def test_a_stopped_instance_may_leave(client, world):
    group = world.group()
    instance = world.instance(SecurityId=group)
    client.call("StopInstance", InstanceId=instance)
    world.wait(instance, "Stopped")
    client.call("LeaveSecurityGroup", SecurityGroupId=group, InstanceId=instance)
    assert world.describe(instance, SecurityGroupId=group) is None


def test_the_old_dialect(client, world):
    group = world.group()
    ingress = {"IpProtocol": "tcp", "PortRange": "22/22", "SourceCidrIp": "10.1.2.3", "Policy": "drop", "Priority": 7}
    egress = {"IpProtocol": "all", "PortRange": "-1/-1", "DestCidrIp": "0.0.0.0/0"}
    gre = {"IpProtocol": "gre", "PortRange": "-1/-1", "SourceCidrIp": "192.168.0.0/16"}
    client.call("AuthorizeSecurityGroup", SecurityGroupId=group, **ingress)
    client.call("AuthorizeSecurityGroup", SecurityGroupId=group, **gre)
    client.call("AuthorizeSecurityGroupEgress", SecurityGroupId=group, **egress)
    assert_echoed(
        client,
        group,
        [
            {
                "Direction": "ingress",
                "IpProtocol": "TCP",
                "PortRange": "22/22",
                "SourceCidrIp": "10.1.2.3",
                "Policy": "Drop",
                "Priority": 7,
            },
            {
                "Direction": "ingress",
                "IpProtocol": "GRE",
                "PortRange": "-1/-1",
                "SourceCidrIp": "192.168.0.0/16",
                "Policy": "Accept",
                "Priority": 1,
            },
            {
                "Direction": "egress",
                "IpProtocol": "ALL",
                "PortRange": "-1/-1",
                "DestCidrIp": "0.0.0.0/0",
                "Policy": "Accept",
                "Priority": 1,
            },
        ],
    )
    client.call("RevokeSecurityGroup", SecurityGroupId=group, **ingress)
    client.call("RevokeSecurityGroup", SecurityGroupId=group, **gre)
    client.call("RevokeSecurityGroupEgress", SecurityGroupId=group, **egress)
    assert rules_of(client, group) == []


def test_the_new_dialect_comes_back_as_it_was_sent(client, world):
    created = [
        {**INGRESS, "SourceCidrIp": "10.0.0.0/8", "Description": "web from inside"},
        {**INGRESS, "IpProtocol": "ALL", "PortRange": "-1/-1", "DestCidrIp": "0.0.0.0/0", "Priority": 2},
    ]
    group = world.group(Permissions=created)
    assert_echoed(client, group, created)
    added = [
        {**INGRESS, "PortRange": "8000/9000", "SourcePortRange": "1024/65535", "SourceCidrIp": "10.1.2.3"},
        {**EGRESS, "SourceCidrIp": "10.0.0.0/8", "DestCidrIp": "192.0.2.0/24"},
        {**EGRESS, "Ipv6DestCidrIp": "::/0"},
        {**INGRESS, "IpProtocol": "ICMPv6", "PortRange": "-1/-1", "Ipv6SourceCidrIp": "2001:db8::/32"},
    ]
    client.call("CreateSecurityGroupPermissions", SecurityGroupId=group, Permissions=added)
    assert_echoed(client, group, created + added)

    def identity(rule):
        return {name: value for name, value in rule.items() if name != "Description"}

    client.call(
        "DeleteSecurityGroupPermissions",
        SecurityGroupId=group,
        Permissions=[identity(created[0]), identity(added[1]), identity(added[3])],
    )
    assert_echoed(client, group, [created[1], added[0], added[2]])
    refused(
        client,
        "DeleteSecurityGroupPermissions",
        "SecurityGroupRule.NotFound",
        SecurityGroupId=group,
        Permissions=[identity(created[1]), identity(created[0])],
    )
    assert_echoed(client, group, [created[1], added[0], added[2]])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"PortRange": "200/1"}, "PortRange"),
        ({"PortRange": "0/10"}, "PortRange"),
        ({"SourceCidrIp": "10.0.0.5/99"}, "SourceCidrIp"),
        ({"Priority": 0}, "Priority"),
        ({"Priority": 101}, "Priority"),
        ({"Policy": "accept"}, "Policy"),
        ({"IpProtocol": "tcp"}, "IpProtocol"),
        ({"Direction": "in"}, "Direction"),
    ],
)
def test_malformed_rules_are_refused_whole(client, world, change, field):
    group = world.group()
    good = {**INGRESS, "SourceCidrIp": "10.0.0.0/8"}
    error = refused(
        client,
        "CreateSecurityGroupPermissions",
        f"InvalidParameter.{field}",
        SecurityGroupId=group,
        Permissions=[good, {**good, **change}],
    )
    assert field in error.message
    assert rules_of(client, group) == []


def test_an_old_dialect_is_case_sensitive(client, world):
    rule = {"IpProtocol": "TCP", "PortRange": "22/22", "SourceCidrIp": "10.0.0.0/8"}
    refused(client, "AuthorizeSecurityGroup", "InvalidParameter.IpProtocol", SecurityGroupId=world.group(), **rule)
