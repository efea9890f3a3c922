"""`/fulfillments`: everything it answers when it says yes, and the exact body of every no."""

import re
from typing import Any

import pytest

from tests.harness import JSON, Client
from tests.web.worlds import (
    SECONDS,
    UUID,
    amounts,
    charge_now,
    charge_of_type,
    error,
    events_since,
    everything,
    line,
    nothing_changes,
    order_now,
    refused,
    scenario,
)

TOO_LARGE = error(
    "conflict",
    "quantity_too_large",
    "Sum of quantity and cancelQuantity may not exceed sku quantity of the order.",
    "quantity",
)
TWO_LINES: list[JSON] = [
    {"name": "Widget", "skuId": "sku_widget", "price": 10.0, "quantity": 2},
    {"name": "Gadget", "skuId": "sku_gadget", "price": 25.5, "quantity": 1},
]


def made(client: Client, order: JSON, *lines: JSON, **more: Any) -> JSON:
    body: JSON = client.ok(client.fulfill(order, *lines, **more), 201)
    return body


# What a yes looks like.


def test_answer_is_the_fulfillment_alone_with_its_keys_in_the_vendors_order(client: Client) -> None:
    order = client.order()
    body = made(client, order, line(order, 3))
    assert list(body) == ["id", "createdTime", "items", "orderId", "liveMode"]
    assert list(body["items"][0]) == ["quantity", "cancelQuantity", "skuId", "itemId"]
    assert re.fullmatch(f"ful_{UUID}", body["id"])
    assert re.fullmatch(SECONDS, body["createdTime"])
    item = order["items"][0]
    assert body["items"] == [{"quantity": 3, "cancelQuantity": 0, "skuId": item["skuId"], "itemId": item["id"]}]
    assert body["orderId"] == order["id"]
    assert body["liveMode"] is False


def test_a_cancel_shows_a_quantity_of_zero(client: Client) -> None:
    order = client.order()
    (item,) = made(client, order, line(order, cancel=2))["items"]
    assert (item["quantity"], item["cancelQuantity"]) == (0, 2)


def test_one_line_may_fulfil_and_cancel_at_once(client: Client) -> None:
    order = client.order()
    (item,) = made(client, order, line(order, 2, 1))["items"]
    assert (item["quantity"], item["cancelQuantity"]) == (2, 1)
    charge = charge_now(client, order)
    assert (amounts(charge["captures"]), amounts(charge["cancels"])) == ([25.21], [12.6])
    assert order_now(client, order)["state"] == "fulfilled"


@pytest.mark.parametrize("quantity", [2, "2", 2.0, "2.0", " 2 ", "+2"])
def test_quantities_sent_as_texts_or_whole_floats_come_back_as_integers(client: Client, quantity: Any) -> None:
    order = client.order()
    (item,) = made(client, order, line(order, quantity))["items"]
    assert type(item["quantity"]) is int
    assert (item["quantity"], item["cancelQuantity"]) == (2, 0)


@pytest.mark.parametrize("nothing", [0, "0", 0.0, None, ""])
def test_the_unused_one_of_the_two_quantities_may_be_zero_or_null(client: Client, nothing: Any) -> None:
    order = client.order()
    first = made(client, order, {**line(order, 1), "cancelQuantity": nothing})["items"][0]
    assert (first["quantity"], first["cancelQuantity"]) == (1, 0)
    second = made(client, order, {**line(order, cancel=1), "quantity": nothing})["items"][0]
    assert (second["quantity"], second["cancelQuantity"]) == (0, 1)


def test_ids_may_be_sent_as_numbers_and_come_back_as_texts(client: Client) -> None:
    order = client.order()
    item = order["items"][0]["id"]
    body = client.ok(
        client.post(
            "/fulfillments", json={"orderId": int(order["id"]), "items": [{"itemId": int(item), "quantity": 1}]}
        ),
        201,
    )
    assert (body["orderId"], body["items"][0]["itemId"]) == (order["id"], item)


