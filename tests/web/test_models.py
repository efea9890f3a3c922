"""The three fulfillment models over HTTP: who has to send what, and what comes of it."""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness import JSON, Client, Drsim, Receiver, eventually
from tests.web.conftest import Connect
from tests.web.worlds import line, nothing_changes, refused, scenario

LOGISTIC = [
    *(f"fulfillment_order.{step}" for step in ("pending", "backordered", "shipped", "cancelled")),
    *(f"fulfillment_cancellation.{step}" for step in ("created", "accepted", "rejected")),
    *(f"fulfillment_return.{step}" for step in ("created", "pending", "accepted", "rejected")),
]


def an_order(client: Client, *quantities: int, model: str = "distributed", **more: Any) -> JSON:
    """An order with a line of 10.00 each for every quantity."""
    items = [{"price": 10, "quantity": quantity} for quantity in quantities or (3,)]
    return client.order(fulfillmentModel=model, items=items, shipping=0, taxRate=0, **more)


def handover(order: JSON, **changes: Any) -> JSON:
    """The body that hands over all of an order, as the published mapping says."""
    body: JSON = {
        "currency": order["currency"],
        "upstreamOrderTime": order["createdTime"],
        "shipTo": order["shipTo"],
        "shippingChoice": {"id": "SG"},
        "upstreamId": order["id"],
        "reservationId": order["checkoutId"],
        "items": [
            {
                "inventoryItemId": item["skuId"],
                "quantity": item["quantity"],
                "upstreamId": item["id"],
                "tax": {"amount": item["tax"]["amount"]},
            }
            for item in order["items"]
        ],
    }
    return {**body, **changes}


def hand_over(client: Client, order: JSON) -> JSON:
    """Hands all of an order over."""
    body: JSON = client.ok(client.post("/fulfillment-orders", json=handover(order)), 201)
    return body


def notice(client: Client, handed: JSON, what: str, *quantities: int, **more: Any) -> Any:
    """A notice about so many units of each line; about everything without."""
    items = [{"id": item["id"], "quantity": count} for item, count in zip(handed["items"], quantities, strict=False)]
    body = {"items": [item for item in items if item["quantity"]], **more}
    return client.post(f"/_sim/fulfillment-orders/{handed['id']}/{what}", json=body)


def ask(client: Client, handed: JSON, *quantities: int, to: str = "cancellations", **more: Any) -> Any:
    """Asks for so many units of each line to be cancelled, or returned."""
    items = [
        {"fulfillmentOrderItemId": item["id"], "quantity": count}
        for item, count in zip(handed["items"], quantities, strict=False)
        if count
    ]
    return client.post(f"/fulfillment-{to}", json={"fulfillmentOrderId": handed["id"], "items": items, **more})


def parcel_body(shipment: JSON) -> JSON:
    """The fulfillment of a parcel, as the published mapping says."""
    return {
        "orderId": shipment["fulfillmentOrderUpstreamId"],
        "shipmentId": shipment["id"],
        "items": [
            {
                "itemId": item["fulfillmentOrderItemUpstreamId"],
                "quantity": item["quantity"],
                "shipmentItemId": item["id"],
            }
            for item in shipment["items"]
        ],
    }


def now(client: Client, handed: JSON) -> JSON:
    """A fulfillment order as it is now."""
    body: JSON = client.ok(client.get(f"/fulfillment-orders/{handed['id']}"))
    return body


def counts(client: Client, handed: JSON) -> list[tuple[int, int, int, int]]:
    """Pending, backordered, shipped and cancelled units of each line."""
    names = ("pending", "backordered", "shipped", "cancelled")
    return [tuple(item[name] for name in names) for item in now(client, handed)["items"]]


def orchestrated(client: Client, *quantities: int, **more: Any) -> tuple[JSON, JSON]:
    """An orchestrated order, and the fulfillment order that drsim has made of it."""
    order = an_order(client, *quantities, model="orchestrated", **more)
    (handed,) = client.ok(client.get("/fulfillment-orders", params={"upstreamIds": order["id"]}))["data"]
    return order, handed


# Handing over.


def test_a_fulfillment_order_echoes_what_was_sent_and_counts_its_units(client: Client, receiver: Receiver) -> None:
    webhook = client.webhook(receiver.url, *LOGISTIC)
    order = an_order(client, 3, 1)
    more = {"locale": "en_US", "name": "Sam", "email": "a@example.com", "phone": "1", "metadata": {"a": 1}}
    body = handover(order, **more)
    body["items"][0] |= {"subtotal": 30, "total": 32.5, "name": "Widget", "giftMessage": "Hi", "giftWrap": True}
    body["items"][0]["tax"] = {"amount": 2.5, "items": [{"authorityType": "state", "amount": 2.5}]}
    body["shippingChoice"] |= {"dutiesPaid": True, "signatureRequiredType": "adult", "shippingInstructions": "ring"}
    made = client.ok(client.post("/fulfillment-orders", json=body), 201)
    assert made["id"].isdecimal()
    for name, sent in body.items():
        assert name == "items" or made[name] == sent, name
    first, second = made["items"]
    assert {name: first[name] for name in body["items"][0]} == body["items"][0]
    assert [each["id"].isdecimal() for each in (first, second)] == [True, True]
    assert counts(client, made) == [(3, 0, 0, 0), (1, 0, 0, 0)]
    assert (made["state"], first["state"], first["returned"], made["liveMode"]) == ("pending", "pending", 0, False)
    client.settle("now")
    (received,) = receiver.received
    event = json.loads(received.body)
    assert received.signed_with(client.secret(webhook))
    assert (event["type"], event["data"]) == (
        "fulfillment_order.pending",
        {"object": made, "previousAttributes": {}},
    )
    assert event["id"].startswith("evt_")
    assert client.ok(client.get(f"/events/{event['id']}"))["id"] == event["id"]


