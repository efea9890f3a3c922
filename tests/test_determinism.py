"""Same seed, same calls, same bytes, whatever the receivers' pace; and the same history on every clock."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from drsim.domain.clock import Span, parse_time
from tests.harness import JSON, Client, Drsim, Received, Receiver, eventually

TYPES = (
    "fulfillment.created",
    "order.charge.capture.pending",
    "order.charge.capture.complete",
    "order.charge.capture.failed",
    "order.charge.cancel.complete",
    "order.fulfilled",
    "order.complete",
    "order.invoice.created",
    "order.created",
    "order.accepted",
)

Answer = tuple[str, int, list[tuple[str, str]], bytes]


@dataclass
class Story:
    """What was answered to a fixed list of calls, and what the receivers got."""

    answers: list[Answer] = field(default_factory=list)
    pushed: dict[str, list[bytes]] = field(default_factory=dict)

    def note(self, response: httpx.Response) -> Any:
        """Keeps all of a response but the date; returns its body."""
        headers = [(name, value) for name, value in response.headers.items() if name != "date"]
        self.answers.append(
            (f"{response.request.method} {response.request.url.path}", response.status_code, headers, response.content)
        )
        return response.json() if response.content else None

    def move(self, client: Client, by: str) -> None:
        """Moves the clock and keeps what that tells of events; what it tells of deliveries has a test of its own."""
        moved = client.advance(by)
        events = [each for each in moved["fired"] if "event" in each]
        self.answers.append((f"move by {by}", 200, [], json.dumps({**moved, "fired": events}).encode()))


def tell(client: Client, receiver: Receiver) -> Story:
    """Two webhooks, several orders, good and bad calls, time that moves; then everything read back."""
    story = Story()
    note = story.note
    receiver.received.clear()

    def fulfill(order: JSON, quantity: int, cancel: int = 0) -> None:
        item = {"itemId": order["items"][0]["id"], "quantity": quantity, "cancelQuantity": cancel}
        note(client.post("/fulfillments", json={"orderId": order["id"], "items": [item]}))

    for path in ("/one", "/two"):
        note(client.post("/webhooks", json={"address": receiver.url + path, "types": list(TYPES)}))
    items = [{"price": 10.0, "quantity": 3}, {"price": 0.99, "quantity": 1}]
    bare: JSON = {"items": [{"price": 25, "quantity": 2}, {"price": 1, "quantity": 1}]}
    cards: list[JSON] = [{}, {"number": "4000000000004103"}, {"number": "4485951788521565"}]
    orders = [
        note(client.post("/_sim/orders", json={"items": items, "source": {"type": "creditCard", **card}}))
        for card in cards
    ]
    # Everything that is left out is made up from the seed.
    for country in ("US", "DE", "JP"):
        orders.append(note(client.post("/_sim/orders", json={**bare, "shipTo": {"address": {"country": country}}})))
    fails: JSON = {
        "when": {"operation": "capture", "attempt": 2},
        "then": {"state": "failed", "after": "9m"},
        "times": 1,
    }
    note(client.post("/_sim/behavior", json=fails))
    for order in orders:
        fulfill(order, 1)
    story.move(client, "1s")
    for order in orders:
        fulfill(order, 1, 1)
        fulfill(order, 9)
    note(client.post("/fulfillments", content=b"{"))
    note(client.post("/fulfillments", json={"orderId": "none", "items": [{"itemId": "none", "quantity": 1}]}))
    note(client.post(f"/orders/{orders[0]['id']}", json={"metadata": {"a": 1}}))
    story.move(client, "1d")
    note(client.post("/_sim/settle", json={"until": "idle"}))
    for order in orders:
        for path in ("/orders/{}", "/fulfillments?orderId={}", "/events?orderId={}&limit=100"):
            note(client.get(path.format(order["id"])))
    for path in ("/orders", "/charges?limit=50", "/sources", "/webhooks", "/_sim/behavior", "/_sim/clock"):
        note(client.get(path))
    for each in receiver.received:
        story.pushed.setdefault(each.path, []).append(each.body)
    return story


def pace(*slow: str, seconds: float = 0.005) -> Callable[[Received], int]:
    """A receiver that fails each tenth event of each webhook, and takes its time on some paths."""
    counts: dict[str, int] = {}

    def answer(received: Received) -> int:
        if received.path in slow:
            time.sleep(seconds)
        counts[received.path] = counts.get(received.path, 0) + 1
        return 500 if counts[received.path] % 10 == 0 else 200

    return answer


def fresh(receiver: Receiver, *slow: str, seed: int = 7) -> Story:
    receiver.answer = pace(*slow)
    # Every server has another port here; what they say of where they are is to be the same.
    with Drsim("--clock", "manual", "--seed", str(seed), "--public-url", "http://drsim.example") as server:
        client = server.client("twin")
        story = tell(client, receiver)
        client.http.close()
        return story


def assert_same(one: Story, other: Story) -> None:
    for mine, theirs in zip(one.answers, other.answers, strict=True):
        assert mine == theirs
    assert one.pushed.keys() == other.pushed.keys()
    for path in one.pushed:
        assert one.pushed[path] == other.pushed[path]


def test_two_fresh_servers_give_the_same_bytes_however_slow_each_receiver_is(receiver: Receiver) -> None:
    story = fresh(receiver)
    assert {status for _, status, _, _ in story.answers} == {200, 201, 400, 404, 409}
    assert len(story.pushed) == 2
    assert story.pushed["/one"] != []
    assert_same(story, fresh(receiver, "/one"))
    assert_same(story, fresh(receiver, "/two"))


def test_a_move_of_the_clock_tells_the_same_however_slow_each_receiver_is(receiver: Receiver, drsim: Drsim) -> None:
    """Also when the deliveries of what came before it are still under way."""
    client = drsim.client("moved_twin")
    told = []
    for slow in ((), ("/one",), ("/two",)):
        client.ok(client.post("/_sim/reset"))
        receiver.answer = pace(*slow)
        for path in ("/one", "/two"):
            client.webhook(receiver.url + path, *TYPES)
        for _ in range(5):
            client.ok(client.fulfill(client.order()), 201)
        told.append([client.advance(by) for by in ("2s", "1d")])
    assert told[0] == told[1] == told[2]
    client.http.close()


def test_a_reset_gives_the_same_bytes_again(receiver: Receiver, drsim: Drsim) -> None:
    client = drsim.client("reset_twin")
    stories = []
    for _ in range(2):
        receiver.answer = pace()
        client.ok(client.post("/_sim/reset"))
        stories.append(tell(client, receiver))
    assert_same(*stories)
    client.http.close()


def test_the_call_log_starts_anew_with_a_reset(client: Client) -> None:
    """Calls are written shortly after they were answered; those from before a reset do not come back after it."""
    for place in range(3):
        client.ok(client.post("/_sim/reset"))
        order = client.order()
        for quantity in (9, 1):
            client.fulfill(order, {"itemId": order["items"][0]["id"], "quantity": quantity})
        client.get("/orders")
        if place == 2:
            calls = client.ok(client.get("/_sim/requests"))["data"]
            found = [(call["method"], call["path"], call["status"]) for call in calls]
            assert found == [("GET", "/orders", 200), ("POST", "/fulfillments", 201), ("POST", "/fulfillments", 409)]


def test_another_seed_and_another_sandbox_give_other_ids_and_other_people(receiver: Receiver, drsim: Drsim) -> None:
    def order(server: Drsim, name: str) -> JSON:
        client = server.client(name)
        client.ok(client.post("/_sim/reset"))
        made: JSON = client.ok(client.post("/_sim/orders", json={"items": [{"price": 1, "quantity": 1}]}), 201)
        client.http.close()
        return made

    with Drsim("--clock", "manual", "--seed", "8") as eight:
        orders = [order(drsim, "a"), order(drsim, "b"), order(eight, "a")]
    for name in ("id", "email", "billTo"):
        assert len({json.dumps(each[name]) for each in orders}) == 3
    assert len({each["createdTime"] for each in orders}) == 1


def test_without_a_seed_two_servers_give_different_ids() -> None:
    ids = set()
    for _ in range(2):
        with Drsim("--clock", "manual") as server:
            client = server.client()
            ids.add(client.ok(client.get("/orders", params={"limit": 1}))["data"][0]["id"])
            client.http.close()
    assert len(ids) == 2


def history(*options: str) -> list[list[tuple[str, Span]]]:
    """Types and times, since the fulfillment, of what comes of a few orders of every kind, once all of it has come."""
    with Drsim("--seed", "3", *options) as server:
        client = server.client("history")
        numbers = ["4444222233331111", "4000000000004103", "4000000000004442", "4444222233331111"]
        orders = [client.order(source={"type": "creditCard", "number": number}) for number in numbers]
        for order, quantities in zip(orders, [(3, 0), (3, 0), (2, 1), (0, 3)], strict=True):
            item = {"itemId": order["items"][0]["id"], "quantity": quantities[0], "cancelQuantity": quantities[1]}
            client.ok(client.fulfill(order, item), 201)
        if "manual" in options:
            client.advance("10s")
        histories = []
        for order, last in zip(
            orders, ["invoice.created", "capture.failed", "invoice.created", "cancelled"], strict=True
        ):
            eventually(lambda id=order["id"], last=last: client.event_types(orderId=id)[-1].endswith(last))  # type: ignore[misc]
            events = client.events(orderId=order["id"])
            first = next(place for place, each in enumerate(events) if each["type"] == "fulfillment.created")
            start = parse_time(events[first]["createdTime"])
            histories.append([(each["type"], parse_time(each["createdTime"]) - start) for each in events[first:]])
        client.http.close()
        return histories


def test_manual_real_and_fast_clocks_give_the_same_history() -> None:
    manual = history("--clock", "manual")
    assert [each[-1] for each in manual] == [
        ("order.invoice.created", 3_000_000),
        ("order.charge.capture.failed", 2_000_000),
        ("order.invoice.created", 3_000_000),
        ("order.cancelled", 1_000_000),
    ]
    assert history("--clock", "x1000") == manual
    assert history("--clock", "real") == manual
