"""The control plane: the clock, waiting, starting over, and looking at what has happened."""

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.harness import JSON, Client, Drsim, Received, Receiver
from tests.web.conftest import Connect
from tests.web.worlds import behave, charge_now, error, everything, line, nothing_changes, order_now, refused, scenario

START = "2024-01-01T00:00:00Z"


def now(client: Client) -> str:
    """The time of the sandbox."""
    text: str = client.ok(client.get("/_sim/clock"))["now"]
    return text


def deliveries(client: Client, **params: Any) -> list[JSON]:
    """All deliveries, oldest first."""
    data: list[JSON] = client.ok(client.get("/_sim/deliveries", params={"limit": 100, **params}))["data"]
    return data[::-1]


# The clock.


def test_manual_time_stands_still_at_the_start_that_a_seed_asks_for(client: Client) -> None:
    assert client.ok(client.get("/_sim/clock")) == {"now": START, "mode": "manual", "nextDue": None}
    client.order()
    assert client.ok(client.get("/_sim/clock")) == {"now": START, "mode": "manual", "nextDue": None}


def test_the_clock_says_what_is_due_next(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order, line(order, 1, 1)), 201)
    assert client.ok(client.get("/_sim/clock"))["nextDue"] == "2024-01-01T00:00:01Z"
    client.advance("1s")
    assert client.ok(client.get("/_sim/clock"))["nextDue"] == "2024-01-01T00:00:02Z"
    client.advance("1s")
    assert client.ok(client.get("/_sim/clock"))["nextDue"] == "2024-01-01T00:00:03Z"  # the invoice
    client.advance("1s")
    assert client.ok(client.get("/_sim/clock"))["nextDue"] is None


@pytest.mark.parametrize(
    ("by", "then"),
    [
        ("7d", "2024-01-08T00:00:00Z"),
        ("1h30m", "2024-01-01T01:30:00Z"),
        ("90s", "2024-01-01T00:01:30Z"),
        ("250ms", "2024-01-01T00:00:00.25Z"),
        ("1us", "2024-01-01T00:00:00.000001Z"),
        ("2w", "2024-01-15T00:00:00Z"),
        ("0s", START),
    ],
)
def test_time_is_advanced_by_a_span(client: Client, by: str, then: str) -> None:
    assert client.advance(by)["now"] == then == now(client)


def test_time_is_advanced_to_an_instant(client: Client) -> None:
    body = client.ok(client.post("/_sim/clock/advance", json={"to": "2024-02-29T12:00:00.5Z"}))
    assert body["now"] == "2024-02-29T12:00:00.5Z" == now(client)
    again = client.ok(client.post("/_sim/clock/advance", json={"to": "2024-02-29T12:00:00.5Z"}))
    assert again["now"] == body["now"]


def test_time_never_moves_backwards(client: Client) -> None:
    client.advance("1d")
    refused(client.post("/_sim/clock/advance", json={"to": START}), 400, "invalid_parameter", "to")
    assert now(client) == "2024-01-02T00:00:00Z"


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "by"),
        ({"by": None}, "by"),
        ({"by": ""}, "by"),
        ({"by": "soon"}, "by"),
        ({"by": "-1d"}, "by"),
        ({"by": "1"}, "by"),
        ({"by": 1}, "by"),
        ({"by": "1.5d"}, "by"),
        ({"by": "1d "}, None),
        ({"by": "999999999999w"}, "by"),
        ({"by": "9000000d"}, "by"),
        ({"by": True}, "by"),
        ({"by": ["1d"]}, "by"),
        ({"to": "tomorrow"}, "to"),
        ({"to": "2024-01-02"}, "to"),
        ({"to": "2024-02-30T00:00:00Z"}, "to"),
        ({"to": "2024-01-02T00:00:00+01:00"}, "to"),
        ({"to": "9999-12-31T23:59:59Z"}, None),
        ({"to": "0000-01-01T00:00:00Z"}, "to"),
        ({"until": "1d"}, "until"),
        ({"by": "1d", "colour": 1}, "colour"),
    ],
)
def test_a_movement_that_makes_no_sense_is_refused(client: Client, body: JSON, parameter: str | None) -> None:
    response = client.post("/_sim/clock/advance", json=body)
    if response.status_code == 200:
        assert body == {"by": "1d "}  # blanks around a span may be overlooked
        return
    refused(response, 400, None, parameter)
    assert now(client) == START


