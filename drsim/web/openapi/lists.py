"""Parameters of lists, made from their `Listing`: cursors, ids, and each filter with its ranges."""

from drsim.web.lists import MOST, OPERATORS, USUAL, FilterKind, Listing
from drsim.web.openapi.operation import Parameter
from drsim.web.openapi.parts import FLAG, Schema, instant

_RANGES: dict[FilterKind, Schema] = {"time": instant(), "amount": {"type": "number"}}
_WORDS = {"gt": "more than", "gte": "at least", "lt": "less than", "lte": "at most", "eq": "exactly"}

CURSORS = (
    Parameter(
        "limit",
        "How many at most.",
        {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
    ),
    Parameter("startingAfter", "Only those behind the one with this id, which are older."),
    Parameter("endingBefore", "Only those before the one with this id, which are newer; wins over `startingAfter`."),
)
PAGING = (*CURSORS, Parameter("ids", "Only those with these ids.", many=True))


def parameters_of(listing: Listing) -> list[Parameter]:
    """All parameters of a list."""
    return [*PAGING, *(each for name, kind in _filters(listing) for each in _filter(name, kind))]


def _filters(listing: Listing) -> list[tuple[str, FilterKind]]:
    return [("createdTime", "time"), *listing.filters.items()]


def _filter(name: str, kind: FilterKind) -> list[Parameter]:
    if kind == "text":
        return [Parameter(name, f"Only those with this {name}.")]
    if kind == "flag":
        return [Parameter(name, f"Only those with this {name}.", FLAG)]
    if kind == "texts":
        return [Parameter(name, f"Only those with one of these {name}.", many=True)]
    schema = _RANGES[kind]
    ranges = [Parameter(f"{name}[{each}]", f"`{name}` is {_WORDS[each]} this.", schema) for each in OPERATORS]
    return [Parameter(name, f"`{name}` is exactly this.", schema), *ranges]
