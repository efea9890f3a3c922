"""The story that the examples of the description are taken from: `python -m tests.openapi.story` writes them anew.

One order after another is lived through on a real server with a fixed seed; of each route the first call that went
well is kept, of each status that says no the first one. A new route needs a call here.
"""

import sys
from pathlib import Path
from typing import Any

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


class Story:
    """Calls, and what is kept of them. `url` and `receiver` are shown as if they had their usual ports."""

    def __init__(self, client: Client, url: str, receiver: str) -> None:
        self.client = client
        self.client.http.headers["user-agent"] = "example"
        self._ports = {url.rpartition("/")[2]: "127.0.0.1:3774", receiver.rpartition("/")[2]: "127.0.0.1:3000"}
        self.kept: dict[str, JSON] = {}

    def __call__(self, verb: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {} if body is None else {"json": body}
        response = self.client.http.request(verb, path, headers=headers, **sent)
        answer = response.json() if response.content else None
        route = route_of(verb, path.partition("?")[0])
        assert route is not None, f"{verb} {path}"
        key = route if response.is_success else str(response.status_code)
        example = {**({} if body is None else {"request": body}), **({} if answer is None else {"response": answer})}
        self.kept.setdefault(key, self._settled(example))
        return answer

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
    watch(story)
    hooks(story, receiver)
    ship(story, order)
    give_back(story, order)
    tell(story, order)
    rule(story)
    leave(story)
    refuse(story, order)
    stranger = Story(server.client(key="none"), server.url, receiver.url)
    stranger("GET", "/orders")
    shopper = Story(server.client(key="pk_test_examples"), server.url, receiver.url)
    shopper("GET", "/orders")
    story.kept |= stranger.kept | shopper.kept
    story("POST", "/_sim/scenario", {**world, "account": {"rateLimit": "1/m"}})
    for _ in range(2):
        story("GET", "/orders?limit=1")
    story("POST", "/_sim/reset")
    return dict(sorted(story.kept.items()))


def watch(story: Story) -> None:
    """What can be looked at before anything has happened."""
    story("GET", "/_sim/health")
    story("GET", "/_sim/clock")
    story("GET", "/_sim/timeline")
    story("GET", "/_sim/trigger")


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
    item = {"itemId": order["items"][0]["id"], "quantity": "two"}
    story("POST", "/fulfillments", {"orderId": order["id"], "items": [item]})
    story("POST", "/fulfillments", {"orderId": order["id"], "items": [{**item, "quantity": 1}]})
    story("GET", "/orders/1")
    story("GET", "/orders", accept="text/html")


def examples() -> bytes:
    """The examples, as they are written."""
    with Drsim("--clock", "manual", "--seed", "1") as server, Receiver() as receiver:
        return orjson.dumps(live_through(server, receiver), option=orjson.OPT_INDENT_2) + b"\n"


if __name__ == "__main__":
    EXAMPLES.write_bytes(examples())
    sys.exit(0)
