"""One attempt to deliver one event: a signed POST, and what came of it. Knows nothing of sandboxes or retries."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from drsim.domain.clock import SECOND, Time
from drsim.domain.faults import LOST, DeliveryEffect, Mishap
from drsim.domain.values import replace
from drsim.domain.webhooks import Attempt, Seal, Webhook, basic_authorization, forged, signature
from drsim.engine import tokens as oauth
from drsim.engine.relay import Helper, Relay
from drsim.engine.tokens import NoToken, Tokens
from drsim.engine.transport import Answered, Network, Transport

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver

USER_AGENT = "DigitalRiver-Webhooks/1.0 (simulator)"
KEPT_OF_BODY = 4_096
"""So many bytes of an answer's body are told."""

_HIDDEN = "…"
_SHORTEST = 4


class Sender:
    """Posts events to receivers. `resolver` stands in for the system's, where a test needs names of its own.

    `helper` starts a process that posts while there is much to send.
    """

    def __init__(
        self,
        network: Network | None = None,
        resolver: "AbstractResolver | None" = None,
        helper: Helper | None = None,
    ) -> None:
        here = Transport(network or Network(), resolver)
        self._transport = here if helper is None else Relay(here, helper)

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
        self,
        webhook: Webhook,
        body: bytes,
        at: Time,
        seal: Seal,
        mishap: Mishap | None = None,
        tokens: Tokens | None = None,
    ) -> Attempt:
        """Makes one attempt that counts as made at `at`, signed with `seal`, with its mishap.

        `tokens` are the sandbox's; without them one is asked for each time.
        """
        effect = mishap.effect if mishap else DeliveryEffect()
        headers = self.headers(webhook, body, forged(seal) if effect.corrupt_signature else seal)
        sent = body[: len(body) // 2] if effect.truncate else body
        if effect.drop:
            answered = Answered(None, LOST, 0)
        elif webhook.transport == "OAUTH":
            answered = await self._post_with_token(webhook, headers, sent, tokens or Tokens())
        else:
            answered = await self.post(webhook.address, headers, sent)
        return Attempt(
            at=at,
            status=answered.status,
            error=answered.error,
            duration=answered.duration,
            headers=_hidden(headers),
            fault=mishap.fault if mishap else None,
            sent=sent.decode("utf-8", "replace") if effect.truncate else None,
            answer_headers=answered.headers,
            answer=answered.body.decode("utf-8", "replace"),
        )

    async def post(
        self, address: str, headers: Mapping[str, str], body: bytes, *, confidential: bool = False
    ) -> Answered:
        """Posts once. What is told of the answer is its beginning, without the credentials it may repeat."""
        answered = await self._transport.post(address, headers, body, confidential=confidential)
        told, credentials = answered.body, headers.get("Authorization", "").partition(" ")[2]
        if len(credentials) >= _SHORTEST:
            told = told.replace(credentials.encode(), _HIDDEN.encode())
            shown = {name: text.replace(credentials, _HIDDEN) for name, text in answered.headers.items()}
            answered = replace(answered, headers=shown)
        return replace(answered, body=told[:KEPT_OF_BODY])

    async def _post_with_token(
        self, webhook: Webhook, headers: dict[str, str], body: bytes, tokens: Tokens
    ) -> Answered:
        """Posts with a token; where the receiver does not take it (401), once more with a new one."""
        assert webhook.oauth is not None
        loop = asyncio.get_running_loop()
        started, answered = loop.time(), Answered(None, None, 0)
        fetch = partial(oauth.fetch, self._transport.post, USER_AGENT)
        for _ in range(2):
            token = await tokens.token(webhook.id, webhook.oauth, fetch)
            if isinstance(token, NoToken):
                answered = replace(answered, error=token.error)
                break
            headers["Authorization"] = f"Bearer {token.text}"
            answered = await self.post(webhook.address, headers, body, confidential=True)
            if answered.status != 401:
                break
            tokens.drop(webhook.id, token)
        return replace(answered, duration=int((loop.time() - started) * SECOND))

    async def close(self) -> None:
        """Closes all connections."""
        await self._transport.close()


def _hidden(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Headers as they are put on record: of credentials only the kind."""
    if "Authorization" not in headers:
        return headers
    return {**headers, "Authorization": f"{headers['Authorization'].partition(' ')[0]} {_HIDDEN}"}
