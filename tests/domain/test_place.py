from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from drsim.domain.account import Account
from drsim.domain.checkouts import entity_of
from drsim.domain.clock import DAY, MINUTE, SECOND
from drsim.domain.money import LIMIT
from drsim.domain.outcome import Failure, Then
from drsim.domain.place import OrderSpec, place
from drsim.domain.refusal import Refused
from tests.domain.builders import (
    START,
    Story,
    a_context,
    a_line,
    a_party,
    a_rule,
    a_source,
    an_order,
    an_order_of_2689,
    an_order_of_2701,
    an_order_of_3781,
    an_order_of_3781_on_two_lines,
    some_shipping,
    states,
    with_delays,
)


def placed(spec: OrderSpec) -> Any:
    return place(spec, a_context()).sale.order


def test_the_order_of_27_01_adds_up_as_published() -> None:
    order = placed(an_order_of_2701())
    totals = order.totals
    assert (totals.total, totals.subtotal, totals.tax, totals.shipping) == (2701, 2500, 201, 500)
    assert (order.items[0].amount, order.items[0].tax) == (2000, 161)
    assert (order.items[0].shipping, order.items[0].shipping_tax, order.shipping.tax) == (500, 40, 40)


def test_the_order_of_26_89_is_paid_by_a_card_of_15_89_and_a_store_credit_of_11_00() -> None:
    story = Story(an_order_of_2689())
    assert story.order.totals.total == 2689
    assert (story.card.amount, story.credit.amount) == (1589, 1100)
    paid = {each.source_id: each.amount for each in story.order.contributions}
    assert [(source.type, paid[source.id]) for source in story.sale.sources] == [
        ("creditCard", 1589),
        ("customerCredit", 1100),
    ]


@pytest.mark.parametrize("spec", [an_order_of_3781, an_order_of_3781_on_two_lines])
def test_both_readings_of_the_order_of_37_81_add_up(spec: Callable[[], OrderSpec]) -> None:
    assert placed(spec()).totals.total == 3781


def test_shipping_is_shared_in_proportion_to_the_amounts() -> None:
    first, second = placed(an_order_of_3781_on_two_lines()).items
    assert (first.shipping, second.shipping) == (333, 167)
    assert (first.shipping_tax, second.shipping_tax) == (27, 13)
    assert (first.total, second.total) == (2521, 1260)


def test_equal_lines_bear_equal_halves_of_the_shipping() -> None:
    items = placed(an_order(a_line(1000, 1), a_line(1000, 1), shipping=some_shipping())).items
    assert [(item.shipping, item.shipping_tax) for item in items] == [(250, 20), (250, 20)]


def test_digital_lines_bear_no_shipping() -> None:
    lines = (a_line(9900, 1, physical=False), a_line(1000, 1), a_line(500, 1, physical=False))
    items = placed(an_order(*lines, shipping=some_shipping())).items
    assert [item.shipping for item in items] == [0, 500, 0]
    assert [item.shipping_tax for item in items] == [0, 40, 0]


def test_shipping_of_free_or_only_digital_lines_is_not_lost() -> None:
    for lines in ((a_line(0, 1), a_line(0, 1)), (a_line(100, 1, physical=False), a_line(100, 1, physical=False))):
        order = placed(an_order(*lines, shipping=some_shipping()))
        assert sum(item.total for item in order.items) == order.totals.total


@pytest.mark.parametrize(
    ("discount", "taxes", "total", "subtotal"),
    [({"percent_off": Decimal(20)}, [241, 241], 6882, 6400), ({"amount_off": 1000}, [263, 263], 7526, 7000)],
)
def test_an_order_discount_lowers_the_taxed_amounts_and_the_subtotal_but_not_the_lines(
    discount: dict[str, Any], taxes: list[int], total: int, subtotal: int
) -> None:
    order = placed(an_order(a_line(4000, 1, "0.07525"), a_line(4000, 1, "0.07525"), **discount))
    assert [item.amount for item in order.items] == [4000, 4000]
    assert [item.tax for item in order.items] == taxes
    assert (order.totals.total, order.totals.subtotal) == (total, subtotal)
    assert order.totals.discount == 8000 - subtotal


