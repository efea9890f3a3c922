"""`/webhooks`: what can be made, read, changed and deleted, and what that does to deliveries."""

import base64
import json
import re
from typing import Any

import pytest

from tests.harness import JSON, Client, Receiver
from tests.web.worlds import UUID, error, nothing_changes, refused

ADDRESS = "http://127.0.0.1:9/hook"


def states(client: Client, **params: Any) -> list[str]:
    """The states of all deliveries, oldest first."""
    page = client.ok(client.get("/_sim/deliveries", params={"limit": 100, **params}))
    return [delivery["state"] for delivery in page["data"]][::-1]


def test_a_new_webhook_has_its_defaults_and_shows_no_secret(client: Client) -> None:
    body = client.ok(client.post("/webhooks", json={"types": ["order.created"], "address": ADDRESS}), 201)
    keys = [
        "id",
        "types",
        "address",
        "apiVersion",
        "enabled",
        "transportType",
        "liveMode",
        "createdTime",
        "updatedTime",
    ]
    assert list(body) == keys
    assert re.fullmatch(UUID, body["id"])
    assert {name: body[name] for name in keys[1:7]} == {
        "types": ["order.created"],
        "address": ADDRESS,
        "apiVersion": "default",
        "enabled": True,
        "transportType": "HTTP",
        "liveMode": False,
    }
    assert body["createdTime"] == body["updatedTime"]
    secret = client.secret(body)
    assert re.fullmatch(f"whk_{UUID}", secret)
    for response in (client.get("/webhooks"), client.get(f"/webhooks/{body['id']}"), client.get("/_sim/requests")):
        assert secret not in response.text


def test_what_is_made_is_what_is_read(client: Client) -> None:
    body = client.webhook(ADDRESS, "order.created", apiVersion="2021-03-23", enabled=False, transportType="HTTP")
    assert (body["apiVersion"], body["enabled"], body["transportType"]) == ("2021-03-23", False, "HTTP")
    assert client.ok(client.get(f"/webhooks/{body['id']}")) == body
    assert client.ok(client.get("/webhooks")) == [body]


def test_types_are_a_set(client: Client) -> None:
    names = ["order.complete", "order.created", "order.complete"]
    body = client.webhook(ADDRESS, *names)
    assert sorted(body["types"]) == ["order.complete", "order.created"]
    client.order()
    assert len(client.ok(client.get("/_sim/deliveries"))["data"]) == 1


@pytest.mark.parametrize("name", ["username", "userName"])
def test_the_user_name_is_returned_in_the_spelling_it_was_sent_in(
    client: Client, receiver: Receiver, name: str
) -> None:
    body = client.webhook(receiver.url, "order.created", authentication={name: "ann", "password": "p:w"})
    assert body["authentication"] == {name: "ann", "password": "p:w"}
    client.order()
    client.settle("now")
    (received,) = receiver.received
    assert received.headers["authorization"] == "Basic " + base64.b64encode(b"ann:p:w").decode()


def test_all_documented_versions_and_both_words_are_taken(client: Client) -> None:
    for version in ("default", "latest", "2020-01-07", "2021-12-13"):
        assert client.webhook(ADDRESS, "order.created", apiVersion=version)["apiVersion"] == version


def test_a_dated_webhook_gets_events_of_its_version(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, "order.created", apiVersion="2021-03-23")
    client.order()
    client.settle("now")
    assert b'"digitalriverVersion":"2021-03-23"' in receiver.received[0].body


NAMES = (
    "order.created order.accepted fulfillment.created order.charge.capture.complete order.charge.capture.failed".split()
)
NAMES += "order.charge.cancel.complete order.fulfilled order.complete order.cancelled order.charge.completed".split()
NAMES += "order.returned order.pending_review fulfillment.create refund.pending checkout.created".split()


@pytest.mark.parametrize("name", NAMES)
def test_every_documented_event_type_can_be_named(client: Client, name: str) -> None:
    assert client.webhook(ADDRESS, name)["types"] == [name]


