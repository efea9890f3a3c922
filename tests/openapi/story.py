"""The story that the examples of the description are taken from: `python -m tests.openapi.story` writes them anew.

One order after another is lived through on a real server with a fixed seed; of each route the first call that went
well is kept, of each status that says no the first one. A new route needs a call here.
"""

import sys
from pathlib import Path
from typing import Any

import httpx
import orjson

import drsim.web.openapi
from tests.described import route_of
from tests.harness import JSON, Client, Drsim, Receiver

EXAMPLES = Path(drsim.web.openapi.__file__).with_name("examples.json")

ORDER: JSON = {
    "upstreamId": "order-1001",
    "shipping": 5.0,
    "taxRate": 0.08025,
    "items": [{"skuId": "sku_widget", "name": "Widget", "price": 10.0, "quantity": 3}],
}


class Form(dict[str, str]):
    """A body that is sent as a form."""


class Story:
    """Calls, and what is kept of them. `url` and `receiver` are shown as if they had their usual ports."""

    def __init__(self, client: Client, url: str, receiver: str) -> None:
        self.client = client
        self.client.http.headers["user-agent"] = "example"
        self._ports = {url.rpartition("/")[2]: "127.0.0.1:3774", receiver.rpartition("/")[2]: "127.0.0.1:3000"}
        self.kept: dict[str, JSON] = {}

    def __call__(self, verb: str, path: str, body: Any = None, **headers: str) -> Any:
        """A call that goes well; a body that is a form is sent as one. Returns the answer, unless that is no JSON."""
        response, example = self._call(verb, path, body, headers)
        assert response.status_code < 400, f"{verb} {path}: {response.text}"
        route = route_of(verb, path.partition("?")[0])
        assert route is not None, f"{verb} {path}"
        self.kept.setdefault(route, self._settled(example))
        return example.get("response")

    def refused(self, status: int, verb: str, path: str, body: Any = None, **headers: str) -> None:
        """A call that is turned down with this status."""
        response, example = self._call(verb, path, body, headers)
        assert response.status_code == status, f"{verb} {path}: {response.text}"
        self.kept[str(status)] = self._settled(example)

    def _call(self, verb: str, path: str, body: Any, headers: dict[str, str]) -> tuple[httpx.Response, JSON]:
        sent = {} if body is None else {"data": dict(body)} if isinstance(body, Form) else {"json": body}
        response = self.client.http.request(verb, path, headers=headers, **sent)
        is_json = response.headers.get("content-type", "").startswith("application/json")
        answer = response.json() if response.content and is_json else None
        example = {**({} if body is None else {"request": body}), **({} if answer is None else {"response": answer})}
        return response, example

    def _settled(self, example: JSON) -> JSON:
        """The same without what is different in each run: ports, and how long a receiver took."""
        text = orjson.dumps(example).decode()
        for port, usual in self._ports.items():
            text = text.replace(port, usual)
        settled: JSON = _in_no_time(orjson.loads(text))
        return settled


