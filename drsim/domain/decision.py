"""What a decision is made with and what it comes to.

A decision function gets the sale as it stands and a `Context`, works on a `Draft`, and returns a `Decision`: the new
sale and the events on the way there, each with the sale as it was at that moment. It never writes or reads anything.
"""

from collections.abc import Callable, Mapping
from typing import Any

from drsim.domain.account import Account
from drsim.domain.charges import Charge, ChargeRefund, OperationKind, begin, begin_refund
from drsim.domain.charges import Operation as ChargeOperation
from drsim.domain.clock import Time
from drsim.domain.documents import Document
from drsim.domain.events import EMITTED, Event
from drsim.domain.fulfillments import Fulfillment
from drsim.domain.money import decimal
from drsim.domain.orders import Order, Sale
from drsim.domain.outcome import Facts, Operation, Outcome, Rule, decide
from drsim.domain.refunds import Refund
from drsim.domain.returns import Return
from drsim.domain.sources import Source
from drsim.domain.values import replace, value


@value
class Context:
    """Where a decision gets everything it may not fetch: the time, new ids (`new_id(kind)`), settings and rules."""

    now: Time
    new_id: Callable[[str], str]
    account: Account
    rules: tuple[Rule, ...] = ()


@value
class Decision:
    """What a decision comes to; `rules` are those left, with their counts."""

    sale: Sale
    events: tuple[Event, ...]
    rules: tuple[Rule, ...]
    fulfillment: Fulfillment | None = None
    refund: Refund | None = None
    returned: Return | None = None


class Draft:
    """A sale being changed step by step, with the events told so far. Lives within one decision."""

    def __init__(self, sale: Sale, context: Context) -> None:
        self.order = sale.order
        self.charges = {charge.id: charge for charge in sale.charges}
        self.sources = sale.sources
        self.refunds = {refund.id: refund for refund in sale.refunds}
        self.returns = {returned.id: returned for returned in sale.returns}
        self.context = context
        self.rules = context.rules
        self.events: list[Event] = []

    @property
    def now(self) -> Time:
        """The time of this decision."""
        return self.context.now

    @property
    def sale(self) -> Sale:
        """The sale as it stands."""
        charges, refunds = tuple(self.charges.values()), tuple(self.refunds.values())
        return Sale(self.order, charges, self.sources, refunds, tuple(self.returns.values()))

    def put(self, changed: Charge | Order | Refund | Return) -> None:
        """Makes a changed charge, order, refund or return part of the draft."""
        if isinstance(changed, Charge):
            self.charges[changed.id] = changed
        elif isinstance(changed, Refund):
            self.refunds[changed.id] = changed
        elif isinstance(changed, Return):
            self.returns[changed.id] = changed
        else:
            self.order = changed

    def tell(
        self,
        type: str,
        charge: Charge | None = None,
        *,
        sale: Sale | None = None,
        fulfillment: Fulfillment | None = None,
        refund: Refund | None = None,
        document: Document | None = None,
        returned: Return | None = None,
        source: Source | None = None,
        previous: Mapping[str, Any] | None = None,
    ) -> None:
        """Tells an event of this type with the sale as it stands (or as given)."""
        assert type in EMITTED, f"'{type}' is not in EMITTED"
        id = self.context.new_id("event")
        about = (charge, fulfillment, previous, refund, document, returned, source)
        self.events.append(Event(id, type, self.now, sale or self.sale, *about))

    def begin(self, charge: Charge, kind: OperationKind, operation: ChargeOperation) -> None:
        """Puts a new pending operation on its charge and tells it; a charge that a capture fills up tells that too."""
        begun = begin(charge, kind, operation)
        self.put(begun)
        self.tell(f"order.charge.{kind}.pending", begun)
        if kind == "capture" and begun.state == "processing" and charge.state != "processing":
            self.tell("order.charge.processing", begun)

    def begin_refund(self, charge: Charge, operation: ChargeRefund) -> None:
        """Puts a new pending refund on its charge and tells it."""
        begun = begin_refund(charge, operation)
        self.put(begun)
        self.tell("order.charge.refund.pending", begun)

    def outcome(self, operation: Operation, charge: Charge, amount: int, attempt: int) -> Outcome:
        """What the payment provider will do with `operation` for `amount` minor units; uses up a rule if one fits."""
        source = self.sale.source(charge.source_id)
        facts = Facts(
            order=self.order.id,
            charge=charge.id,
            source_type=source.type,
            last_four=source.last_four,
            amount=decimal(amount, charge.currency),
            attempt=attempt,
            upstream_id=self.order.upstream_id,
        )
        outcome, self.rules = decide(operation, facts, source.troubles, self.rules, self.context.account)
        return outcome

    def amend(self, **changes: Any) -> None:
        """Replaces fields of the order."""
        self.order = replace(self.order, **changes)

    def decided(
        self, fulfillment: Fulfillment | None = None, refund: Refund | None = None, returned: Return | None = None
    ) -> Decision:
        """The finished decision."""
        return Decision(self.sale, tuple(self.events), self.rules, fulfillment, refund, returned)