def test_what_is_only_kept_comes_back_between_the_order_id_and_the_mode(client: Client) -> None:
    order = client.order()
    kept = {
        "shipmentId": "100002369153",
        "trackingCompany": "Fedex",
        "trackingNumber": "Z10100002632653",
        "trackingUrl": "http://www.fedex.com/Tracking?tracknumbers=Z10100002632653",
        "currency": "USD",
        "metadata": {"parcel": 7, "fragile": True, "note": "über"},
    }
    body = made(client, order, line(order, 1), **kept)
    assert list(body)[:4] == ["id", "createdTime", "items", "orderId"]
    assert list(body)[-1] == "liveMode"
    assert {name: body[name] for name in kept} == kept
    assert set(body) == {"id", "createdTime", "items", "orderId", "liveMode", *kept}


def test_lines_keep_their_shipment_item_and_tracking(client: Client) -> None:
    order = client.order()
    kept: JSON = {
        "shipmentItemId": "100002369154",
        "trackingCompany": "UPS",
        "trackingNumber": "1Z",
        "trackingUrl": "https://example.com/1Z",
        "subfulfillerId": "sub",
        "distributorCost": 3.5,
        "shippingCost": 1.25,
    }
    (item,) = made(client, order, line(order, 1, **kept), currency="USD")["items"]
    assert {name: item[name] for name in kept} == kept


def test_null_is_the_same_as_absent(client: Client) -> None:
    order = client.order()
    nulls = dict.fromkeys(
        ["shipmentId", "trackingCompany", "trackingNumber", "trackingUrl", "currency", "metadata"], None
    )
    body = made(client, order, line(order, 1, shipmentItemId=None, trackingNumber=None), **nulls)
    assert list(body) == ["id", "createdTime", "items", "orderId", "liveMode"]
    assert list(body["items"][0]) == ["quantity", "cancelQuantity", "skuId", "itemId"]


def test_the_same_item_twice_is_two_operations(client: Client) -> None:
    order = client.order()
    body = made(client, order, line(order, 1), line(order, 2))
    assert [item["quantity"] for item in body["items"]] == [1, 2]
    assert amounts(charge_now(client, order)["captures"]) == [12.61, 25.2]
    assert order_now(client, order)["state"] == "fulfilled"


def test_each_line_makes_a_capture_of_its_own_in_the_orders_order_of_lines(client: Client) -> None:
    order = client.order(items=TWO_LINES)
    body = made(client, order, line(order, 1, item=1), line(order, 2, item=0))
    assert [item["skuId"] for item in body["items"]] == ["sku_gadget", "sku_widget"]
    widget, gadget = order["items"]
    shares = [
        sum(
            [
                item["amount"],
                item["tax"]["amount"],
                item["shipping"]["amount"],
                item["shipping"]["taxAmount"],
            ]
        )
        for item in (widget, gadget)
    ]
    assert amounts(charge_now(client, order)["captures"]) == [round(share, 2) for share in shares]


def test_a_partial_operation_takes_its_share_rounded_up_and_the_last_unit_what_is_left(client: Client) -> None:
    order = client.order()
    for _ in range(3):
        made(client, order, line(order, 1))
    assert amounts(charge_now(client, order)["captures"]) == [12.61, 12.61, 12.59]
    assert order_now(client, order)["capturedAmount"] == 37.81


def test_captures_and_cancels_together_never_exceed_the_charge(client: Client) -> None:
    order = client.order(items=[{"price": 0.01, "quantity": 5}], shipping=0.0)
    for _ in range(5):
        made(client, order, line(order, 1))
    assert amounts(charge_now(client, order)["captures"]) == [0.01] * 5
    cents = client.order(
        items=[{"price": 0.01, "quantity": 1}, {"price": 0.02, "quantity": 2}], taxRate=0.5, shipping=0
    )
    made(client, cents, line(cents, 1, item=1))
    made(client, cents, line(cents, 1, item=0))
    made(client, cents, line(cents, cancel=1, item=1))
    charge = charge_now(client, cents)
    taken = amounts(charge["captures"]) + amounts(charge.get("cancels", []))
    assert round(sum(taken), 2) == charge["amount"] == cents["totalAmount"]
    assert min(taken) > 0


def test_a_failed_capture_gives_its_amount_back_to_the_last_open_unit(client: Client) -> None:
    order = client.order(source={"number": "4000 0000 0000 4103"})
    made(client, order, line(order, 1))
    client.settle()
    made(client, order, line(order, 2))
    assert amounts(charge_now(client, order)["captures"]) == [12.61, 37.81]


