from dataclasses import replace
from itertools import permutations

import pytest

from drsim.domain.account import Account
from drsim.domain.clock import DAY, SECOND
from drsim.domain.fulfill import Line, fulfill
from drsim.domain.history import live
from drsim.domain.orders import cancelled_amount, captured_amount, left_amount
from drsim.domain.outcome import Then
from drsim.domain.place import OrderSpec
from drsim.domain.refusal import Refused
from tests.domain.builders import (
    START,
    Story,
    a_context,
    a_line,
    a_rule,
    a_source,
    amounts,
    an_order,
    an_order_of_2689,
    an_order_of_2701,
    an_order_of_3781,
    an_order_of_3781_on_two_lines,
    some_shipping,
    states,
)

AVERSE = Account(risk_tolerance="averse")


def test_the_published_capture_of_25_21_and_cancel_of_12_60_make_up_37_81() -> None:
    story = Story(an_order_of_3781())
    story.fulfil(2)
    story.cancel(1)
    assert (amounts(story.card, "capture"), amounts(story.card, "cancel")) == ([2521], [1260])


def test_the_other_reading_of_37_81_gives_the_published_capture_too() -> None:
    story = Story(an_order_of_3781_on_two_lines())
    story.fulfil(1, 0)
    assert amounts(story.card, "capture") == [2521]
    story.cancel(0, 1)
    assert amounts(story.card, "cancel") == [1260]


def test_the_published_capture_of_13_45_drains_the_store_credit_first() -> None:
    story = Story(an_order_of_2689())
    story.fulfil(1)
    assert (amounts(story.credit, "capture"), amounts(story.card, "capture")) == ([1100], [245])
    story.fulfil(1)
    assert (amounts(story.credit, "capture"), amounts(story.card, "capture")) == ([1100], [245, 1344])


def test_the_published_cancel_of_10_00_takes_the_card_and_spares_the_store_credit() -> None:
    story = Story(an_order(a_line(1000, 2, "0"), store_credit=500))
    story.cancel(1)
    assert (amounts(story.card, "cancel"), amounts(story.credit, "cancel")) == ([1000], [])
    story.cancel(1)
    assert (amounts(story.card, "cancel"), amounts(story.credit, "cancel")) == ([1000, 500], [500])


def test_the_published_cancel_of_10_82_is_a_fifth_of_54_10() -> None:
    story = Story(an_order(a_line(1000, 5, "0.082")))
    assert story.order.totals.total == 5410
    story.cancel(1)
    assert amounts(story.card, "cancel") == [1082]


def test_the_published_full_capture_takes_27_01() -> None:
    story = Story(an_order_of_2701())
    story.fulfil(2)
    assert amounts(story.card, "capture") == [2701]


def test_two_lines_of_10_00_are_captured_one_by_one() -> None:
    story = Story(an_order(a_line(1000, 1, "0"), a_line(1000, 1, "0")))
    story.fulfil(1, 0)
    story.fulfil(0, 1)
    assert amounts(story.card, "capture") == [1000, 1000]


def test_the_last_open_unit_of_the_order_takes_exactly_what_is_left() -> None:
    """Rounding up is made good at the end of the order, not at the end of each line."""
    line = a_line(0, 2, "0", fees=101)
    story = Story(an_order(line, line))
    for units in ((1, 0), (1, 0), (0, 1), (0, 1)):
        story.fulfil(*units)
    assert amounts(story.card, "capture") == [51, 51, 51, 49]


def test_the_last_open_unit_takes_the_money_that_a_failed_capture_gave_back_too() -> None:
    story = Story(an_order(a_line(1000, 2, "0")), rules=(a_rule(times=1),))
    story.fulfil(1)
    story.settle()
    story.fulfil(1)
    assert amounts(story.card, "capture") == [1000, 2000]


def test_a_line_with_both_counters_makes_one_capture_and_one_cancel() -> None:
    story = Story(an_order_of_3781())
    story.ask((0, 2, 1))
    assert (amounts(story.card, "capture"), amounts(story.card, "cancel")) == ([2521], [1260])
    assert (story.items[0].state, story.order.state) == ("fulfilled", "fulfilled")
    assert story.told[3:] == [
        "fulfillment.created",
        "order.charge.capture.pending",
        "order.charge.cancel.pending",
        "order.fulfilled",
    ]