def test_everything_due_on_the_way_happens_at_its_own_time(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order), 201)
    fired = client.advance("1d")["fired"]
    assert [(each["time"], each["event"]) for each in fired] == [
        ("2024-01-01T00:00:02Z", "order.charge.capture.complete"),
        ("2024-01-01T00:00:02Z", "order.charge.complete"),
        ("2024-01-01T00:00:03Z", "order.complete"),
        ("2024-01-01T00:00:03Z", "order.invoice.created"),
    ]
    assert order_now(client, order)["stateTransitions"]["complete"] == "2024-01-01T00:00:03Z"


def test_one_long_movement_and_many_short_ones_make_the_same_history(client: Client) -> None:
    histories = []
    for steps in (["10s"], ["1s"] * 10):
        client.ok(client.post("/_sim/reset"))
        behave(client, "capture", {"state": "failed", "after": "4s"}, times=1)
        order = client.order(upstreamId="same")
        client.ok(client.fulfill(order, line(order, 1, 1)), 201)
        client.ok(client.fulfill(order, line(order, 1)), 201)
        for step in steps:
            client.advance(step)
        histories.append(everything(client))
    assert histories[0] == histories[1]


def test_the_end_of_time_can_be_reached_and_orders_still_be_made(client: Client) -> None:
    order = client.order()
    client.ok(client.post("/_sim/clock/advance", json={"to": "9998-12-31T23:59:59Z"}))
    for each in (order, client.order()):
        client.ok(client.fulfill(each), 201)
    assert client.get("/_sim/clock").status_code == 200
    client.settle()
    assert client.get("/_sim/clock").status_code == 200


def test_a_due_time_beyond_the_end_of_time_can_still_be_shown(client: Client) -> None:
    behave(client, "capture", {"state": "complete", "after": "2920000d"})
    order = client.order()
    assert client.fulfill(order).status_code == 201
    assert client.get("/_sim/clock").status_code == 200
    client.settle()
    assert client.get(f"/orders/{order['id']}").status_code == 200


@pytest.mark.parametrize("ago", ["3650d", "8000d", "738000d", "1000000d", "2900000d"])
def test_an_order_from_long_ago_is_made_or_refused_but_never_breaks_anything(client: Client, ago: str) -> None:
    items = [{"price": 1}]
    assert client.post("/_sim/orders", json={"items": items, "createdAgo": ago}).status_code in (201, 400)
    for path in ("/orders", "/events", "/_sim/clock"):
        assert client.get(path).status_code == 200


# Two movements at once.


def test_a_receiver_that_moves_the_clock_while_the_clock_waits_for_it_is_refused(
    client: Client, receiver: Receiver
) -> None:
    answers: list[httpx.Response] = []

    def move(received: Received) -> int:
        for path, body in (("clock/advance", {"by": "1d"}), ("settle", {"until": "idle"})):
            answers.append(client.post(f"/_sim/{path}", json=body))
        return 200

    receiver.answer = move
    client.webhook(receiver.url, "order.charge.capture.complete")
    client.ok(client.fulfill(client.order()), 201)
    assert client.advance("1h")["now"] == "2024-01-01T01:00:00Z"
    assert len(answers) == 2
    for answer in answers:
        refused(answer, 409)
        assert answer.json()["type"] == "conflict"
    assert now(client) == "2024-01-01T01:00:00Z"
    client.advance("1h")


def test_a_receiver_may_call_the_api_while_the_clock_waits_for_it(client: Client, receiver: Receiver) -> None:
    order = client.order()
    statuses: list[int] = []

    def ship(received: Received) -> int:
        statuses.append(client.fulfill(order, line(order, 1)).status_code)
        return 200

    receiver.answer = ship
    client.webhook(receiver.url, "order.charge.capture.complete")
    client.ok(client.fulfill(order, line(order, 1)), 201)
    client.advance("1h")
    assert statuses == [201, 201, 409]
    assert order_now(client, order)["state"] == "complete"


