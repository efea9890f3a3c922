"""The load generator: a raw HTTP/1.1 client in a process of its own, several times as fast as what it measures.

It takes jobs, one JSON document a line, and answers each with one line. `load` names a set of requests and makes their
bytes; `run` sends them over so many kept-alive connections, one request at a time on each, for so many seconds.
"""

import asyncio
import gc
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, cast

import orjson
import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATIENCE = 10.0
"""Seconds a run may last beyond its time, for the answers still under way."""


@dataclass
class Requests:
    """Bytes to send, in order; at the end from the start again (`cycle`), or no more."""

    requests: list[bytes]
    cycle: bool
    at: int = 0

    def take(self) -> bytes | None:
        if self.at == len(self.requests):
            if not self.cycle:
                return None
            self.at = 0
        request = self.requests[self.at]
        self.at += 1
        return request


class Run:
    """One measurement: what happens while `opens <= now < closes` counts, what happens before is warming up."""

    def __init__(self, requests: Requests, expected: int, warm: float, seconds: float) -> None:
        self.requests = requests
        self.expected = b"%d" % expected
        self.opens = time.perf_counter() + warm
        self.closes = self.opens + seconds
        self.latencies: list[float] = []
        self.wrong: Counter[str] = Counter()
        self.sample = ""
        self.exhausted = False
        self.busy_from: float | None = None
        self.done = asyncio.get_running_loop().create_future()
        self.active = 0
        self.total = 0

    def next(self, now: float) -> bytes | None:
        """The next request to send, if it is not yet over."""
        if now >= self.closes:
            return None
        request = self.requests.take()
        if request is None:
            self.exhausted = True
            self.closes = min(self.closes, now)
        return request

    def answered(self, sent: float, now: float, status: bytes, answer: bytes) -> None:
        self.total += 1
        if status != self.expected:
            self.wrong[status.decode()] += 1
            self.sample = self.sample or answer[-600:].decode(errors="replace")
        if self.opens <= now < self.closes:
            if self.busy_from is None:
                self.busy_from = time.process_time()
            self.latencies.append(now - sent)

    def left(self, error: Exception | None = None) -> None:
        """A connection has nothing more to do."""
        self.active -= 1
        if error and not self.done.done():
            self.done.set_exception(error)
        elif not self.active and not self.done.done():
            self.done.set_result(None)

    def result(self) -> dict[str, Any]:
        seconds = max(0.0, self.closes - self.opens)
        busy = time.process_time() - self.busy_from if self.busy_from is not None else 0.0
        return {
            "seconds": seconds,
            "latencies": [round(1e6 * latency) for latency in self.latencies],
            "total": self.total,
            "wrong": self.wrong,
            "sample": self.sample,
            "exhausted": self.exhausted,
            "busy": busy / seconds if seconds else 0.0,
        }


class Connection(asyncio.Protocol):
    """Sends a request, waits for the whole answer, sends the next."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.over = False
        self.sent = 0.0
        self.partial = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def send(self, now: float) -> None:
        request = self.run.next(now)
        if request is None:
            self._leave()
            return
        self.sent = now
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        if self.partial:
            data = self.partial + data
        head = data.find(b"\r\n\r\n")
        if head < 0:
            self.partial = data
            return
        length = _LENGTH.search(data, 0, head)
        if length is None:
            self._leave(ValueError(f"an answer without Content-Length: {data[:head]!r}"))
            return
        if len(data) < head + 4 + int(length[1]):
            self.partial = data
            return
        self.partial = b""
        now = time.perf_counter()
        self.run.answered(self.sent, now, data[9:12], data)
        self.send(now)

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave(exc or ConnectionError("the server closed a kept-alive connection"))

    def _leave(self, error: Exception | None = None) -> None:
        if not self.over:
            self.over = True
            self.run.left(error)
            self.transport.close()


async def measure(requests: Requests, job: dict[str, Any]) -> dict[str, Any]:
    """Runs one job. Raises what went wrong with the connections."""
    run = Run(requests, job["expected"], job["warm"], job["seconds"])
    loop = asyncio.get_running_loop()
    run.active = job["connections"]
    connections = [
        (await loop.create_connection(lambda: Connection(run), "127.0.0.1", job["port"]))[1]
        for _ in range(job["connections"])
    ]
    for connection in connections:
        connection.send(time.perf_counter())
    await asyncio.wait_for(run.done, job["warm"] + job["seconds"] + _PATIENCE)
    return run.result()


def prepared(job: dict[str, Any]) -> Requests:
    """The bytes of a set of requests, given as method, target and body (or nothing)."""
    head = "".join(f"{name}: {value}\r\n" for name, value in job["headers"].items())
    made = []
    for method, target, body in job["requests"]:
        content = b"" if body is None else orjson.dumps(body)
        extra = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n" if content else ""
        made.append(f"{method} {target} HTTP/1.1\r\n{head}{extra}\r\n".encode() + content)
    return Requests(made, job["cycle"])


def main() -> None:
    sets: dict[str, Requests] = {}
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        for line in sys.stdin.buffer:
            job = orjson.loads(line)
            answer: dict[str, Any] = {}
            try:
                if job["do"] == "load":
                    sets[job["name"]] = prepared(job)
                    gc.collect()
                    gc.freeze()
                elif job["do"] == "drop":
                    sets.pop(job["name"], None)
                else:
                    gc.disable()
                    answer = runner.run(measure(sets[job["name"]], job))
                    gc.enable()
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