@pytest.mark.parametrize(
    ("change", "status", "code", "parameter"),
    [
        ({"currency": None}, 400, "missing_parameter", "currency"),
        ({"currency": "XYZ"}, 400, "invalid_parameter", "currency"),
        ({"upstreamOrderTime": None}, 400, "missing_parameter", "upstreamOrderTime"),
        ({"upstreamOrderTime": "yesterday"}, 400, "invalid_parameter", "upstreamOrderTime"),
        ({"shipTo": None}, 400, "missing_parameter", "shipTo"),
        ({"shipTo": {"address": {"city": "Bonn"}}}, 400, "missing_parameter", "shipTo.address.country"),
        ({"shipTo": {"address": {"country": "Germany"}}}, 400, "invalid_parameter", "shipTo.address.country"),
        ({"shippingChoice": {}}, 400, "missing_parameter", "shippingChoice.id"),
        (
            {"shippingChoice": {"id": "SG", "signatureRequiredType": "none"}},
            400,
            "invalid_parameter",
            "shippingChoice.signatureRequiredType",
        ),
        ({"items": []}, 400, "missing_parameter", "items"),
        ({"items": None}, 400, "missing_parameter", "items"),
        ({"items": [{"quantity": 1}]}, 400, "missing_parameter", "items[0].inventoryItemId"),
        ({"items": [{"inventoryItemId": "x"}]}, 400, "missing_parameter", "items[0].quantity"),
        ({"items": [{"inventoryItemId": "x", "quantity": 0}]}, 400, "missing_parameter", "items[0].quantity"),
        ({"items": [{"inventoryItemId": "x", "quantity": 1.5}]}, 400, "invalid_integer", "items[0].quantity"),
        ({"items": [{"inventoryItemId": "x", "quantity": 1}]}, 404, "not_found", "items[0].inventoryItemId"),
        (
            {"items": [{"inventoryItemId": "x", "quantity": 1, "tax": {}}]},
            400,
            "missing_parameter",
            "items[0].tax.amount",
        ),
        ({"item": 1}, 400, "unknown_parameter", "item"),
        ({"metadata": {"": 1}}, 400, "invalid_metadata_key", None),
    ],
)
def test_a_fulfillment_order_that_is_not_whole_is_refused(
    client: Client, change: JSON, status: int, code: str, parameter: str | None
) -> None:
    order = an_order(client)
    with nothing_changes(client):
        refused(client.post("/fulfillment-orders", json=handover(order, **change)), status, code, parameter)
    assert client.ok(client.get("/fulfillment-orders"))["data"] == []


def test_no_more_is_handed_over_than_was_ordered(client: Client) -> None:
    order = an_order(client, 3)
    item = {"inventoryItemId": order["items"][0]["skuId"], "upstreamId": order["items"][0]["id"]}
    two = handover(order, items=[{**item, "quantity": 2}])
    first = client.ok(client.post("/fulfillment-orders", json=two), 201)
    refused(client.post("/fulfillment-orders", json=two), 409, "quantity_too_large", "items[0].quantity")
    twice = handover(order, items=[{**item, "quantity": 1}, {**item, "quantity": 1}])
    refused(client.post("/fulfillment-orders", json=twice), 409, "quantity_too_large", "items[1].quantity")
    client.ok(notice(client, first, "cancel", 1))
    client.ok(client.post("/fulfillment-orders", json=two), 201)
    refused(
        client.post("/fulfillment-orders", json=handover(order, items=[{**item, "quantity": 1, "upstreamId": "9"}])),
        400,
        "invalid_parameter",
        "items[0].upstreamId",
    )


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("in_review", "order_not_submitted"),
        ("fulfilled", "order_fulfilled"),
        ("complete", "order_complete"),
        ("cancelled", "order_cancelled"),
        ("blocked", "order_not_submitted"),
    ],
)
def test_only_an_accepted_order_is_handed_over(client: Client, state: str, code: str) -> None:
    order = an_order(client, state=state)
    refused(client.post("/fulfillment-orders", json=handover(order)), 409, code, "upstreamId")


def test_a_fulfillment_order_may_be_about_nothing_that_drsim_knows(client: Client) -> None:
    client.ok(client.post("/inventory-items", json={"id": "w1", "partNumber": "p1"}), 201)
    body = {
        "currency": "EUR",
        "upstreamOrderTime": "2024-01-01T00:00:00Z",
        "shipTo": {"address": {"country": "de"}},
        "shippingChoice": {"id": "IS"},
        "items": [{"inventoryItemId": "w1", "quantity": "2"}],
    }
    made = client.ok(client.post("/fulfillment-orders", json=body), 201)
    assert "upstreamId" not in made
    shipment = client.ok(notice(client, made, "ship"), 201)
    assert shipment["items"][0]["partNumber"] == "p1"
    assert "fulfillmentOrderUpstreamId" not in shipment
    upstream = client.ok(client.post("/fulfillment-orders", json={**body, "upstreamId": 17}), 201)
    assert upstream["upstreamId"] == "17"
    assert client.event_types() == [
        "fulfillment_order.pending",
        "fulfillment_order.shipped",
        "fulfillment_order.pending",
    ]


def test_a_line_that_the_merchant_shipped_becomes_distributed_when_it_is_handed_over(client: Client) -> None:
    order = an_order(client, 2, model="third-party")
    with nothing_changes(client):
        refused(client.post("/fulfillment-orders", json=handover(order)), 404, "not_found")
    sku = order["items"][0]["skuId"]
    client.ok(client.post("/inventory-items", json={"id": sku, "partNumber": "p"}), 201)
    handed = hand_over(client, order)
    refused(client.fulfill(order, line(order, 1)), 400, "missing_parameter", "shipmentId")
    shipment = client.ok(notice(client, handed, "ship"), 201)
    client.ok(client.post("/fulfillments", json=parcel_body(shipment)), 201)


# Notices.


def test_notices_move_units_and_each_is_told(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, *LOGISTIC)
    order = an_order(client, 4, 2)
    handed = hand_over(client, order)
    client.ok(notice(client, handed, "backorder", 3, 0, availableTime="2024-02-01T00:00:00Z"))
    assert counts(client, handed) == [(1, 3, 0, 0), (2, 0, 0, 0)]
    client.ok(notice(client, handed, "ship", 2, 1), 201)
    assert counts(client, handed) == [(0, 2, 2, 0), (1, 0, 1, 0)]
    assert [item["state"] for item in now(client, handed)["items"]] == ["backordered", "pending"]
    client.ok(notice(client, handed, "cancel", 1))
    assert counts(client, handed) == [(0, 1, 2, 1), (1, 0, 1, 0)]
    assert now(client, handed)["state"] == "pending"
    client.ok(notice(client, handed, "cancel"))
    assert now(client, handed)["state"] == "shipped"
    client.settle("now")
    told = [json.loads(each.body) for each in receiver.received]
    assert [event["type"].partition(".")[2] for event in told] == [
        "pending",
        "backordered",
        "shipped",
        "cancelled",
        "cancelled",
    ]
    backordered, shipped, cancelled, rest = (event["data"]["object"] for event in told[1:])
    first = {"fulfillmentOrderItemId": handed["items"][0]["id"], "inventoryItemId": order["items"][0]["skuId"]}
    assert backordered["items"] == [
        {
            **first,
            "fulfillmentOrderItemUpstreamId": order["items"][0]["id"],
            "ordered": 4,
            "backordered": 3,
            "totalBackordered": 3,
            "availableTime": "2024-02-01T00:00:00Z",
        }
    ]
    assert shipped == client.ok(client.get(f"/shipments/{shipped['id']}"))
    assert [item["quantity"] for item in shipped["items"]] == [2, 1]
    assert [(item["upstreamId"], item["cancelled"]) for item in cancelled["items"]] == [(order["items"][0]["id"], 1)]
    assert [item["cancelled"] for item in rest["items"]] == [1, 1]
    assert {each["state"] for each in (cancelled, rest)} == {"cancelled"}
    assert all(event["data"]["previousAttributes"] == {} for event in told)