def test_only_one_of_many_movements_at_once_goes_through_or_each_in_its_turn(client: Client) -> None:
    statuses: list[int] = []

    def move() -> None:
        statuses.append(client.post("/_sim/clock/advance", json={"by": "1s"}).status_code)

    threads = [threading.Thread(target=move) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 409}
    assert now(client) == f"2024-01-01T00:00:0{statuses.count(200)}Z"


def test_many_requests_at_once_never_capture_more_than_there_is(client: Client) -> None:
    order = client.order()
    statuses: list[int] = []

    def ship() -> None:
        statuses.append(client.fulfill(order, line(order, 1)).status_code)

    threads = [threading.Thread(target=ship) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] * 3 + [409] * 5
    assert order_now(client, order)["capturedAmount"] == 37.81


# Settling.


def test_settling_now_delivers_what_is_due_and_moves_no_time(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, "order.created", "order.charge.capture.complete")
    client.ok(client.fulfill(client.order()), 201)
    assert client.settle("now")["now"] == START
    assert len(receiver.received) == 1
    assert [each["state"] for each in deliveries(client)] == ["delivered"]


def test_settling_until_idle_runs_all_that_is_pending_and_no_further(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, "order.complete")
    order = client.order()
    client.ok(client.fulfill(order), 201)
    assert client.settle()["now"] == "2024-01-01T00:00:03Z"
    assert len(receiver.received) == 1
    assert client.settle()["now"] == "2024-01-01T00:00:03Z"


def test_settling_without_a_body_means_now(client: Client) -> None:
    client.ok(client.fulfill(client.order()), 201)
    assert client.ok(client.post("/_sim/settle"))["now"] == START


def test_settling_goes_no_further_than_its_limit(client: Client) -> None:
    behave(client, "capture", {"state": "complete", "after": "10d"})
    order = client.order()
    client.ok(client.fulfill(order), 201)
    client.ok(client.post("/_sim/settle", json={"until": "idle", "limit": "9d"}))
    assert charge_now(client, order)["captures"][0]["state"] == "pending"
    assert now(client) <= "2024-01-10T00:00:00Z"
    client.ok(client.post("/_sim/settle", json={"until": "idle", "limit": "10d"}))
    assert charge_now(client, order)["captures"][0]["state"] == "complete"


def test_settling_runs_retries_of_deliveries_too(client: Client, receiver: Receiver) -> None:
    receiver.answer = lambda received: 500
    client.webhook(receiver.url, "order.created")
    client.order()
    client.settle()
    assert len(receiver.received) == 4
    (delivery,) = deliveries(client)
    assert (delivery["state"], len(delivery["attempts"])) == ("failed", 4)
    times = [attempt["time"] for attempt in delivery["attempts"]]
    assert times == [START, "2024-01-01T00:05:00Z", "2024-01-01T00:35:00Z", "2024-01-01T02:35:00Z"]


@pytest.mark.parametrize(
    ("body", "parameter"),
    [({"until": "later"}, "until"), ({"until": 1}, "until"), ({"limit": "soon"}, "limit"), ({"colour": 1}, "colour")],
)
def test_settling_until_something_else_is_refused(client: Client, body: JSON, parameter: str) -> None:
    refused(client.post("/_sim/settle", json=body), 400, None, parameter)


# Starting over.


def test_a_reset_empties_a_sandbox_and_its_clock(client: Client, receiver: Receiver) -> None:
    scenario(client, account={"riskTolerance": "averse"})
    behave(client, "capture", {"state": "failed"})
    client.webhook(receiver.url, "order.created")
    client.ok(client.fulfill(client.order()), 201)
    client.advance("3d")
    client.ok(client.post("/_sim/reset"))
    found = everything(client)
    assert found.count('{"hasMore":false,"data":[]}') + found.count("[]") == len(found)
    assert client.ok(client.get("/_sim/clock")) == {"now": START, "mode": "manual", "nextDue": None}
    order = client.order(createdAgo="8d")
    client.ok(client.fulfill(order), 201)
    client.settle()
    assert order_now(client, order)["state"] == "complete"