def test_captures_drain_store_credit_first_and_cancels_the_card(client: Client) -> None:
    order = client.order(storeCredit=11.0)
    made(client, order, line(order, 1))
    made(client, order, line(order, cancel=1))
    credit, card = (charge_of_type(client, order, kind) for kind in ("customerCredit", "creditCard"))
    assert (credit["amount"], card["amount"]) == (11.0, 26.81)
    assert amounts(credit["captures"]) == [11.0]
    assert amounts(card["captures"]) == [1.61]
    assert amounts(card["cancels"]) == [12.61]
    assert "cancels" not in credit


def test_what_one_charge_cannot_give_the_other_one_does(client: Client) -> None:
    order = client.order(storeCredit=30.0)
    made(client, order, line(order, cancel=1))
    made(client, order, line(order, 2))
    credit, card = (charge_of_type(client, order, kind) for kind in ("customerCredit", "creditCard"))
    assert (credit["amount"], card["amount"]) == (30.0, 7.81)
    assert (amounts(card["cancels"]), amounts(credit["cancels"])) == ([7.81], [4.8])
    assert amounts(credit["captures"]) == [25.2]
    assert "captures" not in card


def test_an_order_paid_with_store_credit_alone_is_captured_from_it(client: Client) -> None:
    order = client.order(storeCredit=37.81)
    assert [source["type"] for source in order["payment"]["sources"]] == ["customerCredit"]
    made(client, order, line(order, 1, 2))
    client.settle()
    charge = charge_now(client, order)
    assert (amounts(charge["captures"]), amounts(charge["cancels"])) == ([12.61], [25.2])
    assert order_now(client, order)["state"] == "complete"


def test_yen_are_rounded_to_whole_yen(client: Client) -> None:
    order = client.order(
        currency="JPY", items=[{"price": 33, "quantity": 1}, {"price": 100, "quantity": 3}], shipping=0
    )
    made(client, order, line(order, 1, item=1))
    assert amounts(charge_now(client, order)["captures"]) == [108.0]  # 324 yen with tax for three
    assert order["items"][0]["amount"] == 33.0


def test_an_order_that_costs_nothing_can_be_fulfilled_without_money(client: Client) -> None:
    order = client.order(items=[{"price": 0, "quantity": 1}], shipping=0.0)
    made(client, order, line(order, 1))
    client.settle()
    now = order_now(client, order)
    assert (now["totalAmount"], now["state"], now["capturedAmount"]) == (0.0, "complete", 0.0)


# Retrieve, list and change.


def test_retrieving_adds_the_operations_it_caused_and_the_order_without_payment(client: Client) -> None:
    order = client.order()
    fulfillment = made(client, order, line(order, 1, 1))
    client.settle()
    body = client.ok(client.get(f"/fulfillments/{fulfillment['id']}"))
    assert list(body) == [*fulfillment, "chargeOperationIds", "orderDetails"]
    assert {name: body[name] for name in fulfillment} == fulfillment
    charge = charge_now(client, order)
    assert body["chargeOperationIds"] == [charge["captures"][0]["id"], charge["cancels"][0]["id"]]
    now = order_now(client, order)
    del now["payment"]
    assert body["orderDetails"] == now
    assert list(body["orderDetails"]) == list(now)


def test_operations_of_another_fulfillment_are_not_its_own(client: Client) -> None:
    order = client.order()
    first = made(client, order, line(order, 1))
    second = made(client, order, line(order, 1))
    captures = charge_now(client, order)["captures"]
    for fulfillment, capture in zip((first, second), captures, strict=True):
        body = client.ok(client.get(f"/fulfillments/{fulfillment['id']}"))
        assert body["chargeOperationIds"] == [capture["id"]]
        assert capture["fulfillmentId"] == fulfillment["id"]


def test_a_fulfillment_on_two_charges_names_both_operations(client: Client) -> None:
    order = client.order(storeCredit=11.0)
    fulfillment = made(client, order, line(order, 3))
    ids = client.ok(client.get(f"/fulfillments/{fulfillment['id']}"))["chargeOperationIds"]
    captures = [charge_of_type(client, order, kind)["captures"] for kind in ("customerCredit", "creditCard")]
    assert sorted(ids) == sorted(capture["id"] for (capture,) in captures)


