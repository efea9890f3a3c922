"""Faults of deliveries as receivers see them: late, lost, doubled, overtaken or spoilt. Real receivers, no waits."""

import json
from pathlib import Path
from typing import Any

import pytest

from drsim.domain.clock import HOUR, MINUTE, SECOND, parse_time
from tests.engine.test_deliveries import CREATED, deliveries, event_ids, only, outcomes, ship, times, types
from tests.harness import JSON, Client, Drsim, Receiver, eventually

LOST = "lost on the way (fault)"
CAPTURES = ("order.charge.capture.pending", "order.charge.capture.complete")


def fault(client: Client, delivery: str = "*", to: JSON | None = None, **more: Any) -> JSON:
    """One more fault of deliveries: `times`, `every`, and what it does."""
    counts = {name: more.pop(name) for name in ("times", "every") if name in more}
    when = {"delivery": delivery, **({"to": to["id"]} if to else {})}
    body: JSON = client.ok(client.post("/_sim/faults", json={"when": when, "then": more, **counts}), 201)
    return body


def shown(attempt: JSON, *names: str) -> JSON:
    return {name: attempt[name] for name in names if name in attempt}


# One effect each


def test_a_late_delivery_arrives_later_while_those_behind_it_go_on(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED, "order.fulfilled")
    late = fault(client, "fulfillment.*", delay="10m")
    ship(client)
    client.settle("now")
    assert types(receiver.received) == ["order.fulfilled"]
    waiting = only(client, type=CREATED)
    started = parse_time(waiting["createdTime"])
    assert (waiting["state"], waiting["attempts"], waiting["fault"]) == ("pending", [], late["id"])
    assert parse_time(waiting["nextAttemptTime"]) == started + 10 * MINUTE
    client.advance("9m")
    assert len(receiver.received) == 1
    client.advance("1m")
    arrived = only(client, type=CREATED)
    assert types(receiver.received) == ["order.fulfilled", CREATED]
    assert (arrived["state"], times(client, arrived)) == ("delivered", [10 * MINUTE])
    assert arrived["attempts"][0]["fault"] == late["id"]
    assert "fault" not in arrived


def test_a_lost_delivery_is_tried_again_as_usual(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED)
    lost = fault(client, drop=True, times=1)
    ship(client)
    client.settle("now")
    delivery = only(client)
    assert (receiver.received, outcomes(delivery), delivery["state"]) == ([], [LOST], "pending")
    assert shown(delivery["attempts"][0], "fault", "status") == {"fault": lost["id"]}
    fired = client.advance("5m")["fired"]
    assert [each["outcome"] for each in fired if "delivery" in each] == ["200"]
    delivery = only(client)
    assert (len(receiver.received), outcomes(delivery), delivery["state"]) == (1, [LOST, 200], "delivered")
    assert "fault" not in delivery["attempts"][1]


def test_a_fault_without_end_loses_every_retry_too(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED)
    fault(client, drop=True)
    ship(client)
    client.advance("1d")
    delivery = only(client)
    assert (receiver.received, outcomes(delivery), delivery["state"]) == ([], [LOST] * 4, "failed")
    first, *others = times(client, delivery)
    assert [time - first for time in others] == [5 * MINUTE, 35 * MINUTE, 2 * HOUR + 35 * MINUTE]


def test_a_doubled_delivery_comes_in_copies_that_are_signed_each_for_itself(client: Client, receiver: Receiver) -> None:
    webhook = client.webhook(receiver.url, CREATED, "order.fulfilled")
    doubled = fault(client, CREATED, duplicate=2)
    ship(client)
    client.settle("now")
    assert types(receiver.received) == [CREATED, CREATED, CREATED, "order.fulfilled"]
    assert len(set(event_ids(receiver.received[:3]))) == 1
    assert all(each.signed_with(client.secret(webhook)) for each in receiver.received)
    attempts = only(client, type=CREATED)["attempts"]
    assert [shown(each, "status", "fault", "duplicate") for each in attempts] == [
        {"status": 200, "fault": doubled["id"]},
        {"status": 200, "fault": doubled["id"], "duplicate": True},
        {"status": 200, "fault": doubled["id"], "duplicate": True},
    ]