def test_after_a_reset_the_same_steps_give_the_same_bytes(client: Client) -> None:
    runs = []
    for _ in range(2):
        client.ok(client.post("/_sim/reset"))
        client.webhook("http://127.0.0.1:9/", "order.created")
        order = client.order(storeCredit=11.0)
        client.ok(client.fulfill(order, line(order, 1, 1)), 201)
        client.fulfill(order, line(order, 9))
        client.settle("now")
        runs.append(everything(client)[:7])
    assert runs[0] == runs[1]


def test_a_reset_of_one_sandbox_leaves_the_others(client: Client, another: Connect) -> None:
    other = another("not_reset")
    order = other.order()
    client.order()
    client.ok(client.post("/_sim/reset"))
    assert order_now(other, order) == order


def test_a_reset_forgets_the_log_of_calls(client: Client) -> None:
    client.order()
    client.get("/orders")
    client.post("/fulfillments", json={})
    client.ok(client.post("/_sim/reset"))
    assert client.ok(client.get("/_sim/requests"))["data"] == []


# The log of calls.


def test_every_call_is_logged_with_what_was_asked_and_answered_and_without_its_key(client: Client) -> None:
    order = client.order()
    response = client.fulfill(order, line(order, 9))
    (call,) = client.ok(client.get("/_sim/requests"))["data"]
    assert call["id"] == response.headers["x-dr-requestid"]
    assert (call["method"], call["path"], call["status"]) == ("POST", "/fulfillments", 409)
    assert call["requestBody"] == {"orderId": order["id"], "items": [line(order, 9)]}
    assert call["responseBody"] == response.json()
    assert call["orderId"] == order["id"]
    assert call["apiVersion"] == "2021-12-13"
    assert call["time"] == START
    assert "authorization" not in call["requestHeaders"]
    assert client.http.headers["authorization"].removeprefix("Bearer ") not in client.get("/_sim/requests").text


def test_the_log_is_newest_first_and_holds_reads_and_writes_but_no_control_calls(client: Client) -> None:
    client.get("/orders", params={"limit": 3})
    client.post("/fulfillments", json={})
    client.get("/orders/nothing")
    client.advance("1s")
    client.order()
    client.delete("/webhooks/nothing")
    calls = client.ok(client.get("/_sim/requests"))["data"]
    assert [(call["method"], call["path"], call["query"], call["status"]) for call in calls] == [
        ("DELETE", "/webhooks/nothing", "", 404),
        ("GET", "/orders/nothing", "", 404),
        ("POST", "/fulfillments", "", 400),
        ("GET", "/orders", "limit=3", 200),
    ]


def test_the_log_keeps_what_is_no_json_as_text(client: Client) -> None:
    client.post("/fulfillments", content=b"a=1&b=\xff", headers={"content-type": "text/plain"})
    (call,) = client.ok(client.get("/_sim/requests"))["data"]
    assert call["requestBody"] == "a=1&b=\ufffd"


def test_the_log_is_limited(client: Client) -> None:
    for _ in range(4):
        client.get("/orders")
    page = client.ok(client.get("/_sim/requests", params={"limit": 3}))
    assert (len(page["data"]), page["hasMore"]) == (3, True)
    for limit in ("0", "101", "x"):
        refused(client.get("/_sim/requests", params={"limit": limit}), 400, "invalid_parameter", "limit")


def test_a_compressed_answer_is_logged_readable(client: Client) -> None:
    order = client.order()
    assert client.get(f"/orders/{order['id']}").headers["content-encoding"] == "gzip"
    (call,) = client.ok(client.get("/_sim/requests"))["data"]
    assert call["responseBody"]["id"] == order["id"]


# The timeline of an order.


