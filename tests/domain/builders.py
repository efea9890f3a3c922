"""Orders, contexts and stories with good defaults, so that a test only says what it is about."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from drsim.domain.account import Account
from drsim.domain.charges import Charge, Operation, OperationKind
from drsim.domain.clock import Span, Time, parse_time
from drsim.domain.decision import Context, Decision
from drsim.domain.events import Event
from drsim.domain.fulfill import Line, fulfill
from drsim.domain.methods import Trouble, read_card, trouble_by_name
from drsim.domain.orders import Item, Order, Sale
from drsim.domain.outcome import Operation as Stage
from drsim.domain.outcome import Rule, Then
from drsim.domain.place import LineSpec, OrderSpec, ShippingSpec, SourceSpec, place
from drsim.domain.refund import Asked as RefundAsked
from drsim.domain.refund import AskedItem, Portion, refund
from drsim.domain.refunds import Refund
from drsim.domain.refusal import Refused
from drsim.domain.repay import inform
from drsim.domain.returns import Return
from drsim.domain.settle import wake
from drsim.domain.takeback import Asked as ReturnAsked
from drsim.domain.takeback import AskedUnits, ReturnChange, change_return, take_back

START: Time = parse_time("2022-07-01T17:55:58Z")


class Ids:
    """Ids that say what they are: `charge-1`, `charge-2`, `capture-1`."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def __call__(self, kind: str) -> str:
        self._counts[kind] += 1
        return f"{kind}-{self._counts[kind]}"


def a_context(now: Time = START, *, account: Account | None = None, rules: tuple[Rule, ...] = ()) -> Context:
    return Context(now, Ids(), account or Account(), rules)


def a_party(country: str = "US") -> dict[str, Any]:
    return {"name": "Chase Marshall", "address": {"line1": "1234 Any Road W", "country": country}}


def a_line(price: int = 1000, quantity: int = 2, tax_rate: str = "0.08025", **more: Any) -> LineSpec:
    spec = LineSpec("sku", {"name": "Widget"}, {}, True, price, quantity, Decimal(tax_rate))
    return replace(spec, **more)


def a_source(type: str = "creditCard", *, number: str | None = None, last_name: str = "Marshall") -> SourceSpec:
    details: dict[str, Any] = {}
    troubles: list[Trouble] = []
    if type == "creditCard":
        card = read_card(number or "4444 2222 3333 1111")
        details = {"brand": card.brand, "lastFourDigits": card.last_four}
        troubles = [card.trouble] if card.trouble else []
    named = trouble_by_name(type, last_name)
    if named:
        troubles.append(named)
    return SourceSpec(type, {"firstName": "Chase", "lastName": last_name}, details, tuple(troubles))


def some_shipping(amount: int = 500, tax_rate: str = "0.08025") -> ShippingSpec:
    return ShippingSpec(amount, Decimal(tax_rate), {"description": "standard"})


def an_order(*lines: LineSpec, **more: Any) -> OrderSpec:
    spec = OrderSpec(
        currency="USD",
        locale="en_US",
        email="chase@example.org",
        source=a_source(),
        lines=lines or (a_line(),),
        ship_to=a_party(),
        ship_from=a_party(),
        bill_to=a_party(),
    )
    return replace(spec, **more)


def an_order_of_2701() -> OrderSpec:
    """20.00 for two units, 1.61 tax, 5.00 shipping and 0.40 tax on it."""
    return an_order(a_line(1000, 2), shipping=some_shipping())


def an_order_of_2689() -> OrderSpec:
    """20.00 for two units, 1.51 tax, 5.00 shipping and 0.38 tax on it; store credit pays 11.00, the card 15.89."""
    return an_order(a_line(1000, 2, "0.07525"), shipping=some_shipping(500, "0.07525"), store_credit=1100)


def an_order_of_3781() -> OrderSpec:
    """Three units of 10.00 on one line, 2.41 tax, 5.00 shipping and 0.40 tax on it."""
    return an_order(a_line(1000, 3), shipping=some_shipping())


def an_order_of_3781_on_two_lines() -> OrderSpec:
    """The same total from a line of 20.00 and a line of 10.00."""
    return an_order(a_line(2000, 1), a_line(1000, 1), shipping=some_shipping())


def a_rule(
    operation: Stage = "capture",
    then: Then | None = None,
    *,
    when: Mapping[str, Any] | None = None,
    times: int | None = None,
    id: str = "rule",
) -> Rule:
    return Rule(id, operation, when or {}, then or Then("failed"), times)


def with_delays(account: Account | None = None, **delays: Span) -> Account:
    account = account or Account()
    return replace(account, delays=replace(account.delays, **delays))


Asked = tuple[int, int, int]
"""One line of a request: place of the order's line, units to fulfil, units to cancel."""


