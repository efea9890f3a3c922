"""Reading what is committed: single documents, what is due, and pages of lists by their indexes."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from drsim.domain.clock import Time
from drsim.store.records import Between, DueDelivery, Equal, Query


def public_form(connection: sqlite3.Connection, sandbox: int, kind: str, id: str) -> bytes | None:
    """The public form of a document."""
    row = connection.execute(
        "SELECT public FROM document WHERE sandbox = ? AND kind = ? AND id = ?", (sandbox, kind, id)
    ).fetchone()
    return None if row is None else row[0]


_MOST_NAMED = 10_000

_MANY = 16


class Reader:
    """Reads what is committed, on the thread it was made on."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def public(self, sandbox: int, kind: str, id: str) -> bytes | None:
        """The public form of a document."""
        return public_form(self._connection, sandbox, kind, id)

    def place(self, sandbox: int, kind: str, id: str) -> tuple[Time, int] | None:
        """Where a document stands in its list: a cursor."""
        row = self._connection.execute(
            "SELECT at, number FROM document WHERE sandbox = ? AND kind = ? AND id = ?", (sandbox, kind, id)
        ).fetchone()
        return None if row is None else (row[0], row[1])

    def children(self, sandbox: int, kind: str, parent: str) -> list[str]:
        """The ids of the documents of a kind that belong to another one, no more than a statement can name."""
        rows = self._connection.execute(
            "SELECT id FROM document WHERE sandbox = ? AND parent = ? AND kind = ?"
            " ORDER BY at DESC, number DESC LIMIT ?",
            (sandbox, parent, kind, _MOST_NAMED),
        )
        return [id for (id,) in rows]

    def due_deliveries(
        self, sandbox: int, lane: str, until: Time, limit: int, but: Iterable[int] = ()
    ) -> list[DueDelivery]:
        """What is due in the lane of a webhook by `until`, in its order, but for these numbers."""
        rows = self._connection.execute(
            "SELECT d.number, d.id, d.due_at, d.public, e.public, e.value FROM document d"
            " JOIN document e ON e.sandbox = d.sandbox AND e.kind = 'event' AND e.id = d.parent"
            " WHERE d.sandbox = ? AND d.lane = ? AND d.due_at <= ?"
            " AND d.number NOT IN (SELECT value FROM json_each(?)) ORDER BY d.due_at, d.number LIMIT ?",
            (sandbox, lane, until, f"[{','.join(map(str, but))}]", limit),
        )
        return [DueDelivery(*row) for row in rows]

    def next_due(self, sandbox: int, lane: str) -> Time | None:
        """When the next document of a lane wakes."""
        row = self._connection.execute(
            "SELECT min(due_at) FROM document WHERE sandbox = ? AND lane = ? AND due_at IS NOT NULL", (sandbox, lane)
        ).fetchone()
        return None if row is None else row[0]

    def many_due(self, sandbox: int, lane: str, until: Time) -> bool:
        """Whether many documents of a lane have to wake by `until`."""
        row = self._connection.execute(
            "SELECT 1 FROM document WHERE sandbox = ? AND lane = ? AND due_at <= ? LIMIT 1 OFFSET ?",
            (sandbox, lane, until, _MANY),
        ).fetchone()
        return row is not None

    def home(self, kind: str, id: str) -> str | None:
        """The name of the sandbox that has this document, of a kind whose ids are different in all of them."""
        row = self._connection.execute(
            "SELECT s.name FROM sandbox s JOIN document d ON d.sandbox = s.number AND d.kind = ? AND d.id = ?",
            (kind, id),
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


_PROBE = 2_000


def _page_statements(reader: Reader, sandbox: int, query: Query) -> Iterable[tuple[str, list[Any]]]:
    """The statements whose rows, merged, hold the page.

    A list that is filtered starts from the index of its rarest condition and checks the others row by row; with only
    a wide range to go by, it walks the list itself. Source: lists by index, never by scan.
    """
    table, order = "d", "ASC" if query.before else "DESC"
    where: list[str] = []
    arguments: list[Any] = []
    driver = None if query.ids is not None or query.parents is not None else _rarest(reader, sandbox, query)
    if query.ids is not None:
        numbers = [reader.number(sandbox, query.kind, id) for id in dict.fromkeys(query.ids)]
        where.append(f"d.number IN ({_marks(numbers)})")
        arguments += numbers
    elif driver is not None:
        table = "f"
    if query.parents is not None:
        where.append(f"d.parent IN ({_marks(query.parents)})")
        arguments += query.parents
    bounds: list[tuple[str, Time | None]] = [(">=", query.earliest), ("<=", query.latest)]
    for sign, bound in bounds:
        if bound is not None:
            where.append(f"{table}.at {sign} ?")
            arguments.append(bound)
    for condition in query.conditions:
        if condition is not driver:
            sql, values = _facet_condition("g", condition)
            where.append(f"EXISTS (SELECT 1 FROM facet g WHERE g.number = d.number AND {sql})")
            arguments += values
    end = f"ORDER BY {table}.at {order}, {table}.number {order} LIMIT {query.limit + 1}"
    start = f"{table}.sandbox = ? AND {table}.kind = ?"
    for beyond, place in _beyond_cursor(table, query):
        if driver is None:
            conditions = " AND ".join([start, *where, *beyond])
            yield (
                f"SELECT d.at, d.number, d.public FROM document d WHERE {conditions} {end}",
                [sandbox, query.kind, *arguments, *place],
            )
            continue
        for part in _single_values(driver):
            sql, values = _facet_condition("f", part)
            conditions = " AND ".join([start, sql, *where, *beyond])
            yield (
                "SELECT f.at, f.number, d.public FROM facet f JOIN document d ON d.number = f.number"
                f" WHERE {conditions} {end}",
                [sandbox, query.kind, *values, *arguments, *place],
            )


def _beyond_cursor(table: str, query: Query) -> list[tuple[list[str], list[int]]]:
    """What lies beyond the cursor, as conditions that an index answers: the rest of its instant, then other instants.

    As one comparison of pairs it would be read from the start of the cursor's instant, and a frozen clock puts
    everything into one.
    """
    cursor = query.before or query.after
    if cursor is None:
        return [([], [])]
    sign = ">" if query.before else "<"
    return [
        ([f"{table}.at = ?", f"{table}.number {sign} ?"], list(cursor)),
        ([f"{table}.at {sign} ?"], [cursor[0]]),
    ]


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
