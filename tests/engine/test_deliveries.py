"""Deliveries as receivers see them: signed, in order, tried again when they fail, and never in anybody's way.

Real receivers and simulated time; one test waits the three real seconds that a receiver is given to answer.
"""

import json
import socket
import threading
import time
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import httpx
import pytest

from drsim.domain.clock import HOUR, MINUTE, Time, parse_time
from tests.engine.receivers import RawReceiver, closed_address, read_request
from tests.harness import JSON, Client, Received, Receiver, eventually

CREATED = "fulfillment.created"
FLOW = (CREATED, "order.charge.capture.pending", "order.fulfilled", "order.charge.capture.complete", "order.complete")
"""Event types that a whole fulfillment brings about, some at once and some later."""


def ship(client: Client, **spec: Any) -> JSON:
    """A new order, fulfilled at once: one event of every type in FLOW, three of them now."""
    order = client.order(**spec)
    client.ok(client.fulfill(order), 201)
    return order


def deliveries(client: Client, **params: Any) -> list[JSON]:
    """All deliveries that fit, oldest first."""
    found: list[JSON] = client.ok(client.get("/_sim/deliveries", params={"limit": 100, **params}))["data"]
    return found[::-1]


def only(client: Client, **params: Any) -> JSON:
    """The one delivery that fits."""
    found = deliveries(client, **params)
    assert len(found) == 1
    return found[0]


def outcomes(delivery: JSON) -> list[int | str]:
    """Status or error of each attempt."""
    return [attempt.get("status", attempt.get("error")) for attempt in delivery["attempts"]]


def event_ids(received: list[Received]) -> list[str]:
    return [json.loads(each.body)["id"] for each in received]


def types(received: list[Received]) -> list[str]:
    return [json.loads(each.body)["type"] for each in received]


def timestamp(received: Received) -> int:
    return int(received.headers["digitalriver-signature"].split(", ")[0])


# What is sent


def test_an_event_is_posted_as_the_api_shows_it(client: Client, receiver: Receiver) -> None:
    client.webhook(f"{receiver.url}/hooks/in?a=1&b=%20x%2F", *FLOW)
    ship(client)
    client.settle()
    assert sorted(types(receiver.received)) == sorted(FLOW)
    for each in receiver.received:
        id = json.loads(each.body)["id"]
        assert each.body == client.get(f"/events/{id}").content
        assert each.path == "/hooks/in?a=1&b=%20x%2F"
        assert each.headers["content-type"] == "application/json;charset=UTF-8"
        assert each.headers["user-agent"] == "DigitalRiver-Webhooks/1.0 (simulator)"
        assert not [name for name in each.headers if name.startswith("x-")]
        assert "authorization" not in each.headers
        assert "cookie" not in each.headers


def test_the_signature_is_made_with_the_secret_of_the_webhook_and_the_time_of_the_wall(
    client: Client, receiver: Receiver
) -> None:
    first = client.webhook(f"{receiver.url}/1", CREATED)
    second = client.webhook(f"{receiver.url}/2", CREATED)
    assert client.secret(first) != client.secret(second)
    ship(client)
    client.settle("now")
    by_path = {each.path: each for each in receiver.received}
    for path, webhook, other in (("/1", first, second), ("/2", second, first)):
        assert by_path[path].signed_with(client.secret(webhook))
        assert not by_path[path].signed_with(client.secret(other))
        assert abs(timestamp(by_path[path]) - time.time()) < 30


