"""Faults of the API: calls that are late, answered with something else, or not answered at all."""

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import JSON, Client, Drsim, Receiver, eventually
from tests.web.conftest import Connect
from tests.web.worlds import error, nothing_changes, refused, scenario


def fault(client: Client, call: str = "*", times: int | None = None, every: int | None = None, **then: Any) -> JSON:
    """One more fault of calls."""
    counts = {name: count for name, count in (("times", times), ("every", every)) if count is not None}
    body: JSON = client.ok(client.post("/_sim/faults", json={"when": {"call": call}, "then": then, **counts}), 201)
    return body


def faults(client: Client) -> list[JSON]:
    data: list[JSON] = client.ok(client.get("/_sim/faults"))["data"]
    return data


def last_call(client: Client) -> JSON:
    call: JSON = client.ok(client.get("/_sim/requests", params={"limit": 1}))["data"][0]
    return call


def shipped(client: Client) -> int:
    """How many fulfillments there are."""
    return len(client.ok(client.get("/fulfillments"))["data"])


def statuses(client: Client, count: int) -> list[int]:
    return [client.get("/orders").status_code for _ in range(count)]


# Making, listing, deleting


def test_a_fault_is_shown_as_it_was_given_with_its_id_until_it_is_deleted(client: Client) -> None:
    given: list[JSON] = [
        {
            "when": {"call": "POST /fulfillments"},
            "then": {"status": 503, "body": {"a": [1, None, 2.5]}, "headers": {"retry-after": "1"}, "delay": "200ms"},
            "times": 2,
            "every": 3,
        },
        {"when": {"call": "* /nowhere"}, "then": {"drop": True}},
        {"when": {"call": "GET /nowhere"}, "then": {"delay": "1s", "drop": "answer"}},
        {"when": {"delivery": "order.*"}, "then": {"delay": "10m", "duplicate": 2, "reorder": True}},
        {"when": {"delivery": "*"}, "then": {"corruptSignature": True, "truncate": True}, "times": 1},
        {"when": {"delivery": "order.created"}, "then": {"drop": True}},
    ]
    made = [client.ok(client.post("/_sim/faults", json=each), 201) for each in given]
    assert made == [{"id": shown["id"], **each} for shown, each in zip(made, given, strict=True)]
    assert faults(client) == made
    assert client.delete(f"/_sim/faults/{made[0]['id']}").status_code == 204
    assert faults(client) == made[1:]
    assert refused(client.delete(f"/_sim/faults/{made[0]['id']}"), 404, "not_found", "id")["message"] == (
        f"Fault '{made[0]['id']}' not found."
    )
    client.ok(client.post("/_sim/reset"))
    assert faults(client) == []


