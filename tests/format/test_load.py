"""A scenario file becomes the world that it describes."""

import json
from typing import Any

import pytest

from drsim.domain.account import RateLimit
from drsim.domain.clock import DAY, HOUR, SECOND, parse_time
from drsim.format.load import load, read
from drsim.format.models import World
from drsim.format.problems import Unfit

SCENARIO = """\
scenario: Capture fails at fulfillment
description: A card that authorizes but cannot be captured.
tags: [capture, failure]
clock: 2022-03-02T17:38:00Z
seed: 7
account:
  riskTolerance: averse
  authorizationTtl: 7d
  delays: {capture: 2s, authorize: 0}
  rateLimit: 25/s
  captureRetries: [1h, 1d]
given:
  webhooks:
    - as: hooks
      address: ${WEBHOOK_URL}
      types: [fulfillment.created, order.charge.capture.failed]
      token: whsec_example
  orders:
    - as: order
      source: {type: creditCard, number: 4000 0000 0000 4103}
      shipping: 5.00
      taxRate: 0.08025
      items:
        - {as: widget, name: Widget, price: 10.00, quantity: 3}
behavior:
  - when: {operation: capture, amount: {$gte: 100}, order: order}
    then: {state: failed, failureCode: failed-request, after: 30s}
    times: 1
steps:
  - call: POST /fulfillments
    body: {orderId: "${order.id}", unknown: "${whatever.it.is}", number: 4000 0000 0000 4103}
"""

VARIABLES = {"WEBHOOK_URL": "http://localhost:8080/hook"}


def test_the_world_of_a_scenario_is_read() -> None:
    world = read(SCENARIO, variables=VARIABLES)
    assert (world.name, world.seed, world.tags) == ("Capture fails at fulfillment", 7, ("capture", "failure"))
    assert world.clock == parse_time("2022-03-02T17:38:00Z")
    assert world.account.authorization_ttl == 7 * DAY
    assert world.account.rate_limit == RateLimit(25, SECOND)
    assert world.account.capture_retries == (HOUR, DAY)
    assert (world.account.delays.capture, world.account.delays.authorize) == (2 * SECOND, 0)
    assert world.webhooks[0].address == "http://localhost:8080/hook"
    assert world.webhooks[0].event_types == ["fulfillment.created", "order.charge.capture.failed"]
    assert world.orders[0].items[0].quantity == 3
    assert world.behavior[0].then.after == 30 * SECOND


def test_nothing_of_the_world_holds_the_card_number() -> None:
    world = read(SCENARIO, variables=VARIABLES)
    assert "0000 4103" not in repr(world)
    assert "0000 4103" not in world.model_dump_json()
    assert world.orders[0].source.card is not None
    assert world.orders[0].source.card.last_four == "4103"


def test_only_the_name_is_needed() -> None:
    world = read("scenario: nothing else\ngiven:\naccount:\nbehavior:\nsteps:\n")
    assert (world.clock, world.seed, world.webhooks, world.orders, world.behavior) == (None, None, (), (), ())


def test_a_webhook_without_types_gets_all_events_and_groups_are_spelled_out() -> None:
    webhooks = read("scenario: x\ngiven: {webhooks: [{}, {types: [fulfillment.*, order.created]}]}").webhooks
    assert "order.accepted" in webhooks[0].event_types
    assert webhooks[1].event_types == [
        "fulfillment.create",
        "fulfillment.created",
        "fulfillment.updated",
        "order.created",
    ]


def test_json_is_read_like_yaml() -> None:
    values = load(World, SCENARIO, variables=VARIABLES).world()
    assert read(json.dumps(values)) == read(SCENARIO, variables=VARIABLES)


def test_what_is_prepared_for_the_server_has_its_variables_and_no_steps() -> None:
    values = load(World, SCENARIO, variables=VARIABLES).world()
    assert values["given"]["webhooks"][0]["address"] == "http://localhost:8080/hook"
    assert values["given"]["orders"][0]["items"][0]["price"] == 10.0
    assert "steps" not in values


