"""When lines and orders count as returned: once everything that was shipped has come back or was refunded.

Source: resources page, sections 4.1 and 4.2.
"""

from drsim.domain.decision import Draft
from drsim.domain.orders import Item, Sale, moved, moved_item
from drsim.domain.refundable import PRODUCT, left_to_refund
from drsim.domain.returns import units_sent_back
from drsim.domain.values import replace


def count_returned(draft: Draft) -> None:
    """Moves on the lines whose shipped units are all back, and a complete order of which nothing else is left.

    Refunds alone make nothing returned: at least one unit has to be back.
    """
    back = units_sent_back(draft.returns.values(), accepted=True)
    if not back:
        return
    items = tuple(
        moved_item(item, "returned", draft.now) if _is_back(item, back.get(item.id, 0)) else item
        for item in draft.order.items
    )
    if items != draft.order.items:
        draft.put(replace(draft.order, items=items, updated=draft.now))
    if draft.order.state == "complete" and _nothing_is_left(draft.sale):
        draft.put(moved(draft.order, "returned", draft.now))
        draft.tell("order.returned")


def _is_back(item: Item, units: int) -> bool:
    return item.state == "fulfilled" and units >= item.fulfilled > 0


def _nothing_is_left(sale: Sale) -> bool:
    """Whether every line is returned, cancelled, or paid back in full."""
    kept = [item.id for item in sale.order.items if item.state not in ("returned", "cancelled")]
    if not kept:
        return True
    paid, paying = _refunded_lines(sale, "succeeded"), _refunded_lines(sale, "pending", "pending_information")
    left = left_to_refund(sale)
    return all(id in paid - paying and not any(left[id, part] for part in PRODUCT) for id in kept)


def _refunded_lines(sale: Sale, *states: str) -> set[str]:
    return {share.item_id for refund in sale.refunds if refund.state in states for share in refund.shares}
