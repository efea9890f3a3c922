"""The calls of the Salesforce B2B Lightning connector, to the letter: nulls, decimal quantities, zeros, a strict batch.

Source: surroundings page, 10.3.
"""

import json
from typing import Any

import httpx
import pytest

from tests.connectors.shopper import ADDRESS, OWNER, Browser
from tests.harness import JSON, Client, Received, Receiver

DONE = ("order_complete", "order_cancelled", "item_fulfilled", "item_cancelled")


def body(**more: Any) -> JSON:
    who = {"address": {**ADDRESS, "line2": None}, "name": "Chase Marshall", "phone": None, "email": OWNER["email"]}
    return {
        "chargeType": "customer_initiated",
        "browserIp": None,
        "upstreamId": "a0B5",
        "taxInclusive": False,
        "customerType": "business",
        "email": OWNER["email"],
        "customerId": None,
        "currency": "USD",
        "locale": "en_US",
        "sourceId": None,
        "taxIdentifiers": None,
        "shipFrom": {"address": {"country": "US"}},
        "shipTo": {**who, "organization": "Widgets Inc."},
        "billTo": {**who, "organization": None},
        "shippingChoice": {"amount": 5.00, "description": "Ground", "serviceLevel": "SG"},
        "items": [
            {
                "skuId": sku,
                "quantity": 2.0,
                "aggregatePrice": 20.00,
                "metadata": {"skuId": sku, "cartItemId": f"0a9{sku}", "cartId": "0a6"},
                "subscriptionInfo": None,
            }
            for sku in ("sku-a", "sku-b")
        ],
        **more,
    }


class Connector:
    """A client that sends and reads what the connector does."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def call(self, method: str, path: str, body: JSON | None = None, **params: str) -> httpx.Response:
        return self._client.http.request(method, path, json=body, params=params)

    def ok(self, method: str, path: str, body: JSON | None = None, **params: str) -> JSON:
        answer = self.call(method, path, body, **params)
        assert 200 <= answer.status_code < 300, answer.text
        found: JSON = answer.json()
        return found

    def fulfill(self, order_id: str, *lines: JSON) -> str:
        """Steps 7 and 8: what a batch makes of one answer."""
        answer = self.call("POST", "/fulfillments", {"orderId": order_id, "items": list(lines)})
        if answer.status_code == 201:
            return "sent"
        error = answer.json()["errors"][0]
        assert answer.status_code == 409
        assert len(answer.json()["errors"]) == 1
        if error["code"] in ("item_fulfilled", "item_cancelled"):
            assert any(each["itemId"] in error["message"] for each in lines)
        return "done" if error["code"] in DONE else error["code"]


@pytest.fixture
def connector(client: Client) -> Connector:
    return Connector(client)


def ordered(client: Client, connector: Connector, credit: float | None = None) -> JSON:
    checkout = connector.ok("POST", "/checkouts", body())
    session = checkout["payment"]["session"]["id"]
    if credit is not None:
        made = connector.ok(
            "POST",
            "/payments/sources",
            {
                "type": "customerCredit",
                "paymentSessionId": session,
                "amount": credit,
                "currency": "USD",
                "upstreamId": "credit-1",
                "customerCredit": {},
            },
        )
        connector.ok("POST", f"/checkouts/{checkout['id']}/sources/{made['id']}")
    card = Browser(client).source(session)
    connector.ok("POST", f"/checkouts/{checkout['id']}/sources/{card['id']}")
    connector.ok("POST", f"/checkouts/{checkout['id']}", {"upstreamId": "801", "metadata": {"sfOrderId": "801"}})
    made = connector.ok("POST", "/orders", {"checkoutId": checkout["id"]})
    order = connector.ok("GET", f"/orders/{made['id']}")
    by_sku = {each["skuId"]: each for each in order["items"]}
    assert set(by_sku) == {"sku-a", "sku-b"}
    assert all({"id", "state", "fees", "duties", "importerTax"} <= each.keys() for each in order["items"])
    return connector.ok("POST", f"/orders/{order['id']}", {"upstreamId": "801", "metadata": {"sfOrderId": "801"}})


def line(order: JSON, index: int, quantity: float, cancel: float) -> JSON:
    return {"itemId": order["items"][index]["id"], "quantity": quantity, "cancelQuantity": cancel}


def test_a_batch_can_be_sent_again_and_again(client: Client, connector: Connector) -> None:
    order = ordered(client, connector, credit=10.00)
    id = order["id"]
    assert connector.fulfill(id, line(order, 0, 2.0, 0.0)) == "sent"
    assert connector.fulfill(id, line(order, 0, 2.0, 0.0)) == "done"
    assert connector.fulfill(id, line(order, 1, 3.0, 0.0)) == "quantity_too_large"
    assert connector.fulfill(id, line(order, 1, 0.0, 2.0)) == "sent"
    client.settle()
    assert connector.fulfill(id, line(order, 1, 0.0, 2.0)) == "done"
    now = connector.ok("GET", f"/orders/{id}")
    assert (now["state"], now["metadata"]) == ("complete", {"sfOrderId": "801"})
    assert round(now["capturedAmount"] + now["cancelledAmount"], 2) == now["totalAmount"]


def test_what_could_not_be_saved_is_cancelled_as_a_whole(client: Client, connector: Connector) -> None:
    order = ordered(client, connector)
    assert connector.fulfill(order["id"], line(order, 0, 0, 2), line(order, 1, 0, 2)) == "sent"
    client.settle()
    assert connector.ok("GET", f"/orders/{order['id']}")["state"] == "cancelled"
    assert connector.fulfill(order["id"], line(order, 0, 0, 2)) == "done"
    assert connector.ok("GET", "/refunds", orderId=order["id"], state="pending_information")["data"] == []


def test_an_event_that_comes_too_early_comes_again(client: Client, connector: Connector, receiver: Receiver) -> None:
    """It answers 400 while it does not know the order, and replaces words in the text before it parses it."""
    known: set[str] = set()

    def answer(received: Received) -> int:
        renamed = received.body.decode().replace('"object"', '"obj"').replace('"currency"', '"currencyIsoCode"')
        event = json.loads(renamed)
        found = event["data"]["obj"]
        assert event["type"].startswith("order.")
        reference = found.get("metadata", {}).get("sfOrderId") or found.get("orderId")
        return 200 if reference in known else 400

    receiver.answer = answer
    types = ("created", "accepted", "pending_payment", "review_opened", "blocked", "cancelled", "complete")
    client.webhook(receiver.url, *(f"order.{each}" for each in (*types, "invoice.created", "credit_memo.created")))
    order = ordered(client, connector)
    client.settle("now")
    known |= {"801", order["id"]}
    client.advance("5m")
    client.settle()
    told = [json.loads(each.body)["type"] for each in receiver.received]
    assert told == ["order.created", "order.accepted"] * 2


def test_a_sku_is_put_and_the_groups_are_read_page_by_page(connector: Connector) -> None:
    sku = {"name": "Widget", "eccn": "EAR99", "taxCode": "4323.310_A", "countryOfOrigin": "US"}
    assert connector.call("PUT", "/skus/sku-a", sku).status_code in (200, 201)
    assert connector.call("PUT", "/skus/sku-a", sku).status_code == 200
    seen: list[str] = []
    while True:
        page = connector.ok("GET", "/sku-groups", limit="2", startingAfter=seen[-1] if seen else "")
        seen += [each["id"] for each in page["data"]]
        if not page["hasMore"]:
            break
    assert len(seen) == len(set(seen)) > 2
