"""What holds for any order and any sequence of requests once returns and disputes are among them.

A plot of `test_money_properties` is lived with refunds, returns and disputes in between.
"""

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from drsim.domain.charges import completed, repayable, standing, uncommitted
from drsim.domain.disputes import dispute, lose, win
from drsim.domain.money import decimal
from drsim.domain.orders import Sale, cancelled_amount, captured_amount, left_amount, refundable_amount
from drsim.domain.refundable import left_to_refund, refundable_items
from drsim.domain.refusal import Refused
from drsim.domain.returns import units_sent_back
from drsim.domain.states import ITEM, ORDER, RETURN
from drsim.domain.takeback import Asked, AskedUnits, ReturnChange, change_return, returnable_units, take_back
from tests.domain.builders import Story
from tests.domain.test_money_properties import Plot, _reachable, begun, do, finish, moments, plots
from tests.domain.test_refund_properties import REFUND_RULES, WISHES, Wish, _ask


@dataclass(frozen=True)
class Announce:
    """Units to return: of items by their place, or of the only SKU there is."""

    units: tuple[tuple[int, int], ...]
    by_sku: bool


@dataclass(frozen=True)
class Accept:
    """A return to accept by its place: all of it, or so many units of each of its lines."""

    which: int
    units: tuple[int, ...]


@dataclass(frozen=True)
class Dispute:
    """A dispute and how it ends; of what was charged back, a part."""

    how: Literal["win", "lose"]
    percent: int | None


