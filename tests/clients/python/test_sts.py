"""Who signs a call, as STS says it to the current and the old SDK."""

import pytest

from conftest import CLIENTS, make_client, unique
from ravelin_server import Key


@pytest.mark.parametrize("kind", CLIENTS)
def test_the_root(server, kind):
    answer = make_client(kind, server, product="sts").call("GetCallerIdentity")
    assert answer["IdentityType"] == "Account"
    assert answer["Arn"] == f"acs:ram::{answer['AccountId']}:root"
    assert answer["PrincipalId"] == answer["AccountId"]


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_user_needs_no_permission_for_it(server, ram, kind):
    name = unique("who")
    made = ram.call("CreateUser", UserName=name)["User"]
    key = ram.call("CreateAccessKey", UserName=name)["AccessKey"]
    key = Key(key["AccessKeyId"], key["AccessKeySecret"])
    answer = make_client(kind, server, key, product="sts").call("GetCallerIdentity")
    root = make_client(kind, server, product="sts").call("GetCallerIdentity")
    assert answer["IdentityType"] == "RAMUser"
    assert answer["AccountId"] == root["AccountId"]
    assert answer["Arn"] == f"acs:ram::{answer['AccountId']}:user/{name}"
    assert (answer["UserId"], answer["PrincipalId"]) == (made["UserId"], made["UserId"])


def test_another_account(server, stranger):
    root = make_client("new-v3", server, product="sts").call("GetCallerIdentity")
    theirs = make_client("new-v3", server, stranger, product="sts").call("GetCallerIdentity")
    assert theirs["AccountId"] != root["AccountId"]
