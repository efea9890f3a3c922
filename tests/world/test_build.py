"""What a scenario file leaves out is made up plausibly; what it says is kept to the cent."""

import itertools
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from drsim.domain.account import Account, Delays, RateLimit
from drsim.domain.clock import DAY, HOUR, MINUTE, SECOND, parse_time
from drsim.domain.decision import Context
from drsim.domain.history import STATES, live
from drsim.domain.methods import METHODS, TEST_CARDS, Trouble
from drsim.domain.outcome import Failure, Rule, Then
from drsim.domain.place import OrderSpec
from drsim.engine.makeup import MakeUp
from drsim.format.models import AccountModel, OrderModel, RuleModel
from drsim.world import build

NOW = parse_time("2022-03-02T17:38:00Z")


def model(**given: Any) -> OrderModel:
    return OrderModel.model_validate({"items": [{"price": 10.00, "quantity": 3}], **given})


def spec(seed: int = 7, **given: Any) -> OrderSpec:
    return build.order_spec(model(**given), MakeUp(seed), NOW)


def context(now: int = NOW) -> Context:
    count = itertools.count(1)
    return Context(now, lambda kind: f"{kind}-{next(count)}", Account())


def messages(kind: type[Any], value: Any) -> list[str]:
    with pytest.raises(ValidationError) as raised:
        kind.model_validate(value)
    return [error["msg"] for error in raised.value.errors()]


def test_an_order_needs_nothing_but_items() -> None:
    made = spec()
    assert (made.currency, made.locale, made.begins, made.shipping) == ("USD", "en_US", "accepted", None)
    assert made.source.type == "creditCard"
    assert (made.source.details["brand"], made.source.details["lastFourDigits"]) == ("Visa", "1111")
    assert 2024 <= made.source.details["expirationYear"] <= 2026
    assert made.source.troubles == ()
    assert made.ship_to is not None
    assert made.ship_to["address"] == made.bill_to["address"] == made.source.owner["address"]
    assert made.bill_to["name"] == f"{made.source.owner['firstName']} {made.source.owner['lastName']}"
    assert made.lines[0].product["id"] == made.lines[0].sku_id
    assert (made.lines[0].price, made.lines[0].quantity, made.lines[0].tax_rate) == (1000, 3, Decimal(0))


def test_the_same_seed_makes_up_the_same_order() -> None:
    assert spec() == spec()
    assert spec().email != spec(seed=8).email


@pytest.mark.parametrize(
    ("given", "country"),
    [
        ({}, "US"),
        ({"currency": "EUR"}, "DE"),
        ({"currency": "JPY"}, "JP"),
        ({"currency": "EUR", "locale": "fr_FR"}, "FR"),
        ({"locale": "fr_FR", "billTo": {"address": {"country": "NL"}}}, "NL"),
        ({"shipTo": {"address": {"country": "GB"}}}, "GB"),
        ({"source": {"owner": {"address": {"country": "CA"}}}}, "CA"),
    ],
)
def test_people_live_where_the_order_says(given: dict[str, Any], country: str) -> None:
    made = spec(**given)
    assert made.ship_to is not None
    assert made.ship_from is not None
    places = (made.ship_to, made.ship_from, made.bill_to, made.source.owner)
    assert {place["address"]["country"] for place in places} == {country}


def test_what_is_given_of_people_is_kept() -> None:
    address = {"line1": "1 Main St", "city": "Duluth", "postalCode": 55802, "state": "MN", "country": "US"}
    made = spec(
        email="jo@example.org",
        shipTo={"name": "The Office", "phone": "1", "address": address},
        billTo={"name": "Jo Doe", "organization": "Doe Ltd"},
    )
    assert made.ship_to == {"address": {**address, "postalCode": "55802"}, "name": "The Office", "phone": "1"}
    assert made.bill_to["name"] == "Jo Doe"
    assert made.bill_to["organization"] == "Doe Ltd"
    assert (made.source.owner["firstName"], made.source.owner["lastName"]) == ("Jo", "Doe")
    assert made.email == made.source.owner["email"] == "jo@example.org"


