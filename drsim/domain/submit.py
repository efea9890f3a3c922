"""Submitting a checkout: it becomes an order with charges, accepted, in review or waiting for payment, or is refused.

Sources: surroundings page, 3.8; resources page, 4.1, 7.2 and 8.
"""

from collections.abc import Mapping
from typing import Any, Literal

from drsim.domain.charges import Charge
from drsim.domain.checkouts import Checkout, CheckoutItem, entity_of, is_duty_paid, pricing, seller_tax_id
from drsim.domain.clock import Time
from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.methods import UNPAID_AFTER, Trouble
from drsim.domain.orders import Item, Order, Sale, Shipping, moved_session
from drsim.domain.outcome import Outcome
from drsim.domain.pricing import PricedLine, Pricing
from drsim.domain.refusal import Refused
from drsim.domain.review import block_order, open_review, screen, tell_charges
from drsim.domain.settle import end_authorization
from drsim.domain.sources import Contribution, Source
from drsim.domain.states import CHARGE, step
from drsim.domain.values import replace

Beginning = Literal["accepted", "pending_payment", "in_review", "blocked"]
"""How a specified order shall begin."""


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
