"""Throughput and latency of drsim at so many stored orders, in turns with the references.

Reads run at exactly so many orders. Every POST fulfils a fresh order, so a supply of fresh ones is added before: its
rows say how many are stored then. Simulated time stands still while slices run, so captures stay pending and a request
sets off the same work every time; `ALL_WORK` is the other extreme: a minute per second, every event told to a webhook.
"""

import random
from functools import partial
from pathlib import Path

from tests.bench.bench import WARMING, Bench, Contender, Request
from tests.bench.bodies import fulfillment
from tests.bench.figures import AFTER, ALL_WORK, DURABLE, ECHO, MEMORY, ORDER, PAGE, POST, READ, Single, grouped
from tests.bench.processes import Process
from tests.bench.stock import Stock
from tests.bench.wire import call

READING, WRITING = 2000, 2000
"""How many different requests are sent, over and over, to what does not use them up."""
EXTRAS_AT = 8
"""What no aim is about is measured at so many connections only."""
ONE_EVENT = ("fulfillment.created",)
ALL_EVENTS = (
    "fulfillment.created",
    "order.fulfilled",
    "order.complete",
    "order.charge.processing",
    "order.charge.complete",
    "order.charge.capture.pending",
    "order.charge.capture.complete",
)


def references(bench: Bench) -> None:
    """Only the references: what this machine can do."""
    order_ids = [str(231388420336 + 10_000 * number) for number in range(WRITING)]
    item_ids = [str(146111110336 + 10_000 * number) for number in range(3)]
    _offer_to_references(bench, [_post(bench, order_id, item_ids) for order_id in order_ids], order_ids)
    for connections in bench.options.connections:
        bench.compare(_reading(bench), connections, None)
        bench.compare(_writing(bench, EXTRAS_AT), connections, None)


def drsim(bench: Bench, size: int, work: Path) -> None:
    """All measures at `size` stored orders."""
    stock = Stock(work)
    with bench.serve(work, "manual") as (_, url):
        stock.seed(url)
    stock.grow(size)
    ids = random.Random(size).sample(stock.order_ids(), min(size, READING))
    posts = [_post(bench, order_id, item_ids) for order_id, item_ids in stock.orders(0, WRITING)]
    _offer_to_references(bench, posts, ids)
    with bench.serve(work, "manual") as (_, url):
        _reads(bench, url, size, ids)
    stock.grow(size + bench.options.supply())
    with bench.receiver() as receiver, bench.serve(work, "manual") as (process, url):
        _posts(bench, url, receiver, stock, size)
        _remember_memory(bench, process, f"memory after the run at {grouped(stock.size)} orders")


def all_work(bench: Bench, work: Path) -> None:
    """Fulfillments with everything they lead to running meanwhile: captures settling, every event told."""
    stock = Stock(work)
    with bench.serve(work, "x60") as (_, url):
        stock.seed(url)
    seconds = 3 * bench.options.seconds
    stock.grow(int(2500 * (WARMING + bench.options.rounds * (bench.options.warm + seconds))))
    posts = [_post(bench, order_id, item_ids) for order_id, item_ids in stock.orders(0, stock.size)]
    _offer_to_references(bench, posts[:WRITING], [])
    with bench.receiver() as receiver, bench.serve(work, "x60") as (_, url):
        _subscribe(url, receiver, ALL_EVENTS)
        bench.offer("all", url, posts, cycle=False)
        contender = Contender(ALL_WORK, url, "all", 201, partial(settle, url))
        bench.compare([*_writing(bench, 0), contender], EXTRAS_AT, stock.size, seconds)
        _tell_delivered(bench, receiver, ALL_WORK)


def settle(url: str) -> None:
    """Waits until nothing is due and no delivery is under way."""
    call(url, "POST", "/_sim/settle", {"until": "now"}, timeout=60)


def _reads(bench: Bench, url: str, size: int, ids: list[str]) -> None:
    bench.offer("order", url, [("GET", f"/orders/{id}", None) for id in ids])
    bench.offer("page", url, [("GET", "/orders?limit=10", None)])
    bench.offer("after", url, [("GET", f"/orders?limit=10&startingAfter={id}", None) for id in ids])
    contenders = [Contender(ORDER, url, "order"), Contender(PAGE, url, "page")]
    deeper = Contender(AFTER, url, "after")
    for connections in bench.options.connections:
        extra = [deeper] if connections == EXTRAS_AT else []
        bench.compare([*_reading(bench), *contenders, *extra], connections, size)


def _posts(bench: Bench, url: str, receiver: str, stock: Stock, size: int) -> None:
    _subscribe(url, receiver, ONE_EVENT)
    posts = [_post(bench, order_id, item_ids) for order_id, item_ids in stock.orders(size, stock.size)]
    bench.offer("post", url, posts, cycle=False)
    contender = Contender(POST, url, "post", 201, partial(settle, url))
    for connections in bench.options.connections:
        bench.compare([*_writing(bench, connections), contender], connections, stock.size)
    _tell_delivered(bench, receiver, POST)


def _subscribe(url: str, receiver: str, types: tuple[str, ...]) -> None:
    call(url, "POST", "/webhooks", {"types": list(types), "address": f"{receiver}/"})


def _tell_delivered(bench: Bench, receiver: str, measure: str) -> None:
    stats = call(receiver, "GET", "/stats")
    bench.add(Single(f"deliveries that came during {measure}", stats["count"], "deliveries", detail=stats))


def _remember_memory(bench: Bench, process: Process, name: str) -> None:
    memory = process.memory()
    if memory:
        bench.add(Single(name, memory["now"], "MB", detail=memory))


def memory_after_start(bench: Bench) -> None:
    """What a server on an empty database takes once it has answered a call of the API."""
    with bench.serve(bench.directory / "empty.db", "real") as (process, url):
        call(url, "GET", "/orders?limit=10")
        memory = process.memory()
        if memory:
            bench.add(Single("memory after start", memory["now"], "MB", MEMORY, memory))


def _post(bench: Bench, order_id: str, item_ids: list[str]) -> Request:
    lines = item_ids if bench.options.all_lines else item_ids[:1]
    return ("POST", "/fulfillments", fulfillment(order_id, lines))


def _offer_to_references(bench: Bench, posts: list[Request], order_ids: list[str]) -> None:
    for name in (ECHO, DURABLE):
        bench.offer(name, bench.references[name], posts)
    if order_ids:
        bench.offer(READ, bench.references[READ], [("GET", f"/orders/{id}", None) for id in order_ids])


def _reading(bench: Bench) -> list[Contender]:
    return [Contender(READ, bench.references[READ], READ)]


def _writing(bench: Bench, connections: int) -> list[Contender]:
    names = (ECHO, DURABLE) if connections == EXTRAS_AT else (DURABLE,)
    return [Contender(name, bench.references[name], name, 201) for name in names]
