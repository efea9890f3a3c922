"""How the runner talks to drsim: calls as an integration makes them, and calls of the control plane."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import aiohttp
import orjson
from yarl import URL

from drsim.domain.values import value

LABEL = "run"
"""What the runner's own keys are labelled with, so that its calls are told from those of a system under test."""

_LONGEST = aiohttp.ClientTimeout(total=120)


@value
class Answer:
    """An answer to a call; `body` is JSON where it is JSON, else text."""

    status: int
    headers: Mapping[str, str]
    body: Any


class Refusal(Exception):
    """The control plane refused something; its text is what it said."""


class Client:
    """A client of one drsim server, whose control plane `control_token` opens. Use as a context manager."""

    def __init__(self, url: str, control_token: str) -> None:
        self._url = url
        self._control_headers = {"Content-Type": "application/json", "DRSIM-Control-Token": control_token}
        skipped = ("Accept-Encoding", "User-Agent")
        self._control = aiohttp.ClientSession(timeout=_LONGEST, skip_auto_headers=skipped)
        # A connection for each call of a step: on a kept one, the library would repeat by itself what was dropped.
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        self._calls = aiohttp.ClientSession(
            timeout=_LONGEST, skip_auto_headers=skipped, connector=connector, cookie_jar=aiohttp.DummyCookieJar()
        )

    async def call(
        self, method: str, path: str, query: list[tuple[str, str]], headers: Mapping[str, str], body: bytes | None
    ) -> Answer | None:
        """Makes a call as an integration would; nothing when the connection was closed without an answer."""
        url = URL(f"{self._url}{path}").extend_query(query)
        try:
            async with self._calls.request(method, url, headers=headers, data=body, allow_redirects=False) as answer:
                text = await answer.read()
                return Answer(answer.status, dict(answer.headers), _json_or_text(text))
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError):
            return None

    async def control(
        self, sandbox: str, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        """A call of the control plane in a sandbox. Raises `Refusal` for anything but success."""
        headers = {"Authorization": f"Bearer {key(sandbox)}", **self._control_headers}
        data = None if body is None else orjson.dumps(body)
        async with self._control.request(
            method, f"{self._url}/_sim{path}", headers=headers, data=data, params=query
        ) as answer:
            text = await answer.read()
            if answer.status >= 300:
                raise Refusal(_said(text, answer.status))
            return orjson.loads(text) if text else None

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._control.close()
        await self._calls.close()


def key(sandbox: str, kind: str = "sk") -> str:
    """The runner's own key to a sandbox: `sk` is a secret one, `pk` a public one."""
    return f"{kind}_test_{sandbox}.{LABEL}"


def _json_or_text(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.decode("utf-8", "replace")


def _said(text: bytes, status: int) -> str:
    body = _json_or_text(text)
    if isinstance(body, dict) and isinstance(body.get("errors"), list):
        return "; ".join(f"{each['message']}{_at(each)}" for each in body["errors"])
    return f"drsim answered {status}"


def _at(error: Mapping[str, Any]) -> str:
    return f" ({error['parameter']})" if "parameter" in error else ""