def test_a_fault_about_one_webhook_names_one_that_exists(client: Client) -> None:
    webhook = client.webhook("http://127.0.0.1:9/", "order.created")
    body: JSON = {"when": {"delivery": "*", "to": webhook["id"]}, "then": {"drop": True}}
    assert client.ok(client.post("/_sim/faults", json=body), 201)["when"] == body["when"]
    body["when"]["to"] = "hooks"
    assert refused(client.post("/_sim/faults", json=body), 400, "invalid_parameter", "when.to")["message"] == (
        "'hooks' is not a valid webhook."
    )


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"when": None}, "when"),
        ({"when": "POST /fulfillments"}, "when"),
        ({"when": {}}, "when"),
        ({"when": {"call": "*", "delivery": "*"}}, "when"),
        ({"when": {"call": 5}}, "when.call"),
        ({"when": {"call": "FETCH /orders"}}, "when.call"),
        ({"when": {"call": "get /orders"}}, "when.call"),
        ({"when": {"call": "POST"}}, "when.call"),
        ({"when": {"call": "POST /orders?limit=1"}}, "when.call"),
        ({"when": {"call": "POST /_sim/reset"}}, "when.call"),
        ({"when": {"call": "*", "to": "hooks"}}, "when.to"),
        ({"when": {"delivery": "nothing.*"}}, "when.delivery"),
        ({"when": {"delivery": ["*"]}}, "when.delivery"),
        ({"then": None}, "then"),
        ({"then": []}, "then"),
        ({"then": {}}, "then"),
        ({"then": {"status": None}}, "then"),
        ({"then": {"status": "bad"}}, "then.status"),
        ({"then": {"status": 100}}, "then.status"),
        ({"then": {"status": 503.5}}, "then.status"),
        ({"then": {"status": 503, "body": 5}}, "then.body"),
        ({"then": {"status": 503, "body": {"a": 10**16}}}, "then.body"),
        ({"then": {"body": "x"}}, "then.body"),
        ({"then": {"status": 304, "body": "x"}}, "then.body"),
        ({"then": {"headers": "X: a"}}, "then.headers"),
        ({"then": {"headers": {"X": ["a"]}}}, "then.headers.X"),
        ({"then": {"headers": {"X": "a\nb"}}}, "then.headers.X"),
        ({"then": {"headers": {"Content-Length": 5}}}, "then.headers.Content-Length"),
        ({"then": {"delay": 5}}, "then.delay"),
        ({"then": {"drop": "request"}}, "then.drop"),
        ({"then": {"drop": True, "status": 500}}, "then.status"),
        ({"then": {"duplicate": 1}}, "then.duplicate"),
        ({"times": 0}, "times"),
        ({"times": "often"}, "times"),
        ({"every": 0}, "every"),
        ({"every": 1.5}, "every"),
        ({"often": True}, "often"),
    ],
)
def test_a_fault_that_does_not_fit_is_refused_with_its_place(client: Client, change: JSON, parameter: str) -> None:
    body = {"when": {"call": "*"}, "then": {"status": 503}, **change}
    with nothing_changes(client):
        refused(client.post("/_sim/faults", json=body), 400, parameter=parameter)
        assert faults(client) == []


# Other answers


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "bad_request"),
        (404, "not_found"),
        (408, "request_timeout"),
        (409, "conflict"),
        (418, "bad_request"),
        (429, "too_many_requests"),
        (500, "internal_server_error"),
        (502, "bad_gateway"),
        (503, "service_unavailable"),
        (504, "gateway_timeout"),
        (599, "internal_server_error"),
    ],
)
def test_an_error_is_answered_in_the_format_of_the_api_and_nothing_is_done(
    client: Client, status: int, kind: str
) -> None:
    order = client.order()
    fault(client, "POST /fulfillments", status=status)
    with nothing_changes(client):
        response = client.fulfill(order)
    assert response.status_code == status
    message = response.json()["errors"][0]["message"]
    assert response.json() == error(kind, kind, message)
    assert response.headers["content-type"] == "application/json;charset=UTF-8"


def test_body_and_headers_are_as_given(client: Client) -> None:
    fault(client, times=1, status=503, body={"a": None, "ü": [1.5]}, headers={"Retry-After": 7, "X-Odd": "é"})
    response = client.get("/orders")
    assert (response.status_code, response.json()) == (503, {"a": None, "ü": [1.5]})
    assert (response.headers["retry-after"], response.headers["x-odd"]) == ("7", "é")
    fault(client, times=1, status=502, body="<h1>Bad Gateway</h1>")
    response = client.get("/orders")
    assert (response.status_code, response.text) == (502, "<h1>Bad Gateway</h1>")
    assert response.headers["content-type"] == "text/plain;charset=UTF-8"
    fault(client, times=1, status=502, body="<h1>Bad Gateway</h1>", headers={"Content-Type": "text/html"})
    assert client.get("/orders").headers.get_list("content-type") == ["text/html"]
    fault(client, times=1, status=200, body="")
    assert client.get("/orders").content == b""


@pytest.mark.parametrize("status", [200, 201, 204, 205, 301, 304])
def test_an_answer_that_is_no_error_is_empty_unless_a_body_is_given(client: Client, status: int) -> None:
    fault(client, status=status)
    for _ in range(2):  # the connection is still good
        response = client.get("/orders")
        assert (response.status_code, response.content) == (status, b"")