def _in_no_time(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_no_time(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: 2 if key == "durationMs" else {} if key == "responseHeaders" else _in_no_time(each)
        for key, each in value.items()
    }


def live_through(server: Drsim, receiver: Receiver) -> dict[str, JSON]:
    """Lives through everything once; returns the examples by route, those of refusals by status."""
    client = server.client("examples")
    story = Story(client, server.url, receiver.url)
    world: JSON = {"scenario": "Examples", "account": {"signatureClock": "simulated"}}
    order = story("POST", "/_sim/scenario", {**world, "given": {"orders": [{"as": "order", **ORDER}]}})["order"]
    shopper = Story(server.client(key="pk_test_examples"), server.url, receiver.url)
    watch(story)
    stock(story)
    befriend(story, shopper)
    buy(story, shopper)
    hooks(story, receiver)
    ship(story, order)
    hand_over(story)
    keep_files(story)
    give_back(story, order)
    judge(story)
    tell(story, order)
    rule(story)
    leave(story)
    refuse(story, order)
    stranger = Story(server.client(key="none"), server.url, receiver.url)
    stranger.refused(401, "GET", "/orders")
    shopper.refused(403, "GET", "/orders")
    story.kept = {**stranger.kept, **shopper.kept, **story.kept}
    story("POST", "/_sim/scenario", {**world, "account": {"rateLimit": "1/m"}})
    story("GET", "/orders?limit=1")
    story.refused(429, "GET", "/orders?limit=1")
    story("POST", "/_sim/reset")
    return dict(sorted(story.kept.items()))


def watch(story: Story) -> None:
    """What can be looked at before anything has happened."""
    story("GET", "/_sim/health")
    story("GET", "/_sim/clock")
    story("GET", "/_sim/timeline")
    story("GET", "/_sim/trigger")


MINNEAPOLIS: JSON = {
    "name": "Chase Marshall",
    "address": {
        "line1": "1 Any Street",
        "city": "Minneapolis",
        "postalCode": "55401",
        "state": "MN",
        "country": "US",
    },
}
CARD: JSON = {
    "type": "creditCard",
    "owner": {
        "firstName": "Chase",
        "lastName": "Marshall",
        "email": "chase@example.com",
        "address": MINNEAPOLIS["address"],
    },
    "creditCard": {"number": "4111111111111111", "expirationMonth": 7, "expirationYear": 2027, "cvv": "123"},
}
CART: JSON = {
    "currency": "USD",
    "email": "chase@example.com",
    "shipFrom": {"address": {"country": "US"}},
    "shipTo": MINNEAPOLIS,
    "shippingChoice": {"amount": 5.0, "description": "Ground", "serviceLevel": "SG"},
    "items": [{"skuId": "widget", "quantity": 2, "price": 10.0}],
}


def stock(story: Story) -> None:
    """What is sold, and how much of it there is."""
    story("GET", "/sku-groups?limit=3")
    story(
        "POST",
        "/skus",
        {"id": "widget", "name": "Widget", "taxCode": "4323.310_A", "eccn": "EAR99", "countryOfOrigin": "US"},
    )
    story("GET", "/skus/widget")
    story("GET", "/skus?limit=1")
    story("POST", "/skus/widget", {"partNumber": "W-1", "metadata": {"season": "spring"}})
    story("PUT", "/skus/gadget", {"name": "Gadget", "taxCode": "4323.310_A", "eccn": "EAR99", "countryOfOrigin": "US"})
    story("DELETE", "/skus/gadget")
    story("POST", "/inventory-items", {"id": "widget", "partNumber": "W-1"})
    story("POST", "/inventory-items", {"id": "gadget", "partNumber": "G-1"})
    story("POST", "/inventory-items/widget", {"allowOversell": False})
    story("GET", "/inventory-items/widget")
    story("GET", "/inventory-items?limit=1")
    story("PATCH", "/_sim/inventory-items/widget", {"stock": 100})
    story("GET", "/inventory-levels?inventoryItemIds=widget")
    held = story(
        "POST",
        "/reservations",
        {
            "items": [{"inventoryItemId": "widget", "quantity": 2}],
            "shipTo": MINNEAPOLIS,
            "shippingChoice": {"serviceLevel": "SG"},
            "expiresInSeconds": 600,
        },
    )
    story("DELETE", f"/reservations/{held['id']}")
    story("DELETE", "/inventory-items/gadget")
    quoted = {"currency": "USD", "items": [{"inventoryItemId": "widget", "quantity": 2}], "shipTo": {"country": "US"}}
    story("POST", "/shipping-quotes", quoted)


def befriend(story: Story, shopper: Story) -> None:
    """A customer, whose card is kept."""
    customer = story("POST", "/customers", {"id": "chase", "email": "chase@example.com", "shipping": MINNEAPOLIS})
    at = f"/customers/{customer['id']}"
    card = shopper("POST", "/payments/sources", CARD)
    secret = card["clientSecret"].partition("_")[2]
    shopper("GET", f"/payments/sources/{card['id']}?secret={secret}")
    for slash in ("", "/"):
        change = {"owner": {"phoneNumber": "952-111-1111"}}
        shopper("POST", f"/payments/sources/{card['id']}{slash}?secret={secret}", change)
    shopper("GET", "/payments/payment-methods")
    story("POST", f"{at}/sources/{card['id']}")
    number = story("POST", "/tax-identifiers", {"type": "de", "value": "DE123456789"})
    story("POST", f"{at}/tax-identifiers/{number['id']}")
    story("GET", f"/tax-identifiers/{number['id']}")
    story("GET", "/tax-identifiers")
    story("GET", at)
    story("GET", "/customers?limit=1")
    story("DELETE", f"{at}/sources/{card['id']}")
    story("DELETE", f"/tax-identifiers/{number['id']}")
    story("POST", at, {"locale": "en_US", "metadata": {"tier": "gold"}})
    story("DELETE", at)


def buy(story: Story, shopper: Story) -> None:
    """A checkout that a card pays for, others that are paid in other ways, or not at all."""
    checkout = story("POST", "/checkouts", CART)
    at = f"/checkouts/{checkout['id']}"
    story("POST", at, {"upstreamId": "cart-7"})
    story("GET", at)
    story("GET", "/checkouts?limit=1")
    credit = {**CARD, "type": "customerCredit", "amount": 5.0, "currency": "USD"}
    credit = story("POST", "/sources", {name: each for name, each in credit.items() if name != "creditCard"})
    card = shopper("POST", "/payments/sources", CARD)
    for source in (credit, card):
        story("POST", f"{at}/sources/{source['id']}")
    story("DELETE", f"{at}/sources/{credit['id']}")
    order = story("POST", "/orders", {"checkoutId": checkout["id"]})
    story("POST", f"/orders/{order['id']}/refresh")
    story("DELETE", f"/checkouts/{story('POST', '/checkouts', CART)['id']}")
    returning = {"returnUrl": "https://shop.example.com/return", "cancelUrl": "https://shop.example.com/cancel"}
    redirected = {"type": "payPal", "owner": CARD["owner"], "amount": 27.01, "currency": "USD", "payPal": returning}
    for act in ("pay", "decline", "expire"):
        source = shopper("POST", "/payments/sources", redirected)
        story("POST", f"/_sim/sources/{source['id']}/{act}", {} if act == "pay" else None)
    source = shopper("POST", "/payments/sources", redirected)
    shopper("GET", f"/payments/redirects/{source['id']}")
    shopper("POST", f"/payments/redirects/{source['id']}", Form(action="approve"))


def hand_over(story: Story) -> None:
    """An order that a fulfiller ships: one unit of four goes out, the others are cancelled in every way."""
    items = [{"skuId": "widget", "price": 10.0, "quantity": 4}]
    order = story("POST", "/_sim/orders", {"items": items, "fulfillmentModel": "distributed"})
    handed = story(
        "POST",
        "/fulfillment-orders",
        {
            "currency": "USD",
            "upstreamOrderTime": order["createdTime"],
            "upstreamId": order["id"],
            "shipTo": MINNEAPOLIS,
            "shippingChoice": {"id": "SG"},
            "items": [{"inventoryItemId": "widget", "quantity": 4, "upstreamId": order["items"][0]["id"]}],
        },
    )
    at, item = f"/_sim/fulfillment-orders/{handed['id']}", {"id": handed["items"][0]["id"], "quantity": 1}
    story("POST", f"{at}/backorder", {"availableIn": "2d"})
    shipment = story("POST", f"{at}/ship", {"items": [item], "trackingCompany": "UPS"})
    story("POST", f"{at}/cancel", {"items": [item]})
    story("GET", f"/shipments/{shipment['id']}")
    story("GET", "/shipments")
    wait = {"fulfillmentCancellations": "wait", "fulfillmentReturns": "wait"}
    story("POST", "/_sim/scenario", {"scenario": "Waits", "account": wait})
    asked = {
        "fulfillmentOrderId": handed["id"],
        "items": [{"fulfillmentOrderItemId": item["id"], "quantity": 1}],
        "reason": "Changed mind",
    }
    for kind in ("cancellations", "returns"):
        for answer, body in (("reject", None), ("accept", {})):
            made = story("POST", f"/fulfillment-{kind}", asked)
            story("POST", f"/_sim/fulfillment-{kind}/{made['id']}/{answer}", body)
            story("GET", f"/fulfillment-{kind}/{made['id']}")
        story("GET", f"/fulfillment-{kind}?limit=1")
    story("GET", f"/fulfillment-orders/{handed['id']}")
    story("GET", "/fulfillment-orders?limit=1")


def keep_files(story: Story) -> None:
    """An upload, with a link for those who have no key."""
    sent = {"file": "JVBERi0xLjQK", "purpose": "tax_document_customer_upload", "fileName": "exemption.pdf"}
    file = story("POST", "/files", sent)
    link = story("POST", "/file-links", {"fileId": file["id"], "expiresTime": "2024-02-01T00:00:00Z"})
    story("GET", f"/files/{file['id']}")
    story("GET", "/files?limit=1")
    story("GET", f"/files/{file['id']}/content")
    story("GET", f"/file-links/{link['id']}")
    story("GET", "/file-links?limit=1")
    story("POST", f"/file-links/{link['id']}", {"expiresTime": "2024-03-01T00:00:00Z"})
    story("GET", f"/links/{link['id']}")
    story("DELETE", f"/file-links/{link['id']}")
    story("DELETE", f"/files/{file['id']}")


def hooks(story: Story, receiver: Receiver) -> None:
    """A webhook, its settings and its secrets."""
    types = ["order.accepted", "fulfillment.created", "order.charge.capture.complete", "refund.complete"]
    webhook = story("POST", "/webhooks", {"types": types, "address": f"{receiver.url}/hooks"})
    at = f"webhooks/{webhook['id']}"
    story("GET", "/webhooks")
    story("GET", f"/{at}")
    story("PATCH", f"/{at}", {"types": [*types, "order.complete"]})
    story("PATCH", f"/_sim/{at}", {"expand": ["order.accepted"]})
    story("GET", f"/_sim/{at}")
    secret = story("GET", f"/_sim/{at}/secrets")["secrets"][0]
    story("POST", f"/_sim/{at}/rotate", {"expireOldIn": "12h"})
    story("POST", f"/_sim/{at}/revoke", {"secret": secret})


def ship(story: Story, order: JSON) -> None:
    """Two of three units are shipped, one is cancelled."""
    item = {"itemId": order["items"][0]["id"]}
    tracking = {"trackingCompany": "UPS", "trackingNumber": "1Z999AA10123456784"}
    fulfillment = story(
        "POST", "/fulfillments", {"orderId": order["id"], "items": [{**item, "quantity": 2, "cancelQuantity": 1}]}
    )
    story("POST", "/_sim/clock/advance", {"by": "3s"})
    story("POST", f"/fulfillments/{fulfillment['id']}", tracking)
    story("GET", f"/fulfillments/{fulfillment['id']}")
    story("GET", "/fulfillments?limit=1")
    charge = story("GET", f"/charges?orderId={order['id']}")["data"][0]
    story("GET", f"/charges/{charge['id']}")
    story("GET", f"/sources?orderId={order['id']}")
    story("GET", f"/sources/{charge['sourceId']}")
    before = story.client.get("/_sim/events").json()["next"]
    story("POST", f"/orders/{order['id']}", {"upstreamId": "order-1001-a", "metadata": {"warehouse": "west"}})
    story("GET", f"/_sim/events?after={before}")
    # The log of calls is saved now and then, and counts as well.
    story.kept["GET /_sim/events"]["response"]["next"] = 188
    story("GET", f"/orders/{order['id']}")
    story("GET", f"/orders?ids={order['id']}")


def give_back(story: Story, order: JSON) -> None:
    """A part of it is refunded; another order to a bank account."""
    refund = story(
        "POST",
        "/refunds",
        {"orderId": order["id"], "currency": "USD", "amount": 5.0, "reason": "Scratched", "metadata": {"ticket": "7"}},
    )
    story("POST", "/_sim/settle", {"until": "idle"})
    story("GET", f"/refunds/{refund['id']}")
    story("GET", f"/refunds?orderId={order['id']}")
    story("POST", f"/refunds/{refund['id']}", {"metadata": {"ticket": "8"}})
    wired = story("POST", "/_sim/orders", {**ORDER, "source": {"type": "wireTransfer"}, "state": "complete"})
    refund = story("POST", "/refunds", {"orderId": wired["id"], "currency": "USD", "percent": 100})
    story("POST", "/_sim/clock/advance", {"by": "5s"})
    story("POST", f"/_sim/refunds/{refund['id']}/bank")
    story("POST", "/_sim/settle", {"until": "now"})


def judge(story: Story) -> None:
    """What reviewers and banks decide, and a return."""
    held = story("POST", "/_sim/orders", {**ORDER, "state": "in_review"})
    story("POST", f"/_sim/orders/{held['id']}/review", {"decision": "pass"})
    paid = story("POST", "/_sim/orders", {**ORDER, "state": "complete"})
    story("POST", f"/_sim/orders/{paid['id']}/dispute", {})
    story("POST", f"/_sim/orders/{paid['id']}/dispute/resolve", {"outcome": "won"})
    items = [{"itemId": paid["items"][0]["id"], "quantity": 1}]
    returned = story("POST", "/returns", {"orderId": paid["id"], "items": items, "reason": "Too small"})
    story("POST", f"/returns/{returned['id']}", {"state": "accepted"})
    story("GET", f"/returns/{returned['id']}")
    story("GET", "/returns?limit=1")


def tell(story: Story, order: JSON) -> None:
    """Events and deliveries, and what makes them."""
    event = story("GET", f"/events?type=order.charge.capture.complete&orderId={order['id']}&limit=1")["data"][0]
    story("GET", f"/events/{event['id']}")
    story("POST", f"/_sim/events/{event['id']}/resend", {"webhookId": event["webhookIds"][0]})
    story("POST", "/_sim/settle", {"until": "now"})
    story("POST", f"/_sim/webhooks/{event['webhookIds'][0]}/resend", {"state": "failed"})
    delivery = story("GET", f"/_sim/deliveries?eventId={event['id']}&limit=1")["data"][0]
    story("GET", f"/_sim/deliveries/{delivery['id']}")
    story("POST", "/_sim/trigger", {"type": "order.charge.capture.failed"})
    story("GET", f"/_sim/orders/{order['id']}/timeline")
    story("GET", "/_sim/requests?limit=1")


def rule(story: Story) -> None:
    """A behavior rule and a fault."""
    then = {"state": "failed", "after": "30s", "failureCode": "card_declined"}
    made = story("POST", "/_sim/behavior", {"when": {"operation": "capture", "amount": {"$gte": 100}}, "then": then})
    story("GET", "/_sim/behavior")
    story("DELETE", f"/_sim/behavior/{made['id']}")
    made = story("POST", "/_sim/faults", {"when": {"call": "POST /fulfillments"}, "then": {"status": 503}, "times": 2})
    story("GET", "/_sim/faults")
    story("DELETE", f"/_sim/faults/{made['id']}")


def leave(story: Story) -> None:
    """The webhook goes."""
    webhook = story("GET", "/webhooks")[0]
    story("DELETE", f"/webhooks/{webhook['id']}")


def refuse(story: Story, order: JSON) -> None:
    """What is turned down, and how."""
    item = {"itemId": order["items"][0]["id"]}
    story.refused(400, "POST", "/fulfillments", {"orderId": order["id"], "items": [{**item, "quantity": "two"}]})
    story.refused(409, "POST", "/fulfillments", {"orderId": order["id"], "items": [{**item, "quantity": 1}]})
    story.refused(404, "GET", "/orders/1")
    story.refused(406, "GET", "/orders", accept="text/html")


def examples() -> bytes:
    """The examples, as they are written."""
    with Drsim("--clock", "manual", "--seed", "1") as server, Receiver() as receiver:
        return orjson.dumps(live_through(server, receiver), option=orjson.OPT_INDENT_2) + b"\n"


if __name__ == "__main__":
    EXAMPLES.write_bytes(examples())
    sys.exit(0)
