"""Runs the benchmark: `python -m tests.bench --help`."""

import argparse
import contextlib
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from tests.bench import deliveries, report, scenarios, start, throughput
from tests.bench.bench import Bench, Options
from tests.bench.figures import growth
from tests.bench.processes import Process, Unusable, python
from tests.bench.wire import CallFailed

MILLION = 1_000_000
_LONGEST, _LONGER_PER_ORDER = 300, 0.0015
"""Seconds after which a run gives up, and what every stored order adds to that."""


class TooLong(Exception):
    """The whole run took longer than it ever should."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures drsim against its own stack.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter measurements: under half a minute")
    parser.add_argument("--million", action="store_true", help="also with 1 000 000 stored orders: minutes, gigabytes")
    parser.add_argument("--references", action="store_true", help="only the reference servers, without drsim")
    parser.add_argument("--only", choices=MEASURES, help="only these measurements")
    parser.add_argument("--sizes", type=_numbers, metavar="N,…", help="numbers of stored orders (100,10000)")
    parser.add_argument("--connections", type=_numbers, metavar="N,…", help="numbers of connections (1,8,32)")
    parser.add_argument("--seconds", type=float, metavar="S", help="length of a slice (0.4)")
    parser.add_argument("--rounds", type=int, metavar="N", help="slices per figure, in turns with the references (3)")
    parser.add_argument(
        "--lines",
        choices=("one", "all"),
        default="one",
        help="fulfil a unit of one of an order's three lines, or of all",
    )
    parser.add_argument("--drsim", metavar="COMMAND", help="another drsim, such as that of an older checkout")
    parser.add_argument("--tmp", type=Path, metavar="DIR", help="where databases go (a million orders take gigabytes)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def options(given: argparse.Namespace) -> Options:
    quick = given.quick
    sizes = given.sizes or ((100,) if quick else (100, 10_000))
    return Options(
        command=tuple(shlex.split(given.drsim)) if given.drsim else (sys.executable, "-m", "drsim.cli"),
        connections=given.connections or ((1, 8) if quick else (1, 8, 32)),
        sizes=(*sizes, MILLION) if given.million else sizes,
        rounds=given.rounds or (2 if quick else 3),
        seconds=given.seconds or (0.2 if quick else 0.4),
        warm=0.1,
        starts=3 if quick else 7,
        deliveries=500 if quick else 2000,
        all_lines=given.lines == "all",
        references_only=given.references,
    )


def measure_throughput(bench: Bench) -> None:
    for size in bench.options.sizes:
        with _database(bench, f"stored-{size}") as work:
            throughput.drsim(bench, size, work)
    with _database(bench, "all-work") as work:
        throughput.all_work(bench, work)
    bench.add(*growth(bench.throughputs))


def measure_deliveries(bench: Bench) -> None:
    with _database(bench, "deliveries") as work:
        deliveries.deliveries(bench, work)


MEASURES: dict[str, Callable[[Bench], None]] = {
    "start": start.start,
    "memory": throughput.memory_after_start,
    "deliveries": measure_deliveries,
    "scenarios": scenarios.scenarios,
    "throughput": measure_throughput,
}


def run(bench: Bench, only: str | None) -> int:
    """Measures; returns how many measures could not be taken."""
    with contextlib.ExitStack() as stack:
        bench.start_references(stack)
        if bench.options.references_only:
            throughput.references(bench)
            return 0
        failed = 0
        for name, measure in MEASURES.items():
            if only in (None, name):
                try:
                    measure(bench)
                except (Unusable, CallFailed, OSError) as error:
                    failed += 1
                    print(f"{name}: not measured: {error}", file=sys.stderr, flush=True)
        return failed


def main() -> int:
    given = arguments()
    chosen = options(given)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell may have switched off
    signal.signal(signal.SIGTERM, _give_up)
    signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(int(_LONGEST + _LONGER_PER_ORDER * sum(chosen.sizes)))
    machine = report.machine()
    print(f"Python {machine['python']}, {machine['cores']} cores, load {machine['load'][0]:.1f}; ", end="")
    print(
        f"{chosen.rounds} slices of {chosen.seconds:g} s; a POST fulfils a unit of {given.lines} of 3 lines", flush=True
    )
    try:
        with (
            tempfile.TemporaryDirectory(prefix="drsim-bench-", dir=given.tmp) as directory,
            Process(python("load"), Path(directory) / "load.log", pipes=True) as load,
        ):
            bench = Bench(chosen, Path(directory), load, machine, show=report.printer())
            failed = run(bench, given.only)
            report.closing(bench)
            if given.json:
                report.write(bench, given.json)
    except KeyboardInterrupt:
        return 130
    except (TooLong, Unusable) as error:
        print(f"given up: {error}", file=sys.stderr)
        return 3
    return 3 if failed else 0


def _give_up(number: int, frame: FrameType | None) -> None:
    raise TooLong(signal.Signals(number).name)


@contextlib.contextmanager
def _database(bench: Bench, name: str) -> Iterator[Path]:
    """A database file that is gone afterwards."""
    path = bench.directory / f"{name}.db"
    try:
        yield path
    finally:
        for file in bench.directory.glob(f"{name}.db*"):
            file.unlink()


if __name__ == "__main__":
    sys.exit(main())