def test_headers_alone_are_added_to_the_real_answer(client: Client) -> None:
    fault(client, "GET /orders", headers={"X-Cache": "HIT", "Content-Type": "text/html"})
    response = client.get("/orders")
    assert client.ok(response)["data"] == []
    assert response.headers["x-cache"] == "HIT"
    assert response.headers.get_list("content-type") == ["text/html"]
    assert "x-cache" not in client.get("/events").headers


def test_the_control_plane_and_calls_without_a_key_have_no_faults(client: Client, drsim: Drsim) -> None:
    fault(client, status=503)
    assert client.get("/_sim/clock").status_code == 200
    assert httpx.get(f"{drsim.url}/orders").status_code == 401
    assert client.get("/nowhere").status_code == 503
    assert client.get("/orders", headers={"DigitalRiver-Version": "1999-01-01"}).status_code == 503


def test_a_call_beyond_the_rate_limit_uses_no_fault_up(client: Client) -> None:
    scenario(
        client, account={"rateLimit": "1/s"}, faults=[{"when": {"call": "*"}, "then": {"status": 500}, "times": 2}]
    )
    assert statuses(client, 3) == [500, 429, 429]
    assert faults(client)[0]["times"] == 1


# How often


def test_times_uses_a_fault_up_and_it_stays_listed(client: Client) -> None:
    made = fault(client, "GET /orders", times=2, status=503)
    assert statuses(client, 4) == [503, 503, 200, 200]
    assert faults(client) == [{**made, "times": 0}]


def test_every_third_call_fails_and_the_others_are_for_the_next_fault(client: Client) -> None:
    fault(client, "GET *", every=3, times=2, status=500)
    fault(client, "GET /orders", times=2, status=502)
    assert statuses(client, 9) == [502, 502, 500, 200, 200, 500, 200, 200, 200]


def test_of_calls_at_the_same_time_exactly_one_is_struck(client: Client, another: Connect) -> None:
    order = client.order(items=[{"price": 1, "quantity": 100}])
    line = {"itemId": order["items"][0]["id"], "quantity": 1}
    key = client.http.headers["authorization"].removeprefix("Bearer ")
    clients = [another(key=key) for _ in range(8)]
    for round in range(1, 6):
        fault(client, "POST /fulfillments", times=1, status=503)
        barrier = threading.Barrier(len(clients))

        def ship(each: Client, barrier: threading.Barrier = barrier) -> int:
            barrier.wait()
            return each.fulfill(order, line).status_code

        with ThreadPoolExecutor(len(clients)) as pool:
            assert sorted(pool.map(ship, clients)) == [201] * 7 + [503]
        assert shipped(client) == min(10, 7 * round)
        assert [each["times"] for each in faults(client)] == [0] * round


def test_what_is_left_of_a_fault_survives_the_process(tmp_path: Path) -> None:
    options = ("--clock", "manual", "--db", str(tmp_path / "state.db"))
    with Drsim(*options) as server:
        client = server.client()
        fault(client, "GET /orders", every=2, times=3, status=503)
        assert statuses(client, 3) == [200, 503, 200]
        server.kill()
    with Drsim(*options) as server:
        client = server.client()
        assert faults(client)[0]["times"] == 2
        assert statuses(client, 5) == [503, 200, 503, 200, 200]


def test_faults_of_one_sandbox_know_nothing_of_another(client: Client, another: Connect) -> None:
    fault(client, status=503)
    assert another("somebody_else").get("/orders").status_code == 200


# Late and lost


def test_a_delay_takes_real_time_and_the_call_is_then_carried_out(client: Client) -> None:
    order = client.order()
    fault(client, "POST /fulfillments", times=1, delay="300ms")
    before = time.monotonic()
    client.ok(client.fulfill(order), 201)
    assert time.monotonic() - before > 0.29
    fault(client, "GET /orders", delay="200ms", status=504)
    before = time.monotonic()
    assert client.get("/orders").status_code == 504
    assert time.monotonic() - before > 0.19


