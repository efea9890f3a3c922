"""What holds for any order and any sequence of requests, as far as money and lifecycles go.

A plot is an order, an account, rules and a list of acts; `play` lives it with a `Story`. Each test plays many plots and
looks at one thing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Literal, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from drsim.domain.account import Account, Delays
from drsim.domain.charges import Charge, Operation, OperationKind, completed, standing, uncommitted
from drsim.domain.clock import DAY, HOUR, MINUTE, SECOND, Span
from drsim.domain.events import TYPES
from drsim.domain.history import STATES, live
from drsim.domain.methods import TEST_CARDS, TEST_NAMES, Trouble
from drsim.domain.orders import (
    Item,
    Order,
    Sale,
    cancelled_amount,
    captured_amount,
    left_amount,
    open_units,
    refundable_amount,
)
from drsim.domain.outcome import Rule, Then
from drsim.domain.place import LineSpec, OrderSpec, SourceSpec, place
from drsim.domain.refusal import Refused
from drsim.domain.states import CHARGE, ITEM, OPERATION, ORDER, SESSION, SOURCE, Lifecycle
from tests.domain.builders import START, Asked, Story, a_context, a_line, a_source, an_order, some_shipping

Rest = Literal["ship the rest", "cancel the rest", "do both with the rest"]
Act = Span | tuple[Asked, ...] | Rest
"""Let time run, ask for a fulfillment of certain units, or of all that are still open."""

KINDS: tuple[OperationKind, ...] = ("capture", "cancel")


@dataclass(frozen=True)
class Plot:
    spec: OrderSpec
    account: Account
    rules: tuple[Rule, ...]
    acts: tuple[Act, ...]


# Making plots up

PRICES = st.one_of(st.integers(0, 5), st.integers(0, 3000), st.integers(0, 10**7))
RATES = st.sampled_from(["0", "0.08025", "0.07525", "0.19", "0.2", "0.21"])
EXTRAS = st.one_of(st.just(0), st.just(0), st.integers(0, 999))
CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KRW", "KWD"])


@st.composite
def lines(draw: st.DrawFn) -> LineSpec:
    return a_line(
        draw(PRICES),
        draw(st.one_of(st.integers(1, 3), st.integers(1, 3), st.integers(1, 20))),
        draw(RATES),
        physical=draw(st.booleans()),
        duties=draw(EXTRAS),
        importer_tax=draw(EXTRAS),
        fees=draw(EXTRAS),
        fees_tax=draw(EXTRAS),
    )


@st.composite
def orders(draw: st.DrawFn) -> OrderSpec:
    bought = draw(st.lists(lines(), min_size=1, max_size=5))
    amount = sum(line.price * line.quantity for line in bought)
    spec = an_order(*bought, currency=draw(CURRENCIES))
    if draw(st.booleans()):
        spec = replace(spec, shipping=some_shipping(draw(st.integers(0, 2000)), draw(RATES)))
    match draw(st.sampled_from(["none", "none", "amount", "percent"])):
        case "amount":
            spec = replace(spec, amount_off=draw(st.integers(0, amount)))
        case "percent":
            spec = replace(spec, percent_off=Decimal(draw(st.integers(1, 10000))) / 100)
    total = place(spec, a_context()).sale.order.totals.total
    if draw(st.booleans()):
        spec = replace(spec, store_credit=draw(st.one_of(st.just(total), st.integers(0, total))))
    return spec


TROUBLES = st.one_of(
    st.just(()),
    st.tuples(
        st.builds(Trouble, st.sampled_from(["capture", "cancel"]), st.sampled_from(["fails", "fails_later", "stuck"]))
    ),
)
THENS = st.sampled_from(
    [
        Then("failed"),
        Then("failed", 0),
        Then("failed", HOUR),
        Then("complete", 0),
        Then("complete", MINUTE),
        Then("pending"),
        Then("pending", MINUTE, next=Then("failed")),
    ]
)
WHENS = st.sampled_from([{}, {"attempt": 1}, {"attempt": {"$gt": 1}}, {"source": {"type": "creditCard"}}])
RULES = st.lists(
    st.builds(
        Rule,
        st.just("r"),
        st.sampled_from(("capture", "cancel")),
        WHENS,
        THENS,
        st.one_of(st.none(), st.integers(1, 2)),
    ),
    max_size=2,
).map(tuple)
ACCOUNTS = st.builds(
    Account,
    risk_tolerance=st.sampled_from(["tolerant", "averse"]),
    capture_retries=st.sampled_from([(), (), (MINUTE,), (MINUTE, DAY)]),
)
SPANS = st.sampled_from([0, 1, SECOND, 2 * SECOND, MINUTE, 2 * HOUR, 8 * DAY])


@st.composite
def plots(draw: st.DrawFn, *, trouble: bool = True) -> Plot:
    spec = draw(orders())
    if trouble:
        spec = replace(spec, source=replace(spec.source, troubles=draw(TROUBLES)))
    account = draw(ACCOUNTS) if trouble else Account()
    return Plot(
        spec, account, draw(RULES) if trouble else (), tuple(draw(st.lists(acts(spec), min_size=2, max_size=8)))
    )


def acts(spec: OrderSpec) -> st.SearchStrategy[Act]:
    """Time passing, small requests, requests for whole lines, and some for more than there is."""
    places = st.integers(0, len(spec.lines) - 1)
    some = st.tuples(places, st.integers(0, 3), st.integers(0, 2)).filter(lambda asked: asked[1] + asked[2] > 0)
    whole = st.builds(
        lambda place, shipped: (
            place,
            *((spec.lines[place].quantity, 0) if shipped else (0, spec.lines[place].quantity)),
        ),
        places,
        st.booleans(),
    )
    asked = st.lists(st.one_of(some, whole), min_size=1, max_size=4).map(tuple)
    return st.one_of(SPANS, asked, st.sampled_from(get_args(Rest)))


# Living them


def play(plot: Plot, look: Callable[[Story], None] | None = None) -> Story:
    story = begun(plot)
    for act in plot.acts:
        do(story, act)
        if look:
            look(story)
    story.settle()
    return story


def begun(plot: Plot) -> Story:
    return Story(plot.spec, account=plot.account, rules=plot.rules)


def do(story: Story, act: Act) -> bool:
    """Whether the act was granted; time always passes."""
    if isinstance(act, int):
        story.advance(act)
        return True
    try:
        story.ask(*asked_for(story, act))
    except Refused:
        return False
    return True


def asked_for(story: Story, act: tuple[Asked, ...] | Rest) -> tuple[Asked, ...]:
    if isinstance(act, tuple):
        return act
    halves = {"ship the rest": 0, "do both with the rest": 1, "cancel the rest": 2}[act]
    rest = [(line, item.open, item.open * halves // 2) for line, item in enumerate(story.items) if item.open]
    return tuple((line, units - cancelled, cancelled) for line, units, cancelled in rest) or ((0, 1, 0),)


def finish(story: Story) -> None:
    """Ships whatever is still open and lets everything settle."""
    do(story, "ship the rest")
    story.settle()


def moments(story: Story) -> Iterator[Sale]:
    """Every state of the sale that was ever shown or kept, in order of time."""
    for decision in story.decisions:
        for event in decision.events:
            yield event.sale
        yield decision.sale


def operations(sale: Sale) -> list[Operation]:
    return [each for charge in sale.charges for kind in KINDS for each in charge.operations(kind)]


def failed(sale: Sale) -> bool:
    return any(operation.state == "failed" for operation in operations(sale))


# The order as it is placed


@given(orders())
@settings(max_examples=150)
def test_the_lines_add_up_to_the_total_and_so_do_the_charges(spec: OrderSpec) -> None:
    sale = place(spec, a_context()).sale
    totals = sale.order.totals
    assert sum(item.total for item in sale.order.items) == totals.total == totals.subtotal + totals.tax
    assert sum(charge.amount for charge in sale.charges) == totals.total
    assert sum(each.amount for each in sale.order.contributions) == totals.total
    assert totals.shipping == sum(item.shipping for item in sale.order.items)
    assert totals.discount == sum(item.discount for item in sale.order.items)
    assert {charge.id for charge in sale.charges} == set(sale.order.charge_ids)


@given(orders())
@settings(max_examples=150)
def test_no_amount_of_a_new_order_is_negative(spec: OrderSpec) -> None:
    sale = place(spec, a_context()).sale
    for item in sale.order.items:
        parts = (item.amount, item.tax, item.shipping, item.shipping_tax, item.fees, item.fees_tax, item.discount)
        assert min(parts) >= 0
        assert item.discount <= item.amount
        assert item.total >= 0
    assert all(charge.amount > 0 for charge in sale.charges)


@given(st.lists(st.integers(0, 3), min_size=3, max_size=8), st.data())
@settings(max_examples=300)
def test_a_discount_is_spread_over_small_lines_without_taking_any_below_nothing(
    prices: list[int], data: st.DataObject
) -> None:
    spec = an_order(*(a_line(price, 1, "0.2") for price in prices), amount_off=data.draw(st.integers(0, sum(prices))))
    for item in place(spec, a_context()).sale.order.items:
        assert 0 <= item.discount <= item.amount


# Money at every moment


@given(plots())
@settings(max_examples=90)
def test_captured_cancelled_and_left_make_up_each_charge_at_every_moment(plot: Plot) -> None:
    for sale in moments(play(plot)):
        for charge in sale.charges:
            parts = standing(charge.captures), standing(charge.cancels), uncommitted(charge)
            assert sum(parts) == charge.amount
            assert min(parts) >= 0
            assert completed(charge.captures) <= standing(charge.captures)
        total = sum(charge.amount for charge in sale.charges)
        assert total == sale.order.totals.total
        assert captured_amount(sale) + cancelled_amount(sale) + left_amount(sale) == total
        assert all(operation.amount > 0 for operation in operations(sale))


@given(plots())
@settings(max_examples=90)
def test_no_more_can_be_refunded_than_was_captured_for_good(plot: Plot) -> None:
    for sale in moments(play(plot)):
        assert 0 <= refundable_amount(sale) <= sum(completed(charge.captures) for charge in sale.charges)


@given(plots(trouble=False))
@settings(max_examples=90)
def test_an_order_captured_in_full_can_be_refunded_in_full(plot: Plot) -> None:
    story = play(replace(plot, acts=tuple(_only_shipping(act) for act in plot.acts)))
    finish(story)
    assert story.order.state == "complete"
    assert captured_amount(story.sale) == refundable_amount(story.sale) == story.order.totals.total


def _only_shipping(act: Act) -> Act:
    if isinstance(act, tuple):
        return tuple((line, units + cancelled, 0) for line, units, cancelled in act)
    return act if isinstance(act, int) else "ship the rest"


@st.composite
def cheap_orders(draw: st.DrawFn) -> OrderSpec:
    """Lines of many units that cost next to nothing, where rounding up soon uses all the money up."""
    fees = draw(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 7)), min_size=1, max_size=3))
    spec = an_order(*(a_line(0, quantity, "0", fees=amount) for amount, quantity in fees))
    return replace(spec, store_credit=draw(st.integers(0, sum(amount for amount, _ in fees))))


@given(cheap_orders(), st.randoms(use_true_random=False), st.floats(0, 1))
@settings(max_examples=80)
def test_an_order_handled_unit_by_unit_is_exactly_used_up(spec: OrderSpec, random: Random, shipped: float) -> None:
    story = Story(spec)
    units = [line for line, item in enumerate(story.items) for _ in range(item.quantity)]
    for line in random.sample(units, len(units)):
        story.ask((line, 1, 0) if random.random() <= shipped else (line, 0, 1))
        assert all(uncommitted(charge) >= 0 for charge in story.sale.charges)
    story.settle()
    assert captured_amount(story.sale) + cancelled_amount(story.sale) == story.order.totals.total
    assert story.order.state == ("complete" if any(item.fulfilled for item in story.items) else "cancelled")


@given(cheap_orders(), st.randoms(use_true_random=False))
@settings(max_examples=80)
def test_an_order_captured_unit_by_unit_can_be_refunded_in_full(spec: OrderSpec, random: Random) -> None:
    story = Story(spec)
    units = [line for line, item in enumerate(story.items) for _ in range(item.quantity)]
    for line in random.sample(units, len(units)):
        story.ask((line, 1, 0))
    story.settle()
    assert refundable_amount(story.sale) == captured_amount(story.sale) == story.order.totals.total


@given(plots(trouble=False))
@settings(max_examples=90)
def test_when_all_units_are_handled_and_nothing_failed_the_charges_are_exactly_used_up(plot: Plot) -> None:
    story = play(plot)
    finish(story)
    assert open_units(story.order) == 0
    assert left_amount(story.sale) == 0
    assert captured_amount(story.sale) + cancelled_amount(story.sale) == story.order.totals.total
    assert {charge.state for charge in story.sale.charges} <= {"complete", "cancelled"}
    shipped = any(item.fulfilled for item in story.items)
    assert story.order.state == ("complete" if shipped else "cancelled")
    assert story.sale.due is None


@given(plots())
@settings(max_examples=90)
def test_each_operation_takes_its_share_rounded_up_and_the_last_unit_takes_the_rest(plot: Plot) -> None:
    story = begun(plot)
    for act in plot.acts:
        before = story.sale
        asked = () if isinstance(act, int) else asked_for(story, act)
        if do(story, act) and asked:
            assert _made(before, story.sale) == _expected(before, asked)


def _made(before: Sale, after: Sale) -> list[tuple[str, str, int]]:
    """What was captured and cancelled anew per item and kind, whatever the charges."""
    old = {operation.id for operation in operations(before)}
    made: dict[tuple[str, str], int] = {}
    for charge in after.charges:
        for kind in KINDS:
            for operation in charge.operations(kind):
                if operation.id not in old:
                    key = operation.item_id, kind
                    made[key] = made.get(key, 0) + operation.amount
    return sorted((item, kind, amount) for (item, kind), amount in made.items())


def _expected(sale: Sale, asked: tuple[Asked, ...]) -> list[tuple[str, str, int]]:
    """The same by the splitting rule, computed with nothing but the order's lines and what was left."""
    left, units_left = left_amount(sale), open_units(sale.order)
    expected: dict[tuple[str, str], int] = {}
    for line, units, cancelled in sorted(asked, key=lambda each: each[0]):
        item = sale.order.items[line]
        for kind, count in (("capture", units), ("cancel", cancelled)):
            share = -(-item.total * count // item.quantity)
            amount = left if count == units_left else min(share, left)
            left, units_left = left - amount, units_left - count
            if count and amount:
                expected[item.id, kind] = expected.get((item.id, kind), 0) + amount
    return sorted((item, kind, amount) for (item, kind), amount in expected.items())


@given(plots())
@settings(max_examples=90)
def test_captures_drain_the_store_credit_first_and_cancels_the_card(plot: Plot) -> None:
    for event in play(plot).events:
        charge = event.charge
        if charge is None or not event.type.endswith(".pending") or not charge.captures + charge.cancels:
            continue
        kind: OperationKind = "capture" if ".capture." in event.type else "cancel"
        if kind == "capture" and charge.operations(kind)[-1].retries:
            continue  # a retry stays on its own charge
        for other in event.sale.charges:
            if other.id != charge.id and other.secondary == (kind == "capture"):
                assert uncommitted(other) == 0


# Requests


@given(plots())
@settings(max_examples=90)
def test_a_refusal_changes_nothing(plot: Plot) -> None:
    story = begun(plot)
    for act in plot.acts:
        kept, shown, events = story.sale, repr(story.sale), len(story.events)
        if not do(story, act):
            assert (repr(story.sale), len(story.events)) == (shown, events)
            assert story.sale is kept


@given(plots())
@settings(max_examples=80)
def test_a_history_is_the_same_without_its_refused_requests(plot: Plot) -> None:
    story = begun(plot)
    granted = tuple(act for act in plot.acts if do(story, act))
    story.settle()
    assert play(replace(plot, acts=granted)).sale == story.sale


@given(plots(), st.randoms(use_true_random=False))
@settings(max_examples=80)
def test_the_order_of_a_requests_lines_does_not_matter(plot: Plot, random: Random) -> None:
    """For different items; two lines for the same item are separate operations and keep their order."""
    plain = tuple(_distinct(act) if isinstance(act, tuple) else act for act in plot.acts)
    shuffled = tuple(tuple(random.sample(act, len(act))) if isinstance(act, tuple) else act for act in plain)
    one, other = play(replace(plot, acts=plain)), play(replace(plot, acts=shuffled))
    assert one.sale == other.sale
    assert one.told == other.told


def _distinct(asked: tuple[Asked, ...]) -> tuple[Asked, ...]:
    return tuple({place: (place, units, cancelled) for place, units, cancelled in asked}.values())


@given(plots())
@settings(max_examples=90)
def test_units_are_handled_only_when_asked_and_never_more_than_there_are(plot: Plot) -> None:
    story = begun(plot)
    shipped, dropped = [0] * len(story.items), [0] * len(story.items)
    for act in plot.acts:
        asked = () if isinstance(act, int) else asked_for(story, act)
        if do(story, act):
            for line, units, cancelled in asked:
                shipped[line] += units
                dropped[line] += cancelled
        assert [item.fulfilled for item in story.items] == shipped
        assert [item.cancelled for item in story.items] == dropped
        assert all(item.fulfilled + item.cancelled <= item.quantity for item in story.items)


# Lifecycles


@given(plots())
@settings(max_examples=90)
def test_states_move_only_along_their_tables_and_ends_stay(plot: Plot) -> None:
    story = play(plot)
    for before, after in pairwise(moments(story)):
        if before.order is after.order and before.charges == after.charges:
            continue
        for name, table, state in _states(before):
            follower = next((each for label, _, each in _states(after) if label == name), None)
            assert follower is not None, f"{name} is gone"
            assert follower in _reachable(table, state), f"{name}: {state} became {follower}"


def _states(sale: Sale) -> list[tuple[str, Lifecycle, str]]:
    found: list[tuple[str, Lifecycle, str]] = [("order", ORDER, sale.order.state)]
    found.append(("session", SESSION, sale.order.session.state))
    found += [(item.id, ITEM, item.state) for item in sale.order.items]
    found += [(source.id, SOURCE, source.state) for source in sale.sources]
    found += [(charge.id, CHARGE, charge.state) for charge in sale.charges]
    found += [(operation.id, OPERATION, operation.state) for operation in operations(sale)]
    return found


def _reachable(table: Lifecycle, state: str) -> set[str]:
    """The state itself and every one that the table leads to from it."""
    found = {state}
    while more := {target for each in found for target in table[each]} - found:
        found |= more
    return found


@given(plots())
@settings(max_examples=90)
def test_every_state_is_what_its_parts_make_it(plot: Plot) -> None:
    for decision in play(plot).decisions:
        for charge in decision.sale.charges:
            assert charge.state == _charge_state(charge)
        for item in decision.sale.order.items:
            assert item.state == _item_state(item)
        _check_order_state(decision.sale)


def _charge_state(charge: Charge) -> str:
    if uncommitted(charge):
        return "capturable"
    if any(each.state == "pending" for each in (*charge.captures, *charge.cancels)):
        return "processing"
    return "complete" if any(each.state == "complete" for each in charge.captures) else "cancelled"


def _item_state(item: Item) -> str:
    if item.fulfilled + item.cancelled < item.quantity:
        return "created"
    return "fulfilled" if item.fulfilled else "cancelled"


def _check_order_state(sale: Sale) -> None:
    order: Order = sale.order
    settled = all(charge.state in ("complete", "cancelled") for charge in sale.charges)
    open_now = any(item.state == "created" for item in order.items)
    shipped = any(item.state == "fulfilled" for item in order.items)
    if open_now or not shipped:
        assert order.state == ("cancelled" if settled and not open_now else "accepted")
    else:
        assert order.state in ("fulfilled", "complete")
        assert order.state == "fulfilled" or settled
        assert settled == (order.state == "complete" or order.due is not None)


# Events


@given(plots())
@settings(max_examples=90)
def test_every_event_shows_what_had_happened_by_then_and_no_more(plot: Plot) -> None:
    """The operations in a snapshot are those whose events came up to then, each in the state last told."""
    told: dict[tuple[str, str, str], int] = {}
    story = play(plot)
    for event in story.events:
        assert event.type in TYPES
        if event.charge is not None:
            assert event.charge in event.sale.charges
            parts = event.type.split(".")
            if len(parts) == 4:
                key = event.charge.id, parts[2], parts[3]
                told[key] = told.get(key, 0) + 1
        for charge in event.sale.charges:
            for kind in KINDS:
                shown = [operation.state for operation in charge.operations(kind)]
                assert len(shown) == told.get((charge.id, kind, "pending"), 0)
                assert shown.count("complete") == told.get((charge.id, kind, "complete"), 0)
                assert shown.count("failed") == told.get((charge.id, kind, "failed"), 0)
        if event.type.removeprefix("order.") in ORDER:
            assert event.sale.order.state == event.type.removeprefix("order.")
    assert len({event.id for event in story.events}) == len(story.events)


@given(plots())
@settings(max_examples=80)
def test_a_fulfillment_is_told_with_the_sale_as_it_was_before_it(plot: Plot) -> None:
    story = play(plot)
    for before, decision in pairwise(story.decisions):
        for event in decision.events:
            if event.type == "fulfillment.created":
                assert decision.fulfillment is not None
                assert (event.sale, event.fulfillment) == (before.sale, decision.fulfillment)


@given(plots())
@settings(max_examples=80)
def test_every_settled_charge_and_every_new_order_state_is_told_exactly_once(plot: Plot) -> None:
    story = play(plot)
    for state in ("accepted", "fulfilled", "complete", "cancelled"):
        assert story.told.count(f"order.{state}") == (state in story.order.transitions)
    ends = [
        event.charge.id
        for event in story.events
        if event.charge and event.type in ("order.charge.complete", "order.charge.cancelled")
    ]
    assert sorted(ends) == sorted(each.id for each in story.sale.charges if each.state in ("complete", "cancelled"))


@given(plots())
@settings(max_examples=80)
def test_what_is_due_happens_at_its_time(plot: Plot) -> None:
    story = play(plot, _nothing_is_overdue)
    assert [event.at for event in story.events] == sorted(event.at for event in story.events)
    for operation in operations(story.sale):
        assert operation.state != "pending" or operation.due is None


def _nothing_is_overdue(story: Story) -> None:
    assert story.sale.due is None or story.sale.due > story.now or story.sale.due == story.now == _asked_at(story)


def _asked_at(story: Story) -> int:
    """When the last fulfillment was made: what it brings about at once waits for the next wake."""
    return max((event.at for event in story.events if event.type == "fulfillment.created"), default=-1)


@given(plots())
@settings(max_examples=80)
def test_the_same_inputs_give_equal_decisions(plot: Plot) -> None:
    one, other = play(plot), play(plot)
    assert one.decisions == other.decisions
    assert repr(one.decisions) == repr(other.decisions)


# Histories

SOURCES = st.sampled_from(
    [
        a_source(),
        a_source("wireTransfer"),
        *(a_source(number=number) for number in TEST_CARDS),
        *(a_source(type, last_name=name) for types, name, _ in TEST_NAMES for type in types),
    ]
)
DELAYS = st.builds(Delays, *[st.sampled_from([0, SECOND, MINUTE])] * 5)


@given(orders(), SOURCES, st.sampled_from(STATES), DELAYS, SPANS)
@settings(max_examples=150)
def test_an_order_gets_to_the_state_it_is_to_start_in_or_is_refused(
    spec: OrderSpec, source: SourceSpec, state: str, delays: Delays, span: Span
) -> None:
    context = a_context(account=Account(delays=delays))
    try:
        decision = live(replace(spec, source=source), state, context, START + span)
    except Refused:
        return
    order = decision.sale.order
    assert order.state == state or (state == "accepted" and order.state in ("pending_payment", "cancelled"))
    assert all(START <= event.at <= START + span for event in decision.events)
    assert (decision.fulfillment is None) == all(event.fulfillment is None for event in decision.events)
    for charge in decision.sale.charges:
        assert uncommitted(charge) >= 0
    story = Story.of(decision, context, START + span)
    story.settle()
    assert story.order.state in _reachable(ORDER, order.state)
