"""Users, access keys and policies through the current RAM SDK, with both of its signatures."""

import json

import pytest

from conftest import make_client, refused, unique

ALLOW = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "ens:Describe*", "Resource": "*"}]}
OTHER = {"Version": "1", "Statement": [{"Effect": "Deny", "Action": ["ens:*"], "Resource": "*"}]}


@pytest.fixture(params=["new-v3", "new-v1"])
def ram(request, server):
    return make_client(request.param, server, product="ram")


def names(client, operation, what, name, **parameters):
    """The names in a list that comes in steps."""
    found, marker = [], None
    while True:
        answer = client.call(operation, **parameters, **({"Marker": marker} if marker else {}))
        found += [one[name] for one in answer[what + "s" if what == "User" else "Policies"][what]]
        if not answer.get("IsTruncated"):
            return found
        marker = answer["Marker"]


def test_users(ram):
    name = unique("alice")
    wish = {"UserName": name, "DisplayName": "Alice", "Comments": "on call", "Email": "alice@example.com"}
    made = ram.call("CreateUser", **wish)["User"]
    assert {field: made[field] for field in wish} == wish
    refused(ram, "CreateUser", "EntityAlreadyExists.User", status=409, UserName=name)
    found = ram.call("GetUser", UserName=name)["User"]
    assert found["UserId"] == made["UserId"]
    assert name in names(ram, "ListUsers", "User", "UserName", MaxItems=3)
    changed = ram.call("UpdateUser", UserName=name, NewUserName=name + ".2", NewComments="off duty")["User"]
    assert (changed["UserName"], changed["Comments"]) == (name + ".2", "off duty")
    refused(ram, "GetUser", "EntityNotExist.User", status=404, UserName=name)
    ram.call("DeleteUser", UserName=name + ".2")
    refused(ram, "DeleteUser", "EntityNotExist.User", status=404, UserName=name + ".2")


def test_access_keys(ram):
    name = unique("keys")
    ram.call("CreateUser", UserName=name)
    made = ram.call("CreateAccessKey", UserName=name)["AccessKey"]
    assert made["Status"] == "Active" and made["AccessKeyId"] and made["AccessKeySecret"]
    # The secret is shown once.
    answer = ram.call("ListAccessKeys", UserName=name)
    [listed] = answer["AccessKeys"]["AccessKey"]
    assert listed["AccessKeyId"] == made["AccessKeyId"]
    assert made["AccessKeySecret"] not in json.dumps(answer)
    ram.call("CreateAccessKey", UserName=name)
    refused(ram, "CreateAccessKey", "LimitExceeded.User.AccessKey", status=409, UserName=name)

    ram.call("UpdateAccessKey", UserName=name, UserAccessKeyId=made["AccessKeyId"], Status="Inactive")
    statuses = {
        one["AccessKeyId"]: one["Status"] for one in ram.call("ListAccessKeys", UserName=name)["AccessKeys"]["AccessKey"]
    }
    assert statuses[made["AccessKeyId"]] == "Inactive"
    refused(ram, "DeleteUser", "DeleteConflict.User.AccessKey", status=409, UserName=name)
    for key in statuses:
        ram.call("DeleteAccessKey", UserName=name, UserAccessKeyId=key)
    assert ram.call("ListAccessKeys", UserName=name)["AccessKeys"] == {"AccessKey": []}
    ram.call("DeleteUser", UserName=name)