@pytest.mark.parametrize(
    ("body", "code", "parameter"),
    [
        ({}, "missing_parameter", "types"),
        ({"address": ADDRESS}, "missing_parameter", "types"),
        ({"types": [], "address": ADDRESS}, "missing_parameter", "types"),
        ({"types": None, "address": ADDRESS}, "missing_parameter", "types"),
        ({"types": ["order.created"]}, "missing_parameter", "address"),
        ({"types": ["order.created"], "address": None}, "missing_parameter", "address"),
        ({"types": "order.created", "address": ADDRESS}, "invalid_parameter", "types"),
        ({"types": {"order.created": True}, "address": ADDRESS}, "invalid_parameter", "types"),
        ({"types": ["order.created", "order.eaten"], "address": ADDRESS}, "invalid_parameter", "types[1]"),
        ({"types": ["*"], "address": ADDRESS}, "invalid_parameter", "types[0]"),
        ({"types": ["order.*"], "address": ADDRESS}, "invalid_parameter", "types[0]"),
        ({"types": ["Order.Created"], "address": ADDRESS}, "invalid_parameter", "types[0]"),
        ({"types": [""], "address": ADDRESS}, "invalid_parameter", "types[0]"),
        ({"types": [1], "address": ADDRESS}, "invalid_parameter", "types[0]"),
        ({"types": [["order.created"]], "address": ADDRESS}, "invalid_parameter", "types[0]"),
        (
            {"types": ["order.created"], "address": ADDRESS, "apiVersion": "2022-01-01"},
            "invalid_parameter",
            "apiVersion",
        ),
        ({"types": ["order.created"], "address": ADDRESS, "apiVersion": "newest"}, "invalid_parameter", "apiVersion"),
        ({"types": ["order.created"], "address": ADDRESS, "enabled": "perhaps"}, "invalid_boolean", "enabled"),
        (
            {"types": ["order.created"], "address": ADDRESS, "transportType": "FTP"},
            "invalid_parameter",
            "transportType",
        ),
        ({"types": ["order.created"], "address": ADDRESS, "secret": "s"}, "unknown_parameter", "secret"),
        ({"types": ["order.created"], "address": ADDRESS, "id": "1"}, "unknown_parameter", "id"),
        ({"types": ["order.created"], "address": ADDRESS, "liveMode": True}, "unknown_parameter", "liveMode"),
        (
            {"types": ["order.created"], "address": ADDRESS, "authentication": "a:b"},
            "invalid_parameter",
            "authentication",
        ),
        (
            {"types": ["order.created"], "address": ADDRESS, "authentication": {"username": "a"}},
            "missing_parameter",
            "authentication.password",
        ),
        (
            {"types": ["order.created"], "address": ADDRESS, "authentication": {"user": "a", "password": "b"}},
            "unknown_parameter",
            "authentication.user",
        ),
    ],
)
def test_what_does_not_fit_is_refused(client: Client, body: JSON, code: str, parameter: str) -> None:
    with nothing_changes(client):
        refused(client.post("/webhooks", json=body), 400, code, parameter)


def test_an_unknown_type_is_named_in_the_message(client: Client) -> None:
    response = client.post("/webhooks", json={"types": ["order.eaten"], "address": ADDRESS})
    assert response.json() == error(
        "bad_request", "invalid_parameter", "'order.eaten' is not a valid event type.", "types[0]"
    )


@pytest.mark.parametrize(
    "address",
    [
        "",
        "hook",
        "/hook",
        "//127.0.0.1/hook",
        "127.0.0.1:9/hook",
        "ftp://127.0.0.1/hook",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://",
        "http:///hook",
        "http://:9/hook",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:x/",
        "http://[::1/",
        "http://a b/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\n",
        "http://127.0.0.1/\u0000",
        "http://user:secret@127.0.0.1/",
        "http://127.0.0.1/" + "a" * 5_000,
        7,
        True,
        ["http://127.0.0.1/"],
    ],
)
def test_an_address_that_nothing_can_be_sent_to_is_refused(client: Client, address: Any) -> None:
    with nothing_changes(client):
        refused(client.post("/webhooks", json={"types": ["order.created"], "address": address}), 400, None, "address")


