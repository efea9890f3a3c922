"""Taking goods back: what may be returned and what it is worth, and the refund that follows once all of it is accepted.

Sources: surroundings page, section 7; resources page, sections 2.8, 3.2 (refusals) and 4.1; platform page, 7.4
(events).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from drsim.domain.amend import Metadata, amended_metadata, merged_metadata
from drsim.domain.decision import Context, Decision, Draft
from drsim.domain.money import half_up_share
from drsim.domain.orders import Item, Sale, refundable_amount
from drsim.domain.refund import start
from drsim.domain.refundable import PRODUCT, left_to_refund, shares_of
from drsim.domain.refunds import Refund, RefundedItem, Share
from drsim.domain.refusal import Refused, invalid, not_found
from drsim.domain.returned import count_returned
from drsim.domain.returns import Return, ReturnedItem, units_sent_back
from drsim.domain.states import RETURN, step
from drsim.domain.values import replace, value


@value
class AskedUnits:
    """One line of a request: `quantity` units of an item, or of the items of a SKU."""

    quantity: int
    item_id: str | None = None
    sku_id: str | None = None

    def means(self, item: Item | ReturnedItem) -> bool:
        """Whether this line is about that item; where an item is named, its SKU is not looked at."""
        if self.item_id is not None:
            return self.item_id == (item.id if isinstance(item, Item) else item.item_id)
        return self.sku_id == item.sku_id


@value
class Asked:
    """A request to take back `items`, with what is only kept and shown."""

    items: tuple[AskedUnits, ...]
    reason: str | None = None
    location: Mapping[str, Any] | None = None
    metadata: Metadata | None = None


@value
class ReturnChange:
    """What `POST /returns/{id}` changes: units that are accepted, everything that waits for it, metadata."""

    accepted: tuple[AskedUnits, ...] = ()
    everything: bool = False
    metadata: Metadata | None = None


def take_back(sale: Sale, asked: Asked, context: Context) -> Decision:
    """Announces a return. Its units were shipped, and are in no other return.

    Raises `Refused` with every refusal of `POST /returns` that depends on the order; then nothing has changed.
    """
    _check_no_dispute(sale)
    for index, each in enumerate(asked.items):
        _check_known(each, sale.order.items, index)
    made = Return(
        id=f"ret_{context.new_id('return')}",
        created=context.now,
        order_id=sale.order.id,
        currency=sale.order.currency,
        items=tuple(_announced(sale, asked.items)),
        state="created",
        reason=asked.reason,
        location=asked.location,
        metadata=None if asked.metadata is None else merged_metadata(None, asked.metadata),
    )
    draft = Draft(sale, context)
    draft.put(made)
    draft.amend(return_ids=(*draft.order.return_ids, made.id))
    draft.tell("return.created", returned=made)
    return draft.decided(returned=made)


def announce_everything(sale: Sale, context: Context) -> Decision:
    """Announces a return of everything that was shipped and is in no return. Raises `Refused`."""
    items = tuple(AskedUnits(units, id) for id, units in returnable_units(sale).items() if units)
    return take_back(sale, Asked(items), context)


def take_back_everything(sale: Sale, context: Context) -> Decision:
    """Everything that was shipped and is in no return comes back and is accepted at once. Raises `Refused`."""
    announced = announce_everything(sale, context)
    assert announced.returned is not None
    accepted = change_return(announced.sale, announced.returned.id, ReturnChange(everything=True), context)
    return replace(accepted, events=(*announced.events, *accepted.events))


def change_return(sale: Sale, return_id: str, change: ReturnChange, context: Context) -> Decision:
    """Accepts units of a return, or changes its metadata. Once all its units are accepted their money goes back.

    Raises `Refused` with every refusal of `POST /returns/{id}` that depends on the order; then nothing has changed.
    """
    draft = Draft(sale, context)
    if return_id not in draft.returns:
        raise not_found("Return", return_id)
    before = draft.returns[return_id]
    metadata = before.metadata
    previous: dict[str, Any] = {}
    if change.metadata is not None:
        metadata, previous = amended_metadata(before.metadata, change.metadata)
    if change.accepted or change.everything:
        _check_no_dispute(sale)
    items = _accepted(before.items, change)
    whole = items != before.items and not any(item.waiting for item in items)
    if items != before.items and not whole:
        previous = {**previous, "items": [_changed(*pair) for pair in zip(before.items, items, strict=True)]}
    changed = replace(before, items=before.items if whole else items, metadata=metadata, updated=draft.now)
    if previous:
        draft.put(changed)
        draft.tell("return.updated", returned=changed, previous=previous)
    if whole:
        _accept(draft, replace(changed, items=items))
    return draft.decided(returned=draft.returns[return_id])


def returnable_units(sale: Sale) -> dict[str, int]:
    """Per item id, the units that were shipped and are in no return, accepted or not."""
    sent = units_sent_back(sale.returns)
    return {
        item.id: 0 if item.state == "returned" else max(0, item.fulfilled - sent.get(item.id, 0))
        for item in sale.order.items
    }


def _check_no_dispute(sale: Sale) -> None:
    if sale.order.state == "dispute":
        message = "A return cannot be performed while there is a dispute on the order."
        raise Refused("conflict", "invalid_parameter", message, "order")


def _check_known(asked: AskedUnits, items: Sequence[Item | ReturnedItem], index: int) -> None:
    if not any(asked.means(item) for item in items):
        name, id = ("skuId", asked.sku_id) if asked.item_id is None else ("itemId", asked.item_id)
        raise invalid(f"items[{index}].{name}", id, name)


def _too_many(index: int, message: str) -> Refused:
    # The vendor names the quantity like this, whatever it is called in the request.
    return Refused("conflict", "quantity_too_large", message, f"items[{index}].qty")


def _announced(sale: Sale, asked: Sequence[AskedUnits]) -> Iterator[ReturnedItem]:
    """The lines of a return, one after the other; the units of a SKU come from its lines in the order's order."""
    left, sent = returnable_units(sale), units_sent_back(sale.returns)
    for index, each in enumerate(asked):
        items = [item for item in sale.order.items if each.means(item)]
        if each.quantity > sum(left[item.id] for item in items):
            raise _too_many(index, "Return quantity is larger than order quantity")
        wanted = each.quantity
        for item in items:
            units = min(wanted, left[item.id])
            if units:
                before = sent.get(item.id, 0)
                amount = _worth(item, before + units) - _worth(item, before)
                yield ReturnedItem(item.id, item.sku_id, units, amount)
                sent[item.id], wanted = before + units, wanted - units
                left[item.id] -= units


