"""What policies do to calls of ENS: default deny, Allow, Deny over Allow, conditions, system policies, keys."""

import json

import pytest

from conftest import CLIENTS, make_client, refused, unique
from ravelin_server import Key


class User:
    """A RAM user with a key."""

    def __init__(self, server, ram):
        self.server, self.ram, self.name = server, ram, unique("user")
        ram.call("CreateUser", UserName=self.name)
        made = ram.call("CreateAccessKey", UserName=self.name)["AccessKey"]
        self.key = Key(made["AccessKeyId"], made["AccessKeySecret"])

    def client(self, kind="new-v3", **options):
        return make_client(kind, self.server, self.key, **options)

    def attach(self, name, policy_type="System"):
        self.ram.call("AttachPolicyToUser", UserName=self.name, PolicyName=name, PolicyType=policy_type)

    def detach(self, name, policy_type="System"):
        self.ram.call("DetachPolicyFromUser", UserName=self.name, PolicyName=name, PolicyType=policy_type)

    def allow(self, action, effect="Allow", resource="*", **condition):
        """Attaches a policy with one statement. Gives its name."""
        name = unique("policy")
        statement = {"Effect": effect, "Action": action, "Resource": resource}
        if condition:
            statement["Condition"] = condition
        document = json.dumps({"Version": "1", "Statement": [statement]})
        self.ram.call("CreatePolicy", PolicyName=name, PolicyDocument=document)
        self.attach(name, "Custom")
        return name


@pytest.fixture
def user(server, ram):
    return User(server, ram)


def is_allowed(client, operation="DescribeInstances", **parameters):
    from clients import ApiError

    try:
        client.call(operation, **parameters)
    except ApiError as error:
        assert (error.code, error.status) == ("NoPermission", 400), error
        return False
    return True


@pytest.mark.parametrize("kind", CLIENTS)
def test_nothing_is_allowed_by_itself(user, kind):
    assert not is_allowed(user.client(kind))
    user.allow("ens:DescribeInstances")
    assert is_allowed(user.client(kind))
    assert not is_allowed(user.client(kind), "DescribeSecurityGroups")


def test_system_policies(user, here):
    user.attach("AliyunENSReadOnlyAccess")
    client = user.client()
    assert is_allowed(client)
    assert not is_allowed(client, "CreateSecurityGroup", SecurityGroupName="web")
    user.detach("AliyunENSReadOnlyAccess")
    assert not is_allowed(client)
    user.attach("AliyunENSFullAccess")
    assert is_allowed(client, "CreateSecurityGroup", SecurityGroupName="web")
    # It is ENS's alone: RAM answers in its own words.
    refused(user.client(product="ram"), "ListUsers", "NoPermission", status=403)


def test_deny_wins(user, here):
    group, instance = here.group(), here.instance()
    client = user.client()
    user.allow(["ens:*SecurityGroup*", "ens:DescribeInstances"])
    client.call("JoinSecurityGroup", SecurityGroupId=group, InstanceId=instance)
    denying = user.allow("ens:LeaveSecurityGroup", effect="Deny")
    refused(client, "LeaveSecurityGroup", "NoPermission", SecurityGroupId=group, InstanceId=instance)
    assert here.groups_of(instance) == [group]
    user.detach(denying, "Custom")
    client.call("LeaveSecurityGroup", SecurityGroupId=group, InstanceId=instance)
    assert here.groups_of(instance) == []


def test_a_new_version_is_in_force_at_once(user, ram):
    name = user.allow("ens:DescribeInstances")
    assert is_allowed(user.client())
    document = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "ens:DescribeNetworks", "Resource": "*"}]}
    ram.call("CreatePolicyVersion", PolicyName=name, PolicyDocument=json.dumps(document), SetAsDefault=True)
    assert not is_allowed(user.client())
    assert is_allowed(user.client(), "DescribeNetworks")


def test_resources(user, here):
    mine, other = here.instance(), here.instance()
    user.allow("ens:StopInstance", resource=f"acs:ens:*:*:instance/{mine}")
    client = user.client()
    assert not is_allowed(client, "StopInstance", InstanceId=other)
    assert is_allowed(client, "StopInstance", InstanceId=mine)


def test_source_ip(user):
    name = user.allow("ens:DescribeInstances", IpAddress={"acs:SourceIp": ["10.0.0.0/8", "192.0.2.1"]})
    assert not is_allowed(user.client())
    user.detach(name, "Custom")
    user.allow("ens:DescribeInstances", IpAddress={"acs:SourceIp": "127.0.0.0/8"})
    assert is_allowed(user.client())


def test_secure_transport(user):
    user.allow("ens:DescribeInstances", Bool={"acs:SecureTransport": "true"})
    assert not is_allowed(user.client())
    assert is_allowed(user.client(secure=True))


def test_current_time(user):
    name = user.allow("ens:DescribeInstances", DateLessThan={"acs:CurrentTime": "2020-01-01T00:00:00Z"})
    assert not is_allowed(user.client())
    user.detach(name, "Custom")
    user.allow("ens:DescribeInstances", DateGreaterThan={"acs:CurrentTime": "2020-01-01T00:00:00Z"})
    assert is_allowed(user.client())


def test_a_key_that_is_off_or_gone(user, ram):
    user.attach("AliyunENSFullAccess")
    assert is_allowed(user.client())
    key = {"UserName": user.name, "UserAccessKeyId": user.key.id}
    ram.call("UpdateAccessKey", **key, Status="Inactive")
    refused(user.client(), "DescribeInstances", "InvalidAccessKeyId.Inactive")
    ram.call("UpdateAccessKey", **key, Status="Active")
    assert is_allowed(user.client())
    ram.call("DeleteAccessKey", **key)
    refused(user.client(), "DescribeInstances", "InvalidAccessKeyId.NotFound", status=404)


@pytest.mark.parametrize("kind", ["new-v3", "new-v1"])
def test_a_wrong_secret(server, kind):
    client = make_client(kind, server, Key(server.root.id, "not" + server.root.secret))
    error = refused(client, "DescribeInstances", "SignatureDoesNotMatch")
    assert "not" + server.root.secret not in error.message


def test_a_wrong_secret_as_the_old_sdk_reads_it(server):
    """It compares the string to sign in the message with its own, and finds that the secret is what is wrong."""
    client = make_client("old", server, Key(server.root.id, "not" + server.root.secret))
    refused(client, "DescribeInstances", "InvalidAccessKeySecret")
