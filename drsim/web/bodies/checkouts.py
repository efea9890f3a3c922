"""Bodies of `/checkouts`."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from drsim.web.bodies.fields import Body, Count, Id, Metadata, Needed, Text, figure


def _absent(value: Any) -> Any:
    """Connectors send empty text for what they do not have."""
    return None if value == "" else value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


Maybe = Annotated[Text | None, BeforeValidator(_absent)]
"""Free text; an empty one is absent."""
Price = Annotated[Decimal, BeforeValidator(figure), Field(ge=0, lt=Decimal(10) ** 12)]
"""Money in major units, also none at all."""
Country = Annotated[Text, BeforeValidator(_upper), Field(pattern=r"^[A-Z]{2}$")]


class Tolerant(Body):
    """A body whose unknown fields are ignored (surroundings page, U27)."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True, defer_build=True)


class AddressBody(Tolerant):
    """A postal address."""

    line1: Maybe = None
    line2: Maybe = None
    city: Maybe = None
    postalCode: Maybe = None
    state: Maybe = None
    country: Annotated[Country | None, BeforeValidator(_absent)] = None


class AdditionalAddressBody(Tolerant):
    """What some countries need beside an address."""

    neighborhood: Maybe = None
    division: Maybe = None
    phoneticName: Maybe = None


class PartyBody(Tolerant):
    """Somebody at an address."""

    address: AddressBody | None = None
    name: Maybe = None
    phone: Maybe = None
    email: Maybe = None
    organization: Maybe = None
    additionalAddressInfo: AdditionalAddressBody | None = None


class DiscountBody(Tolerant):
    """A discount: an amount or a percentage; of a line for `quantity` of its units."""

    amountOff: Annotated[Decimal | None, BeforeValidator(figure)] = None
    percentOff: Annotated[Decimal | None, BeforeValidator(figure)] = None
    quantity: Count | None = None


class ShippingChoiceBody(Tolerant):
    """The shipping that was chosen."""

    id: Maybe = None
    amount: Price | None = None
    description: Text | None = None
    serviceLevel: Text | None = None
    shippingTerms: Annotated[Literal["", "DDP", "DAP"] | None, AfterValidator(_absent)] = None


class ProductBody(Tolerant):
    """A product that is described in place of being named by its SKU."""

    id: Maybe = None
    skuGroupId: Maybe = None
    name: Maybe = None
    description: Maybe = None
    url: Maybe = None
    countryOfOrigin: Maybe = None
    image: Maybe = None
    weight: Annotated[Decimal | None, BeforeValidator(lambda value: figure(_absent(value)))] = None
    weightUnit: Maybe = None
    partNumber: Maybe = None
    itemBreadcrumb: Maybe = None


class CheckoutItemBody(Body):
    """One line of `POST /checkouts`. Lines know all of their fields: others are refused."""

    skuId: Maybe = None
    productDetails: ProductBody | None = None
    price: Price | None = None
    aggregatePrice: Price | None = None
    quantity: Count | None = None
    discount: DiscountBody | None = None
    shipFrom: PartyBody | None = None
    subscriptionInfo: dict[str, Any] | None = None
    metadata: Metadata | None = None


class CheckoutItemChange(Body):
    """One line of `POST /checkouts/{id}`."""

    id: Id
    shipFrom: PartyBody | None = None
    subscriptionInfo: dict[str, Any] | None = None
    metadata: Metadata | None = None


class ReferenceBody(Tolerant):
    """Something named by its id."""

    id: Id


class CheckoutFields(Tolerant):
    """What a checkout is made with and changed by alike."""

    customerId: Maybe = None
    email: Maybe = None
    locale: Maybe = None
    customerType: Annotated[Literal["", "individual", "business"] | None, AfterValidator(_absent)] = None
    organization: dict[str, Any] | None = None
    sourceId: Maybe = None
    browserIp: Maybe = None
    applicationId: Maybe = None
    upstreamId: Maybe = None
    metadata: Metadata | None = None
    chargeType: Annotated[
        Literal["", "customer_initiated", "merchant_initiated", "moto"] | None, AfterValidator(_absent)
    ] = None
    shipFrom: PartyBody | None = None
    shipTo: PartyBody | None = None
    billTo: PartyBody | None = None
    shippingChoice: ShippingChoiceBody | None = None
    shippingDiscount: DiscountBody | None = None
    taxIdentifiers: tuple[ReferenceBody, ...] | None = None
    invoiceAttributeId: Maybe = None
    purchaseLocation: dict[str, Any] | None = None
    disclosures: dict[str, Any] | None = None
    billingOptimization: Any = None
    creditAmount: Annotated[Price | None, BeforeValidator(_absent)] = None
    """What store credit pays: a field of versions up to 2021-02-23, ignored in later ones."""


class CheckoutBody(CheckoutFields):
    """`POST /checkouts`."""

    currency: Annotated[Needed, BeforeValidator(_upper)]
    items: Annotated[tuple[CheckoutItemBody, ...], Field(min_length=1, max_length=1_000)]
    taxInclusive: bool = False
    discount: DiscountBody | None = None


class CheckoutChangeBody(CheckoutFields):
    """`POST /checkouts/{id}`: neither currency, prices nor discount can be changed."""

    items: tuple[CheckoutItemChange, ...] = ()


class OrderBody(Tolerant):
    """`POST /orders`: whatever else is sent is ignored (surroundings page, 3.8)."""

    checkoutId: Id
