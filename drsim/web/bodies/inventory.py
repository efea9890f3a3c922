"""Bodies of `/inventory-items`, `/reservations` and `/shipping-quotes`."""

from typing import Annotated, Literal

from pydantic import Field

from drsim.domain.inventory import LONGEST_RESERVATION
from drsim.web.bodies.checkouts import Country, Maybe, PartyBody, Tolerant
from drsim.web.bodies.fields import Body, Count, Id, Needed, Text
from drsim.web.bodies.logistics import MOST_LINES, Money, ShipToBody


class InventoryItemChange(Body):
    """`POST /inventory-items/{id}`."""

    partNumber: Needed | None = None
    manufacturerId: Text | None = None
    eccn: Text | None = None
    hsCode: Text | None = None
    countryOfOrigin: Country | None = None
    allowOversell: bool | None = None


class InventoryItemBody(InventoryItemChange):
    """`POST /inventory-items`."""

    id: Id | None = None


class StockBody(Body):
    """`PATCH /_sim/inventory-items/{id}`: how many there are; null for as many as anyone wants."""

    stock: Annotated[Count, Field(le=1_000_000_000)] | None = None


class ReservedItemBody(Body):
    """One line of a reservation."""

    inventoryItemId: Id
    quantity: Count
    allowOversell: bool = False


class ReservedShippingBody(Tolerant):
    """The shipping that goes with a reservation."""

    currency: Text | None = None
    amount: Money | None = None
    serviceLevel: Text | None = None


class ReservationBody(Body):
    """`POST /reservations`."""

    id: Id | None = None
    items: Annotated[tuple[ReservedItemBody, ...], Field(max_length=MOST_LINES)]
    shipTo: ShipToBody
    shippingChoice: ReservedShippingBody
    expiresInSeconds: Annotated[Count, Field(gt=0, le=LONGEST_RESERVATION)]


class QuotedItemBody(Tolerant):
    """One line to be shipped."""

    inventoryItemId: Id
    quantity: Count
    price: Money | None = None


class QuotedDestinationBody(PartyBody):
    """Where to; the address may stand in it or in its `address`."""

    country: Country | None = None
    state: Maybe = None
    postalCode: Maybe = None


class ShippingQuoteBody(Body):
    """`POST /shipping-quotes`."""

    currency: Needed
    items: Annotated[tuple[QuotedItemBody, ...], Field(max_length=MOST_LINES)]
    shipTo: QuotedDestinationBody
    deliveryType: Literal["standard", "access_point", "cash_on_delivery"] = "standard"
