"""Orders and their lines as values, what they add up to, and the sale: an order with its charges and sources.

All amounts are minor units of the order's currency. Source: resources page, sections 2.1 to 2.3 and 5.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from drsim.domain.charges import Charge, Operation, completed, next_due, repaying, standing, uncommitted
from drsim.domain.clock import Time
from drsim.domain.documents import Document, due_document
from drsim.domain.money import half_up_share
from drsim.domain.pricing import Totals
from drsim.domain.refunds import Refund
from drsim.domain.returns import Return
from drsim.domain.sources import Contribution, Source
from drsim.domain.states import ITEM, ORDER, SESSION, step
from drsim.domain.values import replace, value

FulfillmentModel = Literal["third-party", "distributed", "orchestrated"]
"""Who ships a line: the merchant, or the vendor, asked to by the integration or by itself (surroundings page, 1)."""


@value
class Item:
    """One line of an order. Amounts are for the whole line; `tax_rate` is a decimal fraction as text (`"0.08025"`).

    `discount` is the line's share of an order-level discount: it lowers what the line adds to the total, not `amount`.
    `shipping_discount` does the same with its `shipping`. `product` and `extra` are shown as they are, `product_more`
    only when an order is expanded.
    """

    id: str
    sku_id: str | None
    product: Mapping[str, Any]
    product_more: Mapping[str, Any]
    physical: bool
    amount: int
    quantity: int
    tax_rate: str
    tax: int
    state: str
    transitions: Mapping[str, Time]
    importer_tax: int = 0
    duties: int = 0
    fees: int = 0
    fees_tax: int = 0
    shipping: int = 0
    shipping_tax: int = 0
    shipping_discount: int = 0
    discount: int = 0
    metadata: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    fulfilled: int = 0
    cancelled: int = 0
    model: FulfillmentModel = "third-party"

    @property
    def total(self) -> int:
        """What this line adds to the order's total; the lines' totals add up to it."""
        return (
            self.amount
            + self.tax
            + self.shipping
            + self.shipping_tax
            + self.fees
            + self.fees_tax
            + self.duties
            + self.importer_tax
            - self.discount
            - self.shipping_discount
        )

    @property
    def product_price(self) -> int:
        """What the product of this line cost with its tax, less the line's share of an order's discount."""
        return self.amount - self.discount + self.tax

    @property
    def open(self) -> int:
        """Units neither fulfilled nor cancelled."""
        return self.quantity - self.fulfilled - self.cancelled if self.state == "created" else 0


@value
class Shipping:
    """The shipping choice of an order: its price, the tax on it, and what is shown beside them."""

    amount: int
    tax: int
    shown: Mapping[str, Any]


@value
class PaymentSession:
    """The payment session of an order."""

    id: str
    client_secret: str
    state: str
    contributed: int
    remaining: int
    next_action: Mapping[str, Any] | None = None


@value
class Order:
    """An order without its money movements, which are on its charges. `shown` holds what is only kept and shown."""

    id: str
    created: Time
    updated: Time
    currency: str
    email: str
    locale: str
    customer_type: str
    selling_entity: Mapping[str, str]
    checkout_id: str
    charge_type: str
    session: PaymentSession
    items: tuple[Item, ...]
    totals: Totals
    state: str
    transitions: Mapping[str, Time]
    fraud_state: str | None
    fraud_transitions: Mapping[str, Time]
    charge_ids: tuple[str, ...]
    contributions: tuple[Contribution, ...]
    """What each source pays, the primary one first."""
    shipping: Shipping | None = None
    discount: Mapping[str, Any] | None = None
    ship_to: Mapping[str, Any] | None = None
    ship_from: Mapping[str, Any] | None = None
    bill_to: Mapping[str, Any] | None = None
    customer_id: str | None = None
    upstream_id: str | None = None
    application_id: str | None = None
    browser_ip: str | None = None
    metadata: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What is only stored and shown."""
    landed: bool = False
    """Whether duties and importer tax were worked out and paid with it."""
    to_be_forgotten: bool = False
    refunded: int = 0
    refund_ids: tuple[str, ...] = ()
    return_ids: tuple[str, ...] = ()
    cancelled_before: int = 0
    """Money that was cancelled outside fulfillments (a blocked order's), which `cancelledAmount` leaves out."""
    due: Time | None = None
    """When the order itself moves on: a fulfilled one to complete, an unpaid one to cancelled."""
    due_state: str | None = None
    documents: tuple[Document, ...] = ()
    """Its invoice and credit memos, also those that are still planned."""


