"""Writing: the transaction that actions read and write with, of one connection."""

import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson

from drsim.domain.clock import Time
from drsim.store.reading import public_form
from drsim.store.records import Equal, Facets, Record, Value

T = TypeVar("T")

_KEPT_VALUES = 4096


_Row = tuple[Any, ...]
_Key = tuple[int, str, str]
"""Sandbox, kind and id of a document."""
_FacetKey = tuple[int, str, Value]


class _Kept:
    """A document as it is known: its row, its value, and its facets once they were looked up."""

    __slots__ = ("facets", "number", "value")

    def __init__(self, number: int, value: Any, facets: Facets | None) -> None:
        self.number = number
        self.value = value
        self.facets = facets


_INSERT_DOCUMENT = (
    "INSERT INTO document (number, sandbox, kind, id, at, parent, lane, due_at, value, public)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_UPDATE_DOCUMENT = "UPDATE document SET parent = ?, due_at = ?, value = ?, public = ? WHERE number = ?"
_INSERT_FACET = "INSERT INTO facet (number, name, value, sandbox, kind, at) VALUES (?, ?, ?, ?, ?, ?)"
_DELETE_FACET = "DELETE FROM facet WHERE number = ? AND name = ? AND value = ?"


def _encoded(value: Any) -> bytes | None:
    # Patterns of behavior rules may hold exact decimals; their shortest float reads back as the same decimal.
    return None if value is None else orjson.dumps(value, default=float)


def _array(values: Sequence[Value]) -> str:
    return orjson.dumps(values).decode()


class Transaction:
    """What an action reads and writes with. One for the whole life of the store."""

    def __init__(self, connection: sqlite3.Connection, decode: Callable[[str, bytes], Any]) -> None:
        self._connection = connection
        self._decode = decode
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._touched: list[_Key] = []
        self._unsaved: dict[int, Callable[[], bytes]] = {}
        self._next_number: int = 1 + connection.execute("SELECT coalesce(max(number), 0) FROM document").fetchone()[0]
        # Rows wait here until something is read or the action ends: one statement for all of a sort.
        self._documents: list[_Row] = []
        self._changes: dict[int, _Row] = {}
        self._facets: dict[_FacetKey, _Row] = {}
        self._gone: dict[_FacetKey, _Row] = {}
        self._performed = 0

    @property
    def changes(self) -> int:
        """How many rows were written since the store was opened."""
        return self._connection.total_changes

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()

    def sandbox(self, name: str) -> tuple[int, bytes] | None:
        """The number and the body of a sandbox."""
        row = self._connection.execute("SELECT number, body FROM sandbox WHERE name = ?", (name,)).fetchone()
        return None if row is None else (row[0], row[1])

    def add_sandbox(self, name: str, body: bytes) -> int:
        """A new sandbox; returns its number."""
        cursor = self._flushed().execute("INSERT INTO sandbox (name, body) VALUES (?, ?)", (name, body))
        return int(cursor.lastrowid or 0)

    def save_sandbox(self, number: int, body: Callable[[], bytes]) -> None:
        """Saves the body once, right before the commit, however many actions of the group ask for it."""
        self._unsaved[number] = body

    def is_empty(self, sandbox: int) -> bool:
        """Whether a sandbox has no document but its call log."""
        row = self._flushed().execute("SELECT 1 FROM document WHERE sandbox = ? AND kind <> 'call' LIMIT 1", (sandbox,))
        return row.fetchone() is None

    def empty_sandbox(self, number: int) -> None:
        """Removes every document of a sandbox."""
        connection = self._flushed()
        connection.execute(
            "DELETE FROM facet WHERE number IN (SELECT number FROM document WHERE sandbox = ?)", (number,)
        )
        connection.execute("DELETE FROM document WHERE sandbox = ?", (number,))
        for key in [key for key in self._kept if key[0] == number]:
            del self._kept[key]

    def get(self, sandbox: int, kind: str, id: str) -> Any:
        """The value of a document, or nothing."""
        kept = self._find(sandbox, kind, id)
        return None if kept is None else kept.value

    def public(self, sandbox: int, kind: str, id: str) -> bytes | None:
        """The public form of a document."""
        return public_form(self._flushed(), sandbox, kind, id)

    def all(self, sandbox: int, kind: str, parent: str | None = None) -> list[Any]:
        """The values of all documents of a kind (and a parent), oldest first. For kinds of which there are few."""
        where, arguments = "sandbox = ? AND kind = ?", [sandbox, kind]
        if parent is not None:
            where, arguments = f"{where} AND parent = ?", [*arguments, parent]
        rows = self._flushed().execute(f"SELECT id FROM document WHERE {where} ORDER BY at, number", arguments)
        return [self.get(sandbox, kind, id) for (id,) in rows.fetchall()]

    @property
    def mark(self) -> int:
        """The number of the next document: whatever is saved from now on has this number or a higher one."""
        return self._next_number

    def numbered(self, sandbox: int, kind: str, limit: int, parent: str | None = None) -> list[tuple[int, bytes]]:
        """Number and public form of the newest documents of a kind (and a parent), oldest first."""
        where, arguments = ("sandbox = ? AND kind = ?", [sandbox, kind])
        if parent is not None:
            where, arguments = ("sandbox = ? AND parent = ? AND kind = ?", [sandbox, parent, kind])
        rows = self._flushed().execute(
            f"SELECT number, public FROM document WHERE {where} ORDER BY at DESC, number DESC LIMIT ?",
            [*arguments, limit],
        )
        return rows.fetchall()[::-1]

    def since(self, sandbox: int, kind: str, number: int, limit: int) -> list[tuple[int, bytes]]:
        """Number and public form of the documents of a kind that were saved after this number, in that order."""
        rows = self._flushed().execute(
            "SELECT number, public FROM document WHERE number > ? AND sandbox = ? AND kind = ? ORDER BY number LIMIT ?",
            (number, sandbox, kind, limit),
        )
        return rows.fetchall()

    def parent(self, sandbox: int, kind: str, id: str) -> str | None:
        """What a document belongs to."""
        row = (
            self._flushed()
            .execute("SELECT parent FROM document WHERE sandbox = ? AND kind = ? AND id = ?", (sandbox, kind, id))
            .fetchone()
        )
        return None if row is None else row[0]

    def parents(self, sandbox: int, kind: str, lane: str, having: Equal, but: Equal, limit: int) -> list[str]:
        """What the documents of a kind in a lane belong to that meet the condition `having`, oldest first.

        Left out are parents to which another document of the lane belongs that meets the condition `but`.
        """
        rows = self._flushed().execute(
            "SELECT d.parent FROM facet f JOIN document d ON d.number = f.number"
            " WHERE f.sandbox = ?1 AND f.kind = ?2 AND f.name = ?4 AND f.value IN (SELECT value FROM json_each(?5))"
            " AND d.lane = ?3 AND NOT EXISTS ("
            "  SELECT 1 FROM document o JOIN facet g ON g.number = o.number"
            "  WHERE o.sandbox = ?1 AND o.parent = d.parent AND o.kind = ?2 AND o.lane = ?3"
            "  AND g.name = ?6 AND g.value IN (SELECT value FROM json_each(?7)))"
            " GROUP BY d.parent ORDER BY min(d.number) LIMIT ?8",
            (sandbox, kind, lane, having.name, _array(having.values), but.name, _array(but.values), limit),
        )
        return [parent for (parent,) in rows.fetchall()]

    def newest(self, sandbox: int, kind: str, having: Equal, earliest: Time, limit: int) -> list[str]:
        """The ids of the newest documents of a kind that meet a condition, the newest first."""
        rows = self._flushed().execute(
            "SELECT d.id FROM document d JOIN facet f ON f.number = d.number AND f.name = ?3"
            " WHERE d.sandbox = ?1 AND d.kind = ?2 AND d.at >= ?5 AND f.value IN (SELECT value FROM json_each(?4))"
            " ORDER BY d.at DESC, d.number DESC LIMIT ?6",
            (sandbox, kind, having.name, _array(having.values), earliest, limit),
        )
        return [id for (id,) in rows.fetchall()]

    def put(self, sandbox: int, record: Record) -> None:
        """Saves a document, new or changed."""
        kept = self._find(sandbox, record.kind, record.id)
        if kept is None:
            self.add(sandbox, record)
            return
        self._changes[kept.number] = (record.parent, record.due, _encoded(record.value), record.public, kept.number)
        if kept.facets is None or kept.facets != record.facets:
            self._change_facets(sandbox, record, kept)
        self._keep((sandbox, record.kind, record.id), _Kept(kept.number, record.value, record.facets))

    def add(self, sandbox: int, record: Record) -> None:
        """Saves a document that is certainly new."""
        number = self._next_number
        self._next_number += 1
        kind, at = record.kind, record.at
        self._documents.append(
            (
                number,
                sandbox,
                kind,
                record.id,
                at,
                record.parent,
                record.lane,
                record.due,
                _encoded(record.value),
                record.public,
            )
        )
        for name, text in record.facets:
            self._facets[number, name, text] = (number, name, text, sandbox, kind, at)
        if record.value is not None:
            self._keep((sandbox, kind, record.id), _Kept(number, record.value, record.facets))

    def delete(self, sandbox: int, kind: str, id: str) -> None:
        """Removes a document."""
        kept = self._find(sandbox, kind, id)
        if kept is not None:
            self._flushed().execute("DELETE FROM facet WHERE number = ?", (kept.number,))
            self._flushed().execute("DELETE FROM document WHERE number = ?", (kept.number,))
            self._kept.pop((sandbox, kind, id), None)

    def delete_oldest(self, sandbox: int, kind: str, keep: int) -> None:
        """Keeps the newest `keep` documents of a kind that has no facets."""
        self._flushed().execute(
            "DELETE FROM document WHERE number IN (SELECT number FROM document WHERE sandbox = ? AND kind = ?"
            " ORDER BY at DESC, number DESC LIMIT -1 OFFSET ?)",
            (sandbox, kind, keep),
        )

    def next_due(self, sandbox: int, lane: str) -> tuple[Time, str, str] | None:
        """When the next document of a lane wakes, its kind and its id."""
        row = (
            self._flushed()
            .execute(
                "SELECT due_at, kind, id FROM document WHERE sandbox = ? AND lane = ? AND due_at IS NOT NULL"
                " ORDER BY due_at, number LIMIT 1",
                (sandbox, lane),
            )
            .fetchone()
        )
        return None if row is None else (row[0], row[1], row[2])

    def due(self, sandbox: int, lane: str, until: Time | None, limit: int) -> list[str]:
        """The ids of what is due in a lane by `until` (or ever), in its order."""
        where, arguments = ("due_at IS NOT NULL", []) if until is None else ("due_at <= ?", [until])
        rows = self._flushed().execute(
            f"SELECT id FROM document WHERE sandbox = ? AND lane = ? AND {where} ORDER BY due_at, number LIMIT ?",
            (sandbox, lane, *arguments, limit),
        )
        return [id for (id,) in rows.fetchall()]

    def atomic(self, action: Callable[[], T]) -> T:
        """Runs `action` so that an exception leaves nothing of it behind."""
        self._flushed().execute("SAVEPOINT action")
        outer, self._touched = self._touched, []
        try:
            result = action()
            self._flushed()
            return result
        except BaseException:
            self._forget_waiting()
            self._connection.execute("ROLLBACK TO action")
            self._forget_touched()
            raise
        finally:
            self._connection.execute("RELEASE action")
            self._touched = outer + self._touched

    def _find(self, sandbox: int, kind: str, id: str) -> _Kept | None:
        key = (sandbox, kind, id)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        row = (
            self._flushed()
            .execute("SELECT number, value FROM document WHERE sandbox = ? AND kind = ? AND id = ?", key)
            .fetchone()
        )
        if row is None:
            return None
        kept = _Kept(row[0], None if row[1] is None else self._decode(kind, row[1]), None)
        self._keep(key, kept)
        return kept

    def _keep(self, key: _Key, kept: _Kept) -> None:
        self._kept[key] = kept
        self._touched.append(key)
        if len(self._kept) > _KEPT_VALUES:
            self._kept.popitem(last=False)

    def _change_facets(self, sandbox: int, record: Record, kept: _Kept) -> None:
        present = kept.facets
        if present is None:
            rows = self._flushed().execute("SELECT name, value FROM facet WHERE number = ?", (kept.number,))
            present = frozenset((name, value) for name, value in rows.fetchall())
        for name, text in present - record.facets:
            key = (kept.number, name, text)
            if self._facets.pop(key, None) is None:
                self._gone[key] = key
        for name, text in record.facets - present:
            key = (kept.number, name, text)
            if self._gone.pop(key, None) is None:
                self._facets[key] = (*key, sandbox, record.kind, record.at)

    def _forget_touched(self) -> None:
        """Forgets what was learnt since something that failed began."""
        for key in self._touched:
            self._kept.pop(key, None)

    def _flushed(self) -> sqlite3.Connection:
        """The connection, once all waiting rows are written."""
        for statement, waiting in (
            (_INSERT_DOCUMENT, self._documents),
            (_UPDATE_DOCUMENT, self._changes.values()),
            (_DELETE_FACET, self._gone.values()),
            (_INSERT_FACET, self._facets.values()),
        ):
            if waiting:
                self._connection.executemany(statement, waiting)
        self._forget_waiting()
        return self._connection

    def _forget_waiting(self) -> None:
        self._documents, self._changes, self._facets, self._gone = [], {}, {}, {}

    def perform(self, action: Callable[["Transaction"], Any]) -> tuple[bool, Any]:
        """Runs an action, to be committed with those before and after it; whether it worked, and its result or error.

        One that fails leaves nothing behind.
        """
        try:
            result = self._perform_first(action) if not self._performed else self.atomic(lambda: action(self))
        except Exception as error:
            return False, error
        self._performed += 1
        return True, result

    def _perform_first(self, action: Callable[["Transaction"], T]) -> T:
        """The first action needs no savepoint: so far the transaction is its own, and rolled back as a whole."""
        self._touched.clear()
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            result = action(self)
            self._flushed()  # what cannot be written must not fail with the commit, which is of others too
            return result
        except BaseException:
            self._roll_back()
            raise

    def commit(self) -> None:
        """Commits all actions since the last commit. Raises what went wrong; then nothing of them is left."""
        if not self._performed:
            return
        try:
            for number, body in self._unsaved.items():
                self._flushed().execute("UPDATE sandbox SET body = ? WHERE number = ?", (body(), number))
            self._flushed().execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._performed = 0
            self._unsaved.clear()

    def _roll_back(self) -> None:
        """Undoes the whole transaction, and forgets what was learnt in it."""
        self._forget_waiting()
        self._unsaved.clear()
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._forget_touched()
