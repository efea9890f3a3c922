"""The store: documents in SQLite, one writer thread, commits of concurrent requests grouped.

The only module that speaks SQL. Writing goes through `Store.run`: an action is a synchronous function that gets a
`Transaction` and runs whole on the database thread, so it cannot await and nothing slips in between; what it returns
is handed back only after its commit. Reading what the API answers goes through `Store.reader`, on the caller's thread
and a connection of its own, which sees committed data only.

The process owns the file: values are decoded once and kept, so a second process on the same file is refused.
"""

import asyncio
import fcntl
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
import orjson

from drsim.domain.clock import Time
from drsim.domain.values import value

T = TypeVar("T")
Value = str | int
Facets = frozenset[tuple[str, Value]]
DueDelivery = tuple[str, Time, bytes]
"""A delivery that is due: its id, when, and its event in public form."""

SCHEMA_VERSION = 1
_KEPT_VALUES = 4096


class StoreError(Exception):
    """The database file cannot be used; the message says why."""


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
    parent: str | None = None
    conditions: tuple[Equal | Between, ...] = ()
    earliest: Time | None = None
    latest: Time | None = None
    after: tuple[Time, int] | None = None
    before: tuple[Time, int] | None = None


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
_UPDATE_DOCUMENT = "UPDATE document SET due_at = ?, value = ?, public = ? WHERE number = ?"
_INSERT_FACET = "INSERT INTO facet (number, name, value, sandbox, kind, at) VALUES (?, ?, ?, ?, ?, ?)"


def _encoded(value: Any) -> bytes | None:
    # Patterns of behavior rules may hold exact decimals; their shortest float reads back as the same decimal.
    return None if value is None else orjson.dumps(value, default=float)