def test_the_event_holds_the_order_and_the_list_does_not(client: Client) -> None:
    order = client.order()
    fulfillment = made(client, order, line(order, 1))
    (event,) = client.events(type="fulfillment.created")
    assert list(event["data"]["object"]) == [*fulfillment, "orderDetails"]
    assert client.ok(client.get("/fulfillments"))["data"] == [fulfillment]


def test_an_unknown_fulfillment_is_not_found(client: Client) -> None:
    response = client.get("/fulfillments/ful_nothing")
    assert response.status_code == 404
    assert response.json() == error("not_found", "not_found", "Fulfillment 'ful_nothing' not found.", "id")


def test_tracking_can_be_added_afterwards_without_an_event(client: Client) -> None:
    order = client.order()
    fulfillment = made(client, order, line(order, 1))
    before, events = order_now(client, order), client.events()
    tracking = {"trackingCompany": "Fedex", "trackingNumber": "Z1", "trackingUrl": "https://example.com/Z1"}
    item = {"itemId": int(order["items"][0]["id"]), "trackingNumber": "Z2"}
    body = client.ok(client.post(f"/fulfillments/{fulfillment['id']}", json={**tracking, "items": [item]}))
    assert {name: body[name] for name in tracking} == tracking
    assert body["items"] == [{**fulfillment["items"][0], "trackingNumber": "Z2"}]
    assert client.ok(client.get("/fulfillments", params={"trackingNumber": "Z1"}))["data"] == [body]
    assert client.ok(client.get("/fulfillments", params={"trackingNumber": "Z2"}))["data"] == [body]
    assert (order_now(client, order), client.events()) == (before, events)


def test_new_tracking_replaces_old_and_leaves_the_rest(client: Client) -> None:
    order = client.order()
    fulfillment = made(client, order, line(order, 1), trackingCompany="UPS", trackingNumber="1")
    body = client.ok(client.post(f"/fulfillments/{fulfillment['id']}", json={"trackingNumber": "2"}))
    assert (body["trackingCompany"], body["trackingNumber"]) == ("UPS", "2")
    assert client.ok(client.get("/fulfillments", params={"trackingNumber": "1"}))["data"] == []


def test_metadata_of_a_fulfillment_is_merged_and_an_empty_text_removes_a_key(client: Client) -> None:
    order = client.order()
    fulfillment = made(client, order, line(order, 1), metadata={"a": "1", "b": "2"})
    path = f"/fulfillments/{fulfillment['id']}"
    body = client.ok(client.post(path, json={"metadata": {"b": "", "c": 3}}))
    assert body["metadata"] == {"a": "1", "c": 3}


def test_two_entries_of_one_item_in_a_change_are_both_applied(client: Client) -> None:
    order = client.order()
    fulfillment = made(client, order, line(order, 1))
    item = {"itemId": order["items"][0]["id"]}
    entries = [{**item, "trackingCompany": "UPS"}, {**item, "trackingNumber": "1Z"}]
    body = client.ok(client.post(f"/fulfillments/{fulfillment['id']}", json={"items": entries}))
    assert (body["items"][0]["trackingCompany"], body["items"][0]["trackingNumber"]) == ("UPS", "1Z")


