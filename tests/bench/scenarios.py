"""Scenarios: a whole `drsim run`, of nothing and of a hundred scenarios of six steps.

The empty run is held against the start of the bare application, the suite against a bare loop of the same HTTP client
that makes one exchange for each step with the durable server: the least that taking a step could cost. The suite
without the empty run is what playing costs; the empty run is nearly all importing.
"""

import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

import orjson

from tests.bench.bench import Bench
from tests.bench.bodies import HEADERS
from tests.bench.figures import DURABLE, SUITE, Single
from tests.bench.processes import ROOT, Unusable, environment, free_port, python
from tests.bench.start import bare_start

MANY = 100
_STEPS = 6
_SCENARIO = """\
scenario: Number {number}
clock: 2022-03-02T17:38:00Z
given:
  webhooks:
    - {{as: hooks, types: [fulfillment.created, order.charge.capture.complete]}}
  orders:
    - as: order
      shipping: 5.00
      taxRate: 0.08025
      items:
        - {{as: widget, name: Widget, price: 10.00, quantity: 3}}
steps:
  - call: POST /fulfillments
    body: {{orderId: "${{order.id}}", items: [{{itemId: "${{widget.id}}", quantity: 2}}]}}
    expect: {{status: 201, body: {{orderId: "${{order.id}}"}}}}
    save: {{fulfillment: .}}
  - event: order.charge.capture.complete
    match: {{data: {{object: {{captures: [{{state: complete, fulfillmentId: "${{fulfillment.id}}"}}]}}}}}}
  - delivery: order.charge.capture.complete
    to: hooks
    expect: {{status: 200, signature: valid}}
  - call: GET /charges/${{order.payment.charges[0].id}}
    expect: {{body: {{captures: [{{state: complete}}]}}}}
  - call: POST /fulfillments
    body: {{orderId: "${{order.id}}", items: [{{itemId: "${{widget.id}}", cancelQuantity: 1}}]}}
  - event: order.complete
"""


def scenarios(bench: Bench) -> None:
    """Medians of runs in turns with what they are held against."""
    empty, suite = bench.directory / "empty", bench.directory / "suite"
    for folder in (empty, suite):
        folder.mkdir()
    (empty / "nothing.yaml").write_text("scenario: nothing\n")
    for number in range(MANY):
        (suite / f"{number}.yaml").write_text(_SCENARIO.format(number=number))
    took: dict[str, list[float]] = {"bare": [], "empty": [], "suite": [], "loop": []}
    for turn in range(bench.options.rounds + 1):
        times = {
            "bare": bare_start(bench, free_port())[0],
            "empty": _run(bench, empty),
            "suite": _run(bench, suite),
            "loop": _loop(bench, MANY * _STEPS),
        }
        if turn:  # the first may still compile bytecode
            for name, seconds in times.items():
                took[name].append(seconds)
                bench.measured += seconds
    bare, nothing, whole, loop = (statistics.median(took[name]) for name in took)
    bench.add(
        Single("drsim run of an empty scenario", 1000 * nothing, "ms"),
        Single("empty run / start of a bare application", nothing / bare, "", None, took),
        Single(f"drsim run of {MANY} scenarios of {_STEPS} steps", whole, "s", SUITE),
        Single("a step, without what an empty run takes", 1000 * (whole - nothing) / MANY / _STEPS, "ms"),
        Single("the same / one exchange of a bare client", (whole - nothing) / loop, "", None, took),
    )


def _run(bench: Bench, folder: Path) -> float:
    began = time.perf_counter()
    command = [*bench.options.command, "run", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise Unusable(f"drsim run ended with {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")
    return time.perf_counter() - began


def _loop(bench: Bench, count: int) -> float:
    """Seconds in which a bare client makes so many exchanges, one after the other."""
    body = orjson.dumps({"orderId": "1", "items": [{"itemId": "1", "quantity": 1}]}).decode()
    url = f"{bench.references[DURABLE]}/fulfillments"
    job: dict[str, Any] = {"url": url, "count": count, "concurrency": 1, "deliveries": [[dict(HEADERS), body]]}
    output = subprocess.run(
        python("poster"), input=orjson.dumps(job), stdout=subprocess.PIPE, cwd=ROOT, env=environment(), timeout=60
    )
    output.check_returncode()
    return float(output.stdout.split()[0])
