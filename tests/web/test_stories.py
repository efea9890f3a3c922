"""`/_sim/trigger`: a server lives through what leads to an event, so that the event and the API agree."""

import threading
import time
from typing import Any

import pytest

from drsim.domain.clock import parse_time
from drsim.domain.events import EMITTED
from drsim.world.errands import ERRANDS
from drsim.world.logistics import LOGISTICS
from drsim.world.stories import STORIES
from tests.harness import JSON, Client, Drsim, Received, Receiver, eventually
from tests.web.worlds import behave, line, refused, scenario


def triggered(client: Client, type: str, order: JSON | None = None) -> JSON:
    """What the server says it did for an event."""
    body = {"type": type} if order is None else {"type": type, "orderId": order["id"]}
    told: JSON = client.ok(client.post("/_sim/trigger", json=body))
    return told


def charge_of(client: Client, order: JSON) -> JSON:
    """The one charge of an order, as it is now."""
    charge: JSON = client.ok(client.get(f"/charges/{order['payment']['charges'][0]['id']}"))
    return charge


def state_behind(client: Client, type: str, order: JSON) -> Any:
    """What the API says about what this event is about."""
    subject, _, step = type.removeprefix("order.").rpartition(".")
    if type == "fulfillment.created":
        return len(client.ok(client.get("/fulfillments", params={"orderId": order["id"]}))["data"])
    if subject in ("invoice", "credit_memo"):
        documents = [*order["invoicePDFs"], *order.get("creditMemoPDFs", ())]
        assert {each["id"] for each in documents} <= {each["id"] for each in client.ok(client.get("/files"))["data"]}
        return sorted(client.ok(client.get(f"/files/{each['id']}"))["purpose"] for each in documents)
    if subject == "source":
        return [client.ok(client.get(f"/sources/{each['id']}"))["state"] for each in order["payment"]["sources"]]
    if subject == "refund":
        return [each["state"] for each in client.ok(client.get("/refunds", params={"orderId": order["id"]}))["data"]]
    if subject == "return":
        return [each["state"] for each in client.ok(client.get("/returns", params={"orderId": order["id"]}))["data"]]
    if subject in ("charge.capture", "charge.cancel", "charge.refund"):
        return [each["state"] for each in charge_of(client, order)[f"{subject.removeprefix('charge.')}s"]]
    if subject in ("charge", "charge.reauth"):
        return charge_of(client, order)["state"]
    return order.get("fraudState") if step in ("review_opened", "blocked") else order["state"]


AGREES: dict[str, Any] = {
    "source.chargeable": ["consumed"],
    "order.created": "accepted",
    "order.pending_payment": "pending_payment",
    "order.accepted": "accepted",
    "order.review_opened": "review_opened",
    "order.review_closed": "accepted",
    "order.blocked": "blocked",
    "order.cancelled": "cancelled",
    "order.fulfilled": "fulfilled",
    "order.complete": "complete",
    "order.updated": "accepted",
    "order.dispute": "dispute",
    "order.dispute.resolved": "complete",
    "order.chargeback": "complete",
    "order.returned": "returned",
    "order.refunded": "complete",
    "order.invoice.created": ["customer_invoice"],
    "order.credit_memo.created": ["customer_credit_memo", "customer_invoice"],
    "order.charge.pending": "pending",
    "order.charge.capturable": "capturable",
    "order.charge.processing": "processing",
    "order.charge.complete": "complete",
    "order.charge.cancelled": "cancelled",
    "order.charge.failed": "failed",
    "order.charge.reauth.failed": "capturable",
    "order.charge.capture.pending": ["pending"],
    "order.charge.capture.complete": ["complete"],
    "order.charge.capture.failed": ["failed"],
    "order.charge.cancel.pending": ["pending"],
    "order.charge.cancel.complete": ["complete"],
    "order.charge.cancel.failed": ["failed"],
    "order.charge.refund.pending": ["pending"],
    "order.charge.refund.complete": ["complete"],
    "order.charge.refund.failed": ["failed"],
    "refund.pending": ["pending"],
    "refund.pending_information": ["pending_information"],
    "refund.complete": ["succeeded"],
    "refund.failed": ["failed"],
    "refund.updated": ["pending"],
    "return.created": ["created"],
    "return.accepted": ["accepted"],
    "return.updated": ["created"],
    "fulfillment.created": 1,
}
"""What the API says once an event was triggered."""


def test_the_table_above_is_complete() -> None:
    assert set(AGREES) == set(STORIES)


