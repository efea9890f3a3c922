"""Bodies of `/payments/sources`, `/sources` and of what shoppers do.

A card number is reduced to what may be kept of it before anything else sees it, and no error repeats it.
"""

import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from drsim.domain.methods import METHODS, Card, read_card
from drsim.web.bodies.checkouts import AdditionalAddressBody, AddressBody, Maybe, Tolerant
from drsim.web.bodies.fields import Body, Text, figure, said_to_be


def _card(value: Any) -> Card:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("not a card number")
    return read_card(str(value))


def _security_code(value: Any) -> str:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{3,4}", str(value).rjust(3, "0"), re.ASCII):
        raise ValueError("not a security code")
    return ""  # that it has the right form is all that is ever known of it


def _four_digits(value: Any) -> str:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{4}", text, re.ASCII):
        raise ValueError("not four digits")
    return text


def _type(value: Any) -> Any:
    if not isinstance(value, str) or value not in METHODS:
        raise ValueError("not a type of sources")
    return value


def _named(value: Any, info: Any) -> Any:
    """A name of the owner: an empty one is answered in the vendor's own words (platform page, 3.1)."""
    if isinstance(value, str) and not value.strip():
        name = f"owner.{info.field_name.lower()}"
        raise PydanticCustomError("drsim", "'{value}' is not a valid {name}.", {"value": value[:100], "name": name})
    return value


Number = Annotated[Any, BeforeValidator(_card, json_schema_input_type=str)]
SecurityCode = Annotated[Any, BeforeValidator(_security_code, json_schema_input_type=str)]
Month = Annotated[int, Field(ge=1, le=12)]
Year = Annotated[int, Field(ge=2000, le=2100)]
Url = Annotated[Text, Field(pattern=r"^https?://[^\s\x00-\x20\x7f]+$", max_length=2_048)]
Name = Annotated[Text, BeforeValidator(_named)]
Worth = Annotated[Decimal, BeforeValidator(figure), Field(ge=0)]


class OwnerBody(Tolerant):
    """Who pays."""

    firstName: Name | None = None
    lastName: Name | None = None
    email: Maybe = None
    phoneNumber: Maybe = None
    organization: Maybe = None
    upstreamId: Maybe = None
    address: AddressBody | None = None
    additionalAddressInfo: AdditionalAddressBody | None = None


class ReturnsBody(Tolerant):
    """Where the shopper goes from the page of a redirect method, or from a challenge."""

    returnUrl: Url | None = None
    cancelUrl: Url | None = None


class CardBody(ReturnsBody):
    """`creditCard`."""

    number: Number
    expirationMonth: Month
    expirationYear: Year
    cvv: SecurityCode | None = None


class WalletBody(ReturnsBody):
    """`googlePay` and `applePay`: what their card is, as far as it is told."""

    number: Number | None = None
    brand: Maybe = None
    lastFourDigits: Annotated[str, BeforeValidator(_four_digits)] | None = None
    expirationMonth: Month | None = None
    expirationYear: Year | None = None


class MandateBody(Tolerant):
    """What the shopper has agreed to."""

    terms: Text | None = None


class SourceBody(Tolerant):
    """`POST /payments/sources` and `POST /sources`; the object named after the type is read by itself."""

    type: Annotated[str, said_to_be(METHODS), BeforeValidator(_type)]
    sessionId: Maybe = None
    paymentSessionId: Maybe = None
    amount: Worth | None = None
    currency: Maybe = None
    owner: OwnerBody | None = None
    upstreamId: Maybe = None
    futureUse: bool = False
    usage: Literal["subscription", "convenience", "unscheduled"] | None = None
    mandate: MandateBody | None = None


class SourceChangeBody(Tolerant):
    """`POST /payments/sources/{id}`; the object named after the type is read by itself."""

    owner: OwnerBody | None = None
    billingAddress: OwnerBody | None = None


class PayBody(Body):
    """`POST /_sim/sources/{id}/pay`: what fraud screening makes of the order that waited for it."""

    state: Literal["accepted", "in_review", "blocked"] = "accepted"
