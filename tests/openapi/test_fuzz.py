"""A server under calls that its own description makes up, right ones and wrong ones: it never breaks its word.

`DRSIM_FUZZ=200` tries that many calls for each route and kind instead of a few.
"""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.checks import negative_data_rejection, positive_data_acceptance
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from tests.described import document, taken_as_described
from tests.harness import JSON, Client, Drsim

EXAMPLES = int(os.environ.get("DRSIM_FUZZ", "5"))
FUZZ = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)
NOT_JUDGED = [positive_data_acceptance, negative_data_rejection]
"""Whether a call is taken depends on more than its form; what is taken is looked at below."""

LEFT_OUT = {
    "/_sim/reset": "takes away what the other calls need",
    "/_sim/scenario": "sets rate limits and faults",
    "/_sim/faults": "lets calls go wrong",
    "/_sim/clock/advance": "moves time by years, with all that is due on the way",
    "/_sim/settle": "the same",
    "/_sim/trigger": "the same",
    "/_sim/openapi.json": "is what all of this comes from",
}

OF_FORM = {"unknown_parameter", "invalid_format", "invalid_integer", "invalid_boolean"}
"""Codes that say that a body does not have the form it should have."""

API = schemathesis.openapi.from_dict(document())
ROUTES = {
    f"{operation.method.upper()} {operation.path}": operation
    for operation in (result.ok() for result in API.get_all_operations() if isinstance(result, Ok))
    if operation.path not in LEFT_OUT
}
KEY = "sk_test_fuzz"


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Drsim, dict[str, list[str]]]]:
    """A server, and ids of what there is in it, by what they are called in paths and bodies."""
    with Drsim("--clock", "manual", "--seed", "1") as server:
        client = server.client(key=KEY)
        yield server, stocked(client)
        assert server.errors() == ""


def stocked(client: Client) -> dict[str, list[str]]:
    """Makes a few of everything; returns the ids."""
    hook = client.webhook("http://127.0.0.1:9/", "order.accepted", enabled=False)
    paid = [client.order(state="complete"), client.order(state="complete", source={"type": "wireTransfer"})]
    orders = [*(client.order(items=[{"price": 10, "quantity": 50}]) for _ in range(3)), *paid]
    orchestrated = [client.order(items=[{"price": 1, "quantity": 9}], fulfillmentModel="orchestrated") for _ in "ab"]
    client.ok(client.fulfill(orders[0], {"itemId": orders[0]["items"][0]["id"], "quantity": 1}), 201)
    for order in paid:
        client.ok(client.post("/refunds", json={"orderId": order["id"], "currency": "USD", "percent": 10}), 201)
        units = [{"itemId": order["items"][0]["id"], "quantity": 1}]
        client.ok(client.post("/returns", json={"orderId": order["id"], "items": units}), 201)
    for number in range(3):
        keep_catalog(client, number)
    for handed in client.ok(client.get("/fulfillment-orders"))["data"]:
        units = [{"id": handed["items"][0]["id"], "quantity": 1}]
        client.ok(client.post(f"/_sim/fulfillment-orders/{handed['id']}/ship", json={"items": units}), 201)
    client.settle("now")
    rule = {"when": {"operation": "capture", "amount": 1_000_000}, "then": {"state": "failed"}}
    rules = [client.ok(client.post("/_sim/behavior", json=rule), 201) for _ in range(3)]
    found = {
        name: [each["id"] for each in client.ok(client.get(f"/{name}?limit=100"))["data"]] for name in LISTED.split()
    }
    found |= {"webhooks": [hook["id"]], "behavior": [each["id"] for each in rules]}
    found |= {"links": found["file-links"], "redirects": found["sources"]}
    return found | {
        "itemId": [each["items"][0]["id"] for each in (*orders, *orchestrated)],
        **{name: found[kind] for name, kind in NAMED.items()},
    }