def test_digital_goods_are_sent_nowhere() -> None:
    made = spec(items=[{"price": 1, "physical": False}])
    assert made.ship_to is None
    assert made.ship_from is None
    assert made.lines[0].product_more == {"physical": False}


@pytest.mark.parametrize("number", TEST_CARDS)
def test_a_test_card_brings_its_trouble_and_leaves_no_number_behind(number: str) -> None:
    made = spec(source={"number": f"{number[:4]} {number[4:]}"})
    assert made.source.troubles == (TEST_CARDS[number],)
    assert number not in repr(made).replace(" ", "")
    assert made.source.details["lastFourDigits"] == number[-4:]


def test_a_test_name_brings_its_trouble_and_the_rest_of_the_owner_is_made_up() -> None:
    made = spec(source={"type": "googlePay", "owner": {"lastName": "CaptureFail"}})
    assert made.source.troubles == (Trouble("capture", "fails"),)
    assert made.source.owner["firstName"]
    assert made.source.owner["address"]["country"] == "US"


@pytest.mark.parametrize("type", METHODS)
def test_every_payment_method_can_pay_an_order(type: str) -> None:
    made = spec(source={"type": type})
    assert live(made, "accepted", context(), NOW).sale.sources[0].type == type


def test_store_credit_pays_beside_the_primary_source() -> None:
    made = spec(items=[{"price": "10.00", "quantity": 2}], shipping=5, taxRate=0.0755, storeCredit=11.0)
    sale = live(made, "accepted", context(), NOW).sale
    assert sorted(charge.amount for charge in sale.charges) == [1100, 1589]


def test_prices_discount_and_shipping_become_minor_units() -> None:
    made = spec(
        currency="KWD",
        items=[{"price": 1.255, "duties": 1, "importerTax": 0.5, "fees": 0.005, "taxRate": 0.19}, {"price": 2}],
        taxRate=0.1,
        shipping={"amount": 5, "taxRate": 0, "serviceLevel": "express"},
        discount={"amountOff": 0.25},
    )
    line = made.lines[0]
    assert (line.price, line.duties, line.importer_tax, line.fees) == (1255, 1000, 500, 5)
    assert [str(each.tax_rate) for each in made.lines] == ["0.19", "0.1"]
    assert made.shipping is not None
    assert (made.shipping.amount, made.shipping.tax_rate) == (5000, Decimal(0))
    assert made.shipping.shown["serviceLevel"] == "express"
    assert (made.amount_off, made.discount) == (250, {"amountOff": 0.25})
    assert spec(discount={"percentOff": 20}).percent_off == Decimal(20)


def test_shipping_is_taxed_like_the_order_unless_it_says_otherwise() -> None:
    shipping = spec(shipping=5.00, taxRate=0.08025).shipping
    assert shipping is not None
    assert shipping.tax_rate == Decimal("0.08025")


@pytest.mark.parametrize("state", STATES)
def test_an_order_can_start_in_every_state(state: str) -> None:
    order = model(state=state, source={"type": "wireTransfer"} if state == "pending_payment" else {})
    made = build.order_spec(order, MakeUp(1), NOW - order.age)
    assert live(made, order.state, context(NOW - order.age), NOW).sale.order.state == state


def test_the_age_of_an_order_leaves_time_for_its_state() -> None:
    assert [model(state=state).age for state in STATES] == [0, 0, 0, DAY, 0, DAY, DAY, DAY, DAY]
    assert model(createdAgo="8d").age == 8 * DAY
    assert model(createdAgo=0, state="complete").age == 0


@pytest.mark.parametrize(
    ("price", "said"),
    [
        (10.005, "Found 10.005, expected at most 2 decimals, as USD has."),
        (-1, "Found -1, expected an amount of 0 or more."),
        (float("nan"), "Found nan, expected an amount such as 10.00."),
        (float("inf"), "Found inf, expected an amount such as 10.00."),
        (1e30, "Found 1e+30, expected an amount below 1000000000000.00."),
        (True, "Found true, expected an amount such as 10.00."),
        ("ten", "Found 'ten', expected an amount such as 10.00."),
        (None, "Found nothing, expected an amount such as 10.00."),
    ],
)
def test_a_price_that_is_none_is_refused_in_these_words(price: Any, said: str) -> None:
    assert messages(OrderModel, {"items": [{"price": price}]}) == [said]