def test_a_discount_never_takes_more_off_a_line_than_the_line_costs() -> None:
    """Five lines of 0.01 with 0.02 off: rounding must not pile the whole discount on the last line."""
    items = placed(an_order(*[a_line(1, 1, "0")] * 5, amount_off=2)).items
    assert sum(item.discount for item in items) == 2
    assert [item for item in items if item.discount > item.amount] == []
    assert min(item.total for item in items) >= 0


def test_a_discount_larger_than_the_items_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        place(an_order(a_line(1000, 2), amount_off=2001), a_context())
    assert (caught.value.kind, caught.value.parameter) == ("bad_request", "discount")


def test_a_discount_of_everything_leaves_an_order_without_a_charge() -> None:
    story = Story(an_order(a_line(1000, 2), amount_off=2000))
    assert (story.order.totals.total, story.sale.charges, story.order.state) == (0, (), "accepted")


def test_fees_duties_and_importer_tax_are_part_of_the_total() -> None:
    totals = placed(an_order(a_line(1000, 2, duties=100, importer_tax=200, fees=50, fees_tax=4))).totals
    assert (totals.fees, totals.duty, totals.importer_tax) == (50, 100, 200)
    assert totals.subtotal == 2000 + 50 + 100 + 200
    assert totals.tax == 161 + 4
    assert totals.total == totals.subtotal + totals.tax


def test_a_currency_without_decimals_rounds_tax_to_whole_units() -> None:
    order = placed(an_order(a_line(1234, 1, "0.1"), currency="JPY", shipping=some_shipping(505, "0.1")))
    assert (order.items[0].tax, order.shipping.tax) == (123, 51)
    assert order.totals.total == 1234 + 123 + 505 + 51


def test_an_order_larger_than_drsim_can_hold_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        place(an_order(a_line(LIMIT - 1, 2)), a_context())
    assert caught.value.code == "amount_too_large"


def test_store_credit_for_everything_is_the_only_source() -> None:
    story = Story(an_order(a_line(1000, 2, "0"), store_credit=2000))
    assert [source.type for source in story.sale.sources] == ["customerCredit"]
    assert [charge.amount for charge in story.sale.charges] == [2000]
    assert story.order.state == "accepted"


def test_more_store_credit_than_the_order_costs_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        place(an_order(a_line(1000, 2, "0"), store_credit=2001), a_context())
    assert (caught.value.kind, caught.value.code) == ("conflict", "session_source_amount_too_large")


@pytest.mark.parametrize(
    ("ship_from", "ship_to", "bill_to", "entity"),
    [
        ("US", "US", "US", "C5_INC-ENTITY"),
        (None, None, "US", "C5_INC-ENTITY"),
        ("US", "US", "DE", "C5_INC-ENTITY"),
        ("US", "CA", "US", "DR_INC-ENTITY"),
        ("US", "DE", "US", "DR_IRELAND-ENTITY"),
        ("DE", "FR", "FR", "DR_IRELAND-ENTITY"),
        (None, None, "IE", "DR_IRELAND-ENTITY"),
        ("US", "TW", "US", "DR_TAIWAN-ENTITY"),
        (None, None, "BR", "DR_INC-ENTITY"),
        ("DE", "US", "US", "DR_INC-ENTITY"),
    ],
)
def test_the_countries_decide_who_sells(ship_from: str | None, ship_to: str | None, bill_to: str, entity: str) -> None:
    assert entity_of(ship_from, ship_to, bill_to)["id"] == entity


def test_a_digital_order_is_sold_by_the_billing_country() -> None:
    assert placed(an_order(ship_to=None, ship_from=None, bill_to=a_party("FR"))).selling_entity["id"] == (
        "DR_IRELAND-ENTITY"
    )


def test_a_card_order_is_accepted_at_once_with_its_money_authorized() -> None:
    story = Story()
    assert story.told == ["order.created", "order.charge.capturable", "order.accepted"]
    assert (story.order.state, story.order.transitions) == ("accepted", {"accepted": START})
    assert (story.order.fraud_state, story.order.fraud_transitions) == ("passed", {"passed": START})
    assert (story.card.state, story.card.expires) == ("capturable", START + 7 * DAY)
    assert (story.order.session.state, story.order.session.remaining) == ("complete", 0)
    assert story.order.session.contributed == story.order.totals.total
    assert story.items[0].transitions == {"created": START}
    assert story.order.charge_ids == tuple(charge.id for charge in story.sale.charges)
    assert [each.source_id for each in story.order.contributions] == [source.id for source in story.sale.sources]