@pytest.mark.parametrize(
    ("change", "status", "expected"),
    [
        (
            {"quantity": 1},
            400,
            error("bad_request", "unknown_parameter", "'quantity' is an unknown parameter.", "quantity"),
        ),
        (
            {"orderId": "1"},
            400,
            error("bad_request", "unknown_parameter", "'orderId' is an unknown parameter.", "orderId"),
        ),
        (
            {"items": [{"itemId": "ITEM", "cancelQuantity": 1}]},
            400,
            error(
                "bad_request",
                "unknown_parameter",
                "'cancelQuantity' is an unknown parameter.",
                "items[0].cancelQuantity",
            ),
        ),
        (
            {"items": [{"trackingNumber": "1"}]},
            400,
            error("bad_request", "missing_parameter", "A parameter is missing.", "items[0].itemId"),
        ),
        (
            {"items": [{"itemId": "ITEM"}, {"itemId": "nope"}]},
            400,
            error("bad_request", "invalid_parameter", "'nope' is not a valid itemId.", "items[1].itemId"),
        ),
        (
            {"items": [{"itemId": "ITEM"}, {"itemId": "ITEM"}, {"itemId": "nope"}]},
            400,
            error("bad_request", "invalid_parameter", "'nope' is not a valid itemId.", "items[2].itemId"),
        ),
    ],
)
def test_only_tracking_and_metadata_can_be_changed(client: Client, change: JSON, status: int, expected: JSON) -> None:
    order = client.order()
    fulfillment = made(client, order, line(order, 1))
    for item in change.get("items", []):
        if item.get("itemId") == "ITEM":
            item["itemId"] = order["items"][0]["id"]
    with nothing_changes(client):
        response = client.post(f"/fulfillments/{fulfillment['id']}", json=change)
    assert (response.status_code, response.json()) == (status, expected)


def test_changing_an_unknown_fulfillment_is_not_found(client: Client) -> None:
    response = client.post("/fulfillments/ful_nothing", json={"trackingNumber": "1"})
    assert response.status_code == 404
    assert response.json() == error("not_found", "not_found", "Fulfillment 'ful_nothing' not found.", "id")


def test_an_empty_change_changes_nothing(client: Client) -> None:
    order = client.order()
    fulfillment = made(client, order, line(order, 1))
    with nothing_changes(client):
        assert client.ok(client.post(f"/fulfillments/{fulfillment['id']}")) == fulfillment


# Every no: the body, and nothing has changed.


def no(client: Client, body: Any, status: int, expected: JSON) -> None:
    with nothing_changes(client):
        response = client.post("/fulfillments", json=body)
    assert (response.status_code, response.json()) == (status, expected)


def test_an_unknown_order_is_not_found(client: Client) -> None:
    client.order()
    body = {"orderId": "999999990336", "items": [{"itemId": "1", "quantity": 1}]}
    no(client, body, 404, error("not_found", "not_found", "Order '999999990336' not found.", "orderId"))


def test_an_item_of_no_order_or_another_order_is_refused_by_its_place(client: Client) -> None:
    order, other = client.order(), client.order()
    for stranger in ("nope", other["items"][0]["id"]):
        body = {"orderId": order["id"], "items": [line(order, 1), {"itemId": stranger, "quantity": 1}]}
        expected = error("bad_request", "invalid_parameter", f"'{stranger}' is not a valid itemId.", "items[1].itemId")
        no(client, body, 400, expected)


MISSING = {
    "nothing at all": ({}, "orderId"),
    "no order": ({"items": [{"itemId": "1", "quantity": 1}]}, "orderId"),
    "order null": ({"orderId": None, "items": [{"itemId": "1", "quantity": 1}]}, "orderId"),
    "order empty": ({"orderId": "", "items": [{"itemId": "1", "quantity": 1}]}, "orderId"),
    "no items": ({"orderId": "ORDER"}, "items"),
    "items null": ({"orderId": "ORDER", "items": None}, "items"),
    "items empty": ({"orderId": "ORDER", "items": []}, "items"),
    "no item id": ({"orderId": "ORDER", "items": [{"quantity": 1}]}, "items[0].itemId"),
    "item id null": ({"orderId": "ORDER", "items": [{"itemId": None, "quantity": 1}]}, "items[0].itemId"),
    "second item id": (
        {"orderId": "ORDER", "items": [{"itemId": "ITEM", "quantity": 1}, {"cancelQuantity": 1}]},
        "items[1].itemId",
    ),
    "no quantity": ({"orderId": "ORDER", "items": [{"itemId": "ITEM"}]}, "items[0].quantity"),
    "quantity zero": ({"orderId": "ORDER", "items": [{"itemId": "ITEM", "quantity": 0}]}, "items[0].quantity"),
    "both zero": (
        {"orderId": "ORDER", "items": [{"itemId": "ITEM", "quantity": 0, "cancelQuantity": "0"}]},
        "items[0].quantity",
    ),
    "both null": (
        {"orderId": "ORDER", "items": [{"itemId": "ITEM", "quantity": None, "cancelQuantity": None}]},
        "items[0].quantity",
    ),
    "nothing to do in the second line": (
        {"orderId": "ORDER", "items": [{"itemId": "ITEM", "quantity": 1}, {"itemId": "ITEM", "cancelQuantity": 0}]},
        "items[1].quantity",
    ),
    "cost without currency": (
        {"orderId": "ORDER", "items": [{"itemId": "ITEM", "quantity": 1, "shippingCost": 1.0}]},
        "currency",
    ),
}


