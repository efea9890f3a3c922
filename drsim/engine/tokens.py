"""Access tokens of OAUTH webhooks: asked for by RFC 6749, and kept, in real time, until they expire."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode

import orjson

from drsim.domain.values import value
from drsim.engine.transport import Answered

OAuth = Mapping[str, str]
"""What a webhook has as `oauth`: `tokenEndPoint`, `clientID`, `clientSecret`, `grantType`, and more as it was sent."""

_USUAL_LIFE = 3_600.0
"""So many seconds a token is used that says nothing of its end; a receiver that refuses it earlier ends it."""
_EARLY = 10.0
"""So many seconds before its end a token is used no more; of a short life only the last tenth is left."""
_TEXT = re.compile(r"[\x21-\x7e]{1,8192}")
_ERRORS = (
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
)
"""Errors of RFC 6749; anything else that is said may hold a secret and is not repeated."""


@value
class Token:
    """An access token, good for so many seconds; 0 is for once."""

    text: str
    life: float


@value
class NoToken:
    """Why there is no token, in words."""

    error: str


class Post(Protocol):
    """Posts once (`Transport.post`)."""

    def __call__(
        self, address: str, headers: Mapping[str, str], body: bytes, *, confidential: bool
    ) -> Awaitable[Answered]:
        """Posts once."""


Fetch = Callable[[OAuth], Awaitable[Token | NoToken]]


class _Kept:
    """A token, or the request for one that is under way, and the settings it was asked for with."""

    def __init__(self, oauth: OAuth, fetch: Fetch) -> None:
        self.oauth = oauth
        self.until = float("inf")
        self.task = asyncio.create_task(self._run(fetch))

    async def _run(self, fetch: Fetch) -> Token | NoToken:
        found = await fetch(self.oauth)
        life = found.life if isinstance(found, Token) else 0.0
        self.until = asyncio.get_running_loop().time() + life
        return found

    def serves(self, oauth: OAuth) -> bool:
        """Whether it can still be used by a webhook with these settings."""
        now = asyncio.get_running_loop().time()
        return self.oauth == oauth and now < self.until and not self.task.cancelled()


class Tokens:
    """The tokens of one sandbox's webhooks. Used on the event loop only, and gone with the sandbox or the process."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    async def token(self, webhook_id: str, oauth: OAuth, fetch: Fetch) -> Token | NoToken:
        """The token of a webhook; asked for once, however many wait for it."""
        kept = self._kept.get(webhook_id)
        if kept is None or not kept.serves(oauth):
            kept = self._kept[webhook_id] = _Kept(oauth, fetch)
        return await asyncio.shield(kept.task)  # who waits may be called off, the others go on waiting

    def drop(self, webhook_id: str, token: Token) -> None:
        """Forgets a token that a receiver has refused, unless there is a newer one already."""
        kept = self._kept.get(webhook_id)
        if kept is not None and kept.task.done() and not kept.task.cancelled() and kept.task.result() is token:
            del self._kept[webhook_id]


async def fetch(post: Post, user_agent: str, oauth: OAuth) -> Token | NoToken:
    """Asks for a token; id and secret of the client go in the form (RFC 6749, 2.3.1)."""
    form = {"grant_type": oauth["grantType"]}
    if oauth["grantType"] == "password":
        form |= {"username": oauth.get("userName", ""), "password": oauth.get("password", "")}
    form |= {"client_id": oauth["clientID"], "client_secret": oauth["clientSecret"]}
    form |= {"audience": oauth.get("audience", "")}
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
        "User-Agent": user_agent,
    }
    body = urlencode({name: text for name, text in form.items() if text}).encode()
    answered = await post(oauth["tokenEndPoint"], headers, body, confidential=True)
    found = _read(answered)
    if isinstance(found, NoToken):
        return NoToken(f"no token from {oauth['tokenEndPoint'].partition('?')[0]}: {found.error}")
    return found


def _read(answered: Answered) -> Token | NoToken:
    if answered.error is not None:
        return NoToken(answered.error)
    try:
        answer = orjson.loads(answered.body)
    except orjson.JSONDecodeError:
        answer = None
    if answered.status is None or not 200 <= answered.status < 300:
        code = answer.get("error") if isinstance(answer, dict) else None
        return NoToken(f"it answers {answered.status}{f' {code}' if code in _ERRORS else ''}")
    if not isinstance(answer, dict):
        return NoToken("its answer is not a JSON object")
    text, kind = answer.get("access_token"), answer.get("token_type", "bearer")
    if not isinstance(text, str) or not _TEXT.fullmatch(text):
        return NoToken("its answer has no access_token that can be sent")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        return NoToken("its token_type is not bearer")
    return Token(text, _life(answer.get("expires_in")))


def _life(expires_in: Any) -> float:
    """How long a token is used, in seconds; what is no number says nothing."""
    if isinstance(expires_in, bool):
        return _USUAL_LIFE
    try:
        seconds = float(expires_in)
    except (TypeError, ValueError, OverflowError):
        return _USUAL_LIFE
    return max(0.0, seconds - min(_EARLY, seconds / 10))
