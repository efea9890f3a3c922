"""Posting from a process of its own while much is to be sent, so that calls of the API hardly wait for deliveries.

That process only posts: what is sent, to whom, and what came of it is decided and kept here. It can go away at any
moment; what it had in hand is then posted from here.
"""

import asyncio
import pickle
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from typing import Any, TypeVar, cast

from drsim.engine.courtesy import give_way
from drsim.engine.transport import Answered, Transport

Helper = Callable[[], AbstractContextManager[socket.socket]]
"""Starts a process that runs `post_for`, and gives the connection with it; afterwards that process is gone."""

MUCH = 200
"""From so many posts within a second on it is worth a process."""

REST = 30.0
"""After so many seconds without posts that process ends, since it takes some 25 MB of memory."""

PATIENCE = 10.0
"""A post takes 3 seconds at most: a process that has not said after so many what came of it is given up."""

_LENGTH = 4


class Relay:
    """Posts as the transport `here` does: by that, or under load from the process that `helper` starts."""

    def __init__(self, here: Transport, helper: Helper) -> None:
        self._here = here
        self._helper = helper
        self._there: _Far | None = None
        self._since, self._posts = 0.0, 0
        self._running: asyncio.Task[None] | None = None

    async def post(
        self, address: str, headers: Mapping[str, str], body: bytes, *, confidential: bool = False
    ) -> Answered:
        """Posts once: see `Transport.post`."""
        if self._there is not None:
            with suppress(ConnectionError):
                return await self._there.post(address, headers, body, confidential)
        elif self._running is None and self._much():
            self._running = asyncio.create_task(self._run())
        return await self._here.post(address, headers, body, confidential=confidential)

    async def close(self) -> None:
        """Ends the process and closes all connections."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait([self._running])
        await self._here.close()

    def _much(self) -> bool:
        """Counts one more post: whether there were many within the last second or so."""
        now = asyncio.get_running_loop().time()
        if now - self._since >= 1:
            self._since, self._posts = now, 0
        self._posts += 1
        return self._posts >= MUCH

    async def _run(self) -> None:
        """Has a process post until it goes away or there is nothing to post; none where it cannot be started."""
        with suppress(OSError), self._helper() as connection:
            await self._post_there(connection)
            self._running = None

    async def _post_there(self, connection: socket.socket) -> None:
        async with _line(connection, _Far) as far:
            far.send(self._here.network)
            await far.ready.wait()
            self._there = far
            try:
                await far.rests(REST)
            finally:
                self._there = None


class _Line(asyncio.Protocol):
    """One end of the connection between the two processes. What is sent in one go is written as one."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport
        self._going: list[bytes] = []
        self._coming = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def connection_lost(self, exc: Exception | None) -> None:
        """The other process is gone, or this one has done with it."""
        if not self.closed.done():
            self.closed.set_result(None)

    def send(self, message: Any) -> None:
        """Sends a message."""
        if not self._going:
            self._loop.call_soon(self._write)
        packed = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        self._going += (len(packed).to_bytes(_LENGTH), packed)

    def data_received(self, data: bytes) -> None:
        """Takes the messages that have come."""
        self._coming += data
        start, end = 0, len(self._coming)
        while end - start >= _LENGTH:
            stop = start + _LENGTH + int.from_bytes(self._coming[start : start + _LENGTH])
            if stop > end:
                break
            self.take(pickle.loads(memoryview(self._coming)[start + _LENGTH : stop]))
            start = stop
        del self._coming[:start]

    def take(self, message: Any) -> None:
        """Takes one message."""
        raise NotImplementedError

    def _write(self) -> None:
        going, self._going = self._going, []
        if not self._transport.is_closing():
            self._transport.write(b"".join(going))


class _Far(_Line):
    """The posts that the other process makes."""

    def __init__(self) -> None:
        super().__init__()
        self.ready = asyncio.Event()
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Answered]] = {}
        self._answers: deque[tuple[int, Answered]] = deque()

    async def rests(self, seconds: float) -> None:
        """Waits until nothing was posted for so long, or that process has gone away."""
        before = -1
        while before != self._number and not self.closed.done():
            before = self._number
            await asyncio.wait([self.closed], timeout=seconds)

    async def post(self, address: str, headers: Mapping[str, str], body: bytes, confidential: bool) -> Answered:
        """Posts once. Raises `ConnectionError` when that process has gone away, or does meanwhile."""
        if self.closed.done():
            raise ConnectionResetError
        self._number += 1
        number, waiting = self._number, asyncio.Future[Answered](loop=self._loop)
        self._waiting[number] = waiting
        self.send((number, address, headers, body, confidential))
        # A process that was stopped is not gone, and would never answer.
        patience = self._loop.call_later(PATIENCE, self._transport.abort)
        try:
            return await waiting
        finally:
            patience.cancel()
            self._waiting.pop(number, None)

    def take(self, message: Any) -> None:
        """What came of a post; the first message only says that posts can come."""
        if message is None:
            self.ready.set()
            return
        number, *answered = message
        if not self._answers:
            self._loop.call_soon(self._hand_out)
        self._answers.append((number, Answered(*answered)))

    def _hand_out(self) -> None:
        """Hands out one answer, so that a call that comes in need not wait for what all of them lead to."""
        number, answered = self._answers.popleft()
        if (waiting := self._waiting.pop(number, None)) is not None and not waiting.done():
            waiting.set_result(answered)
        if self._answers:
            self._loop.call_soon(self._hand_out)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more comes of the posts under way."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError())
        self.ready.set()
        super().connection_lost(exc)


class _Near(_Line):
    """What the other process makes of posts that it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._posting: set[asyncio.Task[None]] = set()
        self._posts: Transport | None = None

    def take(self, message: Any) -> None:
        """The network that posts go to, and then one post after the other."""
        if self._posts is None:
            self._posts = Transport(message)
            self.send(None)
            return
        task = self._loop.create_task(self._post(self._posts, *message))
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    async def _post(
        self, posts: Transport, number: int, address: str, headers: Mapping[str, str], body: bytes, confidential: bool
    ) -> None:
        give_way()
        it = await posts.post(address, headers, body, confidential=confidential)
        give_way()
        self.send((number, it.status, it.error, it.duration, it.headers, it.body))


L = TypeVar("L", bound=_Line)


@asynccontextmanager
async def _line(connection: socket.socket, kind: Callable[[], L]) -> AsyncIterator[L]:
    """An end of this connection, closed afterwards."""
    transport, line = await asyncio.get_running_loop().create_unix_connection(kind, sock=connection)
    try:
        yield line
    finally:
        transport.close()


async def post_for(connection: socket.socket) -> None:
    """Posts what comes by this connection, until it is closed."""
    import drsim.engine.connections  # noqa: F401 # before it says that it is ready

    async with _line(connection, _Near) as near:
        await near.closed