class Story:
    """One order from its placing on, woken at every due time as the simulator would; keeps all events."""

    def __init__(
        self,
        spec: OrderSpec | None = None,
        *,
        account: Account | None = None,
        rules: tuple[Rule, ...] = (),
        now: Time = START,
    ) -> None:
        self.now = now
        self.account = account or Account()
        self.rules = rules
        self.ids = Ids()
        self.events: list[Event] = []
        self.decisions: list[Decision] = []
        self._take(place(spec or an_order(), self.context))

    @classmethod
    def of(cls, decision: Decision, context: Context, now: Time) -> "Story":
        """The story that goes on from what was decided elsewhere."""
        story = cls(account=context.account, now=now)
        story.decisions, story.events = [decision], list(decision.events)
        story.rules, story.ids = decision.rules, Ids()
        return story

    @property
    def context(self) -> Context:
        return Context(self.now, self.ids, self.account, self.rules)

    @property
    def sale(self) -> Sale:
        return self.decisions[-1].sale

    @property
    def order(self) -> Order:
        return self.sale.order

    @property
    def items(self) -> tuple[Item, ...]:
        return self.order.items

    @property
    def card(self) -> Charge:
        return next(charge for charge in self.sale.charges if not charge.secondary)

    @property
    def credit(self) -> Charge:
        return next(charge for charge in self.sale.charges if charge.secondary)

    @property
    def told(self) -> list[str]:
        """The types of all events so far."""
        return [event.type for event in self.events]

    def event(self, type: str, which: int = 0) -> Event:
        return [event for event in self.events if event.type == type][which]

    def ask(self, *asked: Asked) -> Decision:
        """One fulfillment request, its lines in this order."""
        lines = [Line(self.items[place].id, units, cancelled, {}) for place, units, cancelled in asked]
        return self._take(fulfill(self.sale, lines, {}, None, self.context))

    def fulfil(self, *units: int) -> Decision:
        """Fulfils so many units of the first line, of the second, and so on."""
        return self.ask(*((place, count, 0) for place, count in enumerate(units) if count))

    def cancel(self, *units: int) -> Decision:
        """Cancels so many units of the first line, of the second, and so on."""
        return self.ask(*((place, 0, count) for place, count in enumerate(units) if count))

    def refund(self, *items: AskedItem, percent: float | str | None = None, **more: Any) -> Refund:
        """One refund request, for items or else for a percentage or an `amount` of the order; as it is made."""
        amount = more.pop("amount", None)
        portion = Portion(
            None if percent is None else Decimal(str(percent)), None if amount is None else Decimal(str(amount))
        )
        asked = RefundAsked(more.pop("currency", self.order.currency), portion, items, **more)
        made = self._take(refund(self.sale, asked, self.context)).refund
        assert made is not None
        return made

    def refused_refund(self, *items: AskedItem, **asked: Any) -> Refused:
        """The refusal of a refund, once it is sure that nothing has changed."""
        before = repr(self.sale), repr(self.rules), len(self.events)
        with pytest.raises(Refused) as caught:
            self.refund(*items, **asked)
        assert (repr(self.sale), repr(self.rules), len(self.events)) == before
        return caught.value

    def take_back(self, *units: int, **more: Any) -> Return:
        """Announces the return of so many units of the first line, of the second, and so on."""
        asked = [AskedUnits(count, item.id) for item, count in zip(self.items, units, strict=False) if count]
        made = self._take(take_back(self.sale, ReturnAsked(tuple(asked), **more), self.context)).returned
        assert made is not None
        return made

    def accept(self, returned: Return, *units: int) -> Return:
        """Accepts so many units of the lines of a return; without them all of it."""
        asked = [AskedUnits(count, item.item_id) for item, count in zip(returned.items, units, strict=False) if count]
        change = ReturnChange(tuple(asked), everything=not units)
        changed = self._take(change_return(self.sale, returned.id, change, self.context)).returned
        assert changed is not None
        return changed

    def inform(self, refund: Refund) -> None:
        """The customer gives the bank details for a refund."""
        self._take(inform(self.sale, refund.id, self.context))

    def refused(self, *asked: Asked) -> Refused:
        """The refusal of a request, once it is sure that nothing has changed."""
        before = repr(self.sale), repr(self.rules)
        with pytest.raises(Refused) as caught:
            self.ask(*asked)
        assert (repr(self.sale), repr(self.rules)) == before
        return caught.value

    def advance(self, span: Span) -> None:
        """Lets simulated time run, waking the sale at each due time on the way."""
        end = self.now + span
        for _ in range(1000):
            due = self.sale.due
            if due is None or due > end:
                self.now = end
                return
            self.now = max(self.now, due)
            self._take(wake(self.sale, self.context))
        raise AssertionError("the sale never comes to rest")

    def settle(self) -> None:
        """Lets time run until nothing is pending that ends by itself."""
        for _ in range(1000):
            if self.sale.due is None:
                return
            self.advance(max(0, self.sale.due - self.now))
        raise AssertionError("the sale never comes to rest")

    def _take(self, decision: Decision) -> Decision:
        self.decisions.append(decision)
        self.events.extend(decision.events)
        self.rules = decision.rules
        return decision


def amounts(charge: Charge, kind: OperationKind) -> list[int]:
    return [operation.amount for operation in charge.operations(kind)]


def states(operations: tuple[Operation, ...]) -> list[str]:
    return [operation.state for operation in operations]
