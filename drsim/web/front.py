"""The front of the server: answers the health check from the first moment, holds all else until drsim is open.

Imports next to nothing, so that a server can answer while the rest of drsim is still being loaded.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from drsim import __version__

HEALTH = "/_sim/health"

_BODY = b'{"status":"ok","version":"%s"}' % __version__.encode()


class Front:
    """The outermost application. `inside` is the application behind it, `opened` lets calls through to it."""

    def __init__(self) -> None:
        self.inside: Callable[..., Awaitable[None]] | None = None
        self.opened = asyncio.Event()
        self.leave: Callable[[], None] = lambda: None
        """Called when the server begins to stop: nobody is to wait for anything new any more."""

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Answers `GET /_sim/health`; passes everything else on, once that is possible."""
        if scope["type"] == "http" and scope["path"] == HEALTH and scope["method"] in ("GET", "HEAD"):
            headers = [(b"content-type", b"application/json;charset=UTF-8"), (b"content-length", b"%d" % len(_BODY))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": _BODY})
            return
        await self.opened.wait()
        if self.inside is None:
            raise RuntimeError("drsim could not be opened")
        try:
            await self.inside(scope, receive, send)
        except asyncio.CancelledError:
            # The server stops and has waited long enough. Who still waits gets no answer, as from one that is gone.
            scope["drsim.drop"]()
