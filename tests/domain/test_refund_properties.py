"""What holds for any order and any sequence of requests once refunds are among them.

A plot of `test_money_properties` is lived with refunds in between: of the order, of parts of it, of lines, with rules
and cards under which they fail, never end, or wait for bank details.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from drsim.domain.charges import completed, repayable, repaying, standing
from drsim.domain.clock import DAY, HOUR
from drsim.domain.methods import Trouble
from drsim.domain.money import decimal
from drsim.domain.orders import Sale, refundable_amount
from drsim.domain.outcome import Rule, Then
from drsim.domain.refund import AskedItem, Portion
from drsim.domain.refundable import OF_ITEMS, OF_ORDERS, left_to_refund, refundable_items
from drsim.domain.refusal import Refused
from drsim.domain.states import CHARGE_REFUND, REFUND
from tests.domain.builders import Story, a_source
from tests.domain.test_money_properties import Plot, _reachable, begun, do, finish, moments, plots

OVER = ("succeeded", "failed", "expired")


@dataclass(frozen=True)
class Wish:
    """A refund to ask for: of the order, or of lines by their place; amounts are parts of what there is."""

    percent: Decimal
    as_amount: bool
    type: str | None
    lines: tuple[tuple[int, int, str | None], ...] = ()


PERCENTS = st.one_of(st.just(Decimal(100)), st.integers(1, 10000).map(lambda hundredths: Decimal(hundredths) / 100))
WISHES = st.one_of(
    st.builds(Wish, PERCENTS, st.booleans(), st.sampled_from([None, None, *OF_ORDERS])),
    st.builds(
        Wish,
        PERCENTS,
        st.just(False),
        st.none(),
        st.lists(
            st.tuples(st.integers(0, 4), st.integers(0, 3), st.sampled_from(list(OF_ITEMS))), min_size=1, max_size=3
        ).map(tuple),
    ),
)
REFUND_RULES = st.lists(
    st.builds(
        Rule,
        st.just("r"),
        st.just("refund"),
        st.sampled_from([{}, {"attempt": 1}, {"source": {"type": "customerCredit"}}]),
        st.sampled_from([Then("failed"), Then("complete", HOUR), Then("pending"), Then("failed", DAY)]),
        st.integers(1, 2),
    ),
    max_size=2,
).map(tuple)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A plot with refunds after some of its acts, lived until everything is shipped and at rest."""
    plot: Plot = draw(plots())
    source = draw(st.sampled_from([plot.spec.source, plot.spec.source, a_source("wireTransfer")]))
    trouble = draw(st.sampled_from([(), (), (Trouble("refund", "fails"),), (Trouble("refund", "fails_later"),)]))
    source = replace(source, troubles=(*source.troubles, *trouble))
    story = begun(replace(plot, spec=replace(plot.spec, source=source), rules=plot.rules + draw(REFUND_RULES)))
    story.settle()
    for act in plot.acts:
        do(story, act)
        _ask(story, draw(st.lists(WISHES, max_size=2)))
    finish(story)
    _ask(story, draw(st.lists(WISHES, max_size=4)))
    if draw(st.booleans()):
        _inform(story)
    story.settle()
    return story


def _ask(story: Story, wishes: list[Wish]) -> None:
    for wish in wishes:
        before = repr(story.sale), len(story.events)
        try:
            _wish(story, wish)
        except Refused:
            assert (repr(story.sale), len(story.events)) == before


def _wish(story: Story, wish: Wish) -> None:
    if wish.lines:
        places = [(story.items[place % len(story.items)], units, type) for place, units, type in wish.lines]
        story.refund(*(AskedItem(item.id, Portion(wish.percent), units or None, type) for item, units, type in places))
    elif wish.as_amount:
        amount = int(refundable_amount(story.sale) * wish.percent / 100)
        if amount:
            story.refund(amount=decimal(amount, story.order.currency), type=wish.type)
    else:
        story.refund(percent=str(wish.percent), type=wish.type)


def _inform(story: Story) -> None:
    story.advance(HOUR)
    for refund in story.sale.refunds:
        if refund.state == "pending_information":
            story.inform(refund)


