"""The servers and clients that the tests share."""

import itertools
import os
import time

import pytest

from clients import ApiError, NewSdk, OldSdk
from ravelin_server import Server

# The servers are on this host, whatever the way to others is.
for variable in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[variable]

REGION = "cn-hangzhou-telecom"
WAIT_SECONDS_MAX = 30
_numbers = itertools.count(1)

CLIENTS = ["new-v3", "new-v1", "old"]


def make_client(kind, server, key=None, product="ens", secure=False):
    """A client of one of the kinds."""
    address = server.https if secure else server.http
    options = {"product": product, "protocol": "https" if secure else "http"}
    options["certificate"] = server.certificate() if secure else None
    key = key or server.root
    if kind == "old":
        return OldSdk(address, key, **options)
    return NewSdk(address, key, signature=kind.removeprefix("new-"), **options)


def unique(prefix):
    """A name that no other test of this run has."""
    return f"{prefix}-{next(_numbers)}"


def wait_until(condition, what):
    """Polls as the SDKs' users do. Fails loudly, and only when nothing has come for a very long time."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            pytest.fail(f"still not after {WAIT_SECONDS_MAX} s: {what}")
        time.sleep(0.02)


def refused(client, operation, code, /, status=400, **parameters):
    """The error that a call ends with: its code, its HTTP status and a request id are checked."""
    with pytest.raises(ApiError) as caught:
        client.call(operation, **parameters)
    error = caught.value
    assert (error.code, error.status) == (code, status), error
    assert len(error.request_id) == 36 and error.request_id == error.request_id.upper(), error.request_id
    return error


@pytest.fixture(scope="session")
def server():
    """A server on which nothing takes time."""
    running = Server()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def slow_server():
    """A server on which a reset, once begun, lasts for the whole test."""
    running = Server(settings={"timing.resetting_ms": 3_600_000})
    yield running
    running.stop()


@pytest.fixture(params=CLIENTS)
def client(request, server):
    """Each client of ENS, as root."""
    return make_client(request.param, server)


@pytest.fixture
def ens(server):
    """The current SDK of ENS, as root."""
    return make_client("new-v3", server)


@pytest.fixture
def ram(server):
    """The current SDK of RAM, as root."""
    return make_client("new-v3", server, product="ram")


@pytest.fixture(scope="session")
def stranger(server):
    """The root access key of another account."""
    key, _ = server.create_account("stranger")
    return key


class World:
    """Makes what a test needs, with a client."""

    def __init__(self, client):
        self.client = client

    def group(self, **parameters):
        parameters.setdefault("SecurityGroupName", unique("group"))
        return self.client.call("CreateSecurityGroup", **parameters)["SecurityGroupId"]

    def instances(self, amount=1, **parameters):
        wish = {
            "ScheduleAreaLevel": "Region",
            "EnsRegionId": REGION,
            "InstanceType": "ens.sn1.small",
            "ImageId": "m-debian-12",
            "InstanceChargeType": "PostPaid",
            "BillingCycle": "Hour",
            "Password": "Passw0rd-of-a-test",
            "Amount": amount,
        }
        ids = self.client.call("RunInstances", **{**wish, **parameters})["InstanceIds"]
        assert len(ids) == amount
        for instance in ids:
            self.wait(instance, "Running")
        return ids

    def instance(self, **parameters):
        return self.instances(**parameters)[0]

    def describe(self, instance, **filters):
        found = self.client.call("DescribeInstances", InstanceId=instance, **filters)["Instances"]["Instance"]
        return found[0] if found else None

    def wait(self, instance, status):
        return wait_until(
            lambda: (self.describe(instance) or {}).get("Status") == status, f"instance {instance} {status}"
        )

    def primary(self, instance):
        """The id of the instance's primary interface."""
        found = self.describe(instance)["NetworkInterfaces"]["NetworkInterfaces"]
        return next(one["NetworkInterfaceId"] for one in found if one["Type"] == "Primary")

    def groups_of(self, instance):
        return self.describe(instance)["SecurityGroupIds"]["SecurityGroupId"]

    def vswitch(self, cidr="10.0.0.0/24"):
        """A vSwitch of a network of its own. Gives both ids."""
        network = self.client.call("CreateNetwork", EnsRegionId=REGION, CidrBlock="10.0.0.0/16")["NetworkId"]
        wish = {"EnsRegionId": REGION, "NetworkId": network, "CidrBlock": cidr}
        return network, self.client.call("CreateVSwitch", **wish)["VSwitchId"]


@pytest.fixture
def world(client):
    """What each client makes."""
    return World(client)


@pytest.fixture
def here(ens):
    """What the current SDK makes."""
    return World(ens)
