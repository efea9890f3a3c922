"""Stored orders by the million: one is made over HTTP, and its rows are copied with ids of their own.

This is the one place of the benchmark that knows drsim's tables. Copied are the order, its charge and its source with
what they are found by, not the events of its making. Copies are a second apart, the newest is the one that was made.
"""

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.bench.bodies import order_specification
from tests.bench.wire import call

_SECOND = 1_000_000
_SUFFIX = 10_000
"""The last four digits of order and item ids are the account's, the digits before them count."""
_CHUNK = 10_000
_MOST = 10_000_000


@dataclass(frozen=True)
class _Template:
    """Text in which some ids stand: where `%b` is, the ids at `places` go."""

    text: bytes
    places: tuple[int, ...]

    @classmethod
    def of(cls, text: bytes, ids: list[str]) -> "_Template":
        pattern = re.compile("|".join(re.escape(id) for id in ids).encode())
        places = tuple(ids.index(found.decode()) for found in pattern.findall(text))
        return cls(pattern.sub(b"%b", text.replace(b"%", b"%%")), places)

    def filled(self, ids: list[bytes]) -> bytes:
        return self.text % tuple([ids[place] for place in self.places])


@dataclass(frozen=True)
class _Row:
    """A document to copy, with its facets."""

    kind: str
    id: _Template
    parent: _Template | None
    value: _Template
    public: _Template
    rest: dict[str, Any]
    facets: list[tuple[str, Any]]


class Stock:
    """The orders in one database file, which no server has open while they grow. The first is number 0."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._order = 0
        self._items: list[int] = []
        self.size = 0

    def seed(self, url: str) -> None:
        """Makes the first order, over HTTP."""
        order = call(url, "POST", "/_sim/orders", order_specification())
        self._order = int(order["id"])
        self._items = [int(item["id"]) for item in order["items"]]
        self.size = 1

    def order_ids(self) -> list[str]:
        return [self._order_id(number) for number in range(self.size)]

    def orders(self, first: int, end: int) -> Iterator[tuple[str, list[str]]]:
        """Ids of orders and of their items, by their numbers; no more than there are."""
        for number in range(first, min(end, self.size)):
            yield self._order_id(number), self._item_ids(number)

    def grow(self, size: int) -> None:
        """Copies the first order until there are `size`."""
        connection = sqlite3.connect(self._database, isolation_level=None)
        try:
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -524288"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute("BEGIN EXCLUSIVE")
            self._copy(connection, size)
            connection.execute("COMMIT")
        finally:
            connection.close()

    def _copy(self, connection: sqlite3.Connection, size: int) -> None:
        rows, seeds = self._rows(connection)
        (document,) = connection.execute("SELECT max(number) + 1 FROM document").fetchone()
        marks = ", ".join("?" * 10)
        for start in range(self.size, size, _CHUNK):
            documents, facets = [], []
            for number in range(start, min(start + _CHUNK, size)):
                ids = [id.encode() for id in self._ids(number, len(seeds))]
                for row in rows:
                    # Below the first order's time, and in the order of the numbers.
                    at = row.rest["at"] - (_MOST - number) * _SECOND
                    sandbox, kind = row.rest["sandbox"], row.kind
                    parent = row.parent.filled(ids).decode() if row.parent else None
                    id, value, public = row.id.filled(ids).decode(), row.value.filled(ids), row.public.filled(ids)
                    lane, due = row.rest["lane"], row.rest["due_at"]
                    documents.append((document, sandbox, kind, id, at, parent, lane, due, value, public))
                    facets += [(document, name, value, sandbox, kind, at) for name, value in row.facets]
                    document += 1
            columns = "number, sandbox, kind, id, at, parent, lane, due_at, value, public"
            connection.executemany(f"INSERT INTO document ({columns}) VALUES ({marks})", documents)
            columns = "number, name, value, sandbox, kind, at"
            connection.executemany(f"INSERT INTO facet ({columns}) VALUES (?, ?, ?, ?, ?, ?)", facets)
        self._count(connection, size - self.size)
        self.size = max(self.size, size)

    def _rows(self, connection: sqlite3.Connection) -> tuple[list[_Row], list[str]]:
        """What there is to copy, and the ids that differ in each copy: order, items, checkout, charge, source."""
        connection.row_factory = sqlite3.Row
        found = connection.execute(
            "SELECT * FROM document WHERE id = ?1 OR parent = ?1 AND kind IN ('charge', 'source') ORDER BY number",
            (self._order_id(0),),
        ).fetchall()
        checkout = next(orjson.loads(row["public"])["checkoutId"] for row in found if row["kind"] == "order")
        others = [row["id"] for row in found if row["kind"] != "order"]
        seeds = [self._order_id(0), *self._item_ids(0), checkout, *others]
        rows = []
        for each in found:
            facets = connection.execute("SELECT name, value FROM facet WHERE number = ?", (each["number"],)).fetchall()
            id, value, public = (_Template.of(_bytes(each[name]), seeds) for name in ("id", "value", "public"))
            parent = _Template.of(each["parent"].encode(), seeds) if each["parent"] else None
            rest = {name: each[name] for name in ("sandbox", "at", "lane", "due_at")}
            rows.append(_Row(each["kind"], id, parent, value, public, rest, [tuple(facet) for facet in facets]))
        connection.row_factory = None
        return rows, seeds

    def _count(self, connection: sqlite3.Connection, added: int) -> None:
        """Tells the sandbox about its new orders, so that it gives their ids to no other."""
        [(sandbox, body)] = connection.execute(
            "SELECT number, body FROM sandbox WHERE number = (SELECT sandbox FROM document WHERE id = ?)",
            (self._order_id(0),),
        ).fetchall()
        kept = orjson.loads(body)
        kept["counters"]["order"] += added
        kept["counters"]["item"] += added * len(self._items)
        connection.execute("UPDATE sandbox SET body = ? WHERE number = ?", (orjson.dumps(kept), sandbox))

    def _ids(self, number: int, count: int) -> list[str]:
        known = [self._order_id(number), *self._item_ids(number)]
        return [*known, *(f"{kind:08x}-0000-4000-8000-{number:012x}" for kind in range(count - len(known)))]

    def _order_id(self, number: int) -> str:
        return str(self._order + number * _SUFFIX)

    def _item_ids(self, number: int) -> list[str]:
        return [str(item + number * len(self._items) * _SUFFIX) for item in self._items]


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text
