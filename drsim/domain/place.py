"""Specified orders: what a scenario or the control plane asks for becomes a checkout with sources, and is submitted."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from drsim.domain.checkouts import Checkout, CheckoutItem, ShippingChoice, attach, new_session, opened
from drsim.domain.decision import Context, Decision
from drsim.domain.methods import METHODS, Trouble
from drsim.domain.orders import FulfillmentModel
from drsim.domain.pricing import Line, Off
from drsim.domain.refusal import Refused
from drsim.domain.sources import Source, expiry
from drsim.domain.submit import Beginning, submit
from drsim.domain.values import value


@value
class LineSpec:
    """One line to buy: `price` per unit and everything else for the whole line, in minor units."""

    sku_id: str | None
    product: Mapping[str, Any]
    product_more: Mapping[str, Any]
    physical: bool
    price: int
    quantity: int
    tax_rate: Decimal
    duties: int = 0
    importer_tax: int = 0
    fees: int = 0
    fees_tax: int = 0
    id: str | None = None
    metadata: Mapping[str, Any] | None = None
    model: FulfillmentModel = "third-party"


@value
class SourceSpec:
    """How the order is paid."""

    type: str
    owner: Mapping[str, Any]
    details: Mapping[str, Any]
    troubles: tuple[Trouble, ...] = ()
    id: str | None = None
    pays_at: str | None = None
    """Where the shopper approves a redirect method, with `{id}` for the id of the source."""


@value
class ShippingSpec:
    """The shipping that was chosen: `amount` in minor units before tax."""

    amount: int
    tax_rate: Decimal
    shown: Mapping[str, Any]


@value
class OrderSpec:
    """An order to be placed, with nothing left to be made up. `store_credit` pays first, `source` the rest."""

    currency: str
    locale: str
    email: str
    source: SourceSpec
    lines: tuple[LineSpec, ...]
    ship_to: Mapping[str, Any] | None
    ship_from: Mapping[str, Any] | None
    bill_to: Mapping[str, Any]
    store_credit: int = 0
    shipping: ShippingSpec | None = None
    amount_off: int = 0
    percent_off: Decimal | None = None
    discount: Mapping[str, Any] | None = None
    id: str | None = None
    upstream_id: str | None = None
    customer_id: str | None = None
    customer_type: str = "individual"
    charge_type: str = "customer_initiated"
    application_id: str | None = None
    browser_ip: str | None = None
    metadata: Mapping[str, Any] | None = None
    begins: Beginning = "accepted"


def place(spec: OrderSpec, context: Context) -> Decision:
    """Places a specified order: 201 with an order that is accepted, in review or waits for its payment.

    Raises `Refused` when the source or the charge is declined at once (resources page, 3.2), and for amounts that do
    not add up: more off than there is, more store credit than the order costs, more than drsim can hold.
    """
    checkout = opened(_checkout(spec, context))
    sources = _sources(spec, checkout, context)
    credit = next((source for source in sources if source.secondary), None)
    if credit is not None and (credit.amount or 0) > checkout.session.remaining:
        message = "Source amount(s) exceed session amount"
        raise Refused("conflict", "session_source_amount_too_large", message, "storeCredit")
    primary = sources[0]  # or store credit, when that pays for everything
    doomed = Trouble("source", "fails_on_return") in primary.troubles and not primary.awaits_shopper
    if doomed or Trouble("source", "fails") in primary.troubles:
        raise Refused("conflict", "source_not_chargeable", f"Source '{primary.id}' is not chargeable.", "sourceId")
    for source in reversed(sources):
        checkout = attach(checkout, source)
    return submit(checkout, sources, context, begins=spec.begins, order_id=spec.id)


def _checkout(spec: OrderSpec, context: Context) -> Checkout:
    """What is specified, as a checkout that nothing pays for yet."""
    return Checkout(
        id=context.new_id("checkout"),
        created=context.now,
        updated=context.now,
        currency=spec.currency,
        items=tuple(_checkout_item(line, context) for line in spec.lines),
        session=new_session(context),
        email=spec.email,
        locale=spec.locale,
        customer_id=spec.customer_id,
        customer_type=spec.customer_type,
        charge_type=spec.charge_type,
        ship_from=spec.ship_from,
        ship_to=spec.ship_to,
        bill_to=spec.bill_to,
        shipping=ShippingChoice(spec.shipping.amount, spec.shipping.shown) if spec.shipping else None,
        freight_rate=str(spec.shipping.tax_rate) if spec.shipping else None,
        off=_off(spec),
        upstream_id=spec.upstream_id,
        application_id=spec.application_id,
        browser_ip=spec.browser_ip,
        metadata=spec.metadata,
        extra={} if spec.discount is None else {"discount": spec.discount},
        rates_given=True,
    )


def _off(spec: OrderSpec) -> Off | None:
    if spec.percent_off is not None:
        return Off(percent=str(spec.percent_off))
    return Off(amount=spec.amount_off) if spec.amount_off else None


def _checkout_item(line: LineSpec, context: Context) -> CheckoutItem:
    return CheckoutItem(
        id=context.new_id("checkout item"),
        sku_id=line.sku_id,
        product=line.product,
        product_more=line.product_more,
        line=Line(
            amount=line.price * line.quantity,
            quantity=line.quantity,
            physical=line.physical,
            tax_rate=str(line.tax_rate),
            duties=line.duties,
            importer_tax=line.importer_tax,
            fees=line.fees,
            fees_tax=line.fees_tax,
        ),
        metadata=line.metadata,
        order_item_id=line.id,
        model=line.model,
    )


def _sources(spec: OrderSpec, checkout: Checkout, context: Context) -> tuple[Source, ...]:
    """The sources that are specified, paid by the shopper already unless the order shall wait for that."""
    total, credit = checkout.session.remaining, spec.store_credit
    specs = [(spec.source, total - credit)] if total > credit or not credit else []
    if credit:
        specs.append((SourceSpec("customerCredit", spec.source.owner, {}), credit))
    return tuple(_source(each, amount, spec.begins, checkout, context) for each, amount in specs)


def _source(spec: SourceSpec, amount: int, begins: Beginning, checkout: Checkout, context: Context) -> Source:
    credit = spec.type == "customerCredit"
    id = spec.id or context.new_id("source")
    unpaid = begins == "pending_payment" or Trouble("source", "fails_later") in spec.troubles
    state = METHODS[spec.type].unpaid_state if unpaid else "chargeable"
    details = spec.details
    if spec.pays_at is not None:
        details = {"redirectUrl": spec.pays_at.replace("{id}", id), **details}
    return Source(
        id=id,
        created=context.now,
        type=spec.type,
        state=state,
        owner=spec.owner,
        client_secret=f"{id}_{context.new_id('secret')}",
        details=details,
        currency=checkout.currency if credit else None,
        amount=amount if credit else None,
        session_id=checkout.session.id,
        troubles=spec.troubles,
        expires=None if state == "chargeable" else expiry(spec.type, context.now, context.account),
    )