def test_the_timeline_tells_the_story_of_one_order_in_order_of_time(client: Client, receiver: Receiver) -> None:
    order, other = client.order(), client.order()
    client.webhook(receiver.url, "fulfillment.created", "order.complete")
    client.ok(client.fulfill(order, line(order, 2)), 201)
    client.ok(client.fulfill(other), 201)
    client.advance("1m")
    client.ok(client.fulfill(order, line(order, cancel=1)), 201)
    client.settle()
    entries = client.ok(client.get(f"/_sim/orders/{order['id']}/timeline"))["data"]
    times = [entry["time"] for entry in entries]
    assert times == sorted(times)
    assert {entry["kind"] for entry in entries} == {"call", "order", "capture", "cancel", "event", "delivery"}
    calls = [entry for entry in entries if entry["kind"] == "call"]
    assert [(call["method"], call["path"], call["status"]) for call in calls] == [("POST", "/fulfillments", 201)] * 2
    states = [entry["state"] for entry in entries if entry["kind"] == "order"]
    assert states == ["accepted", "fulfilled", "complete"]
    told = [entry["type"] for entry in entries if entry["kind"] == "event"]
    assert told == client.event_types(orderId=order["id"])
    sent = [entry["type"] for entry in entries if entry["kind"] == "delivery"]
    assert sent == ["fulfillment.created", "fulfillment.created", "order.complete"]
    assert other["id"] not in str(entries)


def test_the_timeline_of_nothing_is_not_found(client: Client) -> None:
    response = client.get("/_sim/orders/nothing/timeline")
    assert (response.status_code, response.json()) == (
        404,
        error("not_found", "not_found", "Order 'nothing' not found.", "id"),
    )


# Deliveries and secrets.


def test_a_delivery_shows_its_attempts(client: Client, receiver: Receiver) -> None:
    receiver.answer = lambda received: 200 if len(receiver.received) > 1 else 503
    webhook = client.webhook(receiver.url, "order.created")
    client.order()
    client.settle("now")
    (delivery,) = deliveries(client)
    (event,) = client.events(type="order.created")
    assert (delivery["eventId"], delivery["webhookId"], delivery["type"], delivery["state"]) == (
        event["id"],
        webhook["id"],
        "order.created",
        "pending",
    )
    assert delivery["nextAttemptTime"] == "2024-01-01T00:05:00Z"
    client.settle()
    (delivery,) = deliveries(client)
    assert delivery["state"] == "delivered"
    assert "nextAttemptTime" not in delivery
    first, second = delivery["attempts"]
    assert (first["status"], second["status"]) == (503, 200)
    assert (first["time"], second["time"]) == (START, "2024-01-01T00:05:00Z")
    for attempt, received in zip((first, second), receiver.received, strict=True):
        assert attempt["durationMs"] >= 0
        assert attempt["requestHeaders"]["DigitalRiver-Signature"] == received.headers["digitalriver-signature"]
    assert receiver.received[0].body == receiver.received[1].body


def test_a_receiver_that_is_not_there_is_an_error_in_words(client: Client) -> None:
    client.webhook("http://127.0.0.1:9/", "order.created")
    client.order()
    client.settle("now")
    (attempt,) = deliveries(client)[0]["attempts"]
    assert "status" not in attempt
    assert re.search(r"[a-zA-Z]{4}", attempt["error"])


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 500])
def test_redirects_and_errors_are_failures_and_nobody_follows_them(
    client: Client, receiver: Receiver, status: int
) -> None:
    receiver.answer = lambda received: status
    client.webhook(f"{receiver.url}/here", "order.created")
    client.order()
    client.settle("now")
    assert [received.path for received in receiver.received] == ["/here"]
    assert deliveries(client)[0]["state"] == "pending"


def test_deliveries_are_found_by_event_webhook_type_and_state(client: Client, receiver: Receiver) -> None:
    good = client.webhook(receiver.url, "order.created", "order.accepted")
    bad = client.webhook("http://127.0.0.1:9/", "order.created")
    client.order()
    client.order()
    client.settle("now")
    event = client.events(type="order.created")[0]
    assert len(deliveries(client)) == 6
    assert {each["webhookId"] for each in deliveries(client, eventId=event["id"])} == {good["id"], bad["id"]}
    assert len(deliveries(client, webhookId=good["id"])) == 4
    assert len(deliveries(client, type="order.created")) == 4
    assert len(deliveries(client, state="pending")) == 2
    assert len(deliveries(client, state="delivered", type="order.accepted")) == 2
    for name in ("eventId", "webhookId", "type", "state"):
        assert deliveries(client, **{name: "nothing"}) == []
    page = client.ok(client.get("/_sim/deliveries", params={"limit": 5}))
    assert (len(page["data"]), page["hasMore"]) == (5, True)
    rest = client.ok(client.get("/_sim/deliveries", params={"startingAfter": page["data"][-1]["id"]}))
    assert (len(rest["data"]), rest["hasMore"]) == (1, False)