@pytest.mark.parametrize(
    "address", ["http://localhost", "https://127.0.0.1:8443/a?b=c", "http://[::1]:9/", "HTTP://127.0.0.1/", ADDRESS]
)
def test_addresses_that_something_can_be_sent_to_are_taken(client: Client, address: str) -> None:
    assert client.webhook(address, "order.created")["address"] == address


@pytest.mark.parametrize(
    "address",
    [
        "http://exämple.invalid/",
        "http://127.0.0.1:9/ü?ß=%zz",
        "http://127.0.0.1:0/",
        "http://xn--.invalid/",
        "http://256.1.1.1/",
    ],
)
def test_odd_addresses_never_stop_the_clock(client: Client, address: str) -> None:
    response = client.post("/webhooks", json={"types": ["order.created"], "address": address})
    assert response.status_code in (201, 400)
    client.order()
    client.settle("now")
    assert client.get("/_sim/deliveries").status_code == 200


def test_any_part_can_be_changed_and_the_rest_stays(client: Client) -> None:
    webhook = client.webhook(ADDRESS, "order.created", authentication={"username": "a", "password": "b"})
    path = f"/webhooks/{webhook['id']}"
    client.advance("1s")
    for change in (
        {"types": ["order.complete"]},
        {"address": "http://127.0.0.1:9/other"},
        {"apiVersion": "2020-09-30"},
        {"enabled": False},
        {"authentication": {"userName": "c", "password": "d"}},
    ):
        before = client.ok(client.get(path))
        body = client.ok(client.patch(path, json=change))
        assert body == {**before, **change, "updatedTime": body["updatedTime"]}
        assert body["updatedTime"] > webhook["updatedTime"]
        assert body["createdTime"] == webhook["createdTime"]
        assert client.ok(client.get(path)) == body


def test_a_change_keeps_the_signing_secret(client: Client) -> None:
    webhook = client.webhook(ADDRESS, "order.created")
    secret = client.secret(webhook)
    client.ok(client.patch(f"/webhooks/{webhook['id']}", json={"address": "http://127.0.0.1:9/other"}))
    assert client.secret(webhook) == secret


@pytest.mark.parametrize(
    ("change", "code", "parameter"),
    [
        ({"types": []}, "missing_parameter", "types"),
        ({"types": ["order.eaten"]}, "invalid_parameter", "types[0]"),
        ({"address": "nowhere"}, "invalid_parameter", "address"),
        ({"enabled": 7}, "invalid_boolean", "enabled"),
        ({"id": "other"}, "unknown_parameter", "id"),
        ({"types": ["order.complete"], "address": "nowhere"}, "invalid_parameter", "address"),
    ],
)
def test_a_wrong_change_changes_nothing(client: Client, change: JSON, code: str, parameter: str) -> None:
    webhook = client.webhook(ADDRESS, "order.created")
    with nothing_changes(client):
        refused(client.patch(f"/webhooks/{webhook['id']}", json=change), 400, code, parameter)


def test_what_does_not_exist_cannot_be_read_changed_or_deleted(client: Client) -> None:
    expected = error("not_found", "not_found", "Webhook 'nothing' not found.", "id")
    for response in (
        client.get("/webhooks/nothing"),
        client.patch("/webhooks/nothing", json={"enabled": False}),
        client.delete("/webhooks/nothing"),
        client.get("/_sim/webhooks/nothing/secrets"),
    ):
        assert (response.status_code, response.json()) == (404, expected)


