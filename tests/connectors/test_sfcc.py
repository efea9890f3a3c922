"""The calls of the Salesforce B2C connector, to the letter: the newest shape, redirects, store credit, refund tokens.

Source: surroundings page, 10.2.
"""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.connectors.shopper import ADDRESS, OWNER, Browser
from tests.harness import JSON, Client

HEADERS = {
    "digitalriver-version": "2021-12-13",
    "upstream-id": "sfcc-1",
    "upstream-application-id": "link_digitalriver/21.3.0",
    "upstream-session-id": "s-1",
    "forwarded": "for=203.0.113.7",
}


def party(**more: Any) -> JSON:
    return {"address": {**ADDRESS, "line2": ""}, "name": "Chase Marshall", "phone": "", "email": OWNER["email"], **more}


def body(**more: Any) -> JSON:
    return {
        "sourceId": "",
        "upstreamId": "00001234",
        "currency": "USD",
        "taxInclusive": False,
        "browserIp": "203.0.113.7",
        "billTo": party(organization=""),
        "items": [
            {
                "quantity": 2,
                "aggregatePrice": 20.0,
                "metadata": {"crossCheckoutId": "uuid-1"},
                "skuId": "701644329402M",
            },
            {
                "quantity": 1,
                "aggregatePrice": 7.0,
                "metadata": {"crossCheckoutId": "uuid-2"},
                "productDetails": {
                    "id": "gift-wrap",
                    "skuGroupId": "10123",
                    "name": "Gift wrap",
                    "description": "",
                    "countryOfOrigin": "US",
                    "url": "",
                    "image": "",
                    "weight": 1,
                    "weightUnit": "oz",
                },
            },
        ],
        "locale": "en_US",
        "shippingChoice": {"amount": 5.0, "description": "Ground", "serviceLevel": "Ground"},
        "shipTo": party(),
        "shipFrom": {"address": {"country": "US"}},
        "taxIdentifiers": [],
        "customerType": "individual",
        "email": OWNER["email"],
        **more,
    }