def test_the_same_item_twice_makes_two_operations() -> None:
    story = Story(an_order_of_3781())
    story.ask((0, 1, 0), (0, 1, 0))
    assert amounts(story.card, "capture") == [1261, 1261]
    assert (story.items[0].fulfilled, story.items[0].open) == (2, 1)
    assert {capture.fulfillment_id for capture in story.card.captures} == {"ful_fulfillment-1"}


def test_several_lines_make_one_operation_each_in_the_order_of_the_order() -> None:
    spec = an_order(a_line(1000, 2), a_line(700, 1), a_line(300, 3), shipping=some_shipping())
    sales = []
    for order in permutations([(0, 1, 0), (1, 1, 0), (2, 1, 1)]):
        story = Story(spec)
        story.ask(*order)
        sales.append(story.sale)
        assert [capture.item_id for capture in story.card.captures] == ["item-1", "item-2", "item-3"]
    assert all(sale == sales[0] for sale in sales)


def test_the_fulfillment_lists_its_lines_as_they_were_asked_for() -> None:
    story = Story(an_order(a_line(sku_id="a"), a_line(sku_id="b")))
    decision = story.ask((1, 1, 0), (0, 0, 2))
    assert decision.fulfillment is not None
    assert [
        (item.item_id, item.sku_id, item.quantity, item.cancel_quantity) for item in decision.fulfillment.items
    ] == [
        ("item-2", "b", 1, 0),
        ("item-1", "a", 0, 2),
    ]
    assert (decision.fulfillment.id, decision.fulfillment.created) == ("ful_fulfillment-1", START)


def test_what_is_only_shown_again_is_kept() -> None:
    story = Story()
    line = Line(story.items[0].id, 1, 0, {"trackingNumber": "1"})
    decision = fulfill(story.sale, [line], {"shipmentId": "s"}, {"m": 1}, story.context)
    assert decision.fulfillment is not None
    assert (decision.fulfillment.extra, decision.fulfillment.metadata) == ({"shipmentId": "s"}, {"m": 1})
    assert decision.fulfillment.items[0].extra == {"trackingNumber": "1"}


def test_operations_know_their_fulfillment_item_and_end() -> None:
    story = Story()
    story.fulfil(1)
    capture = story.card.captures[0]
    assert (capture.fulfillment_id, capture.item_id, capture.units) == ("ful_fulfillment-1", "item-1", 1)
    assert (capture.created, capture.due, capture.failure) == (START, START + 2 * SECOND, None)


def test_a_line_changes_its_state_with_its_last_unit() -> None:
    story = Story(an_order(a_line(1000, 2), a_line(1000, 1)))
    story.advance(SECOND)
    story.fulfil(1)
    assert (story.items[0].state, story.order.updated) == ("created", START)
    story.fulfil(1)
    assert (story.items[0].state, story.items[0].transitions["fulfilled"]) == ("fulfilled", START + SECOND)
    assert (story.order.state, story.order.updated) == ("accepted", START + SECOND)


@pytest.mark.parametrize(
    ("asked", "state"),
    [([(1, 0), (0, 1)], "fulfilled"), ([(0, 1), (1, 0)], "fulfilled"), ([(0, 1), (0, 1)], "cancelled")],
)
def test_a_line_is_fulfilled_if_any_unit_was_and_cancelled_if_none_was(
    asked: list[tuple[int, int]], state: str
) -> None:
    story = Story(an_order(a_line(1000, 2), a_line(1000, 1)))
    for units, cancelled in asked:
        story.ask((0, units, cancelled))
    assert story.items[0].state == state


def test_an_order_is_fulfilled_when_every_line_is_handled_and_one_is_fulfilled() -> None:
    story = Story(an_order(a_line(1000, 1), a_line(1000, 1)))
    story.cancel(1)
    assert story.order.state == "accepted"
    story.fulfil(0, 1)
    assert (story.order.state, story.order.transitions["fulfilled"]) == ("fulfilled", START)
    assert [item.state for item in story.items] == ["cancelled", "fulfilled"]


def test_a_free_line_is_handled_without_an_operation() -> None:
    story = Story(an_order(a_line(1000, 1, "0"), a_line(0, 1)))
    story.fulfil(0, 1)
    assert (story.card.captures, story.items[1].state) == ((), "fulfilled")
    story.fulfil(1)
    assert amounts(story.card, "capture") == [1000]