class Transaction:
    """What an action reads and writes with. Lives on the database thread; one for the whole life of the store."""

    def __init__(self, connection: sqlite3.Connection, decode: Callable[[str, bytes], Any]) -> None:
        self._connection = connection
        self._decode = decode
        self._kept: OrderedDict[tuple[int, str, str], _Kept] = OrderedDict()
        self._touched: list[tuple[int, str, str]] = []
        self._unsaved: dict[int, Callable[[], bytes]] = {}
        self._next_number = 1 + connection.execute("SELECT coalesce(max(number), 0) FROM document").fetchone()[0]
        # Rows wait here until something is read or the action ends: one statement for all of a sort.
        self._documents: list[tuple[Any, ...]] = []
        self._changes: list[tuple[Any, ...]] = []
        self._facets: list[tuple[Any, ...]] = []

    def sandbox(self, name: str) -> tuple[int, bytes] | None:
        """The number and the body of a sandbox."""
        row = self._connection.execute("SELECT number, body FROM sandbox WHERE name = ?", (name,)).fetchone()
        return None if row is None else (row[0], row[1])

    def add_sandbox(self, name: str, body: bytes) -> int:
        """A new sandbox; returns its number."""
        cursor = self._connection.execute("INSERT INTO sandbox (name, body) VALUES (?, ?)", (name, body))
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
        return _public(self._flushed(), sandbox, kind, id)

    def all(self, sandbox: int, kind: str, parent: str | None = None) -> list[Any]:
        """The values of all documents of a kind (and a parent), oldest first. For kinds of which there are few."""
        where, arguments = "sandbox = ? AND kind = ?", [sandbox, kind]
        if parent is not None:
            where, arguments = f"{where} AND parent = ?", [*arguments, parent]
        rows = self._flushed().execute(f"SELECT id FROM document WHERE {where} ORDER BY at, number", arguments)
        return [self.get(sandbox, kind, id) for (id,) in rows.fetchall()]

    def newest(self, sandbox: int, kind: str, limit: int, parent: str | None = None) -> list[bytes]:
        """The public forms of the newest documents of a kind (and a parent)."""
        where, arguments = ("sandbox = ? AND kind = ?", [sandbox, kind])
        if parent is not None:
            where, arguments = ("sandbox = ? AND parent = ? AND kind = ?", [sandbox, parent, kind])
        rows = self._flushed().execute(
            f"SELECT public FROM document WHERE {where} ORDER BY at DESC, number DESC LIMIT ?", [*arguments, limit]
        )
        return [public for (public,) in rows.fetchall()]

    def put(self, sandbox: int, record: Record) -> None:
        """Saves a document, new or changed."""
        kept = self._find(sandbox, record.kind, record.id)
        if kept is None:
            self.add(sandbox, record)
            return
        self._changes.append((record.due, _encoded(record.value), record.public, kept.number))
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
            self._facets.append((number, name, text, sandbox, kind, at))
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

    def next_due(self, sandbox: int, lane: str) -> tuple[Time, str] | None:
        """When the next document of a lane wakes, and its id."""
        row = (
            self._flushed()
            .execute(
                "SELECT due_at, id FROM document WHERE sandbox = ? AND lane = ? AND due_at IS NOT NULL"
                " ORDER BY due_at, number LIMIT 1",
                (sandbox, lane),
            )
            .fetchone()
        )
        return None if row is None else (row[0], row[1])

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
            self._documents, self._changes, self._facets = [], [], []
            self._connection.execute("ROLLBACK TO action")
            for key in self._touched:
                self._kept.pop(key, None)
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

    def _keep(self, key: tuple[int, str, str], kept: _Kept) -> None:
        self._kept[key] = kept
        self._touched.append(key)
        if len(self._kept) > _KEPT_VALUES:
            self._kept.popitem(last=False)

    def _change_facets(self, sandbox: int, record: Record, kept: _Kept) -> None:
        present = kept.facets
        if present is None:
            rows = self._flushed().execute("SELECT name, value FROM facet WHERE number = ?", (kept.number,))
            present = frozenset((name, value) for name, value in rows.fetchall())
        if gone := present - record.facets:
            self._flushed().executemany(
                "DELETE FROM facet WHERE number = ? AND name = ? AND value = ?",
                [(kept.number, name, value) for name, value in gone],
            )
        for name, text in record.facets - present:
            self._facets.append((kept.number, name, text, sandbox, record.kind, record.at))

    def _flushed(self) -> sqlite3.Connection:
        """The connection, once all waiting rows are written."""
        if self._documents:
            documents, self._documents = self._documents, []
            self._connection.executemany(_INSERT_DOCUMENT, documents)
        if self._changes:
            changes, self._changes = self._changes, []
            self._connection.executemany(_UPDATE_DOCUMENT, changes)
        if self._facets:
            facets, self._facets = self._facets, []
            self._connection.executemany(_INSERT_FACET, facets)
        return self._connection

    def run_group(self, actions: Sequence[Callable[["Transaction"], Any]]) -> list[tuple[bool, Any]]:
        """Runs actions in one commit; per action, whether it worked and what it returned or raised."""
        self._touched.clear()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            if len(actions) == 1:
                # An action that is alone needs no savepoint: its transaction is rolled back as a whole.
                try:
                    results = [(True, actions[0](self))]
                    self._flushed()
                except Exception as error:
                    self._roll_back()
                    return [(False, error)]
            else:
                results = [self._attempt(each) for each in actions]
            for number, body in self._unsaved.items():
                self._flushed().execute("UPDATE sandbox SET body = ? WHERE number = ?", (body(), number))
            self._flushed().execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._unsaved.clear()
        return results

    def _roll_back(self) -> None:
        """Undoes the whole transaction, and forgets what was learnt in it."""
        self._documents, self._changes, self._facets = [], [], []
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        for key in self._touched:
            self._kept.pop(key, None)

    def _attempt(self, action: Callable[["Transaction"], Any]) -> tuple[bool, Any]:
        try:
            return True, self.atomic(lambda: action(self))
        except Exception as error:
            return False, error