def test_only_the_first_of_the_copies_decides_and_copies_are_no_retries(client: Client, receiver: Receiver) -> None:
    order = iter([500, 200, 200, 200, 500, 500])
    receiver.answer = lambda received: next(order)
    client.webhook(receiver.url, CREATED)
    fault(client, duplicate=2)
    sold = ship(client)
    client.settle("now")
    delivery = only(client)
    assert (outcomes(delivery), delivery["state"]) == ([500, 200, 200], "pending")
    assert parse_time(delivery["nextAttemptTime"]) == parse_time(delivery["createdTime"]) + 5 * MINUTE
    client.advance("5m")
    delivery = only(client)
    assert (outcomes(delivery), delivery["state"]) == ([500, 200, 200, 200, 500, 500], "delivered")
    timeline = client.ok(client.get(f"/_sim/orders/{sold['id']}/timeline"))["data"]
    told = [entry for entry in timeline if entry["kind"] == "delivery"]
    assert [entry["attempt"] for entry in told] == [1, 1, 1, 2, 2, 2]
    assert [entry.get("duplicate", False) for entry in told] == [False, True, True] * 2
    assert all("fault" in entry for entry in told)


def test_copies_of_failing_attempts_leave_all_retries(client: Client, receiver: Receiver) -> None:
    receiver.answer = lambda received: 500
    client.webhook(receiver.url, CREATED)
    fault(client, duplicate=3)
    ship(client)
    client.advance("1d")
    assert len(receiver.received) == 16
    assert only(client)["state"] == "failed"


def test_a_spoilt_signature_looks_like_one_and_is_wrong(client: Client, receiver: Receiver) -> None:
    webhook = client.webhook(receiver.url, CREATED)
    spoilt = fault(client, corruptSignature=True, times=1)
    ship(client)
    ship(client)
    client.settle("now")
    bad, good = receiver.received
    header = bad.headers["digitalriver-signature"]
    assert len(header) == len(good.headers["digitalriver-signature"])
    assert header.split(", ")[0].isdecimal()
    assert not bad.signed_with(client.secret(webhook))
    assert good.signed_with(client.secret(webhook))
    attempt = deliveries(client)[0]["attempts"][0]
    assert attempt["fault"] == spoilt["id"]
    assert attempt["requestHeaders"]["DigitalRiver-Signature"] == header