Deed = Announce | Accept | Dispute | Wish
DEEDS: st.SearchStrategy[Deed] = st.one_of(
    st.builds(
        Announce,
        st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4)), min_size=1, max_size=3).map(tuple),
        st.booleans(),
    ),
    st.builds(Accept, st.integers(0, 3), st.just(())),
    st.builds(Accept, st.integers(0, 3), st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple)),
    st.builds(Dispute, st.sampled_from(["win", "lose"]), st.one_of(st.none(), st.integers(1, 100))),
    WISHES,
)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A plot with deeds after each of its acts, lived until everything is shipped and at rest."""
    plot: Plot = draw(plots())
    story = begun(Plot(plot.spec, plot.account, plot.rules + draw(REFUND_RULES), plot.acts))
    for act in plot.acts:
        do(story, act)
        _live(story, draw(st.lists(DEEDS, max_size=3)))
    finish(story)
    _live(story, draw(st.lists(DEEDS, max_size=6)))
    story.settle()
    return story


def _live(story: Story, deeds: list[Deed]) -> None:
    for deed in deeds:
        before = repr(story.sale), len(story.events)
        try:
            _do(story, deed)
        except Refused:
            assert (repr(story.sale), len(story.events)) == before


def _do(story: Story, deed: Deed) -> None:
    match deed:
        case Announce(units, by_sku):
            asked = tuple(
                AskedUnits(count, None, "sku")
                if by_sku
                else AskedUnits(count, story.items[place % len(story.items)].id)
                for place, count in units
            )
            story._take(take_back(story.sale, Asked(asked), story.context))
        case Accept(which, units) if story.sale.returns:
            returned = story.sale.returns[which % len(story.sale.returns)]
            lines = zip(returned.items, units, strict=False)
            change = ReturnChange(tuple(AskedUnits(count, item.item_id) for item, count in lines if count), not units)
            story._take(change_return(story.sale, returned.id, change, story.context))
        case Dispute(how, percent):
            story._take(dispute(story.sale, story.context))
            _check_frozen(story)
            if how == "win":
                story._take(win(story.sale, story.context))
            else:
                story._take(lose(story.sale, _part(story.sale, percent), story.context))
        case Wish():
            _ask(story, [deed])


def _part(sale: Sale, percent: int | None) -> Decimal | None:
    if percent is None:
        return None
    most = sum(repayable(charge) for charge in sale.charges if not charge.secondary)
    return decimal(most * percent // 100, sale.order.currency)


def _check_frozen(story: Story) -> None:
    item = story.items[0].id
    for refused in (
        lambda: story.take_back(1),
        lambda: story.refund(percent=100),
        lambda: story.fulfil(1),
        lambda: take_back(story.sale, Asked((AskedUnits(1, item),)), story.context),
    ):
        try:
            refused()
        except Refused:
            continue
        raise AssertionError("a disputed order is frozen")


@given(stories())
@settings(max_examples=150)
def test_never_more_is_paid_back_than_was_captured_for_good(story: Story) -> None:
    for sale in moments(story):
        for charge in sale.charges:
            assert completed(charge.refunds) + charge.charged_back >= 0
            assert standing(charge.refunds) + charge.charged_back <= completed(charge.captures)
            assert standing(charge.captures) + standing(charge.cancels) + uncommitted(charge) == charge.amount
            assert charge.charged_back == 0 or not charge.secondary
        total = sum(charge.amount for charge in sale.charges)
        assert captured_amount(sale) + cancelled_amount(sale) + left_amount(sale) == total
        available = refundable_amount(sale)
        assert 0 <= available <= sum(repayable(charge) for charge in sale.charges)
        assert all(0 <= amount <= available for amount in refundable_items(sale, available).values())
        assert min(left_to_refund(sale).values()) >= 0


@given(stories())
@settings(max_examples=150)
def test_no_more_comes_back_than_was_shipped(story: Story) -> None:
    for sale in moments(story):
        announced, accepted = units_sent_back(sale.returns), units_sent_back(sale.returns, accepted=True)
        for item in sale.order.items:
            assert accepted.get(item.id, 0) <= announced.get(item.id, 0) <= item.fulfilled
            assert item.fulfilled + item.cancelled <= item.quantity
            assert returnable_units(sale)[item.id] == item.fulfilled - announced.get(item.id, 0)
            worth = sum(line.amount for each in sale.returns for line in each.items if line.item_id == item.id)
            assert 0 <= worth <= item.product_price
            if announced.get(item.id, 0) == item.quantity:
                assert worth == item.product_price
        for each in sale.returns:
            assert all(0 <= line.accepted <= line.quantity for line in each.items)
            assert (each.state == "accepted") == all(line.state == "accepted" for line in each.items)
            assert each.state == "accepted" or not each.refund_ids


@given(stories())
@settings(max_examples=100)
def test_what_a_return_pays_back_is_at_most_what_its_units_are_worth(story: Story) -> None:
    refunds = {refund.id: refund for refund in story.sale.refunds}
    for each in story.sale.returns:
        paid = sum(refunds[id].amount for id in each.refund_ids)
        assert paid <= sum(item.amount for item in each.items)
        assert all(refunds[id].return_id == each.id for id in each.refund_ids)
    assert [refund.return_id for refund in story.sale.refunds if refund.return_id] == [
        each.id for refund in story.sale.refunds for each in story.sale.returns if refund.id in each.refund_ids
    ]


@given(stories())
@settings(max_examples=100)
def test_lines_orders_and_returns_move_only_along_their_tables(story: Story) -> None:
    for before, after in pairwise(moments(story)):
        assert after.order.state in _reachable(ORDER, before.order.state)
        for old, new in zip(before.order.items, after.order.items, strict=True):
            assert new.state in _reachable(ITEM, old.state)
        states = {each.id: each.state for each in after.returns}
        for each in before.returns:
            assert each.id not in states or states[each.id] in _reachable(RETURN, each.state)


@given(stories())
@settings(max_examples=100)
def test_every_step_of_a_return_is_told_once_and_in_order_of_time(story: Story) -> None:
    assert [event.at for event in story.events] == sorted(event.at for event in story.events)
    assert story.told.count("return.created") == len(story.sale.returns)
    told = [event.returned.id for event in story.events if event.type == "return.accepted" and event.returned]
    assert sorted(told) == sorted(each.id for each in story.sale.returns if each.state == "accepted")
    assert story.told.count("order.returned") == ("returned" in story.order.transitions)
    assert story.told.count("order.dispute") == story.told.count("order.dispute.resolved")


@given(plots(trouble=False), st.lists(st.integers(1, 3), min_size=1, max_size=12))
@settings(max_examples=80)
def test_everything_that_was_shipped_can_come_back_to_the_last_unit(plot: Plot, counts: list[int]) -> None:
    story = begun(plot)
    for act in plot.acts:
        do(story, act)
    finish(story)
    for turn in range(200):
        left = returnable_units(story.sale)
        if not any(left.values()):
            break
        wanted = counts[turn % len(counts)]
        story.accept(story.take_back(*(min(wanted, left[item.id]) for item in story.items)))
        story.settle()
    shipped = any(item.fulfilled for item in story.items)
    assert story.order.state == ("returned" if shipped else "cancelled")
    assert {item.state for item in story.items} <= {"returned", "cancelled"}
    left_over = sum(amount for (_, part), amount in left_to_refund(story.sale).items() if part in ("product", "tax"))
    # An order that is short of a minor unit leaves that of a line unpaid.
    assert left_over == 0 or refundable_amount(story.sale) == 0
