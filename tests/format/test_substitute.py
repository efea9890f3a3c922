"""Placeholders are replaced by what they stand for, with its type where they stand alone."""

from typing import Any

import pytest

from drsim.format.load import read
from drsim.format.substitute import Unresolved, resolve, substituted

MADE = {
    "order": {"id": "17", "total": 3.5, "items": [{"id": "i1"}, {"id": "i2"}], "live": False},
    "my-item": {"id": "i9"},
}


def replaced(value: Any, **variables: Any) -> Any:
    values, unknown = substituted(value, variables, {"order"}, lambda name, path: name == "order")
    assert unknown == []
    return values


def test_variables_are_replaced_inside_texts_and_as_a_whole() -> None:
    assert replaced({"a": ["x ${A} y ${B}", "${N}"]}, A="1", B="2", N=7) == {"a": ["x 1 y 2", 7]}


def test_a_default_stands_in_for_an_unknown_name_only() -> None:
    assert replaced(["${A:-x}", "${B:-x y:-z}", "${C:-}"], A="1") == ["1", "x y:-z", ""]


def test_what_a_variable_holds_is_not_replaced_again() -> None:
    assert replaced("${A} ${B}", A="${B}", B="b") == "${B} b"


def test_references_to_aliases_are_left() -> None:
    assert replaced("${order.items[0].id} ${A}", A="a") == "${order.items[0].id} a"


def test_references_lead_into_what_was_made() -> None:
    values = resolve({"a": "${order.items[1].id}", "b": "n${order.total}", "c": "${order.total}"}, MADE)
    assert values == {"a": "i2", "b": "n3.5", "c": 3.5}
    assert resolve(["${my-item.id}", "${order.live}", "is ${order.live}"], MADE) == ["i9", False, "is false"]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("${other.id}", "'${other.id}' is not known here"),
        ("${order.nope}", "'${order.nope}' leads nowhere: there is no order.nope"),
        ("${order.items[2].id}", "'${order.items[2].id}' leads nowhere: there is no order.items[2]"),
        ("${order.id.x}", "'${order.id.x}' leads nowhere: there is no order.id.x"),
        ("a ${order}", "a mapping or a list cannot be a part of a text"),
    ],
)
def test_a_reference_that_leads_nowhere_says_where_it_stopped(reference: str, said: str) -> None:
    with pytest.raises(Unresolved) as raised:
        resolve(reference, MADE)
    assert str(raised.value) == said


def test_a_model_is_resolved_as_deep_as_it_goes() -> None:
    world = read(
        "scenario: x\n"
        "given: {orders: [{as: order, items: [{price: 1}]}, {upstreamId: '${order.total}',"
        " metadata: {n: '${order.total}'},"
        " items: [{price: 1, skuId: 'of-${order.id}'}], source: {owner: {upstreamId: '${order.id}'}}}]}\n"
        "behavior: [{when: {operation: capture, order: {$in: ['${order.id}']}}, then: {state: failed}}]"
    )
    order = resolve(world.orders[1], MADE)
    assert (order.upstream_id, order.metadata, order.items[0].sku_id) == ("3.5", {"n": 3.5}, "of-17")
    assert order.source.owner.upstream_id == "17"
    assert resolve(world.behavior[0], MADE).when.order == {"$in": ["17"]}
