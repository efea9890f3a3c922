"""What banks and fraud reviewers decide, through the control plane."""

from pathlib import Path
from typing import Any

import pytest

from tests.harness import JSON, Client, Drsim, Receiver
from tests.web.worlds import charge_now, events_since, line, nothing_changes, order_now, refused


def decide(client: Client, order: JSON, what: str, status: int = 200, **body: Any) -> JSON:
    answer: JSON = client.ok(client.post(f"/_sim/orders/{order['id']}/{what}", json=body), status)
    return answer


def test_a_dispute_is_won(client: Client) -> None:
    order = client.order(state="complete")
    count = len(client.events())
    disputed = decide(client, order, "dispute")
    assert (disputed["state"], disputed["fraudState"]) == ("dispute", "review_opened")
    assert "availableToRefundAmount" not in disputed["items"][0]
    client.advance("3d")
    won = decide(client, order, "dispute/resolve", outcome="won")
    assert won == order_now(client, order)
    changed = ("updatedTime", "stateTransitions", "fraudStateTransitions")
    assert {**won, **{name: order[name] for name in changed}} == order
    assert won["stateTransitions"] == {**order["stateTransitions"], "dispute": disputed["stateTransitions"]["dispute"]}
    assert [event["type"] for event in events_since(client, count)] == ["order.dispute", "order.dispute.resolved"]


def test_a_dispute_is_lost_and_what_was_paid_is_gone(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, "order.chargeback")
    order = client.order(state="complete")
    charge = charge_now(client, order)
    decide(client, order, "dispute")
    lost = decide(client, order, "dispute/resolve", outcome="lost")
    assert (lost["state"], lost["availableToRefundAmount"], lost["capturedAmount"]) == ("complete", 0.0, 37.81)
    assert "refundedAmount" not in lost
    assert charge_now(client, order) == charge
    asked = {"orderId": order["id"], "currency": "USD", "amount": 0.01}
    refused(client.post("/refunds", json=asked), 400, "invalid_parameter", "amountRequested")
    client.settle()
    assert len(receiver.received) == 1


def test_a_part_is_charged_back_and_the_rest_refunded(client: Client) -> None:
    order = client.order(state="complete")
    decide(client, order, "dispute")
    lost = decide(client, order, "dispute/resolve", outcome="lost", amount="10.00")
    assert lost["availableToRefundAmount"] == 27.81
    made = client.ok(client.post("/refunds", json={"orderId": order["id"], "currency": "USD", "percent": 100}), 201)
    assert made["amount"] == 27.81
    client.settle()
    assert order_now(client, order)["refundedAmount"] == 27.81


def test_a_given_order_in_dispute_is_resolved_too(client: Client) -> None:
    order = client.order(state="dispute")
    assert decide(client, order, "dispute/resolve", outcome="won")["state"] == "complete"


def test_a_copied_order_in_dispute_goes_back_to_what_its_transitions_say(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order, line(order, 1)), 201)
    client.settle()
    copied = decide(client, order, "dispute")
    client.ok(client.post("/_sim/reset"))
    again = client.ok(client.post("/_sim/orders", json={"resource": copied}), 201)
    assert decide(client, again, "dispute/resolve", outcome="won")["state"] == "accepted"
    client.ok(client.fulfill(again, line(again, 2)), 201)
    client.settle()
    assert order_now(client, again)["state"] == "complete"


@pytest.mark.parametrize(
    "state", ["accepted", "pending_payment", "in_review", "blocked", "cancelled", "fulfilled", "dispute"]
)
def test_what_no_bank_has_paid_is_not_disputed(client: Client, state: str) -> None:
    source = {"type": "wireTransfer"} if state == "pending_payment" else {}
    order = client.order(state=state, source=source)
    with nothing_changes(client):
        refused(client.post(f"/_sim/orders/{order['id']}/dispute"), 409, "invalid_state", "state")


@pytest.mark.parametrize(
    ("body", "code", "parameter"),
    [
        ({}, "missing_parameter", "outcome"),
        ({"outcome": "maybe"}, "invalid_parameter", "outcome"),
        ({"outcome": True}, "invalid_parameter", "outcome"),
        ({"won": True, "outcome": "won"}, "unknown_parameter", "won"),
        ({"outcome": "won", "amount": 1}, "invalid_parameter", "amount"),
        ({"outcome": "lost", "amount": 0}, "invalid_parameter", "amount"),
        ({"outcome": "lost", "amount": 1.005}, "invalid_parameter", "amount"),
        ({"outcome": "lost", "amount": 37.82}, "invalid_parameter", "amount"),
        ({"outcome": "lost", "amount": "1e9"}, "invalid_parameter", "amount"),
    ],
)
def test_a_wrong_resolution_is_refused(client: Client, body: JSON, code: str, parameter: str) -> None:
    order = client.order(state="dispute")
    with nothing_changes(client):
        response = client.post(f"/_sim/orders/{order['id']}/dispute/resolve", json=body)
        refused(response, 400, code, parameter)


