"""Bodies of `/fulfillment-orders`, `/fulfillment-cancellations` and `/fulfillment-returns`, and of the notices."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from drsim.web.bodies.checkouts import AdditionalAddressBody, AddressBody, Country, Maybe, Tolerant
from drsim.web.bodies.fields import INSTANT_ONLY, Body, Count, Id, Instant, Metadata, Needed, Span, Text, figure

Money = Annotated[float, BeforeValidator(figure), Field(ge=0, allow_inf_nan=False)]
"""Money in major units that is only kept and shown."""
MOST_LINES = 1_000


class DestinationBody(AddressBody):
    """Where goods go: the country has to be there."""

    country: Country


class ShipToBody(Tolerant):
    """Who gets the goods."""

    address: DestinationBody
    name: Maybe = None
    phone: Maybe = None
    email: Maybe = None
    organization: Maybe = None
    additionalAddressInfo: AdditionalAddressBody | None = None


class ShippingBody(Tolerant):
    """How they are shipped."""

    id: Id
    shippingInstructions: Text | None = None
    dutiesPaid: bool | None = None
    signatureRequiredType: Literal["standard", "adult"] | None = None


class AuthorityTaxBody(Tolerant):
    """What one authority gets."""

    authorityType: Needed
    amount: Money


class LineTaxBody(Tolerant):
    """The tax on a line."""

    amount: Money
    items: tuple[AuthorityTaxBody, ...] | None = None


class FulfillmentOrderItemBody(Body):
    """One line of `POST /fulfillment-orders`."""

    inventoryItemId: Id
    quantity: Count
    upstreamId: Id | None = None
    tax: LineTaxBody | None = None
    subtotal: Money | None = None
    total: Money | None = None
    name: Text | None = None
    giftMessage: Text | None = None
    giftWrap: bool | Text | None = None


class FulfillmentOrderBody(Body):
    """`POST /fulfillment-orders`."""

    currency: Needed
    upstreamOrderTime: Annotated[Needed, INSTANT_ONLY]
    shipTo: ShipToBody
    shippingChoice: ShippingBody
    items: Annotated[tuple[FulfillmentOrderItemBody, ...], Field(max_length=MOST_LINES)]
    upstreamId: Id | None = None
    reservationId: Id | None = None
    locale: Text | None = None
    name: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    metadata: Metadata | None = None


class NoticeItemBody(Body):
    """Units of one line of a fulfillment order, named by its own id or by that of the order's line."""

    id: Id | None = None
    upstreamId: Id | None = None
    quantity: Count


NoticeItems = Annotated[tuple[NoticeItemBody, ...], Field(max_length=MOST_LINES)]


class ShipBody(Body):
    """`POST /_sim/fulfillment-orders/{id}/ship`: everything open without `items`, tracking made up without any."""

    items: NoticeItems = ()
    trackingCompany: Text | None = None
    trackingNumber: Text | None = None
    trackingUrl: Text | None = None


class BackorderBody(Body):
    """`POST /_sim/fulfillment-orders/{id}/backorder`: everything pending without `items`."""

    items: NoticeItems = ()
    availableTime: Instant | None = None
    availableIn: Span | None = None


class CancelBody(Body):
    """`POST /_sim/fulfillment-orders/{id}/cancel`: everything open without `items`."""

    items: NoticeItems = ()


class RequestItemBody(Body):
    """One line of a cancellation."""

    fulfillmentOrderItemId: Id
    quantity: Count
    fulfillmentOrderItemUpstreamId: Id | None = None


class FulfillmentReturnItemBody(RequestItemBody):
    """One line of a return."""

    unitAttributes: Annotated[tuple[dict[str, Any], ...], Field(max_length=MOST_LINES)] | None = None


class FulfillmentCancellationBody(Body):
    """`POST /fulfillment-cancellations`."""

    fulfillmentOrderId: Id
    items: Annotated[tuple[RequestItemBody, ...], Field(max_length=MOST_LINES)]
    upstreamId: Id | None = None
    reason: Text | None = None


class FulfillmentReturnBody(Body):
    """`POST /fulfillment-returns`."""

    fulfillmentOrderId: Id
    items: Annotated[tuple[FulfillmentReturnItemBody, ...], Field(max_length=MOST_LINES)]
    upstreamId: Id | None = None
    reason: Text | None = None


class GrantBody(Body):
    """Accepting a cancellation or a return: all of it without `items`."""

    items: Annotated[tuple[RequestItemBody, ...], Field(max_length=MOST_LINES)] = ()
