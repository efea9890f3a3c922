"""A sale made of an order that was copied from a log: every id and amount as it was, what is missing made up.

Nothing is told and nothing is decided anew: the order is simply there, in the state it was in.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from drsim.domain.charges import Charge, completed, standing
from drsim.domain.checkouts import entity_of
from drsim.domain.clock import Time
from drsim.domain.decision import Context
from drsim.domain.documents import CREDIT_MEMO, INVOICE, Document
from drsim.domain.money import minor, spread
from drsim.domain.orders import Item, Order, PaymentSession, Sale, Shipping
from drsim.domain.pricing import Totals
from drsim.domain.sources import Contribution
from drsim.format.copied import NONE, ItemResource
from drsim.format.resources import OrderResource
from drsim.world.imported_payment import charges_of, sources_of
from drsim.world.imported_units import Handled, attributed

_OPEN = ("pending_payment", "in_review")
_PAYING = ("pending", "pending_funds", "pending_redirect", "complete")
"""States from which an order is yet to be accepted."""


def imported(resource: OrderResource, context: Context) -> Sale:
    """The order with its charges and sources, as `context.now` finds it.

    What was pending when it was copied is complete after the account's usual delay from now.
    """
    order_id = resource.id or context.new_id("order")
    items = _items(resource, resource.created_time or context.now)
    session_id = _session_id(resource, context)
    sources, contributions = sources_of(resource, order_id, session_id, context)
    charges = charges_of(resource, order_id, session_id, items, sources, context)
    charges, handled = attributed(charges, items)
    items = tuple(_handled(item, handled.get(item.id, Handled())) for item in items)
    return Sale(_order(resource, order_id, session_id, items, charges, contributions, context), charges, sources)


def _order(
    resource: OrderResource,
    order_id: str,
    session_id: str,
    items: tuple[Item, ...],
    charges: tuple[Charge, ...],
    contributions: tuple[Contribution, ...],
    context: Context,
) -> Order:
    created = resource.created_time or context.now
    shipping = _shipping(resource)
    totals = _totals(resource, items, shipping)
    done = resource.state == "fulfilled" and all(charge.state in ("complete", "cancelled") for charge in charges)
    cancelled = sum(standing(charge.cancels) for charge in charges)
    shown = cancelled if resource.cancelled_amount is None else _units(resource.cancelled_amount, resource)
    return Order(
        id=order_id,
        created=created,
        updated=resource.updated_time or created,
        currency=resource.currency,
        email=resource.email or "shopper@example.com",
        locale=resource.locale,
        customer_type=resource.customer_type,
        selling_entity=resource.selling_entity or _seller(resource),
        checkout_id=resource.checkout_id or context.new_id("checkout"),
        charge_type=resource.charge_type,
        session=_session(resource, session_id, totals, context),
        items=items,
        totals=totals,
        state=resource.state,
        transitions=resource.state_transitions or {resource.state: created},
        fraud_state=_fraud_state(resource),
        fraud_transitions=_fraud_transitions(resource, created),
        charge_ids=tuple(charge.id for charge in charges),
        contributions=contributions,
        shipping=shipping,
        discount=resource.discount,
        ship_to=resource.ship_to,
        ship_from=resource.ship_from,
        bill_to=resource.bill_to,
        customer_id=resource.customer_id,
        upstream_id=resource.upstream_id,
        application_id=resource.application_id,
        browser_ip=resource.browser_ip,
        metadata=resource.metadata,
        to_be_forgotten=resource.request_to_be_forgotten,
        refunded=_units(resource.refunded_amount, resource),
        cancelled_before=max(0, cancelled - shown),
        due=context.now + context.account.delays.complete if done else None,
        due_state="complete" if done else None,
        documents=_documents(resource, charges),
    )


def _documents(resource: OrderResource, charges: tuple[Charge, ...]) -> tuple[Document, ...]:
    """Its invoice and credit memos; which refund a credit memo was for, and how much, only a single one tells."""
    at = resource.updated_time or resource.created_time or 0
    captured = sum(completed(charge.captures) for charge in charges)
    refunded = _units(resource.refunded_amount, resource) if len(resource.credit_memos) == 1 else 0
    invoices = (Document(each.id, INVOICE, at, captured) for each in resource.invoices)
    return (*invoices, *(Document(each.id, CREDIT_MEMO, at, refunded) for each in resource.credit_memos))


def _units(amount: Decimal, resource: OrderResource) -> int:
    return minor(amount, resource.currency)


def _items(resource: OrderResource, created: Time) -> tuple[Item, ...]:
    weights = [_units(item.amount, resource) for item in resource.items]
    discounts = spread(_units(resource.shared_discount, resource), weights)
    shipping = spread(_units(resource.shipping.amount, resource), weights)
    shipping_tax = spread(_units(resource.shipping.tax_amount, resource), weights)
    return tuple(
        _item(item, resource, created, *shares)
        for item, *shares in zip(resource.items, discounts, shipping, shipping_tax, strict=True)
    )


def _item(
    item: ItemResource, resource: OrderResource, created: Time, discount: int, shipping: int, shipping_tax: int
) -> Item:
    details = dict(item.product_details or {"id": item.sku_id or item.id, "name": item.sku_id or item.id})
    more: dict[str, Any] = {key: details.pop(key) for key in ("physical", "metadata") if key in details}
    fees, own_shipping = item.fees or NONE, item.shipping or NONE
    return Item(
        id=item.id,
        sku_id=item.sku_id,
        product=details,
        product_more=more,
        physical=more.get("physical", True) is not False,
        amount=_units(item.amount, resource),
        quantity=item.quantity,
        tax_rate=f"{item.tax.rate:f}" if item.tax else "0",
        tax=_units(item.tax.amount, resource) if item.tax else 0,
        state=item.state,
        transitions=item.state_transitions or {item.state: created},
        importer_tax=_units((item.importer_tax or NONE).total, resource),
        duties=_units((item.duties or NONE).total, resource),
        fees=_units(fees.amount, resource),
        fees_tax=_units(fees.tax_amount, resource),
        shipping=_units(own_shipping.amount, resource) + shipping,
        shipping_tax=_units(own_shipping.tax_amount, resource) + shipping_tax,
        discount=discount,
        metadata=item.metadata,
    )


def _handled(item: Item, handled: Handled) -> Item:
    """The line with its counts: by its state where that says all, by its captures and cancels where it is open."""
    if item.state in ("fulfilled", "returned"):
        cancelled = min(handled.cancelled, item.quantity - 1)
        return replace(item, fulfilled=item.quantity - cancelled, cancelled=cancelled)
    if item.state in ("cancelled", "blocked"):
        return replace(item, cancelled=item.quantity if item.state == "cancelled" else 0)
    fulfilled = min(handled.captured, item.quantity - 1)
    return replace(item, fulfilled=fulfilled, cancelled=min(handled.cancelled, item.quantity - 1 - fulfilled))


def _shipping(resource: OrderResource) -> Shipping | None:
    if resource.shipping_choice is None:
        return None
    paid = resource.shipping_paid
    shown = {key: value for key, value in resource.shipping_choice.items() if key not in ("amount", "taxAmount")}
    return Shipping(_units(paid.amount, resource), _units(paid.tax_amount, resource), shown)


def _totals(resource: OrderResource, items: tuple[Item, ...], shipping: Shipping | None) -> Totals:
    total = sum(item.total for item in items)
    tax = sum(item.tax + item.fees_tax + item.shipping_tax for item in items)
    if resource.total_tax is not None:
        tax = _units(resource.total_tax, resource)
    off = sum(item.discount for item in items)
    return Totals(
        total=total,
        subtotal=total - tax,
        fees=sum(item.fees for item in items),
        tax=tax,
        importer_tax=sum(item.importer_tax for item in items),
        duty=sum(item.duties for item in items),
        discount=off if resource.total_discount is None else _units(resource.total_discount, resource),
        shipping=shipping.amount if shipping else sum(item.shipping for item in items),
    )


def _session_id(resource: OrderResource, context: Context) -> str:
    session = resource.payment.session if resource.payment else None
    return (session and session.id) or context.new_id("session")


def _session(resource: OrderResource, id: str, totals: Totals, context: Context) -> PaymentSession:
    session = resource.payment.session if resource.payment else None
    state = (session and session.state) or "complete"
    if resource.state in _OPEN and state not in _PAYING:
        state = "pending"
    contributed = session.amount_contributed if session else None
    remaining = session.amount_remaining_to_be_contributed if session else None
    return PaymentSession(
        id,
        (session and session.client_secret) or f"{id}_{context.new_id('secret')}",
        state,
        totals.total if contributed is None else _units(contributed, resource),
        0 if remaining is None else _units(remaining, resource),
        session.next_action if session else None,
    )


def _fraud_state(resource: OrderResource) -> str | None:
    if resource.fraud_state or resource.fraud_state_transitions:
        return resource.fraud_state
    usual = {"pending_payment": None, "complete": None, "in_review": "review_opened", "blocked": "blocked"}
    return usual.get(resource.state, "passed")


def _fraud_transitions(resource: OrderResource, created: Time) -> Mapping[str, Time]:
    state = _fraud_state(resource)
    return resource.fraud_state_transitions or ({state: created} if state else {})


def _seller(resource: OrderResource) -> dict[str, str]:
    ship_from, ship_to, bill_to = map(_country, (resource.ship_from, resource.ship_to, resource.bill_to))
    return entity_of(ship_from, ship_to, bill_to or ship_to or "US")


def _country(party: Mapping[str, Any] | None) -> str | None:
    address = (party or {}).get("address")
    country = address.get("country") if isinstance(address, dict) else None
    return country if isinstance(country, str) else None