def test_an_order_that_costs_nothing_can_be_fulfilled_or_cancelled() -> None:
    story = Story(an_order(a_line(0, 2)))
    story.fulfil(2)
    story.settle()
    assert story.order.state == "complete"
    story = Story(an_order(a_line(0, 2)))
    story.cancel(2)
    assert (story.order.state, story.told[-1]) == ("cancelled", "order.cancelled")


def test_amounts_of_a_currency_without_decimals_are_whole() -> None:
    story = Story(an_order(a_line(100, 3, "0.1"), currency="JPY"))
    story.fulfil(1)
    story.fulfil(1)
    story.fulfil(1)
    assert amounts(story.card, "capture") == [110, 110, 110]
    story = Story(an_order(a_line(0, 3, "0", fees=100), currency="JPY"))
    for _ in range(3):
        story.fulfil(1)
    assert amounts(story.card, "capture") == [34, 34, 32]


# What is told


def test_the_created_fulfillment_is_told_with_the_order_as_it_was_before() -> None:
    story = Story(an_order_of_2701())
    before = story.sale
    story.fulfil(2)
    told = story.event("fulfillment.created")
    assert told.sale == before
    assert told.sale.order.items[0].state == "created"
    assert captured_amount(told.sale) == 0
    assert told.fulfillment is not None
    assert told.fulfillment.id == story.card.captures[0].fulfillment_id


def test_the_first_of_two_captures_is_told_before_the_second_exists() -> None:
    story = Story(an_order(a_line(1000, 1, "0"), a_line(500, 1, "0")))
    story.fulfil(1, 1)
    first, second = story.event("order.charge.capture.pending"), story.event("order.charge.capture.pending", 1)
    assert first.charge is not None
    assert second.charge is not None
    assert (amounts(first.charge, "capture"), first.charge.state) == ([1000], "capturable")
    assert (amounts(second.charge, "capture"), second.charge.state) == ([1000, 500], "processing")
    assert (captured_amount(first.sale), captured_amount(second.sale)) == (1000, 1500)


def test_the_events_of_a_full_fulfilment_come_in_order() -> None:
    story = Story(an_order_of_2701())
    story.fulfil(2)
    story.settle()
    assert story.told[3:] == [
        "fulfillment.created",
        "order.charge.capture.pending",
        "order.charge.processing",
        "order.fulfilled",
        "order.charge.capture.complete",
        "order.charge.complete",
        "order.complete",
        "order.invoice.created",
    ]


def test_the_fulfilled_order_is_told_with_its_capture_pending() -> None:
    story = Story(an_order_of_2701())
    story.fulfil(2)
    told = story.event("order.fulfilled")
    assert (told.sale.order.state, told.sale.order.items[0].state) == ("fulfilled", "fulfilled")
    assert (states(told.sale.charges[0].captures), captured_amount(told.sale)) == (["pending"], 2701)


# What is refused


def test_an_unknown_item_is_refused() -> None:
    story = Story()
    with pytest.raises(Refused) as caught:
        fulfill(story.sale, [Line("item-1", 1, 0, {}), Line("item-9", 1, 0, {})], {}, None, story.context)
    refused = caught.value
    assert (refused.kind, refused.code, refused.parameter) == ("bad_request", "invalid_parameter", "items[1].itemId")
    assert "item-9" in refused.message


def test_a_fulfilled_order_is_refused() -> None:
    story = Story()
    story.fulfil(2)
    refused = story.refused((0, 1, 0))
    assert (refused.kind, refused.code, refused.parameter) == ("conflict", "order_fulfilled", "orderId")
    assert refused.message == "Resource 'order-1' is fulfilled."


def test_a_complete_order_is_refused() -> None:
    story = Story()
    story.fulfil(2)
    story.settle()
    refused = story.refused((0, 1, 0))
    assert (refused.kind, refused.code, refused.parameter) == ("conflict", "order_complete", "orderId")
    assert refused.message == "Resource 'order-1'  is already complete."


def test_a_cancelled_order_is_refused() -> None:
    story = Story()
    story.cancel(2)
    story.settle()
    refused = story.refused((0, 0, 1))
    assert (refused.kind, refused.code, refused.parameter) == ("conflict", "order_cancelled", "orderId")
    assert "'order-1'" in refused.message


