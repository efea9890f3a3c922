"""Start to first answer: drsim against a bare application of the same stack, in turns."""

import socket
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.bench import Bench
from tests.bench.bodies import KEY
from tests.bench.figures import START, Single
from tests.bench.processes import Process, Unusable, free_port

_HEALTH = "/_sim/health"
_QUESTIONS = {"bare": _HEALTH, "drsim": _HEALTH, "first call": "/orders?limit=10"}
"""What is asked until it is answered: a health check may be answered before the API is."""
_LONGEST = 15.0
_BETWEEN = 0.002
"""Seconds between two questions."""


def start(bench: Bench) -> None:
    """Medians of alternating starts; the first of each, which may still compile bytecode, does not count."""
    took: dict[str, list[float]] = {name: [] for name in _QUESTIONS}
    busy: dict[str, list[float]] = {name: [] for name in _QUESTIONS}
    for run in range(bench.options.starts + 1):
        for name, times in took.items():
            port = free_port()
            command = _bare(port) if name == "bare" else _drsim(bench, port)
            seconds, cpu = _until_answer(command, port, _QUESTIONS[name], bench.directory / f"start-{name}.log")
            if run:
                times.append(seconds)
                busy[name].append(cpu)
                bench.measured += seconds
    bare, drsim, called = (statistics.median(took[name]) for name in _QUESTIONS)
    bare_cpu, drsim_cpu, _ = (statistics.median(busy[name]) for name in _QUESTIONS)
    by_cpu = drsim_cpu / bare_cpu if bare_cpu else None
    bench.add(
        Single("bare application, start to first answer", 1000 * bare, "ms"),
        Single("drsim serve, start to first answer", 1000 * drsim, "ms"),
        Single("drsim serve, start to first call of the API", 1000 * called, "ms"),
        Single("start: drsim / bare application", drsim / bare, "", START, {**took, "byCpu": by_cpu}),
    )


def bare_start(bench: Bench, port: int) -> tuple[float, float]:
    """Seconds from the start of the bare application to its first answer, and of processor time."""
    return _until_answer(_bare(port), port, _HEALTH, bench.directory / "start-bare.log")


def _bare(port: int) -> list[str]:
    return [sys.executable, str(Path(__file__).with_name("bare.py")), str(port)]


def _drsim(bench: Bench, port: int) -> list[str]:
    database = bench.directory / f"start-{port}.db"
    return [*bench.options.command, "serve", "--port", str(port), "--quiet", "--db", str(database)]


def _until_answer(command: Sequence[str], port: int, path: str, log: Path) -> tuple[float, float]:
    """Seconds until the answer, and of processor time the process had used by then."""
    began = time.perf_counter()
    process = Process(command, log)
    try:
        while not _is_answered(port, path):
            process.check()
            if time.perf_counter() - began > _LONGEST:
                raise Unusable(f"{log.stem} did not answer within {_LONGEST:g} s: {process.written()}")
            time.sleep(_BETWEEN)
        return time.perf_counter() - began, process.cpu() or 0.0
    finally:
        process.kill()


def _is_answered(port: int, path: str) -> bool:
    lines = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {KEY}\r\nConnection: close"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=_LONGEST) as connection:
            connection.sendall(f"{lines}\r\n\r\n".encode())
            return connection.recv(12).endswith(b" 200")
    except OSError:
        return False