class Connector:
    """A client that sends and reads what the connector does."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def call(self, method: str, path: str, body: JSON | None = None, **params: str) -> httpx.Response:
        return self._client.http.request(method, path, json=body, params=params, headers=HEADERS)

    def ok(self, method: str, path: str, body: JSON | None = None, **params: str) -> JSON:
        answer = self.call(method, path, body, **params)
        assert 200 <= answer.status_code < 300, answer.text
        found: JSON = answer.json() if answer.content else {}
        return found

    def checkout(self, **more: Any) -> JSON:
        """Steps 1 and 2."""
        made = self.ok("POST", "/checkouts", body(**more))
        changed = self.ok("POST", f"/checkouts/{made['id']}", {"shippingChoice": body()["shippingChoice"]})
        for item in changed["items"]:
            assert item["metadata"]["crossCheckoutId"]
            assert {"tax", "importerTax", "duties", "fees"} <= item.keys()
        assert changed["payment"]["session"]["amountRemainingToBeContributed"] == changed["totalAmount"]
        assert "sources" not in changed["payment"]
        assert changed["sellingEntity"]["id"] == "C5_INC-ENTITY"
        return changed

    def attach(self, checkout: JSON, source: JSON) -> JSON:
        """Step 4: an empty body."""
        self.ok("POST", f"/checkouts/{checkout['id']}/sources/{source['id']}")
        return self.ok("GET", f"/checkouts/{checkout['id']}")


@pytest.fixture
def connector(client: Client) -> Connector:
    return Connector(client)


@pytest.fixture
def browser(client: Client) -> Browser:
    return Browser(client)


def session_of(checkout: JSON) -> str:
    id: str = checkout["payment"]["session"]["id"]
    return id


def test_a_card_is_ordered_shipped_by_parcel_and_cancelled_in_part(
    client: Client, connector: Connector, browser: Browser
) -> None:
    checkout = connector.checkout()
    connector.attach(checkout, browser.source(session_of(checkout)))
    order = connector.ok("POST", "/orders", {"checkoutId": checkout["id"]})
    assert (order["state"], order["payment"]["session"]["state"]) == ("accepted", "complete")
    order = connector.ok("POST", f"/orders/{order['id']}", {"upstreamId": "00001234"})
    assert order["items"][0]["metadata"] == {"crossCheckoutId": "uuid-1"}
    jobs = connector.ok("GET", "/orders", ids=f"{order['id']},unknown", limit="20")
    assert [(each["state"], each["fraudState"]) for each in jobs["data"]] == [("accepted", "passed")]
    for item, tracking in zip(order["items"], ("1Z1", None), strict=True):
        parcel = {"trackingCompany": tracking and "UPS", "trackingNumber": tracking, "trackingUrl": None}
        lines = [{"itemId": item["id"], "quantity": 1}]
        connector.ok("POST", "/fulfillments", {"orderId": order["id"], "items": lines, **parcel})
    rest = [{"itemId": order["items"][0]["id"], "cancelQuantity": 1}]
    connector.ok("POST", "/fulfillments", {"orderId": order["id"], "items": rest})
    client.settle()
    now = connector.ok("GET", f"/orders/{order['id']}")
    assert now["state"] == "complete"
    assert "fraudState" not in now
    assert round(now["capturedAmount"] + now["cancelledAmount"], 2) == order["totalAmount"]


def test_a_redirect_method_is_ordered_first_and_paid_then(
    client: Client, connector: Connector, browser: Browser
) -> None:
    checkout = connector.checkout()
    source = browser.source(session_of(checkout), "klarnaCredit")
    assert source["state"] == "pending_redirect"
    connector.attach(checkout, source)
    order = connector.ok("POST", "/orders", {"checkoutId": checkout["id"]})
    session = order["payment"]["session"]
    assert (order["state"], session["state"], session["nextAction"]["action"]) == (
        "pending_payment",
        "pending_redirect",
        "redirect",
    )
    back = urlsplit(browser.approve(session["nextAction"]["data"]["redirectUrl"]))
    assert parse_qs(back.query) == {"drPaymentSessionId": [session["id"]]}
    order = connector.ok("POST", f"/orders/{order['id']}/refresh")
    assert (order["state"], order["payment"]["session"]["state"]) == ("accepted", "complete")


def test_store_credit_takes_the_place_of_the_card_and_the_card_comes_back(
    connector: Connector, browser: Browser
) -> None:
    checkout = connector.checkout()
    card = browser.source(session_of(checkout))
    connector.attach(checkout, card)
    connector.ok("DELETE", f"/checkouts/{checkout['id']}/sources/{card['id']}")
    credit = {"type": "customerCredit", "paymentSessionId": session_of(checkout), "amount": 10.0,
              "upstreamId": "gc-1", "customerCredit": {}, "owner": OWNER}  # fmt: skip
    shown = connector.attach(checkout, connector.ok("POST", "/sources", credit))
    left = shown["payment"]["session"]["amountRemainingToBeContributed"]
    assert round(left, 2) == round(checkout["totalAmount"] - 10, 2)
    shown = connector.attach(checkout, browser.source(session_of(checkout)))
    assert shown["payment"]["session"]["amountRemainingToBeContributed"] == 0
    order = connector.ok("POST", "/orders", {"checkoutId": checkout["id"]})
    assert {each["type"] for each in order["payment"]["sources"]} == {"creditCard", "customerCredit"}


def test_a_card_is_saved_with_a_new_or_a_known_customer(connector: Connector, browser: Browser) -> None:
    customer = {"id": "sfcc-00007", "email": OWNER["email"], "locale": "en_US"}
    assert connector.call("POST", "/customers", customer).status_code == 201
    assert connector.call("POST", "/customers", customer).status_code == 409
    assert connector.ok("GET", "/customers/sfcc-00007")["id"] == "sfcc-00007"
    checkout = connector.checkout(customerId="sfcc-00007")
    source = browser.source(session_of(checkout), futureUse=True, usage="convenience")
    saved = connector.ok("POST", f"/customers/sfcc-00007/sources/{source['id']}")
    assert (saved["reusable"], saved["customerId"]) == (True, "sfcc-00007")
    connector.ok("POST", "/customers/sfcc-00007", {"defaultSourceId": source["id"]})
    connector.attach(checkout, saved)
    connector.ok("POST", "/orders", {"checkoutId": checkout["id"]})
    again = connector.checkout(customerId="sfcc-00007", sourceId=None)
    connector.attach(again, saved)
    assert connector.ok("POST", "/orders", {"checkoutId": again["id"]})["state"] == "accepted"


def test_a_declined_order_needs_a_new_checkout(client: Client, connector: Connector, browser: Browser) -> None:
    checkout = connector.checkout()
    number = {"number": "4000000000003600", "expirationMonth": 12, "expirationYear": 2040, "cvv": "123"}
    connector.attach(checkout, browser.source(session_of(checkout), creditCard=number))
    answer = connector.call("POST", "/orders", {"checkoutId": checkout["id"]})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (409, "failed-request")
    abandoned = connector.ok("GET", "/orders", upstreamIds="00001234", limit="100")["data"]
    assert [each for each in abandoned if each["checkoutId"] == checkout["id"]] == []


def test_a_refund_that_waits_for_bank_details_has_a_token(
    client: Client, connector: Connector, browser: Browser
) -> None:
    checkout = connector.checkout()
    wire = {"type": "wireTransfer", "wireTransfer": {}}
    source = browser.source(session_of(checkout), "wireTransfer", **{"wireTransfer": wire["wireTransfer"]})
    connector.attach(checkout, source)
    order = connector.ok("POST", "/orders", {"checkoutId": checkout["id"]})
    assert order["payment"]["session"]["nextAction"]["action"] == "show_payment_instructions"
    client.ok(client.post(f"/_sim/sources/{source['id']}/pay", json={}))
    order = connector.ok("GET", f"/orders/{order['id']}")
    assert order["state"] == "accepted"
    lines = [{"itemId": each["id"], "quantity": each["quantity"]} for each in order["items"]]
    connector.ok("POST", "/fulfillments", {"orderId": order["id"], "items": lines})
    client.settle()
    connector.ok("POST", "/refunds", {"orderId": order["id"], "currency": "USD", "percent": 100})
    client.advance("10s")
    waiting = connector.ok("GET", "/refunds", orderId=order["id"], state="pending_information")["data"]
    assert connector.ok("GET", f"/refunds/{waiting[0]['id']}")["tokenInformation"]["token"]


def test_the_invoice_is_shown_by_a_link(client: Client, connector: Connector, browser: Browser) -> None:
    checkout = connector.checkout()
    connector.attach(checkout, browser.source(session_of(checkout)))
    order = connector.ok("POST", "/orders", {"checkoutId": checkout["id"]})
    lines = [{"itemId": each["id"], "quantity": each["quantity"]} for each in order["items"]]
    connector.ok("POST", "/fulfillments", {"orderId": order["id"], "items": lines})
    client.settle()
    file_id = connector.ok("GET", f"/orders/{order['id']}")["invoicePDFs"][0]["id"]
    link = connector.ok("POST", "/file-links", {"fileId": file_id, "expiresTime": "2999-01-01T00:00:00Z"})
    shown = httpx.get(link["url"])
    assert shown.headers["content-type"] == "application/pdf"
    assert shown.content.startswith(b"%PDF-")
