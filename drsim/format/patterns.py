"""Patterns of the matching language, as `when` of a behavior rule holds them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from drsim.domain.matching import LONGEST_EXPRESSION, OPERATORS, TYPES, check
from drsim.format.fields import too_deep
from drsim.format.mistakes import wrong
from drsim.format.numbers import CARRIED, is_carried, plain, read_number
from drsim.format.problems import shown
from drsim.format.written import Schema, Written, listed, ref


def pattern_schema(name: str, **values: Any) -> Schema:
    """What may stand in a pattern that is defined under this name; `values` limit the values in it."""
    inner = ref(name)
    special = {
        "$in": listed(inner),
        "$all": listed(inner),
        "$exists": {"type": "boolean"},
        "$type": {"enum": list(TYPES)},
        "$regex": {"type": "string", "format": "regex", "maxLength": LONGEST_EXPRESSION},
        **{key: {"type": ["number", "string"], **CARRIED, **values} for key in ("$gt", "$gte", "$lt", "$lte")},
    }
    return {
        "description": "A value, a list or mapping of patterns, or operators such as {$gte: 100}.",
        **CARRIED,
        **values,
        "items": inner,
        "properties": {name: special.get(name, inner) for name in OPERATORS},
        "patternProperties": {r"^(?!\$)": inner},
        "additionalProperties": False,
        "anyOf": [{"propertyNames": {"pattern": r"^\$"}}, {"propertyNames": {"pattern": r"^(?!\$)"}}],
    }


def pattern(adapted: Callable[[Any], Any], name: str, **values: Any) -> Written:
    """Reads a matching pattern, after `adapted` has made each value in it one of the kind it is compared with."""

    def read(value: Any) -> Any:
        if too_deep(value):
            raise wrong("more than 40 levels", "fewer")
        ready = plain(_adapt(value, adapted))
        if said := check(ready):
            raise wrong(f"an unusable pattern ({said})", "one that can be matched")
        return ready

    return Written(read, pattern_schema(name, **values), name, replaced=False)


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


_NUMBER_TEXT = r"^-?[0-9]{1,28}(\.[0-9]{1,28})?$|\$\{"

TextPattern = Annotated[Any, pattern(digits_as_text, "Pattern")]
NumberPattern = Annotated[Any, pattern(text_as_number, "NumberPattern", pattern=_NUMBER_TEXT)]
