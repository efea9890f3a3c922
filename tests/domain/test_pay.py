"""What shoppers do: to a source by itself, and to the order that waits for it; whatever they do, money stays exact."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drsim.domain import pay
from drsim.domain.account import Account
from drsim.domain.charges import uncommitted
from drsim.domain.checkouts import (
    Checkout,
    CheckoutItem,
    ShippingChoice,
    attach,
    check_orderable,
    detach,
    let_go,
    new_session,
    opened,
    pricing,
)
from drsim.domain.clock import DAY, HOUR, MINUTE, SECOND, Time
from drsim.domain.decision import Context, Decision
from drsim.domain.fulfill import Line as Shipped
from drsim.domain.fulfill import fulfill
from drsim.domain.methods import Trouble, trouble_by_name
from drsim.domain.orders import Sale, captured_amount
from drsim.domain.outcome import Failure
from drsim.domain.pricing import Line
from drsim.domain.refusal import Refused
from drsim.domain.settle import wake
from drsim.domain.sources import Source, expiry, first_state
from drsim.domain.submit import submit
from drsim.domain.values import replace
from tests.domain.builders import START, Story, a_context, a_party, a_rule, a_source, an_order, with_delays


def waiting(type: str = "klarnaCredit", last_name: str = "Marshall", **more: Any) -> Story:
    return Story(an_order(source=a_source(type, last_name=last_name), begins="pending_payment", **more))


def done(story: Story, decision: Decision) -> list[str]:
    """Lets a decision be part of a story; what it has told."""
    story.decisions.append(decision)
    return [event.type for event in decision.events]


def first(story: Story) -> str:
    return story.sale.sources[0].id


def context(now: Time = START + HOUR, account: Account | None = None, **more: Any) -> Context:
    # Ids of their own, since the story has used up the first ones.
    made = a_context(now, account=account, **more)
    return replace(made, new_id=lambda kind, new_id=made.new_id: f"later-{new_id(kind)}")


# An order that waits


@pytest.mark.parametrize("type", ["klarnaCredit", "wireTransfer"])
def test_approving_charges_the_order_and_accepts_it(type: str) -> None:
    story = waiting(type)
    told = done(story, pay.approve(story.sale, first(story), context()))
    assert told == ["source.chargeable", "order.charge.capturable", "order.accepted"]
    order, (charge,) = story.order, story.sale.charges
    assert (order.state, order.fraud_state, order.session.state) == ("accepted", "passed", "complete")
    assert (order.session.next_action, order.due, order.due_state) == (None, None, None)
    assert (charge.state, charge.amount) == ("capturable", order.totals.total)
    assert story.sale.sources[0].state == "consumed"


def test_the_source_is_told_as_it_was_before_the_order_used_it_up() -> None:
    story = waiting()
    decision = pay.approve(story.sale, first(story), context())
    assert decision.events[0].source is not None
    assert decision.events[0].source.state == "chargeable"


def test_store_credit_is_charged_with_the_rest() -> None:
    story = waiting(store_credit=500)
    done(story, pay.approve(story.sale, first(story), context()))
    assert {charge.amount for charge in story.sale.charges} == {500, story.order.totals.total - 500}
    assert story.order.state == "accepted"


def test_an_authorization_that_takes_its_time_keeps_the_order_waiting_without_a_limit() -> None:
    account = with_delays(authorize=MINUTE)
    story = waiting()
    told = done(story, pay.approve(story.sale, first(story), context(account=account)))
    assert told == ["source.chargeable", "order.charge.pending"]
    assert (story.order.state, story.order.session.state) == ("pending_payment", "pending")
    assert (story.order.session.next_action, story.sale.due) == (None, START + HOUR + MINUTE)
    told = done(story, wake(story.sale, context(START + HOUR + MINUTE, account)))
    assert told == ["order.charge.capturable", "order.accepted"]


@pytest.mark.parametrize(("state", "told"), [("in_review", ["order.review_opened"]), ("blocked", None)])
def test_fraud_screening_may_hold_up_or_block_what_was_paid(state: Any, told: list[str] | None) -> None:
    story = waiting()
    types = done(story, pay.approve(story.sale, first(story), context(), state))
    assert (story.order.state, story.order.due) == (state, None)
    assert types[:2] == ["source.chargeable", "order.charge.capturable"]
    assert told is None or types[2:] == told


def test_a_charge_that_is_declined_after_the_approval_cancels_the_order() -> None:
    story = waiting(last_name="ChargeCreationFail", store_credit=500)
    told = done(story, pay.approve(story.sale, first(story), context()))
    assert told[:2] == ["source.chargeable", "order.charge.failed"]
    assert told[-1] == "order.cancelled"
    assert {charge.state for charge in story.sale.charges} == {"failed", "cancelled"}
    assert (story.order.state, story.order.session.state) == ("cancelled", "failed")
    assert all(not uncommitted(charge) for charge in story.sale.charges)


def test_a_behavior_rule_decides_about_the_charge() -> None:
    story = waiting()
    rules = (a_rule("authorize"),)
    decision = pay.approve(story.sale, first(story), context(rules=rules))
    assert [event.type for event in decision.events][1] == "order.charge.failed"


def test_a_source_that_fails_on_the_way_back_cancels_the_order_without_a_charge() -> None:
    story = waiting("directDebit", "SourceFailAfterRedirect")
    assert done(story, pay.approve(story.sale, first(story), context())) == ["order.cancelled"]
    assert (story.sale.sources[0].state, story.sale.charges) == ("failed", ())


def test_declining_a_redirect_changes_nothing_and_it_can_be_approved_later() -> None:
    story = waiting()
    before = story.sale
    assert done(story, pay.decline(story.sale, first(story), context())) == []
    assert story.sale == before
    assert done(story, pay.approve(story.sale, first(story), context()))[-1] == "order.accepted"


def test_a_transfer_that_is_declined_cancels_the_order() -> None:
    story = waiting("wireTransfer")
    assert done(story, pay.decline(story.sale, first(story), context())) == ["order.cancelled"]
    assert (story.sale.sources[0].state, story.order.session.state) == ("failed", "failed")


def test_letting_it_expire_cancels_source_and_order() -> None:
    story = waiting()
    assert done(story, pay.expire(story.sale, first(story), context())) == ["order.cancelled"]
    assert (story.sale.sources[0].state, story.order.session.state, story.sale.charges) == ("cancelled", "failed", ())


@pytest.mark.parametrize(("type", "days"), [("klarnaCredit", 1), ("wireTransfer", 30), ("konbini", 30)])
def test_it_expires_by_itself(type: str, days: int) -> None:
    story = waiting(type)
    assert story.sale.due == START + days * DAY
    assert done(story, wake(story.sale, context(START + days * DAY))) == ["order.cancelled"]
    assert story.sale.sources[0].state == "cancelled"


def test_what_the_bank_is_still_deciding_about_can_be_decided_either_way() -> None:
    for decide, end in ((pay.approve, "accepted"), (pay.decline, "cancelled")):
        story = waiting("creditCard")
        done(story, decide(story.sale, first(story), context()))
        assert story.order.state == end


@pytest.mark.parametrize("act", [pay.approve, pay.decline, pay.expire])
def test_an_order_that_waits_for_nobody_refuses_it(act: Any) -> None:
    story = Story(an_order())
    with pytest.raises(Refused) as refused:
        act(story.sale, first(story), context())
    assert (refused.value.kind, refused.value.code) == ("conflict", "invalid_state")


# Any sequence

TYPES = ("creditCard", "payPal", "klarnaCredit", "directDebit", "wireTransfer", "customerCredit")
NAMES = ("Marshall", "ChargeCreationFail", "SourceFailAfterRedirect", "SourceCreationFail", "ChargeFailedAfterPending")


class Shop:
    """One checkout, its order once there is one, and the sources that shoppers make; refused acts change nothing."""

    def __init__(self, account: Account) -> None:
        self.context = a_context(START, account=account)
        item = CheckoutItem("line", "sku", {"name": "Widget"}, {}, Line(1999, 3, True, tax_rate="0.08025"))
        self.checkout = opened(
            Checkout(
                id="checkout",
                created=START,
                updated=START,
                currency="USD",
                items=(item,),
                session=new_session(self.context),
                email="chase@example.com",
                ship_to=a_party(),
                ship_from=a_party(),
                bill_to=a_party(),
                shipping=ShippingChoice(500, {}),
                rates_given=True,
            )
        )
        self.sources: dict[str, Source] = {}
        self.sale: Sale | None = None

    @property
    def total(self) -> int:
        return pricing(self.checkout).totals.total

    def do(self, act: str, pick: int, amount: int) -> None:
        try:
            getattr(self, act)(pick, amount)
        except Refused as refused:
            assert act != "make"
            if act == "order" and refused.kind == "conflict":
                self.checkout = replace(self.checkout, state="burnt")
        self.check()

    def make(self, pick: int, amount: int) -> None:
        type, name = TYPES[pick % len(TYPES)], NAMES[amount % len(NAMES)]
        trouble = trouble_by_name(type, name)
        troubles: tuple[Trouble, ...] = (trouble,) if trouble else ()
        state = first_state(type, troubles, challenged=amount % 7 == 0 and type == "creditCard")
        credit = type == "customerCredit"
        id = self.context.new_id("made")
        self.sources[id] = Source(
            id=id,
            created=self.context.now,
            type=type,
            state=state,
            owner={"lastName": name},
            client_secret="secret",
            details={},
            currency="USD" if credit else None,
            amount=amount + 1 if credit else None,
            troubles=troubles,
            expires=expiry(type, self.context.now, self.context.account),
        )

    def attach(self, pick: int, amount: int) -> None:
        source = self._picked(pick)
        if self.checkout.state == "open":
            before, after = self.checkout.primary, attach(self.checkout, source)
            if before and after.primary and before.source_id != after.primary.source_id:
                self.sources[before.source_id] = let_go(self.sources[before.source_id])
            self.checkout = after

    def detach(self, pick: int, amount: int) -> None:
        source = self._picked(pick)
        if self.checkout.state == "open" and any(each.source_id == source.id for each in self.checkout.contributions):
            self.sources[source.id] = let_go(source)
            self.checkout = detach(self.checkout, source.id)

    def order(self, pick: int, amount: int) -> None:
        if self.checkout.state != "open":
            return
        check_orderable(self.checkout)
        sources = tuple(self.sources[each.source_id] for each in self.checkout.contributions)
        if any(source.state not in ("chargeable", "pending_redirect", "pending_funds") for source in sources):
            return
        self._take(submit(self.checkout, sources, self.context))
        self.checkout = replace(self.checkout, state="converted")

    def approve(self, pick: int, amount: int) -> None:
        self._act(pick, pay.approved, pay.approve)

    def decline(self, pick: int, amount: int) -> None:
        self._act(pick, pay.turned_down, pay.decline)

    def expire(self, pick: int, amount: int) -> None:
        self._act(pick, pay.expired, pay.expire)

    def wait(self, pick: int, amount: int) -> None:
        until = self.context.now + (SECOND, HOUR, 2 * DAY, 40 * DAY)[pick % 4]
        while self.sale is not None and self.sale.due is not None and self.sale.due <= until:
            self._take(wake(self.sale, replace(self.context, now=self.sale.due)))
        for source in list(self.sources.values()):
            if source.order_id is None and source.is_open and source.expires is not None and source.expires <= until:
                self.sources[source.id] = pay.expired(source)
        self.context = replace(self.context, now=until)

    def ship(self, pick: int, amount: int) -> None:
        if self.sale is not None:
            (item,) = self.sale.order.items
            self._take(fulfill(self.sale, [Shipped(item.id, 1, 0, {})], {}, None, self.context))

    def _picked(self, pick: int) -> Source:
        if not self.sources:
            raise Refused("not_found", "not_found", "no source")
        return list(self.sources.values())[pick % len(self.sources)]

    def _act(self, pick: int, alone: Any, together: Any) -> None:
        source = self._picked(pick)
        if source.order_id is None:
            self.sources[source.id] = alone(source)
        else:
            assert self.sale is not None
            self._take(together(self.sale, source.id, self.context))

    def _take(self, decision: Decision) -> None:
        self.sale = decision.sale
        self.sources |= {source.id: source for source in decision.sale.sources}

    def check(self) -> None:
        session, contributions = self.checkout.session, self.checkout.contributions
        assert session.contributed + session.remaining == self.total
        assert (session.state == "requires_confirmation") == (session.remaining == 0 and bool(contributions))
        if session.remaining == 0 and contributions:
            assert sum(each.amount for each in contributions) == self.total
        if self.sale is not None:
            self._check_sale(self.sale)

    def _check_sale(self, sale: Sale) -> None:
        order, charges = sale.order, sale.charges
        assert sum(each.amount for each in order.contributions) == order.totals.total
        assert not charges or sum(charge.amount for charge in charges) == order.totals.total
        assert captured_amount(sale) <= order.totals.total
        open_sources = [source for source in sale.sources if source.is_open]
        if order.state == "pending_payment":
            assert bool(open_sources) == (not charges)
            assert order.session.state == (open_sources[0].state if open_sources else "pending")
            assert bool(order.session.next_action) == (order.session.state == "pending_funds")
        else:
            assert not open_sources
            assert order.session.state == ("failed" if "accepted" not in order.transitions else "complete")
        if order.state == "cancelled" and "accepted" not in order.transitions:
            assert all(charge.state in ("failed", "cancelled") for charge in charges)
        if order.state == "complete":
            assert captured_amount(sale) == order.totals.total


ACTS = st.sampled_from(
    ("make", "make", "attach", "attach", "detach", "order", "approve", "approve", "decline", "expire")
)
MORE = st.sampled_from(("wait", "ship"))
STEPS = st.lists(st.tuples(ACTS | MORE, st.integers(0, 11), st.integers(0, 3000)), max_size=40)
ACCOUNTS = st.sampled_from((Account(), with_delays(authorize=MINUTE), Account(payment_expiry={"payPal": None})))


BEGINNINGS: st.SearchStrategy[list[tuple[str, int, int]]] = st.one_of(
    st.just([]),
    st.builds(
        lambda pick, name: [("make", pick, name), ("attach", 0, 0), ("order", 0, 0)],
        st.integers(0, len(TYPES) - 2),
        st.integers(1, 6),
    ),
)
"""Nothing, or an order on one source, so that not only the way there is tried out."""


@given(BEGINNINGS, STEPS, ACCOUNTS)
@settings(max_examples=400, deadline=None)
def test_whatever_shoppers_do_states_are_legal_and_money_is_exact(
    beginning: list[Any], steps: list[Any], account: Account
) -> None:
    """An illegal step would raise `IllegalStep`; what is refused leaves everything as it was."""
    shop = Shop(account)
    for step in [*beginning, *steps]:
        shop.do(*step)


@given(st.sampled_from((1, 2, 3, 4)), STEPS)
@settings(max_examples=200, deadline=None)
def test_every_waiting_order_ends_one_way_or_the_other(type: int, steps: list[Any]) -> None:
    shop = Shop(Account())
    for step in [("make", type, 0), ("attach", 0, 0), ("order", 0, 0), *steps, ("wait", 3, 0)]:
        shop.do(*step)
    assert shop.sale is not None
    assert shop.sale.order.state != "pending_payment"


def test_the_failure_of_a_declined_payment_is_the_usual_one() -> None:
    story = waiting("creditCard")
    decision = pay.decline(story.sale, first(story), context())
    assert decision.sale.charges[0].failure == Failure()