def filled(value: Any, order: JSON) -> Any:
    """A body with the order's ids in place of the words ORDER and ITEM."""
    if isinstance(value, dict):
        return {key: filled(each, order) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, order) for each in value]
    return (
        {"ORDER": order["id"], "ITEM": order["items"][0]["id"]}.get(value, value) if isinstance(value, str) else value
    )


@pytest.mark.parametrize("case", MISSING)
def test_what_is_missing_is_named_by_its_path(client: Client, case: str) -> None:
    body, parameter = MISSING[case]
    expected = error("bad_request", "missing_parameter", "A parameter is missing.", parameter)
    no(client, filled(body, client.order()), 400, expected)


@pytest.mark.parametrize("field", ["quantity", "cancelQuantity"])
@pytest.mark.parametrize(
    ("value", "shown"),
    [(-1, "-1"), ("-1", "-1"), (1.5, "1.5"), ("1.5", "1.5"), ("two", "two"), (True, "true"), ([], "[]"), ([1], "[1]")],
)
def test_a_quantity_that_counts_no_units_is_refused(client: Client, field: str, value: Any, shown: str) -> None:
    order = client.order()
    body = {"orderId": order["id"], "items": [{"itemId": order["items"][0]["id"], "quantity": 1, field: value}]}
    expected = error("bad_request", "invalid_integer", f"'{shown}' is not a valid integer.", f"items[0].{field}")
    no(client, body, 400, expected)


@pytest.mark.parametrize(
    "value", [{"a": 1}, {}, -1e19, -1e308, -(10**30), "-" + "9" * 19, "9" * 400, "1e3", "٣", "1_0"]
)
def test_what_is_no_count_at_all_is_refused_however_large_it_is(client: Client, value: Any) -> None:
    order = client.order()
    with nothing_changes(client):
        refused(client.fulfill(order, line(order, value)), 400, "invalid_integer", "items[0].quantity")


def test_a_field_that_is_not_known_is_refused_before_anything_else(client: Client) -> None:
    order = client.order()
    unknown = error("bad_request", "unknown_parameter", "'colour' is an unknown parameter.", "colour")
    no(client, {"colour": "red"}, 400, unknown)
    no(
        client,
        {"orderId": order["id"], "items": [line(order, -1)], "colour": None, "shade": 1},
        400,
        {
            "type": "bad_request",
            "errors": [
                {"code": "unknown_parameter", "parameter": "shade", "message": "'shade' is an unknown parameter."}
            ],
        },
    )
    inside = error("bad_request", "unknown_parameter", "'colour' is an unknown parameter.", "items[0].colour")
    no(client, {"orderId": order["id"], "items": [line(order, 1, colour="red")]}, 400, inside)


def test_missing_comes_before_wrong_and_wrong_before_unknown_orders(client: Client) -> None:
    client.order()
    missing = error("bad_request", "missing_parameter", "A parameter is missing.", "orderId")
    no(client, {"items": [{"itemId": "1", "quantity": -1}]}, 400, missing)
    wrong = error("bad_request", "invalid_integer", "'-1' is not a valid integer.", "items[0].quantity")
    no(client, {"orderId": "nope", "items": [{"itemId": "1", "quantity": -1}]}, 400, wrong)


@pytest.mark.parametrize("value", ["text", 1, True, {"itemId": "1"}, ["text"], [1], [[]]])
def test_items_must_be_a_list_of_mappings(client: Client, value: Any) -> None:
    order = client.order()
    with nothing_changes(client):
        refused(client.post("/fulfillments", json={"orderId": order["id"], "items": value}), 400, "invalid_parameter")