@pytest.mark.parametrize("type", sorted(STORIES))
def test_every_event_about_an_order_can_be_triggered_and_agrees_with_the_api(
    client: Client, receiver: Receiver, type: str
) -> None:
    client.webhook(receiver.url, *sorted(EMITTED))
    client.ok(client.post("/_sim/trigger", json={"type": type}))  # once more must work as well
    told = triggered(client, type)
    assert list(told) == ["type", "eventId", "orderId", "event", "did"]
    event = client.ok(client.get(f"/events/{told['eventId']}"))
    assert (event, event["type"]) == (told["event"], type)
    assert event["id"] in [each["id"] for each in client.events(orderId=told["orderId"], type=type)]
    order = client.ok(client.get(f"/orders/{told['orderId']}"))
    assert state_behind(client, type, order) == AGREES[type]
    assert told["did"][0].startswith(f"made order {order['id']}, ")
    assert len(receiver.received) == len(client.events())
    assert client.get("/_sim/behavior").json() == {"data": []}


THINGS = {
    "customer": "customers",
    "customer.source": "sources",
    "source": "sources",
    "customer.tax_identifier": "tax-identifiers",
    "tax_identifier": "tax-identifiers",
    "sku": "skus",
    "checkout": "checkouts",
}
"""Where the API has what an event is about."""


@pytest.mark.parametrize("type", sorted(LOGISTICS))
@pytest.mark.parametrize("own", [True, False])
def test_every_event_of_the_coordinated_models_can_be_triggered_about_an_order(
    client: Client, receiver: Receiver, type: str, own: bool
) -> None:
    webhook = client.webhook(receiver.url, *sorted(EMITTED))
    order = client.order(fulfillmentModel="distributed", items=[{"price": 10, "quantity": 3}]) if own else None
    told = triggered(client, type, order)
    assert list(told) == ["type", "eventId", "orderId", "event", "did"]
    assert order is None or told["orderId"] == order["id"]
    event = client.ok(client.get(f"/events/{told['eventId']}"))
    assert (event, event["type"]) == (told["event"], type)
    assert event["id"] in [each["id"] for each in client.events(orderId=told["orderId"], type=type)]
    (handed,) = client.ok(client.get("/fulfillment-orders", params={"upstreamIds": told["orderId"]}))["data"]
    thing, (subject, _, step) = event["data"]["object"], type.rpartition(".")
    if subject != "fulfillment_order":
        assert client.ok(client.get(f"/{subject.replace('_', '-')}s/{thing['id']}")) == thing
    elif step == "shipped":
        assert client.ok(client.get(f"/shipments/{thing['id']}")) == thing
    elif step == "pending":
        assert handed == thing
    assert told["orderId"] in [thing.get("upstreamId"), thing.get("fulfillmentOrderUpstreamId"), handed["upstreamId"]]
    assert len(receiver.received) == len(client.events())
    assert receiver.received[-1].signed_with(client.secret(webhook))


def test_an_order_that_is_handed_over_as_a_whole_cannot_be_handed_over_again(client: Client) -> None:
    order = client.order()
    triggered(client, "fulfillment_order.cancelled", order)
    triggered(client, "fulfillment_order.shipped", order)
    for type in ("fulfillment_order.pending", "fulfillment_order.shipped"):
        response = client.post("/_sim/trigger", json={"type": type, "orderId": order["id"]})
        refused(response, 409, "event_out_of_reach", "orderId")
    response = client.post("/_sim/trigger", json={"type": "fulfillment_order.pending", "orderId": "1"})
    refused(response, 404, "not_found", "orderId")


@pytest.mark.parametrize("type", sorted(ERRANDS.keys() - LOGISTICS.keys()))
def test_every_event_about_something_else_can_be_triggered_and_agrees_with_the_api(
    client: Client, receiver: Receiver, type: str
) -> None:
    webhook = client.webhook(receiver.url, *sorted(EMITTED))
    client.ok(client.post("/_sim/trigger", json={"type": type}))  # once more must work as well
    clock = client.get("/_sim/clock").json()
    told = triggered(client, type)
    assert list(told) == ["type", "eventId", "event", "did"]
    event = client.ok(client.get(f"/events/{told['eventId']}"))
    assert (event, event["type"]) == (told["event"], type)
    subject, _, step = type.rpartition(".")
    gone = step == "deleted" and subject != "customer.source"  # which is cancelled, but still there
    thing = event["data"]["previousAttributes"] if gone else event["data"]["object"]
    there = client.get(f"/{THINGS[subject]}/{thing['id']}")
    if gone:
        assert event["data"]["object"] == {}
        assert there.status_code == 404
    else:
        assert client.ok(there) == thing
    if step == "updated":
        assert event["data"]["previousAttributes"] == {"metadata": None}
    assert thing["id"] in told["did"][-1]
    assert len(receiver.received) == len(client.events())
    assert receiver.received[-1].signed_with(client.secret(webhook))
    assert client.get("/_sim/clock").json() == clock
    assert client.ok(client.get("/orders"))["data"] == []


