"""What comes of running scenarios, as data: everything that reports are made of."""

from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["passed", "failed", "skipped"]

Entry = dict[str, Any]
"""An entry of a timeline, as the control plane tells it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: a file and a line, from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step that was taken: its place, how it is spoken of, what came of it, how long it took in real seconds."""

    place: Place
    title: str
    verdict: Verdict
    seen: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a scenario failed: the step (or `None`: the world could not be made), and everything needed to see why.

    `source` are the lines of the file with their numbers; `details` are lines of text; `timeline` is what had happened.
    """

    place: Place
    step: int | None
    steps: int
    source: tuple[tuple[int, str], ...]
    summary: str
    details: tuple[str, ...]
    timeline: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """One scenario that was played, or skipped; `seconds` are real."""

    name: str
    place: Place
    tags: tuple[str, ...]
    verdict: Verdict
    seconds: float = 0.0
    steps: tuple[StepResult, ...] = ()
    failure: Failure | None = None
    timeline: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteResult:
    """All scenarios of a run, in the order of the suite; `seconds` are real."""

    scenarios: tuple[ScenarioResult, ...]
    seconds: float
    interrupted: bool = False
    """Whether it was told to stop before all were played."""
    counts: dict[Verdict, int] = field(init=False)

    def __post_init__(self) -> None:
        verdicts: tuple[Verdict, ...] = ("passed", "failed", "skipped")
        counts = {verdict: sum(each.verdict == verdict for each in self.scenarios) for verdict in verdicts}
        object.__setattr__(self, "counts", counts)

    @property
    def passed(self) -> bool:
        """Whether nothing failed, and nothing was cut short."""
        return not self.counts["failed"] and not self.interrupted
