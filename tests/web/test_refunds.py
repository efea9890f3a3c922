"""`/refunds`: what it answers when it says yes, what becomes of the money, and the exact body of every no."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import JSON, Client, Drsim
from tests.web.worlds import (
    SECONDS,
    UUID,
    amounts,
    behave,
    charge_now,
    charge_of_type,
    error,
    events_since,
    line,
    nothing_changes,
    order_now,
    refused,
    scenario,
)

TWO = [{"name": "Widget", "skuId": "sku_widget", "price": 10.0, "quantity": 2}]
TOO_MUCH = error(
    "bad_request",
    "invalid_parameter",
    "The requested refund amount is greater than the available amount.",
    "amountRequested",
)


def shipped(client: Client, **spec: Any) -> JSON:
    """A complete order of 27.01, or of what is given."""
    order = client.order(**{"items": TWO, **spec})
    client.ok(client.fulfill(order), 201)
    client.settle()
    return order_now(client, order)


def ask(client: Client, order: JSON, **body: Any) -> httpx.Response:
    return client.post("/refunds", json={"orderId": order["id"], "currency": order["currency"], **body})


def refund(client: Client, order: JSON, **body: Any) -> JSON:
    made: JSON = client.ok(ask(client, order, **body), 201)
    return made


def refund_now(client: Client, made: JSON) -> JSON:
    body: JSON = client.ok(client.get(f"/refunds/{made['id']}"))
    return body


# What a yes looks like.


def test_a_refund_of_an_order_has_an_amount_and_no_items(client: Client) -> None:
    order = shipped(client)
    made = refund(client, order, percent=50, reason="damaged", metadata={"case": "17"})
    assert re.fullmatch(f"re_{UUID}", made["id"])
    assert re.fullmatch(SECONDS, made["createdTime"])
    assert made == {
        "id": made["id"],
        "createdTime": made["createdTime"],
        "amount": 13.51,
        "currency": "USD",
        "items": [],
        "orderId": order["id"],
        "reason": "damaged",
        "metadata": {"case": "17"},
        "refundedAmount": 0.0,
        "state": "pending",
        "liveMode": False,
    }
    assert refund_now(client, made) == made


def test_a_refund_of_lines_has_items_and_no_amount(client: Client) -> None:
    order = shipped(client)
    item = order["items"][0]
    asked = [
        {"itemId": item["id"], "amount": "21.60", "skuId": "sku_widget"},
        {"itemId": item["id"], "percent": 100, "quantity": 2, "type": "shipping"},
    ]
    made = refund(client, order, items=asked)
    assert "amount" not in made
    shown = {"quantity": 2, "refundedAmount": 0.0, "skuId": "sku_widget", "itemId": item["id"]}
    assert made["items"] == [{"amount": 21.6, **shown}, {"amount": 5.4, **shown, "type": "shipping"}]
    client.settle()
    ended = refund_now(client, made)
    assert [each["refundedAmount"] for each in ended["items"]] == [21.6, 5.4]
    now = order_now(client, order)
    assert (now["refundedAmount"], now["availableToRefundAmount"]) == (27.0, 0.01)
    assert now["items"][0]["availableToRefundAmount"] == 0.01


def test_a_refund_that_has_succeeded_shows_on_itself_the_charge_and_the_order(client: Client) -> None:
    order = shipped(client)
    made = refund(client, order, percent=50)
    pending = order_now(client, order)
    assert (pending["availableToRefundAmount"], pending["items"][0]["availableToRefundAmount"]) == (13.5, 10.8)
    assert "refundedAmount" not in pending
    charge = charge_now(client, order)
    assert (charge["refunded"], charge["state"]) == (True, "complete")
    assert [list(each) for each in charge["refunds"]] == [["id", "createdTime", "amount", "state"]]
    assert charge["refunds"][0]["state"] == "pending"
    client.advance("3s")
    ended = refund_now(client, made)
    (paid,) = charge_now(client, order)["refunds"]
    assert (paid["amount"], paid["state"]) == (13.51, "complete")
    shown = {name: value for name, value in paid.items() if name != "id"}
    source = order["payment"]["sources"][0]["id"]
    assert ended == {
        **made,
        "state": "succeeded",
        "refundedAmount": 13.51,
        "charges": [{"id": charge["id"], "captured": True, "refunded": True, "refunds": [shown], "sourceId": source}],
    }
    now = order_now(client, order)
    assert (now["state"], now["refundedAmount"], now["availableToRefundAmount"]) == ("complete", 13.51, 13.5)
    assert now["payment"]["charges"][0]["refunds"] == [shown]


def test_the_events_of_a_refund_come_in_order_and_show_what_was(client: Client) -> None:
    order = shipped(client)
    count = len(client.events())
    made = refund(client, order, percent=100)
    client.settle()
    told = events_since(client, count)
    assert [event["type"] for event in told] == [
        "refund.pending",
        "order.charge.refund.pending",
        "order.charge.refund.complete",
        "refund.complete",
        "order.refunded",
        "order.credit_memo.created",
    ]
    pending, charged, paid, complete, refunded, memo = [event["data"]["object"] for event in told]
    assert (pending, complete) == (made, refund_now(client, made))
    assert (charged["refunds"][0]["state"], paid["refunds"][0]["state"]) == ("pending", "complete")
    with_memo = {"creditMemoPDFs": [{"id": memo["id"], "url": memo["invoiceURL"], "liveMode": False}]}
    assert refunded | with_memo == order_now(client, order)
    assert refunded["refundedAmount"] == 27.01
    assert [event["type"] for event in client.events(orderId=order["id"])][-6:] == [event["type"] for event in told]


def test_store_credit_is_paid_back_last(client: Client) -> None:
    order = shipped(client, storeCredit=11.0)
    refund(client, order, amount=20)
    assert amounts(charge_of_type(client, order, "creditCard")["refunds"]) == [16.01]
    assert amounts(charge_of_type(client, order, "customerCredit")["refunds"]) == [3.99]


@pytest.mark.parametrize("amount", ["27.01", 27.01])
def test_amounts_may_be_texts(client: Client, amount: Any) -> None:
    order = shipped(client)
    assert refund(client, order, amount=amount)["amount"] == 27.01
    assert order_now(client, order)["availableToRefundAmount"] == 0.0


def test_a_refund_of_all_tax_leaves_the_rest(client: Client) -> None:
    order = shipped(client)
    made = refund(client, order, type="tax", percent=100)
    assert (made["amount"], made["type"]) == (2.01, "tax")
    assert order_now(client, order)["availableToRefundAmount"] == 25.0


def test_yen_are_refunded_in_whole_yen(client: Client) -> None:
    order = shipped(client, currency="JPY", shipping=0, taxRate=0, items=[{"price": 33, "quantity": 1}])
    assert refund(client, order, percent=50)["amount"] == 17.0
    assert order_now(client, order)["availableToRefundAmount"] == 16.0


def test_an_order_that_was_copied_goes_on_from_what_was_refunded_of_it(client: Client) -> None:
    order = shipped(client)
    refund(client, order, percent=50)
    client.settle()
    copied = order_now(client, order)
    client.ok(client.post("/_sim/reset"))
    again = client.ok(client.post("/_sim/orders", json={"resource": copied}), 201)
    assert (again["refundedAmount"], again["availableToRefundAmount"]) == (13.51, 13.5)
    assert ask(client, again, amount=13.51).json() == TOO_MUCH
    assert refund(client, again, percent=100)["amount"] == 13.5
    client.settle()
    now = order_now(client, again)
    assert (now["refundedAmount"], now["availableToRefundAmount"]) == (27.01, 0.0)


# How it goes wrong.


@pytest.mark.parametrize(("number", "after"), [("4000 0000 0000 4111", "3s"), ("4556 6025 6424 0839", "63s")])
def test_a_refund_to_a_failing_card_fails_and_gives_its_money_back(client: Client, number: str, after: str) -> None:
    order = shipped(client, source={"number": number})
    count = len(client.events())
    made = refund(client, order, percent=100)
    client.advance(after)
    ended = refund_now(client, made)
    assert (ended["state"], ended["refundedAmount"]) == ("failed", 0.0)
    assert "failureReason" not in ended
    (shown,) = ended["charges"][0]["refunds"]
    assert (shown["state"], shown["failureCode"]) == ("failed", "failed-request")
    charge = charge_now(client, order)
    assert (charge["refunded"], charge["refunds"][0]["failureMessage"]) == (True, "Failed to operate on charge")
    now = order_now(client, order)
    assert now["availableToRefundAmount"] == 27.01
    assert "refundedAmount" not in now
    assert [event["type"] for event in events_since(client, count)][2:] == [
        "order.charge.refund.failed",
        "refund.failed",
    ]
    refund(client, order, percent=100)


@pytest.mark.parametrize(
    ("type", "name"),
    [("googlePay", "RefundFail"), ("payPal", "RefundFail"), ("directDebit", "RefundFailedAfterPending")],
)
def test_a_last_name_makes_refunds_fail(client: Client, type: str, name: str) -> None:
    order = shipped(client, source={"type": type, "owner": {"lastName": name}})
    made = refund(client, order, percent=100)
    client.settle()
    assert refund_now(client, made)["state"] == "failed"


def test_a_behavior_rule_decides_and_delays_are_those_of_the_account(client: Client) -> None:
    scenario(client, account={"delays": {"refund": "5m"}})
    behave(client, "refund", {"state": "failed", "failureCode": "declined", "after": "1h"}, times=1, amount={"$gt": 10})
    order = shipped(client)
    small, large = refund(client, order, amount=5), refund(client, order, amount=15)
    client.advance("5m")
    assert (refund_now(client, small)["state"], refund_now(client, large)["state"]) == ("succeeded", "pending")
    client.advance("55m")
    ended = refund_now(client, large)
    assert (ended["state"], ended["failureReason"]) == ("failed", "declined")
    assert client.ok(client.get("/refunds", params={"failureReason": "declined"}))["data"] == [ended]


def test_a_wire_transfer_waits_for_bank_details(client: Client) -> None:
    order = shipped(client, source={"type": "wireTransfer"})
    made = refund(client, order, percent=100)
    refused(client.post(f"/_sim/refunds/{made['id']}/bank"), 409, "invalid_state", "state")
    client.advance("3s")
    waiting = client.ok(client.get("/refunds", params={"state": "pending_information"}))["data"][0]
    assert (waiting["id"], waiting["charges"][0]["refunds"][0]["state"]) == (made["id"], "pending_information")
    token = waiting["tokenInformation"]
    assert re.fullmatch(UUID, token["token"])
    assert list(token) == ["token", "expiresTime"]
    client.ok(client.post(f"/_sim/refunds/{made['id']}/bank"))
    client.advance("3s")
    ended = refund_now(client, made)
    assert (ended["state"], ended["refundedAmount"], "tokenInformation" in ended) == ("succeeded", 27.01, False)
    refused(client.post("/_sim/refunds/re_1/bank"), 404, "not_found", "id")


# Refusals.


def wrong(code: str, parameter: str, message: str) -> JSON:
    return error("bad_request", code, message, parameter)


REFUSALS: list[tuple[JSON, JSON]] = [
    ({"amount": 27.02}, TOO_MUCH),
    ({"items": [{"itemId": "ITEM", "amount": 21.62}]}, TOO_MUCH),
    ({"items": [{"itemId": "ITEM", "percent": 60}, {"itemId": "ITEM", "percent": 60}]}, TOO_MUCH),
    ({"percent": 100, "type": "duty"}, TOO_MUCH),
    (
        {"percent": 50, "type": "tax"},
        wrong("invalid_parameter", "percentRequested", "Only full tax refunds are supported."),
    ),
    ({"percent": 1, "currency": "EUR"}, wrong("invalid_parameter", "currency", "Currency EUR is not supported.")),
    ({}, wrong("missing_parameter", "amount", "A parameter is missing.")),
    ({"items": []}, wrong("missing_parameter", "amount", "A parameter is missing.")),
    ({"percent": 1, "currency": None}, wrong("missing_parameter", "currency", "A parameter is missing.")),
    ({"percent": 1, "orderId": None}, wrong("missing_parameter", "orderId", "A parameter is missing.")),
    ({"items": [{"percent": 1}]}, wrong("missing_parameter", "items[0].itemId", "A parameter is missing.")),
    ({"items": [{"itemId": "ITEM"}]}, wrong("missing_parameter", "items[0].amount", "A parameter is missing.")),
    (
        {"items": [{"itemId": "17", "percent": 1}]},
        wrong("invalid_parameter", "items[0].itemId", "'17' is not a valid itemId."),
    ),
    (
        {"items": [{"itemId": "ITEM", "percent": 1, "quantity": 3}]},
        wrong("invalid_parameter", "items[0].quantity", "'3' is not a valid quantity."),
    ),
    (
        {"items": [{"itemId": "ITEM", "percent": 1, "quantity": -1}]},
        wrong("invalid_integer", "items[0].quantity", "'-1' is not a valid integer."),
    ),
    (
        {"items": [{"itemId": "ITEM", "percent": 1, "type": "tax"}]},
        wrong("invalid_parameter", "items[0].type", "'tax' is not a valid type."),
    ),
    ({"percent": 100, "type": "fees"}, wrong("invalid_parameter", "type", "'fees' is not a valid type.")),
    ({"percent": 0}, wrong("invalid_parameter", "percent", "'0' is not a valid percent.")),
    ({"percent": 101}, wrong("invalid_parameter", "percent", "'101' is not a valid percent.")),
    ({"amount": -1}, wrong("invalid_parameter", "amount", "'-1' is not a valid amount.")),
    ({"amount": "NaN"}, wrong("invalid_parameter", "amount", "'NaN' is not a valid amount.")),
    ({"amount": True}, wrong("invalid_parameter", "amount", "'true' is not a valid amount.")),
    ({"amount": "1.005"}, wrong("invalid_parameter", "amount", "'1.005' is not a valid amount.")),
    (
        {"percent": 1, "amount": 1},
        wrong("invalid_parameter", "percent", "'1' is not a valid parameter beside amount."),
    ),
    (
        {"amount": 1, "items": [{"itemId": "ITEM", "percent": 1}]},
        wrong("invalid_parameter", "amount", "'1' is not a valid parameter beside items."),
    ),
    ({"percent": 1, "invoiceId": "1"}, wrong("unknown_parameter", "invoiceId", "'invoiceId' is an unknown parameter.")),
    (
        {"percent": 1, "reason": "x" * 65},
        wrong("invalid_parameter", "reason", f"'{'x' * 65}' is not a valid reason."),
    ),
]


@pytest.mark.parametrize(("body", "answer"), REFUSALS)
def test_what_cannot_be_refunded_is_refused_and_changes_nothing(client: Client, body: JSON, answer: JSON) -> None:
    order = shipped(client)
    for each in body.get("items", []):
        if each.get("itemId") == "ITEM":
            body = {**body, "items": [{**it, "itemId": order["items"][0]["id"]} for it in body["items"]]}
    with nothing_changes(client):
        response = ask(client, order, **body)
    assert (response.status_code, response.json()) == (400, answer)


def test_an_order_that_does_not_exist_or_has_nothing_captured_is_refused(client: Client) -> None:
    response = ask(client, {"id": "1", "currency": "USD"}, percent=100)
    assert (response.status_code, response.json()) == (
        404,
        error("not_found", "not_found", "Order '1' not found.", "orderId"),
    )
    order = client.order()
    client.ok(client.fulfill(order, line(order, 1)), 201)
    with nothing_changes(client):
        assert ask(client, order, percent=100).json() == TOO_MUCH


def test_an_order_in_dispute_is_refused(client: Client) -> None:
    order = client.order(state="dispute")
    response = ask(client, order, percent=100)
    message = "A refund cannot be performed while there is a dispute on the order."
    assert (response.status_code, response.json()) == (400, wrong("invalid_parameter", "order", message))


# Retrieving, listing, changing.


def test_refunds_are_listed_newest_first_and_by_every_filter(client: Client) -> None:
    order, other = shipped(client), shipped(client)
    whole = refund(client, order, percent=50, reason="late")
    client.advance("10s")
    item = refund(client, other, items=[{"itemId": other["items"][0]["id"], "percent": 100}])

    def found(**params: Any) -> list[str]:
        return [each["id"] for each in client.ok(client.get("/refunds", params=params))["data"]]

    assert found() == [item["id"], whole["id"]]
    assert found(limit=1, startingAfter=item["id"]) == [whole["id"]]
    assert found(orderId=order["id"]) == found(reason="late") == found(ids=whole["id"]) == [whole["id"]]
    assert found(state="pending") == found(skuId="sku_widget") == [item["id"]]
    assert found(state="succeeded") == found(**{"refundedAmount[gte]": 13.51}) == [whole["id"]]
    assert found(amount=13.51) == found(**{"createdTime[lt]": item["createdTime"]}) == [whole["id"]]
    assert found(**{"amount[gt]": 14}) == found(orderId="1") == []
    refused(client.get("/refunds/re_1"), 404, "not_found", "id")


def test_only_the_metadata_of_a_refund_can_be_changed(client: Client) -> None:
    made = refund(client, shipped(client), percent=50, metadata={"a": "1"})
    path, count = f"/refunds/{made['id']}", len(client.events())
    changed = client.ok(client.post(path, json={"metadata": {"a": "2", "b": "3"}}))
    assert changed == {**made, "metadata": {"a": "2", "b": "3"}} == refund_now(client, made)
    (event,) = events_since(client, count)
    assert (event["type"], event["data"]["object"]) == ("refund.updated", changed)
    assert event["data"]["previousAttributes"] == {"metadata": {"a": "1", "b": None}}
    client.ok(client.post(path, json={"metadata": {"a": "2"}}))
    assert len(client.events()) == count + 1
    refused(client.post(path, json={"reason": "late"}), 400, "unknown_parameter", "reason")
    refused(client.post("/refunds/re_1", json={"metadata": {}}), 404, "not_found", "id")


def test_the_timeline_shows_refunds(client: Client) -> None:
    order = shipped(client)
    made = refund(client, order, percent=50)
    entries = client.ok(client.get(f"/_sim/orders/{order['id']}/timeline"))
    shown = entries["data"] if isinstance(entries, dict) else entries
    kinds = [each["kind"] if each["kind"] != "event" else each["type"] for each in shown]
    assert kinds[-4:] == ["call", "refund.pending", "refund", "order.charge.refund.pending"]
    assert (shown[-2]["refundId"], shown[-2]["amount"], shown[-2]["state"]) == (made["id"], 13.51, "pending")


# Many at once, and the end of a server.


def test_twenty_refunds_at_once_pay_back_exactly_what_is_there(drsim: Drsim, client: Client) -> None:
    order = shipped(client, storeCredit=11.0)
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(client, order, amount=2), range(20)))
    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(201), statuses.count(400)) == (13, 7)
    assert all(answer.json() == TOO_MUCH for answer in answers if answer.status_code == 400)
    assert order_now(client, order)["availableToRefundAmount"] == 1.01
    client.settle()
    assert order_now(client, order)["refundedAmount"] == 26.0
    assert sum(amounts(charge_of_type(client, order, "creditCard")["refunds"])) == pytest.approx(16.01)


def test_a_refund_survives_the_server_and_ends_in_its_next_life(tmp_path: Path) -> None:
    options = ("--clock", "manual", "--db", str(tmp_path / "kept.db"))
    with Drsim(*options) as server:
        client = server.client()
        order = shipped(client)
        made = refund(client, order, percent=50)
        server.kill()
    with Drsim(*options) as server:
        client = server.client()
        assert refund_now(client, made) == made
        client.advance("3s")
        assert refund_now(client, made)["state"] == "succeeded"
        assert order_now(client, order)["refundedAmount"] == 13.51
        assert ask(client, order, amount=13.51).json() == TOO_MUCH
