"""Bodies of `/fulfillments`."""

from pydantic import Field

from drsim.web.bodies.fields import Body, Count, Id, Metadata, Text


class FulfillmentItemBody(Body):
    """One line of `POST /fulfillments`."""

    itemId: Id
    quantity: Count = 0
    cancelQuantity: Count = 0
    shipmentItemId: Text | None = None
    trackingCompany: Text | None = None
    trackingNumber: Text | None = None
    trackingUrl: Text | None = None
    subfulfillerId: Text | None = None
    distributorCost: float | None = Field(None, ge=0, allow_inf_nan=False)
    shippingCost: float | None = Field(None, ge=0, allow_inf_nan=False)


class FulfillmentBody(Body):
    """`POST /fulfillments`."""

    orderId: Id
    items: list[FulfillmentItemBody]
    shipmentId: Text | None = None
    trackingCompany: Text | None = None
    trackingNumber: Text | None = None
    trackingUrl: Text | None = None
    currency: Text | None = None
    partnerId: Text | None = None
    metadata: Metadata | None = None


class FulfillmentItemChange(Body):
    """One line of `POST /fulfillments/{id}`."""

    itemId: Id
    trackingCompany: Text | None = None
    trackingNumber: Text | None = None
    trackingUrl: Text | None = None


class FulfillmentChange(Body):
    """`POST /fulfillments/{id}`: tracking and metadata only."""

    trackingCompany: Text | None = None
    trackingNumber: Text | None = None
    trackingUrl: Text | None = None
    metadata: Metadata | None = None
    items: tuple[FulfillmentItemChange, ...] = ()
