"""The current SDK, which knows of no node, with instances that are real: what a Leave takes away ends before its answer."""

import json
import os
import subprocess
import tempfile
import time

import pytest

from clients import ApiError, NewSdk, OldSdk
from lab_ground import Datagrams, lab_node, on_own_ground
from ravelin_server import Server, binary

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may make namespaces")
REGION = "edge-1"
SECONDS_MAX = 60


def rules(port):
    rule = {"Direction": "ingress", "IpProtocol": "UDP", "PortRange": f"{port}/{port}", "Policy": "Accept"}
    return [{**rule, "Priority": 1, "SourceCidrIp": "0.0.0.0/0"}]


def wait_until(condition, what):
    deadline = time.monotonic() + SECONDS_MAX
    while not condition():
        assert time.monotonic() < deadline, f"still not: {what}"
        time.sleep(0.02)


def token(server):
    """A token for a new lab node, made by the program's own client: the SDK knows no such operation."""
    command = [binary(), "api", "CreateNodeToken", "--EnsRegionId", REGION, "--Lab", "true", "--output", "json"]
    told = {
        "RAVELIN_ENDPOINT": f"http://{server.http}",
        "RAVELIN_ACCESS_KEY_ID": server.root.id,
        "RAVELIN_ACCESS_KEY_SECRET": server.root.secret,
    }
    done = subprocess.run(command, env={**os.environ, **told}, capture_output=True, text=True, timeout=SECONDS_MAX)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["Token"]


class Site:
    """Instances on one lab node, driven by the SDK."""

    def __init__(self, server):
        self.ens = NewSdk(server.http, server.root)
        # No SDK knows these operations; the old one sends any request that it is told.
        self.nodes = OldSdk(server.http, server.root, product="ravelin")

    def instance(self):
        made = self.ens.call("RunInstances", EnsRegionId=REGION, ScheduleAreaLevel="Region", Amount=1)
        (instance,) = made["InstanceIds"]
        wait_until(lambda: self.describe(instance)["Status"] == "Running", f"{instance} is Running")
        return instance

    def describe(self, instance):
        return self.ens.call("DescribeInstances", InstanceId=instance)["Instances"]["Instance"][0]

    def group(self, name, port):
        made = self.ens.call("CreateSecurityGroup", SecurityGroupName=name, Permissions=rules(port))
        return made["SecurityGroupId"]

    def flow(self, source, sink, port):
        address = self.describe(sink)["InnerIpAddress"]["IpAddress"][0]
        return Datagrams(f"ravelin-{source}", f"ravelin-{sink}", (address, port))


    def interface(self, instance):
        (interface,) = self.describe(instance)["NetworkInterfaces"]["NetworkInterfaces"]
        return interface["NetworkInterfaceId"]


def look(site, server, web):
    """What is seen of the two flows before the Leave, and where to go on for what is dropped after it."""
    interface = site.interface(server)
    seen = site.nodes.call("DescribeNetworkInterfaceFlows", NetworkInterfaceId=interface, Protocol="udp", Port=443)
    assert (seen["TotalCount"], seen["Truncated"]) == (1, False)
    (flow,) = seen["Flows"]["Flow"]
    assert (flow["Direction"], flow["LocalPort"], flow["Status"]) == ("ingress", 443, "Alive")
    assert (flow["DecidedBy"], flow["SecurityGroupId"]) == ("Rule", web)
    assert flow["Rule"] == "ingress accept udp from 0.0.0.0/0 to port 443"
    with pytest.raises(ApiError) as refused:
        site.nodes.call("DescribeNetworkInterfaceFlows", NetworkInterfaceId="eni-unknown")
    assert (refused.value.code, refused.value.status) == ("InvalidEniId.NotFound", 400)
    return {
        "NetworkInterfaceId": interface,
        "NextToken": site.nodes.call("DescribeNetworkInterfaceDrops", NetworkInterfaceId=interface)["NextToken"],
    }


def leave(site):
    client, server = site.instance(), site.instance()
    web, telemetry = site.group("web", 443), site.group("telemetry", 9100)
    for group in (web, telemetry):
        site.ens.call("JoinSecurityGroup", SecurityGroupId=group, InstanceId=server)
    cut, kept = site.flow(client, server, 443), site.flow(client, server, 9100)
    cut.more(200)
    kept.more(200)
    after = look(site, server, web)
    site.ens.call("LeaveSecurityGroup", SecurityGroupId=web, InstanceId=server)
    answered, sent = time.time_ns(), cut.sent
    cut.wait(lambda: cut.sent > sent + 200, "it goes on sending")
    kept.more(200)
    number, at = cut.arrived[-1]
    # One may be on its way to the kernel while it is counted.
    assert number <= sent, "what was sent after the answer does not arrive"
    assert at <= answered, "nothing arrives after the answer"
    dropped = site.nodes.call("DescribeNetworkInterfaceDrops", WaitSeconds=8, **after)["Drops"]["Drop"]
    assert any(drop["Reason"] == "dead_flow" and ":443" in drop["Packet"] for drop in dropped), dropped
    cut.end()
    kept.end()


def test_a_leave_by_the_current_sdk_cuts_real_packets_before_its_answer():
    def story():
        server = Server(settings={"gateway.wait_for_enforcement": 30}, nodes=True)
        try:
            with tempfile.TemporaryDirectory() as place, lab_node(place, server.nodes, token(server)):
                leave(Site(server))
        finally:
            server.stop()

    on_own_ground(story)