@pytest.mark.parametrize("state", ["pending_payment", "in_review", "blocked", "dispute"])
def test_an_order_that_is_not_accepted_is_refused(state: str) -> None:
    sale = live(an_order(), state, a_context(), START + DAY).sale
    before = repr(sale)
    with pytest.raises(Refused) as caught:
        fulfill(sale, [Line(sale.order.items[0].id, 1, 0, {})], {}, None, a_context(START + DAY))
    refused = caught.value
    assert (refused.kind, refused.code, refused.parameter) == ("conflict", "order_not_submitted", "orderId")
    assert refused.message == "Order 'order-1' has not been submitted."
    assert repr(sale) == before


@pytest.mark.parametrize(
    ("handled", "code"), [((2, 0), "item_fulfilled"), ((0, 2), "item_cancelled"), ((1, 1), "item_fulfilled")]
)
def test_a_line_that_is_handled_is_refused(handled: tuple[int, int], code: str) -> None:
    story = Story(an_order(a_line(1000, 2), a_line(1000, 1)))
    story.ask((0, *handled))
    refused = story.refused((0, 1, 0))
    assert (refused.kind, refused.code, refused.parameter) == ("conflict", code, "itemId")
    assert "'item-1'" in refused.message


@pytest.mark.parametrize("asked", [(3, 0), (0, 3), (2, 1), (1, 2)])
def test_more_units_than_are_open_are_refused(asked: tuple[int, int]) -> None:
    refused = Story().refused((0, *asked))
    assert (refused.kind, refused.code, refused.parameter) == ("conflict", "quantity_too_large", "quantity")
    assert refused.message == "Sum of quantity and cancelQuantity may not exceed sku quantity of the order."


def test_units_already_handled_count_against_a_request() -> None:
    story = Story()
    story.fulfil(1)
    assert story.refused((0, 2, 0)).code == "quantity_too_large"
    story.cancel(1)
    assert story.order.state == "fulfilled"


def test_the_same_item_twice_is_refused_when_its_sum_is_too_large() -> None:
    story = Story()
    assert story.refused((0, 1, 0), (0, 1, 1)).code == "quantity_too_large"


def test_one_wrong_line_refuses_the_whole_request() -> None:
    story = Story(an_order(a_line(1000, 2), a_line(1000, 1)))
    assert story.refused((0, 1, 0), (1, 2, 0)).code == "quantity_too_large"


def test_the_first_wrong_line_of_the_request_is_the_one_that_is_named() -> None:
    story = Story(an_order(a_line(1000, 1), a_line(1000, 1), a_line(1000, 1)))
    story.ask((0, 1, 0), (1, 0, 1))
    assert story.refused((2, 9, 0), (1, 1, 0), (0, 1, 0)).code == "quantity_too_large"
    assert story.refused((1, 1, 0), (0, 1, 0)).code == "item_cancelled"
    assert story.refused((0, 1, 0), (1, 1, 0)).code == "item_fulfilled"


def test_the_state_of_the_order_is_looked_at_before_its_lines() -> None:
    story = Story()
    story.fulfil(2)
    assert story.refused((0, 9, 0)).code == "order_fulfilled"


# Expired authorizations


def expired(spec: OrderSpec | None = None, account: Account | None = None, **more: object) -> Story:
    story = Story(spec, account=account, **more)  # type: ignore[arg-type]
    story.advance(7 * DAY)
    return story


def test_a_valid_authorization_is_captured_on_an_averse_account_too() -> None:
    story = Story(account=AVERSE)
    story.advance(7 * DAY - 1)
    story.fulfil(2)
    story.settle()
    assert story.order.state == "complete"


def test_an_expired_authorization_is_renewed_on_a_tolerant_account() -> None:
    story = expired()
    story.fulfil(2)
    assert story.card.expires == story.now + 7 * DAY
    story.settle()
    assert (story.order.state, story.told.count("order.charge.reauth.failed")) == ("complete", 0)


