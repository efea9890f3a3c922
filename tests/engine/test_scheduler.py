"""The clock: what is due happens in order and at its own time, by itself where time runs, on request where it stands.

Manual time wherever possible; what must happen by itself is waited for on servers whose clock runs.
"""

import json
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from drsim.domain.clock import DAY, MINUTE, SECOND, Time, format_precise, parse_time
from tests.engine.test_deliveries import CREATED, FLOW, deliveries, outcomes, ship, types
from tests.harness import JSON, Client, Drsim, Received, Receiver, eventually


@pytest.fixture(scope="module")
def real() -> Iterator[Drsim]:
    """A server with real time."""
    with Drsim("--clock", "real") as server:
        yield server


def clock(client: Client) -> JSON:
    shown: JSON = client.ok(client.get("/_sim/clock"))
    return shown


def now(client: Client) -> Time:
    return parse_time(clock(client)["now"])


def state(client: Client, order: JSON) -> str:
    shown: str = client.ok(client.get(f"/orders/{order['id']}"))["state"]
    return shown


def slow_captures(client: Client, *delays: str) -> None:
    """Makes the next captures take so long, each its own time."""
    for delay in delays:
        rule: JSON = {"when": {"operation": "capture"}, "then": {"state": "complete", "after": delay}, "times": 1}
        client.ok(client.post("/_sim/behavior", json=rule), 201)


# Moving the clock


def test_everything_due_on_the_way_fires_in_order_of_its_time_and_is_reported(
    client: Client, receiver: Receiver
) -> None:
    webhook = client.webhook(receiver.url, *FLOW)
    receiver.answer = lambda received: 500 if CREATED in received.body.decode() else 200
    slow_captures(client, "9m", "3m", "6m")
    orders = [ship(client) for _ in range(3)]
    client.settle("now")
    start = now(client)
    seen = len(receiver.received)
    answer = client.advance("10m")
    assert answer["now"] == format_precise(start + 10 * MINUTE)
    fired = answer["fired"]
    moments = [parse_time(each["time"]) - start for each in fired]
    assert moments == sorted(moments)
    told = [(moment, each) for moment, each in zip(moments, fired, strict=True) if "event" in each]
    captured = "order.charge.capture.complete"
    events = {event["id"]: event for event in client.events()}
    of_orders = [
        (moment, events[each["id"]]["data"]["object"]["orderId"]) for moment, each in told if each["event"] == captured
    ]
    assert of_orders == [(place * 3 * MINUTE, orders[of]["id"]) for place, of in ((1, 1), (2, 2), (3, 0))]
    completed = [moment for moment, each in told if each["event"] == "order.complete"]
    assert completed == [moment + SECOND for moment, _ in of_orders]
    tried = [
        (moment, each["type"], each["outcome"])
        for moment, each in zip(moments, fired, strict=True)
        if "delivery" in each
    ]
    assert sorted(tried) == sorted(
        [(5 * MINUTE, CREATED, "500")] * 3
        + [(moment, captured, "200") for moment, _ in of_orders]
        + [(moment, "order.complete", "200") for moment in completed]
    )
    # The receiver has got them all, in that order, by the time the clock stands again.
    assert types(receiver.received[seen:]) == [each["type"] for each in fired if "delivery" in each]
    assert {each["webhookId"] for each in deliveries(client)} == {webhook["id"]}


def test_events_carry_the_time_at_which_they_were_due(client: Client) -> None:
    slow_captures(client, "1h0m0.5s".replace("0.5s", "500ms"))
    ship(client)
    start = now(client)
    client.advance("30d")
    when = {event["type"]: parse_time(event["createdTime"]) - start for event in client.events()}
    assert when["order.charge.capture.complete"] == 60 * MINUTE + SECOND // 2
    assert when["order.complete"] == 60 * MINUTE + 3 * SECOND // 2


def test_the_clock_is_moved_to_a_time_and_never_back(client: Client) -> None:
    start = now(client)
    to = format_precise(start + 90 * MINUTE + 1)
    answer = client.ok(client.post("/_sim/clock/advance", json={"to": to}))
    assert (answer["now"], answer["fired"]) == (to, [])
    for wrong in ({"to": format_precise(start)}, {"to": "tomorrow"}, {"by": "soon"}, {"by": "-1s"}, {}, {"to": "2022"}):
        assert client.post("/_sim/clock/advance", json=wrong).status_code == 400
    assert clock(client) == {"now": to, "mode": "manual", "nextDue": None}
    assert client.ok(client.post("/_sim/clock/advance", json={"by": "0s"}))["now"] == to


