"""The open database: its file, its lock, who writes when, and the grouping of commits."""

import asyncio
import fcntl
import sqlite3
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import aiosqlite

from drsim.store.reading import Reader
from drsim.store.writing import Transaction

T = TypeVar("T")

SCHEMA_VERSION = 1


class StoreError(Exception):
    """The database file cannot be used; the message says why."""


_AT_ONCE = 16
"""So many actions share a commit at most: the event loop waits for it."""

_SOON = 0.005
"""After so many seconds what is in no hurry is committed too."""

_CHECKPOINT = 8_000
"""After so many changed rows what was written goes from the log into the database."""


class _Asked(NamedTuple):
    """An action that waits for its turn, and who is to know once it is committed."""

    action: Callable[[Transaction], Any]
    committed: Callable[[], None]
    done: asyncio.Future[Any]
    hurry: bool
    long: bool


class Store:
    """The open database. Make it with `Store.open`.

    Actions run on the event loop, and those of one of its rounds are committed together in the next: that takes less
    time than handing them to a thread and waiting until both have had the interpreter. What may take long runs on the
    database thread while the others wait and the event loop goes on. What waits for the disk runs there too, and hardly
    anybody waits for that.
    """

    def __init__(self, connection: aiosqlite.Connection, transaction: Transaction, reader: Reader, lock: Any) -> None:
        self._connection = connection
        self._transaction = transaction
        self._lock = lock
        self._waiting: deque[_Asked] = deque()
        self._performed: list[tuple[_Asked, bool, Any]] = []
        self._committing: asyncio.Handle | None = None
        self._hurry = False
        self._aside: asyncio.Task[None] | None = None
        self._checkpoint: asyncio.Task[None] | None = None
        self._checkpointed = 0
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
            connection = await aiosqlite.connect(path, isolation_level=None)
            try:
                writer = await cls._on_thread(connection, lambda: _writer(path, durable))
                transaction = Transaction(writer, _decoder(types))
                await connection.execute(_synchronous(durable))
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

    def run(
        self,
        action: Callable[[Transaction], T],
        committed: Callable[[], None] = lambda: None,
        *,
        hurry: bool = True,
        long: bool = False,
    ) -> "asyncio.Future[T]":
        """Runs `action` in a transaction; what it returns is there once that is committed, `committed` is called first.

        It runs at once and shares the next commit with others, if nothing `long` is under way: that has a commit of its
        own, during which the event loop goes on. What is in no `hurry` leaves the commit for a moment to somebody who
        is, or who asks for it (`commit`). What an action raises is raised to its caller, and nothing of it stays
        behind; the others of its commit are not touched by that.
        """
        asked = _Asked(action, committed, asyncio.get_running_loop().create_future(), hurry, long)
        if self._aside is not None or self._waiting or long:
            self._waiting.append(asked)
            self._go_on()
        else:
            self._perform(asked)
        return asked.done

    def _go_on(self) -> None:
        """Performs what is waiting: a round of it, unless something that takes long comes before."""
        while self._waiting and self._aside is None:
            if not self._waiting[0].long:
                self._perform(self._waiting.popleft())
                if not self._performed:  # they are committed: others have the event loop before the next round
                    asyncio.get_running_loop().call_soon(self._go_on)
                    return
            elif self._performed:
                self.commit()
            else:
                self._put_aside(self._perform_aside(self._waiting.popleft()))

    def _perform(self, asked: _Asked) -> None:
        self._performed.append((asked, *self._transaction.perform(asked.action)))
        if len(self._performed) >= _AT_ONCE:
            self.commit()
        elif self._committing is None or (asked.hurry and not self._hurry):
            self._cancel_commit()
            loop = asyncio.get_running_loop()
            self._hurry = asked.hurry
            self._committing = loop.call_soon(self.commit) if self._hurry else loop.call_later(_SOON, self.commit)

    def commit(self) -> None:
        """Commits what was performed, now instead of soon, and tells the callers."""
        if not self._performed:
            return  # whatever else is under way is not of the event loop
        self._cancel_commit()
        performed, self._performed = self._performed, []
        try:
            self._transaction.commit()
        except Exception as error:
            self.lost()
            performed = [(asked, False, error) for asked, _, _ in performed]
        for each in performed:
            _tell(*each)
        if self._transaction.changes - self._checkpointed > _CHECKPOINT and self._checkpoint is None:
            self._checkpointed = self._transaction.changes
            self._checkpoint = asyncio.create_task(self._run_checkpoint())

    def _cancel_commit(self) -> None:
        if self._committing is not None:
            self._committing.cancel()
            self._committing = None

    def _put_aside(self, work: Coroutine[Any, Any, None]) -> None:
        async def put_aside() -> None:
            try:
                await work
            finally:
                self._aside = None
                self._go_on()

        self._aside = asyncio.create_task(put_aside())

    async def _perform_aside(self, asked: _Asked) -> None:
        def perform() -> tuple[bool, Any]:
            performed = self._transaction.perform(asked.action)
            self._transaction.commit()
            return performed

        try:
            worked, result = await self._on_thread(self._connection, perform)
        except Exception as error:
            self.lost()
            worked, result = False, error
        _tell(asked, worked, result)

    async def _run_checkpoint(self) -> None:
        """Moves what was written from the log into the database, which waits for the disk.

        Others write meanwhile. They wait only until the little that they have written is moved too: then the log
        begins anew.
        """
        await self._move_log()
        if self._aside is None:
            self.commit()
            self._put_aside(self._move_log())
        self._checkpoint = None

    async def _move_log(self) -> None:
        with suppress(sqlite3.Error):  # nothing is lost: the next one tries again
            await self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    async def close(self) -> None:
        """Finishes what is being written and closes the file."""
        while self._waiting or self._performed or self._aside or self._checkpoint:
            if aside := self._aside or self._checkpoint:
                await asyncio.wait([aside])
            elif self._performed:
                self.commit()
            else:
                await asyncio.wait([self._waiting[0].done])
        self.reader.close()
        self._transaction.close()
        await self._connection.close()
        self._lock.close()


def _tell(asked: _Asked, worked: bool, result: Any) -> None:
    """Gives a caller what its action has returned or raised."""
    if worked:
        try:
            asked.committed()
        except Exception as error:  # the others are to be told all the same
            worked, result = False, error
    if asked.done.done():
        return  # nobody waits any more
    if worked:
        asked.done.set_result(result)
    else:
        asked.done.set_exception(result)


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


def _writer(path: Path, durable: bool) -> sqlite3.Connection:
    """The one connection that writes: on the event loop, or on the database thread while the event loop keeps off."""
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=256, check_same_thread=False)
    try:
        _prepare(connection, durable)
    except BaseException:
        connection.close()
        raise
    return connection


def _synchronous(durable: bool) -> str:
    return f"PRAGMA synchronous = {'NORMAL' if durable else 'OFF'}"


def _prepare(connection: sqlite3.Connection, durable: bool) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    ours = version == SCHEMA_VERSION and {"sandbox", "document", "facet"} <= tables
    if not ours and (version or tables):
        raise StoreError("is not a database of this version of drsim")
    connection.execute("PRAGMA page_size = 8192")  # an order fits in a page
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")  # see `_CHECKPOINT`
    connection.execute(_synchronous(durable))
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
