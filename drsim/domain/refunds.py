"""Refunds as clients ask for them, and which parts of an order's lines each of them gives back.

Source: resources page, sections 2.7 and 4.7.
"""

from collections.abc import Mapping
from typing import Any, Literal

from drsim.domain.clock import DAY, Span, Time
from drsim.domain.values import value

Part = Literal["product", "tax", "shipping", "shipping_tax", "fees", "fees_tax", "duty", "importer_tax"]
"""What a line is made of, as far as refunds tell it apart; the product is without tax."""

TOKEN_LIFE: Span = 30 * DAY
"""How long the customer can give bank details (resources page, section 10, row 32)."""


@value
class Share:
    """Minor units of one part of one line that a refund gives back."""

    item_id: str
    part: Part
    amount: int


@value
class RefundedItem:
    """One line of an item-level refund: `amount` minor units for `quantity` units; `type` is what of it, if said."""

    item_id: str
    sku_id: str | None
    quantity: int
    amount: int
    type: str | None = None


@value
class Token:
    """What a customer gives bank details with, until it `expires`."""

    token: str
    expires: Time


@value
class Refund:
    """A refund. `amount` is what was asked for, `refunded` what was paid back of it, both in minor units.

    A refund on the order as a whole has no `items`. `shares` are the parts of lines that it gives back, or gave back
    once it is over; they can come to less than the amount where an order does not say what its money was for.
    """

    id: str
    created: Time
    order_id: str
    currency: str
    amount: int
    items: tuple[RefundedItem, ...]
    shares: tuple[Share, ...]
    state: str
    type: str | None = None
    reason: str | None = None
    metadata: Mapping[str, Any] | None = None
    refunded: int = 0
    failure_reason: str | None = None
    token: Token | None = None
    return_id: str | None = None
    """The return whose acceptance led to it."""