@pytest.mark.parametrize("what", ["ship", "backorder", "cancel"])
@pytest.mark.parametrize(
    ("items", "status", "code", "parameter"),
    [
        ([{"id": "x", "quantity": 1}], 400, "invalid_parameter", "items[0].id"),
        ([{"upstreamId": "x", "quantity": 1}], 400, "invalid_parameter", "items[0].upstreamId"),
        ([{"quantity": 1}], 400, "missing_parameter", "items[0].id"),
        ([{"id": "{id}", "quantity": 4}], 409, "quantity_too_large", "items[0].quantity"),
        ([{"id": "{id}", "quantity": 2}] * 2, 409, "quantity_too_large", "items[1].quantity"),
        ([{"id": "{id}", "quantity": 0}], 400, "missing_parameter", "items[0].quantity"),
        ([{"id": "{id}", "quantity": -1}], 400, "invalid_integer", "items[0].quantity"),
        ({"id": "{id}"}, 400, "invalid_parameter", "items"),
    ],
)
def test_a_notice_that_makes_no_sense_changes_nothing(
    client: Client, what: str, items: Any, status: int, code: str, parameter: str
) -> None:
    handed = hand_over(client, an_order(client, 3))
    body = json.loads(json.dumps({"items": items}).replace("{id}", handed["items"][0]["id"]))
    with nothing_changes(client):
        path = f"/_sim/fulfillment-orders/{handed['id']}/{what}"
        refused(client.post(path, json=body), status, code, parameter)
    assert now(client, handed) == handed
    refused(client.post(f"/_sim/fulfillment-orders/1/{what}", json={}), 404, "not_found", "id")


def test_many_notices_at_once_never_ship_more_than_was_ordered(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, "fulfillment_order.shipped", "fulfillment.created")
    order, handed = orchestrated(client, 5)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: notice(client, handed, "ship", 2).status_code, range(8)))
    assert Counter(answers) == {201: 2, 409: 6}
    assert counts(client, handed) == [(1, 0, 4, 0)]
    client.ok(notice(client, handed, "ship"), 201)
    client.settle()
    shipments = client.ok(client.get("/shipments", params={"fulfillmentOrderId": handed["id"]}))["data"]
    assert sum(item["quantity"] for shipment in shipments for item in shipment["items"]) == 5
    shown = client.ok(client.get(f"/orders/{order['id']}"))
    assert (shown["state"], shown["capturedAmount"]) == ("complete", 50.0)
    told = Counter(json.loads(each.body)["type"] for each in receiver.received)
    assert told == {"fulfillment_order.shipped": 3, "fulfillment.created": 3}


def test_cancelling_and_shipping_at_once_never_count_a_unit_twice(client: Client) -> None:
    order, handed = orchestrated(client, 6)
    with ThreadPoolExecutor(8) as pool:
        what = [*(["ship"] * 4), *(["cancel"] * 4)]
        list(pool.map(lambda each: notice(client, handed, each, 2).status_code, what))
    ((pending, backordered, shipped, cancelled),) = counts(client, handed)
    assert (pending, backordered, shipped + cancelled) == (0, 0, 6)
    client.settle()
    shown = client.ok(client.get(f"/orders/{order['id']}"))
    assert shown["capturedAmount"] == shipped * 10
    assert shown["cancelledAmount"] == cancelled * 10


def test_a_notice_that_was_answered_survives_a_kill_with_its_events(tmp_path: Path) -> None:
    options = ("--db", str(tmp_path / "state.db"), "--clock", "manual")
    with Receiver(lambda received: 503) as receiver:
        with Drsim(*options) as server:
            client = server.client("kept")
            scenario(client, account={"webhookRetries": ["1m"]})
            client.webhook(
                receiver.url, "fulfillment_order.shipped", "fulfillment.created", "fulfillment_return.pending"
            )
            order, handed = orchestrated(client, 3)
            shipment = client.ok(notice(client, handed, "ship", 2), 201)
            asked = client.ok(ask(client, handed, 1), 201)
            back = client.ok(ask(client, handed, 1, to="returns"), 201)
            server.kill()
        receiver.answer = lambda received: 200
        receiver.received.clear()
        with Drsim(*options) as server:
            client = server.client("kept")
            assert client.ok(client.get(f"/shipments/{shipment['id']}")) == shipment
            assert counts(client, handed) == [(1, 0, 2, 0)]
            client.advance("1h")
            eventually(lambda: len({json.loads(each.body)["id"] for each in receiver.received}) >= 4)
            # What was sent and not yet on record when it was killed may come twice: the same event, by its id.
            told = {event["id"]: event for event in (json.loads(each.body) for each in receiver.received)}.values()
            assert Counter(event["type"] for event in told) == {
                "fulfillment_order.shipped": 1,
                "fulfillment.created": 2,
                "fulfillment_return.pending": 1,
            }
            objects = {event["type"]: event["data"]["object"] for event in told}
            assert objects["fulfillment_order.shipped"] == shipment
            # What was pending when it was killed goes on at its time.
            assert client.get(f"/fulfillment-cancellations/{asked['id']}").json()["state"] == "accepted"
            assert client.get(f"/fulfillment-returns/{back['id']}").json()["state"] == "accepted"
            assert counts(client, handed) == [(0, 0, 2, 1)]
            assert client.ok(client.get(f"/orders/{order['id']}"))["state"] == "complete"


# The rule of shipment ids.


def test_a_fulfillment_refused_for_its_shipment_changes_nothing(client: Client) -> None:
    order = an_order(client, 3, 1)
    handed = hand_over(client, order)
    shipment = client.ok(notice(client, handed, "ship", 2, 1), 201)
    whole = parcel_body(shipment)
    first, second = whole["items"]
    for change, status, code, parameter in (
        ({"shipmentId": None}, 400, "missing_parameter", "shipmentId"),
        ({"shipmentId": ""}, 400, "missing_parameter", "shipmentId"),
        ({"items": [first, {**second, "shipmentItemId": None}]}, 400, "missing_parameter", "items[1].shipmentItemId"),
        ({"shipmentId": "9"}, 404, "not_found", "shipmentId"),
        ({"items": [first, {**second, "shipmentItemId": "9"}]}, 409, "invalid_parameter", "items[1].shipmentItemId"),
        (
            {"items": [{**first, "shipmentItemId": second["shipmentItemId"]}]},
            409,
            "invalid_parameter",
            "items[0].shipmentItemId",
        ),
        ({"items": [{**first, "quantity": 3}]}, 409, "quantity_too_large", "items[0].quantity"),
        ({"items": [first, {**first, "quantity": 1}]}, 409, "quantity_too_large", "items[1].quantity"),
        ({"items": [{**first, "quantity": 4}]}, 409, "quantity_too_large", "quantity"),
        ({"items": [{**first, "itemId": "9"}]}, 400, "invalid_parameter", "items[0].itemId"),
    ):
        with nothing_changes(client):
            refused(client.post("/fulfillments", json={**whole, **change}), status, code, parameter)
    client.ok(client.post("/fulfillments", json=whole), 201)
    # What is done already, and an order that is closed, come before the shipment.
    refused(client.post("/fulfillments", json={**whole, "items": [second]}), 409, "item_fulfilled", "itemId")
    client.ok(client.fulfill(order, line(order, cancel=1)), 201)
    refused(client.fulfill(order, line(order, 1)), 409, "order_fulfilled", "orderId")