def test_secrets_are_shown_by_the_control_plane_only(client: Client) -> None:
    webhook = client.webhook("http://127.0.0.1:9/", "order.created")
    body = client.ok(client.get(f"/_sim/webhooks/{webhook['id']}/secrets"))
    (secret,) = body["secrets"]
    assert secret.startswith("whk_")
    assert secret not in client.get(f"/webhooks/{webhook['id']}").text


# Orders and scenarios.


def test_an_order_that_does_not_fit_is_refused_and_nothing_is_made(client: Client) -> None:
    specifications: list[JSON] = [
        {},
        {"items": []},
        {"items": [{"price": -1}]},
        {"items": [{"price": 1.005}]},
        {"items": [{"price": 1, "quantity": 0}]},
        {"items": [{"price": 1, "colour": "red"}]},
        {"items": [{"price": 1}], "currency": "XXX"},
        {"items": [{"price": 1}], "currency": "JPY", "shipping": 0.5},
        {"items": [{"price": 1}], "state": "eaten"},
        {"items": [{"price": 1}], "source": {"type": "cash"}},
        {"items": [{"price": 1}], "createdAgo": "yesterday"},
        {"items": [{"price": 1}], "taxRate": 2},
        {"items": [{"price": 1}], "email": "nobody"},
        {"items": [{"price": 1}], "discount": {"amountOff": 2}},
        {"items": [{"price": 1}], "metadata": {"k" * 41: 1}},
        {"items": [{"price": 10**14}]},
    ]
    for body in specifications:
        with nothing_changes(client):
            response = client.post("/_sim/orders", json=body)
            assert response.status_code == 400, (body, response.text)
            refused(response, 400)


def test_store_credit_beyond_the_order_is_refused(client: Client) -> None:
    with nothing_changes(client):
        response = client.post("/_sim/orders", json={"items": [{"price": 10}], "storeCredit": 10.01})
        assert 400 <= response.status_code < 500


def test_an_order_keeps_the_id_it_is_given_and_no_other_can_have_it(client: Client) -> None:
    order = client.order(id="231388420336")
    assert order["id"] == "231388420336"
    with nothing_changes(client):
        response = client.post("/_sim/orders", json={"items": [{"price": 1}], "id": "231388420336"})
        assert 400 <= response.status_code < 500, response.text


def test_the_answer_to_a_new_order_is_the_order_as_it_is_read(client: Client) -> None:
    order = client.order()
    assert order_now(client, order) == order


def test_a_scenario_sets_account_rules_and_what_is_given(client: Client) -> None:
    body: JSON = {
        "account": {"delays": {"capture": "1h"}},
        "given": {
            "webhooks": [
                {"as": "hooks", "address": "http://127.0.0.1:9/", "types": ["order.*"], "token": "whsec_example"}
            ],
            "orders": [{"as": "order", "upstreamId": "given", "items": [{"as": "widget", "price": 10, "quantity": 3}]}],
        },
        "behavior": [{"when": {"operation": "capture"}, "then": {"state": "failed"}, "times": 1}],
    }
    scenario(client, **body)
    (order,) = client.ok(client.get("/orders", params={"upstreamIds": "given"}))["data"]
    (webhook,) = client.ok(client.get("/webhooks"))
    assert client.secret(webhook) == "whsec_example"
    assert "order.charge.capture.failed" in webhook["types"]
    client.ok(client.fulfill(order), 201)
    client.advance("59m")
    assert charge_now(client, order)["captures"][0]["state"] == "pending"
    client.advance("1m")
    assert charge_now(client, order)["captures"][0]["state"] == "failed"


def test_a_scenario_can_be_written_in_yaml(client: Client) -> None:
    text = "scenario: In words\ngiven:\n  orders:\n    - upstreamId: yaml\n      items: [{price: 10.00, quantity: 3}]\n"
    for kind in ("application/yaml", "text/yaml", "application/x-yaml"):
        client.ok(client.post("/_sim/reset"))
        response = client.post("/_sim/scenario", content=text.encode(), headers={"content-type": kind})
        assert response.status_code in (200, 201), response.text
        (order,) = client.ok(client.get("/orders"))["data"]
        assert (order["upstreamId"], order["totalAmount"]) == ("yaml", 30.0)


