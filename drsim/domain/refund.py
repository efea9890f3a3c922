"""Refunding an order or lines of it: the checks, the amounts to the minor unit, the charges that pay it back.

Sources: resources page, sections 3.2 (refusals), 5.6 (what is available) and 9 (requests and their effects); platform
page, 3.1 (refusals) and 7.4 (events).
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from drsim.domain.amend import amended_metadata, merged_metadata
from drsim.domain.charges import Charge, ChargeRefund, repayable
from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.methods import METHODS
from drsim.domain.money import half_up, half_up_share, minor
from drsim.domain.orders import Item, Order, Sale, refundable_amount
from drsim.domain.refundable import FEES, OF_ITEMS, OF_ORDERS, Cell, left_to_refund, price, shares_of
from drsim.domain.refunds import Part, Refund, RefundedItem, Share
from drsim.domain.refusal import Refused, invalid, missing
from drsim.domain.values import replace, value

_WHOLE = Decimal(100)


@value
class Portion:
    """How much is asked for: `percent` of something, or an `amount` in major units; one of them."""

    percent: Decimal | None = None
    amount: Decimal | None = None


@value
class AskedItem:
    """One line of a request: a portion of what `quantity` units of an item cost, or of what `type` names of it."""

    item_id: str
    portion: Portion
    quantity: int | None = None
    type: str | None = None


@value
class Asked:
    """A request: a portion of the order, or of what `type` names of it; or else `items`."""

    currency: str
    portion: Portion | None
    items: tuple[AskedItem, ...] = ()
    type: str | None = None
    reason: str | None = None
    metadata: Mapping[str, Any] | None = None


def refund(sale: Sale, asked: Asked, context: Context) -> Decision:
    """Makes a refund, with a refund on every charge that it takes.

    Raises `Refused` with every refusal of `POST /refunds` that depends on the order; then nothing has changed.
    """
    if sale.order.state == "dispute":
        raise _not_valid("order", "A refund cannot be performed while there is a dispute on the order.")
    if asked.currency != sale.order.currency:
        raise _not_valid("currency", f"Currency {asked.currency} is not supported.")
    items: tuple[RefundedItem, ...] = ()
    if asked.items:
        items, shares = _of_items(sale, asked.items)
        amount = sum(item.amount for item in items)
    else:
        amount, shares = _of_order(sale, asked.type, asked.portion or Portion(_WHOLE))
    if amount > refundable_amount(sale):
        raise _too_much()
    draft = Draft(sale, context)
    made = Refund(
        id=f"re_{context.new_id('refund')}",
        created=context.now,
        order_id=sale.order.id,
        currency=sale.order.currency,
        amount=amount,
        items=items,
        shares=shares,
        state="pending",
        type=asked.type,
        reason=asked.reason,
        metadata=None if asked.metadata is None else merged_metadata(None, asked.metadata),
    )
    start(draft, made)
    return draft.decided(refund=made)


def start(draft: Draft, made: Refund) -> None:
    """Makes a new refund part of the draft, and takes its money from the charges."""
    draft.put(made)
    draft.amend(refund_ids=(*draft.order.refund_ids, made.id))
    draft.tell("refund.pending", refund=made)
    _take(draft, made)


def amend_refund(sale: Sale, refund_id: str, metadata: Mapping[str, Any], context: Context) -> Decision:
    """Changes the metadata of a refund and tells `refund.updated`, if anything is different afterwards."""
    draft = Draft(sale, context)
    changed = draft.refunds[refund_id]
    merged, previous = amended_metadata(changed.metadata, metadata)
    if previous:
        changed = replace(changed, metadata=merged)
        draft.put(changed)
        draft.tell("refund.updated", refund=changed, previous=previous)
    return draft.decided(refund=changed)


def _of_order(sale: Sale, type: str | None, portion: Portion) -> tuple[int, tuple[Share, ...]]:
    """The amount of an order-level refund, and the parts of lines that it gives back."""
    left, available = left_to_refund(sale), refundable_amount(sale)
    if type is None:
        amount = _amount(portion, available, sale.order)
        if amount == available:
            return amount, shares_of(amount, left)
        # Only the whole gives fees back.
        if amount > available - sum(left[cell] for cell in left if cell[1] in FEES):
            raise _too_much()
        return amount, shares_of(amount, _only(left, [part for _, part in left if part not in FEES]))
    cells = _only(left, OF_ORDERS[type])
    most = min(available, sum(cells.values()))
    if type == "tax" and most and _is_partial(portion, most, sale.order):
        raise _not_valid("percentRequested", "Only full tax refunds are supported.")
    amount = _amount(portion, most, sale.order)
    if amount > most:
        raise _too_much()
    return amount, shares_of(amount, cells)


def _is_partial(portion: Portion, whole: int, order: Order) -> bool:
    if portion.percent is not None:
        return portion.percent != _WHOLE
    return _minor(portion, order, "amount") != whole


def _of_items(sale: Sale, asked: Sequence[AskedItem]) -> tuple[tuple[RefundedItem, ...], tuple[Share, ...]]:
    """The lines of an item-level refund, one after the other, and the parts of the order's lines they give back."""
    known = {item.id: item for item in sale.order.items}
    for index, each in enumerate(asked):
        if each.item_id not in known:
            raise invalid(f"items[{index}].itemId", each.item_id, "itemId")
    left, available = left_to_refund(sale), refundable_amount(sale)
    items: list[RefundedItem] = []
    shares: list[Share] = []
    for index, each in enumerate(asked):
        item = known[each.item_id]
        quantity = item.quantity if each.quantity is None else each.quantity
        if not 0 < quantity <= item.quantity:
            raise invalid(f"items[{index}].quantity", quantity, "quantity")
        cells = {cell: left[cell] for cell in left if cell[0] == item.id and cell[1] in OF_ITEMS[each.type]}
        limits = Limits(sum(cells.values()), available)
        amount = _of_item(sale.order, item, quantity, each, limits, f"items[{index}].")
        available -= amount
        taken = shares_of(amount, cells)
        for share in taken:
            left[share.item_id, share.part] -= share.amount
        items.append(RefundedItem(item.id, item.sku_id, quantity, amount, each.type))
        shares += taken
    return tuple(items), tuple(shares)


