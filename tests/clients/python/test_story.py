"""The main job, written as the SDKs' own users write it: an instance joins a group and leaves it again."""

import json

import pytest
from aliyunsdkcore.client import AcsClient
from aliyunsdkens.request.v20171110.CreateSecurityGroupRequest import CreateSecurityGroupRequest
from aliyunsdkens.request.v20171110.DeleteSecurityGroupRequest import DeleteSecurityGroupRequest
from aliyunsdkens.request.v20171110.DescribeInstancesRequest import DescribeInstancesRequest
from aliyunsdkens.request.v20171110.JoinSecurityGroupRequest import JoinSecurityGroupRequest
from aliyunsdkens.request.v20171110.LeaveSecurityGroupRequest import LeaveSecurityGroupRequest
from aliyunsdkens.request.v20171110.RunInstancesRequest import RunInstancesRequest
from alibabacloud_ens20171110 import models
from alibabacloud_ens20171110.client import Client
from alibabacloud_tea_openapi.utils_models import Config

from conftest import wait_until


@pytest.mark.parametrize("protocol", ["http", "https"])
@pytest.mark.parametrize("signature_algorithm", [None, "v2"], ids=["v3", "v1"])
def test_the_current_sdk(server, protocol, signature_algorithm):
    client = Client(
        Config(
            access_key_id=server.root.id,
            access_key_secret=server.root.secret,
            endpoint=server.https if protocol == "https" else server.http,
            protocol=protocol,
            ca=server.certificate() if protocol == "https" else None,
            signature_algorithm=signature_algorithm,
        )
    )
    created = client.create_security_group(
        models.CreateSecurityGroupRequest(
            security_group_name="web",
            permissions=[
                models.CreateSecurityGroupRequestPermissions(
                    direction="ingress",
                    ip_protocol="TCP",
                    policy="Accept",
                    port_range="443/443",
                    priority=1,
                    source_cidr_ip="0.0.0.0/0",
                )
            ],
        )
    )
    group = created.body.security_group_id
    ran = client.run_instances(
        models.RunInstancesRequest(
            schedule_area_level="Region",
            ens_region_id="cn-hangzhou-telecom",
            instance_type="ens.sn1.small",
            image_id="m-debian-12",
            instance_charge_type="PostPaid",
            password="Passw0rd-of-a-test",
            amount=1,
            system_disk=models.RunInstancesRequestSystemDisk(size=20),
        )
    )
    [instance] = ran.body.instance_ids

    def described(**filters):
        request = models.DescribeInstancesRequest(instance_id=instance, **filters)
        return client.describe_instances(request).body.instances.instance

    wait_until(lambda: described()[0].status == "Running", "the instance is running")
    assert described(security_group_id=group) == []

    client.join_security_group(models.JoinSecurityGroupRequest(instance_id=instance, security_group_id=group))
    [member] = described(security_group_id=group)
    assert member.security_group_ids.security_group_id == [group]

    left = client.leave_security_group(
        models.LeaveSecurityGroupRequest(instance_id=instance, security_group_id=group)
    )
    assert left.status_code == 200
    assert list(left.body.to_map()) == ["RequestId"]
    assert described(security_group_id=group) == []
    assert described()[0].security_group_ids.security_group_id == []

    client.delete_security_group(models.DeleteSecurityGroupRequest(security_group_id=group))
    groups = client.describe_security_groups(models.DescribeSecurityGroupsRequest(security_group_id=group))
    assert groups.body.total_count == 0
    assert groups.body.security_groups.security_group == []


@pytest.mark.parametrize("protocol", ["http", "https"])
def test_the_old_sdk(server, protocol):
    verify = server.certificate() if protocol == "https" else None
    client = AcsClient(server.root.id, server.root.secret, "cn-hangzhou", verify=verify)

    def send(request, **parameters):
        request.set_endpoint(server.https if protocol == "https" else server.http)
        request.set_protocol_type(protocol)
        for name, value in parameters.items():
            getattr(request, f"set_{name}")(value)
        return json.loads(client.do_action_with_exception(request))

    group = send(CreateSecurityGroupRequest(), SecurityGroupName="web")["SecurityGroupId"]
    [instance] = send(
        RunInstancesRequest(),
        ScheduleAreaLevel="Region",
        EnsRegionId="cn-hangzhou-telecom",
        InstanceType="ens.sn1.small",
        ImageId="m-debian-12",
        InstanceChargeType="PostPaid",
        Amount=1,
        SystemDisk={"Size": 20},
    )["InstanceIds"]

    def described(**filters):
        answer = send(DescribeInstancesRequest(), InstanceId=instance, **filters)
        assert answer["Code"] == 0
        return answer["Instances"]["Instance"]

    wait_until(lambda: described()[0]["Status"] == "Running", "the instance is running")
    send(JoinSecurityGroupRequest(), InstanceId=instance, SecurityGroupId=group)
    [member] = described(SecurityGroupId=group)
    assert member["SecurityGroupIds"] == {"SecurityGroupId": [group]}

    answer = send(LeaveSecurityGroupRequest(), InstanceId=instance, SecurityGroupId=group)
    assert list(answer) == ["RequestId"]
    assert described(SecurityGroupId=group) == []
    send(DeleteSecurityGroupRequest(), SecurityGroupId=group)