def test_the_account_says_how_long_an_authorization_lasts() -> None:
    assert Story(account=Account(authorization_ttl=DAY)).card.expires == START + DAY


@pytest.mark.parametrize("begins", ["accepted", "in_review"])
def test_a_single_use_source_that_was_charged_is_consumed(begins: Any) -> None:
    """A charge exists on it, whatever the reviewer says later."""
    story = Story(an_order(begins=begins))
    assert story.card.state == "capturable"
    assert [source.state for source in story.sale.sources] == ["consumed"]


def test_a_rejected_source_refuses_the_order() -> None:
    with pytest.raises(Refused) as caught:
        place(an_order(source=a_source(number="4000 0000 0000 3295")), a_context())
    assert (caught.value.kind, caught.value.code, caught.value.parameter) == (
        "conflict",
        "source_not_chargeable",
        "sourceId",
    )
    assert caught.value.message == "Source 'source-1' is not chargeable."


def test_a_declined_charge_refuses_the_order() -> None:
    with pytest.raises(Refused) as caught:
        place(an_order(source=a_source(number="4000 0000 0000 3600")), a_context())
    refused = caught.value
    assert (refused.kind, refused.code, refused.parameter) == ("conflict", "failed-request", None)
    assert (refused.message, refused.events) == ("Failed to charge source.", ())


def test_a_decline_code_of_a_rule_is_the_code_of_the_refusal() -> None:
    declines = a_rule("authorize", Then("failed", failure=Failure("insufficient_funds", "No")))
    with pytest.raises(Refused) as caught:
        place(an_order(), a_context(rules=(declines,)))
    assert (caught.value.code, caught.value.message) == ("insufficient_funds", "Failed to charge source.")


def test_a_decline_uses_its_rule_up() -> None:
    """`times: 1` declines one order: the refusal must hand back the rules that are left, as a decision does."""
    declines = a_rule("authorize", times=1)
    with pytest.raises(Refused) as caught:
        place(an_order(), a_context(rules=(declines,)))
    assert [rule.left for rule in getattr(caught.value, "rules", (declines,))] == [0]


def test_an_authorization_that_takes_time_leaves_the_order_waiting_and_then_accepts_it() -> None:
    story = Story(account=with_delays(authorize=5 * SECOND))
    assert (story.order.state, story.order.fraud_state, story.card.state) == ("pending_payment", None, "pending")
    assert story.told == ["order.created", "order.charge.pending", "order.pending_payment"]
    story.settle()
    assert story.told[3:] == ["order.charge.capturable", "order.accepted"]
    assert (story.now, story.order.state) == (START + 5 * SECOND, "accepted")
    assert story.card.expires == START + 5 * SECOND + 7 * DAY
    assert story.order.transitions == {"pending_payment": START, "accepted": START + 5 * SECOND}


def test_an_order_is_accepted_only_once_every_charge_is_authorized() -> None:
    slow = a_rule("authorize", Then("complete", MINUTE), when={"source": {"type": "creditCard"}})
    story = Story(an_order_of_2689(), rules=(slow,))
    assert (story.order.state, story.credit.state) == ("pending_payment", "capturable")
    story.settle()
    assert (story.order.state, story.card.state, story.now) == ("accepted", "capturable", START + MINUTE)


def test_an_authorization_that_fails_later_cancels_the_order() -> None:
    story = Story(an_order(source=a_source("directDebit", last_name="ChargeFailedAfterPending")))
    assert story.order.state == "pending_payment"
    story.settle()
    assert (story.order.state, story.card.state, story.order.session.state) == ("cancelled", "failed", "failed")
    assert [item.state for item in story.items] == ["cancelled"]
    assert story.told[3:] == ["order.charge.failed", "order.cancelled"]


def test_what_another_charge_held_is_released_when_one_authorization_fails() -> None:
    failing = a_rule("authorize", Then("failed", MINUTE), when={"source": {"type": "creditCard"}})
    story = Story(an_order_of_2689(), rules=(failing,))
    story.settle()
    assert (story.card.state, story.credit.state, story.order.state) == ("failed", "cancelled", "cancelled")
    assert states(story.credit.cancels) == ["complete"]
    assert story.told.count("order.cancelled") == story.told.count("order.charge.cancelled") == 1


