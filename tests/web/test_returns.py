"""`/returns`: what may come back, what it is worth, and the refund that its acceptance leads to."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import JSON, Client, Drsim, Receiver
from tests.web.worlds import (
    SECONDS,
    UUID,
    behave,
    error,
    events_since,
    line,
    nothing_changes,
    order_now,
    refused,
)

TOO_MANY = error("conflict", "quantity_too_large", "Return quantity is larger than order quantity", "items[0].qty")
DISPUTED = error(
    "conflict", "invalid_parameter", "A return cannot be performed while there is a dispute on the order.", "order"
)


def shipped(client: Client, **spec: Any) -> JSON:
    """A complete order of 27.01: two widgets of 10.00 with tax of 1.61, and shipping with tax of 5.40."""
    items = [{"name": "Widget", "skuId": "sku_widget", "price": 10.0, "quantity": 2}]
    return client.order(**{"state": "complete", "items": items, **spec})


def ask(client: Client, order: JSON, *units: Any, **more: Any) -> httpx.Response:
    """Asks to return so many units of the first line, of the second, and so on."""
    lines = [
        {"itemId": item["id"], "quantity": count} for item, count in zip(order["items"], units, strict=False) if count
    ]
    return client.post("/returns", json={"orderId": order["id"], "items": lines, **more})


def announced(client: Client, order: JSON, *units: Any, **more: Any) -> JSON:
    body: JSON = client.ok(ask(client, order, *units, **more), 201)
    return body


def accept(client: Client, made: JSON, **body: Any) -> httpx.Response:
    """Accepts a return, or what the body says."""
    return client.post(f"/returns/{made['id']}", json=body or {"state": "accepted"})


def refunds_of(client: Client, order: JSON) -> list[JSON]:
    found: list[JSON] = client.ok(client.get("/refunds", params={"orderId": order["id"]}))["data"]
    return found[::-1]


def test_a_return_has_what_the_vendor_shows_of_it(client: Client) -> None:
    order = shipped(client)
    made = announced(client, order, "2", reason="Incorrect size", location={"name": "Dock 4"}, metadata={"case": "17"})
    assert re.fullmatch(f"ret_{UUID}", made["id"])
    assert re.fullmatch(SECONDS, made["createdTime"])
    assert list(made) == [
        *("id", "createdTime", "currency", "items", "orderId", "reason", "location", "metadata", "state", "liveMode")
    ]
    (shown,) = made["items"]
    assert list(shown.items()) == [
        ("itemId", order["items"][0]["id"]),
        ("amount", 21.61),
        ("quantity", 2),
        ("quantityAccepted", 0),
        ("skuId", "sku_widget"),
        ("state", "created"),
    ]
    assert (made["currency"], made["orderId"], made["reason"]) == ("USD", order["id"], "Incorrect size")
    assert (made["location"], made["metadata"]) == ({"name": "Dock 4"}, {"case": "17"})
    assert (made["state"], made["liveMode"]) == ("created", False)
    assert client.ok(client.get(f"/returns/{made['id']}")) == made


def test_an_accepted_return_pays_back_and_returns_the_order(client: Client) -> None:
    order = shipped(client)
    made = announced(client, order, 2)
    assert order_now(client, order)["availableToRefundAmount"] == 27.01
    count = len(client.events())
    accepted = client.ok(accept(client, made))
    (refund,) = refunds_of(client, order)
    assert accepted == {
        **made,
        "updatedTime": accepted["updatedTime"],
        "items": [{**made["items"][0], "quantityAccepted": 2, "state": "accepted"}],
        "refundIds": [refund["id"]],
        "state": "accepted",
    }
    assert list(accepted)[-3:] == ["refundIds", "state", "liveMode"]
    assert (refund["state"], refund["refundedAmount"], "amount" in refund) == ("pending", 0.0, False)
    assert list(refund["items"][0]) == ["amount", "quantity", "skuId", "itemId"]
    client.settle()
    (refund,) = refunds_of(client, order)
    assert (refund["state"], refund["items"][0]["refundedAmount"]) == ("succeeded", 21.61)
    now = order_now(client, order)
    assert (now["state"], now["items"][0]["state"], now["refundedAmount"]) == ("returned", "returned", 21.61)
    assert (now["availableToRefundAmount"], now["items"][0]["availableToRefundAmount"]) == (5.4, 0.0)
    assert set(now["stateTransitions"]) == {"accepted", "fulfilled", "complete", "returned"}
    assert set(now["items"][0]["stateTransitions"]) == {"created", "fulfilled", "returned"}
    told = events_since(client, count)
    assert [event["type"] for event in told] == [
        "refund.pending",
        "order.charge.refund.pending",
        "return.accepted",
        "order.returned",
        "order.charge.refund.complete",
        "refund.complete",
        "order.refunded",
        "order.credit_memo.created",
    ]
    assert told[2]["data"] == {"object": accepted}
    assert told[3]["data"]["object"]["items"][0]["state"] == "returned"


def test_events_of_returns_reach_a_receiver(client: Client, receiver: Receiver) -> None:
    webhook = client.webhook(receiver.url, "return.created", "return.accepted", "return.updated", "order.returned")
    order = shipped(client)
    made = announced(client, order, 2)
    client.ok(accept(client, made, items=[{"itemId": made["items"][0]["itemId"], "quantity": 1, "state": "accepted"}]))
    client.ok(accept(client, made))
    client.settle()
    bodies = [httpx.Response(200, content=each.body).json() for each in receiver.received]
    assert [body["type"] for body in bodies] == [
        "return.created",
        "return.updated",
        "return.accepted",
        "order.returned",
    ]
    assert bodies[1]["data"]["previousAttributes"] == {"items": [{"quantityAccepted": 0}]}
    assert all(each.signed_with(client.secret(webhook)) for each in receiver.received)


def test_part_quantities_add_up_to_the_line(client: Client) -> None:
    order = shipped(client, items=[{"price": 20.0, "quantity": 3}])  # 60.00 and 4.82 of tax
    made = [announced(client, order, 1) for _ in range(3)]
    assert [each["items"][0]["amount"] for each in made] == [21.61, 21.6, 21.61]
    for each in made:
        client.ok(accept(client, each))
    client.settle()
    now = order_now(client, order)
    assert (now["refundedAmount"], now["availableToRefundAmount"], now["state"]) == (64.82, 5.4, "returned")


def test_yen_come_back_in_whole_yen(client: Client) -> None:
    order = shipped(client, currency="JPY", shipping=0, taxRate=0.1, items=[{"price": 333, "quantity": 3}])
    made = [announced(client, order, 1)["items"][0]["amount"] for _ in range(3)]
    assert made == [366.0, 367.0, 366.0]
    assert sum(made) == order["totalAmount"]


def test_several_lines_come_back_at_once_and_in_part(client: Client) -> None:
    order = shipped(client, items=[{"price": 10, "quantity": 2}, {"price": 5, "quantity": 3}])
    made = announced(client, order, 2, 1)
    ids = [item["itemId"] for item in made["items"]]
    partly = client.ok(accept(client, made, items=[{"itemId": ids[0], "quantity": 2, "state": "accepted"}]))
    assert [(item["quantityAccepted"], item["state"]) for item in partly["items"]] == [(2, "accepted"), (0, "created")]
    assert (partly["state"], refunds_of(client, order)) == ("created", [])
    assert "refundIds" not in partly
    client.ok(accept(client, made, items=[{"itemId": ids[1], "quantity": 1, "state": "accepted"}]))
    client.settle()
    (refund,) = refunds_of(client, order)
    assert [item["refundedAmount"] for item in refund["items"]] == [21.61, 5.4]
    now = order_now(client, order)
    assert ([item["state"] for item in now["items"]], now["state"]) == (["returned", "fulfilled"], "complete")


def test_the_same_item_twice_and_a_sku_are_understood(client: Client) -> None:
    order = shipped(client, items=[{"skuId": "a", "price": 10, "quantity": 2}, {"skuId": "a", "price": 5}])
    item = order["items"][0]["id"]
    twice = {"orderId": order["id"], "items": [{"itemId": item, "quantity": 1}, {"itemId": item, "quantity": 2}]}
    refused(client.post("/returns", json=twice), 409, "quantity_too_large", "items[1].qty")
    by_sku = {"orderId": int(order["id"]), "items": [{"skuId": "a", "quantity": 3}]}
    made = client.ok(client.post("/returns", json=by_sku), 201)
    assert [(each["itemId"], each["quantity"]) for each in made["items"]] == [
        (order["items"][0]["id"], 2),
        (order["items"][1]["id"], 1),
    ]
    accepted = client.ok(accept(client, made, items=[{"skuId": "a", "quantity": 3, "state": "accepted"}]))
    assert accepted["state"] == "accepted"


def test_what_was_refunded_before_is_not_paid_back_again(client: Client) -> None:
    order = shipped(client)
    asked = {"orderId": order["id"], "currency": "USD", "items": [{"itemId": order["items"][0]["id"], "percent": 50}]}
    client.ok(client.post("/refunds", json=asked), 201)
    client.ok(accept(client, announced(client, order, 2)))
    client.settle()
    assert [each["refundedAmount"] for each in refunds_of(client, order)] == [10.81, 10.8]
    assert order_now(client, order)["availableToRefundAmount"] == 5.4


def test_a_refund_that_fails_leaves_its_money_to_be_refunded(client: Client) -> None:
    order = shipped(client)
    behave(client, "refund", {"state": "failed"}, times=1)
    made = client.ok(accept(client, announced(client, order, 2)))
    client.settle()
    assert [each["state"] for each in refunds_of(client, order)] == ["failed"]
    assert client.ok(client.get(f"/returns/{made['id']}")) == made
    assert order_now(client, order)["availableToRefundAmount"] == 27.01


def test_a_wire_transfer_asks_for_bank_details_first(client: Client) -> None:
    order = shipped(client, source={"type": "wireTransfer"})
    client.ok(accept(client, announced(client, order, 2)))
    client.advance("3s")
    (refund,) = refunds_of(client, order)
    assert (refund["state"], refund["items"][0]["refundedAmount"]) == ("pending_information", 0.0)
    client.ok(client.post(f"/_sim/refunds/{refund['id']}/bank"))
    client.advance("3s")
    assert order_now(client, order)["refundedAmount"] == 21.61


def test_only_what_was_shipped_comes_back(client: Client) -> None:
    order = client.order()
    assert (ask(client, order, 1).status_code, ask(client, order, 1).json()) == (409, TOO_MANY)
    client.ok(client.fulfill(order, line(order, 2)), 201)
    with nothing_changes(client):
        assert ask(client, order, 3).json() == TOO_MANY
    made = announced(client, order, 2)
    with nothing_changes(client):
        refused(accept(client, made), 409, "invalid_state", "state")
    client.settle()
    client.ok(accept(client, made))
    assert (order_now(client, order)["state"], order_now(client, order)["items"][0]["state"]) == ("accepted", "created")
    client.ok(client.fulfill(order, line(order, cancel=1)), 201)
    client.settle()
    assert order_now(client, order)["state"] == "returned"
    with nothing_changes(client):
        assert ask(client, order, 1).json() == TOO_MANY


@pytest.mark.parametrize("state", ["pending_payment", "in_review", "blocked", "cancelled", "returned"])
def test_of_an_order_that_has_nothing_left_nothing_comes_back(client: Client, state: str) -> None:
    source = {"type": "wireTransfer"} if state == "pending_payment" else {}
    order = client.order(state=state, source=source)
    with nothing_changes(client):
        assert ask(client, order, 1).json() == TOO_MANY


def test_nothing_comes_back_during_a_dispute(client: Client) -> None:
    order = shipped(client)
    made = announced(client, order, 1)
    client.ok(client.post(f"/_sim/orders/{order['id']}/dispute"))
    with nothing_changes(client):
        for response in (ask(client, order, 1), accept(client, made)):
            assert (response.status_code, response.json()) == (409, DISPUTED)


def missing(parameter: str) -> JSON:
    return error("bad_request", "missing_parameter", "A parameter is missing.", parameter)


def wrong(parameter: str, message: str, code: str = "invalid_parameter") -> JSON:
    return error("bad_request", code, message, parameter)


def no_integer(parameter: str, shown: str) -> JSON:
    return wrong(parameter, f"'{shown}' is not a valid integer.", "invalid_integer")


LONG_VALUE = wrong("metadata.a", "A metadata value has at most 500 characters.", "invalid_metadata_value")
UNITS = {"itemId": "ITEM", "quantity": 1}
REFUSALS: list[tuple[JSON, JSON]] = [
    ({"orderId": None}, missing("orderId")),
    ({"items": None}, missing("items")),
    ({"items": []}, missing("items")),
    ({"items": [{"quantity": 1}]}, missing("items[0].itemId")),
    ({"items": [{"itemId": "", "quantity": 1}]}, missing("items[0].itemId")),
    ({"items": [UNITS, {"itemId": "ITEM"}]}, missing("items[1].quantity")),
    ({"items": [{**UNITS, "quantity": 0}]}, missing("items[0].quantity")),
    (
        {"items": [{**UNITS, "quantity": -1}]},
        wrong("items[0].quantity", "'-1' is not a valid integer.", "invalid_integer"),
    ),
    (
        {"items": [{**UNITS, "quantity": 1.5}]},
        wrong("items[0].quantity", "'1.5' is not a valid integer.", "invalid_integer"),
    ),
    ({"items": [{**UNITS, "itemId": 17}]}, wrong("items[0].itemId", "'17' is not a valid itemId.")),
    ({"items": [{"skuId": "17", "quantity": 1}]}, wrong("items[0].skuId", "'17' is not a valid skuId.")),
    ({"items": "all"}, wrong("items", "'all' is not a valid items.")),
    ({"reason": "x" * 65}, wrong("reason", f"'{'x' * 65}' is not a valid reason.")),
    ({"location": "Dock"}, wrong("location", "'Dock' is not a valid location.")),
    (
        {"metadata": {"k" * 41: 1}},
        wrong(f"metadata.{'k' * 40}", "A metadata key has 1 to 40 characters.", "invalid_metadata_key"),
    ),
    ({"state": "created"}, wrong("state", "'state' is an unknown parameter.", "unknown_parameter")),
]


@pytest.mark.parametrize(("body", "answer"), REFUSALS)
def test_what_is_wrong_is_refused_and_changes_nothing(client: Client, body: JSON, answer: JSON) -> None:
    order = shipped(client)
    item = order["items"][0]["id"]
    sent = {"orderId": order["id"], "items": [UNITS], **body}
    if isinstance(sent["items"], list):
        sent["items"] = [{**each, "itemId": item} if each.get("itemId") == "ITEM" else each for each in sent["items"]]
    with nothing_changes(client):
        response = client.post("/returns", json=sent)
    assert (response.status_code, response.json()) == (400, answer)


CHANGES: list[tuple[JSON, int, str, str]] = [
    ({"state": "rejected"}, 400, "invalid_parameter", "state"),
    ({"state": "created"}, 400, "invalid_parameter", "state"),
    ({"state": "accepted", "items": [{**UNITS, "state": "accepted"}]}, 400, "invalid_parameter", "state"),
    ({"items": [UNITS]}, 400, "missing_parameter", "items[0].state"),
    ({"items": [{**UNITS, "state": "created"}]}, 400, "invalid_parameter", "items[0].state"),
    ({"items": [{"itemId": "ITEM", "state": "accepted"}]}, 400, "missing_parameter", "items[0].quantity"),
    ({"items": [{"quantity": 1, "state": "accepted"}]}, 400, "missing_parameter", "items[0].itemId"),
    ({"items": [{"itemId": "1", "quantity": 1, "state": "accepted"}]}, 400, "invalid_parameter", "items[0].itemId"),
    ({"items": [{**UNITS, "quantity": 3, "state": "accepted"}]}, 409, "quantity_too_large", "items[0].qty"),
    ({"items": [{**UNITS, "state": "accepted"}] * 3}, 409, "quantity_too_large", "items[2].qty"),
    ({"reason": "late"}, 400, "unknown_parameter", "reason"),
    ({"metadata": {"a": "x" * 501}}, 400, "invalid_metadata_value", "metadata.a"),
]


@pytest.mark.parametrize(("body", "status", "code", "parameter"), CHANGES)
def test_a_wrong_change_is_refused_and_changes_nothing(
    client: Client, body: JSON, status: int, code: str, parameter: str
) -> None:
    made = announced(client, shipped(client), 2)
    item = made["items"][0]["itemId"]
    lines = [{**each, "itemId": item} if each.get("itemId") == "ITEM" else each for each in body.get("items", [])]
    with nothing_changes(client):
        response = accept(client, made, **({**body, "items": lines} if lines else body))
    refused(response, status, code, parameter)


def test_what_does_not_exist_is_404(client: Client) -> None:
    response = ask(client, {"id": "1", "items": [{"id": "2"}]}, 1)
    assert response.json() == error("not_found", "not_found", "Order '1' not found.", "orderId")
    for response in (client.get("/returns/ret_1"), client.post("/returns/ret_1", json={"state": "accepted"})):
        assert (response.status_code, response.json()) == (
            404,
            error("not_found", "not_found", "Return 'ret_1' not found.", "id"),
        )


def test_metadata_changes_are_told_and_nothing_else_is(client: Client) -> None:
    made = announced(client, shipped(client), 2, metadata={"a": "1"})
    count = len(client.events())
    changed = client.ok(accept(client, made, metadata={"a": "2", "b": "3"}))
    assert changed == {**made, "updatedTime": changed["updatedTime"], "metadata": {"a": "2", "b": "3"}}
    (event,) = events_since(client, count)
    assert (event["type"], event["data"]["object"]) == ("return.updated", changed)
    assert event["data"]["previousAttributes"] == {"metadata": {"a": "1", "b": None}}
    with nothing_changes(client):
        client.ok(accept(client, made, metadata={"a": "2"}))
    client.ok(accept(client, made, state="accepted", metadata={"a": "4"}))
    told = [event["type"] for event in events_since(client, count + 1)]
    assert told[0] == "return.updated"
    assert "return.accepted" in told
    with nothing_changes(client):
        assert client.ok(accept(client, made))["state"] == "accepted"


def test_returns_are_listed_newest_first_and_by_every_filter(client: Client) -> None:
    order, other = shipped(client), shipped(client, items=[{"skuId": "other", "price": 3}])
    first = announced(client, order, 1)
    client.advance("10s")
    second = announced(client, other, 1)
    client.ok(accept(client, second))

    def found(**params: Any) -> list[str]:
        return [each["id"] for each in client.ok(client.get("/returns", params=params))["data"]]

    assert found() == [second["id"], first["id"]]
    assert found(limit=1, startingAfter=second["id"]) == found(orderId=order["id"]) == [first["id"]]
    assert found(state="created") == found(skuId="sku_widget") == found(ids=first["id"]) == [first["id"]]
    assert found(state="accepted") == found(**{"createdTime[gt]": first["createdTime"]}) == [second["id"]]
    assert found(orderId="1") == found(state="rejected") == []
    refused(client.get("/returns", params={"limit": 101}), 400, "invalid_parameter", "limit")


def test_an_order_that_starts_as_returned_has_its_return(client: Client) -> None:
    order = shipped(client, state="returned")
    assert (order["refundedAmount"], order["availableToRefundAmount"]) == (21.61, 5.4)
    (made,) = client.ok(client.get("/returns", params={"orderId": order["id"]}))["data"]
    assert (made["state"], [made["refundIds"]]) == ("accepted", [[each["id"] for each in refunds_of(client, order)]])


def test_a_copied_order_goes_on_with_returns(client: Client) -> None:
    copied = shipped(client)
    client.ok(client.post("/_sim/reset"))
    order = client.ok(client.post("/_sim/orders", json={"resource": copied}), 201)
    client.ok(accept(client, announced(client, order, 2)))
    client.settle()
    now = order_now(client, order)
    assert (now["state"], now["refundedAmount"]) == ("returned", 21.61)
    client.ok(client.post("/_sim/reset"))
    again = client.ok(client.post("/_sim/orders", json={"resource": now}), 201)
    assert ask(client, again, 1).json() == TOO_MANY


def test_older_versions_show_returns_alike(client: Client) -> None:
    made = announced(client, shipped(client), 1)
    old = client.get(f"/returns/{made['id']}", headers={"DigitalRiver-Version": "2020-01-07"})
    assert old.json() == made


# Many at once, and the end of a server.


def test_of_many_equal_returns_at_once_only_what_was_shipped_succeeds(drsim: Drsim, client: Client) -> None:
    order = shipped(client, items=[{"price": 10, "quantity": 5}])
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: ask(client, order, 2), range(12)))
    assert sorted(answer.status_code for answer in answers) == [201] * 2 + [409] * 10
    assert all(answer.json() == TOO_MANY for answer in answers if answer.status_code == 409)
    made = [answer.json() for answer in answers if answer.status_code == 201]
    with ThreadPoolExecutor(12) as pool:
        accepted = list(pool.map(lambda each: accept(client, each), made * 6))
    assert {answer.status_code for answer in accepted} == {200}
    client.settle()
    assert len(refunds_of(client, order)) == 2
    assert order_now(client, order)["refundedAmount"] == pytest.approx(sum(each["items"][0]["amount"] for each in made))


def test_an_accepted_return_survives_the_server_with_its_refund(tmp_path: Path) -> None:
    options = ("--clock", "manual", "--db", str(tmp_path / "kept.db"))
    with Drsim(*options) as server:
        client = server.client()
        order = shipped(client)
        waiting = announced(client, order, 1)
        accepted = client.ok(accept(client, announced(client, order, 1)))
        server.kill()
    with Drsim(*options) as server:
        client = server.client()
        assert client.ok(client.get(f"/returns/{accepted['id']}")) == accepted
        assert client.ok(client.get(f"/returns/{waiting['id']}")) == waiting
        assert [each["state"] for each in refunds_of(client, order)] == ["pending"]
        assert ask(client, order, 1).json() == TOO_MANY
        client.advance("3s")
        assert [each["id"] for each in refunds_of(client, order)] == accepted["refundIds"]
        assert refunds_of(client, order)[0]["state"] == "succeeded"
        client.ok(accept(client, waiting))
        client.settle()
        assert (order_now(client, order)["state"], order_now(client, order)["refundedAmount"]) == ("returned", 21.61)