def test_a_deleted_webhook_is_gone_and_answers_nothing(client: Client) -> None:
    webhook = client.webhook(ADDRESS, "order.created")
    response = client.delete(f"/webhooks/{webhook['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert client.get(f"/webhooks/{webhook['id']}").status_code == 404
    assert client.delete(f"/webhooks/{webhook['id']}").status_code == 404
    assert client.ok(client.get("/webhooks")) == []


def test_post_does_not_change_a_webhook(client: Client) -> None:
    webhook = client.webhook(ADDRESS, "order.created")
    assert client.post(f"/webhooks/{webhook['id']}", json={"enabled": False}).status_code == 405


def test_events_go_to_every_webhook_that_names_them_and_to_no_other(client: Client, receiver: Receiver) -> None:
    for path, names in (
        ("a", ["order.created"]),
        ("b", ["order.created", "order.accepted"]),
        ("c", ["order.complete"]),
    ):
        client.webhook(f"{receiver.url}/{path}", *names)
    client.order()
    client.settle("now")
    assert sorted(request.path for request in receiver.received) == ["/a", "/b", "/b"]


def test_a_deleted_webhook_gets_nothing_any_more_not_even_retries(client: Client, receiver: Receiver) -> None:
    receiver.answer = lambda request: 500
    webhook = client.webhook(receiver.url, "order.created")
    client.order()
    client.settle("now")
    assert (len(receiver.received), states(client)) == (1, ["pending"])
    assert client.delete(f"/webhooks/{webhook['id']}").status_code == 204
    client.order()
    client.advance("4d")
    assert (len(receiver.received), states(client)) == (1, ["undelivered"])


def test_a_disabled_webhook_gets_nothing_and_what_it_missed_is_not_sent_later(
    client: Client, receiver: Receiver
) -> None:
    receiver.answer = lambda request: 500
    webhook = client.webhook(receiver.url, "order.created")
    client.order()
    client.settle("now")
    client.ok(client.patch(f"/webhooks/{webhook['id']}", json={"enabled": False}))
    client.order()
    client.advance("4d")
    assert (len(receiver.received), states(client)) == (1, ["undelivered"])
    receiver.answer = lambda request: 200
    client.ok(client.patch(f"/webhooks/{webhook['id']}", json={"enabled": True}))
    client.advance("4d")
    assert len(receiver.received) == 1
    client.order()
    client.settle("now")
    assert (len(receiver.received), states(client)) == (2, ["undelivered", "delivered"])


def test_events_of_an_order_from_the_past_are_sent_once_and_retried_in_time(client: Client, receiver: Receiver) -> None:
    receiver.answer = lambda request: 500
    client.webhook(receiver.url, "order.accepted")
    client.order(createdAgo="8d")
    client.settle("now")
    assert len(receiver.received) == 1
    client.advance("5m")
    assert len(receiver.received) == 2


def test_a_changed_address_is_where_retries_go(client: Client, receiver: Receiver) -> None:
    receiver.answer = lambda request: 500 if request.path == "/old" else 200
    webhook = client.webhook(f"{receiver.url}/old", "order.created")
    client.order()
    client.settle("now")
    client.ok(client.patch(f"/webhooks/{webhook['id']}", json={"address": f"{receiver.url}/new"}))
    client.advance("5m")
    assert [request.path for request in receiver.received] == ["/old", "/new"]
    assert states(client) == ["delivered"]


def test_deliveries_are_signed_with_the_secret_of_their_webhook(client: Client, receiver: Receiver) -> None:
    first = client.webhook(f"{receiver.url}/a", "order.created")
    second = client.webhook(f"{receiver.url}/b", "order.created")
    client.order()
    client.settle("now")
    secrets = {"/a": client.secret(first), "/b": client.secret(second)}
    assert secrets["/a"] != secrets["/b"]
    for request in receiver.received:
        other = secrets["/b" if request.path == "/a" else "/a"]
        assert request.signed_with(secrets[request.path])
        assert not request.signed_with(other)
        assert request.headers["content-type"] == "application/json;charset=UTF-8"
        assert client.ok(client.get("/events", params={"type": "order.created"}))["data"][0] == json.loads(request.body)