def test_ids_of_shipments_are_numbers_that_may_be_sent_as_numbers(client: Client) -> None:
    handed = hand_over(client, an_order(client, 2))
    shipment = client.ok(notice(client, handed, "ship"), 201)
    body = parcel_body(shipment)
    body["shipmentId"] = int(body["shipmentId"])
    body["items"][0]["shipmentItemId"] = int(body["items"][0]["shipmentItemId"])
    made = client.ok(client.post("/fulfillments", json=body), 201)
    assert (made["shipmentId"], made["items"][0]["shipmentItemId"]) == (shipment["id"], shipment["items"][0]["id"])
    found = client.ok(client.get(f"/fulfillments/{made['id']}"))
    assert found["shipmentId"] == shipment["id"]


def test_a_cancel_beside_a_shipped_line_needs_no_shipment(client: Client) -> None:
    order = an_order(client, 3)
    handed = hand_over(client, order)
    shipment = client.ok(notice(client, handed, "ship", 2), 201)
    body = parcel_body(shipment)
    body["items"][0]["cancelQuantity"] = 1
    client.ok(client.post("/fulfillments", json=body), 201)
    client.settle()
    shown = client.ok(client.get(f"/orders/{order['id']}"))
    assert (shown["state"], shown["capturedAmount"], shown["cancelledAmount"]) == ("complete", 20.0, 10.0)


@pytest.mark.parametrize(
    ("rule", "handed", "status"), [("ignored", True, 201), ("required", False, 400), ("checked", False, 201)]
)
def test_when_shipment_ids_are_asked_for_is_up_to_the_account(
    client: Client, rule: str, handed: bool, status: int
) -> None:
    scenario(client, account={"shipmentIds": rule})
    order = an_order(client, 1)
    if handed:
        hand_over(client, order)
    assert client.fulfill(order).status_code == status


# Cancelling.


def test_a_cancellation_is_answered_after_a_while_and_tells_it(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, *LOGISTIC)
    scenario(client, account={"delays": {"fulfillmentCancellation": "5m"}})
    handed = hand_over(client, an_order(client, 3, 2))
    asked = client.ok(ask(client, handed, 2, 1, upstreamId="mine", reason="changed mind"), 201)
    assert (asked["state"], asked["upstreamId"], asked["reason"]) == ("pending", "mine", "changed mind")
    assert asked["livemode"] is False
    assert "liveMode" not in asked
    client.advance("4m59s")
    assert client.get(f"/fulfillment-cancellations/{asked['id']}").json() == asked
    client.advance("1s")
    answered = client.get(f"/fulfillment-cancellations/{asked['id']}").json()
    assert answered["state"] == "accepted"
    assert [item["quantityAccepted"] for item in answered["items"]] == [2, 1]
    told = [json.loads(each.body) for each in receiver.received][1:]
    assert [event["type"] for event in told] == [
        "fulfillment_cancellation.created",
        "fulfillment_cancellation.accepted",
        "fulfillment_order.cancelled",
    ]
    assert [event["data"]["object"] for event in told[:2]] == [asked, answered]
    assert counts(client, handed) == [(1, 0, 0, 2), (1, 0, 0, 1)]


@pytest.mark.parametrize(
    ("body", "status", "code", "parameter"),
    [
        ({}, 400, "missing_parameter", "fulfillmentOrderId"),
        ({"fulfillmentOrderId": "1"}, 400, "missing_parameter", "items"),
        ({"fulfillmentOrderId": "1", "items": []}, 400, "missing_parameter", "items"),
        (
            {"fulfillmentOrderId": "1", "items": [{"quantity": 1}]},
            400,
            "missing_parameter",
            "items[0].fulfillmentOrderItemId",
        ),
        (
            {"fulfillmentOrderId": "1", "items": [{"fulfillmentOrderItemId": "1", "quantity": 1}]},
            404,
            "not_found",
            "fulfillmentOrderId",
        ),
        (
            {"fulfillmentOrderId": "{order}", "items": [{"fulfillmentOrderItemId": "1", "quantity": 1}]},
            400,
            "invalid_parameter",
            "items[0].fulfillmentOrderItemId",
        ),
        (
            {"fulfillmentOrderId": "{order}", "items": [{"fulfillmentOrderItemId": "{item}", "quantity": 0}]},
            400,
            "missing_parameter",
            "items[0].quantity",
        ),
        (
            {"fulfillmentOrderId": "{order}", "items": [{"fulfillmentOrderItemId": "{item}", "quantity": 4}]},
            409,
            "quantity_too_large",
            "items[0].quantity",
        ),
    ],
)
@pytest.mark.parametrize("what", ["cancellations", "returns"])
def test_a_request_that_makes_no_sense_is_refused(
    client: Client, what: str, body: JSON, status: int, code: str, parameter: str
) -> None:
    handed = hand_over(client, an_order(client, 3))
    text = json.dumps(body).replace("{order}", handed["id"]).replace("{item}", handed["items"][0]["id"])
    with nothing_changes(client):
        refused(client.post(f"/fulfillment-{what}", json=json.loads(text)), status, code, parameter)
    assert client.ok(client.get(f"/fulfillment-{what}"))["data"] == []


def test_a_rejecting_fulfiller_cancels_nothing(client: Client) -> None:
    scenario(client, account={"fulfillmentCancellations": "reject"})
    order, handed = orchestrated(client, 2)
    asked = client.ok(ask(client, handed, 2), 201)
    client.settle()
    found = client.ok(client.get("/fulfillment-cancellations", params={"state": "rejected"}))["data"]
    assert [each["id"] for each in found] == [asked["id"]]
    assert [item["state"] for item in found[0]["items"]] == ["rejected"]
    assert counts(client, handed) == [(2, 0, 0, 0)]
    assert client.ok(client.get(f"/orders/{order['id']}"))["state"] == "accepted"