def _worth(item: Item, units: int) -> int:
    """What the first so many units that come back of a line are worth; so all of them are worth the line exactly."""
    return half_up_share(item.product_price, units, item.quantity)


def _accepted(items: tuple[ReturnedItem, ...], change: ReturnChange) -> tuple[ReturnedItem, ...]:
    """The lines of a return with more units accepted."""
    if change.everything:
        return tuple(replace(item, accepted=item.quantity) for item in items)
    for index, each in enumerate(change.accepted):
        _check_known(each, items, index)
        wanted, after = each.quantity, []
        for item in items:
            units = min(wanted, item.waiting) if each.means(item) else 0
            wanted -= units
            after.append(replace(item, accepted=item.accepted + units))
        if wanted:
            raise _too_many(index, "Accepted quantity is larger than return quantity")
        items = tuple(after)
    return items


def _changed(before: ReturnedItem, after: ReturnedItem) -> dict[str, Any]:
    """What was different of a line, in public form."""
    old = {"quantityAccepted": before.accepted, "state": before.state}
    new = {"quantityAccepted": after.accepted, "state": after.state}
    return {name: value for name, value in old.items() if value != new[name]}


def _accept(draft: Draft, returned: Return) -> None:
    """All of a return is accepted: its money goes back, and it may have been the last of its lines and the order."""
    _check_captured(draft.sale, returned)
    returned = replace(returned, state=step(RETURN, returned.state, "accepted"))
    draft.put(returned)
    made = _refund(draft, returned)
    if made is not None:
        start(draft, made)
        returned = replace(returned, refund_ids=(*returned.refund_ids, made.id))
    draft.put(returned)
    draft.tell("return.accepted", returned=returned)
    count_returned(draft)


def _check_captured(sale: Sale, returned: Return) -> None:
    lines = {item.item_id for item in returned.items}
    for charge in sale.charges:
        if any(capture.state == "pending" and capture.item_id in lines for capture in charge.captures):
            message = f"Return '{returned.id}' cannot be accepted while its order is still being captured."
            raise Refused("conflict", "invalid_state", message, "state")


def _refund(draft: Draft, returned: Return) -> Refund | None:
    """The refund of a return: what its units are worth, as far as that was captured and is not refunded yet."""
    left, available = left_to_refund(draft.sale), refundable_amount(draft.sale)
    items: list[RefundedItem] = []
    shares: list[Share] = []
    for each in returned.items:
        cells = {cell: left[cell] for cell in left if cell[0] == each.item_id and cell[1] in PRODUCT}
        amount = min(each.amount, sum(cells.values()), available)
        available -= amount
        for share in (taken := shares_of(amount, cells)):
            left[share.item_id, share.part] -= share.amount
        if amount:
            items.append(RefundedItem(each.item_id, each.sku_id, each.quantity, amount))
            shares += taken
    if not items:
        return None
    return Refund(
        id=f"re_{draft.context.new_id('refund')}",
        created=draft.now,
        order_id=draft.order.id,
        currency=draft.order.currency,
        amount=sum(item.amount for item in items),
        items=tuple(items),
        shares=tuple(shares),
        state="pending",
        return_id=returned.id,
    )
