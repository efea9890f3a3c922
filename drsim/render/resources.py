"""Resources that events tell about by themselves, each by its own rendering."""

from collections.abc import Callable, Mapping
from typing import Any

from drsim.domain.checkouts import Purchase
from drsim.domain.fulfillment_cancellations import FulfillmentCancellation
from drsim.domain.fulfillment_orders import Backorder, Cancelled, FulfillmentOrder
from drsim.domain.fulfillment_returns import FulfillmentReturn
from drsim.domain.shipments import Shipment
from drsim.domain.sources import Source
from drsim.render.checkouts import checkout
from drsim.render.logistics import (
    backorder,
    cancelled,
    fulfillment_cancellation,
    fulfillment_order,
    fulfillment_return,
    shipment,
)
from drsim.render.parts import Json
from drsim.render.sources import source

_RENDERINGS: Mapping[type, Callable[[Any], Json]] = {
    Purchase: checkout,
    Source: source,
    FulfillmentOrder: fulfillment_order,
    Backorder: backorder,
    Cancelled: cancelled,
    Shipment: shipment,
    FulfillmentCancellation: fulfillment_cancellation,
    FulfillmentReturn: fulfillment_return,
}


def resource(it: Any) -> Json:
    """A resource that is no part of a sale."""
    return _RENDERINGS[type(it)](it)