def _check(sale: Sale) -> None:
    captured = sum(completed(charge.captures) for charge in sale.charges)
    for charge in sale.charges:
        assert 0 <= completed(charge.refunds) <= standing(charge.refunds) <= completed(charge.captures)
        assert repayable(charge) >= 0
        assert all(refund.amount > 0 for refund in charge.refunds)
    assert sale.order.refunded == sum(completed(charge.refunds) for charge in sale.charges)
    gone = sale.order.refunded + sum(repaying(charge) for charge in sale.charges)
    assert 0 <= refundable_amount(sale) <= captured - gone
    assert all(
        0 <= amount <= refundable_amount(sale) for amount in refundable_items(sale, refundable_amount(sale)).values()
    )
    assert min(left_to_refund(sale).values()) >= 0
    for refund in sale.refunds:
        taken = [each for charge in sale.charges for each in charge.refunds if each.refund_id == refund.id]
        assert refund.refunded == completed(taken)
        assert sum(share.amount for share in refund.shares) <= refund.amount
        assert all(share.amount > 0 for share in refund.shares)
        assert not refund.items or sum(item.amount for item in refund.items) == refund.amount
        assert (refund.token is not None) == (refund.state == "pending_information")


@given(stories())
@settings(max_examples=120)
def test_no_more_is_ever_refunded_than_was_captured_for_good_on_each_charge(story: Story) -> None:
    for decision in story.decisions:
        _check(decision.sale)


@given(stories())
@settings(max_examples=80)
def test_a_refund_is_over_when_all_its_charges_are(story: Story) -> None:
    for decision in story.decisions:
        for refund in decision.sale.refunds:
            states = {
                each.state for charge in decision.sale.charges for each in charge.refunds if each.refund_id == refund.id
            }
            assert (refund.state in OVER) == (states <= {"complete", "failed"})
            assert (refund.state == "succeeded") == (refund.refunded == refund.amount)
            taken = sum(
                each.amount
                for charge in decision.sale.charges
                for each in charge.refunds
                if each.refund_id == refund.id
            )
            assert taken == refund.amount


@given(stories())
@settings(max_examples=80)
def test_refunds_move_only_along_their_tables(story: Story) -> None:
    for before, after in pairwise(moments(story)):
        followers = {refund.id: refund.state for refund in after.refunds}
        for refund in before.refunds:
            if refund.id in followers:
                assert followers[refund.id] in _reachable(REFUND, refund.state)
        operations = {each.id: each.state for charge in after.charges for each in charge.refunds}
        for charge in before.charges:
            for each in charge.refunds:
                if each.id in operations:
                    assert operations[each.id] in _reachable(CHARGE_REFUND, each.state)


@given(stories())
@settings(max_examples=80)
def test_every_end_of_a_refund_is_told_once_and_in_order_of_time(story: Story) -> None:
    assert [event.at for event in story.events] == sorted(event.at for event in story.events)
    ends = {"refund.complete": "succeeded", "refund.failed": "failed"}
    for type, state in ends.items():
        told = sorted(event.refund.id for event in story.events if event.type == type and event.refund)
        assert told == sorted(refund.id for refund in story.sale.refunds if refund.state == state)
    assert story.told.count("refund.pending") == len(story.sale.refunds)
    paid = [refund for refund in story.sale.refunds if refund.state in OVER and refund.refunded]
    assert story.told.count("order.refunded") == len(paid)


@given(plots(trouble=False), st.lists(WISHES, max_size=4))
@settings(max_examples=80)
def test_what_is_left_can_always_be_refunded_to_the_last_unit(plot: Plot, wishes: list[Wish]) -> None:
    story = begun(plot)
    for act in plot.acts:
        do(story, act)
    finish(story)
    _ask(story, wishes)
    available = refundable_amount(story.sale)
    if available:
        assert story.refund(percent=100).amount == available
    story.settle()
    assert refundable_amount(story.sale) == 0
    assert all(amount == 0 for amount in refundable_items(story.sale, refundable_amount(story.sale)).values())


@given(plots(trouble=False))
@settings(max_examples=80)
def test_lines_can_be_refunded_one_by_one_until_nothing_is_left_of_them(plot: Plot) -> None:
    story = begun(plot)
    for act in plot.acts:
        do(story, act)
    finish(story)
    for item in story.items:
        for type in OF_ITEMS:
            if refundable_amount(story.sale) and item.fulfilled:
                left = left_to_refund(story.sale)
                most = sum(left[item.id, part] for part in OF_ITEMS[type])
                if most:
                    amount = decimal(min(most, refundable_amount(story.sale)), story.order.currency)
                    story.refund(AskedItem(item.id, Portion(amount=amount), None, type))
    # What is left then is importer tax, and what rounding has left of the lines.
    left = left_to_refund(story.sale)
    of_items = sum(amount for (_, part), amount in left.items() if part != "importer_tax")
    assert of_items == 0 or refundable_amount(story.sale) == 0
