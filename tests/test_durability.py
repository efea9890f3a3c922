"""What a client was told is kept, whatever happens to the process; and nothing is ever there by halves.

Servers are killed while several clients fulfil the same orders, time moves and a moody receiver is being told of it.
"""

import asyncio
import json
import random
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import aiohttp
import httpx
import pytest

from drsim.domain.money import ceiling_share
from tests.harness import JSON, Client, Drsim, Received, Receiver, eventually

TYPES = ("fulfillment.created", "order.charge.capture.complete", "order.charge.cancel.complete", "order.complete")
LINE = {"price": 3.33, "quantity": 150}


def pages(client: Client, path: str, **params: str) -> list[JSON]:
    """All of a list, newest first."""
    found: list[JSON] = []
    while True:
        cursor = {"startingAfter": found[-1]["id"]} if found else {}
        page = client.ok(client.get(path, params={"limit": 100, **params, **cursor}))
        found += page["data"]
        if not page["hasMore"]:
            return found


def cents(amount: float) -> int:
    """Minor units of an amount in dollars."""
    units = Decimal(str(amount)) * 100
    assert units == int(units)
    return int(units)


# Kills


class Load:
    """Several clients that fulfil and cancel single units of shared orders until the server is gone."""

    CLIENTS = 4

    def __init__(self, server: Drsim, orders: list[JSON], chance: random.Random) -> None:
        self.acknowledged: list[JSON] = []
        self._pool = ThreadPoolExecutor(self.CLIENTS + 1)
        seeds = [chance.random() for _ in range(self.CLIENTS)]
        self._running = [self._pool.submit(self._post, server, orders, random.Random(seed)) for seed in seeds]
        self._running.append(self._pool.submit(self._move, server))

    def _post(self, server: Drsim, orders: list[JSON], chance: random.Random) -> None:
        client = server.client("kept")
        try:
            while True:
                order = chance.choice(orders)
                kind = "quantity" if chance.random() < 0.7 else "cancelQuantity"
                response = client.fulfill(order, {"itemId": order["items"][0]["id"], kind: 1})
                if response.status_code == 201:
                    self.acknowledged.append(response.json())
                else:
                    assert response.status_code == 409, response.text
        except httpx.TransportError:
            pass
        finally:
            client.http.close()

    def _move(self, server: Drsim) -> None:
        client = server.client("kept")
        try:
            while True:
                client.advance("1s")
                time.sleep(0.02)
        except httpx.TransportError:
            pass
        finally:
            client.http.close()

    def finish(self) -> None:
        for each in self._running:
            each.result(timeout=20)
        self._pool.shutdown()


class Books:
    """All that a server knows of the orders, and whether it adds up."""

    def __init__(self, client: Client) -> None:
        self.orders = pages(client, "/orders")
        self.charges = pages(client, "/charges")
        self.fulfillments = pages(client, "/fulfillments")
        self.events = pages(client, "/events")

    def check(self) -> None:
        by_order: dict[str, list[JSON]] = {order["id"]: [] for order in self.orders}
        for fulfillment in self.fulfillments:
            by_order[fulfillment["orderId"]].append(fulfillment)
        told: dict[str, Counter[str]] = {order["id"]: Counter() for order in self.orders}
        created: Counter[str] = Counter()
        for event in self.events:
            shown = event["data"]["object"]
            told[shown.get("orderId", shown["id"])][event["type"]] += 1
            if event["type"] == "fulfillment.created":
                created[shown["id"]] += 1
        # Each fulfillment has its event, once; each event its fulfillment.
        assert created == {fulfillment["id"]: 1 for fulfillment in self.fulfillments}
        for order in self.orders:
            (charge,) = [each for each in self.charges if each["orderId"] == order["id"]]
            self._check_order(order, charge, by_order[order["id"]], told[order["id"]])

    def _check_order(self, order: JSON, charge: JSON, fulfillments: list[JSON], told: Counter[str]) -> None:
        captures, cancels = charge.get("captures", []), charge.get("cancels", [])
        shipped = [each["id"] for each in fulfillments if each["items"][0]["quantity"]]
        # Each fulfillment has its operation, once; each operation its fulfillment and its events.
        assert sorted(each["fulfillmentId"] for each in captures) == sorted(shipped)
        assert len(cancels) == len(fulfillments) - len(shipped)
        for kind, operations in (("capture", captures), ("cancel", cancels)):
            states = Counter(operation["state"] for operation in operations)
            assert told[f"order.charge.{kind}.pending"] == len(operations)
            assert told[f"order.charge.{kind}.complete"] == states["complete"]
            assert states.total() == states["complete"] + states["pending"]
        # Captured, cancelled and what is left make the total; each unit at its share, rounded up.
        total, quantity = cents(order["totalAmount"]), order["items"][0]["quantity"]
        units = len(captures) + len(cancels)
        assert cents(charge["amount"]) == total
        taken = [cents(each["amount"]) for each in (*captures, *cancels)]
        share = ceiling_share(total, 1, quantity)
        left = total - sum(taken)
        assert left >= 0
        if units < quantity:
            assert taken == [share] * units
        else:
            assert left == 0
        assert cents(order["capturedAmount"]) == sum(taken[: len(captures)])
        assert cents(order["cancelledAmount"]) == sum(taken[len(captures) :])


