"""One attempt to deliver one event: a signed POST, and what came of it. Knows nothing of sandboxes or retries."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from drsim.domain.clock import SECOND, Span
from drsim.domain.webhooks import ANSWER_WITHIN, Webhook, basic_authorization, signature

if TYPE_CHECKING:
    import aiohttp

USER_AGENT = "DigitalRiver-Webhooks/1.0 (simulator)"
_READ_AT_MOST = 16_384


class Sender:
    """Posts events to receivers. The HTTP client is made on first use, since most of its cost is importing it."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def headers(self, webhook: Webhook, body: bytes, timestamp: int) -> dict[str, str]:
        """The headers of one attempt; `timestamp` in whole seconds."""
        headers = {
            "Content-Type": "application/json;charset=UTF-8",
            "User-Agent": USER_AGENT,
            "DigitalRiver-Signature": signature(webhook.secrets, timestamp, body),
        }
        if webhook.authentication:
            headers["Authorization"] = basic_authorization(webhook.authentication)
        return headers

    async def post(self, address: str, headers: Mapping[str, str], body: bytes) -> tuple[int | None, str | None, Span]:
        """Posts once. Returns the status, or else an error in words, and how long it took in real microseconds."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        status, error = await self._post(address, headers, body)
        return status, error, int((loop.time() - started) * SECOND)

    async def _post(self, address: str, headers: Mapping[str, str], body: bytes) -> tuple[int | None, str | None]:
        import aiohttp
        from yarl import URL

        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN / SECOND),
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=15),
                skip_auto_headers=("Accept", "Accept-Encoding"),
            )
        try:
            url = URL(address, encoded=True)
            async with self._session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.content.read(_READ_AT_MOST)
                return answer.status, None
        except TimeoutError:
            return None, f"no answer within {ANSWER_WITHIN // 1_000} ms"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return None, str(error) or type(error).__name__

    async def close(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()