def test_the_clock_says_when_something_is_due_next(client: Client, receiver: Receiver) -> None:
    assert clock(client)["nextDue"] is None
    client.webhook(receiver.url, CREATED)
    receiver.answer = lambda received: 500
    slow_captures(client, "7m")
    ship(client)
    start = now(client)
    client.settle("now")
    assert clock(client)["nextDue"] == format_precise(start + 5 * MINUTE)
    client.advance("5m")
    assert clock(client)["nextDue"] == format_precise(start + 7 * MINUTE)


def test_one_leap_and_many_steps_lead_to_the_same_history(client: Client, drsim: Drsim) -> None:
    def history(of: Client, *steps: str) -> list[Any]:
        with Receiver(lambda received: 500) as bad:
            of.webhook(bad.url, *FLOW)
            order = of.order()
            start = now(of)
            slow_captures(of, "1h", "90s")
            for _ in range(2):
                of.ok(of.fulfill(order, {"itemId": order["items"][0]["id"], "quantity": 1}), 201)
            of.ok(of.fulfill(order, {"itemId": order["items"][0]["id"], "cancelQuantity": 1}), 201)
            for step in steps:
                of.advance(step)
            told = [(event["type"], parse_time(event["createdTime"]) - start) for event in of.events()]
            tried = [[parse_time(attempt["time"]) - start for attempt in each["attempts"]] for each in deliveries(of)]
            return [told, tried]

    other = drsim.client("the_other_history")
    assert history(client, "1d") == history(other, "1s", "59s", "29s", "2s", "4m", "25m", "40m", "1h", "21h")
    other.http.close()


# Settling


def test_a_frozen_clock_still_sends_what_is_due_now(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, *FLOW)
    start = now(client)
    ship(client)
    eventually(lambda: len(receiver.received) == 3)
    assert now(client) == start


def test_settling_now_waits_for_what_is_in_flight_and_moves_no_time(client: Client, receiver: Receiver) -> None:
    def slowly(received: Received) -> int:
        time.sleep(0.15)
        return 200

    receiver.answer = slowly
    client.webhook(receiver.url, *FLOW)
    order = ship(client)
    before = now(client)
    answer = client.settle("now")
    assert [each["state"] for each in deliveries(client)] == ["delivered"] * 3
    assert parse_time(answer["now"]) == before
    assert state(client, order) == "fulfilled"


def test_settling_until_idle_runs_pending_work_and_stops_at_the_last_of_it(client: Client) -> None:
    start = now(client)
    order = ship(client)
    answer = client.settle("idle")
    assert state(client, order) == "complete"
    assert (parse_time(answer["now"]) - start, answer["nextDue"]) == (3 * SECOND, None)
    assert client.settle("idle")["now"] == answer["now"]


def test_settling_until_idle_goes_no_further_than_its_limit(client: Client) -> None:
    start = now(client)
    slow_captures(client, "2d")
    order = ship(client)
    answer = client.ok(client.post("/_sim/settle", json={"until": "idle", "limit": "1d"}))
    assert parse_time(answer["now"]) <= start + DAY
    assert parse_time(answer["nextDue"]) == start + 2 * DAY
    assert state(client, order) == "fulfilled"
    client.ok(client.post("/_sim/settle", json={"until": "idle", "limit": "3d"}))
    assert state(client, order) == "complete"


def test_what_stays_pending_for_ever_keeps_nobody_waiting(client: Client) -> None:
    ship(client, source={"type": "creditCard", "number": "4000000000000028"})
    assert client.settle("idle")["nextDue"] is None


# One at a time


def test_a_second_move_of_the_same_clock_is_refused_while_the_first_one_waits(
    client: Client, receiver: Receiver
) -> None:
    """A receiver that moves the clock while the clock waits for it would wait for ever."""
    answers: list[tuple[int, str]] = []

    def meddle(received: Received) -> int:
        for path, body in (("clock/advance", {"by": "1h"}), ("settle", {"until": "now"})):
            refused = client.post(f"/_sim/{path}", json=body)
            answers.append((refused.status_code, refused.json()["errors"][0]["code"]))
        return 200

    receiver.answer = meddle
    client.webhook(receiver.url, "order.complete")
    ship(client)
    start = now(client)
    client.advance("1m")
    assert answers == [(409, "clock_in_motion")] * 2
    assert now(client) == start + MINUTE
    client.advance("1m")