def test_a_killed_server_keeps_what_it_has_acknowledged_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    chance = random.Random(4)
    slow, calls = 0.02, iter(range(1_000_000))
    delivered: dict[str, list[bytes]] = {}
    lock = threading.Lock()

    def moody(received: Received) -> int:
        place = next(calls)
        if calm.is_set() or place % 7:
            if place % 11 == 0:
                time.sleep(slow)
            with lock:
                delivered.setdefault(json.loads(received.body)["id"], []).append(received.body)
            return 200
        return 500

    calm = threading.Event()
    options = ("--db", str(tmp_path / "state.db"), "--clock", "manual", "--seed", "5")
    acknowledged: dict[str, JSON] = {}
    kills = 5
    with Receiver(moody) as receiver:
        with Drsim(*options) as server:
            client = server.client("kept")
            client.webhook(receiver.url, *TYPES)
            orders = [client.order(items=[LINE], shipping=4.99) for _ in range(6)]
            client.http.close()
            assert server.stop()[0] == 0
        for _ in range(kills):
            with Drsim(*options) as server:
                load = Load(server, orders, chance)
                enough = chance.randint(5, 120)
                eventually(lambda: len(load.acknowledged) >= enough)  # noqa: B023
                time.sleep(chance.uniform(0, 0.01))
                server.kill()
                load.finish()
            acknowledged |= {each["id"]: each for each in load.acknowledged}
            with Drsim(*options) as server:
                client = server.client("kept")
                books = Books(client)
                books.check()
                found = {each["id"]: each for each in books.fulfillments}
                assert {id: found.get(id) for id in acknowledged} == acknowledged
                for each in chance.sample(sorted(acknowledged), min(5, len(acknowledged))):
                    shown = client.ok(client.get(f"/fulfillments/{each}"))
                    assert len(shown["chargeOperationIds"]) == 1
                client.http.close()
                server.kill()
            # At most the call that each client was waiting for may have been done without its knowing.
            extra = set(found) - set(acknowledged)
            assert len(extra) <= Load.CLIENTS
            acknowledged |= {id: found[id] for id in extra}
        calm.set()
        with Drsim(*options) as server:
            client = server.client("kept")
            client.settle("idle")
            books = Books(client)
            books.check()
            wanted = {event["id"]: event for event in books.events if event["type"] in TYPES}
            assert {event["type"] for event in wanted.values()} >= set(TYPES[:3])
            assert delivered.keys() >= {event["id"] for event in books.events if "webhookIds" in event}
            assert delivered.keys() == wanted.keys()
            for id, bodies in delivered.items():
                assert {json.dumps(json.loads(body)) for body in bodies} == {json.dumps(wanted[id])}
                assert len(set(bodies)) == 1
            states = Counter(each["state"] for each in pages(client, "/_sim/deliveries"))
            assert states.total() == len(wanted)
            # A retry may have failed three times before things calmed down; each has been heard of all the same.
            assert set(states) <= {"delivered", "failed"}
            client.http.close()