@pytest.mark.parametrize("value", [True, {}, [], ["1"], "x" * 300])
def test_an_order_id_must_be_an_id(client: Client, value: Any) -> None:
    order = client.order()
    with nothing_changes(client):
        response = client.post("/fulfillments", json={"orderId": value, "items": [line(order, 1)]})
        refused(response, 400, "invalid_parameter", "orderId")


@pytest.mark.parametrize(
    ("metadata", "code", "parameter"),
    [
        ({f"key{n}": n for n in range(21)}, "too_many_metadata_pairs", "metadata"),
        ({"k" * 41: 1}, "invalid_metadata_key", f"metadata.{'k' * 40}"),
        ({"": 1}, "invalid_metadata_key", None),
        ({"key": "v" * 501}, "invalid_metadata_value", "metadata.key"),
        ({"key": ["v" * 497]}, "invalid_metadata_value", "metadata.key"),
        ("text", "invalid_parameter", "metadata"),
        ([1], "invalid_parameter", "metadata"),
    ],
)
def test_metadata_has_limits(client: Client, metadata: Any, code: str, parameter: str | None) -> None:
    order = client.order()
    with nothing_changes(client):
        refused(client.fulfill(order, line(order, 1), metadata=metadata), 400, code, parameter)


def test_metadata_at_its_limits_is_kept(client: Client) -> None:
    order = client.order()
    metadata = {**{f"key{n}": n for n in range(17)}, "k" * 40: "v" * 500, "list": ["v" * 496], "deep": {"a": [1, None]}}
    assert len(metadata) == 20
    assert made(client, order, line(order, 1), metadata=metadata)["metadata"] == metadata


def test_more_units_than_ordered_are_refused(client: Client) -> None:
    order = client.order()
    for lines in (
        [line(order, 4)],
        [line(order, cancel=4)],
        [line(order, 2, 2)],
        [line(order, 2), line(order, 2)],
        [line(order, 3), line(order, cancel=1)],
        [line(order, 10**15)],
        [line(order, "999999999999999999")],
        [line(order, 10**30)],
    ):
        no(client, {"orderId": order["id"], "items": lines}, 409, TOO_LARGE)


def test_more_units_than_left_are_refused(client: Client) -> None:
    order = client.order()
    made(client, order, line(order, 1, 1))
    no(client, {"orderId": order["id"], "items": [line(order, 2)]}, 409, TOO_LARGE)
    made(client, order, line(order, 1))


def test_one_wrong_line_refuses_the_whole_request(client: Client) -> None:
    order = client.order(items=TWO_LINES)
    no(client, {"orderId": order["id"], "items": [line(order, 1), line(order, 2, item=1)]}, 409, TOO_LARGE)


def test_a_fulfilled_item_is_refused_with_two_blanks_and_no_period(client: Client) -> None:
    order = client.order(items=TWO_LINES)
    item = order["items"][0]["id"]
    expected = error("conflict", "item_fulfilled", f"Resource '{item}'  is already fulfilled", "itemId")
    made(client, order, line(order, 2))
    for again in (line(order, 1), line(order, cancel=1), line(order, 5)):
        no(client, {"orderId": order["id"], "items": [again]}, 409, expected)


def test_an_item_that_was_partly_fulfilled_and_partly_cancelled_counts_as_fulfilled(client: Client) -> None:
    order = client.order(items=TWO_LINES)
    item = order["items"][0]["id"]
    made(client, order, line(order, 1))
    made(client, order, line(order, cancel=1))
    assert order_now(client, order)["items"][0]["state"] == "fulfilled"
    expected = error("conflict", "item_fulfilled", f"Resource '{item}'  is already fulfilled", "itemId")
    no(client, {"orderId": order["id"], "items": [line(order, cancel=1)]}, 409, expected)


def test_a_cancelled_item_is_refused_with_two_blanks(client: Client) -> None:
    order = client.order(items=TWO_LINES)
    item = order["items"][0]["id"]
    made(client, order, line(order, cancel=2))
    expected = error("conflict", "item_cancelled", f"Resource '{item}'  is already cancelled.", "itemId")
    for again in (line(order, 1), line(order, cancel=1)):
        no(client, {"orderId": order["id"], "items": [again]}, 409, expected)