@value
class Limits:
    """What is left, in minor units: of the parts of a line that a refund is about, and of the whole order."""

    line: int
    order: int


def _of_item(order: Order, item: Item, quantity: int, asked: AskedItem, limits: Limits, path: str) -> int:
    """The amount for one line.

    What a percentage comes to is rounded for each request: where that adds up to less than one minor unit too much for
    each unit of the line, or to one too much for each line of the order, the last one takes what is left.
    """
    worth = half_up_share(price(item, OF_ITEMS[asked.type]), quantity, item.quantity)
    amount = _amount(asked.portion, worth, order, path)
    if asked.portion.percent is not None:
        amount = _less_rounding(amount, limits.line, item.quantity - 1)
        amount = _less_rounding(amount, limits.order, len(order.items))
    if amount > min(limits.line, limits.order):
        raise _too_much()
    return amount


def _less_rounding(amount: int, left: int, slack: int) -> int:
    return left if 0 < left < amount <= left + slack else amount


def _amount(portion: Portion, whole: int, order: Order, path: str = "") -> int:
    """A portion in minor units. Raises `Refused` for one that comes to nothing."""
    if portion.percent is None:
        return _minor(portion, order, f"{path}amount")
    amount = half_up(Decimal(whole) * portion.percent / _WHOLE)
    if not whole:
        raise _too_much()
    if not amount:
        raise invalid(f"{path}percent", portion.percent, "percent")
    return amount


def _minor(portion: Portion, order: Order, path: str) -> int:
    assert portion.amount is not None
    try:
        return minor(portion.amount, order.currency)
    except ValueError as error:
        raise invalid(path, portion.amount, "amount") from error


def _only(left: Mapping[Cell, int], parts: Iterable[Part]) -> dict[Cell, int]:
    wanted = set(parts)
    return {cell: amount for cell, amount in left.items() if cell[1] in wanted}


def _take(draft: Draft, made: Refund) -> None:
    """Takes the money from the charges: store credit gets its own back last (resources page, 7.1)."""
    amount = made.amount
    for charge in sorted(draft.charges.values(), key=lambda charge: charge.secondary):
        part = min(amount, repayable(charge))
        if part:
            amount -= part
            _begin(draft, charge, part, made)
    assert not amount, f"{amount} of refund {made.id} was never captured"


def _begin(draft: Draft, charge: Charge, amount: int, made: Refund) -> None:
    outcome = draft.outcome("refund", charge, amount, len(charge.refunds) + 1)
    source = draft.sale.source(charge.source_id)
    fails_at_once = any(each.stage == "refund" and each.how == "fails" for each in source.troubles)
    asks = METHODS[source.type].refunds_to_bank and not outcome.ruled and not fails_at_once
    after = draft.context.account.delays.refund if asks else outcome.after
    operation = ChargeRefund(
        id=draft.context.new_id("charge_refund"),
        created=draft.now,
        amount=amount,
        state="pending",
        due=None if after is None else draft.now + after,
        failure=outcome.failure,
        refund_id=made.id,
        asks=asks,
    )
    draft.begin_refund(charge, operation)


def check_portion(percent: Decimal | None, amount: Decimal | None, path: str = "") -> Portion:
    """The portion that a request asks for with one of these. Raises `Refused` for none and for both."""
    if percent is not None and amount is not None:
        raise invalid(f"{path}percent", percent, "parameter beside amount")
    if percent is None and amount is None:
        raise missing(f"{path}amount")
    return Portion(percent, amount)


def _too_much() -> Refused:
    return _not_valid("amountRequested", "The requested refund amount is greater than the available amount.")


def _not_valid(parameter: str, message: str) -> Refused:
    return Refused("bad_request", "invalid_parameter", message, parameter)