def test_a_call_whose_client_loses_patience_is_carried_out_all_the_same(client: Client) -> None:
    order = client.order()
    fault(client, "POST /fulfillments", times=1, delay="400ms")
    body = {"orderId": order["id"], "items": [{"itemId": order["items"][0]["id"], "quantity": 3}]}
    with pytest.raises(httpx.ReadTimeout):
        client.post("/fulfillments", json=body, timeout=0.1)
    assert shipped(client) == 0
    eventually(lambda: shipped(client) == 1)


def test_a_late_call_holds_up_no_other(client: Client, another: Connect) -> None:
    fault(client, "GET /events", delay="1s")
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(client.get, "/events")
        assert statuses(another(key=client.http.headers["authorization"].removeprefix("Bearer ")), 3) == [200] * 3
        assert not late.done()
        assert late.result().status_code == 200


def test_a_dropped_call_has_no_answer_and_is_not_carried_out(client: Client) -> None:
    order = client.order()
    fault(client, "POST /fulfillments", times=1, drop=True)
    with nothing_changes(client), pytest.raises(httpx.TransportError):
        client.fulfill(order)
    client.ok(client.fulfill(order), 201)


def test_a_dropped_answer_leaves_the_client_without_one_though_the_call_is_carried_out(client: Client) -> None:
    order = client.order()
    fault(client, "POST /fulfillments", times=1, drop="answer")
    with pytest.raises(httpx.TransportError):
        client.fulfill(order)
    assert shipped(client) == 1
    refused(client.fulfill(order), 409, "order_fulfilled")


@pytest.mark.parametrize("drop", [True, "answer"])
def test_dropping_closes_the_connection_without_a_byte(client: Client, drsim: Drsim, drop: Any) -> None:
    fault(client, drop=drop)
    host, port = drsim.url.removeprefix("http://").split(":")
    call = f"GET /orders HTTP/1.1\r\nHost: x\r\nAuthorization: {client.http.headers['authorization']}\r\n\r\n"
    for calls in (1, 3):  # the others are piped behind it
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            connection.sendall(call.encode() * calls)
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""
    assert client.get("/_sim/clock").status_code == 200


def test_even_a_call_that_is_too_long_is_dropped_and_the_server_says_nothing() -> None:
    with Drsim("--clock", "manual") as server:
        client = server.client()
        for drop in (True, "answer"):
            fault(client, times=1, drop=drop)
            with pytest.raises(httpx.TransportError):
                client.post("/fulfillments", content=b" " * 5_000_000)
        assert client.get("/orders").status_code == 200
        code, _, errors = server.stop()
    assert (code, errors) == (0, "")


# What is on record


def test_a_call_that_was_under_way_at_a_reset_is_not_in_the_log_and_spoils_nothing() -> None:
    """Its number is given once more afterwards."""
    with Drsim("--clock", "manual") as server, ThreadPoolExecutor(1) as pool:
        client, other = server.client(), server.client("other")
        fault(client, "POST /fulfillments", times=1, delay="1s")
        late = pool.submit(client.post, "/fulfillments", json={})
        eventually(lambda: not any(each["times"] for each in client.ok(client.get("/_sim/faults"))["data"]))
        client.post("/_sim/reset")
        assert late.result().status_code == 400
        for _ in range(5):
            assert [each.post("/fulfillments", json={}).status_code for each in (client, other)] == [400, 400]
        assert len(client.ok(client.get("/_sim/requests"))["data"]) == 5
        assert client.order()["state"] == "accepted"
        code, _, errors = server.stop()
    assert (code, errors) == (0, "")


