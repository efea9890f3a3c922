"""What is on record of deliveries, sending events again, and webhooks that keep failing; over HTTP, real receivers."""

import json
import socket
from base64 import b64encode
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from drsim.domain.clock import HOUR, format_precise, parse_time
from drsim.domain.webhooks import verified
from tests.engine.receivers import RawReceiver, read_request
from tests.harness import JSON, Client, Received, Receiver
from tests.web.conftest import Connect
from tests.web.worlds import refused

CREATED = "order.created"


def deliveries(client: Client, **params: Any) -> list[JSON]:
    """All deliveries that fit, oldest first."""
    data: list[JSON] = client.ok(client.get("/_sim/deliveries", params={"limit": 100, **params}))["data"]
    return data[::-1]


def whole(client: Client, **params: Any) -> JSON:
    """The one delivery that fits, with everything on record."""
    (delivery,) = deliveries(client, **params)
    body: JSON = client.ok(client.get(f"/_sim/deliveries/{delivery['id']}"))
    return body


def account(client: Client, settings: str) -> None:
    client.ok(client.post("/_sim/scenario", content=f"scenario: settings\naccount: {{{settings}}}"))


def resend(client: Client, webhook: JSON, **body: Any) -> JSON:
    answer: JSON = client.ok(client.post(f"/_sim/webhooks/{webhook['id']}/resend", json=body), 201)
    return answer


# What is on record


def test_one_delivery_shows_all_that_was_sent_and_came_back(client: Client) -> None:
    answer = b'HTTP/1.1 503 No\r\nX-Trace: one\r\nx-trace: tw\xc3\xb6\r\nContent-Length: 8\r\n\r\n{"a":\xff1}'

    def play(connection: socket.socket) -> None:
        sent.append(read_request(connection))
        connection.sendall(answer)

    sent: list[bytes] = []
    with RawReceiver(play) as receiver:
        webhook = client.webhook(receiver.url, CREATED)
        client.order()
        client.settle("now")
    delivery = whole(client)
    (attempt,) = delivery["attempts"]
    assert attempt["requestBody"].encode() == sent[0].partition(b"\r\n\r\n")[2]
    signed = attempt["requestHeaders"]["DigitalRiver-Signature"]
    assert verified(signed, client.secret(webhook), attempt["requestBody"].encode())
    assert (attempt["status"], attempt["responseBody"]) == (503, '{"a":\ufffd1}')
    assert attempt["responseHeaders"]["X-Trace"] == "one"
    assert attempt["responseHeaders"]["x-trace"] == "tw\u00f6"
    (listed,) = deliveries(client)
    assert listed["attempts"] == [{name: attempt[name] for name in ("time", "status", "durationMs", "requestHeaders")}]
    assert {**listed, "attempts": []} == {**delivery, "attempts": []}