def test_a_receiver_may_call_the_api_while_the_clock_waits_for_it(client: Client, receiver: Receiver) -> None:
    found: list[str] = []

    def look(received: Received) -> int:
        order = json.loads(received.body)["data"]["object"]
        found.append(state(client, order))
        ship(client)
        return 200

    receiver.answer = look
    client.webhook(receiver.url, "order.complete")
    ship(client)
    client.advance("3s")
    assert found == ["complete"]
    client.advance("3s")
    assert found == ["complete", "complete"]


def test_moving_one_clock_while_another_waits_for_a_slow_receiver_takes_no_time(drsim: Drsim) -> None:
    go_on = threading.Event()

    def hold(received: Received) -> int:
        go_on.wait(5)
        return 200

    slow, quick = drsim.client("sandbox_slow"), drsim.client("sandbox_quick")
    with Receiver(hold) as sleepy, Receiver() as receiver, ThreadPoolExecutor() as pool:
        slow.webhook(sleepy.url, "order.charge.capture.complete")
        quick.webhook(receiver.url, *FLOW)
        ship(slow)
        moving = pool.submit(slow.advance, "1h")
        eventually(lambda: sleepy.received)
        started = time.monotonic()
        for _ in range(5):
            ship(quick)
            quick.advance("1m")
        assert time.monotonic() - started < 4
        assert len(receiver.received) == 25
        assert not moving.done()
        go_on.set()
        assert moving.result(timeout=5)["fired"]
    assert now(quick) - now(slow) == -55 * MINUTE
    for client in (slow, quick):
        client.http.close()


def test_the_clock_waits_for_deliveries_while_other_calls_are_refused(client: Client) -> None:
    """Refused calls make the sandbox look its webhooks up anew; whoever moves the clock must not overlook them."""
    stop = threading.Event()

    def annoy() -> int:
        count = 0
        with client_like(client) as other:
            while not stop.is_set():
                assert other.get("/fulfillments/none").status_code == 404
                count += 1
        return count

    client.ok(client.post("/_sim/scenario", content="scenario: dead for weeks\naccount: {webhookDisabling: never}"))
    with Receiver(lambda received: 500) as receiver, ThreadPoolExecutor() as pool:
        client.webhook(receiver.url, CREATED)
        annoying = [pool.submit(annoy) for _ in range(3)]
        try:
            for place in range(25):
                ship(client)
                client.advance("1d")
                assert len(receiver.received) == 4 * (place + 1), "it has answered before all was tried"
        finally:
            stop.set()
        assert all(each.result() for each in annoying)


class client_like:
    """Another connection to the same sandbox, for another thread."""

    def __init__(self, client: Client) -> None:
        key = client.http.headers["Authorization"].removeprefix("Bearer ")
        self.client = Client(str(client.http.base_url), key)

    def __enter__(self) -> Client:
        return self.client

    def __exit__(self, *_: object) -> None:
        self.client.http.close()


# Resetting


def test_an_attempt_from_before_a_reset_is_no_attempt_of_the_new_life(client: Client) -> None:
    """With a seed ids repeat after a reset, so a late outcome would find a delivery of the same id."""
    go_on = threading.Event()

    def hold_first(received: Received) -> int:
        if len(receiver.received) == 1:
            go_on.wait(5)
            return 500
        return 200

    with Receiver(hold_first) as receiver:
        client.webhook(receiver.url, CREATED)
        ship(client)
        eventually(lambda: receiver.received)
        client.ok(client.post("/_sim/reset"))
        client.webhook(receiver.url, CREATED)
        ship(client)
        go_on.set()
        client.settle("now")
        (delivery,) = deliveries(client)
        assert (delivery["state"], outcomes(delivery)) == ("delivered", [200])


