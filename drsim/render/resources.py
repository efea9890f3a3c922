"""Resources that events tell about by themselves, each by its own rendering."""

from collections.abc import Callable, Mapping
from typing import Any

from drsim.domain.checkouts import Purchase
from drsim.domain.customers import Profile
from drsim.domain.fulfillment_cancellations import FulfillmentCancellation
from drsim.domain.fulfillment_orders import Backorder, Cancelled, FulfillmentOrder
from drsim.domain.fulfillment_returns import FulfillmentReturn
from drsim.domain.shipments import Shipment
from drsim.domain.skus import Sku
from drsim.domain.sources import Source
from drsim.domain.tax_identifiers import TaxIdentifier
from drsim.render.checkouts import checkout
from drsim.render.customers import customer, tax_identifier
from drsim.render.logistics import (
    backorder,
    cancelled,
    fulfillment_cancellation,
    fulfillment_order,
    fulfillment_return,
    shipment,
)
from drsim.render.parts import Json
from drsim.render.skus import sku
from drsim.render.sources import source

_RENDERINGS: Mapping[type, Callable[[Any], Json]] = {
    FulfillmentOrder: fulfillment_order,
    Backorder: backorder,
    Cancelled: cancelled,
    Shipment: shipment,
    FulfillmentCancellation: fulfillment_cancellation,
    FulfillmentReturn: fulfillment_return,
    Source: source,
    Purchase: checkout,
    Profile: customer,
    TaxIdentifier: tax_identifier,
    Sku: sku,
    type(None): lambda gone: {},
}


def resource(it: Any) -> Json:
    """A resource that is no part of a sale; of one that is gone, nothing."""
    return _RENDERINGS[type(it)](it)