# Concurrency


async def test_of_two_hundred_calls_for_the_last_unit_one_gets_it(client: Client) -> None:
    order = client.order()
    item = order["items"][0]["id"]
    client.ok(client.fulfill(order, {"itemId": item, "quantity": 2}), 201)
    body = {"orderId": order["id"], "items": [{"itemId": item, "quantity": 1}]}
    headers = {"Authorization": client.http.headers["Authorization"]}
    address = str(client.http.base_url.join("/fulfillments"))
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as session:

        async def ask() -> int:
            async with session.post(address, json=body) as response:
                await response.read()
                return response.status

        statuses = Counter(await asyncio.gather(*(ask() for _ in range(200))))
    assert statuses == {201: 1, 409: 199}
    client.settle()
    shown = client.ok(client.get(f"/orders/{order['id']}"))
    assert (shown["state"], shown["capturedAmount"], shown["totalAmount"]) == ("complete", 37.81, 37.81)
    amounts = [cents(each["amount"]) for each in shown["payment"]["charges"][0]["captures"]]
    assert amounts == [2521, 1260]
    assert len(client.events(type="fulfillment.created")) == 2


def test_concurrent_calls_of_all_kinds_on_one_order_never_take_more_than_there_is(client: Client) -> None:
    order = client.order(items=[{"price": 9.99, "quantity": 40}, {"price": 0.01, "quantity": 40}])
    chance = random.Random(1)
    asked = [
        {"itemId": order["items"][chance.randrange(2)]["id"], chance.choice(["quantity", "cancelQuantity"]): count}
        for count in chance.choices([1, 2, 3], k=120)
    ]
    with ThreadPoolExecutor(8) as pool:
        statuses = Counter(pool.map(lambda line: client.fulfill(order, line).status_code, asked))
    assert set(statuses) == {201, 409}
    shown = client.ok(client.get(f"/orders/{order['id']}"))
    for item in shown["items"]:
        left = [line for line in ({"itemId": item["id"], "quantity": 1},) * 3 if item["state"] == "created"]
        for line in left:
            client.fulfill(order, line)
    client.settle()
    shown = client.ok(client.get(f"/orders/{order['id']}"))
    assert shown["state"] == "complete"
    assert cents(shown["capturedAmount"]) + cents(shown["cancelledAmount"]) == cents(shown["totalAmount"])


# Stopping in order


def test_a_terminated_server_exits_with_0_and_keeps_everything_its_call_log_included(tmp_path: Path) -> None:
    options = ("--db", str(tmp_path / "state.db"), "--clock", "manual")
    with Drsim(*options) as server:
        client = server.client("kept")
        order = client.order(items=[{"price": 1.0, "quantity": 500}])
        line = {"itemId": order["items"][0]["id"], "quantity": 1}
        responses = [client.fulfill(order, line) for _ in range(40)]
        code, _, errors = server.stop()
        assert (code, errors) == (0, "")
        client.http.close()
    with Drsim(*options) as server:
        client = server.client("kept")
        found = {each["id"] for each in pages(client, "/fulfillments")}
        assert found == {client.ok(response, 201)["id"] for response in responses}
        calls = client.ok(client.get("/_sim/requests", params={"limit": 100}))["data"]
        made = [call for call in calls if call["method"] == "POST"]
        assert [call["id"] for call in made] == [response.headers["x-dr-requestid"] for response in responses][::-1]
        assert [call["responseBody"] for call in made] == [response.json() for response in responses][::-1]
        # Calls of the new life come after those of the old one, though no time has passed.
        latest = client.fulfill(order, line).headers["x-dr-requestid"]
        calls = client.ok(client.get("/_sim/requests", params={"limit": 100}))["data"]
        posted = [call["id"] for call in calls if call["method"] == "POST"]
        assert posted == [latest, *[call["id"] for call in made]]
        assert len({call["id"] for call in calls}) == len(calls)
        client.http.close()