def test_words_decide_about_a_cancellation_once(client: Client) -> None:
    scenario(client, account={"fulfillmentCancellations": "wait"})
    handed = hand_over(client, an_order(client, 3, 2))
    asked = client.ok(ask(client, handed, 3, 2), 201)
    path = f"/_sim/fulfillment-cancellations/{asked['id']}"
    items = [{"fulfillmentOrderItemId": item["id"], "quantity": 1} for item in handed["items"]]
    refused(client.post(f"{path}/accept", json={"items": [{**items[0], "quantity": 4}]}), 409, "quantity_too_large")
    foreign = [{"fulfillmentOrderItemId": "9", "quantity": 1}]
    refused(client.post(f"{path}/accept", json={"items": foreign}), 400, "invalid_parameter")
    answered = client.ok(client.post(f"{path}/accept", json={"items": items[:1]}))
    assert [(item["quantityAccepted"], item["state"]) for item in answered["items"]] == [
        (1, "accepted"),
        (0, "rejected"),
    ]
    assert answered["state"] == "accepted"
    for word in ("accept", "reject"):
        refused(client.post(f"{path}/{word}"), 409, "already_answered", "id")
    refused(client.post("/_sim/fulfillment-cancellations/1/accept"), 404, "not_found", "id")
    assert counts(client, handed) == [(2, 0, 0, 1), (2, 0, 0, 0)]
    assert client.ok(ask(client, handed, 2, 2), 201)["state"] == "pending"


def test_a_cancellation_of_what_has_left_is_rejected(client: Client) -> None:
    handed = hand_over(client, an_order(client, 2))
    asked = client.ok(ask(client, handed, 2), 201)
    client.ok(notice(client, handed, "ship"), 201)
    client.settle()
    assert client.get(f"/fulfillment-cancellations/{asked['id']}").json()["state"] == "rejected"
    assert client.event_types(type="fulfillment_order.cancelled") == []


# Orchestrated orders.


def test_an_orchestrated_order_is_handed_over_when_it_is_accepted_and_not_before(client: Client) -> None:
    rule = {"when": {"operation": "authorize"}, "then": {"state": "complete", "after": "1h"}, "times": 1}
    client.ok(client.post("/_sim/behavior", json=rule), 201)
    order = an_order(client, 2, model="orchestrated", source={"type": "directDebit"})
    assert client.ok(client.get("/fulfillment-orders"))["data"] == []
    client.advance("1h")
    (handed,) = client.ok(client.get("/fulfillment-orders"))["data"]
    assert handed["createdTime"] == "2024-01-01T01:00:00Z"
    assert (handed["upstreamId"], handed["shipTo"], handed["currency"]) == (order["id"], order["shipTo"], "USD")
    types = client.event_types(orderId=order["id"])
    assert types.index("fulfillment_order.pending") == types.index("order.accepted") + 1


@pytest.mark.parametrize("state", ["fulfilled", "complete", "cancelled", "in_review"])
def test_an_orchestrated_order_with_a_past_or_no_future_is_not_handed_over(client: Client, state: str) -> None:
    an_order(client, 2, model="orchestrated", state=state)
    assert client.ok(client.get("/fulfillment-orders"))["data"] == []


def test_an_integration_cannot_hand_over_what_is_orchestrated(client: Client) -> None:
    order, _ = orchestrated(client, 2)
    refused(client.post("/fulfillment-orders", json=handover(order)), 409, "quantity_too_large", "items[0].quantity")


def test_a_notice_about_an_order_that_cannot_be_captured_is_refused_as_a_whole(client: Client) -> None:
    scenario(client, account={"riskTolerance": "averse"})
    _, handed = orchestrated(client, 2, createdAgo="8d")
    assert now(client, handed)["createdTime"] == "2023-12-24T00:00:00Z"
    refused(notice(client, handed, "ship"), 409, "payment_authorization_failed")
    assert counts(client, handed) == [(2, 0, 0, 0)]
    assert client.event_types()[-1] == "order.charge.reauth.failed"
    client.ok(notice(client, handed, "cancel"))
    client.settle()
    assert client.event_types()[-1] == "order.cancelled"


def test_what_an_automatic_fulfiller_cannot_ship_is_tried_again_a_day_later(client: Client) -> None:
    scenario(client, account={"riskTolerance": "averse", "fulfiller": {"shipAfter": "8d"}})
    order, handed = orchestrated(client, 2)
    client.advance("8d")
    assert client.event_types()[-1] == "order.charge.reauth.failed"
    assert counts(client, handed) == [(2, 0, 0, 0)]
    rule = {"when": {"operation": "authorize"}, "then": {"state": "complete"}}
    client.ok(client.post("/_sim/behavior", json=rule), 201)
    client.advance("8d")
    assert counts(client, handed) == [(0, 0, 2, 0)]
    client.settle()
    assert client.ok(client.get(f"/orders/{order['id']}"))["state"] == "complete"


# An automatic fulfiller.


def test_an_automatic_fulfiller_ships_in_parcels_and_then_nothing_is_due(client: Client) -> None:
    scenario(client, account={"fulfiller": {"shipAfter": "1d", "parcelsOf": 3}})
    order, handed = orchestrated(client, 4, 3)
    client.settle()
    shipments = client.ok(client.get("/shipments"))["data"][::-1]
    packed = [[item["quantity"] for item in shipment["items"]] for shipment in shipments]
    assert packed == [[3], [1, 2], [1]]
    assert [each["createdTime"][:10] for each in shipments] == ["2024-01-02", "2024-01-03", "2024-01-04"]
    assert len({each["trackingNumber"] for each in shipments}) == 3
    assert client.ok(client.get("/_sim/clock"))["nextDue"] is None
    assert client.ok(client.get(f"/orders/{order['id']}"))["capturedAmount"] == 70.0
    assert now(client, handed)["state"] == "shipped"


def test_an_automatic_fulfiller_leaves_alone_what_it_is_asked_to_cancel(client: Client) -> None:
    scenario(client, account={"fulfiller": {"shipAfter": "1h"}, "fulfillmentCancellations": "wait"})
    handed = hand_over(client, an_order(client, 3))
    asked = client.ok(ask(client, handed, 3), 201)
    client.advance("3d")
    assert counts(client, handed) == [(3, 0, 0, 0)]
    client.ok(client.post(f"/_sim/fulfillment-cancellations/{asked['id']}/reject"))
    client.advance("59m")
    assert counts(client, handed) == [(3, 0, 0, 0)]
    client.advance("1m")
    assert counts(client, handed) == [(0, 0, 3, 0)]


def test_an_automatic_fulfiller_that_takes_no_time_ships_at_once(client: Client) -> None:
    scenario(client, account={"fulfiller": {"shipAfter": "0s", "parcelsOf": 1, "backorder": "0s"}})
    order, handed = orchestrated(client, 3)
    client.settle("now")
    assert counts(client, handed) == [(0, 0, 3, 0)]
    scenario(client, account={"fulfiller": "manual"})
    _, later = orchestrated(client, 3)
    client.settle()
    assert counts(client, later) == [(3, 0, 0, 0)]
    assert client.ok(client.get(f"/orders/{order['id']}"))["state"] == "complete"


def test_one_long_wait_for_the_fulfiller_and_many_short_ones_make_the_same_history(client: Client) -> None:
    stories = []
    for steps in (1, 30):
        client.ok(client.post("/_sim/reset"))
        scenario(client, account={"fulfiller": {"shipAfter": "7h", "parcelsOf": 2, "backorder": "31h"}})
        orchestrated(client, 3, 2)
        for _ in range(steps):
            client.advance(f"{30 // steps * 8}h")
        stories.append(client.events())
    assert stories[0] == stories[1]


