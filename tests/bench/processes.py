"""The processes of a benchmark: started on 127.0.0.1, looked at from outside, and gone at the end whatever happens."""

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

ROOT = Path(__file__).parents[2]
_URL = re.compile(r"http://127\.0\.0\.1:\d+")
_STARTING = 15.0
"""Seconds a server may take to print its address."""


class Unusable(Exception):
    """A process did not do what the benchmark needs; the message says what it wrote."""


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: not even a killed benchmark leaves servers


def environment() -> dict[str, str]:
    """Ours, without any setting of drsim: a benchmark measures the defaults and what it passes itself."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("DRSIM_")}
    return {**ours, "PYTHONUNBUFFERED": "1"}


class Process:
    """A child process, a context manager. What it writes goes to a file that is quoted if it fails."""

    def __init__(self, arguments: Sequence[str], log: Path, *, pipes: bool = False) -> None:
        self.log = log
        with log.open("wb") as output:
            self.popen = subprocess.Popen(
                arguments,
                cwd=ROOT,
                env=environment(),
                stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipes else output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches the benchmark alone, which then stops its children
                preexec_fn=_die_with_parent,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self, patience: float = 10.0) -> None:
        """Ends it, first politely."""
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(patience)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        for pipe in (self.popen.stdin, self.popen.stdout):
            if pipe:
                pipe.close()

    def kill(self) -> None:
        """Ends it at once."""
        self.popen.kill()
        self.stop()

    def written(self) -> str:
        """The last lines it wrote."""
        return "\n".join(self.log.read_text(errors="replace").strip().splitlines()[-6:])

    def check(self) -> None:
        """Raises `Unusable` if it has ended."""
        if self.popen.poll() is not None:
            raise Unusable(f"{self.log.stem} ended with {self.popen.returncode}: {self.written()}")

    def url(self) -> str:
        """The base address it prints once it serves."""
        deadline = time.monotonic() + _STARTING
        while time.monotonic() < deadline:
            found = _URL.search(self.log.read_text(errors="replace"))
            if found:
                return found[0]
            self.check()
            time.sleep(0.01)
        raise Unusable(f"{self.log.stem} printed no address within {_STARTING:g} s: {self.written()}")

    def memory(self) -> dict[str, float] | None:
        """Its resident memory in MB, now and at most so far; `None` where /proc does not tell.

        Added is what its children have for themselves, now.
        """
        own = Path(f"/proc/{self.popen.pid}")
        try:
            status = (own / "status").read_text()
            children = (own / "task" / own.name / "children").read_text().split()
            theirs = "".join((own.with_name(each) / "smaps_rollup").read_text() for each in children)
        except OSError:
            return None
        found = dict(re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", status))
        added = sum(map(int, re.findall(r"Private_(?:Clean|Dirty):\s+(\d+) kB", theirs)))
        if len(found) < 2:
            return None
        return {"now": (int(found["VmRSS"]) + added) / 1024, "most": (int(found["VmHWM"]) + added) / 1024}

    def cpu(self) -> float | None:
        """Seconds of processor time it has used, all threads together; `None` where /proc does not tell."""
        try:
            fields = Path(f"/proc/{self.popen.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def tell(self, job: dict[str, Any]) -> None:
        """Gives a process with pipes all it gets to read."""
        assert self.popen.stdin
        with self.popen.stdin as pipe:
            pipe.write(orjson.dumps(job))

    def ask(self, job: dict[str, Any]) -> Any:
        """Sends a process with pipes one line of JSON and waits for its line."""
        assert self.popen.stdin
        assert self.popen.stdout
        try:
            self.popen.stdin.write(orjson.dumps(job) + b"\n")
            self.popen.stdin.flush()
            line = self.popen.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            self.popen.wait(5)
            raise Unusable(f"{self.log.stem} went away: {self.written()}")
        return orjson.loads(line)


def python(module: str, *arguments: str) -> list[str]:
    """The command line of a module of this program."""
    return [sys.executable, "-m", f"tests.bench.{module}", *arguments]


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
