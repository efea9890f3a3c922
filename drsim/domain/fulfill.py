"""Fulfilling and cancelling units of an order: the checks, the split into captures and cancels, the events.

Sources: the page "Capturing and cancelling charges"; resources page, sections 3.1 (refusals), 4.5 (events) and 5.4
(amounts).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from drsim.domain.charges import Charge, Operation, OperationKind, uncommitted
from drsim.domain.clock import Time
from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.ending import close_if_settled
from drsim.domain.fulfillments import FulfilledItem, Fulfillment
from drsim.domain.money import ceiling_share, decimal
from drsim.domain.orders import Item, Order, Sale, left_amount, moved, moved_item, open_units
from drsim.domain.outcome import Facts, Failure, Outcome, matching_rule
from drsim.domain.refusal import Refused, invalid
from drsim.domain.returned import count_returned
from drsim.domain.values import replace, value


@value
class Line:
    """One line of a request: ship `quantity` units and cancel `cancel_quantity` units of one item; one is above 0."""

    item_id: str
    quantity: int
    cancel_quantity: int
    extra: Mapping[str, Any]


def fulfill(
    sale: Sale,
    lines: Sequence[Line],
    extra: Mapping[str, Any],
    metadata: Mapping[str, Any] | None,
    context: Context,
) -> Decision:
    """Makes a fulfillment of `lines`, with a capture or cancel on every charge that each of them touches.

    Raises `Refused` with every refusal of `POST /fulfillments` that depends on the order; then nothing has changed,
    except that an authorization which could not be renewed is told as an event.
    """
    check_items_exist(sale.order, lines)
    check_order_is_open(sale.order)
    check_units_are_open(sale.order, lines)
    draft = Draft(sale, context)
    doomed = _renew_expired(draft) if any(line.quantity for line in lines) else frozenset()
    fulfillment = _fulfillment(sale.order, lines, extra, metadata, context)
    draft.tell("fulfillment.created", sale=sale, fulfillment=fulfillment)
    for number, line in enumerate(_in_order_of(sale.order, lines)):
        asked = Asked(line.item_id, number, fulfillment.id, doomed)
        _handle(draft, "capture", line.quantity, asked)
        _handle(draft, "cancel", line.cancel_quantity, asked)
    if not open_units(draft.order) and any(item.fulfilled for item in draft.order.items):
        draft.put(moved(draft.order, "fulfilled", draft.now))
        draft.tell("order.fulfilled")
    count_returned(draft)
    close_if_settled(draft)
    return draft.decided(fulfillment)


def line_share(item: Item, units: int) -> int:
    """What `units` units of a line are worth, in minor units: their share of all it adds to the total, rounded up.

    Source: resources page, 5.4, rule 2. Rule 3, never more than is left and the rest for the last open unit of the
    order, is applied in `amount_of`.
    """
    return ceiling_share(item.total, units, item.quantity)


def amount_of(sale: Sale, item: Item, units: int) -> int:
    """The amount of one capture or cancel, in minor units: the splitting rule (resources page, 5.4).

    The operation that handles the last open unit of the whole order takes exactly what the charges have left; any
    other takes its line's share, rounded up, but never more than is left. What a planned retry will capture is spoken
    for.
    """
    planned = sum(retry.failed.amount for charge in sale.charges for retry in charge.retries)
    left = max(0, left_amount(sale) - planned)
    return left if units == open_units(sale.order) else min(line_share(item, units), left)


def check_items_exist(order: Order, lines: Sequence[Line]) -> None:
    """Raises `Refused` for a line of something else."""
    known = {item.id for item in order.items}
    for index, line in enumerate(lines):
        if line.item_id not in known:
            raise invalid(f"items[{index}].itemId", line.item_id, "itemId")


def check_order_is_open(order: Order, parameter: str = "orderId") -> None:
    """Raises `Refused`, naming `parameter`, for an order that is not accepted, or not any more."""
    # The two blanks are the vendor's, in all messages that end in "already ...".
    if order.state == "fulfilled":
        raise _conflict("order_fulfilled", f"Resource '{order.id}' is fulfilled.", parameter)
    if order.state in ("complete", "returned"):
        raise _conflict("order_complete", f"Resource '{order.id}'  is already complete.", parameter)
    if order.state == "cancelled":
        raise _conflict("order_cancelled", f"Resource '{order.id}'  is already cancelled.", parameter)
    if order.state != "accepted":
        raise _conflict("order_not_submitted", f"Order '{order.id}' has not been submitted.", parameter)


def check_units_are_open(order: Order, lines: Sequence[Line]) -> None:
    """Raises `Refused` for lines that are handled already and for more units than are left."""
    items = {item.id: item for item in order.items}
    asked: dict[str, int] = {}
    for line in lines:
        item = items[line.item_id]
        if item.state == "cancelled":
            raise _conflict("item_cancelled", f"Resource '{item.id}'  is already cancelled.", "itemId")
        if item.state != "created":
            raise _conflict("item_fulfilled", f"Resource '{item.id}'  is already fulfilled", "itemId")
        asked[item.id] = asked.get(item.id, 0) + line.quantity + line.cancel_quantity
        if asked[item.id] > item.open:
            message = "Sum of quantity and cancelQuantity may not exceed sku quantity of the order."
            raise _conflict("quantity_too_large", message, "quantity")


def _conflict(code: str, message: str, parameter: str) -> Refused:
    return Refused("conflict", code, message, parameter)


def _renew_expired(draft: Draft) -> frozenset[str]:
    """Renews authorizations that have lapsed; returns the charges whose captures are bound to fail.

    A behavior rule for `authorize` decides; without one, renewing works on a risk-tolerant account and does not on a
    risk-averse one. A tolerant account captures all the same when it does not work, and that capture fails. Raises
    `Refused` on a risk-averse account (resources page, 7.3).
    """
    doomed = set()
    for charge in list(draft.charges.values()):
        if charge.expires > draft.now or not uncommitted(charge):
            continue
        if _renews(draft, charge):
            draft.put(replace(charge, expires=draft.now + draft.context.account.authorization_ttl))
        elif draft.context.account.risk_tolerance == "averse":
            draft.tell("order.charge.reauth.failed")
            text = "Fulfillment cannot be processed because the payment authorization has expired"
            raise Refused(
                "conflict",
                "payment_authorization_failed",
                text,
                "orderId",
                extra={"description": text},
                events=tuple(draft.events),
                rules=draft.rules,
            )
        else:
            doomed.add(charge.id)
    return frozenset(doomed)


def _renews(draft: Draft, charge: Charge) -> bool:
    source = draft.sale.source(charge.source_id)
    amount = decimal(uncommitted(charge), charge.currency)
    facts = Facts(draft.order.id, charge.id, source.type, source.last_four, amount, 2, draft.order.upstream_id)
    rule, draft.rules = matching_rule("authorize", facts, draft.rules)
    if rule is None:
        return draft.context.account.risk_tolerance == "tolerant"
    outcome = rule.then.outcome(0)
    return outcome.failure is None and outcome.after is not None


def _fulfillment(
    order: Order,
    lines: Sequence[Line],
    extra: Mapping[str, Any],
    metadata: Mapping[str, Any] | None,
    context: Context,
) -> Fulfillment:
    sku_ids = {item.id: item.sku_id for item in order.items}
    items = tuple(
        FulfilledItem(line.item_id, sku_ids[line.item_id], line.quantity, line.cancel_quantity, line.extra)
        for line in lines
    )
    return Fulfillment(f"ful_{context.new_id('fulfillment')}", context.now, order.id, items, extra, metadata)


def _in_order_of(order: Order, lines: Sequence[Line]) -> Iterable[Line]:
    """The lines as the order lists its items, whatever the order of the request (resources page, 5.4, rule 4)."""
    places = {item.id: place for place, item in enumerate(order.items)}
    return sorted(lines, key=lambda line: places[line.item_id])


@value
class Asked:
    """What captures and cancels are made for: a line of a fulfillment; `doomed` charges cannot be captured."""

    item_id: str
    line: int
    fulfillment_id: str
    doomed: frozenset[str]


def _handle(draft: Draft, kind: OperationKind, units: int, asked: Asked) -> None:
    """Captures or cancels `units` units of one item, on as many charges as it takes, and counts them as handled."""
    if not units:
        return
    item = next(item for item in draft.order.items if item.id == asked.item_id)
    amount = amount_of(draft.sale, item, units)
    counted = _counted(item, kind, units, draft.now)
    updated = draft.order.updated if counted.state == item.state else draft.now
    draft.amend(items=tuple(counted if each is item else each for each in draft.order.items), updated=updated)
    for charge in _drawn_first(draft, kind):
        part = min(amount, uncommitted(charge))
        if part:
            amount -= part
            _begin(draft, charge, kind, part, units, asked)


def _counted(item: Item, kind: OperationKind, units: int, now: Time) -> Item:
    """The item with so many more units fulfilled or cancelled; its last open unit moves it on."""
    if kind == "capture":
        item = replace(item, fulfilled=item.fulfilled + units)
    else:
        item = replace(item, cancelled=item.cancelled + units)
    return item if item.open else moved_item(item, "fulfilled" if item.fulfilled else "cancelled", now)


def _drawn_first(draft: Draft, kind: OperationKind) -> list[Charge]:
    """Captures drain store credit first, cancels the primary charge (resources page, 5.1)."""
    charges = [charge for charge in draft.charges.values() if charge.state in ("capturable", "processing")]
    return sorted(charges, key=lambda charge: charge.secondary == (kind == "cancel"))


def _begin(draft: Draft, charge: Charge, kind: OperationKind, amount: int, units: int, asked: Asked) -> None:
    outcome = draft.outcome(kind, charge, amount, len(charge.operations(kind)) + 1)
    if kind == "capture" and charge.id in asked.doomed and not outcome.ruled and outcome.failure is None:
        outcome = Outcome(draft.context.account.delays.capture, Failure())
    operation = Operation(
        id=draft.context.new_id(kind),
        created=draft.now,
        amount=amount,
        state="pending",
        due=None if outcome.after is None else draft.now + outcome.after,
        failure=outcome.failure,
        fulfillment_id=asked.fulfillment_id,
        item_id=asked.item_id,
        units=units,
        line=asked.line,
    )
    draft.begin(charge, kind, operation)
