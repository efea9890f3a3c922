"""What was measured: slices of one contender's throughput, what they add up to, and the aims they are held against."""

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Aim:
    """What a figure should be: at least, or at most."""

    least: float | None = None
    most: float | None = None

    def met(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f">= {self.least:g}" if self.least is not None else f"<= {self.most:g}"


POST, ORDER, PAGE, AFTER = "POST /fulfillments", "GET /orders/{id}", "GET /orders?limit=10", "… startingAfter=ID"
ALL_WORK = "POST, all its work"
ECHO, DURABLE, READ = "echo", "durable", "read"

REFERENCE = {POST: DURABLE, ALL_WORK: DURABLE, ORDER: READ, PAGE: READ, AFTER: READ}
"""Which reference a measure is a ratio to."""
AIMS = {POST: Aim(least=0.5), ORDER: Aim(least=0.7), PAGE: Aim(least=0.3)}
GROWTH = Aim(most=1.2)
START = Aim(most=1.5)
MEMORY = Aim(most=60.0)
DELIVERIES = Aim(least=0.7)
SUITE = Aim(most=5.0)


@dataclass
class Throughput:
    """One measure at one number of connections and stored orders, summed over its slices."""

    measure: str
    connections: int
    stored: int | None
    seconds: float = 0.0
    latencies: list[int] = field(default_factory=list)
    """In microseconds."""
    rates: list[float] = field(default_factory=list)
    """Answers per second, slice by slice."""
    busy: list[float] = field(default_factory=list)
    """Share of a processor that the load generator used, slice by slice."""
    cpu: float = 0.0
    """Seconds of processor time the server used in all, warming up and what was set off included."""
    total: int = 0
    """Answers in that time."""
    wrong: int = 0
    sample: str = ""
    exhausted: bool = False
    reference: "Throughput | None" = None
    """The reference that was measured in turns with this."""

    def add(self, answer: dict[str, Any]) -> None:
        """Adds a slice as the load generator reports it."""
        self.seconds += answer["seconds"]
        self.latencies += answer["latencies"]
        self.rates.append(len(answer["latencies"]) / answer["seconds"] if answer["seconds"] else 0.0)
        self.busy.append(answer["busy"])
        self.total += answer["total"]
        self.wrong += sum(answer["wrong"].values())
        self.sample = self.sample or answer["sample"]
        self.exhausted |= answer["exhausted"]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0

    @property
    def ratio(self) -> float | None:
        """How fast compared with the reference: the median of the rounds, in each of which both had their turn."""
        if self.reference is None:
            return None
        rounds = zip(self.rates, self.reference.rates, strict=True)
        return statistics.median(own / reference if reference else 0.0 for own, reference in rounds)

    @property
    def ratio_by_cost(self) -> float | None:
        """The same by processor time per answer."""
        return self.reference.cost / self.cost if self.reference and self.cost else None

    @property
    def cost(self) -> float:
        """Microseconds of processor time per answer: this hardly depends on what else the machine does."""
        return 1e6 * self.cpu / self.total if self.total else 0.0

    def percentile(self, percent: float) -> float:
        """A latency in milliseconds, not exceeded by so many percent of the answers."""
        if not self.latencies:
            return 0.0
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] / 1000

    @property
    def aim(self) -> Aim | None:
        return AIMS.get(self.measure)

    def json(self) -> dict[str, Any]:
        """All of it but the single latencies."""
        return {
            "measure": self.measure,
            "connections": self.connections,
            "stored": self.stored,
            "perSecond": self.rate,
            "p50": self.percentile(50),
            "p99": self.percentile(99),
            "cpuMicrosecondsPerAnswer": self.cost,
            "answers": len(self.latencies),
            "seconds": self.seconds,
            "slices": self.rates,
            "loadGeneratorBusy": max(self.busy, default=0.0),
            "reference": self.reference.measure if self.reference else None,
            "ratio": self.ratio,
            "ratioByCpu": self.ratio_by_cost,
            "wrongAnswers": self.wrong,
            "exhausted": self.exhausted,
        }


@dataclass(frozen=True)
class Single:
    """A figure that is one number: a time, a size, a ratio."""

    measure: str
    value: float
    unit: str
    aim: Aim | None = None
    detail: dict[str, Any] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        return {**asdict(self), "aim": str(self.aim) if self.aim else None}


def growth(figures: list[Throughput]) -> list[Single]:
    """How many times slower each measure is at the most stored orders than at the least, references evened out.

    Nothing is said of POST where its supply of fresh orders makes the two hardly different.
    """
    singles = []
    for measure in (POST, ORDER, PAGE, AFTER):
        of_it = [each for each in figures if each.measure == measure and each.ratio]
        for connections in sorted({each.connections for each in of_it}):
            row = sorted((each for each in of_it if each.connections == connections), key=lambda each: each.stored or 0)
            singles += _compared(row[0], row[-1])
    return singles


def _compared(few: Throughput, many: Throughput) -> list[Single]:
    if not few.stored or not many.stored or many.stored < 4 * few.stored or not few.ratio or not many.ratio:
        return []
    name = f"{many.measure} at {grouped(many.stored)} against {grouped(few.stored)}, {many.connections} conn"
    by_cpu = few.ratio_by_cost / many.ratio_by_cost if few.ratio_by_cost and many.ratio_by_cost else None
    return [Single(name, few.ratio / many.ratio, "times slower", GROWTH, {"byCpu": by_cpu})]


def grouped(number: int) -> str:
    """A number as people read it: 26 700."""
    return f"{number:,}".replace(",", " ")
