"""Figures as a table, row by row as they come, and the aims at the end."""

import json
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.bench import Bench
from tests.bench.figures import Aim, Single, Throughput, grouped

_STACK = ("uvicorn", "starlette", "pydantic", "aiohttp", "uvloop")


def machine() -> dict[str, Any]:
    """Where this was measured."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = {name: version(name) for name in _STACK}
    return {"python": platform.python_version(), "cores": cores, "load": os.getloadavg(), "versions": versions}


def printer() -> Callable[[Throughput | Single], None]:
    """Prints each figure as it comes, with a heading over each run of throughputs."""
    heading = [False]

    def show(figure: Throughput | Single) -> None:
        if isinstance(figure, Single):
            heading[0] = False
            print(_single(figure), flush=True)
            return
        if not heading[0]:
            heading[0] = True
            names = ("conn", 6), ("per s", 10), ("p50 ms", 9), ("p99 ms", 9), ("cpu us", 8), ("by cpu", 8), ("ratio", 7)
            print(f"\n{'stored':>34}{''.join(name.rjust(width) for name, width in names)}  to (aim)")
        print(_throughput(figure), flush=True)

    return show


def closing(bench: Bench) -> None:
    """What the run comes to: aims met and missed, what was wrong, and how much of the time was measuring."""
    figures: list[Throughput | Single] = [*bench.throughputs, *bench.singles]
    aimed = [(figure, value, aim) for figure in figures for value, aim in [_aimed(figure)] if aim and value is not None]
    missed = [(figure, value, aim) for figure, value, aim in aimed if not aim.met(value)]
    if aimed:
        print(f"\n{len(aimed) - len(missed)} of {len(aimed)} aims met")
    for figure, value, aim in missed:
        print(f"  missed: {_name(figure)}: {value:.2f}, aim {aim}")
    for throughput in bench.throughputs:
        if throughput.wrong:
            print(f"  wrong: {_name(throughput)}: {throughput.wrong} other answers, such as {throughput.sample}")
        if throughput.exhausted:
            print(f"  short: {_name(throughput)}: its supply of fresh orders ran out early")
        if max(throughput.busy, default=0) > 0.9:
            print(
                f"  doubtful: {_name(throughput)}: the load generator was busy {max(throughput.busy):.0%} of the time"
            )
    load = bench.machine["load"][0]
    if load > 0.5:
        print(f"  doubtful: the machine had other work (load {load:.1f}), so trust `by cpu` more than `ratio`")
    wall = time.monotonic() - bench.began
    print(f"\n{wall:.0f} s, {bench.measured:.0f} s of it ({bench.measured / wall:.0%}) measuring", flush=True)


def write(bench: Bench, path: Path) -> None:
    """All figures, as JSON."""
    options = {name: value for name, value in vars(bench.options).items() if name != "command"}
    everything = {
        "machine": bench.machine,
        "options": options,
        "wall": time.monotonic() - bench.began,
        "measured": bench.measured,
        "throughput": [figure.json() for figure in bench.throughputs],
        "other": [figure.json() for figure in bench.singles],
    }
    path.write_text(json.dumps(everything, indent=1) + "\n")


def _throughput(figure: Throughput) -> str:
    stored = grouped(figure.stored) if figure.stored else ""
    row = f"{figure.measure:24}{stored:>10}{figure.connections:>6}{figure.rate:>10.0f}"
    row += f"{figure.percentile(50):>9.2f}{figure.percentile(99):>9.2f}{figure.cost:>8.0f}"
    if figure.ratio is not None and figure.reference:
        row += f"{figure.ratio_by_cost or 0:>8.2f}{figure.ratio:>7.2f}"
        row += f"  {figure.reference.measure}{_verdict(figure.ratio, figure.aim)}"
    return row + (f"  ({figure.wrong} wrong answers)" if figure.wrong else "")


def _single(figure: Single) -> str:
    by_cpu = f", {figure.detail['byCpu']:.2f} by cpu" if figure.detail.get("byCpu") else ""
    return f"{figure.measure:66}{figure.value:>9.2f} {figure.unit}{_verdict(figure.value, figure.aim)}{by_cpu}"


def _verdict(value: float, aim: Aim | None) -> str:
    return f" ({aim}: {'met' if aim.met(value) else 'missed'})" if aim else ""


def _aimed(figure: Throughput | Single) -> tuple[float | None, Aim | None]:
    return (figure.ratio if isinstance(figure, Throughput) else figure.value), figure.aim


def _name(figure: Throughput | Single) -> str:
    if isinstance(figure, Single):
        return figure.measure
    stored = f" at {grouped(figure.stored)}" if figure.stored else ""
    return f"{figure.measure}{stored}, {figure.connections} connections"