def test_an_order_cannot_lead_to_what_is_about_none(client: Client) -> None:
    order = client.order()
    events = client.events()
    response = client.post("/_sim/trigger", json={"type": "customer.created", "orderId": order["id"]})
    told = refused(response, 400, "invalid_parameter", "orderId")
    assert told["message"] == "'customer.created' is about no order, so none can lead to it."
    assert client.events() == events


def test_what_can_be_triggered_is_listed_with_its_story(client: Client) -> None:
    listed = client.ok(client.get("/_sim/trigger"))["data"]
    assert [each["type"] for each in listed] == sorted(EMITTED)
    stories = {each["type"]: each["story"] for each in listed}
    assert stories["order.charge.cancelled"] == "an accepted order, everything open is cancelled"
    assert stories["customer.deleted"] == "a new customer, who is deleted"


@pytest.mark.parametrize(
    ("type", "nearest"),
    [
        ("order.charge.capture.completed", "order.charge.capture.complete"),
        ("plan.created", "created"),
        ("invoice.created", "order.invoice.created"),
        ("subscription.created", "created"),
    ],
)
def test_what_is_not_emitted_yet_is_told_with_the_nearest_that_is(client: Client, type: str, nearest: str) -> None:
    told = refused(client.post("/_sim/trigger", json={"type": type}), 400, "invalid_parameter", "type")["message"]
    assert told.startswith(f"drsim does not emit '{type}' yet; the nearest it can be brought to is '")
    assert nearest in told
    assert client.ok(client.get("/orders"))["data"] == []


def test_what_is_no_event_at_all_is_refused_with_what_may_have_been_meant(client: Client) -> None:
    told = refused(client.post("/_sim/trigger", json={"type": "order.fulfiled"}), 400, "invalid_parameter", "type")
    assert told["message"] == "'order.fulfiled' is not a valid event type. Did you mean 'order.fulfilled'?"
    told = refused(client.post("/_sim/trigger", json={"type": "sku.update"}), 400, "invalid_parameter", "type")
    assert told["message"] == "'sku.update' is not a valid event type. Did you mean 'sku.updated'?"
    refused(client.post("/_sim/trigger", json={}), 400, "missing_parameter", "type")
    refused(client.post("/_sim/trigger", json={"type": "order.created", "order": "1"}), 400, "unknown_parameter")


def test_an_order_of_ones_own_lives_through_it(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order, line(order, 1)), 201)
    told = triggered(client, "order.charge.capture.failed", order)
    assert told["did"] == [f"fulfilled order {order['id']}", "advanced 2s"]
    captures = told["event"]["data"]["object"]["captures"]
    assert [(each["amount"], each["state"]) for each in captures] == [(12.61, "complete"), (25.2, "failed")]
    assert charge_of(client, order)["captures"][1]["failureCode"] == "failed-request"


def test_what_comes_by_itself_is_only_waited_for(client: Client) -> None:
    order = client.order()
    client.ok(client.fulfill(order), 201)
    assert triggered(client, "order.complete", order)["did"] == ["advanced 3s"]


def test_one_thing_after_another_can_be_triggered_on_the_same_order(client: Client) -> None:
    order = {"id": triggered(client, "order.pending_payment")["orderId"]}
    for type in ("order.accepted", "order.updated", "order.updated", "order.fulfilled", "order.dispute"):
        triggered(client, type, order)
    assert client.event_types(orderId=order["id"], type="order.*")[-2:] == ["order.invoice.created", "order.dispute"]
    assert client.ok(client.get(f"/orders/{order['id']}"))["metadata"] == {"triggered": "2"}


def test_an_authorization_of_ones_own_order_expires_first(client: Client) -> None:
    order = client.order()
    told = triggered(client, "order.charge.reauth.failed", order)
    assert told["did"][0] == "advanced 7d"
    assert client.ok(client.get("/fulfillments"))["data"] == []
    assert client.ok(client.get(f"/orders/{order['id']}"))["state"] == "accepted"
    client.ok(client.fulfill(order), 201)  # the account itself is as tolerant as before


