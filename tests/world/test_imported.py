"""An order that was copied from a log is there as it was, and goes on from there."""

import itertools
import json
from typing import Any

import pytest
from pydantic import ValidationError

from drsim import render
from drsim.domain.account import Account
from drsim.domain.charges import standing, uncommitted
from drsim.domain.clock import SECOND, parse_time
from drsim.domain.decision import Context
from drsim.domain.fulfill import Line, fulfill
from drsim.domain.history import STATES, live
from drsim.domain.orders import Sale
from drsim.domain.settle import wake
from drsim.engine.makeup import MakeUp
from drsim.format.models import OrderModel
from drsim.world import build
from drsim.world.imported import imported

NOW = parse_time("2022-03-02T17:38:00Z")


def context(now: int = NOW) -> Context:
    count = itertools.count(1)
    return Context(now, lambda kind: f"{kind}-{next(count)}", Account())


def sold(**given: Any) -> Sale:
    order = OrderModel.model_validate({"items": [{"price": 10.00, "quantity": 3}], **given})
    made = build.order_spec(order, MakeUp(1), NOW - order.age)
    return live(made, order.state, context(NOW - order.age), NOW).sale


def copied(resource: Any) -> Sale:
    order = OrderModel.model_validate({"resource": json.loads(json.dumps(resource))}).resource
    assert order is not None
    return imported(order, context())


def problems(resource: Any) -> list[tuple[Any, str]]:
    with pytest.raises(ValidationError) as raised:
        OrderModel.model_validate({"resource": resource})
    return [(error["loc"][1:], error["msg"]) for error in raised.value.errors()]


SPECIFICATIONS = [
    *({"state": state} for state in STATES if state != "pending_payment"),
    {"state": "pending_payment", "source": {"type": "wireTransfer"}},
    {"currency": "JPY", "items": [{"price": 1000}, {"price": 1, "quantity": 7}]},
    {
        "state": "fulfilled",
        "items": [{"price": 10, "quantity": 2}],
        "shipping": 5,
        "taxRate": 0.0755,
        "storeCredit": 11,
    },
    {
        "state": "complete",
        "items": [{"price": 10, "quantity": 3}, {"price": 7.33, "quantity": 2, "physical": False, "fees": 1}],
        "shipping": 5,
        "taxRate": 0.08025,
        "discount": {"percentOff": 10},
    },
]


@pytest.mark.parametrize("given", SPECIFICATIONS, ids=str)
def test_an_order_that_was_copied_shows_itself_as_it_was(given: dict[str, Any]) -> None:
    public = render.order(sold(**given))
    again = render.order(copied(public))
    # What was refunded is known of an order as a whole only.
    for charge in public["payment"].get("charges", []):
        charge.pop("refunds", None)
        charge["refunded"] = False
    assert again == public


@pytest.mark.parametrize("given", SPECIFICATIONS, ids=str)
def test_without_its_payment_all_but_the_payment_is_as_it_was(given: dict[str, Any]) -> None:
    public = render.order(sold(**given))
    again = copied(render.order_details(public))
    known = public.keys() - {"payment", "availableToRefundAmount"}
    assert {key: render.order(again)[key] for key in known} == {key: public[key] for key in known}
    assert sum(charge.amount for charge in again.charges) in (again.order.totals.total, 0)


def test_an_order_is_found_in_an_event_and_in_a_fulfillment() -> None:
    public = render.order(sold())
    assert copied({"type": "order.accepted", "data": {"object": public}}).order.id == public["id"]
    details = {"id": "ful_1", "items": [], "orderDetails": render.order_details(public)}
    assert copied({"data": {"object": details}}).order.id == public["id"]
    assert copied(details).order.id == public["id"]


