"""Fulfillments: the notice that units of an order were shipped or cancelled."""

from collections.abc import Mapping
from typing import Any

from drsim.domain.clock import Time
from drsim.domain.values import value


@value
class FulfilledItem:
    """One line of a fulfillment: units shipped (`quantity`) and units cancelled of one order item.

    `extra` holds what is only kept and shown again: shipment item id, tracking and distributor fields.
    """

    item_id: str
    sku_id: str | None
    quantity: int
    cancel_quantity: int
    extra: Mapping[str, Any]


@value
class Fulfillment:
    """A fulfillment. `extra` holds what is only kept and shown again: shipment id, tracking, currency, partner."""

    id: str
    created: Time
    order_id: str
    items: tuple[FulfilledItem, ...]
    extra: Mapping[str, Any]
    metadata: Mapping[str, Any] | None = None