@pytest.mark.parametrize("size", [0, 1, 4_096, 4_097, 16_384, 300_000])
def test_of_a_long_answer_the_first_4_kilobytes_are_kept(client: Client, size: int) -> None:
    def play(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for start in range(0, size, 1_000):
            connection.sendall(b"a" * min(1_000, size - start))

    with RawReceiver(play) as receiver:
        client.webhook(receiver.url, CREATED)
        client.order()
        client.settle("now")
    delivery = whole(client)
    assert delivery["state"] == "delivered"
    assert delivery["attempts"][0]["responseBody"] == "a" * min(size, 4_096)


def test_an_attempt_without_an_answer_shows_what_was_sent_and_why_nothing_came_back(client: Client) -> None:
    client.webhook("http://127.0.0.1:9/", CREATED)
    client.order()
    client.settle("now")
    (attempt,) = whole(client)["attempts"]
    assert json.loads(attempt["requestBody"])["type"] == CREATED
    assert attempt["error"]
    assert not {"status", "responseHeaders", "responseBody"} & attempt.keys()


def test_credentials_are_sent_and_not_kept(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED, authentication={"username": "u", "password": "geheim"})
    client.order()
    client.settle("now")
    assert receiver.received[0].headers["authorization"] == "Basic " + b64encode(b"u:geheim").decode()
    assert whole(client)["attempts"][0]["requestHeaders"]["Authorization"] == "Basic …"
    assert b64encode(b"u:geheim").decode() not in client.get("/_sim/deliveries").text


def test_the_body_on_record_is_the_one_that_was_sent_whatever_becomes_of_the_webhook(
    client: Client, receiver: Receiver
) -> None:
    webhook = client.webhook(receiver.url, CREATED, apiVersion="2020-12-17")
    answers = iter([500, 200])
    receiver.answer = lambda received: next(answers)
    client.order()
    client.settle("now")
    client.ok(client.patch(f"/webhooks/{webhook['id']}", json={"apiVersion": "default"}))
    client.settle()
    client.delete(f"/webhooks/{webhook['id']}")
    bodies = [attempt["requestBody"].encode() for attempt in whole(client)["attempts"]]
    assert bodies == [received.body for received in receiver.received]
    assert [json.loads(body)["digitalriverVersion"] for body in bodies] == ["2020-12-17"] * 2


def test_a_delivery_that_does_not_exist_is_not_found(client: Client) -> None:
    refused(client.get("/_sim/deliveries/nothing"), 404, "not_found", "id")


def test_deliveries_are_found_by_order_and_by_time(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED, "order.accepted")
    first = client.order()
    client.settle("now")
    client.advance("1h")
    second = client.order()
    client.settle("now")
    early, late = (deliveries(client, orderId=each["id"]) for each in (first, second))
    assert [each["type"] for each in early] == [each["type"] for each in late] == [CREATED, "order.accepted"]
    assert deliveries(client) == early + late
    assert deliveries(client, orderId=second["id"], type=CREATED) == late[:1]
    assert deliveries(client, orderId=second["id"], eventId=late[1]["eventId"]) == late[1:]
    assert deliveries(client, orderId=second["id"], eventId=early[0]["eventId"]) == []
    assert deliveries(client, orderId="nothing") == []
    time = late[0]["createdTime"]
    assert deliveries(client, **{"createdTime[gte]": time}) == late
    assert deliveries(client, **{"createdTime[lt]": time}) == early
    assert deliveries(client, **{"createdTime[gt]": time}) == []


# Sending again


def test_an_event_is_sent_again_to_all_that_want_it_and_to_those_that_came_later(client: Client) -> None:
    with Receiver() as old, Receiver() as new:
        first = client.webhook(old.url, CREATED)
        client.webhook(old.url, "order.accepted")
        client.order()
        client.settle("now")
        later = client.webhook(new.url, CREATED)
        event = client.events(type=CREATED)[0]
        made = client.ok(client.post(f"/_sim/events/{event['id']}/resend"), 201)["data"]
        assert [(each["webhookId"], each["state"], each["resent"]) for each in made] == [
            (first["id"], "pending", True),
            (later["id"], "pending", True),
        ]
        client.settle("now")
        again = [each for each in deliveries(client, eventId=event["id"]) if each.get("resent")]
        assert [each["id"] for each in again] == [each["id"] for each in made]
        assert {each["state"] for each in again} == {"delivered"}
        assert len(deliveries(client, eventId=event["id"])) == 3
        bodies = [each.body for each in (*old.received, *new.received) if json.loads(each.body)["id"] == event["id"]]
        assert len(bodies) == 3
        assert len(set(bodies)) == 1
        assert client.events(type=CREATED) == [event]
        only = client.ok(client.post(f"/_sim/events/{event['id']}/resend", json={"webhookId": later["id"]}), 201)
        assert [each["webhookId"] for each in only["data"]] == [later["id"]]


def test_what_cannot_be_sent_again_is_refused(client: Client, receiver: Receiver) -> None:
    client.order()
    event = client.events(type=CREATED)[0]
    path = f"/_sim/events/{event['id']}/resend"
    refused(client.post(path), 409, "no_webhook")
    other = client.webhook(receiver.url, "order.accepted")
    disabled = client.webhook(receiver.url, CREATED, enabled=False)
    refused(client.post(path), 409, "no_webhook")
    refused(client.post(path, json={"webhookId": other["id"]}), 400, "invalid_parameter", "webhookId")
    refused(client.post(path, json={"webhookId": disabled["id"]}), 409, "webhook_disabled", "webhookId")
    refused(client.post(path, json={"webhookId": "nothing"}), 404, "not_found", "webhookId")
    refused(client.post(path, json={"colour": 1}), 400, "unknown_parameter", "colour")
    refused(client.post("/_sim/events/nothing/resend"), 404, "not_found", "id")
    path = f"/_sim/webhooks/{other['id']}/resend"
    refused(client.post(path), 400, "missing_parameter", "state")
    refused(client.post(path, json={"state": "pending"}), 400, "invalid_parameter", "state")
    refused(client.post(path, json={"since": "yesterday"}), 400, "invalid_parameter", "since")
    refused(client.post(path, json={"state": "failed", "since": event["createdTime"]}), 400, None, "since")
    for body in ({"state": "failed"}, {"since": event["createdTime"]}):
        refused(client.post(f"/_sim/webhooks/{disabled['id']}/resend", json=body), 409, "webhook_disabled", "id")
        refused(client.post("/_sim/webhooks/nothing/resend", json=body), 404, "not_found", "id")
    assert deliveries(client) == []


def test_a_webhook_gets_what_it_never_got_and_that_only_once(client: Client, receiver: Receiver) -> None:
    webhook = client.webhook(receiver.url, CREATED)
    client.order()
    client.settle("now")
    receiver.answer = lambda received: 500
    client.order()
    client.settle()
    client.order()
    client.settle("now")
    for enabled in (False, True):
        client.ok(client.patch(f"/webhooks/{webhook['id']}", json={"enabled": enabled}))
    assert [each["state"] for each in deliveries(client)] == ["delivered", "failed", "undelivered"]
    receiver.answer = lambda received: 200
    before = len(receiver.received)
    assert resend(client, webhook, state="failed") == {"count": 2, "hasMore": False}
    client.settle("now")
    lost = [each["eventId"] for each in deliveries(client)[1:3]]
    assert [json.loads(each.body)["id"] for each in receiver.received[before:]] == lost
    assert [each["state"] for each in deliveries(client)][1:] == ["failed", "undelivered", "delivered", "delivered"]
    assert resend(client, webhook, state="failed") == {"count": 0, "hasMore": False}


def test_a_webhook_gets_all_events_since_a_time_that_it_wants_oldest_first(client: Client, receiver: Receiver) -> None:
    client.order()
    client.advance("1h")
    for _ in range(3):
        client.order()
    events = client.events(type=CREATED)
    webhook = client.webhook(receiver.url, CREATED)
    assert resend(client, webhook, since=events[1]["createdTime"]) == {"count": 3, "hasMore": False}
    client.settle("now")
    assert [json.loads(each.body)["id"] for each in receiver.received] == [each["id"] for each in events[1:]]
    later = format_precise(parse_time(events[1]["createdTime"]) + 1)
    assert resend(client, webhook, since=later) == {"count": 0, "hasMore": False}


def test_no_more_than_a_thousand_events_are_sent_again_in_one_go(client: Client, receiver: Receiver) -> None:
    types = ["fulfillment.created", "order.charge.capture.pending"]
    order = client.order(items=[{"price": 1.0, "quantity": 600}])
    line = {"itemId": order["items"][0]["id"], "quantity": 1}
    for _ in range(510):
        client.ok(client.fulfill(order, line), 201)
    told = [event["id"] for event in client.events() if event["type"] in types]
    assert len(told) > 1_000
    webhook = client.webhook(receiver.url, *types)
    start = order["createdTime"]
    assert resend(client, webhook, since=start) == {"count": 1_000, "hasMore": True}
    client.settle("now")
    assert [json.loads(each.body)["id"] for each in receiver.received] == told[-1_000:]


# Schedules


@pytest.mark.parametrize(
    ("written", "hours"),
    [
        ("test", [0, 1 / 12, 7 / 12, 31 / 12]),
        ("live", [0, 1 / 60, 0.1, 0.35, 0.85, 1.85, 3.85, 7.85, 15.85, 27.85, 39.85, 51.85, 63.85]),
        ("[1s, 2h]", [0, 1 / 3600, 1 / 3600 + 2]),
        ("[]", [0]),
    ],
)
def test_retries_follow_the_schedule_of_the_account(
    client: Client, receiver: Receiver, written: str, hours: list[float]
) -> None:
    account(client, f"webhookRetries: {written}")
    receiver.answer = lambda received: 500
    client.webhook(receiver.url, CREATED)
    client.order()
    client.advance("30d")
    (delivery,) = deliveries(client)
    start = parse_time(delivery["createdTime"])
    assert [parse_time(each["time"]) - start for each in delivery["attempts"]] == [round(each * HOUR) for each in hours]
    assert delivery["state"] == "failed"


@pytest.mark.parametrize(
    "settings",
    [
        "webhookRetries: soon",
        "webhookRetries: [soon]",
        "webhookRetries: 5",
        "webhookDisabling: 3d",
        "webhookDisabling: {failures: 0}",
        "webhookDisabling: {after: long}",
        "webhookDisabling: {colour: 1}",
        "webhookDisabling: null",
    ],
)
def test_settings_that_make_no_sense_are_refused_in_words(client: Client, settings: str) -> None:
    response = client.post("/_sim/scenario", content=f"scenario: wrong\naccount: {{{settings}}}")
    (problem,) = response.json()["errors"]
    assert response.status_code == 400
    assert problem["parameter"].startswith(f"account.{settings.partition(':')[0]}")


def test_where_time_runs_retries_come_up_to_a_tenth_earlier_or_later(another: Connect) -> None:
    from tests.harness import Drsim

    with Drsim("--clock", "real", "--seed", "8") as server, Receiver(lambda received: 500) as receiver:
        client = another(server=server)
        account(client, "webhookRetries: [1h]")
        client.webhook(receiver.url, CREATED)
        for _ in range(20):
            client.order()
        client.settle("now")
        found = deliveries(client)
        spans = [parse_time(each["nextAttemptTime"]) - parse_time(each["attempts"][0]["time"]) for each in found]
        assert all(0.9 * HOUR <= span <= 1.1 * HOUR for span in spans)
        assert len(set(spans)) == 20


# Webhooks that keep failing


def fail_for(client: Client, days: int) -> None:
    """One order on each of these days, every event of which fails."""
    for _ in range(days):
        client.order()
        client.advance("1d")


def test_a_webhook_that_keeps_failing_is_disabled_and_that_shows(client: Client, receiver: Receiver) -> None:
    account(client, "webhookDisabling: {after: 3d, failures: 5}")
    receiver.answer = lambda received: 500
    webhook = client.webhook(receiver.url, CREATED, "order.accepted")
    fail_for(client, 3)
    shown = client.ok(client.get(f"/_sim/webhooks/{webhook['id']}"))
    assert shown == {**webhook, "expand": [], "failing": {"since": "2024-01-01T00:00:00Z", "events": 6}}
    order = client.order()
    client.settle("now")
    reason = "no success in 3d, since 2024-01-01T00:00:00Z, while 6 events failed"
    shown = client.ok(client.get(f"/_sim/webhooks/{webhook['id']}"))
    assert shown["enabled"] is False
    assert shown["disabled"] == {"time": "2024-01-04T00:00:00Z", "reason": reason}
    assert client.ok(client.get(f"/webhooks/{webhook['id']}")) == {
        **webhook,
        "enabled": False,
        "updatedTime": "2024-01-04T00:00:00Z",
    }
    assert Counter(each["state"] for each in deliveries(client)) == {"failed": 6, "undelivered": 2}
    entry = {"time": "2024-01-04T00:00:00Z", "kind": "webhook", "id": webhook["id"], "state": "disabled"}
    for path in ("/_sim/timeline", f"/_sim/orders/{order['id']}/timeline"):
        entries = client.ok(client.get(path))["data"]
        assert [each for each in entries if each["kind"] == "webhook"] == [{**entry, "reason": reason}]
    received = len(receiver.received)
    fail_for(client, 1)
    assert len(receiver.received) == received


def test_a_webhook_that_is_enabled_again_starts_afresh_and_gets_nothing_it_has_missed(
    client: Client, receiver: Receiver
) -> None:
    account(client, "webhookDisabling: {after: 1d, failures: 2}, webhookRetries: []")
    receiver.answer = lambda received: 500
    webhook = client.webhook(receiver.url, CREATED)
    fail_for(client, 3)
    assert len(receiver.received) == 2
    client.ok(client.patch(f"/webhooks/{webhook['id']}", json={"enabled": True}))
    shown = client.ok(client.get(f"/_sim/webhooks/{webhook['id']}"))
    assert not {"failing", "disabled"} & shown.keys()
    client.settle()
    assert len(receiver.received) == 2
    fail_for(client, 1)
    assert client.ok(client.get(f"/webhooks/{webhook['id']}"))["enabled"] is True
    fail_for(client, 1)
    assert client.ok(client.get(f"/webhooks/{webhook['id']}"))["enabled"] is False


def never(client: Client, receiver: Receiver) -> None:
    account(client, "webhookDisabling: never, webhookRetries: []")


def now_and_then_a_success(client: Client, receiver: Receiver) -> None:
    account(client, "webhookDisabling: {after: 3d, failures: 2}, webhookRetries: []")
    receiver.answer = lambda received: 200 if len(receiver.received) % 3 == 0 else 500


def too_few_events(client: Client, receiver: Receiver) -> None:
    account(client, "webhookRetries: []")  # the usual: three days and ten events


@pytest.mark.parametrize(("how", "days"), [(never, 30), (now_and_then_a_success, 30), (too_few_events, 9)])
def test_a_webhook_stays_enabled_while_it_fails(
    client: Client, receiver: Receiver, how: Callable[[Client, Receiver], None], days: int
) -> None:
    receiver.answer = lambda received: 500
    how(client, receiver)
    webhook = client.webhook(receiver.url, CREATED)
    fail_for(client, days)
    assert len(receiver.received) == days
    assert client.ok(client.get(f"/webhooks/{webhook['id']}"))["enabled"] is True


def test_the_tenth_failed_event_after_three_days_disables_a_webhook(client: Client, receiver: Receiver) -> None:
    too_few_events(client, receiver)
    receiver.answer = lambda received: 500
    webhook = client.webhook(receiver.url, CREATED)
    fail_for(client, 11)
    assert len(receiver.received) == 10
    assert client.ok(client.get(f"/webhooks/{webhook['id']}"))["enabled"] is False


def test_an_attempt_under_way_when_its_webhook_is_disabled_is_on_record(client: Client) -> None:
    def disable(received: Received) -> int:
        client.ok(client.patch(f"/webhooks/{webhook['id']}", json={"enabled": False}))
        return 200

    with Receiver(disable) as receiver:
        webhook = client.webhook(receiver.url, CREATED, "order.accepted")
        client.order()
        client.settle("now")
        assert len(receiver.received) == 1
    told = [(each["state"], [attempt["status"] for attempt in each["attempts"]]) for each in deliveries(client)]
    assert told == [("undelivered", [200]), ("undelivered", [])]
