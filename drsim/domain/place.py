"""Placing an order: from what was bought and how it is paid to an order with charges, accepted, waiting or refused.

Sources: surroundings page, 3.4 (totals) and 3.5 (selling entities); resources page, 5.5 (shipping) and 7.2 (charges).
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from drsim.domain.charges import Charge
from drsim.domain.clock import Time
from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.methods import METHODS, UNPAID_AFTER, Trouble
from drsim.domain.money import LIMIT, half_up, spread
from drsim.domain.orders import Item, Order, PaymentSession, Sale, Shipping, Totals, moved
from drsim.domain.outcome import Outcome
from drsim.domain.refusal import Refused
from drsim.domain.review import block_order
from drsim.domain.settle import consumed, make_accepted
from drsim.domain.sources import Source
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


@value
class SourceSpec:
    """How the order is paid."""

    type: str
    owner: Mapping[str, Any]
    details: Mapping[str, Any]
    troubles: tuple[Trouble, ...] = ()
    id: str | None = None


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
    """Places an order: 201 with an order that is accepted, in review or waits for its payment.

    Raises `Refused` when the source or the charge is declined at once (resources page, 3.2), and for amounts that do
    not add up: more off than there is, more store credit than the order costs, more than drsim can hold.
    """
    order = _order(spec, context)
    sources = _sources(spec, order, context)
    primary = sources[0]  # or store credit, when that pays for everything
    if Trouble("source", "fails") in primary.troubles:
        raise Refused("conflict", "source_not_chargeable", f"Source '{primary.id}' is not chargeable.", "sourceId")
    draft = Draft(Sale(order, (), sources), context)
    draft.amend(source_ids=tuple(source.id for source in sources))
    never_paid = Trouble("source", "fails_later") in primary.troubles
    waits_for_shopper = spec.begins == "pending_payment" and METHODS[primary.type].flow != "standard"
    if never_paid or waits_for_shopper:
        _await_shopper(draft, context.now + UNPAID_AFTER if never_paid else None)
    else:
        _charge(draft, spec)
    return draft.decided()


def selling_entity(ship_from: str | None, ship_to: str | None, bill_to: str) -> dict[str, str]:
    """Who sells, by the countries involved (surroundings page, 3.5 and U19)."""
    countries = {ship_from or bill_to, ship_to or bill_to}
    if countries == {"US"}:
        return {"id": "C5_INC-ENTITY", "name": "DR globalTech Inc."}
    if (ship_to or bill_to) in EUROPEAN_UNION:
        return {"id": "DR_IRELAND-ENTITY", "name": "Digital River Ireland Ltd."}
    if (ship_to or bill_to) == "TW":
        return {"id": "DR_TAIWAN-ENTITY", "name": "Digital River Taiwan"}
    return {"id": "DR_INC-ENTITY", "name": "Digital River, Inc."}


EUROPEAN_UNION = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())


def _order(spec: OrderSpec, context: Context) -> Order:
    items = _items(spec, context)
    shipping = _shipping(spec.shipping)
    totals = _totals(items, shipping, sum(item.discount for item in items))
    session_id = context.new_id("session")
    session = PaymentSession(session_id, f"{session_id}_{context.new_id('secret')}", "pending", totals.total, 0)
    return Order(
        id=spec.id or context.new_id("order"),
        created=context.now,
        updated=context.now,
        currency=spec.currency,
        email=spec.email,
        locale=spec.locale,
        customer_type=spec.customer_type,
        selling_entity=selling_entity(_country(spec.ship_from), _country(spec.ship_to), _country(spec.bill_to) or "US"),
        checkout_id=context.new_id("checkout"),
        charge_type=spec.charge_type,
        session=session,
        items=items,
        totals=totals,
        state="pending_payment",
        transitions={},
        fraud_state=None,
        fraud_transitions={},
        charge_ids=(),
        source_ids=(),
        shipping=shipping,
        discount=spec.discount,
        ship_to=spec.ship_to,
        ship_from=spec.ship_from,
        bill_to=spec.bill_to,
        customer_id=spec.customer_id,
        upstream_id=spec.upstream_id,
        application_id=spec.application_id,
        browser_ip=spec.browser_ip,
        metadata=spec.metadata,
    )


def _shipping(spec: ShippingSpec | None) -> Shipping | None:
    return None if spec is None else Shipping(spec.amount, half_up(spec.amount * spec.tax_rate), spec.shown)


def _country(party: Mapping[str, Any] | None) -> str | None:
    return party["address"]["country"] if party else None


def _items(spec: OrderSpec, context: Context) -> tuple[Item, ...]:
    amounts = [line.price * line.quantity for line in spec.lines]
    off = spec.amount_off if spec.percent_off is None else half_up(sum(amounts) * spec.percent_off / 100)
    if off > sum(amounts):
        raise Refused("bad_request", "invalid_parameter", "The discount is larger than the items.", "discount")
    discounts = spread(off, amounts)
    shipping = _shipping_shares(spec, amounts)
    return tuple(
        Item(
            id=line.id or context.new_id("item"),
            sku_id=line.sku_id,
            product=line.product,
            product_more=line.product_more,
            physical=line.physical,
            amount=amount,
            quantity=line.quantity,
            tax_rate=str(line.tax_rate),
            tax=half_up((amount - discount) * line.tax_rate),
            state="created",
            transitions={"created": context.now},
            importer_tax=line.importer_tax,
            duties=line.duties,
            fees=line.fees,
            fees_tax=line.fees_tax,
            shipping=share[0],
            shipping_tax=share[1],
            discount=discount,
            metadata=line.metadata,
        )
        for line, amount, discount, share in zip(spec.lines, amounts, discounts, shipping, strict=True)
    )


def _shipping_shares(spec: OrderSpec, amounts: list[int]) -> list[tuple[int, int]]:
    """Shipping and its tax per line: on physical lines in proportion to their amounts; on all if none is physical."""
    if spec.shipping is None:
        return [(0, 0)] * len(amounts)
    physical = [line.physical or not any(each.physical for each in spec.lines) for line in spec.lines]
    weights = [amount if carries else 0 for amount, carries in zip(amounts, physical, strict=True)]
    if not any(weights):
        weights = [int(carries) for carries in physical]
    tax = half_up(spec.shipping.amount * spec.shipping.tax_rate)
    return list(zip(spread(spec.shipping.amount, weights), spread(tax, weights), strict=True))


def _totals(items: tuple[Item, ...], shipping: Shipping | None, off: int) -> Totals:
    fees, duty = sum(item.fees for item in items), sum(item.duties for item in items)
    importer_tax = sum(item.importer_tax for item in items)
    shipping_amount = shipping.amount if shipping else 0
    tax = sum(item.tax + item.fees_tax for item in items) + (shipping.tax if shipping else 0)
    subtotal = sum(item.amount for item in items) + shipping_amount + fees + duty + importer_tax - off
    if subtotal + tax >= LIMIT:
        raise Refused("bad_request", "amount_too_large", "The order is larger than drsim can hold.", "items")
    return Totals(subtotal + tax, subtotal, fees, tax, importer_tax, duty, off, shipping_amount)


def _sources(spec: OrderSpec, order: Order, context: Context) -> tuple[Source, ...]:
    total, credit = order.totals.total, spec.store_credit
    if credit > total:
        message = "Source amount(s) exceed session amount"
        raise Refused("conflict", "session_source_amount_too_large", message, "storeCredit")
    sources = [_source(spec.source, total - credit, order, context)] if total > credit or not credit else []
    if credit:
        sources.append(_source(SourceSpec("customerCredit", spec.source.owner, {}), credit, order, context))
    return tuple(sources)


def _source(spec: SourceSpec, amount: int, order: Order, context: Context) -> Source:
    id = spec.id or context.new_id("source")
    return Source(
        id=id,
        created=context.now,
        type=spec.type,
        currency=order.currency,
        amount=amount,
        state=METHODS[spec.type].unpaid_state,
        owner=spec.owner,
        order_id=order.id,
        session_id=order.session.id,
        client_secret=f"{id}_{context.new_id('secret')}",
        details=spec.details,
        troubles=spec.troubles,
        customer_id=order.customer_id,
    )


def _await_shopper(draft: Draft, given_up: Time | None) -> None:
    """The shopper still has to pay: no charge yet, and an order that is given up at `given_up`, if ever."""
    source = draft.sources[0]
    session = replace(draft.order.session, state=source.state)
    if source.state == "pending_funds":
        shown = {"sourceId": source.id, "sourceClientSecret": source.client_secret}
        session = replace(session, next_action={"action": "show_payment_instructions", "data": shown})
    draft.amend(
        session=session,
        transitions={"pending_payment": draft.now},
        due=given_up,
        due_state="cancelled" if given_up is not None else None,
    )
    draft.tell("order.created")
    draft.tell("order.pending_payment")


def _charge(draft: Draft, spec: OrderSpec) -> None:
    """Authorizes a charge on each source, and with that decides how the order begins."""
    outcomes: dict[str, Outcome] = {}
    for source in draft.sources:
        if source.amount:
            charge = _new_charge(source, draft)
            draft.put(charge)
            outcomes[charge.id] = _authorization(draft, charge, spec.begins)
    draft.amend(charge_ids=tuple(draft.charges))
    waiting = any(outcome.after != 0 for outcome in outcomes.values())
    refused = next((each.failure for each in outcomes.values() if each.failure and each.after == 0), None)
    if refused:
        raise Refused("conflict", refused.code, "Failed to charge source.", rules=draft.rules)
    for charge in list(draft.charges.values()):
        draft.put(_begun(charge, outcomes[charge.id], draft.now))
    if waiting:
        _await_authorization(draft)
    elif spec.begins in ("in_review", "blocked"):
        _review(draft)
        if spec.begins == "blocked":
            block_order(draft)
    else:
        _accept_at_once(draft)


def _new_charge(source: Source, draft: Draft) -> Charge:
    return Charge(
        id=draft.context.new_id("charge"),
        created=draft.now,
        order_id=draft.order.id,
        source_id=source.id,
        session_id=source.session_id,
        currency=source.currency,
        amount=source.amount,
        state="pending",
        type=draft.order.charge_type,
        secondary=source.secondary,
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
    if outcome.after == 0:
        return replace(charge, state=step(CHARGE, charge.state, "capturable"))
    return replace(charge, due=None if outcome.after is None else now + outcome.after, failure=outcome.failure)


def _accept_at_once(draft: Draft) -> None:
    make_accepted(draft)
    draft.tell("order.created")
    _tell_charges(draft)
    draft.tell("order.accepted")


def _await_authorization(draft: Draft) -> None:
    draft.amend(transitions={"pending_payment": draft.now})
    draft.tell("order.created")
    _tell_charges(draft)
    draft.tell("order.pending_payment")


def _review(draft: Draft) -> None:
    order = moved(draft.order, "in_review", draft.now)
    session = replace(order.session, state="complete")
    opened = {"review_opened": draft.now}
    draft.put(replace(order, fraud_state="review_opened", fraud_transitions=opened, session=session))
    draft.sources = tuple(consumed(source) for source in draft.sources)
    draft.tell("order.created")
    _tell_charges(draft)
    draft.tell("order.review_opened")


def _tell_charges(draft: Draft) -> None:
    for charge in draft.charges.values():
        draft.tell(f"order.charge.{charge.state}", charge)
