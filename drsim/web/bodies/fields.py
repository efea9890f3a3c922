"""What request bodies are made of: the base of their models and the kinds of fields they share."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from drsim.domain.amend import LONGEST_KEY, MOST_KEYS
from drsim.domain.methods import CARD_NUMBER

_FIGURE = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{0,18})?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}(?:\.0*)?")


class Body(BaseModel):
    """What all request bodies have in common: no unknown fields, null is absent, ids may be numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, defer_build=True)


def said_to_be(words: Iterable[str]) -> Any:
    """Says in the description of the API that only these words are taken; the route is what checks it."""
    return Field(json_schema_extra={"enum": list(words)})


INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"
INSTANT_ONLY = Field(json_schema_extra={"pattern": INSTANT, "examples": ["2022-07-01T17:55:58Z"]})
"""Says of a text that it is a time in UTC."""
_SPAN = r"^ *([0-9]{1,12}(us|ms|s|m|h|d|w))+ *$"


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


Count = Annotated[int, Field(ge=0), BeforeValidator(_count)]
"""A quantity: 0 and absent are the same."""
Id = Annotated[str, Field(min_length=1, max_length=255), BeforeValidator(_given)]
"""The id of something; numbers are taken as ids too, an empty text is none."""
Text = Annotated[str, BeforeValidator(_text), Field(max_length=4_096)]
"""Free text."""
Needed = Annotated[Text, Field(min_length=1), BeforeValidator(_not_empty)]
"""Free text that has to be there: an empty one is none."""
Span = Annotated[Text, Field(json_schema_extra={"pattern": _SPAN, "examples": ["1h30m"]})]
"""A duration; the route reads it."""
Instant = Annotated[Text, INSTANT_ONLY]
"""A time in UTC; the route reads it."""
Amount = Annotated[Decimal, Field(gt=0), BeforeValidator(figure)]
"""Money in major units, as a number or as text."""
Weight = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False), BeforeValidator(figure)]
"""A weight, as a number or as text."""
Loose = Annotated[Any, BeforeValidator(_text_or_mapping, json_schema_input_type=str | dict[str, Any])]
"""A text, or an object that is taken as it is."""
Percent = Annotated[Decimal, Field(ge=Decimal("0.01"), le=100), BeforeValidator(figure)]
"""A percentage."""
Metadata = Annotated[
    dict[str, Any],
    Field(json_schema_extra={"maxProperties": MOST_KEYS, "propertyNames": {"minLength": 1, "maxLength": LONGEST_KEY}}),
]
