"""Patterns of the matching language, as `when` of a behavior rule holds them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator

from drsim.domain.matching import check
from drsim.format.fields import too_deep
from drsim.format.mistakes import wrong
from drsim.format.numbers import is_carried, plain, read_number
from drsim.format.problems import shown


def pattern(adapted: Callable[[Any], Any]) -> BeforeValidator:
    """Reads a matching pattern, after `adapted` has made each value in it one of the kind it is compared with."""

    def read(value: Any) -> Any:
        if too_deep(value):
            raise wrong("more than 40 levels", "fewer")
        ready = plain(_adapt(value, adapted))
        if said := check(ready):
            raise wrong(f"an unusable pattern ({said})", "one that can be matched")
        return ready

    return BeforeValidator(read)


def _adapt(value: Any, adapted: Callable[[Any], Any]) -> Any:
    if isinstance(value, int | float | Decimal) and not is_carried(value):
        raise wrong(shown(value), "a number below 10^15")
    if isinstance(value, dict):
        kept = ("$length", "$exists", "$type", "$regex")
        return {key: each if key in kept else _adapt(each, adapted) for key, each in value.items()}
    return [_adapt(each, adapted) for each in value] if isinstance(value, list) else adapted(value)


def digits_as_text(value: Any) -> Any:
    """Ids are compared as texts, however they were written."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def text_as_number(value: Any) -> Any:
    """Amounts are compared as numbers, however they were written."""
    if isinstance(value, str) and "${" not in value:
        return read_number(value, "a number")
    return value


TextPattern = Annotated[Any, pattern(digits_as_text)]
NumberPattern = Annotated[Any, pattern(text_as_number)]
