"""Namespaces of a test's own, as root: what is made in them ends with the test's process."""

import contextlib
import ctypes
import os
import select
import signal
import socket
import struct
import subprocess
import threading
import time
import traceback
from pathlib import Path

from ravelin_server import binary

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNS = 0x00020000
_CLONE_NEWNET = 0x40000000
_MS_PRIVATE_BELOW = 0x4000 | 0x40000
_SO_TIMESTAMPNS = 35
_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914
# How long one thing may take, and a whole story. Only a failure takes that long.
SECONDS_MAX = 60
STORY_SECONDS_MAX = 300


def _check(result):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _mount(kind, place, flags=0):
    _check(_LIBC.mount(kind, place, kind, ctypes.c_ulong(flags), None))


def _enter():
    """Takes the process to mount and network namespaces of its own, with its loopback switched on."""
    os.makedirs("/run/netns", exist_ok=True)
    _check(_LIBC.unshare(_CLONE_NEWNS | _CLONE_NEWNET))
    _mount(None, b"/", _MS_PRIVATE_BELOW)
    _mount(b"bpf", b"/sys/fs/bpf")
    _mount(b"tmpfs", b"/run/netns")
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | 1))


def on_own_ground(story):
    """Calls a story in a process in namespaces of its own. What fails there fails here."""
    reader, writer = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(reader)
        said = b""
        try:
            _enter()
            story()
        except BaseException:  # noqa: B902: everything is told
            said = traceback.format_exc().encode()
        with os.fdopen(writer, "wb") as pipe:
            pipe.write(said)
        os._exit(0)
    os.close(writer)
    said = _read(reader, time.monotonic() + STORY_SECONDS_MAX)
    if said is None:
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    assert said is not None, f"the story does not end within {STORY_SECONDS_MAX} s"
    assert not said, said
    assert status == 0, f"the story's process was ended: {status}"


def _read(reader, deadline):
    """What comes out of a pipe until it is closed, as text; None where it is not closed in time."""
    said = b""
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], max(0, deadline - time.monotonic()))[0]:
            piece = pipe.read(4096)
            if not piece:
                return said.decode()
            said += piece
    return None


def within(namespace, work):
    """Calls work on a thread in the namespace of this name, and gives what it gives."""
    result = []

    def run():
        try:
            with open(f"/run/netns/{namespace}", "rb") as place:
                _check(_LIBC.setns(place.fileno(), _CLONE_NEWNET))
            result.append((work(), None))
        except BaseException as error:  # noqa: B902: goes on in the caller
            result.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(SECONDS_MAX)
    assert result, f"what is done in {namespace} does not end within {SECONDS_MAX} s"
    value, error = result[0]
    if error:
        raise error
    return value


@contextlib.contextmanager
def lab_node(directory, server, token):
    """A lab node of the server at this address, for as long as the context lasts."""
    directory = Path(directory)
    settings = directory / "agent.toml"
    settings.write_text(
        f'directory = "{directory}/state"\nsocket = "{directory}/agent.sock"\n'
        '[dataplane]\nname = "python"\nflows_max = 4096\narena_words = 65536\n'
    )
    (directory / "token").write_text(token)
    agent = [binary(), "agent"]
    with open(directory / "log", "wb") as log:
        join = [*agent, "join", "--config", str(settings), "--server", server, "--token-file", str(directory / "token")]
        join += ["--directory", str(directory / "state")]
        subprocess.run(join, check=True, timeout=SECONDS_MAX, stdout=log, stderr=log)
        running = subprocess.Popen([*agent, "run", "--config", str(settings)], stdout=log, stderr=log)
        try:
            yield
        finally:
            running.kill()
            running.wait(SECONDS_MAX)


class Datagrams:
    """A flow of numbered datagrams from one namespace to another, stamped by the kernel as they arrive."""

    def __init__(self, source, sink, address):
        self.sent = 0
        self.arrived = []
        self._over = threading.Event()
        self._sink = within(sink, lambda: self._listen(address))
        self._source = within(source, lambda: self._connect(address))
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._send, self._receive)]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _listen(address):
        sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sink.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sink.bind(address)
        sink.settimeout(0.05)
        return sink

    @staticmethod
    def _connect(address):
        source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        source.connect(address)
        return source

    def _send(self):
        while not self._over.is_set():
            try:
                self.sent += 1
                self._source.send(struct.pack("!Q", self.sent - 1))
            except OSError:
                self.sent -= 1
            time.sleep(0.001)

    def _receive(self):
        while not self._over.is_set():
            try:
                data, controls, _, _ = self._sink.recvmsg(64, 256)
            except OSError:
                continue
            seconds, nanoseconds = struct.unpack("qq", controls[0][2][:16])
            self.arrived.append((struct.unpack("!Q", data)[0], seconds * 1_000_000_000 + nanoseconds))

    def wait(self, condition, what):
        """Waits until the condition holds. Fails where that does not come."""
        deadline = time.monotonic() + SECONDS_MAX
        while not condition():
            assert time.monotonic() < deadline, f"still not: {what}"
            time.sleep(0.005)

    def more(self, count):
        """Waits until so many more have arrived, none missing among them."""
        enough = len(self.arrived) + count
        self.wait(lambda: len(self.arrived) >= enough, f"{count} more datagrams")
        numbers = [number for number, _ in list(self.arrived)]
        assert numbers == list(range(len(numbers))), "a datagram is missing"

    def end(self):
        """Ends it."""
        self._over.set()
        for thread in self._threads:
            thread.join(SECONDS_MAX)
            assert not thread.is_alive(), f"a thread does not end within {SECONDS_MAX} s"
        self._source.close()
        self._sink.close()
