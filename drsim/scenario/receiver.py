"""The runner's own webhook receiver: keeps what arrives, as it arrives, and answers as scenarios tell it."""

import asyncio
import socket
from collections.abc import Mapping
from types import TracebackType

from aiohttp import web

from drsim.domain.clock import SECOND, Span
from drsim.domain.values import value


@value
class Received:
    """One request that came in."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@value
class Manner:
    """How requests are answered: the status after a delay in real time, or not at all; `left` counts down."""

    status: int = 200
    delay: Span = 0
    drop: bool = False
    left: int | None = None


class Receiver:
    """One HTTP server for all scenarios of a run: each has a path of its own. Use as a context manager."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self._received: dict[str, list[Received]] = {}
        self._manners: dict[str, Manner] = {}
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def received_below(self, path: str) -> list[Received]:
        """What came to this path and below it, oldest first at each."""
        return [each for known, came in self._received.items() if _is_below(known, path) for each in came]

    def behave(self, path: str, manner: Manner) -> None:
        """Answers like this from here on, at this path and below it."""
        for known in [each for each in self._manners if _is_below(each, path)]:
            del self._manners[known]
        self._manners[path] = manner

    def forget(self, path: str) -> None:
        """Forgets everything about this path and what is below it."""
        for known in [each for each in self._received if _is_below(each, path)]:
            del self._received[known]
        for known in [each for each in self._manners if _is_below(each, path)]:
            del self._manners[known]

    async def _take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        received = Received(request.path, {name.lower(): text for name, text in request.headers.items()}, body)
        self._received.setdefault(request.path, []).append(received)
        manner = self._manner(request.path)
        if manner.delay:
            # Waiting for what never comes is how time is let pass here.
            await asyncio.wait([asyncio.get_running_loop().create_future()], timeout=manner.delay / SECOND)
        if manner.drop and request.transport is not None:
            request.transport.abort()
        answer = web.Response(status=manner.status)
        # A sender may take what is dropped on a kept connection for one that was closed meanwhile, and repeat it.
        answer.force_close()
        return answer

    def _manner(self, path: str) -> Manner:
        """How to answer now; uses up what was told for some times only."""
        place = path
        while place:
            manner = self._manners.get(place)
            if manner is not None and manner.left != 0:
                if manner.left is not None:
                    self._manners[place] = Manner(manner.status, manner.delay, manner.drop, manner.left - 1)
                return manner
            place = place.rpartition("/")[0]
        return Manner()

    async def __aenter__(self) -> "Receiver":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, self._listening).start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()


def _is_below(path: str, above: str) -> bool:
    return path == above or path.startswith(f"{above}/")