def test_an_order_is_cancelled_only_once_its_charges_are() -> None:
    failing = a_rule("authorize", Then("failed", MINUTE), when={"source": {"type": "creditCard"}})
    story = Story(an_order_of_2689(), rules=(failing,))
    story.settle()
    assert story.told.index("order.charge.cancelled") < story.told.index("order.cancelled")


def test_a_charge_that_stays_pending_keeps_the_order_waiting_for_ever() -> None:
    story = Story(an_order(source=a_source("directDebit", last_name="ChargeRemainPending")))
    assert (story.order.state, story.sale.due) == ("pending_payment", None)


def test_a_shopper_who_has_to_pay_first_leaves_an_order_without_a_charge() -> None:
    story = Story(an_order(source=a_source("wireTransfer"), begins="pending_payment"))
    assert story.told == ["order.created", "order.pending_payment"]
    assert (story.order.state, story.sale.charges, story.order.session.state) == (
        "pending_payment",
        (),
        "pending_funds",
    )
    assert story.order.session.next_action == {
        "action": "show_payment_instructions",
        "data": {"sourceId": "source-1", "sourceClientSecret": story.sale.sources[0].client_secret},
    }
    assert (story.order.fraud_state, story.sale.due) == (None, START + 30 * DAY)


def test_money_that_never_arrives_cancels_the_order_half_a_minute_later() -> None:
    story = Story(an_order(source=a_source("wireTransfer", last_name="SourceFailWithDelay")))
    assert story.order.state == "pending_payment"
    story.settle()
    assert (story.now, story.order.state, story.sale.charges) == (START + 30 * SECOND, "cancelled", ())
    assert (story.order.session.state, story.sale.sources[0].state) == ("failed", "cancelled")
    assert story.told == ["order.created", "order.pending_payment", "order.cancelled"]


def test_the_fraud_state_of_an_unpaid_order_is_stamped_when_it_is_cancelled() -> None:
    """The published cancelled order passes fraud screening at the very moment of its cancellation."""
    story = Story(an_order(source=a_source("wireTransfer", last_name="SourceFailWithDelay")))
    story.settle()
    assert story.order.fraud_state == "passed"
    assert story.order.fraud_transitions == {"passed": story.now}


@pytest.mark.parametrize(
    ("last_name", "begins"), [("SourceFailWithDelay", "accepted"), ("Marshall", "pending_payment")]
)
def test_an_order_that_store_credit_pays_in_full_waits_for_no_one(last_name: str, begins: Any) -> None:
    """Its primary source pays nothing, so it cannot keep the order waiting either."""
    source = a_source("wireTransfer", last_name=last_name)
    story = Story(an_order(a_line(1000, 2, "0"), store_credit=2000, source=source, begins=begins))
    story.settle()
    assert story.order.state == "accepted"


def test_an_order_in_review_has_its_money_authorized_and_its_fraud_review_opened() -> None:
    story = Story(an_order(begins="in_review"))
    assert story.told == ["order.created", "order.charge.capturable", "order.review_opened"]
    assert (story.order.state, story.order.fraud_state) == ("in_review", "review_opened")
    assert story.order.transitions == {"in_review": START}


def test_a_blocked_order_gets_its_money_back_in_full() -> None:
    story = Story(an_order(begins="blocked"))
    story.settle()
    assert (story.order.state, story.order.fraud_state) == ("blocked", "blocked")
    assert [item.state for item in story.items] == ["blocked"]
    assert (story.card.state, states(story.card.cancels)) == ("cancelled", ["complete"])
    assert story.told == [
        "order.created",
        "order.charge.capturable",
        "order.review_opened",
        "order.review_closed",
        "order.blocked",
        "order.charge.cancel.pending",
        "order.charge.cancel.complete",
        "order.charge.cancelled",
    ]


def test_ids_that_are_given_are_used() -> None:
    line = a_line(id="146111340336")
    story = Story(an_order(line, id="231388420336", upstream_id="up", metadata={"a": 1}))
    assert (story.order.id, story.items[0].id) == ("231388420336", "146111340336")
    assert (story.order.upstream_id, story.order.metadata) == ("up", {"a": 1})
    assert story.card.order_id == "231388420336"