def test_only_a_dispute_is_resolved(client: Client) -> None:
    order = client.order(state="complete")
    path = f"/_sim/orders/{order['id']}/dispute/resolve"
    with nothing_changes(client):
        refused(client.post(path, json={"outcome": "won"}), 409, "invalid_state", "state")
        refused(client.post(path, json={"outcome": "lost", "amount": 10000}), 409, "invalid_state", "state")


@pytest.mark.parametrize(
    ("what", "body"), [("dispute", {}), ("dispute/resolve", {"outcome": "won"}), ("review", {"decision": "pass"})]
)
def test_an_order_that_does_not_exist_is_404(client: Client, what: str, body: JSON) -> None:
    refused(client.post(f"/_sim/orders/1/{what}", json=body), 404, "not_found", "id")


def test_a_review_passes(client: Client) -> None:
    order = client.order(state="in_review")
    count = len(client.events())
    client.advance("1h")
    passed = decide(client, order, "review", decision="pass")
    assert (passed["state"], passed["fraudState"]) == ("accepted", "passed")
    assert list(passed["fraudStateTransitions"]) == ["review_opened", "passed"]
    told = events_since(client, count)
    assert [event["type"] for event in told] == ["order.review_closed", "order.accepted"]
    assert told[1]["data"]["object"] == passed
    client.ok(client.fulfill(order), 201)
    client.settle()
    assert order_now(client, order)["state"] == "complete"


def test_a_review_blocks(client: Client) -> None:
    order = client.order(state="in_review")
    count = len(client.events())
    blocked = decide(client, order, "review", decision="block")
    assert (blocked["state"], blocked["fraudState"], blocked["cancelledAmount"]) == ("blocked", "blocked", 0.0)
    assert (blocked["items"][0]["state"], charge_now(client, order)["state"]) == ("blocked", "cancelled")
    assert [event["type"] for event in events_since(client, count)] == [
        "order.review_closed",
        "order.blocked",
        "order.charge.cancel.pending",
        "order.charge.cancel.complete",
        "order.charge.cancelled",
    ]


@pytest.mark.parametrize(
    ("body", "code", "parameter"),
    [
        ({}, "missing_parameter", "decision"),
        ({"decision": "passed"}, "invalid_parameter", "decision"),
        ({"decision": ["pass"]}, "invalid_parameter", "decision"),
        ({"decision": "pass", "reason": "fine"}, "unknown_parameter", "reason"),
    ],
)
def test_a_wrong_decision_is_refused(client: Client, body: JSON, code: str, parameter: str) -> None:
    order = client.order(state="in_review")
    with nothing_changes(client):
        refused(client.post(f"/_sim/orders/{order['id']}/review", json=body), 400, code, parameter)


@pytest.mark.parametrize("state", ["accepted", "blocked", "complete", "dispute"])
@pytest.mark.parametrize("decision", ["pass", "block"])
def test_only_an_order_in_review_is_decided_about(client: Client, state: str, decision: str) -> None:
    order = client.order(state=state)
    with nothing_changes(client):
        response = client.post(f"/_sim/orders/{order['id']}/review", json={"decision": decision})
        refused(response, 409, "invalid_state", "state")


@pytest.mark.parametrize("session", ["requires_source", "processing", "pending", "complete"])
def test_a_copied_order_in_review_passes_whatever_its_session_says(client: Client, session: str) -> None:
    copied = client.order(state="in_review")
    copied["payment"]["session"]["state"] = session
    client.ok(client.post("/_sim/reset"))
    order = client.ok(client.post("/_sim/orders", json={"resource": copied}), 201)
    assert decide(client, order, "review", decision="pass")["state"] == "accepted"


def test_a_chargeback_survives_the_server(tmp_path: Path) -> None:
    options = ("--clock", "manual", "--db", str(tmp_path / "kept.db"))
    with Drsim(*options) as server:
        client = server.client()
        order, frozen = client.order(state="complete"), client.order(state="complete")
        decide(client, order, "dispute")
        lost = decide(client, order, "dispute/resolve", outcome="lost", amount=10)
        disputed = decide(client, frozen, "dispute")
        server.kill()
    with Drsim(*options) as server:
        client = server.client()
        assert (order_now(client, order), order_now(client, frozen)) == (lost, disputed)
        assert decide(client, frozen, "dispute/resolve", outcome="won")["state"] == "complete"
        refused(
            client.post("/refunds", json={"orderId": order["id"], "currency": "USD", "amount": 27.82}),
            400,
            "invalid_parameter",
            "amountRequested",
        )