def test_a_server_terminated_while_somebody_waits_for_calls_lets_go_at_once(tmp_path: Path) -> None:
    with Drsim("--clock", "manual") as server, ThreadPoolExecutor() as pool:
        client, other = server.client(), server.client("other")
        client.get("/orders")
        waiting = [pool.submit(each.get, "/_sim/requests?after=1&wait=30s") for each in (client, other)]
        time.sleep(0.2)
        started = time.monotonic()
        code, _, errors = server.stop()
        assert (code, errors) == (0, "")
        assert time.monotonic() - started < 2
        assert [each.result(timeout=5).json()["count"] for each in waiting] == [1, 0]


def test_a_server_terminated_while_a_receiver_is_slow_sends_the_event_in_its_next_life(tmp_path: Path) -> None:
    go_on = threading.Event()

    def hold(received: Received) -> int:
        go_on.wait(10)
        return 200

    options = ("--db", str(tmp_path / "state.db"), "--clock", "manual")
    with Receiver(hold) as receiver:
        with Drsim(*options) as server:
            client = server.client("kept")
            client.webhook(receiver.url, "fulfillment.created")
            client.ok(client.fulfill(client.order()), 201)
            eventually(lambda: receiver.received)
            code, _, errors = server.stop()
            go_on.set()
            assert (code, errors) == (0, "")
            client.http.close()
        with Drsim(*options) as server:
            client = server.client("kept")
            eventually(lambda: len(receiver.received) == 2)
            client.settle("now")
            first, second = receiver.received
            assert first.body == second.body
            (delivery,) = pages(client, "/_sim/deliveries")
            assert delivery["state"] == "delivered"
            client.http.close()


def test_a_server_terminated_during_a_move_of_the_clock_answers_it_before_it_goes(tmp_path: Path) -> None:
    go_on = threading.Event()

    def hold(received: Received) -> int:
        go_on.wait(10)
        return 200

    options = ("--db", str(tmp_path / "state.db"), "--clock", "manual")
    with Receiver(hold) as receiver, Drsim(*options) as server, ThreadPoolExecutor() as pool:
        client = server.client("kept")
        client.webhook(receiver.url, "order.charge.capture.complete")
        client.ok(client.fulfill(client.order()), 201)
        moving = pool.submit(client.advance, "1m")
        eventually(lambda: receiver.received)
        stopping = pool.submit(server.stop)
        time.sleep(0.1)
        go_on.set()
        assert moving.result(timeout=5)["fired"][-1]["event"] == "order.invoice.created"
        code, _, errors = stopping.result(timeout=5)
        assert (code, errors) == (0, "")
        client.http.close()