def test_a_partly_fulfilled_order_goes_on_where_it_was() -> None:
    sale = sold(items=[{"price": 10.00, "quantity": 3}, {"price": 1, "quantity": 1}], taxRate=0.08025, shipping=5)
    first, second = (item.id for item in sale.order.items)
    lines = [Line(first, 1, 0, {}), Line(second, 0, 1, {})]
    sale = fulfill(sale, lines, {}, None, context()).sale
    again = copied(render.order(sale))
    assert [(item.fulfilled, item.cancelled) for item in again.order.items] == [(1, 0), (0, 1)]
    done = fulfill(again, [Line(first, 2, 0, {})], {}, None, context()).sale
    assert done.order.state == "fulfilled"
    assert sum(map(uncommitted, done.charges)) == 0


def test_what_was_pending_is_complete_after_the_usual_delay() -> None:
    again = copied(render.order(sold(state="fulfilled")))
    assert again.charges[0].captures[0].due == NOW + 2 * SECOND
    captured = wake(again, context(NOW + 2 * SECOND)).sale
    assert captured.charges[0].state == "complete"
    assert wake(captured, context(NOW + 3 * SECOND)).sale.order.state == "complete"


def test_the_least_that_makes_an_order() -> None:
    sale = copied({"currency": "USD", "items": [{"id": 7, "amount": 20.0, "quantity": 2}]})
    assert (sale.order.state, sale.order.totals.total, sale.order.items[0].id) == ("accepted", 2000, "7")
    assert (sale.charges[0].state, sale.charges[0].amount) == ("capturable", 2000)
    assert sale.sources[0].last_four == "1111"


def test_charges_without_ids_and_noise_in_amounts_are_tolerated() -> None:
    charge = {"amount": 20.000000000000004, "captures": [{"amount": 10.0}], "state": "capturable"}
    resource = {
        "currency": "USD",
        "items": [{"id": "7", "amount": 20.0, "quantity": 2}],
        "payment": {"charges": [charge], "sources": []},
    }
    sale = copied(resource)
    assert sale.charges[0].id == "charge-" + sale.charges[0].id.removeprefix("charge-")
    assert standing(sale.charges[0].captures) == 1000
    assert sale.order.items[0].fulfilled == 1


def test_nothing_of_a_copied_card_is_kept_but_what_may_be() -> None:
    source = {"id": "s", "type": "creditCard", "creditCard": {"number": "4000000000004103", "brand": "Visa"}}
    resource = {"currency": "USD", "items": [{"id": "7", "amount": 1, "quantity": 1}], "payment": {"sources": [source]}}
    sale = copied(resource)
    assert sale.sources[0].details == {"brand": "Visa"}
    assert "4103" not in repr(sale)


def test_what_does_not_add_up_is_told_where_it_stands() -> None:
    line = {"id": "7", "amount": 20.0, "quantity": 2, "tax": {"rate": 0.1, "amount": 2.0}}
    charge = {"amount": 22.0, "captures": [{"amount": 20.0}], "cancels": [{"amount": 2.5}]}
    resource = {
        "currency": "USD",
        "totalAmount": 21.0,
        "items": [line, {**line, "amount": 0, "tax": None}],
        "payment": {"charges": [charge]},
    }
    assert problems(resource) == [
        (("totalAmount",), "Found 21.00, expected 22.00, to which the lines add up."),
        (("payment", "charges", 0), "Found 22.50 captured and cancelled, expected at most its 22.00."),
        (("items", 1, "id"), "Found '7' again, expected a different id for each item."),
    ]


@pytest.mark.parametrize(
    ("resource", "problem"),
    [
        (
            {"id": "1", "amount": 3},
            ((), "Found no 'items', expected an order, or an event or fulfillment that holds one."),
        ),
        (
            {"currency": "USD", "items": [{"id": "1", "amount": 1.005, "quantity": 1}]},
            (("items", 0, "amount"), "Found 1.005, expected no more decimals than USD has."),
        ),
        (
            {"currency": "USD", "state": "done", "items": [{"id": "1", "amount": 1, "quantity": 1}]},
            (
                ("state",),
                "Found 'done', expected one of pending_payment, in_review, accepted, fulfilled, complete, dispute,"
                " returned, cancelled, blocked.",
            ),
        ),
    ],
)
def test_what_is_no_order_is_refused(resource: Any, problem: Any) -> None:
    assert problems(resource) == [problem]