def test_policies_and_versions(ram):
    name = unique("policy")
    made = ram.call("CreatePolicy", PolicyName=name, PolicyDocument=json.dumps(ALLOW), Description="reads")["Policy"]
    assert (made["PolicyName"], made["PolicyType"], made["DefaultVersion"]) == (name, "Custom", "v1")
    policy = {"PolicyName": name, "PolicyType": "Custom"}
    answer = ram.call("GetPolicy", **policy)
    assert answer["Policy"]["Description"] == "reads"
    assert json.loads(answer["DefaultPolicyVersion"]["PolicyDocument"]) == ALLOW

    version = ram.call("CreatePolicyVersion", PolicyName=name, PolicyDocument=json.dumps(OTHER))["PolicyVersion"]
    assert (version["VersionId"], version["IsDefaultVersion"]) == ("v2", False)
    ram.call("SetDefaultPolicyVersion", PolicyName=name, VersionId="v2")
    assert ram.call("GetPolicy", **policy)["Policy"]["DefaultVersion"] == "v2"
    refused(ram, "DeletePolicyVersion", "DeleteConflict.Policy.Version.Default", status=409, PolicyName=name, VersionId="v2")
    shown = ram.call("GetPolicyVersion", **policy, VersionId="v1")["PolicyVersion"]
    assert json.loads(shown["PolicyDocument"]) == ALLOW
    refused(ram, "DeletePolicy", "DeleteConflict.Policy.Version", status=409, PolicyName=name)
    ram.call("DeletePolicyVersion", PolicyName=name, VersionId="v1")
    versions = ram.call("ListPolicyVersions", **policy)["PolicyVersions"]["PolicyVersion"]
    assert [one["VersionId"] for one in versions] == ["v2"]
    ram.call("DeletePolicy", PolicyName=name)
    refused(ram, "GetPolicy", "EntityNotExist.Policy", status=404, **policy)


def test_attachments(ram):
    user, policy = unique("bob"), unique("policy")
    ram.call("CreateUser", UserName=user)
    ram.call("CreatePolicy", PolicyName=policy, PolicyDocument=json.dumps(ALLOW))
    custom = {"UserName": user, "PolicyName": policy, "PolicyType": "Custom"}
    system = {"UserName": user, "PolicyName": "AliyunENSFullAccess", "PolicyType": "System"}
    for attachment in (custom, system):
        ram.call("AttachPolicyToUser", **attachment)
        refused(ram, "AttachPolicyToUser", "EntityAlreadyExists.User.Policy", status=409, **attachment)
    attached = ram.call("ListPoliciesForUser", UserName=user)["Policies"]["Policy"]
    assert {(one["PolicyName"], one["PolicyType"]) for one in attached} == {
        (policy, "Custom"),
        ("AliyunENSFullAccess", "System"),
    }
    entities = ram.call("ListEntitiesForPolicy", PolicyName=policy, PolicyType="Custom")
    assert [one["UserName"] for one in entities["Users"]["User"]] == [user]
    refused(ram, "DeletePolicy", "DeleteConflict.Policy.User", status=409, PolicyName=policy)
    refused(ram, "DeleteUser", "DeleteConflict.User.Policy", status=409, UserName=user)
    for attachment in (custom, system):
        ram.call("DetachPolicyFromUser", **attachment)
        refused(ram, "DetachPolicyFromUser", "EntityNotExist.User.Policy", status=404, **attachment)
    ram.call("DeletePolicy", PolicyName=policy)
    ram.call("DeleteUser", UserName=user)


def test_the_system_policies(ram):
    found = names(ram, "ListPolicies", "Policy", "PolicyName", PolicyType="System")
    assert {"AliyunENSFullAccess", "AliyunENSReadOnlyAccess"} <= set(found)
    answer = ram.call("GetPolicy", PolicyName="AliyunENSReadOnlyAccess", PolicyType="System")
    assert json.loads(answer["DefaultPolicyVersion"]["PolicyDocument"])["Version"] == "1"


@pytest.mark.parametrize(
    "document",
    [
        "not JSON",
        json.dumps({"Version": "2", "Statement": []}),
        json.dumps({**ALLOW, "Statement": [{"Effect": "Maybe", "Action": "*", "Resource": "*"}]}),
        json.dumps({**ALLOW, "Statement": [{**ALLOW["Statement"][0], "Condition": {"Guess": {"acs:SourceIp": "::1"}}}]}),
        json.dumps({**ALLOW, "Statement": [{**ALLOW["Statement"][0], "Unknown": "part"}]}),
    ],
)
def test_what_cannot_be_understood_is_refused_when_it_is_written(ram, document):
    name = unique("broken")
    refused(ram, "CreatePolicy", "MalformedPolicyDocument", PolicyName=name, PolicyDocument=document)
    refused(ram, "GetPolicy", "EntityNotExist.Policy", status=404, PolicyName=name, PolicyType="Custom")
