"""What the measures share: the options, the load generator, the servers, and where figures go as they come."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench.bodies import HEADERS
from tests.bench.figures import DURABLE, ECHO, READ, REFERENCE, Single, Throughput
from tests.bench.processes import Process, Unusable, python
from tests.bench.wire import answers

Request = tuple[str, str, Any]
"""Method, target and JSON body (or nothing)."""


WARMING = 0.4
"""Seconds that a server is first asked a kind of request without measuring: much is only made or imported on use."""


@dataclass(frozen=True)
class Options:
    """How much is measured."""

    command: tuple[str, ...]
    """Starts drsim, up to and without `serve`."""
    connections: tuple[int, ...]
    sizes: tuple[int, ...]
    rounds: int
    seconds: float
    warm: float
    starts: int
    deliveries: int
    """How many fulfillments pile up deliveries."""
    all_lines: bool
    references_only: bool

    def supply(self) -> int:
        """How many fresh orders the POST slices of one size may use up: at more, a slice ends early."""
        posts = self.rounds * sum(1000 if connections == 1 else 2500 for connections in self.connections)
        return int(posts * (self.warm + self.seconds) + 2500 * WARMING)


@dataclass(frozen=True)
class Contender:
    """One side of a comparison: a server and the requests it gets."""

    measure: str
    url: str
    requests: str
    """The name of a set of requests the load generator has."""
    expected: int = 200
    after: Any = None
    """Called after each slice, to let what it set off come to rest."""


@dataclass
class Bench:
    """A run of the benchmark."""

    options: Options
    directory: Path
    load: Process
    machine: dict[str, Any]
    began: float = field(default_factory=time.monotonic)
    measured: float = 0.0
    throughputs: list[Throughput] = field(default_factory=list)
    singles: list[Single] = field(default_factory=list)
    show: Any = print
    references: dict[str, str] = field(default_factory=dict)
    servers: dict[str, Process] = field(default_factory=dict)
    """By address."""
    _warmed: set[tuple[str, str]] = field(default_factory=set)

    def start_references(self, stack: contextlib.ExitStack) -> None:
        for name in (ECHO, DURABLE, READ):
            arguments = [str(self.directory / "durable.db")] if name == DURABLE else []
            process = Process(python("reference", name, *arguments), self.directory / f"{name}.log")
            url = stack.enter_context(process).url()
            self.references[name], self.servers[url] = url, process

    @contextlib.contextmanager
    def serve(self, database: Path, clock: str) -> Iterator[tuple[Process, str]]:
        """drsim on this database, ready to answer, and its address."""
        arguments = ["serve", "--port", "0", "--quiet", "--db", str(database), "--clock", clock]
        with Process([*self.options.command, *arguments], self.directory / "drsim.log") as process:
            url = process.url()
            deadline = time.monotonic() + 15
            while not answers(url, "/_sim/health"):
                process.check()
                if time.monotonic() > deadline:
                    raise Unusable(f"drsim does not answer GET /_sim/health: {process.written()}")
                time.sleep(0.01)
            self.servers[url] = process
            yield process, url
            process.check()

    @contextlib.contextmanager
    def receiver(self) -> Iterator[str]:
        """The address of a receiver of webhooks."""
        with Process(python("receiver"), self.directory / "receiver.log") as process:
            yield process.url()

    def offer(self, name: str, url: str, requests: Sequence[Request], *, cycle: bool = True) -> None:
        """Gives the load generator a set of requests for a server."""
        headers = {"Host": urlsplit(url).netloc, **HEADERS}
        self._ask({"do": "load", "name": name, "headers": headers, "requests": list(requests), "cycle": cycle})

    def compare(
        self, contenders: Sequence[Contender], connections: int, stored: int | None, seconds: float | None = None
    ) -> list[Throughput]:
        """Measures contenders in turns, as many rounds as asked for; references come first in the list."""
        figures = {each.measure: Throughput(each.measure, connections, stored) for each in contenders}
        for contender in contenders:
            if (contender.url, contender.requests) not in self._warmed:
                self._warmed.add((contender.url, contender.requests))
                self._run(contender, 8, 0.0, WARMING)
        for _ in range(self.options.rounds):
            for contender in contenders:
                self._slice(contender, figures[contender.measure], seconds or self.options.seconds)
        for figure in figures.values():
            figure.reference = figures.get(REFERENCE.get(figure.measure, ""))
            if figure.measure in (ECHO, DURABLE, READ):
                figure.stored = None
            self.throughputs.append(figure)
            self.show(figure)
        return list(figures.values())

    def add(self, *singles: Single) -> None:
        for single in singles:
            self.singles.append(single)
            self.show(single)

    def pile_up(self, url: str, requests: str, expected: int, patience: float) -> int:
        """Sends all of a set that is used up, 8 at a time, within `patience` seconds; returns how many."""
        job = {"do": "run", "name": requests, "port": urlsplit(url).port, "connections": 8, "expected": expected}
        answer = self._ask({**job, "warm": 0, "seconds": patience})
        if answer["wrong"]:
            raise Unusable(f"{requests}: wrong answers {answer['wrong']}, such as {answer['sample']}")
        return len(answer["latencies"])

    def latencies(self, url: str, requests: str, seconds: float) -> list[int]:
        """How long calls take that are made one after the other, in microseconds."""
        answer = self._run(Contender("", url, requests), 1, 0.0, seconds)
        if answer["wrong"]:
            raise Unusable(f"{requests}: wrong answers {answer['wrong']}, such as {answer['sample']}")
        return list(answer["latencies"])

    def _slice(self, contender: Contender, figure: Throughput, seconds: float) -> None:
        before = self.servers[contender.url].cpu()
        answer = self._run(contender, figure.connections, self.options.warm, seconds)
        figure.add(answer)
        self.measured += answer["seconds"]
        after = self.servers[contender.url].cpu()
        if before is not None and after is not None:
            figure.cpu += after - before

    def _run(self, contender: Contender, connections: int, warm: float, seconds: float) -> Any:
        job = {
            "do": "run",
            "name": contender.requests,
            "port": urlsplit(contender.url).port,
            "connections": connections,
            "expected": contender.expected,
            "warm": warm,
            "seconds": seconds,
        }
        answer = self._ask(job)
        if contender.after:
            contender.after()
        return answer

    def _ask(self, job: dict[str, Any]) -> Any:
        answer = self.load.ask(job)
        if "error" in answer:
            raise Unusable(f"{job['name']}: {answer['error']}")
        return answer
