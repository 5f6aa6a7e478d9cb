"""Requests that the SDKs once sent, byte for byte, sent again over the wire.

That their signatures are right is tested where the clock can be set (crates/wire). Here their time stamps are long
over: a strict server says so, a lenient one answers what was asked.
"""

import json
import re
import socket
from pathlib import Path

import pytest

from ravelin_server import REPOSITORY, Key, Server

CAPTURES = REPOSITORY / "crates" / "wire" / "tests" / "captures"
ROOT = Key("LTAI5tFakeAccessKeyId00", "FakeAccessKeySecret0000000000")


def captured(path):
    """The requests of a file: head and body between `>>> ` and `<<< end`."""
    text = Path(path).read_text().replace("\0", "")
    for block in re.findall(r"^>>> (.*?)^<<< end", text, re.DOTALL | re.MULTILINE):
        head, _, body = block.replace("\r\n", "\n").partition("\n\n")
        yield head.rstrip("\n"), body.strip("\n")


def requests():
    for path in sorted(CAPTURES.glob("*.txt")):
        for number, (head, body) in enumerate(captured(path)):
            action = re.search(r"^x-acs-action: (\w+)", head, re.MULTILINE).group(1)
            yield pytest.param(head, body, id=f"{path.stem}-{number}-{action}")


def send(server, head, body):
    """Status and JSON of the answer to a request as it was captured."""
    host, port = server.http.split(":")
    lines = [line for line in head.split("\n") if not line.lower().startswith(("connection:", "content-length:"))]
    lines += [f"Content-Length: {len(body)}", "Connection: close"]
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", body]).encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


@pytest.fixture(scope="module")
def strict():
    running = Server(root=ROOT)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def lenient():
    running = Server(root=ROOT, lenient=True)
    yield running
    running.stop()


def test_there_are_captures():
    assert len(list(requests())) >= 18


def asks_for_what_is_not_served(head):
    """The action comes before the time stamp in the order of checks."""
    return "x-acs-action: ListProductAbilities" in head


@pytest.mark.parametrize(("head", "body"), requests())
def test_a_strict_server_refuses_old_requests(strict, head, body):
    status, answer = send(strict, head, body)
    expected = (404, "InvalidAction.NotFound") if asks_for_what_is_not_served(head) else (400, "InvalidTimeStamp.Expired")
    assert (status, answer["Code"]) == expected


@pytest.mark.parametrize(("head", "body"), requests())
def test_a_lenient_server_answers_what_was_asked(lenient, head, body):
    """Most name things that this server does not have: the answer is the operation's own, never the gateway's."""
    status, answer = send(lenient, head, body)
    if asks_for_what_is_not_served(head):
        assert (status, answer["Code"]) == (404, "InvalidAction.NotFound")
        return
    gateway = ("InvalidTimeStamp", "Signature", "InvalidAccessKeyId", "InvalidAction", "InvalidVersion", "Missing")
    assert not str(answer.get("Code", "")).startswith(gateway), answer
    assert status == 200 or (status == 400 and answer["Code"]), answer
    if "x-acs-action: LeaveSecurityGroup" in head:
        assert answer["Code"] == "InvalidSecurityGroupId.NotFound"
