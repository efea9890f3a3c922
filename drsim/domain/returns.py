"""Returns: the notice that shipped units come back, and how many of them have been accepted.

Source: resources page, section 2.8; surroundings page, section 7.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from drsim.domain.clock import Time
from drsim.domain.values import value


@value
class ReturnedItem:
    """One line of a return: `quantity` units of one item, worth `amount` minor units with tax; some may be accepted."""

    item_id: str
    sku_id: str | None
    quantity: int
    amount: int
    accepted: int = 0

    @property
    def waiting(self) -> int:
        """Units that are announced and not accepted yet."""
        return self.quantity - self.accepted

    @property
    def state(self) -> str:
        """A line is accepted once all its units are."""
        return "created" if self.waiting else "accepted"


@value
class Return:
    """A return of units of one order. `location` is only kept and shown; `refund_ids` is what its acceptance led to."""

    id: str
    created: Time
    order_id: str
    currency: str
    items: tuple[ReturnedItem, ...]
    state: str
    reason: str | None = None
    location: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None
    updated: Time | None = None
    refund_ids: tuple[str, ...] = ()


def units_sent_back(returns: Iterable[Return], *, accepted: bool = False) -> dict[str, int]:
    """Per item id, the units of these returns; only of those that are `accepted`, if that is asked."""
    units: dict[str, int] = {}
    for each in returns:
        if each.state == "accepted" or not accepted:
            for item in each.items:
                units[item.item_id] = units.get(item.item_id, 0) + item.quantity
    return units
