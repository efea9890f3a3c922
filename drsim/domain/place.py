"""Placing an order: from a checkout and its sources to an order with charges, accepted, waiting or refused.

Orders that a scenario or the control plane specifies become a checkout first and then go the same way. Sources:
surroundings page, 3.8; resources page, 4.1, 7.2 and 8.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from drsim.domain.charges import Charge
from drsim.domain.checkouts import (
    Checkout,
    CheckoutItem,
    ShippingChoice,
    attach,
    entity_of,
    is_duty_paid,
    new_session,
    opened,
    pricing,
    seller_tax_id,
)
from drsim.domain.clock import Time
from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.methods import METHODS, UNPAID_AFTER, Trouble
from drsim.domain.orders import FulfillmentModel, Item, Order, Sale, Shipping, moved_session
from drsim.domain.outcome import Outcome
from drsim.domain.pricing import Line, Off, PricedLine, Pricing
from drsim.domain.refusal import Refused
from drsim.domain.review import block_order, open_review, screen, tell_charges
from drsim.domain.settle import end_authorization
from drsim.domain.sources import Contribution, Source, expiry
from drsim.domain.states import CHARGE, step
from drsim.domain.values import replace, value

Beginning = Literal["accepted", "pending_payment", "in_review", "blocked"]


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


def submit(
    checkout: Checkout,
    sources: tuple[Source, ...],
    context: Context,
    *,
    begins: Beginning = "accepted",
    order_id: str | None = None,
) -> Decision:
    """Makes an order of a checkout that `sources` pay for, in the order of its contributions.

    Raises `Refused` (409) when the charge is declined or fraud screening turns it down; with that the checkout is burnt
    (resources page, 8). `begins` says how a specified order shall begin.
    """
    order = _order(checkout, pricing(checkout), sources, context, order_id)
    draft = Draft(Sale(order, (), tuple(_taken(source, order) for source in sources)), context)
    waiting = next((source for source in draft.sources if source.awaits_shopper), None)
    if waiting is not None:
        _await_shopper(draft, waiting)
    else:
        charge_order(draft, begins)
    return draft.decided()


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


def _taken(source: Source, order: Order) -> Source:
    """The source as the order has it: a single-use one is its own from now on."""
    if source.reusable:
        return source
    return replace(source, order_id=order.id, customer_id=source.customer_id or order.customer_id)


def _order(
    checkout: Checkout, priced: Pricing, sources: tuple[Source, ...], context: Context, order_id: str | None
) -> Order:
    bill_to = checkout.bill_to or _payer(sources[0])
    extra = dict(checkout.extra)
    return Order(
        id=order_id or context.new_id("order"),
        created=context.now,
        updated=context.now,
        currency=checkout.currency,
        email=checkout.email or "",
        locale=checkout.locale,
        customer_type=checkout.customer_type,
        selling_entity=entity_of(_country(checkout.ship_from), _country(checkout.ship_to), _country(bill_to) or "US"),
        checkout_id=checkout.id,
        charge_type=checkout.charge_type,
        session=checkout.session,
        items=tuple(
            _item(item, each, checkout, context) for item, each in zip(checkout.items, priced.lines, strict=True)
        ),
        totals=priced.totals,
        state="pending_payment",
        transitions={},
        fraud_state=None,
        fraud_transitions={},
        charge_ids=(),
        contributions=checkout.contributions,
        shipping=Shipping(priced.shipping, priced.shipping_tax, checkout.shipping.shown) if checkout.shipping else None,
        discount=extra.pop("discount", None),
        ship_to=checkout.ship_to,
        ship_from=checkout.ship_from,
        bill_to=bill_to,
        customer_id=checkout.customer_id,
        upstream_id=checkout.upstream_id,
        application_id=checkout.application_id,
        browser_ip=checkout.browser_ip,
        metadata=checkout.metadata,
        extra=extra,
        landed=is_duty_paid(checkout),
    )


def _payer(source: Source) -> Mapping[str, Any]:
    """Whom the bill goes to where the checkout does not say: the owner of the source (resources page, 2.1)."""
    owner = source.owner
    name = " ".join(str(owner[key]) for key in ("firstName", "lastName") if owner.get(key))
    shown = {"address": owner.get("address"), "name": name or None, "email": owner.get("email")}
    return {key: each for key, each in shown.items() if each}


def _country(party: Mapping[str, Any] | None) -> str | None:
    country: str | None = (party or {}).get("address", {}).get("country")
    return country


def _item(item: CheckoutItem, priced: PricedLine, checkout: Checkout, context: Context) -> Item:
    line, tax_id = item.line, seller_tax_id(checkout)
    extra = item.extra if tax_id is None else {**item.extra, "sellerTaxIdentifier": tax_id}
    return Item(
        id=item.order_item_id or context.new_id("item"),
        sku_id=item.sku_id,
        product=item.product,
        product_more=item.product_more,
        physical=line.physical,
        amount=priced.amount,
        quantity=line.quantity,
        tax_rate=line.tax_rate,
        tax=priced.tax,
        state="created",
        transitions={"created": context.now},
        importer_tax=priced.importer_tax,
        duties=priced.duties,
        fees=line.fees,
        fees_tax=line.fees_tax,
        shipping=priced.shipping,
        shipping_tax=priced.shipping_tax,
        shipping_discount=priced.shipping_off,
        discount=priced.discount,
        metadata=item.metadata,
        extra=extra,
        model=item.model,
    )


def _await_shopper(draft: Draft, source: Source) -> None:
    """The shopper still has to pay: no charge yet, and an order that is given up when that takes too long."""
    session = moved_session(draft.order.session, source.state)
    if source.state == "pending_funds":
        shown = {"sourceId": source.id, "sourceClientSecret": source.client_secret}
        session = replace(session, next_action={"action": "show_payment_instructions", "data": shown})
    elif url := source.details.get("redirectUrl"):
        session = replace(session, next_action={"action": "redirect", "data": {"redirectUrl": url}})
    given_up = _given_up(draft, source)
    draft.amend(
        session=session,
        transitions={"pending_payment": draft.now},
        due=given_up,
        due_state="cancelled" if given_up is not None else None,
    )
    draft.tell("order.created")
    draft.tell("order.pending_payment")


def _given_up(draft: Draft, source: Source) -> Time | None:
    """When an unpaid order is given up, if ever: with its source, or sooner where that is in trouble."""
    if Trouble("source", "fails_later") in source.troubles:
        return draft.now + UNPAID_AFTER
    return source.expires


def charge_order(draft: Draft, begins: Beginning = "accepted") -> None:
    """Authorizes a charge on each source. That decides how a new order begins, or how one goes on that was waiting for
    the shopper: it is accepted, in review, still waiting, or cancelled if it is declined.

    Raises `Refused` where a new order is declined.
    """
    new = not draft.order.transitions
    if draft.order.session.state != "pending":
        draft.amend(session=moved_session(draft.order.session, "pending"))
    outcomes: dict[str, Outcome] = {}
    for contribution in draft.order.contributions:
        if contribution.amount:
            charge = _new_charge(contribution, draft)
            draft.put(charge)
            outcomes[charge.id] = _authorization(draft, charge, begins)
    draft.amend(charge_ids=tuple(draft.charges))
    waiting = any(outcome.after != 0 for outcome in outcomes.values())
    refused = next((each.failure for each in outcomes.values() if each.failure and each.after == 0), None)
    if refused and new:
        raise Refused("conflict", refused.code, "Failed to charge source.", rules=draft.rules)
    for charge in list(draft.charges.values()):
        draft.put(_begun(charge, outcomes[charge.id], draft.now))
    if refused:
        end_authorization(draft, next(each for each in draft.charges.values() if each.due == draft.now))
    elif waiting:
        _await_authorization(draft, new=new)
    elif begins in ("in_review", "blocked"):
        open_review(draft)
        if begins == "blocked":
            block_order(draft)
    else:
        screen(draft)


def _new_charge(paid: Contribution, draft: Draft) -> Charge:
    return Charge(
        id=draft.context.new_id("charge"),
        created=draft.now,
        order_id=draft.order.id,
        source_id=paid.source_id,
        session_id=draft.order.session.id,
        currency=draft.order.currency,
        amount=paid.amount,
        state="pending",
        type=draft.order.charge_type,
        secondary=paid.secondary,
        expires=draft.now + draft.context.account.authorization_ttl,
    )


def _authorization(draft: Draft, charge: Charge, begins: Beginning) -> Outcome:
    if begins == "pending_payment" and not charge.secondary:
        return Outcome(None)
    outcome = draft.outcome("authorize", charge, charge.amount, 1)
    # What comes to a review was authorized before, however long that took.
    return Outcome(0) if begins in ("in_review", "blocked") and outcome.failure is None else outcome


def _begun(charge: Charge, outcome: Outcome, now: Time) -> Charge:
    """The charge as it is right after it was asked for: authorized at once, or pending until its outcome."""
    if outcome.after == 0 and outcome.failure is None:
        return replace(charge, state=step(CHARGE, charge.state, "capturable"))
    return replace(charge, due=None if outcome.after is None else now + outcome.after, failure=outcome.failure)


def _await_authorization(draft: Draft, *, new: bool) -> None:
    if not new:
        # The shopper has done what had to be done: no time limit, and nothing more to show.
        draft.amend(due=None, due_state=None, session=replace(draft.order.session, next_action=None))
        tell_charges(draft)
        return
    draft.amend(transitions={"pending_payment": draft.now})
    draft.tell("order.created")
    tell_charges(draft)
    draft.tell("order.pending_payment")