def test_lines_are_judged_in_the_order_of_the_request(client: Client) -> None:
    order = client.order(items=TWO_LINES)
    made(client, order, line(order, 2))
    item = order["items"][0]["id"]
    fulfilled = error("conflict", "item_fulfilled", f"Resource '{item}'  is already fulfilled", "itemId")
    no(client, {"orderId": order["id"], "items": [line(order, 9, item=1), line(order, 1)]}, 409, TOO_LARGE)
    no(client, {"orderId": order["id"], "items": [line(order, 1), line(order, 9, item=1)]}, 409, fulfilled)


def test_a_fulfilled_order_is_refused(client: Client) -> None:
    order = client.order()
    made(client, order, line(order, 3))
    expected = error("conflict", "order_fulfilled", f"Resource '{order['id']}' is fulfilled.", "orderId")
    for again in (line(order, 1), line(order, cancel=1), line(order, 9)):
        no(client, {"orderId": order["id"], "items": [again]}, 409, expected)


def test_a_complete_order_is_refused_with_two_blanks(client: Client) -> None:
    order = client.order()
    made(client, order, line(order, 3))
    client.settle()
    assert order_now(client, order)["state"] == "complete"
    expected = error("conflict", "order_complete", f"Resource '{order['id']}'  is already complete.", "orderId")
    no(client, {"orderId": order["id"], "items": [line(order, 1)]}, 409, expected)


def test_a_cancelled_order_is_refused_with_two_blanks(client: Client) -> None:
    order = client.order()
    made(client, order, line(order, cancel=3))
    client.settle()
    assert order_now(client, order)["state"] == "cancelled"
    expected = error("conflict", "order_cancelled", f"Resource '{order['id']}'  is already cancelled.", "orderId")
    no(client, {"orderId": order["id"], "items": [line(order, 1)]}, 409, expected)


@pytest.mark.parametrize("state", ["in_review", "pending_payment", "blocked", "dispute"])
def test_an_order_that_is_not_accepted_has_not_been_submitted(client: Client, state: str) -> None:
    order = client.order(state=state)
    assert order["state"] == state
    expected = error("conflict", "order_not_submitted", f"Order '{order['id']}' has not been submitted.", "orderId")
    for one in (line(order, 1), line(order, cancel=1)):
        no(client, {"orderId": order["id"], "items": [one]}, 409, expected)


EXPIRED = "Fulfillment cannot be processed because the payment authorization has expired"


def test_an_averse_account_does_not_capture_on_an_expired_authorization_and_tells_it(client: Client) -> None:
    scenario(client, account={"riskTolerance": "averse"})
    order = client.order(createdAgo="8d")
    before, events = everything(client), client.events()
    response = client.fulfill(order)
    assert response.status_code == 409
    assert response.json() == error("conflict", "payment_authorization_failed", EXPIRED, "orderId", description=EXPIRED)
    (event,) = events_since(client, len(events))
    assert event["type"] == "order.charge.reauth.failed"
    told = event["data"]["object"]
    assert told == order_now(client, order)
    assert (told["state"], told["capturedAmount"]) == ("accepted", 0.0)
    assert told["payment"]["charges"][0]["state"] == "capturable"
    assert told["payment"]["charges"][0]["captured"] is False
    different = [shown for shown, old in zip(everything(client), before, strict=True) if shown != old]
    assert len(different) == 1
    assert event["id"] in different[0]


def test_an_averse_account_still_cancels_on_an_expired_authorization(client: Client) -> None:
    scenario(client, account={"riskTolerance": "averse"})
    order = client.order(createdAgo="8d")
    made(client, order, line(order, cancel=3))
    client.settle()
    assert order_now(client, order)["state"] == "cancelled"


def test_an_averse_account_captures_while_the_authorization_lasts(client: Client) -> None:
    scenario(client, account={"riskTolerance": "averse"})
    order = client.order()
    client.advance("6d")
    made(client, order, line(order, 1))
    client.advance("2d")
    assert client.fulfill(order, line(order, 1)).status_code == 409


def test_a_tolerant_account_captures_on_an_expired_authorization(client: Client) -> None:
    order = client.order(createdAgo="8d")
    made(client, order, line(order, 3))
    client.settle()
    assert order_now(client, order)["state"] == "complete"
