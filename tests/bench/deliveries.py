"""Events delivered per second, against a bare loop of the same HTTP client posting the same bodies.

The receiver first keeps its answers back while fulfillments are made, so that deliveries pile up; then it lets go, and
what arrives from then on counts. Simulated time stands still, so nothing else happens meanwhile.
"""

import subprocess
from pathlib import Path
from typing import Any

import orjson

from tests.bench.bench import Bench
from tests.bench.bodies import fulfillment
from tests.bench.figures import DELIVERIES, Single
from tests.bench.processes import ROOT, Unusable, environment, python
from tests.bench.stock import Stock
from tests.bench.throughput import settle
from tests.bench.wire import call

MANY = 8
"""One webhook gets its events one after the other, so several show what the sender can do: with so many, against a
bare loop of as many posts at a time; with one, against a loop of one."""
_TYPES = ("fulfillment.created", "order.charge.capture.pending")
_HOP_BY_HOP = {"host", "connection", "content-length", "accept-encoding"}
_PATIENCE = 2.5
"""Seconds for making fulfillments while the receiver does not answer: senders wait only so long."""


def deliveries(bench: Bench, work: Path) -> None:
    stock = Stock(work)
    with bench.serve(work, "manual") as (_, url):
        stock.seed(url)
    single, many = bench.options.deliveries, 2 * bench.options.deliveries // MANY
    stock.grow(single + many)
    with bench.receiver() as receiver, bench.serve(work, "manual") as (_, url):
        _subscribe(url, receiver, 1)
        bench.add(*_pile(bench, url, receiver, list(stock.orders(0, single)), 1))
        _subscribe(url, receiver, MANY - 1)
        bench.add(*_pile(bench, url, receiver, list(stock.orders(single, stock.size)), MANY))


def _subscribe(url: str, receiver: str, webhooks: int) -> None:
    for _ in range(webhooks):
        call(url, "POST", "/webhooks", {"types": list(_TYPES), "address": f"{receiver}/"})


def _pile(
    bench: Bench, url: str, receiver: str, orders: list[tuple[str, list[str]]], webhooks: int
) -> tuple[Single, Single, Single]:
    """Piles up the deliveries of these fulfillments to so many webhooks, and lets them go."""
    requests = [("POST", "/fulfillments", fulfillment(order_id, item_ids[:1])) for order_id, item_ids in orders]
    bench.offer("pile", url, requests, cycle=False)
    call(receiver, "PUT", "/forget")
    call(receiver, "PUT", "/hold")
    made = bench.pile_up(url, "pile", 201, _PATIENCE)
    busy_before = bench.servers[url].cpu()
    call(receiver, "PUT", "/release")
    settle(url)
    busy = bench.servers[url].cpu()
    stats = call(receiver, "GET", "/stats")
    released_at, before = stats["released"]
    came, seconds = stats["count"] - before, stats["last"] - released_at
    bench.measured += max(0.0, seconds)
    if came < 200 or seconds <= 0:
        raise Unusable(f"deliveries did not pile up: {before} of {stats['count']} came at once, {made} made")
    posts, cost = bare(bench, receiver, call(receiver, "GET", "/samples"), max(came, 1000), webhooks)
    detail = {**stats, "fulfillments": made, "bare": posts, "webhooks": webhooks}
    if busy is not None and busy_before is not None and busy > busy_before:
        detail["byCpu"] = cost / ((busy - busy_before) / came)
    with_webhooks = f"{webhooks} webhook{'s' if webhooks > 1 else ''}"
    return (
        Single(f"bare loop of the HTTP client, {webhooks} at a time", posts, "posts/s"),
        Single(f"drsim, {with_webhooks}, {came} deliveries piled up", came / seconds, "deliveries/s"),
        Single(f"deliveries, {with_webhooks}: drsim / bare loop", came / seconds / posts, "", DELIVERIES, detail),
    )


def bare(
    bench: Bench, receiver: str, samples: list[tuple[str, str]], count: int, concurrency: int
) -> tuple[float, float]:
    """Posts per second of the bare loop, and its seconds of processor time per post."""
    job = posting(receiver, samples, count, concurrency)
    output = subprocess.run(
        python("poster"), input=orjson.dumps(job), stdout=subprocess.PIPE, cwd=ROOT, env=environment(), timeout=60
    )
    output.check_returncode()
    seconds, busy = (float(part) for part in output.stdout.split())
    bench.measured += seconds
    return count / seconds, busy / count


def posting(receiver: str, samples: list[tuple[str, str]], count: int, concurrency: int) -> dict[str, Any]:
    """What the bare loop is to post: some deliveries, over and over."""
    deliveries = [[_headers(head), body] for head, body in samples]
    return {"url": f"{receiver}/", "count": count, "concurrency": concurrency, "deliveries": deliveries}


def _headers(head: str) -> dict[str, str]:
    pairs = (line.split(": ", 1) for line in head.split("\r\n")[1:])
    return {name: value for name, value in pairs if name.lower() not in _HOP_BY_HOP}