def test_each_attempt_is_signed_anew_while_event_and_body_stay(client: Client, receiver: Receiver) -> None:
    scenario = "scenario: signed\naccount: {signatureClock: simulated}\n"
    client.ok(client.post("/_sim/scenario", content=scenario))
    webhook = client.webhook(receiver.url, CREATED)
    receiver.answer = lambda received: 500
    ship(client)
    started = client.settle("now")["now"]
    client.advance("7d")
    assert len(receiver.received) == 4
    assert len({each.body for each in receiver.received}) == 1
    assert len({each.headers["digitalriver-signature"] for each in receiver.received}) == 4
    assert all(each.signed_with(client.secret(webhook)) for each in receiver.received)
    seconds = [timestamp(each) - parse_time(started) // 1_000_000 for each in receiver.received]
    assert seconds == [0, 5 * 60, 35 * 60, 155 * 60]


@pytest.mark.parametrize("name", ["username", "userName"])
def test_basic_authentication_is_sent_when_it_is_set(client: Client, receiver: Receiver, name: str) -> None:
    client.webhook(receiver.url, CREATED, authentication={name: "über", "password": "ge:heim"})
    ship(client)
    client.settle("now")
    assert receiver.received[0].headers["authorization"] == "Basic " + b64encode("über:ge:heim".encode()).decode()


def test_a_webhook_gets_events_in_its_own_api_version(client: Client, receiver: Receiver) -> None:
    client.webhook(f"{receiver.url}/old", CREATED, apiVersion="2020-12-17")
    client.webhook(f"{receiver.url}/new", CREATED)
    ship(client)
    client.settle("now")
    bodies = {each.path: json.loads(each.body) for each in receiver.received}
    assert {path: body["digitalriverVersion"] for path, body in bodies.items()} == {
        "/old": "2020-12-17",
        "/new": "2021-12-13",
    }
    assert bodies["/old"] == {**bodies["/new"], "digitalriverVersion": "2020-12-17"}


def test_the_attempts_on_record_are_what_was_sent(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED)
    ship(client)
    client.settle("now")
    attempt = only(client)["attempts"][0]
    sent = {name.lower(): value for name, value in attempt["requestHeaders"].items()}
    assert sent.items() <= receiver.received[0].headers.items()
    assert attempt["status"] == 200
    assert 0 <= attempt["durationMs"] < 3_000


# Success and failure


GOOD = (200, 201, 202, 204, 226, 299)
BAD = (300, 301, 302, 303, 304, 307, 308, 400, 401, 404, 410, 429, 500, 503)


def test_any_answer_of_the_two_hundreds_is_success_and_every_other_is_failure(
    client: Client, receiver: Receiver
) -> None:
    receiver.answer = lambda received: int(received.path.strip("/"))
    webhooks = {status: client.webhook(f"{receiver.url}/{status}", CREATED) for status in (*GOOD, *BAD)}
    ship(client)
    client.settle("now")
    for status, webhook in webhooks.items():
        delivery = only(client, webhookId=webhook["id"])
        assert outcomes(delivery) == [status]
        assert delivery["state"] == ("delivered" if status in GOOD else "pending")
        assert ("nextAttemptTime" in delivery) == (status in BAD)
    client.advance("7d")
    counts = Counter(each.path for each in receiver.received)
    # Redirects lead nowhere: nothing has come to any other path.
    assert counts == {**{f"/{status}": 1 for status in GOOD}, **{f"/{status}": 4 for status in BAD}}


def close(connection: socket.socket) -> None:
    """Takes the connection and says nothing."""


def close_after_reading(connection: socket.socket) -> None:
    read_request(connection)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def answer_with(text: bytes) -> Callable[[socket.socket], None]:
    def play(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(text)

    return play


BROKEN: dict[str, Callable[[socket.socket], None]] = {
    "closes at once": close,
    "closes after reading": close_after_reading,
    "resets the connection": reset,
    "speaks another protocol": answer_with(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "speaks in zeros": answer_with(b"\x00\xff\xfe" * 100),
    "has a word for a status": answer_with(b"HTTP/1.1 abc OK\r\n\r\n"),
    "stops in the first line": answer_with(b"HTTP/1.1 200"),
    "has a word for a length": answer_with(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"),
    "has an endless header": answer_with(b"HTTP/1.1 200 OK\r\n" + b"A: " + b"a" * 100_000 + b"\r\n\r\n"),
    "says it zips": answer_with(b"HTTP/1.1 500 No\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain"),
    "says it codes": answer_with(b"HTTP/1.1 500 No\r\nContent-Encoding: new\r\nContent-Length: 5\r\n\r\nplain"),
    "has a bad chunk": answer_with(b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "leads nowhere": answer_with(b"HTTP/1.1 302 Found\r\nLocation: http://[bad\r\nContent-Length: 0\r\n\r\n"),
    "has bad cookies": answer_with(b"HTTP/1.1 500 No\r\nSet-Cookie: \xff=\xff; Max-Age=x\r\nContent-Length: 0\r\n\r\n"),
}


def test_whatever_a_broken_receiver_does_is_a_failed_attempt_and_is_tried_again(client: Client) -> None:
    with ExitStack() as stack:
        receivers = {name: stack.enter_context(RawReceiver(play)) for name, play in BROKEN.items()}
        webhooks = {name: client.webhook(receiver.url, CREATED) for name, receiver in receivers.items()}
        ship(client)
        client.settle("now")
        found = {name: only(client, webhookId=webhook["id"]) for name, webhook in webhooks.items()}
        assert {name: each["state"] for name, each in found.items()} == dict.fromkeys(BROKEN, "pending")
        assert {name: len(each["attempts"]) for name, each in found.items()} == dict.fromkeys(BROKEN, 1)
        assert {name: receiver.connections for name, receiver in receivers.items()} == dict.fromkeys(BROKEN, 1)
        client.advance("5m")
        found = {name: only(client, webhookId=webhook["id"]) for name, webhook in webhooks.items()}
        assert {name: len(each["attempts"]) for name, each in found.items()} == dict.fromkeys(BROKEN, 2)


def test_an_address_that_cannot_be_reached_is_a_failed_attempt_with_a_reason(
    client: Client, receiver: Receiver
) -> None:
    speaks_no_tls = receiver.url.replace("http:", "https:")
    for address in (closed_address(), "http://nobody.invalid/", "http://[::1]:9/", speaks_no_tls):
        client.webhook(address, CREATED)
    ship(client)
    client.settle("now")
    assert len(deliveries(client)) == 4
    for delivery in deliveries(client):
        assert delivery["state"] == "pending"
        assert len(delivery["attempts"]) == 1
        assert delivery["attempts"][0]["error"]
        assert "status" not in delivery["attempts"][0]


def test_no_answer_within_three_seconds_is_a_failure_that_delays_nobody_else(client: Client) -> None:
    over = threading.Event()

    def slow(received: Received) -> int:
        over.wait(10)
        return 200

    with Receiver(slow) as sleepy, Receiver() as receiver:
        to_sleepy = client.webhook(sleepy.url, CREATED)
        to_other = client.webhook(receiver.url, *FLOW)
        started = time.monotonic()
        ship(client)
        eventually(lambda: len(sleepy.received) == 1)
        orders = [client.order() for _ in range(4)]
        for place, order in enumerate(orders, 2):
            client.ok(client.fulfill(order, {"itemId": order["items"][0]["id"], "quantity": 1}), 201)
            eventually(partial(_has_got, receiver, 3 + 2 * (place - 1)))
        assert time.monotonic() - started < 2.8
        assert len(sleepy.received) == 1
        eventually(lambda: {each["state"] for each in deliveries(client, webhookId=to_other["id"])} == {"delivered"})
        assert len(sleepy.received) == 1
        eventually(lambda: len(sleepy.received) == 2)
        assert 2.9 < sleepy.received[1].at - sleepy.received[0].at < 4
        over.set()
        client.settle("now")
        first, *others = deliveries(client, webhookId=to_sleepy["id"])
        assert (first["state"], outcomes(first)) == ("pending", ["no answer within 3000 ms"])
        assert 2_900 <= first["attempts"][0]["durationMs"] < 4_000
        assert [outcomes(each) for each in others] == [[200]] * 4


def _has_got(receiver: Receiver, count: int) -> bool:
    return len(receiver.received) == count


# Trying again


def times(client: Client, delivery: JSON) -> list[Time]:
    """When its attempts were made, counted from the event."""
    start = parse_time(delivery["createdTime"])
    return [parse_time(attempt["time"]) - start for attempt in delivery["attempts"]]


def test_a_failing_delivery_is_tried_again_after_5_minutes_30_minutes_and_2_hours_and_has_then_failed(
    client: Client, receiver: Receiver
) -> None:
    client.webhook(receiver.url, CREATED)
    receiver.answer = lambda received: 500
    ship(client)
    client.settle("now")
    for by, count in [("4m59s", 1), ("1s", 2), ("29m59s", 2), ("1s", 3), ("1h59m59s", 3)]:
        client.advance(by)
        assert len(receiver.received) == count
        assert only(client)["state"] == "pending"
        assert "nextAttemptTime" in only(client)
    client.advance("1s")
    delivery = only(client)
    assert delivery["state"] == "failed"
    assert "nextAttemptTime" not in delivery
    assert times(client, delivery) == [0, 5 * MINUTE, 35 * MINUTE, 35 * MINUTE + 2 * HOUR]
    client.advance("30d")
    assert len(receiver.received) == 4
    assert only(client) == delivery


def test_retries_fall_due_at_the_same_times_when_the_clock_is_moved_in_one_leap(
    client: Client, receiver: Receiver
) -> None:
    client.webhook(receiver.url, "order.charge.capture.complete")
    receiver.answer = lambda received: 500
    ship(client)
    client.advance("1d")
    delivery = only(client)
    assert delivery["state"] == "failed"
    assert times(client, delivery) == [0, 5 * MINUTE, 35 * MINUTE, 35 * MINUTE + 2 * HOUR]


def test_a_retry_that_succeeds_is_the_last_attempt(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED)
    answers = iter([500, 503, 202])
    receiver.answer = lambda received: next(answers)
    ship(client)
    client.advance("7d")
    delivery = only(client)
    assert (delivery["state"], outcomes(delivery)) == ("delivered", [500, 503, 202])
    assert len(receiver.received) == 3


def test_a_failed_delivery_holds_up_none_of_the_later_ones(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED)
    fails = iter([True])
    receiver.answer = lambda received: 500 if next(fails, False) else 200
    ship(client)
    ship(client)
    client.settle("now")
    assert [each["state"] for each in deliveries(client)] == ["pending", "delivered"]
    client.advance("5m")
    assert [each["state"] for each in deliveries(client)] == ["delivered", "delivered"]
    first, second, again = event_ids(receiver.received)
    assert first == again != second


# Order


def test_each_webhook_gets_every_event_once_and_in_the_order_of_the_events(client: Client) -> None:
    """More than are fetched at a time, with a receiver that is quick and one that is not."""
    pace = iter(range(10_000))

    def uneven(received: Received) -> int:
        time.sleep(0.004 * (next(pace) % 3))
        return 200

    with Receiver() as quick, Receiver(uneven) as slow:
        for receiver in (quick, slow):
            client.webhook(receiver.url, *FLOW)
        for _ in range(30):
            ship(client)
        client.settle()
        events = [event["id"] for event in client.events() if event["type"] in FLOW]
        assert len(events) == 150
        for receiver in (quick, slow):
            assert event_ids(receiver.received) == events
    assert {each["state"] for each in deliveries(client)} == {"delivered"}


def test_a_receiver_that_closes_each_connection_without_a_word_gets_every_event_at_once(client: Client) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    with RawReceiver(answer_with(answer)) as receiver:
        client.webhook(receiver.url, *FLOW)
        for _ in range(10):
            ship(client)
        client.settle()
        failed = [outcomes(each) for each in deliveries(client) if outcomes(each) != [200]]
        assert failed == []


# Who gets what


def test_an_event_goes_to_every_webhook_that_names_its_type_and_to_no_other(client: Client) -> None:
    with Receiver() as one, Receiver() as two:
        first = client.webhook(one.url, CREATED, "order.complete")
        second = client.webhook(two.url, CREATED)
        client.webhook(two.url, "order.charge.capture.failed")
        ship(client)
        client.settle()
        assert types(one.received) == [CREATED, "order.complete"]
        assert types(two.received) == [CREATED]
    named = {event["type"]: event.get("webhookIds") for event in client.events()}
    assert named.pop(CREATED) == [first["id"], second["id"]]
    assert named.pop("order.complete") == [first["id"]]
    assert set(named.values()) == {None}


def test_events_nobody_has_subscribed_to_are_on_record_without_webhook_ids(client: Client) -> None:
    ship(client)
    client.settle()
    events = client.events()
    assert {CREATED, "order.complete"} <= {event["type"] for event in events}
    assert not [event for event in events if "webhookIds" in event]
    assert deliveries(client) == []


def test_a_webhook_gets_nothing_of_what_was_before_it(client: Client, receiver: Receiver) -> None:
    ship(client)
    client.webhook(receiver.url, *FLOW)
    client.settle()
    assert types(receiver.received) == ["order.charge.capture.complete", "order.complete"]


def test_a_disabled_webhook_gets_nothing_not_even_later(client: Client, receiver: Receiver) -> None:
    webhook = client.webhook(receiver.url, *FLOW, enabled=False)
    ship(client)
    client.settle("now")
    assert not [event for event in client.events() if "webhookIds" in event]
    client.ok(client.patch(f"/webhooks/{webhook['id']}", json={"enabled": True}))
    client.settle()
    assert types(receiver.received) == ["order.charge.capture.complete", "order.complete"]


@pytest.mark.parametrize("how", ["disable", "delete"])
def test_what_waits_for_a_webhook_that_is_disabled_or_deleted_is_never_sent(
    client: Client, receiver: Receiver, how: str
) -> None:
    webhook = client.webhook(receiver.url, CREATED)
    receiver.answer = lambda received: 500
    ship(client)
    client.settle("now")
    silence(client, webhook, how)
    delivery = only(client)
    assert (delivery["state"], outcomes(delivery)) == ("undelivered", [500])
    assert "nextAttemptTime" not in delivery
    client.advance("7d")
    assert len(receiver.received) == 1
    assert only(client) == delivery


@pytest.mark.parametrize("how", ["disable", "delete"])
def test_what_is_queued_behind_a_slow_answer_is_not_sent_after_that_either(client: Client, how: str) -> None:
    go_on = threading.Event()

    def hold(received: Received) -> int:
        go_on.wait(5)
        return 200

    with Receiver(hold) as receiver:
        webhook = client.webhook(receiver.url, *FLOW)
        ship(client)  # three events at once
        eventually(lambda: receiver.received)
        ship(client)
        silence(client, webhook, how)
        go_on.set()
        eventually(lambda: {each["state"] for each in deliveries(client)[1:]} == {"undelivered"})
        time.sleep(0.3)  # for what must not come
        assert len(receiver.received) == 1


def silence(client: Client, webhook: JSON, how: str) -> None:
    address = f"/webhooks/{webhook['id']}"
    if how == "delete":
        assert client.delete(address).status_code == 204
    else:
        client.ok(client.patch(address, json={"enabled": False}))


def test_a_new_address_is_used_from_the_next_attempt_on(client: Client) -> None:
    go_on = threading.Event()

    def hold(received: Received) -> int:
        go_on.wait(5)
        return 500

    with Receiver(hold) as old, Receiver() as new:
        webhook = client.webhook(old.url, *FLOW)
        ship(client)  # three events at once
        eventually(lambda: old.received)
        client.ok(client.patch(f"/webhooks/{webhook['id']}", json={"address": new.url}))
        go_on.set()
        client.settle()
        assert len(old.received) == 1
        assert sorted(types(new.received)) == sorted(FLOW)


def test_deliveries_are_found_by_event_webhook_type_and_state(client: Client) -> None:
    with Receiver() as good, Receiver(lambda received: 500) as bad:
        fine = client.webhook(good.url, CREATED, "order.complete")
        poor = client.webhook(bad.url, CREATED)
        ship(client)
        client.settle("now")
        event = client.events(type=CREATED)[0]
        assert len(deliveries(client, eventId=event["id"])) == 2
        assert only(client, webhookId=fine["id"])["state"] == "delivered"
        assert only(client, state="pending")["webhookId"] == poor["id"]
        assert only(client, eventId=event["id"], webhookId=poor["id"], type=CREATED, state="pending")
        assert deliveries(client, type="order.complete") == []


def test_webhooks_of_one_sandbox_know_nothing_of_another(client: Client, receiver: Receiver) -> None:
    with_other_key = {"Authorization": client.http.headers["Authorization"] + "2"}
    client.webhook(receiver.url, *FLOW)
    with httpx.Client(base_url=client.http.base_url, headers=with_other_key, trust_env=False) as http:
        items = [{"price": 1, "quantity": 1}]
        order = http.post("/_sim/orders", json={"items": items}).json()
        item = {"itemId": order["items"][0]["id"], "quantity": 1}
        assert http.post("/fulfillments", json={"orderId": order["id"], "items": [item]}).status_code == 201
        http.post("/_sim/settle", json={"until": "idle"})
    client.settle()
    assert receiver.received == []
