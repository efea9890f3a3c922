"""Sending requests on to another receiver as they came."""

from collections.abc import Mapping

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from drsim.oneline import clean

_WITHIN = aiohttp.ClientTimeout(total=30)
_HOP_BY_HOP = frozenset(
    "connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade"
    " host content-length expect".split()
)
"""Headers that are about one connection, and those that follow from where a request goes and how long it is."""


class Forwarder:
    """Sends requests on as they came. Use as a context manager."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def send(self, request: web.Request, body: bytes) -> web.Response:
        """What the other end answers, or 502 where it cannot be asked."""
        try:
            async with self._session.request(
                request.method,
                self._url,
                headers=_end_to_end(request.headers),
                data=body or None,
                allow_redirects=False,
            ) as answer:
                headers = _end_to_end(answer.headers)
                return web.Response(status=answer.status, headers=headers, body=await answer.read())
        except (aiohttp.ClientError, OSError, ValueError) as error:
            reason = clean(str(error) or type(error).__name__, 200)
            return web.Response(status=502, reason="Bad Gateway", text=f"drsim listen cannot forward: {reason}\n")

    async def __aenter__(self) -> "Forwarder":
        # A connection each: on a kept one that the other end has closed, an event would be lost.
        self._session = aiohttp.ClientSession(
            timeout=_WITHIN,
            auto_decompress=False,
            connector=aiohttp.TCPConnector(force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """The headers that go on to the other end."""
    named = {name.strip().lower() for name in headers.get("Connection", "").split(",")}
    return CIMultiDict((name, text) for name, text in headers.items() if name.lower() not in _HOP_BY_HOP | named)
