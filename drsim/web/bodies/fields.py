"""What request bodies are made of: the base of their models and the kinds of fields they share."""

import re
from decimal import Decimal
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from drsim.domain.methods import CARD_NUMBER

_FIGURE = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{0,18})?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}(?:\.0*)?")


class Body(BaseModel):
    """What all request bodies have in common: no unknown fields, null is absent, ids may be numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, defer_build=True)


def short(value: Any) -> str:
    """A value as messages repeat it: at most 100 characters, and no card number."""
    if isinstance(value, str | int):
        text = str(value).lower() if isinstance(value, bool) else str(value)
    else:
        text = orjson.dumps(value, default=str).decode()
    text = CARD_NUMBER.sub("****", text)  # a card number is never shown again, not even a wrong one
    return text if len(text) <= 100 else text[:97] + "..."


def _count(value: Any) -> int:
    """A count of units: a whole number of at least 0, also as text (`"2"`, `2.0`)."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(Decimal(value.strip()))
    if value == "":
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        shown = short(value).replace("{", "(").replace("}", ")")
        raise PydanticCustomError("invalid_integer", "'{shown}' is not a valid integer.", {"shown": shown})
    return value


def _given(value: Any) -> Any:
    if value == "":
        raise PydanticCustomError("missing_parameter", "A parameter is missing.")
    if isinstance(value, bool):
        raise PydanticCustomError("drsim", "'{shown}' is not a valid identifier.", {"shown": str(value).lower()})
    return value


def _not_empty(value: Any) -> Any:
    if value == "":
        raise PydanticCustomError("missing_parameter", "A parameter is missing.")
    return value


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("drsim", "'{shown}' is not a valid string.", {"shown": str(value).lower()})
    return value


def figure(value: Any) -> Any:
    """A number, also as text; `ValueError` for anything else."""
    if isinstance(value, bool) or (isinstance(value, str) and not _FIGURE.fullmatch(value.strip())):
        raise ValueError("not a number")
    return value


def _text_or_mapping(value: Any) -> Any:
    if not isinstance(value, str | dict):
        raise PydanticCustomError("drsim", "'{shown}' is neither a text nor an object.", {"shown": short(value)})
    return value


Count = Annotated[int, BeforeValidator(_count)]
"""A quantity: 0 and absent are the same."""
Id = Annotated[str, BeforeValidator(_given), Field(max_length=255)]
"""The id of something; numbers are taken as ids too, an empty text is none."""
Text = Annotated[str, BeforeValidator(_text), Field(max_length=4_096)]
"""Free text."""
Needed = Annotated[Text, BeforeValidator(_not_empty)]
"""Free text that has to be there: an empty one is none."""
Amount = Annotated[Decimal, BeforeValidator(figure), Field(gt=0)]
"""Money in major units, as a number or as text."""
Weight = Annotated[float, BeforeValidator(figure), Field(ge=0, le=1e9, allow_inf_nan=False)]
"""A weight, as a number or as text."""
Loose = Annotated[Any, BeforeValidator(_text_or_mapping)]
"""A text, or an object that is taken as it is."""
Percent = Annotated[Decimal, BeforeValidator(figure), Field(ge=Decimal("0.01"), le=100)]
"""A percentage."""
Metadata = dict[str, Any]
