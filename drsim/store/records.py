"""What is kept and what is asked for: documents, and the conditions and pages of lists."""

from typing import Any, NamedTuple

from drsim.domain.clock import Time
from drsim.domain.values import value

Value = str | int
Facets = frozenset[tuple[str, Value]]


class DueDelivery(NamedTuple):
    """A delivery that is due: number, id, when, itself and its event in public form, and that event's value if any."""

    number: int
    id: str
    at: Time
    public: bytes
    event: bytes
    more: bytes | None = None


@value
class Record:
    """One document to be saved: its value, its public form, and what it is found and woken by."""

    kind: str
    id: str
    at: Time
    value: Any = None
    public: bytes | None = None
    parent: str | None = None
    lane: str | None = None
    due: Time | None = None
    facets: Facets = frozenset()


@value
class Equal:
    """A condition of a list: the facet `name` has one of these values."""

    name: str
    values: tuple[Value, ...]


@value
class Between:
    """A condition of a list: the facet `name` is a number from `low` to `high`, both included."""

    name: str
    low: int
    high: int


@value
class Query:
    """One page of a list: newest first, `limit` of them, after or before the cursor (the place of a document)."""

    kind: str
    limit: int
    ids: tuple[str, ...] | None = None
    parents: tuple[str, ...] | None = None
    conditions: tuple[Equal | Between, ...] = ()
    earliest: Time | None = None
    latest: Time | None = None
    after: tuple[Time, int] | None = None
    before: tuple[Time, int] | None = None