def test_the_log_names_the_fault_and_says_what_was_dropped(client: Client) -> None:
    order = client.order()
    dropped = fault(client, "POST /fulfillments", times=1, drop=True)
    with pytest.raises(httpx.TransportError):
        client.fulfill(order)
    call = last_call(client)
    assert (call["dropped"], call["fault"], call["orderId"]) == (True, dropped["id"], order["id"])
    assert call["requestBody"]["orderId"] == order["id"]
    assert not {"status", "responseBody"} & set(call)
    unanswered = fault(client, "POST /fulfillments", times=1, drop="answer")
    with pytest.raises(httpx.TransportError):
        client.fulfill(order)
    call = last_call(client)
    assert (call["dropped"], call["fault"], call["orderId"]) == (True, unanswered["id"], order["id"])
    assert not {"status", "responseBody"} & set(call)
    failing = fault(client, "POST /fulfillments", times=1, status=503)
    client.fulfill(order)
    call = last_call(client)
    assert (call["status"], call["fault"], call["responseBody"]["type"]) == (503, failing["id"], "service_unavailable")
    client.fulfill(order)
    assert not {"dropped", "fault"} & set(last_call(client))


def test_the_timeline_of_an_order_has_the_calls_that_went_wrong(client: Client) -> None:
    order = client.order()
    for then in ({"status": 503}, {"drop": True}, {"drop": "answer"}):
        made = fault(client, "* *s*", times=1, **then)
        with suppress(httpx.TransportError):
            client.fulfill(order)
        timeline = client.ok(client.get(f"/_sim/orders/{order['id']}/timeline"))["data"]
        call = next(entry for entry in timeline if entry.get("fault") == made["id"])
        assert call["kind"] == "call"
        assert call.get("status") == then.get("status")
        assert call.get("dropped", False) == ("drop" in then)


def test_a_failing_call_about_one_order_is_on_its_timeline(client: Client) -> None:
    order = client.order()
    fault(client, "GET /orders/*", times=1, status=503)
    assert client.get(f"/orders/{order['id']}").status_code == 503
    timeline = client.ok(client.get(f"/_sim/orders/{order['id']}/timeline"))["data"]
    assert 503 in [entry.get("status") for entry in timeline]


# In scenarios


def test_a_scenario_brings_faults_whose_aliases_stand_for_what_it_made(client: Client, receiver: Receiver) -> None:
    hook = {"as": "hooks", "address": receiver.url}
    order = {"as": "order", "items": [{"price": 10}]}
    lost = {"when": {"delivery": "order.*", "to": "hooks"}, "then": {"drop": True}}
    failing = {
        "when": {"call": "GET /orders/${order.id}"},
        "then": {"status": 503, "body": {"sorry": "${order.id}"}, "headers": {"X-Order": "${order.id}"}},
    }
    made = scenario(client, given={"webhooks": [hook], "orders": [order]}, faults=[lost, failing])
    assert faults(client)[0]["when"] == {"delivery": "order.*", "to": made["hooks"]["id"]}
    other = client.order()
    client.ok(client.get(f"/orders/{other['id']}"))
    response = client.get(f"/orders/{made['order']['id']}")
    assert (response.status_code, response.json()) == (503, {"sorry": made["order"]["id"]})
    assert response.headers["x-order"] == made["order"]["id"]


def test_a_scenario_whose_fault_names_no_webhook_or_makes_no_header_is_refused(client: Client) -> None:
    order = {"as": "order", "items": [{"price": 10}], "metadata": {"odd": "a\nb"}}
    for fault, parameter in (
        ({"when": {"delivery": "*", "to": "order"}, "then": {"drop": True}}, "faults[0].when.to"),
        ({"when": {"delivery": "*", "to": "hook"}, "then": {"drop": True}}, "faults[0].when.to"),
        ({"when": {"call": "*"}, "then": {"headers": {"X": "${order.metadata.odd}"}}}, "faults[0].then.headers.X"),
        ({"when": {"call": "*"}, "then": {"headers": {"X": "${order}"}}}, "faults[0].then.headers.X"),
    ):
        body = {"scenario": "a", "given": {"orders": [order]}, "faults": [fault]}
        with nothing_changes(client):
            refused(client.post("/_sim/scenario", json=body), 400, "invalid_parameter", parameter)
            assert faults(client) == []