def test_a_scenario_that_does_not_fit_is_refused_as_a_whole(client: Client) -> None:
    for sections in (
        {"account": {"riskTolerance": "brave"}},
        {"given": {"orders": [{"items": [{"price": 1}]}, {"items": []}]}},
        {"given": {"webhooks": [{"address": "nowhere"}]}},
        {"behavior": [{"when": {"operation": "eat"}, "then": {"state": "failed"}}]},
        {"colour": "red"},
        {
            "given": {
                "orders": [
                    {"items": [{"price": 1}]},
                    {"items": [{"price": 1}], "source": {"number": "4000000000003600"}},
                ]
            }
        },
    ):
        with nothing_changes(client):
            response = client.post("/_sim/scenario", json={"scenario": "A test", **sections})
            assert 400 <= response.status_code < 500, response.text
            assert set(response.json()) == {"type", "errors"}


def test_all_events_are_told_in_the_order_in_which_they_came_on_record(client: Client) -> None:
    order = client.order()
    first = client.ok(client.get("/_sim/events"))
    assert [event["type"] for event in first["data"]] == client.event_types()
    client.order(createdAgo="3d")  # its events are older, but came on record later
    more = client.ok(client.get("/_sim/events", params={"after": first["next"]}))
    assert [event["type"] for event in more["data"]] == ["order.created", "order.charge.capturable", "order.accepted"]
    assert more["data"][0]["data"]["object"]["id"] != order["id"]
    assert client.ok(client.get("/_sim/events", params={"after": more["next"]})) == {"next": more["next"], "data": []}
    client.advance("40d")
    assert client.events() == []
    assert len(client.ok(client.get("/_sim/events"))["data"]) >= 6
    assert client.get("/_sim/events?after=x").json()["errors"][0]["parameter"] == "after"


def test_waiting_for_a_call_ends_with_the_call_or_when_time_is_up(client: Client) -> None:
    seen = client.ok(client.get("/_sim/requests"))["count"]
    started = time.monotonic()
    idle = client.ok(client.get("/_sim/requests", params={"after": seen, "wait": "200ms"}))
    assert (idle["count"], idle["data"]) == (seen, [])
    assert 0.2 <= time.monotonic() - started < 2
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(client.get, "/_sim/requests", params={"after": seen, "wait": "20s"})
        client.get("/orders?limit=3")
        told = client.ok(waiting.result(timeout=10))
    assert told["count"] == seen + 1
    assert [call["path"] for call in told["data"]] == ["/orders"]
    for wrong in ({"after": "-1"}, {"after": "x" * 30}):
        assert client.get("/_sim/requests", params={"wait": "1s", **wrong}).status_code == 400
    assert client.get("/_sim/requests", params={"wait": "soon"}).json()["errors"][0]["parameter"] == "wait"


def test_a_label_tells_one_caller_of_a_sandbox_from_another(drsim: Drsim, client: Client) -> None:
    client.get("/orders")
    key = client.http.headers["Authorization"].removeprefix("Bearer ")
    other = drsim.client(key=f"{key}.worker-1")
    other.get("/orders")
    labels = [call.get("keyLabel") for call in client.ok(client.get("/_sim/requests"))["data"]]
    assert labels == ["worker-1", None]


def test_the_timeline_of_a_sandbox_tells_all_orders(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, "fulfillment.created")
    first, second = client.order(), client.order()
    client.ok(client.fulfill(first), 201)
    client.ok(client.fulfill(second), 201)
    client.settle("now")
    told = client.ok(client.get("/_sim/timeline"))["data"]
    assert [entry["kind"] for entry in told].count("delivery") == 2
    assert {entry["objectId"] for entry in told if entry.get("type") == "order.accepted"} == {first["id"], second["id"]}
    kinds = [
        entry["kind"]
        for entry in told
        if entry.get("path") == "/fulfillments" or entry.get("type") == "fulfillment.created"
    ]
    assert kinds == ["call", "event", "delivery"] * 2
