"""Who buys, where it goes and how it is paid, as an order's specification says it."""

from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from drsim.domain.methods import CARD_TYPES, METHODS, Card, read_card
from drsim.format.fields import Country, Email, Text, one_of
from drsim.format.mistakes import Mistake, refuse, wrong
from drsim.format.numbers import whole_number
from drsim.format.part import Part
from drsim.format.written import NULL, Schema, Written, given


class AddressModel(Part):
    """A postal address; what is left out is made up, all of it in the same country."""

    line1: Text | None = None
    line2: Text | None = None
    city: Text | None = None
    postal_code: Text | None = None
    state: Text | None = None
    country: Country | None = None


class PartyModel(Part):
    """`shipTo` and `billTo`: somebody at an address."""

    name: Text | None = None
    phone: Text | None = None
    email: Email | None = None
    organization: Text | None = None
    additional_address_info: dict[str, Text] | None = None
    address: AddressModel | None = None


class OwnerModel(Part):
    """`source.owner`: who pays. Some last names are test triggers."""

    first_name: Text | None = None
    last_name: Text | None = None
    email: Email | None = None
    organization: Text | None = None
    upstream_id: Text | None = None
    additional_address_info: dict[str, Text] | None = None
    address: AddressModel | None = None


class _Unreadable:
    """Stands where something was that is no card number, so that no error can repeat it."""

    def __repr__(self) -> str:
        return "what is no card number"


def _card(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    try:
        return read_card(value)
    except (ValueError, TypeError):
        return _Unreadable()


def _readable(value: Any) -> Any:
    if isinstance(value, _Unreadable):
        raise wrong(repr(value), "12 to 19 digits of a known brand, blanks and dashes allowed")
    return value


def _four_digits(value: Any) -> str:
    digits = str(value).rjust(4, "0") if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(digits, str) or len(digits) != 4 or not digits.isdecimal() or not digits.isascii():
        raise wrong("something else", "four digits")
    return digits


_NUMBER = {
    "description": "12 to 19 digits of a known brand, blanks and dashes allowed.",
    "type": ["string", "integer"],
    "pattern": "^ *[0-9](?:[ -]*[0-9]){11,18}[ -]*$",
    "minimum": 10**11,
    "exclusiveMaximum": 10**19,
}
_FOUR_DIGITS = {"type": ["string", "integer"], "pattern": "^[0-9]{4}$", "minimum": 0, "maximum": 9999}
_ONLY_CARDS = ("number", "brand", "lastFourDigits", "expirationMonth", "expirationYear")


class SourceModel(Part):
    """`source`: how the order is paid. A card number is reduced to what may be kept before anything else sees it."""

    together: ClassVar[Schema] = {
        "if": {
            "required": ["type"],
            "properties": {"type": {"enum": [each for each in METHODS if each not in CARD_TYPES]}},
        },
        "then": {"properties": dict.fromkeys(_ONLY_CARDS, NULL)},
        "else": {
            "if": given("number"),
            "then": {"properties": dict.fromkeys(("brand", "lastFourDigits"), NULL)},
        },
    }

    type: Annotated[str, one_of(METHODS, name="SourceType")] = "creditCard"
    id: Text | None = None
    owner: OwnerModel | None = None
    card: Annotated[Card, Written(_readable, _NUMBER)] | None = Field(None, alias="number")
    brand: Text | None = None
    last_four_digits: Annotated[str, Written(_four_digits, _FOUR_DIGITS)] | None = None
    expiration_month: Annotated[int, whole_number(1, 12)] | None = None
    expiration_year: Annotated[int, whole_number(2000, 2100)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _reduce_card(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("number") is not None and not isinstance(value["number"], Card):
            return {**value, "number": _card(value["number"])}
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> "SourceModel":
        mistakes: list[Mistake] = []
        card_only = {
            "number": self.card,
            "brand": self.brand,
            "lastFourDigits": self.last_four_digits,
            "expirationMonth": self.expiration_month,
            "expirationYear": self.expiration_year,
        }
        if self.type not in CARD_TYPES:
            mistakes = [
                ((key,), f"'{key}' with {self.type}", f"it only with {', '.join(CARD_TYPES)}")
                for key, value in card_only.items()
                if value is not None
            ]
        elif self.card:
            mistakes = [
                ((key,), f"'{key}' beside 'number'", "only one of them")
                for key in ("brand", "lastFourDigits")
                if card_only[key] is not None
            ]
        refuse(mistakes)
        return self