def test_a_reset_during_a_move_of_the_clock_leaves_a_clock_that_starts_anew(client: Client) -> None:
    start = now(client)
    go_on = threading.Event()

    def hold(received: Received) -> int:
        go_on.wait(5)
        return 200

    with Receiver(hold) as receiver, ThreadPoolExecutor() as pool:
        client.webhook(receiver.url, "order.complete")
        ship(client)
        with client_like(client) as other:
            moving = pool.submit(other.post, "/_sim/clock/advance", json={"by": "30d"})
            eventually(lambda: receiver.received)
            client.ok(client.post("/_sim/reset"))
            go_on.set()
            moved = moving.result(timeout=5)
        assert (moved.status_code, moved.json()["errors"][0]["code"]) == (409, "sandbox_reset")
        assert now(client) == start


# Time that runs


def test_real_time_fires_what_is_due_by_itself_and_sooner_when_the_clock_is_moved(real: Drsim) -> None:
    client, hasty = real.client("plain"), real.client("hasty")
    with Receiver() as receiver, Receiver() as soon:
        client.webhook(receiver.url, *FLOW)
        order = ship(client)
        hasty.webhook(soon.url, "order.complete")
        slow_captures(hasty, "1m")
        ship(hasty)
        hasty.advance("59s")  # what was due in a minute is due in a second
        eventually(lambda: len(receiver.received) == 5, 6)
        assert types(receiver.received)[3:] == ["order.charge.capture.complete", "order.complete"]
        assert state(client, order) == "complete"
        events = {event["type"]: parse_time(event["createdTime"]) for event in client.events()}
        assert events["order.charge.capture.complete"] - events[CREATED] == 2 * SECOND
        assert events["order.complete"] - events[CREATED] == 3 * SECOND
        assert types(soon.received) == ["order.complete"], "its timer still waits for the old time"
    for each in (client, hasty):
        each.http.close()


def test_waiting_for_a_slow_receiver_takes_no_processor_time(real: Drsim) -> None:
    client, go_on = real.client("sleepy"), threading.Event()

    def hold(received: Received) -> int:
        go_on.wait(5)
        return 200

    with Receiver(hold) as sleepy:
        client.webhook(sleepy.url, CREATED)
        ship(client)
        eventually(lambda: sleepy.received)
        before = cpu_seconds(real)
        time.sleep(0.7)
        spent = cpu_seconds(real) - before
        go_on.set()
        assert spent < 0.2
    client.http.close()


def cpu_seconds(server: Drsim) -> float:
    """Processor time that a server has used."""
    stat = Path(f"/proc/{server.process.pid}/stat")
    if not stat.exists():
        return 0.0
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_minute_a_second_fires_sixty_times_as_fast(receiver: Receiver) -> None:
    with Drsim("--clock", "x60") as server:
        client = server.client()
        client.webhook(receiver.url, *FLOW)
        fails = iter([True])
        receiver.answer = lambda received: 500 if CREATED in received.body.decode() and next(fails, False) else 200
        slow_captures(client, "30s")
        assert clock(client)["mode"] == "x60"
        started, before = time.monotonic(), now(client)
        ship(client)
        eventually(lambda: "order.complete" in types(receiver.received), 5)
        took, passed = time.monotonic() - started, now(client) - before
        assert 0.5 <= took < 5
        assert passed / SECOND / 60 == pytest.approx(took, abs=1)
        events = {event["type"]: parse_time(event["createdTime"]) for event in client.events()}
        assert events["order.charge.capture.complete"] - events[CREATED] == 30 * SECOND
        # A failed delivery is tried again after five of its minutes: five seconds, or at once when time is moved.
        client.advance("6m")
        assert [outcomes(each) for each in deliveries(client, type=CREATED)] == [[500, 200]]
        client.http.close()


def test_a_clock_that_runs_can_be_settled_and_stays_ahead(real: Drsim) -> None:
    client = real.client("settled")
    start = now(client)
    order = ship(client)
    client.settle("idle")
    assert state(client, order) == "complete"
    assert 3 * SECOND <= now(client) - start < 3 * SECOND + 2 * SECOND
    client.advance("1d")
    assert DAY < now(client) - start < DAY + 10 * SECOND
    assert clock(client)["mode"] == "real"
    client.http.close()


def test_reading_shows_what_is_due_by_now_even_if_nobody_was_woken_for_it(real: Drsim) -> None:
    client = real.client("reader")
    slow_captures(client, "50ms")
    order = ship(client)
    time.sleep(0.1)
    charge = client.ok(client.get(f"/orders/{order['id']}"))["payment"]["charges"][0]
    assert charge["captures"][0]["state"] == "complete"
    client.http.close()
