"""Whether a value fits a pattern: the matching language of scenario files, as a pure function.

A mapping fits a mapping that has at least its keys; a list fits a list of the same length, place by place; a number
fits a number of the same value; a mapping with `$` keys applies operators. Numbers are compared exactly.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from drsim.domain.values import value

LONGEST_EXPRESSION = 1_000
"""Characters of a `$regex`. How long it takes to match is up to who writes it."""


def fits(pattern: Any, value: Any) -> bool:
    """Whether `value` (plain JSON values, or `Decimal` for an amount) fits `pattern` (a valid one, see `check`)."""
    if isinstance(pattern, Mapping):
        if _is_operators(pattern):
            return all(OPERATORS[name](argument, value) for name, argument in pattern.items())
        return isinstance(value, Mapping) and all(
            fits(expected, value.get(key, _ABSENT)) for key, expected in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and len(pattern) == len(value) and all(map(fits, pattern, value))
    return _equal(pattern, value)


def differences(pattern: Any, value: Any) -> list["Difference"]:
    """Where and how `value` does not fit `pattern`: empty exactly when it fits, else only what differs."""
    return list(_differences(pattern, value, ""))


def fits_name(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern in which `*` stands for any text and everything else for itself."""
    return fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]"))


def check(pattern: Any) -> str | None:
    """What is wrong with a pattern, in words, or nothing."""
    if isinstance(pattern, Mapping):
        if not any(str(key).startswith("$") for key in pattern):
            return next((wrong for part in pattern.values() if (wrong := check(part))), None)
        for key, argument in pattern.items():
            if key not in OPERATORS:
                return f"'{key}' is not one of {' '.join(OPERATORS)}"
            if wrong := _wrong_argument(key, argument):
                return wrong
    if isinstance(pattern, list):
        return next((wrong for part in pattern if (wrong := check(part))), None)
    return None


class _Absent:
    def __repr__(self) -> str:
        return "nothing"


_ABSENT = _Absent()
ABSENT: Any = _ABSENT
"""Stands for a value that is not there; patterns only look at it with `$exists`, `$ne` and `$not`."""


@value
class Difference:
    """One place (`data.object.captures[0].state`, empty for the whole) where something else was expected.

    `seen` is `ABSENT` where nothing stands.
    """

    place: str
    expected: Any
    seen: Any


def _differences(pattern: Any, seen: Any, place: str) -> Iterator[Difference]:
    if isinstance(pattern, Mapping) and _is_operators(pattern):
        wrong = {name: argument for name, argument in pattern.items() if not OPERATORS[name](argument, seen)}
        # What `$eq` holds is a pattern of its own.
        nested = wrong.pop("$eq", _ABSENT)
        if nested is not _ABSENT:
            yield from _differences(nested, seen, place)
        if wrong:
            yield Difference(place, wrong, seen)
    elif isinstance(pattern, Mapping) and isinstance(seen, Mapping):
        for key, expected in pattern.items():
            yield from _differences(expected, seen.get(key, _ABSENT), f"{place}.{key}" if place else str(key))
    elif isinstance(pattern, list) and isinstance(seen, list) and len(pattern) == len(seen):
        for index, (expected, element) in enumerate(zip(pattern, seen, strict=True)):
            yield from _differences(expected, element, f"{place}[{index}]")
    elif not fits(pattern, seen):
        yield Difference(place, pattern, seen)


TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float, Decimal),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def _is_operators(pattern: Mapping[Any, Any]) -> bool:
    return bool(pattern) and all(isinstance(key, str) and key.startswith("$") for key in pattern)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _exact(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _equal(expected: Any, value: Any) -> bool:
    if _is_number(expected) and _is_number(value):
        return _exact(expected) == _exact(value)
    return type(expected) is type(value) and bool(expected == value)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def apply(bound: Any, value: Any) -> bool:
        if _is_number(bound) and _is_number(value):
            return compare(_exact(value), _exact(bound))
        return isinstance(bound, str) and isinstance(value, str) and compare(value, bound)

    return apply


def _has_type(name: Any, value: Any) -> bool:
    fitting = isinstance(value, TYPES[name])
    return fitting and (name == "boolean" or not isinstance(value, bool))


def _contains(pattern: Any, value: Any) -> bool:
    if isinstance(value, str):
        return isinstance(pattern, str) and pattern in value
    return isinstance(value, list) and any(fits(pattern, element) for element in value)


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": fits,
    "$ne": lambda argument, value: not fits(argument, value),
    "$gt": _ordered(lambda value, bound: value > bound),
    "$gte": _ordered(lambda value, bound: value >= bound),
    "$lt": _ordered(lambda value, bound: value < bound),
    "$lte": _ordered(lambda value, bound: value <= bound),
    "$in": lambda options, value: any(fits(option, value) for option in options),
    "$regex": lambda expression, value: isinstance(value, str) and re.search(expression, value) is not None,
    "$exists": lambda wanted, value: (value is not _ABSENT) == wanted,
    "$type": _has_type,
    "$length": lambda length, value: isinstance(value, str | list | dict) and fits(length, len(value)),
    "$contains": _contains,
    "$all": lambda patterns, value: all(_contains(pattern, value) for pattern in patterns),
    "$not": lambda pattern, value: not fits(pattern, value),
}


def _wrong_argument(operator: str, argument: Any) -> str | None:
    if operator in ("$in", "$all") and not isinstance(argument, list):
        return f"{operator} takes a list"
    if operator == "$exists" and not isinstance(argument, bool):
        return "$exists takes true or false"
    if operator == "$type" and (not isinstance(argument, str) or argument not in TYPES):
        return f"$type takes one of {' '.join(TYPES)}"
    if operator == "$regex":
        if not isinstance(argument, str) or len(argument) > LONGEST_EXPRESSION:
            return f"$regex takes a regular expression of at most {LONGEST_EXPRESSION} characters"
        try:
            re.compile(argument)
        except (re.error, OverflowError, RecursionError):
            return f"'{argument[:60]}' is not a regular expression"
    comparable = isinstance(argument, str) or (_is_number(argument) and _exact(argument).is_finite())
    if operator in ("$gt", "$gte", "$lt", "$lte") and not comparable:
        return f"{operator} takes a number or a string"
    return check(argument)