def test_settings_rules_webhooks_and_the_clock_outlive_the_process(tmp_path: Path) -> None:
    scenario = """
scenario: kept
clock: 2022-03-02T17:38:00Z
seed: 7
account: {delays: {capture: 7s}, authorizationTtl: 1d, rateLimit: 500/s, webhookRetries: [1m]}
behavior:
  - when: {operation: cancel, amount: {$gte: 10.50, $lt: 100000.25}}
    then: {state: pending, after: 30s, next: {state: failed, failureCode: a, failureMessage: b}}
    times: 2
"""
    kept = ("/_sim/clock", "/_sim/behavior", "/webhooks", "/orders", "/charges", "/sources", "/events", "/fulfillments")

    def everything(client: Client) -> list[JSON]:
        return [client.get(path).json() for path in kept]

    def last_steps(client: Client) -> list[JSON]:
        line = {"itemId": order["items"][0]["id"], "quantity": 1, "cancelQuantity": 2}
        client.ok(client.fulfill(order, line), 201)
        client.advance("1h")
        return everything(client)

    stories = []
    for restarts in (True, False):
        path = tmp_path / f"{restarts}.db"
        options = ("--db", str(path), "--clock", "manual", "--seed", "3", "--public-url", "http://drsim.example")
        with Receiver(lambda received: 500) as receiver:
            with Drsim(*options) as server:
                client = server.client("kept")
                client.ok(client.post("/_sim/scenario", content=scenario))
                client.webhook(receiver.url, "fulfillment.created", enabled=False)
                order = client.order()
                client.ok(
                    client.fulfill(order, {"itemId": order["items"][0]["id"], "quantity": 0, "cancelQuantity": 0}), 400
                )
                before = everything(client)
                if not restarts:
                    stories.append(last_steps(client))
                server.stop()
                client.http.close()
            with Drsim(*options) as server:
                client = server.client("kept")
                if restarts:
                    assert everything(client) == before
                    stories.append(last_steps(client))
                client.http.close()
    # A restart in the middle changes nothing of what comes afterwards, but for the port of the receiver.
    webhooks = kept.index("/webhooks")
    assert [each for place, each in enumerate(stories[0]) if place != webhooks] == [
        each for place, each in enumerate(stories[1]) if place != webhooks
    ]


# Files


def refused(path: Path | str, folder: Path) -> str:
    """What `drsim serve --db` says about a file that it cannot use."""
    command = [sys.executable, "-m", "drsim.cli", "serve", "--port", "0", "--db", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, cwd=folder)
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("drsim: ")
    assert done.stderr.count("\n") == 1
    assert "http://" not in done.stdout
    return done.stderr


def test_a_second_server_on_the_same_file_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    with Drsim("--db", str(path)) as server:
        client = server.client("kept")
        order = client.order()
        said = refused(path, tmp_path)
        assert "in use" in said
        assert str(path) in said
        client.ok(client.fulfill(order), 201)
        client.http.close()


def test_a_file_that_is_no_database_of_drsim_is_refused_in_words_and_left_alone(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Sir or Madam, " * 1000)
    assert "not a database" in refused(letter, tmp_path)
    assert letter.read_text() == "Dear Sir or Madam, " * 1000
    theirs = tmp_path / "theirs.db"
    connection = sqlite3.connect(theirs)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    assert "theirs.db" in refused(theirs, tmp_path)


@pytest.mark.parametrize("where", ["folder", ".", "/", "missing/state.db", "letter.txt/state.db", "/proc/state.db"])
def test_a_place_where_no_file_can_be_is_refused_in_words(tmp_path: Path, where: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "letter.txt").write_text("Dear Sir or Madam")
    refused(where, tmp_path)


def test_a_server_that_is_told_to_stop_waits_for_the_clock_a_while_and_says_so_in_a_line(
    tmp_path: Path,
) -> None:
    """Whoever waits for the clock gets no answer; what had happened by then is kept, and the rest goes on later."""
    options = ("--clock", "manual", "--db", str(tmp_path / "state.db"))

    def slow(received: Received) -> int:
        time.sleep(2.5)
        return 200

    with ThreadPoolExecutor(1) as pool, Receiver(slow) as receiver:
        with Drsim(*options) as server:
            client = server.client()
            client.webhook(receiver.url, "fulfillment.created")
            order = client.order(items=[{"price": 1.0, "quantity": 4}])
            for _ in range(4):
                client.ok(client.fulfill(order, {"itemId": order["items"][0]["id"], "quantity": 1}), 201)
            moving = pool.submit(client.post, "/_sim/clock/advance", json={"by": "1h"})
            eventually(lambda: receiver.received)
            code, _, errors = server.stop()
            assert isinstance(moving.exception(timeout=10), httpx.RemoteProtocolError)
        assert code == 0
        assert errors.count("\n") == 1
        assert "Traceback" not in errors
        with Drsim(*options):
            eventually(lambda: len({json.loads(each.body)["id"] for each in receiver.received}) == 4)