@pytest.mark.parametrize(
    ("state", "type", "why"),
    [
        ("complete", "order.charge.capture.failed", "it ends as 'complete' without it."),
        ("accepted", "order.created", "it ends as 'accepted' without it."),
        ("cancelled", "order.fulfilled", "it ends as 'cancelled' without it."),
        ("accepted", "order.blocked", "it ends as 'accepted' without it."),
        ("fulfilled", "order.cancelled", "it ends as 'complete' without it."),
    ],
)
def test_an_order_that_can_no_longer_lead_there_is_left_alone(client: Client, state: str, type: str, why: str) -> None:
    order = client.order(state=state)
    events, clock = client.events(), client.get("/_sim/clock").json()
    response = client.post("/_sim/trigger", json={"type": type, "orderId": order["id"]})
    told = refused(response, 409, "event_out_of_reach", "orderId")
    assert told["message"] == f"Order '{order['id']}' can no longer lead to '{type}': {why}"
    assert (client.events(), client.get("/_sim/clock").json()) == (events, clock)
    assert client.ok(client.get(f"/orders/{order['id']}")) == order


def test_half_a_way_is_not_gone(client: Client) -> None:
    """One unit is shipped, so cancelling the rest would fulfil the order instead of cancelling it."""
    order = client.order()
    client.ok(client.fulfill(order, line(order, 1)), 201)
    response = client.post("/_sim/trigger", json={"type": "order.cancelled", "orderId": order["id"]})
    refused(response, 409, "event_out_of_reach")
    assert client.event_types(orderId=order["id"])[-1] == "order.charge.capture.pending"


def test_a_capture_that_stays_pending_keeps_an_order_from_being_complete(client: Client) -> None:
    order = client.order(source={"number": "4024 0071 2057 9635"})
    client.ok(client.fulfill(order), 201)
    response = client.post("/_sim/trigger", json={"type": "order.complete", "orderId": order["id"]})
    refused(response, 409, "event_out_of_reach")


def test_an_order_that_does_not_exist_is_404(client: Client) -> None:
    refused(client.post("/_sim/trigger", json={"type": "order.updated", "orderId": "1"}), 404, "not_found", "orderId")


def test_rules_of_the_sandbox_neither_decide_a_story_nor_are_used_up_by_it(client: Client) -> None:
    for operation in ("authorize", "capture", "cancel"):
        behave(client, operation, {"state": "pending"}, times=1)
    before = client.get("/_sim/behavior").json()
    for type in ("order.complete", "order.cancelled", "order.charge.capture.failed", "order.charge.reauth.failed"):
        triggered(client, type)
    assert client.get("/_sim/behavior").json() == before


def test_delays_of_the_account_are_waited_for(client: Client) -> None:
    scenario(
        client, account={"delays": {"authorize": "1h", "capture": "2d", "complete": "0s"}, "riskTolerance": "averse"}
    )
    told = triggered(client, "order.complete")
    assert told["did"][1:] == ["advanced 1h", f"fulfilled order {told['orderId']}", "advanced 2d"]
    scenario(client, account={"delays": {"authorize": "0s", "capture": "0s", "cancel": "0s"}})
    for type in sorted(STORIES):
        triggered(client, type)


def test_the_clock_moves_as_with_an_advance_and_everything_due_on_the_way_happens(client: Client) -> None:
    other = client.order(source={"number": "4000 0000 0000 4103"})
    client.ok(client.fulfill(other), 201)
    before = parse_time(client.get("/_sim/clock").json()["now"])
    triggered(client, "order.charge.capture.complete")
    assert parse_time(client.get("/_sim/clock").json()["now"]) - before == 2_000_000
    assert "order.charge.capture.failed" in client.event_types(orderId=other["id"])


def test_nothing_is_triggered_while_the_clock_is_being_moved(client: Client, receiver: Receiver) -> None:
    held = threading.Event()

    def hold(received: Received) -> int:
        held.wait(8)
        return 200

    receiver.answer = hold
    client.webhook(receiver.url, "order.created")
    client.order()
    eventually(lambda: receiver.received)
    mover = threading.Thread(target=lambda: client.advance("1s"))
    mover.start()
    try:
        time.sleep(1)  # whoever comes first has the clock, and it has to be the mover
        orders = client.ok(client.get("/orders"))["data"]
        refused(client.post("/_sim/trigger", json={"type": "order.updated"}), 409, "clock_in_motion")
        assert client.ok(client.get("/orders"))["data"] == orders
    finally:
        held.set()
        mover.join()


def test_a_clock_that_runs_is_moved_too() -> None:
    with Drsim("--seed", "1") as server:
        told = triggered(server.client(), "order.complete")
        assert "state" in told["event"]["data"]["object"]
        assert any(step.startswith("advanced ") for step in told["did"])