@value
class Sale:
    """An order with its charges (in no meaningful order), sources, refunds and returns: what decisions look at."""

    order: Order
    charges: tuple[Charge, ...]
    sources: tuple[Source, ...]
    refunds: tuple[Refund, ...] = ()
    returns: tuple[Return, ...] = ()

    @property
    def parts(self) -> tuple[object, ...]:
        """All that belongs to the order and is kept by itself."""
        return *self.charges, *self.sources, *self.refunds, *self.returns

    @property
    def due(self) -> Time | None:
        """When something about this sale next happens by itself."""
        dues = [due for charge in self.charges if (due := next_due(charge)) is not None]
        if self.order.due is not None:
            dues.append(self.order.due)
        if self.order.documents and (document := due_document(self.order.documents)):
            dues.append(document.at)
        return min(dues, default=None)

    def source(self, id: str) -> Source:
        """The source with this id."""
        return next(source for source in self.sources if source.id == id)


def open_units(order: Order) -> int:
    """Units of all lines that are neither fulfilled nor cancelled."""
    return sum(item.open for item in order.items)


def captured_amount(sale: Sale) -> int:
    """Minor units of all captures that are complete or pending: one counts as soon as it exists."""
    return sum(standing(charge.captures) for charge in sale.charges)


def cancelled_amount(sale: Sale) -> int:
    """Minor units of all cancels made through fulfillments that are complete or pending."""
    return sum(standing(charge.cancels) for charge in sale.charges) - sale.order.cancelled_before


def left_amount(sale: Sale) -> int:
    """Minor units that the charges still have to capture or cancel."""
    return sum(uncommitted(charge) for charge in sale.charges)


def captured_units(sale: Sale) -> dict[str, int]:
    """Per item id, the units whose captures are all complete; those paid from two charges count once."""
    captures = [capture for charge in sale.charges for capture in charge.captures]
    pending = {_asked(each) for each in captures if each.state == "pending"}
    complete = {_asked(each): each.units for each in captures if each.state == "complete"}
    units: dict[str, int] = {}
    for asked, count in complete.items():
        if asked not in pending:
            units[asked[1]] = units.get(asked[1], 0) + count
    return units


def _asked(operation: Operation) -> tuple[str | None, str, int]:
    return operation.fulfillment_id, operation.item_id, operation.line


def refundable_amount(sale: Sale) -> int:
    """Minor units that could be refunded now: each line's share of its captured units, halves up, and never more than
    what was captured for good; all of it once the whole order was (resources page, section 10, row 6). What is being
    refunded counts as refunded until it fails, and a chargeback takes away what it comes to (5.6).
    """
    captured = sum(completed(charge.captures) for charge in sale.charges)
    if not captured:
        return 0
    gone = sale.order.refunded + sum(repaying(charge) + charge.charged_back for charge in sale.charges)
    if captured == sale.order.totals.total:
        return max(0, captured - gone)
    units = captured_units(sale)
    shares = sum(half_up_share(item.total, units.get(item.id, 0), item.quantity) for item in sale.order.items)
    return max(0, min(captured, shares) - gone)


def moved(order: Order, state: str, now: Time) -> Order:
    """The order in its next state, stamped `now`."""
    return replace(
        order,
        state=step(ORDER, order.state, state),
        updated=now,
        transitions={**order.transitions, state: now},
        fraud_state=None if state == "complete" else order.fraud_state,
    )


def moved_item(item: Item, state: str, now: Time) -> Item:
    """The line in its next state, stamped `now`."""
    return replace(item, state=step(ITEM, item.state, state), transitions={**item.transitions, state: now})


def moved_session(session: PaymentSession, state: str) -> PaymentSession:
    """The payment session in its next state."""
    return replace(session, state=step(SESSION, session.state, state))
