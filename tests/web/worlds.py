"""What the tests of the API put into a sandbox, and how they look at what came of it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any

import httpx

from tests.described import hold
from tests.harness import JSON, Client

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
SECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"

_held: set[tuple[str, bytes]] = set()
"""Answers that were held against the description of the API."""


def error(kind: str, code: str | None, message: str, parameter: str | None = None, **more: Any) -> JSON:
    """The whole body of a refusal."""
    told = {"code": code, "parameter": parameter, "message": message, **more}
    return {"type": kind, "errors": [{name: value for name, value in told.items() if value is not None}]}


def refused(response: httpx.Response, status: int, code: str | None = None, parameter: str | None = None) -> JSON:
    """The one error of a refusal that must have this status, and where given this code and parameter."""
    assert response.status_code == status, f"{response.status_code}: {response.text}"
    body = response.json()
    assert list(body) == ["type", "errors"]
    assert len(body["errors"]) == 1
    found: JSON = body["errors"][0]
    assert code is None or found.get("code") == code, response.text
    assert parameter is None or found.get("parameter") == parameter, response.text
    return found


def scenario(client: Client, **sections: Any) -> JSON:
    """Loads sections of a scenario (`account`, `given`, `behavior`) into the sandbox."""
    response = client.post("/_sim/scenario", json={"scenario": "A test", **sections})
    assert response.status_code in (200, 201), f"{response.status_code}: {response.text}"
    body: JSON = response.json()
    return body


def behave(client: Client, operation: str, then: JSON, times: int | None = None, **when: Any) -> JSON:
    """One more behavior rule."""
    rule: JSON = {"when": {"operation": operation, **when}, "then": then}
    if times is not None:
        rule["times"] = times
    body: JSON = client.ok(client.post("/_sim/behavior", json=rule), 201)
    return body


def line(order: JSON, quantity: Any = None, cancel: Any = None, item: int = 0, **more: Any) -> JSON:
    """One line of a fulfillment of an order."""
    counts = {"quantity": quantity, "cancelQuantity": cancel}
    return {
        "itemId": order["items"][item]["id"],
        **{name: count for name, count in counts.items() if count is not None},
        **more,
    }


def order_now(client: Client, order: JSON) -> JSON:
    """The order as it is now."""
    body: JSON = client.ok(client.get(f"/orders/{order['id']}"))
    return body


def charges_now(client: Client, order: JSON) -> list[JSON]:
    """The charges of the order as they are now, in the order in which the order shows them."""
    ids = [charge["id"] for charge in order_now(client, order)["payment"].get("charges", [])]
    return [client.ok(client.get(f"/charges/{id}")) for id in ids]


def charge_now(client: Client, order: JSON) -> JSON:
    """The only charge of the order as it is now."""
    (charge,) = charges_now(client, order)
    return charge


def charge_of_type(client: Client, order: JSON, source_type: str) -> JSON:
    """The charge on the source of this type, as it is now."""
    now = order_now(client, order)
    (source,) = [source for source in now["payment"]["sources"] if source["type"] == source_type]
    (charge,) = [charge for charge in charges_now(client, order) if charge["sourceId"] == source["id"]]
    return charge


def amounts(operations: list[JSON]) -> list[float]:
    """The amounts of captures or cancels, in their order."""
    return [operation["amount"] for operation in operations]


def events_since(client: Client, count: int, **params: Any) -> list[JSON]:
    """All events but the first `count`."""
    return client.events(**params)[count:]


def everything(client: Client) -> list[str]:
    """Every byte a sandbox shows of its orders, money, fulfillments, refunds, customers, goods, events and webhooks."""
    paths = (
        "orders",
        "charges",
        "sources",
        "fulfillments",
        "refunds",
        "returns",
        "checkouts",
        "customers",
        "tax-identifiers",
        "skus",
        "fulfillment-orders",
        "shipments",
        "fulfillment-cancellations",
        "fulfillment-returns",
        "inventory-items",
        "events",
    )
    targets = [*(f"/{path}?limit=100" for path in paths), "/webhooks", "/_sim/deliveries?limit=100"]
    url, shown = client.http.base_url, []
    keys = {"authorization": client.http.headers["authorization"]}
    # Many thousand requests in all: the usual client, and to look at the same answer again, takes most of the time.
    with closing(HTTPConnection(url.host, url.port or 80, timeout=30)) as connection:
        for target in targets:
            connection.request("GET", target, headers=keys)
            answer = connection.getresponse()
            body = answer.read()
            if (target, body) not in _held:
                request = httpx.Request("GET", url.join(target), headers=keys)
                hold(httpx.Response(answer.status, headers=answer.getheaders(), content=body, request=request))
                _held.add((target, body))
            shown.append(body.decode())
    return shown


@contextmanager
def nothing_changes(client: Client) -> Iterator[None]:
    """Whatever is asked in between leaves the sandbox exactly as it was."""
    before = everything(client)
    yield
    assert everything(client) == before
