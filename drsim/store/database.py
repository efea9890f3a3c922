"""The open database: its file, its lock, its writer thread, and the grouping of commits."""

import asyncio
import fcntl
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from drsim.store.reading import Reader
from drsim.store.writing import Transaction

T = TypeVar("T")

SCHEMA_VERSION = 1


class StoreError(Exception):
    """The database file cannot be used; the message says why."""


_Waiting = tuple[Callable[[Transaction], Any], asyncio.Future[Any]]


class Store:
    """The open database. Make it with `Store.open`."""

    def __init__(self, connection: aiosqlite.Connection, transaction: Transaction, reader: Reader, lock: Any) -> None:
        self._connection = connection
        self._transaction = transaction
        self._lock = lock
        self._waiting: list[_Waiting] = []
        self._in_no_hurry: list[_Waiting] = []
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

    @property
    def mark(self) -> int:
        """Where in the order of documents the present is; what is saved later stands behind it."""
        return self._transaction.mark

    async def run(self, action: Callable[[Transaction], T], *, hurry: bool = True) -> T:
        """Runs `action` in a transaction and returns what it returns, once that is committed.

        Actions that arrive while another group is being written share the next commit. One that is in no `hurry` shares
        it with its like only, so that the others wait for no more than what is under way; where both are waiting, they
        take turns. What an action raises is raised here, and nothing of it stays behind; the others of its group are
        not touched by that.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        (self._waiting if hurry else self._in_no_hurry).append((action, future))
        if self._pump is None:
            self._pump = asyncio.create_task(self._write())
        return await future

    async def _write(self) -> None:
        try:
            hurry = True
            while self._waiting or self._in_no_hurry:
                if self._waiting and (hurry or not self._in_no_hurry):
                    group, self._waiting, hurry = self._waiting, [], False
                else:
                    group, self._in_no_hurry, hurry = self._in_no_hurry, [], True
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