def test_an_expired_authorization_refuses_a_capture_on_an_averse_account() -> None:
    story = expired(account=AVERSE)
    refused = story.refused((0, 2, 0))
    text = "Fulfillment cannot be processed because the payment authorization has expired"
    assert (refused.kind, refused.code, refused.parameter) == ("conflict", "payment_authorization_failed", "orderId")
    assert (refused.message, refused.extra) == (text, {"description": text})
    assert [event.type for event in refused.events] == ["order.charge.reauth.failed"]
    told = refused.events[0]
    assert (told.sale.order.state, told.sale.charges[0].state, told.sale.charges[0].captures) == (
        "accepted",
        "capturable",
        (),
    )


def test_a_cancel_needs_no_valid_authorization() -> None:
    story = expired(account=AVERSE)
    story.cancel(2)
    story.settle()
    assert story.order.state == "cancelled"


def test_a_rule_can_let_a_renewal_succeed_on_an_averse_account() -> None:
    renews = a_rule("authorize", Then("complete"), when={"attempt": {"$gt": 1}}, times=1)
    story = expired(account=AVERSE, rules=(renews,))
    story.fulfil(2)
    story.settle()
    assert story.order.state == "complete"
    assert [rule.left for rule in story.rules] == [0]


def test_a_rule_can_let_a_renewal_fail_on_a_tolerant_account_and_then_the_capture_fails() -> None:
    fails = a_rule("authorize", when={"attempt": {"$gt": 1}})
    story = expired(rules=(fails,))
    story.fulfil(2)
    assert story.told[3:] == [
        "fulfillment.created",
        "order.charge.capture.pending",
        "order.charge.processing",
        "order.fulfilled",
    ]
    story.settle()
    assert (story.told[-1], states(story.card.captures)) == ("order.charge.capture.failed", ["failed"])


def test_a_rule_for_the_capture_itself_decides_even_when_the_renewal_failed() -> None:
    """A tolerant account captures on the expired authorization; rules come first in saying how that ends."""
    rules = (a_rule("authorize", when={"attempt": {"$gt": 1}}), a_rule("capture", Then("complete")))
    story = expired(rules=rules)
    story.fulfil(2)
    story.settle()
    assert story.order.state == "complete"


def test_a_renewal_that_fails_uses_its_rule_up_although_the_request_is_refused() -> None:
    """`times: 1` on an averse account: the first request is refused, the second renews by the second rule."""
    rules = (
        a_rule("authorize", when={"attempt": {"$gt": 1}}, times=1),
        a_rule("authorize", Then("complete"), when={"attempt": {"$gt": 1}}),
    )
    story = expired(account=AVERSE, rules=rules)
    refused = story.refused((0, 2, 0))
    assert [rule.left for rule in getattr(refused, "rules", rules)] == [0, None]


def test_a_charge_with_nothing_left_needs_no_renewal() -> None:
    spec = an_order(a_line(1000, 1, "0"), a_line(0, 1))
    story = Story(spec, account=AVERSE)
    story.fulfil(1)
    story.advance(8 * DAY)
    story.fulfil(0, 1)
    assert story.order.state == "fulfilled"


def test_a_renewed_authorization_lasts_as_long_as_a_first_one() -> None:
    story = expired(an_order(a_line(1000, 2)), account=replace(Account(), authorization_ttl=DAY))
    story.fulfil(1)
    assert story.card.expires == story.now + DAY


# Test cards


def test_a_card_of_captures_that_never_end_leaves_them_pending() -> None:
    story = Story(an_order(source=a_source(number="4024 0071 2057 9635")))
    story.fulfil(2)
    assert (story.card.captures[0].due, story.sale.due, story.card.state) == (None, None, "processing")


def test_a_rule_sees_the_amount_and_the_attempt_of_each_operation() -> None:
    rules = (a_rule(when={"amount": {"$gte": 12.61}, "attempt": 2}),)
    story = Story(an_order_of_3781(), rules=rules)
    story.fulfil(1)
    story.fulfil(1)
    assert [capture.failure is not None for capture in story.card.captures] == [False, True]


def test_money_that_is_handled_is_nowhere_twice() -> None:
    story = Story(an_order_of_2689())
    story.ask((0, 1, 1))
    assert captured_amount(story.sale) + cancelled_amount(story.sale) == 2689
    assert left_amount(story.sale) == 0
    assert (amounts(story.card, "capture"), amounts(story.card, "cancel")) == ([245], [1344])