def keep_catalog(client: Client, number: int) -> None:
    """What there is without any order."""
    id = f"thing-{number}"
    client.ok(client.post("/customers", json={"id": id}), 201)
    sku = {"id": id, "name": "Widget", "taxCode": "4323.310_A", "eccn": "EAR99", "countryOfOrigin": "US"}
    client.ok(client.post("/skus", json=sku), 201)
    client.ok(client.post("/inventory-items", json={"id": id, "partNumber": "W"}), 201)
    client.ok(client.post("/tax-identifiers", json={"type": "de", "value": f"DE12345678{number}"}), 201)
    client.ok(client.post("/checkouts", json={"currency": "USD", "items": [{"skuId": id, "price": 1}]}), 201)
    file = {"purpose": "p", "fileName": "a.csv", "file": "YQ==", "linkExpiresTime": "2030-01-01T00:00:00Z"}
    client.ok(client.post("/files", json=file), 201)


LISTED = """orders charges sources fulfillments refunds returns events customers skus checkouts files file-links
    tax-identifiers inventory-items fulfillment-orders shipments"""
NAMED = {
    "orderId": "orders",
    "checkoutId": "checkouts",
    "customerId": "customers",
    "inventoryItemId": "inventory-items",
    "skuId": "skus",
    "sourceId": "sources",
    "taxId": "tax-identifiers",
    "fileId": "files",
    "fulfillmentOrderId": "fulfillment-orders",
}
"""What is named by a field or in a path."""


def cases() -> list[Any]:
    """Each route with right calls, and with wrong ones where there is anything that can be wrong."""
    wrong = [route for route, it in ROUTES.items() if it.definition.raw.get("requestBody") or len(it.query)]
    return [
        pytest.param(route, mode, id=f"{route}-{mode.value}")
        for routes, mode in ((ROUTES, GenerationMode.POSITIVE), (wrong, GenerationMode.NEGATIVE))
        for route in sorted(routes)
    ]


@pytest.mark.parametrize(("route", "mode"), cases())
def test_whatever_is_sent_the_answer_is_as_described(
    world: tuple[Drsim, dict[str, list[str]]], route: str, mode: GenerationMode
) -> None:
    server, ids = world

    @seed(1)
    @FUZZ
    @given(st.data())
    def run(data: st.DataObject) -> None:
        case = data.draw(ROUTES[route].as_strategy(generation_mode=mode))
        make_real(case, ids, data)
        response = case.call(base_url=server.url, headers={"Authorization": f"Bearer {KEY}"})
        case.validate_response(response, excluded_checks=NOT_JUDGED)
        if response.status_code < 300 and isinstance(case.body, dict) and case.media_type == "application/json":
            problem = taken_as_described(route, json.dumps(case.body).encode())
            assert problem is None, problem
        if mode is GenerationMode.POSITIVE and response.status_code == 400:
            error: JSON = response.json()["errors"][0]
            assert error["code"] not in OF_FORM, f"{error} for {case.body!r}"

    run()


def make_real(case: Any, ids: dict[str, list[str]], data: st.DataObject) -> None:
    """Puts ids of what there is in the place of made-up ones, most of the time."""
    kind = case.path.removeprefix("/_sim").removeprefix("/payments").split("/")[1]
    for name in case.path_parameters or ():
        pool = ids.get(kind if name == "id" else name, [])
        if pool and data.draw(st.integers(0, 3)) > 0:
            case.path_parameters[name] = data.draw(st.sampled_from(pool))
    if isinstance(case.query, dict):
        case.query.pop("wait", None)  # would only cost time
    if isinstance(case.body, dict) and data.draw(st.integers(0, 3)) > 0:
        put_in(case.body, ids, data)


def put_in(body: Any, ids: dict[str, list[str]], data: st.DataObject) -> None:
    """The same within a body."""
    for key, each in body.items() if isinstance(body, dict) else enumerate(body):
        if isinstance(each, str) and (pool := ids.get(str(key))):
            body[key] = data.draw(st.sampled_from(pool))
        elif isinstance(each, dict | list):
            put_in(each, ids, data)


def test_only_routes_that_there_are_are_left_out() -> None:
    assert set(LEFT_OUT) <= set(document()["paths"])
    assert len(ROUTES) > 40
