"""The reference servers drsim is measured against. Run: python -m tests.bench.reference echo|durable|read [DATABASE].

- `echo` parses and validates a fulfillment request with pydantic and answers it: what HTTP and validation cost.
- `durable` also runs one SQLite transaction: one read by key, three inserts, one update of a 3 KB document.
- `read` answers a 3 KB JSON document held in memory.
"""

import asyncio
import contextlib
import queue
import socket
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
import uvicorn
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.bench.bodies import reference_order

STORED = 1000
"""How many documents `durable` works on: requests are spread over them."""

_SCHEMA = """
CREATE TABLE document (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL, value BLOB NOT NULL);
CREATE UNIQUE INDEX document_by_id ON document (kind, id);
"""

Handler = Callable[[Request], Awaitable[Response]]


class Line(BaseModel):
    itemId: str
    quantity: int | None = None
    cancelQuantity: int | None = None
    trackingNumber: str | None = None


class Fulfillment(BaseModel):
    orderId: str
    items: list[Line]
    shipmentId: str | None = None
    trackingCompany: str | None = None
    trackingNumber: str | None = None
    metadata: dict[str, Any] | None = None


def _created(fulfillment: Fulfillment) -> Response:
    return Response(fulfillment.model_dump_json(exclude_none=True), 201, media_type="application/json")


async def echo(request: Request) -> Response:
    return _created(Fulfillment.model_validate_json(await request.body()))


class Database(threading.Thread):
    """One thread and one connection; requests that wait together share a transaction and a wake-up of the loop."""

    def __init__(self, path: str) -> None:
        super().__init__(daemon=True)
        self._path = path
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[tuple[Fulfillment, asyncio.Future[None]] | None] = queue.SimpleQueue()

    def save(self, fulfillment: Fulfillment) -> asyncio.Future[None]:
        """Done when it is committed."""
        committed = self._loop.create_future()
        self._jobs.put((fulfillment, committed))
        return committed

    def close(self) -> None:
        self._jobs.put(None)
        self.join()

    def run(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None, cached_statements=32)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")
        for number in range(STORED):
            value = orjson.dumps(reference_order(str(number)))
            connection.execute("INSERT INTO document (kind, id, value) VALUES ('order', ?, ?)", (str(number), value))
        connection.execute("COMMIT")
        events = 0
        while (first := self._jobs.get()) is not None:
            jobs = [first]
            with contextlib.suppress(queue.Empty):
                while (job := self._jobs.get_nowait()) is not None:
                    jobs.append(job)
            connection.execute("BEGIN IMMEDIATE")
            for fulfillment, _ in jobs:
                events += 1
                connection.execute("SAVEPOINT one")
                _transact(connection, fulfillment, str(events))
                connection.execute("RELEASE one")
            connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(_tell, [committed for _, committed in jobs])
        connection.close()


def _transact(connection: sqlite3.Connection, fulfillment: Fulfillment, number: str) -> None:
    key = str(int(fulfillment.orderId) // 10_000 % STORED)
    value = connection.execute("SELECT value FROM document WHERE kind = 'order' AND id = ?", (key,)).fetchone()[0]
    order = orjson.loads(value)
    order["capturedAmount"] += 0.25
    answer = fulfillment.model_dump_json()
    for kind in ("fulfillment", "event", "delivery"):
        connection.execute("INSERT INTO document (kind, id, value) VALUES (?, ?, ?)", (kind, number, answer))
    connection.execute("UPDATE document SET value = ? WHERE kind = 'order' AND id = ?", (orjson.dumps(order), key))


def _tell(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)


def durable(path: str) -> Starlette:
    databases: list[Database] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        databases.append(Database(path))
        databases[0].start()
        yield
        databases[0].close()

    async def post(request: Request) -> Response:
        fulfillment = Fulfillment.model_validate_json(await request.body())
        await databases[0].save(fulfillment)
        return _created(fulfillment)

    return Starlette(routes=[_posted(post)], lifespan=lifespan)


def read() -> Starlette:
    document = orjson.dumps(reference_order("231388420336"))

    async def get(_: Request) -> Response:
        return Response(document, media_type="application/json")

    return Starlette(routes=[Route("/orders/{id}", get)])


def _posted(handler: Handler) -> Route:
    return Route("/fulfillments", handler, methods=["POST"])


def _application(name: str, rest: list[str]) -> Starlette:
    if name == "durable":
        return durable(rest[0])
    return read() if name == "read" else Starlette(routes=[_posted(echo)])


def main(name: str, rest: list[str]) -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    config = uvicorn.Config(
        _application(name, rest), loop="uvloop", http="httptools", ws="none", log_config=None, access_log=False
    )
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
