"""The calls in Python that the reference shows: the SDKs take them, and know every parameter that is written for them."""

import importlib
import os
import pathlib
import re

import pytest
from alibabacloud_tea_openapi.client import Client

REFERENCE = pathlib.Path(__file__).parents[3] / "docs" / "reference"
PACKAGES = {"ens": "alibabacloud_ens20171110", "ram": "alibabacloud_ram20150501", "sts": "alibabacloud_sts20150401"}
# `PARAMETERS_NOT_IN_SDK` in crates/wire/src/snippet/python.rs: calls with these are written for the generic client.
KNOWN_TO_BE_MISSING = {
    ("DescribeInstances", "OrderByParams"),
    ("DescribeSecurityGroups", "MaxResults"),
    ("DescribeSecurityGroups", "NextToken"),
}
PAGES = sorted(path for product in (*PACKAGES, "api") for path in (REFERENCE / product).glob("*.md"))


class Called(Exception):
    """The SDK was about to send something."""


def name_of(page):
    return f"{page.parent.name}/{page.stem}"


@pytest.fixture
def nothing_is_sent(monkeypatch):
    def sent(*_):
        raise Called

    for name in ("call_api", "execute", "do_request", "do_rpcrequest"):
        if hasattr(Client, name):
            monkeypatch.setattr(Client, name, sent)
    monkeypatch.setitem(os.environ, "RAVELIN_ACCESS_KEY_ID", "id")
    monkeypatch.setitem(os.environ, "RAVELIN_ACCESS_KEY_SECRET", "secret")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_example_is_a_call(page, nothing_is_sent):
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    with pytest.raises(Called):
        exec(compile(code, str(page), "exec"), {})


def test_the_sdk_has_every_parameter():
    missing = set()
    for page in PAGES:
        package = PACKAGES.get(page.parent.name)
        models = package and importlib.import_module(f"{package}.models")
        request = getattr(models, f"{page.stem}Request", None)
        if request is None:
            continue
        text = page.read_text().partition("## Request parameters")[2].partition("## Answer")[0]
        for row in re.findall(r"^\| `([^`]+)` \|.*$", text, re.MULTILINE):
            if not has(models, request, row):
                missing.add((page.stem, row.partition(".")[0].removesuffix("[]")))
    assert missing == KNOWN_TO_BE_MISSING


def has(models, request, path):
    """Whether the SDK has a parameter such as `SystemDisk.Size` or `Tag[].Key`."""
    name, dot, field = path.replace("[]", "").partition(".")
    if dot:
        request = getattr(models, f"{request.__name__}{name}", None)
    return request is not None and snake(field if dot else name) in vars(request())


def snake(name):
    words = re.sub(r"(?<=[a-z])(?=[^a-z])", "_", name).lower()
    return f"v_switch{words.removeprefix('vswitch')}" if words.startswith("vswitch") else words