class Reader:
    """Reads what is committed, on the thread it was made on."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def public(self, sandbox: int, kind: str, id: str) -> bytes | None:
        """The public form of a document."""
        return _public(self._connection, sandbox, kind, id)

    def value(self, sandbox: int, kind: str, id: str) -> bytes | None:
        """The value of a document as JSON."""
        row = self._connection.execute(
            "SELECT value FROM document WHERE sandbox = ? AND kind = ? AND id = ?", (sandbox, kind, id)
        ).fetchone()
        return None if row is None else row[0]

    def place(self, sandbox: int, kind: str, id: str) -> tuple[Time, int] | None:
        """Where a document stands in its list: a cursor."""
        row = self._connection.execute(
            "SELECT at, number FROM document WHERE sandbox = ? AND kind = ? AND id = ?", (sandbox, kind, id)
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def family(self, sandbox: int, parent: str, kinds: Iterable[str]) -> list[tuple[str, bytes]]:
        """Kind and public form of all documents of a parent, of each kind oldest first."""
        return [
            (kind, public)
            for kind in kinds
            for (public,) in self._connection.execute(
                "SELECT public FROM document WHERE sandbox = ? AND parent = ? AND kind = ? ORDER BY at, number",
                (sandbox, parent, kind),
            )
        ]

    def due_deliveries(self, sandbox: int, lane: str, until: Time, limit: int) -> list[DueDelivery]:
        """What is due in the lane of a webhook by `until`, in its order."""
        return self._connection.execute(
            "SELECT d.id, d.due_at, e.public FROM document d"
            " JOIN document e ON e.sandbox = d.sandbox AND e.kind = 'event' AND e.id = d.parent"
            " WHERE d.sandbox = ? AND d.lane = ? AND d.due_at <= ? ORDER BY d.due_at, d.number LIMIT ?",
            (sandbox, lane, until, limit),
        ).fetchall()

    def next_due(self, sandbox: int, lane: str) -> Time | None:
        """When the next document of a lane wakes."""
        row = self._connection.execute(
            "SELECT min(due_at) FROM document WHERE sandbox = ? AND lane = ? AND due_at IS NOT NULL", (sandbox, lane)
        ).fetchone()
        return None if row is None else row[0]

    def sandboxes(self) -> list[str]:
        """The names of all sandboxes."""
        return [name for (name,) in self._connection.execute("SELECT name FROM sandbox ORDER BY number")]

    def page(self, sandbox: int, query: Query) -> tuple[list[bytes], bool]:
        """The public forms of one page, and whether there is more in the direction of travel."""
        rows: dict[int, tuple[Time, int, bytes]] = {}
        for sql, arguments in _page_statements(self, sandbox, query):
            for at, number, public in self._connection.execute(sql, arguments):
                rows[number] = (at, number, public)
        forward = query.before is None
        ordered = sorted(rows.values(), key=lambda row: row[:2], reverse=forward)
        page = [public for _, _, public in ordered[: query.limit]]
        return (page if forward else page[::-1]), len(ordered) > query.limit

    def number(self, sandbox: int, kind: str, id: str) -> int:
        """The number of a document, or -1."""
        place = self.place(sandbox, kind, id)
        return -1 if place is None else place[1]

    def count(self, sandbox: int, kind: str, condition: Equal | Between, most: int) -> int:
        """How many documents meet one condition; counting stops at `most`."""
        where, arguments = _facet_condition("f", condition)
        row = self._connection.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM facet f WHERE f.sandbox = ? AND f.kind = ? AND {where} LIMIT ?)",
            (sandbox, kind, *arguments, most),
        ).fetchone()
        return int(row[0])

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


def _public(connection: sqlite3.Connection, sandbox: int, kind: str, id: str) -> bytes | None:
    row = connection.execute(
        "SELECT public FROM document WHERE sandbox = ? AND kind = ? AND id = ?", (sandbox, kind, id)
    ).fetchone()
    return None if row is None else row[0]


_PROBE = 2_000


def _page_statements(reader: Reader, sandbox: int, query: Query) -> Iterable[tuple[str, list[Any]]]:
    """The statements whose rows, merged, hold the page.

    A list that is filtered starts from the index of its rarest condition and checks the others row by row; with only
    a wide range to go by, it walks the list itself. Source: lists by index, never by scan.
    """
    table, order = "d", "ASC" if query.before else "DESC"
    where: list[str] = []
    arguments: list[Any] = []
    driver = None if query.ids is not None or query.parent is not None else _rarest(reader, sandbox, query)
    if query.ids is not None:
        numbers = [reader.number(sandbox, query.kind, id) for id in dict.fromkeys(query.ids)]
        where.append(f"d.number IN ({_marks(numbers)})")
        arguments += numbers
    elif driver is not None:
        table = "f"
    if query.parent is not None:
        where.append("d.parent = ?")
        arguments.append(query.parent)
    bounds: list[tuple[str, Time | None]] = [(">=", query.earliest), ("<=", query.latest)]
    for sign, bound in bounds:
        if bound is not None:
            where.append(f"{table}.at {sign} ?")
            arguments.append(bound)
    cursor = query.before or query.after
    if cursor is not None:
        where.append(f"({table}.at, {table}.number) {'>' if query.before else '<'} (?, ?)")
        arguments += cursor
    for condition in query.conditions:
        if condition is not driver:
            sql, values = _facet_condition("g", condition)
            where.append(f"EXISTS (SELECT 1 FROM facet g WHERE g.number = d.number AND {sql})")
            arguments += values
    end = f"ORDER BY {table}.at {order}, {table}.number {order} LIMIT {query.limit + 1}"
    start = f"{table}.sandbox = ? AND {table}.kind = ?"
    if driver is None:
        yield (
            f"SELECT d.at, d.number, d.public FROM document d WHERE {' AND '.join([start, *where])} {end}",
            [
                sandbox,
                query.kind,
                *arguments,
            ],
        )
        return
    for part in _single_values(driver):
        sql, values = _facet_condition("f", part)
        yield (
            "SELECT f.at, f.number, d.public FROM facet f JOIN document d ON d.number = f.number"
            f" WHERE {' AND '.join([start, sql, *where])} {end}",
            [sandbox, query.kind, *values, *arguments],
        )


def _rarest(reader: Reader, sandbox: int, query: Query) -> Equal | Between | None:
    conditions = query.conditions
    if len(conditions) == 1 and isinstance(conditions[0], Equal):
        return conditions[0]
    counted = [(reader.count(sandbox, query.kind, each, _PROBE), place) for place, each in enumerate(conditions)]
    if not counted:
        return None
    count, place = min(counted)
    if count == _PROBE:
        return next((each for each in conditions if isinstance(each, Equal)), None)
    return conditions[place]


def _single_values(condition: Equal | Between) -> Iterable[Equal | Between]:
    if isinstance(condition, Between):
        return [condition]
    return [Equal(condition.name, (value,)) for value in condition.values]


def _facet_condition(table: str, condition: Equal | Between) -> tuple[str, list[Any]]:
    if isinstance(condition, Between):
        return f"{table}.name = ? AND {table}.value BETWEEN ? AND ?", [condition.name, condition.low, condition.high]
    if len(condition.values) == 1:
        return f"{table}.name = ? AND {table}.value = ?", [condition.name, condition.values[0]]
    return f"{table}.name = ? AND {table}.value IN ({_marks(condition.values)})", [condition.name, *condition.values]


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" for _ in values)


class Store:
    """The open database. Make it with `Store.open`."""

    def __init__(self, connection: aiosqlite.Connection, transaction: Transaction, reader: Reader, lock: Any) -> None:
        self._connection = connection
        self._transaction = transaction
        self._lock = lock
        self._waiting: list[tuple[Callable[[Transaction], Any], asyncio.Future[Any]]] = []
        self._pump: asyncio.Task[None] | None = None
        self.reader = reader
        self.lost: Callable[[], None] = lambda: None
        """Called when a commit failed: whatever was derived from uncommitted writes must be forgotten."""

    @classmethod
    async def open(cls, path: Path, *, durable: bool, types: Mapping[str, type]) -> "Store":
        """Opens or creates the database at `path`; `types` says which value each kind of document has.

        `durable` survives the process, a database that is not goes faster. Raises `StoreError` for a file that is no
        drsim database, was made by another version, or is in use by another drsim.
        """
        path, lock = _lock(path)
        try:
            connection = await aiosqlite.connect(path, isolation_level=None, cached_statements=256)
            try:
                raw, decode = connection._conn, _decoder(types)
                await cls._on_thread(connection, lambda: _prepare(raw, durable))
                transaction = await cls._on_thread(connection, lambda: Transaction(raw, decode))
                read = sqlite3.connect(path, isolation_level=None, cached_statements=256)
                read.execute("PRAGMA query_only = ON")
            except BaseException:
                await connection.close()  # its thread would keep the process alive
                raise
        except (sqlite3.Error, StoreError) as error:
            lock.close()
            raise StoreError(f"{path}: {error}") from error
        return cls(connection, transaction, Reader(read), lock)

    @staticmethod
    async def _on_thread(connection: aiosqlite.Connection, function: Callable[[], T]) -> T:
        # aiosqlite has no public call that runs a whole function on its thread; the version is pinned for this one.
        result: T = await connection._execute(function)  # type: ignore[no-untyped-call]
        return result

    async def run(self, action: Callable[[Transaction], T]) -> T:
        """Runs `action` in a transaction and returns what it returns, once that is committed.

        Actions that arrive while another group is being written share the next commit. What an action raises is
        raised here, and nothing of it stays behind; the others of its group are not touched by that.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((action, future))
        if self._pump is None:
            self._pump = asyncio.create_task(self._write())
        return await future

    async def _write(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                actions = [action for action, _ in group]
                try:
                    results = await self._on_thread(self._connection, lambda todo=actions: self._group(todo))  # type: ignore[misc]
                except Exception as error:
                    self.lost()
                    results = [(False, error)] * len(group)
                for (_, future), (worked, result) in zip(group, results, strict=True):
                    if future.done():
                        continue
                    if worked:
                        future.set_result(result)
                    else:
                        future.set_exception(result)
        finally:
            self._pump = None

    def _group(self, actions: Sequence[Callable[[Transaction], Any]]) -> list[tuple[bool, Any]]:
        return self._transaction.run_group(actions)

    async def close(self) -> None:
        """Finishes what is being written and closes the file."""
        while self._pump is not None:
            await asyncio.wait([self._pump])
        self.reader.close()
        await self._connection.close()
        self._lock.close()


def _lock(path: Path) -> tuple[Path, Any]:
    path = path.resolve()  # one file has one lock, by whatever name
    if path.is_dir():
        raise StoreError(f"{path} is a directory")
    try:
        lock = path.with_name(path.name + ".lock").open("w")
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StoreError(f"{path} is in use by another drsim") from error
    return path, lock


def _prepare(connection: sqlite3.Connection, durable: bool) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    ours = version == SCHEMA_VERSION and {"sandbox", "document", "facet"} <= tables
    if not ours and (version or tables):
        raise StoreError("is not a database of this version of drsim")
    connection.execute("PRAGMA page_size = 8192")  # an order fits in a page
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 8000")  # writes each busy page once for many commits
    connection.execute(f"PRAGMA synchronous = {'NORMAL' if durable else 'OFF'}")
    connection.execute("PRAGMA temp_store = MEMORY")
    if ours:
        return
    schema = Path(__file__).with_name("schema.sql").read_text()
    connection.executescript(f"BEGIN;\n{schema}\nPRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;")


def _decoder(types: Mapping[str, type]) -> Callable[[str, bytes], Any]:
    adapters: dict[str, Any] = {}

    def decode(kind: str, body: bytes) -> Any:
        if kind not in adapters:
            from pydantic import TypeAdapter

            adapters[kind] = TypeAdapter(types[kind])
        return adapters[kind].validate_json(body)

    return decode