def test_a_settled_account_keeps_its_fulfiller_across_a_restart(tmp_path: Path) -> None:
    options = ("--db", str(tmp_path / "state.db"), "--clock", "manual")
    with Drsim(*options) as server:
        client = server.client("kept")
        fulfiller = {"shipAfter": "1d", "parcelsOf": 1}
        scenario(client, account={"fulfiller": fulfiller, "shipmentIds": "required", "fulfillmentReturns": "reject"})
        _, handed = orchestrated(client, 2)
        server.kill()
    with Drsim(*options) as server:
        client = server.client("kept")
        client.advance("1d")
        assert counts(client, handed) == [(1, 0, 1, 0)]
        refused(client.fulfill(an_order(client, 1)), 400, "missing_parameter", "shipmentId")


# Returns.


def test_a_return_is_on_its_way_and_then_taken_back(client: Client, receiver: Receiver) -> None:
    client.webhook(receiver.url, *LOGISTIC)
    handed = hand_over(client, an_order(client, 3))
    client.ok(notice(client, handed, "ship", 2), 201)
    attributes = [{"serialNumber": "1", "imeiNumber": "2"}]
    item = {"fulfillmentOrderItemId": handed["items"][0]["id"], "quantity": 2, "unitAttributes": attributes}
    body = {"fulfillmentOrderId": handed["id"], "items": [item], "upstreamId": 17, "reason": "broken"}
    back = client.ok(client.post("/fulfillment-returns", json=body), 201)
    assert (back["state"], back["type"], back["upstreamId"], back["reason"]) == ("created", "client", "17", "broken")
    assert back["items"][0]["unitAttributes"] == attributes
    refused(ask(client, handed, 1, to="returns"), 409, "quantity_too_large", "items[0].quantity")
    client.settle()
    told = [json.loads(each.body) for each in receiver.received][2:]
    assert [event["type"].partition(".")[2] for event in told] == ["created", "pending", "accepted"]
    assert told[-1]["data"]["object"] == client.get(f"/fulfillment-returns/{back['id']}").json()
    assert told[-1]["data"]["object"]["items"][0]["quantityAccepted"] == 2
    assert now(client, handed)["items"][0]["returned"] == 2


def test_a_return_may_be_taken_back_in_part_or_not_at_all(client: Client) -> None:
    scenario(client, account={"fulfillmentReturns": "wait"})
    handed = hand_over(client, an_order(client, 4))
    client.ok(notice(client, handed, "ship"), 201)
    first = client.ok(ask(client, handed, 2, to="returns"), 201)
    second = client.ok(ask(client, handed, 2, to="returns"), 201)
    client.settle()
    assert client.get(f"/fulfillment-returns/{first['id']}").json()["state"] == "pending"
    one = {"items": [{"fulfillmentOrderItemId": handed["items"][0]["id"], "quantity": 1}]}
    client.ok(client.post(f"/_sim/fulfillment-returns/{first['id']}/accept", json=one))
    rejected = client.ok(client.post(f"/_sim/fulfillment-returns/{second['id']}/reject"))
    assert (rejected["state"], rejected["items"][0]["quantityAccepted"]) == ("rejected", 0)
    refused(client.post(f"/_sim/fulfillment-returns/{second['id']}/accept"), 409, "already_answered", "id")
    assert now(client, handed)["items"][0]["returned"] == 1
    third = client.ok(ask(client, handed, 3, to="returns"), 201)
    client.ok(client.post(f"/_sim/fulfillment-returns/{third['id']}/accept"))  # before it was on its way
    assert client.event_types(type="fulfillment_return.*") == [
        *(["fulfillment_return.created"] * 2),
        *(["fulfillment_return.pending"] * 2),
        "fulfillment_return.accepted",
        "fulfillment_return.rejected",
        "fulfillment_return.created",
        "fulfillment_return.pending",
        "fulfillment_return.accepted",
    ]


# Lists.


def test_everything_is_listed_and_found(client: Client) -> None:
    orders = [an_order(client, 3) for _ in range(3)]
    handed = [hand_over(client, order) for order in orders]
    for each in handed:
        client.ok(notice(client, each, "ship", 1), 201)
        client.ok(ask(client, each, 1, upstreamId=f"c-{each['id']}"), 201)
        client.ok(ask(client, each, 1, to="returns"), 201)

    def ids(path: str, **params: Any) -> list[str]:
        return [each["id"] for each in client.ok(client.get(path, params=params))["data"]]

    first, second, third = (each["id"] for each in handed)
    assert ids("/fulfillment-orders") == [third, second, first]
    assert ids("/fulfillment-orders", limit=1, startingAfter=third) == [second]
    assert ids("/fulfillment-orders", upstreamIds=f"{orders[0]['id']},{orders[2]['id']}") == [third, first]
    assert ids("/fulfillment-orders", ids=second) == [second]
    assert ids("/fulfillment-orders", **{"updatedTime[gt]": "2024-01-01T00:00:00Z"}) == []
    client.advance("1h")
    client.ok(notice(client, handed[1], "ship", 1), 201)
    assert ids("/fulfillment-orders", **{"updatedTime[gte]": "2024-01-01T01:00:00Z"}) == [second]
    assert len(ids("/shipments")) == 4
    assert len(ids("/shipments", fulfillmentOrderId=second)) == 2
    for what in ("cancellations", "returns"):
        path = f"/fulfillment-{what}"
        assert len(ids(path)) == 3
        assert len(ids(path, state="accepted")) == 3
        assert ids(path, state="rejected") == []
        (only,) = ids(path, fulfillmentOrderId=first)
        assert client.ok(client.get(f"{path}/{only}"))["fulfillmentOrderId"] == first
        assert ids(path, inventoryItemId=orders[0]["items"][0]["skuId"]) == [only]
        refused(client.get(f"{path}/1"), 404, "not_found", "id")
    assert len(ids("/fulfillment-cancellations", upstreamIds=f"c-{first}")) == 1
    assert refused(client.get("/shipments/1"), 404, "not_found", "id")["message"] == "Shipment '1' not found."
    refused(client.get("/fulfillment-orders/1"), 404, "not_found", "id")


def test_events_of_a_fulfillment_order_stand_in_the_timeline_of_its_order(client: Client) -> None:
    order, handed = orchestrated(client, 1)
    client.ok(notice(client, handed, "backorder"))
    client.ok(notice(client, handed, "ship"), 201)
    entries = client.ok(client.get(f"/_sim/orders/{order['id']}/timeline"))["data"]
    told = [entry["type"] for entry in entries if entry["kind"] == "event"]
    assert [type for type in told if type in LOGISTIC] == [
        "fulfillment_order.pending",
        "fulfillment_order.backordered",
        "fulfillment_order.shipped",
    ]
    assert client.ok(client.get("/_sim/timeline"))["data"]


# Inventory.


