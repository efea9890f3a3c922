"""One attempt to deliver one event: a signed POST, and what came of it. Knows nothing of sandboxes or retries."""

import asyncio
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from drsim.domain.clock import SECOND, Span, Time
from drsim.domain.faults import LOST, DeliveryEffect, Mishap
from drsim.domain.webhooks import ANSWER_WITHIN, Attempt, Seal, Webhook, basic_authorization, forged, signature

if TYPE_CHECKING:
    import aiohttp
    from yarl import URL

USER_AGENT = "DigitalRiver-Webhooks/1.0 (simulator)"
_READ_AT_MOST = 16_384


class _Connection:
    """Whether a request went over a connection that was kept from an earlier one."""

    kept = False


class Sender:
    """Posts events to receivers. The HTTP client is made on first use, since most of its cost is importing it."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def headers(self, webhook: Webhook, body: bytes, seal: Seal) -> dict[str, str]:
        """The headers of one attempt, signed with `seal`."""
        headers = {
            "Content-Type": "application/json;charset=UTF-8",
            "User-Agent": USER_AGENT,
            "DigitalRiver-Signature": signature(seal.secrets, seal.timestamp, body),
        }
        if webhook.authentication:
            headers["Authorization"] = basic_authorization(webhook.authentication)
        return headers

    async def attempt(
        self, webhook: Webhook, body: bytes, at: Time, seal: Seal, mishap: Mishap | None = None
    ) -> Attempt:
        """Makes one attempt that counts as made at `at`, signed with `seal`, with its mishap."""
        effect = mishap.effect if mishap else DeliveryEffect()
        headers = self.headers(webhook, body, forged(seal) if effect.corrupt_signature else seal)
        sent = body[: len(body) // 2] if effect.truncate else body
        outcome = (None, LOST, 0) if effect.drop else await self.post(webhook.address, headers, sent)
        fault = mishap.fault if mishap else None
        told = sent.decode("utf-8", "replace") if effect.truncate else None
        return Attempt(at, *outcome, headers, fault, sent=told)

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
                trace_configs=[_tracing()],
            )
        try:
            url = URL(address, encoded=True)
            connection = _Connection()
            try:
                return await self._answer(url, headers, body, connection)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                # A kept connection that the receiver closed meanwhile says nothing about this event.
                if not connection.kept:
                    raise
                return await self._answer(url, headers, body, connection)
        except TimeoutError:
            return None, f"no answer within {ANSWER_WITHIN // 1_000} ms"
        except aiohttp.ClientConnectorError as error:
            return None, f"cannot connect to {error.host}:{error.port}: {_reason(error)}"
        except Exception as error:  # whatever a receiver makes the client raise is a failed attempt, nothing more
            return None, str(error) or type(error).__name__

    async def _answer(
        self, url: "URL", headers: Mapping[str, str], body: bytes, connection: "_Connection"
    ) -> tuple[int, None]:
        assert self._session is not None
        connection.kept = False
        async with self._session.post(
            url, data=body, headers=headers, allow_redirects=False, trace_request_ctx=connection
        ) as answer:
            await answer.content.read(_READ_AT_MOST)
            return answer.status, None

    async def close(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()


def _reason(error: "aiohttp.ClientConnectorError") -> str:
    """Why there is no connection, in the system's words; a name that is not known has no number of these."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error.os_error)


def _tracing() -> "aiohttp.TraceConfig":
    import aiohttp

    async def kept(session: object, context: Any, parameters: object) -> None:
        context.trace_request_ctx.kept = True

    tracing = aiohttp.TraceConfig()
    tracing.on_connection_reuseconn.append(kept)
    return tracing
