"""A real `ravelin serve` process on ports of its own, with data of its own, for as long as a test needs it."""

import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 30

# Instances pass through their states at once, so that a test that does not care need not wait.
AT_ONCE = {
    "timing.creating_ms": 0,
    "timing.image_downloading_ms": 0,
    "timing.starting_ms": 0,
    "timing.stopping_ms": 0,
    "timing.resetting_ms": 0,
    "timing.releasing_ms": 0,
    "timing.attaching_ms": 0,
    "timing.detaching_ms": 0,
    "timing.deleting_ms": 0,
}


def binary():
    """The program under test."""
    return os.environ.get("RAVELIN_BINARY") or str(REPOSITORY / "target" / "debug" / "ravelin")


class Key:
    """An access key."""

    def __init__(self, access_key_id, secret):
        self.id = access_key_id
        self.secret = secret


class Server:
    """A running server. `http`, `https` and, where asked for, `nodes` are its addresses, `host:port` each."""

    def __init__(self, settings=None, root=None, lenient=False, nodes=False):
        self.directory = Path(tempfile.mkdtemp(prefix="ravelin-"))
        self.data = self.directory / "data"
        self.root = root or Key("LTAI5tRootKeyOfTheTests", "SecretOfTheRootKeyOfTheTests00")
        command = [binary(), "serve", "--data", str(self.data)]
        command += ["--listen", "127.0.0.1:0", "--listen-tls", "127.0.0.1:0", "--log", "info"]
        for name, value in {**AT_ONCE, **(settings or {})}.items():
            command += ["--set", f"{name}={value}"]
        if lenient:
            command.append("--lenient")
        if nodes:
            command += ["--node-listen", "127.0.0.1:0"]
        self.log = open(self.directory / "log", "wb")
        self.process = subprocess.Popen(
            command, env=self._environment(), stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        try:
            found = self._addresses(3 if nodes else 2)
            self.http, self.https, self.nodes = found["http"], found["https"], found.get("nodes")
        except BaseException:
            self.stop()
            raise

    def _environment(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAVELIN_")}
        return {**kept, "RAVELIN_ACCESS_KEY_ID": self.root.id, "RAVELIN_ACCESS_KEY_SECRET": self.root.secret}

    def _addresses(self, count):
        lines = queue.Queue()

        def read():
            for line in self.process.stdout:
                lines.put(line.strip())
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        found = {}
        while len(found) < count:
            try:
                line = lines.get(timeout=START_SECONDS_MAX)
            except queue.Empty:
                raise RuntimeError(f"the server is not ready after {START_SECONDS_MAX} s: {self.log_text()}") from None
            if line is None:
                raise RuntimeError(f"the server ended before it was ready: {self.log_text()}")
            word, _, url = line.partition(" ")
            if word == "ready":
                # `http://ADDRESS`, and `nodes ADDRESS` where nodes are listened for.
                scheme, _, address = url.partition("://" if "://" in url else " ")
                found[scheme] = address
        return found

    def log_text(self):
        """What the server has logged."""
        self.log.flush()
        return (self.directory / "log").read_text(errors="replace")

    def certificate(self):
        """The certificate that the server made for itself."""
        return str(next(self.data.rglob("tls-certificate.pem")))

    def create_account(self, name):
        """A further account, made as its operator makes one. Gives its root access key."""
        command = [binary(), "account", "create", name, "--data", str(self.data), "--output", "json"]
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        answer = json.loads(done.stdout)
        return Key(answer["AccessKeyId"], answer["AccessKeySecret"]), answer["AccountId"]

    def stop(self):
        """Ends the process and removes its data."""
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)