def test_inventory_items_are_made_changed_found_and_deleted(client: Client) -> None:
    sent = {
        "id": "w-1",
        "partNumber": "p-1",
        "manufacturerId": "20013",
        "eccn": "EAR99",
        "hsCode": "1006.20.4025",
        "countryOfOrigin": "us",
        "allowOversell": True,
    }
    made = client.ok(client.post("/inventory-items", json=sent), 201)
    assert {name: made[name] for name in sent} == {**sent, "countryOfOrigin": "US"}
    assert client.ok(client.get("/inventory-items/w-1")) == made
    refused(client.post("/inventory-items", json=sent), 409, "already_exists", "id")
    refused(client.post("/inventory-items", json={"id": "w-2"}), 400, "missing_parameter", "partNumber")
    refused(client.post("/inventory-items", json={"partNumber": ""}), 400, "missing_parameter", "partNumber")
    refused(client.post("/inventory-items", json={"partNumber": "p", "x": 1}), 400, "unknown_parameter", "x")
    generated = client.ok(client.post("/inventory-items", json={"partNumber": 7}), 201)
    assert generated["partNumber"] == "7"
    client.advance("1h")
    changed = client.ok(client.post("/inventory-items/w-1", json={"partNumber": "p-2"}))
    assert changed == {**made, "partNumber": "p-2", "updatedTime": "2024-01-01T01:00:00Z"}
    found = client.ok(client.get("/inventory-items", params={"partNumber": "p-2"}))["data"]
    assert found == [changed]
    assert client.delete("/inventory-items/w-1").status_code == 204
    for response in (client.get("/inventory-items/w-1"), client.delete("/inventory-items/w-1")):
        assert refused(response, 404, "not_found", "id")["message"] == "InventoryItem 'w-1' not found."


def test_stock_is_held_taken_and_given_back(client: Client) -> None:
    order = an_order(client, 3)
    sku = order["items"][0]["skuId"]

    def level() -> int:
        (shown,) = client.ok(client.get("/inventory-levels", params={"inventoryItemIds": sku}))["data"]
        assert shown["available"] == (shown["availableQuantity"] > 0)
        return int(shown["availableQuantity"])

    assert level() == 1_000_000
    client.ok(client.patch(f"/_sim/inventory-items/{sku}", json={"stock": 5}))
    handed = hand_over(client, order)
    assert level() == 2
    client.ok(notice(client, handed, "ship", 1), 201)
    assert level() == 2
    client.ok(notice(client, handed, "cancel", 1))
    assert level() == 3
    body: JSON = {
        "items": [{"inventoryItemId": sku, "quantity": 3}],
        "shipTo": {"address": {"country": "US"}},
        "shippingChoice": {"serviceLevel": "SG"},
        "expiresInSeconds": 60,
    }
    held = client.ok(client.post("/reservations", json=body), 201)
    assert level() == 0
    assert client.get("/inventory-levels", params={"inventoryItemIds": sku, "available": "true"}).json() == {"data": []}
    with nothing_changes(client):
        refused(client.post("/reservations", json=body), 409, "out_of_inventory", "items[0].quantity")
        body["items"].insert(0, {"inventoryItemId": "x", "quantity": 1})
        refused(client.post("/reservations", json=body), 404, "not_found", "items[0].inventoryItemId")
    del body["items"][0]
    oversold = {**body, "id": "mine", "items": [{**body["items"][0], "allowOversell": True}]}
    client.ok(client.post("/reservations", json=oversold), 201)
    refused(client.post("/reservations", json=oversold), 409, "already_exists", "id")
    assert client.delete("/reservations/mine").status_code == 204
    refused(client.delete("/reservations/mine"), 404, "not_found", "id")
    assert level() == 0
    client.advance("60s")
    assert level() == 3
    refused(client.delete(f"/reservations/{held['id']}"), 404, "not_found", "id")
    client.ok(client.patch(f"/_sim/inventory-items/{sku}", json={"stock": None}))
    assert level() == 1_000_000


@pytest.mark.parametrize(
    ("change", "code", "parameter"),
    [
        ({"items": []}, "missing_parameter", "items"),
        ({"items": [{"inventoryItemId": "w"}]}, "missing_parameter", "items[0].quantity"),
        ({"shipTo": None}, "missing_parameter", "shipTo"),
        ({"shippingChoice": None}, "missing_parameter", "shippingChoice"),
        ({"expiresInSeconds": None}, "missing_parameter", "expiresInSeconds"),
        ({"expiresInSeconds": -1}, "invalid_integer", "expiresInSeconds"),
        ({"expiresInSeconds": 0}, "invalid_parameter", "expiresInSeconds"),
        ({"expiresInSeconds": 10**12}, "invalid_parameter", "expiresInSeconds"),
    ],
)
def test_a_reservation_that_makes_no_sense_is_refused(client: Client, change: JSON, code: str, parameter: str) -> None:
    client.ok(client.post("/inventory-items", json={"id": "w", "partNumber": "p"}), 201)
    body = {
        "items": [{"inventoryItemId": "w", "quantity": 1}],
        "shipTo": {"address": {"country": "US"}},
        "shippingChoice": {},
        "expiresInSeconds": 60,
    }
    refused(client.post("/reservations", json={**body, **change}), 400, code, parameter)
    client.ok(client.post("/reservations", json=body), 201)


def test_levels_have_to_be_asked_for_by_name(client: Client) -> None:
    refused(client.get("/inventory-levels"), 400, "missing_parameter", "inventoryItemIds")
    asked = {"inventoryItemIds": "x", "available": "perhaps"}
    refused(client.get("/inventory-levels", params=asked), 400, "invalid_boolean", "available")
    assert client.ok(client.get("/inventory-levels", params={"inventoryItemIds": "x"})) == {"data": []}


@pytest.mark.parametrize(
    ("to", "delivery", "levels"),
    [
        ("US", None, ["SG", "D2", "D1"]),
        ("DE", "standard", ["IS", "IC"]),
        ("US", "access_point", ["AG", "A1"]),
        ("JP", "cash_on_delivery", ["COD"]),
    ],
)
def test_quotes_tell_the_ways_to_ship(client: Client, to: str, delivery: str | None, levels: list[str]) -> None:
    client.ok(client.post("/inventory-items", json={"id": "w", "partNumber": "p"}), 201)
    body = {"currency": "JPY", "items": [{"inventoryItemId": "w", "price": 5, "quantity": 1}], "deliveryType": delivery}
    for ship_to in ({"country": to, "state": "MN", "postalCode": "1"}, {"address": {"country": to}}):
        quotes = client.ok(client.post("/shipping-quotes", json={**body, "shipTo": ship_to}), 201)["quotes"]
        assert [each["id"] for each in quotes] == levels
        assert {each["shipping"]["currency"] for each in quotes} == {"JPY"}
    for change, status, parameter in (
        ({"shipTo": {}}, 400, "shipTo.country"),
        ({"shipTo": {"country": to}, "items": []}, 400, "items"),
        ({"shipTo": {"country": to}, "items": [{"inventoryItemId": "w", "quantity": 0}]}, 400, "items[0].quantity"),
        (
            {"shipTo": {"country": to}, "items": [{"inventoryItemId": "x", "quantity": 1}]},
            404,
            "items[0].inventoryItemId",
        ),
        ({"shipTo": {"country": to}, "currency": "ABC"}, 400, "currency"),
        ({"shipTo": {"country": to}, "deliveryType": "drone"}, 400, "deliveryType"),
    ):
        refused(client.post("/shipping-quotes", json={**body, **change}), status, None, parameter)


