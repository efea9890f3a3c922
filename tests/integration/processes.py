"""`drsim run` and the shop as processes of their own."""

import random
import re
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.harness import JSON

SHOP = Path(__file__).with_name("shop.py")
SECRET = "whk_the_shop"


def free_port() -> int:
    """A port that nobody listens on, and that the system gives to nobody who asks for any; tests run side by side."""
    for port in random.sample(range(10_000, 32_000), 100):
        with socket.socket() as bound, suppress(OSError):
            bound.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


class Shop:
    """The example shop as a process, for an API at `port` of this machine. Use as a context manager."""

    def __init__(self, port: int, *options: str) -> None:
        command = [sys.executable, str(SHOP), "--port", "0", "--api", f"http://127.0.0.1:{port}", "--secret", SECRET]
        self._process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        found = re.search(r"http://\S+", self._process.stdout.readline())
        assert found, "the shop did not start"
        self.hooks = found[0]

    def shipments(self) -> dict[str, JSON]:
        """What it knows of its shipments."""
        read: dict[str, JSON] = httpx.get(self.hooks.replace("/hooks", "/shipments")).json()["shipments"]
        return read

    def __enter__(self) -> "Shop":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@dataclass(frozen=True)
class Ran:
    """What came of `drsim run`."""

    code: int
    out: str
    errors: str
    seconds: float

    @property
    def failed(self) -> set[str]:
        """The files whose scenario failed."""
        return set(re.findall(r"^FAIL  \S*?([^/\s]+\.yaml):", self.out, re.MULTILINE))

    def about(self, file: str) -> str:
        """What it says about the failed scenario of a file, without the timeline."""
        found = re.search(
            rf"^  \S*/{re.escape(file)}:\d+: .*?(?=\n\n  Timeline:|\Z)", self.out, re.MULTILINE | re.DOTALL
        )
        assert found, self.out
        return found[0]

    def timeline(self, file: str) -> list[str]:
        """The timeline of the failed scenario of a file, without times."""
        _, _, rest = self.out.partition(self.about(file))
        _, _, lines = rest.partition("Timeline:\n")
        return [line.split(maxsplit=1)[1] for line in lines.split("\n\n")[0].splitlines()]


def command(path: Path, webhook: str, port: int, *options: str) -> list[str]:
    """The command line of a run against a system under test."""
    run = [sys.executable, "-m", "drsim.cli", "run", str(path), "--webhook", webhook, "--port", str(port)]
    return [*run, "--webhook-token", SECRET, *options]


def run(path: Path, webhook: str, port: int, *options: str) -> Ran:
    """Runs the scenarios at `path` against a system under test."""
    started = time.monotonic()
    done = subprocess.run(command(path, webhook, port, *options), capture_output=True, text=True, timeout=120)
    return Ran(done.returncode, done.stdout, done.stderr, time.monotonic() - started)