def test_no_error_about_a_source_holds_its_card_number() -> None:
    with pytest.raises(ValidationError) as raised:
        model(source={"number": "4000 0000 0000 4103", "brand": "Visa", "expirationMonth": 13})
    assert "4103" not in repr(raised.value.errors())
    with pytest.raises(ValidationError) as raised:
        model(source={"number": "4000 0000 0000 410x"})
    assert "410x" not in repr(raised.value.errors())


def test_a_rule_becomes_patterns_under_the_names_of_the_facts() -> None:
    written = {
        "when": {
            "operation": "capture",
            "order": "order",
            "source": {"type": "creditCard", "lastFourDigits": 4103},
            "amount": {"$gte": "100.50"},
            "upstreamId": 17,
        },
        "then": {"state": "pending", "after": "30s", "next": {"state": "failed", "failureCode": "declined"}},
        "times": 2,
    }
    expected = Rule(
        "r1",
        "capture",
        {
            "order": "231",
            "source": {"type": "creditCard", "lastFourDigits": "4103"},
            "amount": {"$gte": 100.5},
            "upstreamId": "17",
        },
        Then("pending", 30 * SECOND, Failure(), Then("failed", None, Failure("declined"))),
        2,
    )
    assert build.rule(RuleModel.model_validate(written), "r1", {"order": "231"}) == expected


def test_a_rule_may_name_an_order_by_id_or_look_for_several_aliases() -> None:
    def order(pattern: Any) -> Any:
        written = {"when": {"operation": "cancel", "order": pattern}, "then": {"state": "failed"}}
        return build.rule(RuleModel.model_validate(written), "r", {"a": "1", "b": "2"}).when["order"]

    assert order(231388420336) == "231388420336"
    assert order({"$in": ["a", "b", "c"]}) == {"$in": ["1", "2", "c"]}


@pytest.mark.parametrize("amount", [float("inf"), {"$gt": "much"}, {"$gt": 10**15}])
def test_a_rule_about_amounts_needs_numbers(amount: Any) -> None:
    assert messages(RuleModel, {"when": {"operation": "capture", "amount": amount}, "then": {"state": "failed"}})


def test_a_pattern_beyond_all_depth_is_refused() -> None:
    deep: Any = 1
    for _ in range(900):
        deep = {"$not": deep}
    when = {"operation": "capture", "amount": deep}
    assert messages(RuleModel, {"when": when, "then": {"state": "failed"}}) == [
        "Found more than 40 levels, expected fewer."
    ]


def test_an_account_changes_only_in_what_is_given() -> None:
    base = Account(rate_limit=RateLimit(1, SECOND), delays=Delays(cancel=5))
    given = {"delays": {"capture": "1h"}, "webhookRetries": ["5m"], "signatureClock": "simulated"}
    changed = build.account(AccountModel.model_validate(given), base)
    assert changed.delays == Delays(capture=HOUR, cancel=5)
    assert changed.webhook_retries == (5 * MINUTE,)
    assert changed.signature_clock == "simulated"
    assert changed.rate_limit == base.rate_limit
    assert build.account(AccountModel.model_validate({}), base) == base


@pytest.mark.parametrize(
    ("written", "limit"),
    [("25/s", RateLimit(25, SECOND)), ("100/m", RateLimit(100, MINUTE)), ("5/10s", RateLimit(5, 10 * SECOND))],
)
def test_a_rate_limit_is_calls_per_time(written: str, limit: RateLimit) -> None:
    assert build.account(AccountModel.model_validate({"rateLimit": written}), Account()).rate_limit == limit


@pytest.mark.parametrize("written", ["none", None])
def test_a_rate_limit_can_be_taken_away(written: Any) -> None:
    base = Account(rate_limit=RateLimit(1, SECOND))
    assert build.account(AccountModel.model_validate({"rateLimit": written}), base).rate_limit is None


@pytest.mark.parametrize("written", ["0/s", "25", "s/25", "5/0s", 25])
def test_a_rate_limit_that_is_none_is_refused(written: Any) -> None:
    assert messages(AccountModel, {"rateLimit": written})
