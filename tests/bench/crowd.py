"""Ten thousand deliveries due at once for good receivers, and as many for dead and slow ones; and the API meanwhile.

Half of the twenty webhooks are good. Of the others five are dead (nobody listens, or somebody does and says nothing)
and five answer after 2.5 seconds, just in time. Simulated time stands still, so nothing is tried twice.
"""

import time
from pathlib import Path

from tests.bench.bench import Bench
from tests.bench.bodies import fulfillment
from tests.bench.deliveries import bare, posting
from tests.bench.figures import HEALTHY, LATENCY, SAME_MEMORY, Single
from tests.bench.processes import Process, Unusable, free_port, python
from tests.bench.stock import Stock
from tests.bench.wire import call

GOOD, SLOW, SILENT, REFUSED = 10, 5, 2, 3
_TYPE = "fulfillment.created"
_LONGEST = 60.0
"""Seconds the good ones may take to get everything."""


def crowd(bench: Bench, work: Path) -> None:
    stock = Stock(work)
    with bench.serve(work, "manual") as (_, url):
        stock.seed(url)
    count = min(1_000, bench.options.deliveries)
    stock.grow(count)
    with bench.receiver() as receiver, bench.serve(work, "manual") as (process, url):
        began = call(url, "GET", "/_sim/clock")["now"]
        orders = list(stock.orders(0, count))
        posts = [("POST", "/fulfillments", fulfillment(id, item_ids[:1])) for id, item_ids in orders]
        bench.offer("make", url, posts, cycle=False)
        bench.pile_up(url, "make", 201, 30)
        bench.offer("look", url, [("GET", f"/orders/{id}", None) for id, _ in orders])
        changes = [("POST", f"/orders/{id}", {"metadata": {"seen": "yes"}}) for id, _ in orders]
        bench.offer("change", url, changes)
        _api(bench, url)  # whatever is only made on first use
        idle, memory = _api(bench, url), process.memory()
        good = [_subscribe(url, f"{receiver}/") for _ in range(GOOD)]
        _send(url, good, began, receiver)
        alone = _all_of(receiver, GOOD * count)
        bad = [_subscribe(url, address) for address in _bad_addresses(receiver)]
        started = time.perf_counter()
        _send(url, [*bad, *good], began, receiver)
        came, since = call(receiver, "GET", "/stats")["count"], time.perf_counter()
        busy = _api(bench, url)
        rate = (call(receiver, "GET", "/stats")["count"] - came) / (time.perf_counter() - since)
        crowded = _all_of(receiver, GOOD * count)
        bench.measured += time.perf_counter() - started
        _tell(bench, receiver, alone, crowded)
        for webhook in bad:
            call(url, "PATCH", f"/webhooks/{webhook}", {"enabled": False})
        bench.add(Single("deliveries to the good ones, during calls", rate, "deliveries/s"))
        beside = _api_beside_another(bench, url, receiver, rate)
        for name in idle:
            _compare(bench, name, idle[name], busy[name], beside[name])
        _tell_memory(bench, memory, process.memory())


def _bad_addresses(receiver: str) -> list[str]:
    refused = [f"http://127.0.0.1:{free_port()}/" for _ in range(REFUSED)]
    return [*refused, *[f"{receiver}/silent"] * SILENT, *[f"{receiver}/slow"] * SLOW]


def _subscribe(url: str, address: str) -> str:
    return str(call(url, "POST", "/webhooks", {"types": [_TYPE], "address": address})["id"])


def _send(url: str, webhooks: list[str], since: str, receiver: str) -> None:
    """Lets every event be due for these webhooks."""
    call(receiver, "PUT", "/forget")
    for id in webhooks:
        call(url, "POST", f"/_sim/webhooks/{id}/resend", {"since": since})


def _api(bench: Bench, url: str) -> dict[str, list[int]]:
    """Latencies of reading and of writing calls, one after the other, in microseconds."""
    seconds = 3 * bench.options.seconds
    return {
        "GET /orders/{id}": bench.latencies(url, "look", seconds),
        "POST /orders/{id}": bench.latencies(url, "change", seconds),
    }


def _api_beside_another(bench: Bench, url: str, receiver: str, rate: float) -> dict[str, list[int]]:
    """The same latencies while drsim sends nothing and another process sends as much: what is the machine's own."""
    job = {**posting(receiver, call(receiver, "GET", "/samples"), 1_000_000, GOOD), "rate": rate}
    call(receiver, "PUT", "/forget")
    with Process(python("poster"), bench.directory / "poster.log", pipes=True) as poster:
        poster.tell(job)
        _all_of(receiver, GOOD)
        return _api(bench, url)


def _all_of(receiver: str, count: int) -> dict[str, float]:
    """What the receiver says once the good ones have got everything."""
    deadline = time.monotonic() + _LONGEST
    while True:
        stats: dict[str, float] = call(receiver, "GET", "/stats")
        if stats["count"] >= count:
            return stats
        if time.monotonic() > deadline:
            raise Unusable(f"only {stats['count']} of {count} deliveries came within {_LONGEST:g} s")
        time.sleep(0.05)


def _tell(bench: Bench, receiver: str, alone: dict[str, float], crowded: dict[str, float]) -> None:
    came = int(crowded["count"])
    posts, _ = bare(bench, receiver, call(receiver, "GET", "/samples"), came, GOOD)
    pace, crowded_pace = (each["count"] / (each["last"] - each["first"]) for each in (alone, crowded))
    detail = {"bare": posts, "alone": pace, "crowded": crowded_pace}
    among = f"{came} deliveries to {GOOD} good receivers"
    bench.add(
        Single(f"bare loop of the HTTP client, {GOOD} at a time", posts, "posts/s"),
        Single(f"drsim, {among} alone", pace, "deliveries/s"),
        Single(f"drsim, {among} among 10 bad, and calls", crowded_pace, "deliveries/s"),
        Single("deliveries to the good ones, alone: drsim / bare loop", pace / posts, "", None, detail),
        Single("deliveries to the good ones: among bad ones / alone", crowded_pace / pace, "", HEALTHY, detail),
    )


def _compare(bench: Bench, name: str, idle: list[int], busy: list[int], beside: list[int]) -> None:
    for percent in (50, 99):
        before, during, other = (_percentile(latencies, percent) for latencies in (idle, busy, beside))
        detail = {"idle": before, "busy": during, "beside": other}
        bench.add(
            Single(f"{name}, p{percent} at rest", before / 1_000, "ms"),
            Single(f"{name}, p{percent} while another process sends as much", other / 1_000, "ms"),
            Single(f"{name}, p{percent} during deliveries", during / 1_000, "ms", None, detail),
        )
    bench.add(
        Single(f"{name}, p99 while another process sends as much / at rest", other / before, ""),
        Single(f"{name}, p99 during deliveries / while another process sends as much", during / other, ""),
        Single(f"{name}, p99 during deliveries / at rest", during / before, "", LATENCY, detail),
    )


def _percentile(latencies: list[int], percent: int) -> int:
    if not latencies:
        raise Unusable("no call was answered")
    return sorted(latencies)[min(len(latencies) - 1, len(latencies) * percent // 100)]


def _tell_memory(bench: Bench, before: dict[str, float] | None, after: dict[str, float] | None) -> None:
    if before and after:
        bench.add(
            Single("memory before the deliveries", before["now"], "MB"),
            Single("most memory up to their end, more than before", after["most"] - before["now"], "MB", SAME_MEMORY),
        )
