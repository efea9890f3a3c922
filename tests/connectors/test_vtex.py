"""The calls of the VTEX connector, to the letter: it speaks the shape of 2021-02-23 and checks little.

Source: surroundings page, 10.1.
"""

from typing import Any

import pytest

from tests.connectors.shopper import ADDRESS, Browser
from tests.harness import JSON, Client

OLDER = {"digitalriver-version": "2021-02-23"}


class Connector:
    """A client that sends and reads what the connector does, one method for each of its steps."""

    def __init__(self, client: Client, reference: str) -> None:
        self._client = client
        self._reference = reference

    def _post(self, path: str, body: JSON) -> JSON:
        answer = self._client.post(path, json=body, headers=OLDER)
        assert 200 <= answer.status_code < 300, answer.text
        found: JSON = answer.json()
        return found

    def _get(self, path: str, **params: str) -> JSON:
        answer = self._client.get(path, params=params, headers=OLDER)
        assert answer.status_code == 200, answer.text
        found: JSON = answer.json()
        return found

    def simulate(self) -> JSON:
        """Step 1: the tax handler reads every line's taxes without looking whether they are there."""
        made = self._post(
            "/checkouts",
            {
                "applicationId": "VTEX",
                "currency": "USD",
                "taxInclusive": True,
                "email": "chase@example.com",
                "locale": "en_US",
                "browserIp": "127.0.0.1",
                "shipFrom": {"address": {"country": "US"}},
                "shipTo": {"name": "Chase Marshall", "phone": "", "address": ADDRESS},
                "items": [
                    {
                        "skuId": "17",
                        "quantity": 2,
                        "price": 10.0,
                        "discount": {"percentOff": 10, "quantity": 2},
                        "metadata": {"vtexItemId": "0"},
                    },
                    {
                        "skuId": "18",
                        "quantity": 1,
                        "price": 5.0,
                        "discount": {"amountOff": 1.0, "quantity": 1},
                        "metadata": {"vtexItemId": "1"},
                    },
                ],
                "shippingChoice": {"amount": 5.0, "description": "", "serviceLevel": ""},
            },
        )
        taxes = [made["shippingChoice"]["taxAmount"]]
        for item in made["items"]:
            assert item["metadata"]["vtexItemId"] in ("0", "1")
            taxes += [item["tax"]["amount"], item["importerTax"]["amount"], item["duties"]["amount"]]
            taxes += [item["fees"]["amount"], item["fees"]["taxAmount"]]
        assert round(sum(taxes), 2) == made["totalTax"]
        assert made["totalAmount"] == 27.0  # what the shopper saw: 18 + 4 + 5, tax included
        return made

    def pay(self, checkout: JSON) -> None:
        """Steps 2 and 3."""
        source = Browser(self._client).source(checkout["paymentSessionId"])
        self._post(f"/checkouts/{checkout['id']}", {"sourceId": source["id"]})

    def authorize(self, checkout: JSON) -> JSON:
        """Steps 4 to 6."""
        known = self._get("/orders", upstreamIds=self._reference)["data"]
        if known:
            return {"id": known[0]["id"], "state": known[0]["state"]}
        self._post(f"/checkouts/{checkout['id']}", {"upstreamId": self._reference})
        order = self._post("/orders", {"checkoutId": checkout["id"]})
        assert order["sources"][0]["type"] == "creditCard"
        assert order["sources"][0]["creditCard"]["lastFourDigits"] == "1111"
        return order

    def handle(self, order_id: str, count: str) -> str:
        """Steps 7 and 8: everything is settled or cancelled at once."""
        order = self._get(f"/orders/{order_id}")
        items = [{"itemId": each["id"], count: each["quantity"]} for each in order["items"]]
        fulfillment_id: str = self._post("/fulfillments", {"orderId": order_id, "items": items})["id"]
        return fulfillment_id

    def refund(self, order_id: str, amount: float) -> JSON:
        """Step 9."""
        order = self._get(f"/orders/{order_id}")
        return self._post("/refunds", {"orderId": order_id, "currency": order["currency"], "amount": amount})


@pytest.fixture
def connector(client: Client) -> Connector:
    return Connector(client, "vtex-1")


def ordered(connector: Connector) -> JSON:
    checkout = connector.simulate()
    connector.pay(checkout)
    return connector.authorize(checkout)


def test_an_order_is_authorized_settled_and_refunded(client: Client, connector: Connector) -> None:
    order = ordered(connector)
    assert (order["state"], order["totalAmount"]) == ("accepted", 27.0)
    assert connector.handle(order["id"], "quantity")
    client.settle()
    connector.refund(order["id"], 7.5)
    client.settle()
    now = client.ok(client.get(f"/orders/{order['id']}"))
    assert (now["state"], now["capturedAmount"], now["refundedAmount"]) == ("complete", 27.0, 7.5)


def test_asking_again_finds_the_order_there_is(client: Client, connector: Connector) -> None:
    order = ordered(connector)
    assert connector.authorize({"id": "never read"}) == {"id": order["id"], "state": "accepted"}


def test_an_order_is_cancelled_as_a_whole(client: Client, connector: Connector) -> None:
    order = ordered(connector)
    connector.handle(order["id"], "cancelQuantity")
    client.settle()
    now = client.ok(client.get(f"/orders/{order['id']}"))
    assert (now["state"], now["cancelledAmount"]) == ("cancelled", 27.0)


def test_a_failed_capture_goes_unnoticed_by_the_connector(client: Client, connector: Connector) -> None:
    """What a sandbox is for: the connector has its fulfillment id and never looks at the charge again."""
    rule: Any = {"when": {"operation": "capture"}, "then": {"state": "failed"}}
    client.ok(client.post("/_sim/behavior", json=rule), 201)
    order = ordered(connector)
    assert connector.handle(order["id"], "quantity")
    client.settle()
    now = client.ok(client.get(f"/orders/{order['id']}"))
    assert (now["state"], now["capturedAmount"]) == ("fulfilled", 0.0)