def test_a_truncated_body_is_the_first_half_of_what_was_signed(client: Client, receiver: Receiver) -> None:
    webhook = client.webhook(receiver.url, CREATED)
    fault(client, truncate=True)
    ship(client, email="jürgen@example.com", items=[{"name": "ü" * 200, "price": 10.0, "quantity": 3}])
    client.settle("now")
    (received,) = receiver.received
    whole = client.get(f"/events/{only(client)['eventId']}").content
    assert received.body == whole[: len(whole) // 2]
    assert not received.signed_with(client.secret(webhook))
    attempt = only(client)["attempts"][0]
    assert attempt["requestBody"] == received.body.decode("utf-8", "replace")
    assert attempt["status"] == 200


# Order


def test_an_overtaken_delivery_goes_out_right_after_the_next_one(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED, CAPTURES[0], "order.fulfilled")
    overtaken = fault(client, CREATED, reorder=True)
    ship(client)
    client.settle("now")
    told = [delivery["type"] for delivery in deliveries(client)]
    assert told[0] == CREATED
    assert types(receiver.received) == [told[1], told[0], told[2]]
    delivery = only(client, type=CREATED)
    assert times(client, delivery) == [0]
    assert delivery["attempts"][0]["fault"] == overtaken["id"]


def test_one_that_nothing_overtakes_goes_out_after_a_minute(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED)
    fault(client, reorder=True)
    ship(client)
    client.advance("59s")
    assert receiver.received == []
    client.advance("1s")
    delivery = only(client)
    assert (len(receiver.received), delivery["state"]) == (1, "delivered")
    assert times(client, delivery) == [MINUTE]
    client.advance("1d")
    assert len(receiver.received) == 1


def test_one_that_waits_is_overtaken_by_whatever_comes_later(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED)
    fault(client, reorder=True, times=1)
    first = ship(client)
    client.advance("30s")
    second = ship(client)
    client.settle("now")
    assert [json.loads(each.body)["data"]["object"]["orderId"] for each in receiver.received] == [
        second["id"],
        first["id"],
    ]
    early, late = deliveries(client)
    assert (times(client, early), times(client, late)) == ([30 * SECOND], [0])
    client.advance("1d")
    assert len(receiver.received) == 2


def test_when_every_delivery_is_to_be_overtaken_they_change_places_in_pairs(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED)
    fault(client, reorder=True)
    orders = [ship(client)["id"] for _ in range(5)]
    client.settle("now")
    client.advance("1m")
    received = [json.loads(each.body)["data"]["object"]["orderId"] for each in receiver.received]
    assert received == [orders[place] for place in (1, 0, 3, 2, 4)]


def test_what_waits_to_be_overtaken_at_a_webhook_that_is_disabled_is_not_sent_later(
    client: Client, receiver: Receiver
) -> None:
    webhook = client.webhook(receiver.url, CREATED)
    fault(client, reorder=True, times=1)
    ship(client)
    client.settle("now")
    for enabled in (False, True):
        client.ok(client.patch(f"/webhooks/{webhook['id']}", json={"enabled": enabled}))
    later = ship(client)
    client.advance("1d")
    assert [json.loads(each.body)["data"]["object"]["orderId"] for each in receiver.received] == [later["id"]]
    assert [delivery["state"] for delivery in deliveries(client)] == ["undelivered", "delivered"]
    fault(client, reorder=True, times=1)  # the lane has forgotten the other
    ship(client)
    client.settle("now")
    assert len(receiver.received) == 1


# Together


def test_late_and_doubled(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED)
    fault(client, delay="10m", duplicate=1, times=1)
    ship(client)
    client.advance("9m")
    assert receiver.received == []
    client.advance("1m")
    assert len(receiver.received) == 2
    assert [attempt.get("duplicate", False) for attempt in only(client)["attempts"]] == [False, True]


def test_spoilt_and_truncated_and_late_and_overtaken(client: Client, receiver: Receiver) -> None:
    webhook = client.webhook(receiver.url, CREATED)
    fault(client, corruptSignature=True, truncate=True, delay="10m", reorder=True, duplicate=1)
    ship(client)
    client.advance("10m")
    assert receiver.received == []
    client.advance("1m")
    assert len(receiver.received) == 2
    whole = client.get(f"/events/{only(client)['eventId']}").content
    for received in receiver.received:
        assert received.body == whole[: len(whole) // 2]
        assert not received.signed_with(client.secret(webhook))


def test_late_and_then_lost(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED)
    fault(client, delay="10m", drop=True, times=1)
    ship(client)
    client.advance("14m")
    assert outcomes(only(client)) == [LOST]
    client.advance("1m")
    assert outcomes(only(client)) == [LOST, 200]


# Which deliveries


def test_a_late_delivery_is_struck_by_no_other_fault_when_it_is_due(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED)
    fault(client, delay="10m")
    fault(client, drop=True)
    ship(client)
    client.advance("10m")
    assert outcomes(only(client)) == [200]


def test_a_fault_is_kept_by_what_it_has_struck_even_when_it_is_deleted(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED)
    late = fault(client, delay="10m", duplicate=1)
    ship(client)
    client.settle("now")
    assert client.delete(f"/_sim/faults/{late['id']}").status_code == 204
    client.advance("10m")
    assert len(receiver.received) == 2


def test_only_events_of_the_type_to_the_webhook_are_struck(client: Client, receiver: Receiver) -> None:
    one = client.webhook(f"{receiver.url}/one", CREATED, *CAPTURES)
    client.webhook(f"{receiver.url}/two", CREATED, *CAPTURES)
    fault(client, "*.capture.*", one, drop=True)
    ship(client)
    client.settle()
    came = {path: [each for each in receiver.received if each.path == path] for path in ("/one", "/two")}
    assert types(came["/one"]) == [CREATED]
    assert sorted(types(came["/two"])) == sorted([CREATED, *CAPTURES])


def test_every_second_delivery_is_lost_at_most_twice(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, CREATED)
    lost = fault(client, drop=True, every=2, times=2)
    for _ in range(6):
        ship(client)
        client.settle("now")
    assert [outcomes(delivery) for delivery in deliveries(client)] == [[200], [LOST], [200], [LOST], [200], [200]]
    assert client.get("/_sim/faults").json()["data"] == [{**lost, "times": 0}]


# Restarts and determinism


def test_what_faults_have_in_store_survives_the_process(tmp_path: Path, receiver: Receiver) -> None:
    options = ("--clock", "manual", "--db", str(tmp_path / "state.db"))
    with Drsim(*options) as server:
        client = server.client()
        client.webhook(receiver.url, CREATED, "order.fulfilled")
        fault(client, CREATED, delay="10m", duplicate=1, times=1)
        fault(client, "order.fulfilled", reorder=True, times=1)
        ship(client)
        client.settle("now")
        assert receiver.received == []
        server.kill()
    with Drsim(*options) as server:
        client = server.client()
        client.advance("1m")
        assert types(receiver.received) == ["order.fulfilled"]
        client.advance("9m")
        assert types(receiver.received) == ["order.fulfilled", CREATED, CREATED]
        client.advance("1d")
        assert len(receiver.received) == 3
        assert [each["times"] for each in client.get("/_sim/faults").json()["data"]] == [0, 0]


def test_what_an_attempt_is_to_suffer_survives_a_kill_before_it_is_on_record(
    tmp_path: Path, receiver: Receiver
) -> None:
    options = ("--clock", "manual", "--db", str(tmp_path / "state.db"))
    with Drsim(*options) as server:
        client = server.client()
        client.webhook(receiver.url, CREATED)
        fault(client, truncate=True, times=1)

        def kill(received: object) -> int:
            server.kill()
            return 200

        receiver.answer = kill
        ship(client)
        eventually(lambda: receiver.received and server.process.poll() is not None)
    receiver.answer = lambda received: 200
    with Drsim(*options) as server:
        client = server.client()
        client.settle("now")
        assert "requestBody" in only(client)["attempts"][0]
        assert receiver.received[0].body == receiver.received[1].body


@pytest.mark.parametrize("leap", [True, False])
def test_the_history_is_the_same_however_time_is_moved(receiver: Receiver, leap: bool) -> None:
    histories = []
    for moves in (["2h"], ["1s", "59s", "9m", "50m", "1h"]):
        with Drsim("--clock", "manual", "--seed", "3") as server:
            client = server.client("history")
            client.webhook(receiver.url, CREATED, "order.fulfilled", *CAPTURES)
            fault(client, "order.charge.*", delay="10m", every=2)
            fault(client, "order.*", reorder=True)
            fault(client, drop=True, times=3)
            for _ in range(3):
                ship(client)
                if leap:
                    client.advance("7s")
            for move in moves:
                client.advance(move)
            histories.append([(each["type"], times(client, each), outcomes(each)) for each in deliveries(client)])
            assert {each["state"] for each in deliveries(client)} == {"delivered"}
    assert histories[0] == histories[1]
