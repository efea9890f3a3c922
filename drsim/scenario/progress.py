"""How far a run is: a bar on a terminal, a line for each scenario elsewhere."""

import sys
from types import TracebackType
from typing import Any

from drsim.scenario import reports
from drsim.scenario.results import ScenarioResult

_COLORS = {"passed": "32", "failed": "31", "skipped": "33"}


class Progress:
    """Tells of results as they come. Use as a context manager."""

    def __init__(self, total: int, color: bool) -> None:
        self._total = total
        self._color = color
        self._bar: Any = None
        self._failed = 0

    def told(self, result: ScenarioResult) -> None:
        """One more result."""
        line = reports.line(result)
        if self._color and sys.stdout.isatty():
            line = f"\033[{_COLORS[result.verdict]}m{line}\033[0m"
        if self._bar is None:
            print(line, flush=True)
            return
        self._failed += result.verdict == "failed"
        if result.verdict == "failed":
            self._bar.write(line)
        self._bar.set_postfix_str(f"{self._failed} failed" if self._failed else "", refresh=False)
        self._bar.update()

    def __enter__(self) -> "Progress":
        if sys.stdout.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self._total, unit=" scenarios", leave=False, file=sys.stdout)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