# The model of a line comes from its SKU.


def bought(client: Client, *skus: str) -> JSON:
    """An order of two of each SKU, made of a checkout that store credit pays for."""
    address = {"line1": "1 Street", "city": "Minnetonka", "postalCode": "55343", "state": "MN", "country": "US"}
    party = {"name": "Sam", "address": address}
    body = {
        "currency": "USD",
        "email": "sam@example.com",
        "items": [{"skuId": sku, "price": 10, "quantity": 2} for sku in skus],
        "shipFrom": party,
        "shipTo": party,
        "billTo": party,
        "shippingChoice": {"amount": 5, "serviceLevel": "D1"},
    }
    checkout = client.ok(client.post("/checkouts", json=body), 201)
    older, credit = {"DigitalRiver-Version": "2021-02-23"}, {"creditAmount": checkout["totalAmount"]}
    client.ok(client.post(f"/checkouts/{checkout['id']}", json=credit, headers=older))
    order: JSON = client.ok(client.post("/orders", json={"checkoutId": checkout["id"]}), 201)
    return order


def sku(client: Client, id: str, **more: Any) -> None:
    """A new SKU."""
    body = {"id": id, "name": id, "eccn": "EAR99", "taxCode": "4323.310_A", "countryOfOrigin": "US"}
    client.ok(client.post("/skus", json={**body, **more}), 201)


def test_a_sku_that_the_vendor_manages_has_its_inventory_item(client: Client) -> None:
    more = {"partNumber": "p-1", "manufacturerId": "20013", "hsCode": "1006.20.4025"}
    sku(client, "managed", managedFulfillment="DRGlobalFulfillment", **more)
    item = client.ok(client.get("/inventory-items/managed"))
    assert {name: item[name] for name in more} == more
    assert (item["eccn"], item["countryOfOrigin"]) == ("EAR99", "US")
    client.ok(client.post("/skus/managed", json={"partNumber": "p-2"}))
    assert client.ok(client.get("/inventory-items/managed"))["partNumber"] == "p-2"
    sku(client, "plain")
    refused(client.get("/inventory-items/plain"), 404, "not_found")


def test_the_skus_of_a_checkout_say_who_ships_each_line(client: Client) -> None:
    sku(client, "managed", managedFulfillment="DRGlobalFulfillment", partNumber="p-1")
    sku(client, "paired")
    client.ok(client.post("/inventory-items", json={"id": "paired", "partNumber": "p-2"}), 201)
    sku(client, "own")
    sku(client, "download", taxCode="4323.320_A")
    client.ok(client.post("/inventory-items", json={"id": "download", "partNumber": "p-3"}), 201)
    order = bought(client, "managed", "paired", "own", "download")
    managed, paired, *_ = order["items"]
    (handed,) = client.ok(client.get("/fulfillment-orders"))["data"]
    assert [item["upstreamId"] for item in handed["items"]] == [managed["id"]]
    assert (handed["shippingChoice"], handed["email"]) == ({"id": "D1"}, "sam@example.com")
    item = {"inventoryItemId": "paired", "quantity": 2, "upstreamId": paired["id"]}
    ours = client.ok(client.post("/fulfillment-orders", json=handover(order, items=[item])), 201)
    refused(client.fulfill(order, line(order, 1, item=1)), 400, "missing_parameter", "shipmentId")
    client.ok(client.fulfill(order, line(order, 2, item=2), line(order, 2, item=3)), 201)
    shipment = client.ok(notice(client, ours, "ship"), 201)
    client.ok(client.post("/fulfillments", json=parcel_body(shipment)), 201)
    theirs = client.ok(notice(client, handed, "ship"), 201)
    assert theirs["items"][0]["partNumber"] == "p-1"
    client.settle()
    shown = client.ok(client.get(f"/orders/{order['id']}"))
    assert (shown["state"], shown["capturedAmount"]) == ("complete", order["totalAmount"])


# Any sequence of what anybody may do.

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ship", "backorder", "cancel", "ask", "fulfill", "drop", "advance"]),
        st.lists(st.integers(0, 3), min_size=2, max_size=2),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(1, 4), min_size=2, max_size=2), st.sampled_from(["distributed", "orchestrated"]), STEPS)
def test_whatever_is_said_and_sent_no_unit_is_counted_twice_and_no_cent_lost(
    drsim: Drsim, another: Connect, quantities: list[int], model: str, steps: list[tuple[str, list[int]]]
) -> None:
    client = another(f"any{abs(hash((tuple(quantities), model, str(steps)))):x}"[:60])
    order = an_order(client, *quantities, model=model)
    if model == "distributed":
        hand_over(client, order)
    (handed,) = client.ok(client.get("/fulfillment-orders"))["data"]
    shipments: list[JSON] = []
    for what, units in steps:
        if what in ("ship", "backorder", "cancel"):
            response = notice(client, handed, what, *units)
            if what == "ship" and response.status_code == 201:
                shipments.append(response.json())
        elif what == "ask":
            response = ask(client, handed, *units)
        elif what == "fulfill" and shipments:
            response = client.post("/fulfillments", json=parcel_body(shipments.pop(0)))
        elif what == "drop" and any(units):
            lines = [line(order, cancel=count, item=place) for place, count in enumerate(units) if count]
            response = client.post("/fulfillments", json={"orderId": order["id"], "items": lines})
        else:
            client.advance("1m")
            continue
        assert response.status_code in (200, 201, 400, 409), response.text
        for quantity, each in zip(quantities, counts(client, handed), strict=True):
            assert sum(each) == quantity
            assert min(each) >= 0
    client.settle()
    shown = client.ok(client.get(f"/orders/{order['id']}"))
    charge = client.ok(client.get(f"/charges/{order['payment']['charges'][0]['id']}"))
    moved = sum(each["amount"] for name in ("captures", "cancels") for each in charge.get(name, ()))
    assert moved == shown["capturedAmount"] + shown["cancelledAmount"] <= order["totalAmount"]
    fulfilled: Counter[str] = Counter()
    for fulfillment in client.ok(client.get("/fulfillments", params={"limit": 100}))["data"]:
        for item in fulfillment["items"]:
            fulfilled[item["itemId"]] += item["quantity"] + item["cancelQuantity"]
    for item in order["items"]:
        assert fulfilled[item["id"]] <= item["quantity"]
