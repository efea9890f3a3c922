"""The connections of the HTTP client: only to addresses that are open, and with little read of what comes back.

Imports the client, which is the dearest part of drsim to load: only on first use (see `drsim.engine.transport`).
"""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler

_MOST = 65_536
"""So many bytes of one answer are looked at, with all that is around its body."""


class NotOpen(OSError):
    """A host is at an address that nothing may be sent to."""


def session(permits: Callable[[str], bool], resolver: AbstractResolver | None) -> aiohttp.ClientSession:
    """A client that connects to what `permits` says yes to, which gets the very address a name was found to be at."""
    connector = aiohttp.TCPConnector(
        limit=0, keepalive_timeout=15, resolver=resolver, socket_factory=partial(_socket, permits)
    )
    # There is no public way to bound what is read outside of bodies; the tests have receivers that go on for ever.
    connector._factory = partial(_Bounded, loop=asyncio.get_running_loop())  # type: ignore[assignment]
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None),
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=connector,
        skip_auto_headers=("Accept", "Accept-Encoding"),
        auto_decompress=False,  # a small answer must not become a large one
        trace_configs=[_tracing()],
    )


class _Bounded(ResponseHandler):
    """A connection that stops reading when one answer has brought too much: what it waits for then never comes."""

    _came = 0

    def set_response_params(self, **settings: Any) -> None:
        """The next answer begins."""
        self._came = 0
        super().set_response_params(**settings)

    def data_received(self, data: bytes) -> None:
        """Takes what has come, as far as it is wanted."""
        wanted = data[: max(0, _MOST - self._came)]
        self._came += len(data)
        if wanted:
            super().data_received(wanted)
        if self._came > _MOST and self.transport is not None:
            self.transport.pause_reading()


def _socket(permits: Callable[[str], bool], found: Any) -> socket.socket:
    """A socket for an address that a name was found to be at: it will be connected to no other."""
    family, kind, protocol, _, address = found
    if not permits(address[0]):
        raise NotOpen("not open")
    return socket.socket(family, kind, protocol)


def _tracing() -> aiohttp.TraceConfig:
    async def kept(session: object, context: Any, parameters: object) -> None:
        context.trace_request_ctx.kept = True

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_reuseconn.append(kept)
    return tracing
