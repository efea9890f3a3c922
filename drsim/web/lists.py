"""Lists: cursors, limits and filters of every list, from the query string to one page.

Source: platform page, section 4.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import field
from decimal import Decimal, InvalidOperation
from typing import Literal

from starlette.requests import Request

from drsim.domain.clock import SECOND, Time
from drsim.domain.refusal import Refused, invalid
from drsim.domain.values import value
from drsim.engine.sandbox import Sandbox
from drsim.engine.simulator import Simulator
from drsim.store import Between, Equal, Query
from drsim.web.answers import Answer
from drsim.web.desk import in_version, present
from drsim.web.times import read_time

FilterKind = Literal["text", "texts", "flag", "time", "amount"]
"""`text` is one value, `texts` several (repeated or joined by commas), `flag` is true or false, `time` and `amount`
take ranges."""

MOST = 100
USUAL = 10
_FOREVER = 1 << 62
OPERATORS = ("eq", "gt", "gte", "lt", "lte")
_PARAMETER = re.compile(r"([A-Za-z_.]+)(?:\[(\w+)\])?")


@value
class Listing:
    """What can be listed and how: the kind of document and its filters.

    A filter's name in the query string may differ from its facet's (`upstreamIds` looks at `upstreamId`); `parent`
    names the filter that is the document's parent. `exact_time` compares creation to the microsecond (events), not
    to the whole seconds that resources show.
    """

    kind: str
    filters: Mapping[str, FilterKind] = field(default_factory=dict)
    facets: Mapping[str, str] = field(default_factory=dict)
    parent: str | None = None
    exact_time: bool = False


def query(
    request: Request, listing: Listing, simulator: Simulator, sandbox: Sandbox, extra: tuple[Equal | Between, ...] = ()
) -> Query:
    """The page that the query string asks for; unknown names are ignored. Raises `Refused` for wrong values."""
    asked = request.query_params
    conditions: list[Equal | Between] = list(extra)
    parents, ids = None, None
    named = {name.partition("[")[0] for name in asked}
    for name, kind in listing.filters.items():
        if name not in named:
            continue
        facet = listing.facets.get(name, name)
        if name == listing.parent:
            parents = (asked[name],) if asked.get(name) else None
        elif kind == "text" and asked.get(name):
            conditions.append(Equal(facet, (asked[name],)))
        elif kind == "texts" and (values := several(request, name)):
            conditions.append(Equal(facet, values))
        elif kind == "flag" and asked.get(name):
            conditions.append(Equal(facet, (_flag(name, asked[name]),)))
        elif kind in ("time", "amount"):
            bounds = _bounds(request, name, _seconds if kind == "time" else _thousandths)
            if bounds:
                conditions.append(Between(facet, *bounds))
    if several(request, "ids"):
        ids = several(request, "ids")
    created = _created(request, listing)
    after, before = _cursor(request, listing, simulator, sandbox)
    return Query(
        kind=listing.kind,
        limit=limit_of(request),
        ids=ids,
        parents=parents,
        conditions=tuple(conditions),
        earliest=created[0],
        latest=created[1],
        after=after,
        before=before,
    )


async def page(request: Request, listing: Listing) -> Answer:
    """One page in the list envelope: `{"hasMore", "data"}`, newest first."""
    simulator, sandbox = await present(request)
    asked = query(request, listing, simulator, sandbox)
    rows, more = simulator.store.reader.page(sandbox.number, asked)
    return enveloped([in_version(request, listing.kind, row) for row in rows], more)


def enveloped(page: list[bytes], more: bool) -> Answer:
    """A page of ready resources."""
    return Answer(b'{"hasMore":%s,"data":[%s]}' % (b"true" if more else b"false", b",".join(page)))


def limit_of(request: Request) -> int:
    """`limit`, 1 to 100, 10 when absent. Raises `Refused`."""
    text = request.query_params.get("limit", "") or str(USUAL)
    if not (text.isascii() and text.isdecimal()) or len(text) > 4 or not 1 <= int(text) <= MOST:
        raise Refused("bad_request", "invalid_parameter", f"'{text[:100]}' is not a valid limit.", "limit")
    return int(text)


def several(request: Request, name: str) -> tuple[str, ...]:
    """The values of a parameter that may be repeated or joined by commas. Raises `Refused` for more than 100."""
    values = [value for text in request.query_params.getlist(name) for value in text.split(",") if value]
    if len(values) > MOST:
        raise Refused("bad_request", "invalid_parameter", f"At most {MOST} {name} can be asked for.", name)
    return tuple(dict.fromkeys(values))


def flag_of(request: Request, name: str) -> bool | None:
    """A parameter that is true or false. Raises `Refused`."""
    text = request.query_params.get(name)
    return None if not text else _flag(name, text) == "true"


def _created(request: Request, listing: Listing) -> tuple[Time | None, Time | None]:
    """The earliest and the latest creation, in microseconds."""
    low: Time | None = None
    high: Time | None = None
    for operator, text in _ranges(request, "createdTime"):
        time = read_time("createdTime", text)
        # What shows whole seconds is compared by them: nothing of a second is later than that second.
        end = time if listing.exact_time and operator != "eq" else time - time % SECOND + SECOND - 1
        start = time if listing.exact_time and operator != "eq" else time - time % SECOND
        earliest = {"eq": start, "gte": time, "gt": end + 1}.get(operator)
        latest = {"eq": end, "lte": end, "lt": time - 1}.get(operator)
        if earliest is not None:
            low = earliest if low is None else max(low, earliest)
        if latest is not None:
            high = latest if high is None else min(high, latest)
    return low, high


def _bounds(request: Request, name: str, number: Callable[[str, str], Decimal]) -> tuple[int, int] | None:
    """The lowest and the highest whole number that a range filter lets through."""
    low, high = -_FOREVER, _FOREVER
    ranges = _ranges(request, name)
    for operator, text in ranges:
        value = number(name, text)
        up, down = math.ceil(value), math.floor(value)
        low = max(low, {"eq": up, "gte": up, "gt": down + 1}.get(operator, low))
        high = min(high, {"eq": down, "lte": down, "lt": up - 1}.get(operator, high))
    return (low, high) if ranges else None


def _ranges(request: Request, name: str) -> list[tuple[str, str]]:
    """The operators and values of a range filter: `name[gte]=…`, or `name=…` for equality."""
    found = []
    for key, text in request.query_params.multi_items():
        match = _PARAMETER.fullmatch(key)
        if match and match[1] == name and text:
            if (match[2] or "eq") not in OPERATORS:
                raise invalid(key, match[2], "operator")
            found.append((match[2] or "eq", text))
    return found


def _flag(name: str, text: str) -> str:
    if text.lower() not in ("true", "false"):
        raise Refused("bad_request", "invalid_boolean", f"'{text[:100]}' is not a valid boolean.", name)
    return text.lower()


def _seconds(name: str, text: str) -> Decimal:
    return Decimal(read_time(name, text)) / SECOND


def _thousandths(name: str, text: str) -> Decimal:
    try:
        amount = Decimal(text)
        if amount.is_finite() and amount.adjusted() < 15:
            return amount * 1_000
    except InvalidOperation:
        pass
    raise invalid(name, text[:100], "amount")


def _cursor(
    request: Request, listing: Listing, simulator: Simulator, sandbox: Sandbox
) -> tuple[tuple[Time, int] | None, tuple[Time, int] | None]:
    """Where the page starts: after or before an object; `endingBefore` wins when both are given."""
    for name in ("endingBefore", "startingAfter"):
        id = request.query_params.get(name)
        if id:
            place = simulator.store.reader.place(sandbox.number, listing.kind, id)
            if place is None:
                raise invalid(name, id[:100])
            return (None, place) if name == "endingBefore" else (place, None)
    return None, None