def test_unknown_names_are_problems_with_their_places() -> None:
    with pytest.raises(Unfit) as raised:
        read("scenario: ${X}\ndescription: ${webhook_url:-fine} ${WEBHOOK_URI} ${a b}", "f.yaml", VARIABLES)
    assert str(raised.value).splitlines() == [
        "f.yaml:1:11: found the unknown name '${X}', expected a variable or an alias",
        "f.yaml:2:14: found the unknown name '${WEBHOOK_URI}', expected a variable or an alias;"
        " did you mean 'WEBHOOK_URL'?",
        "f.yaml:2:14: found the unknown name '${a b}', expected a variable or an alias",
    ]


def test_an_order_may_only_refer_to_what_is_made_before_it() -> None:
    orders = (
        "[{as: a, upstreamId: '${b.id}', items: [{price: 1}]}, {as: b, upstreamId: '${a.id}', items: [{price: 1}]}]"
    )
    with pytest.raises(Unfit) as raised:
        read(f"scenario: x\ngiven:\n  orders: {orders}", "f.yaml")
    assert str(raised.value) == "f.yaml:3:32: found '${b.id}', expected something that is made before it"


def test_references_to_aliases_stay_for_the_server() -> None:
    orders = (
        "[{as: a, items: [{as: i, price: 1}]}, {upstreamId: '${a.id}', metadata: {of: '${i.id}'}, items: [{price: 1}]}]"
    )
    world = read(f"scenario: x\ngiven:\n  orders: {orders}")
    assert world.orders[1].upstream_id == "${a.id}"
    assert world.orders[1].metadata == {"of": "${i.id}"}


def test_numbers_may_come_from_the_environment() -> None:
    order = read(
        "scenario: x\ngiven: {orders: [{items: [{price: '${P}', quantity: '${Q:-4}'}]}]}", variables={"P": "2.50"}
    )
    assert (str(order.orders[0].items[0].price), order.orders[0].items[0].quantity) == ("2.50", 4)


RESOURCE = {"id": "1", "currency": "USD", "items": [{"id": "2", "amount": 10.0, "quantity": 1}]}


def from_file(content: Any) -> Any:
    def read_file(name: str) -> str:
        if name != "order.json":
            raise FileNotFoundError(2, "No such file or directory")
        return content if isinstance(content, str) else json.dumps(content)

    return read_file


def test_an_order_from_a_file_is_read_in_its_place() -> None:
    text = "scenario: x\ngiven: {orders: [{as: a, from: order.json}]}"
    world = read(text, read_file=from_file(RESOURCE))
    assert world.orders[0].resource is not None
    assert world.orders[0].resource.id == "1"
    assert load(World, text, read_file=from_file(RESOURCE)).world()["given"]["orders"][0] == {
        "as": "a",
        "resource": RESOURCE,
    }


def test_a_file_that_cannot_be_read_or_does_not_fit_is_a_problem() -> None:
    def told(file: str, content: Any) -> str:
        with pytest.raises(Unfit) as raised:
            read(f"scenario: x\ngiven:\n  orders:\n    - {{from: {file}}}", "f.yaml", read_file=from_file(content))
        return str(raised.value)

    assert told("none.json", "") == (
        "f.yaml:4:14: found 'none.json' (No such file or directory), expected a file that can be read"
    )
    assert told("[order.json]", "") == "f.yaml:4:14: found a list, expected the name of a file"
    assert told("order.json", "[") == (
        "order.json:2:1: found text that is not YAML (did not find expected node content while parsing a flow node),"
        " expected YAML"
    )
    assert told("order.json", {**RESOURCE, "totalAmount": 11.0}) == (
        "f.yaml:4:14: found 11.00, expected 10.00, to which the lines add up"
    )
