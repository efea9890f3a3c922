"""A server under calls that its own description makes up, right ones and wrong ones: it never breaks its word.

`DRSIM_FUZZ=200` tries that many calls for each route and kind instead of a few.
"""

import os
from collections.abc import Iterator
from typing import Any

import orjson
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
    client.ok(client.fulfill(orders[0], {"itemId": orders[0]["items"][0]["id"], "quantity": 1}), 201)
    for order in paid:
        client.ok(client.post("/refunds", json={"orderId": order["id"], "currency": "USD", "percent": 10}), 201)
    client.settle("now")
    rule = {"when": {"operation": "capture", "amount": 1_000_000}, "then": {"state": "failed"}}
    rules = [client.ok(client.post("/_sim/behavior", json=rule), 201) for _ in range(3)]
    found = {
        name: [each["id"] for each in client.ok(client.get(f"/{name}?limit=100"))["data"]]
        for name in ("orders", "charges", "sources", "fulfillments", "refunds", "events")
    }
    found |= {"webhooks": [hook["id"]], "behavior": [each["id"] for each in rules], "deliveries": ["none"]}
    return found | {"orderId": found["orders"], "itemId": [each["items"][0]["id"] for each in orders]}


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
        if response.status_code < 300 and isinstance(case.body, dict):
            problem = taken_as_described(route, orjson.dumps(case.body))
            assert problem is None, problem
        if mode is GenerationMode.POSITIVE and response.status_code == 400:
            error: JSON = response.json()["errors"][0]
            assert error["code"] not in OF_FORM, f"{error} for {case.body!r}"

    run()


def make_real(case: Any, ids: dict[str, list[str]], data: st.DataObject) -> None:
    """Puts ids of what there is in the place of made-up ones, most of the time."""
    pools = [pool for name, pool in ids.items() if f"/{name}/" in case.path]
    if pools and data.draw(st.integers(0, 3)) > 0:
        case.path_parameters["id"] = data.draw(st.sampled_from(pools[0]))
    if isinstance(case.query, dict):
        case.query.pop("wait", None)  # would only cost time
    if isinstance(case.body, dict) and data.draw(st.integers(0, 3)) > 0:
        put_in(case.body, ids, data)


def put_in(body: Any, ids: dict[str, list[str]], data: st.DataObject) -> None:
    """The same within a body."""
    for key, each in body.items() if isinstance(body, dict) else enumerate(body):
        if key in ("orderId", "itemId") and isinstance(each, str):
            body[key] = data.draw(st.sampled_from(ids[key]))
        elif isinstance(each, dict | list):
            put_in(each, ids, data)


def test_only_routes_that_there_are_are_left_out() -> None:
    assert set(LEFT_OUT) <= set(document()["paths"])
    assert len(ROUTES) > 40
