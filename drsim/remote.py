"""Calls from the command line to a drsim that runs in another process."""

import http.client
import json
import urllib.error
import urllib.request
from typing import Any, NamedTuple

_LONGEST = 120.0


class Server(NamedTuple):
    """A running drsim, the key to a sandbox of it, and what opens its control plane where that is closed."""

    url: str
    key: str
    control_token: str | None = None


class Unreachable(Exception):
    """Nothing answers there, or nothing that is drsim; the text says what."""


class Refusal(Exception):
    """The server turned the call down; the text is what it said."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def call(
    server: Server, method: str, path: str, body: Any = None, *, wanted: str = "", seconds: float = _LONGEST
) -> Any:
    """Makes a call and returns the JSON of its answer, in which the key `wanted` stands.

    Raises `Unreachable` and `Refusal`.
    """
    headers = {"Authorization": f"Bearer {server.key}", "Content-Type": "application/json"}
    if server.control_token is not None:
        headers["DRSIM-Control-Token"] = server.control_token
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        request = urllib.request.Request(f"{server.url.rstrip('/')}{path}", data, headers, method=method)
        with opener.open(request, timeout=seconds) as answer:
            told = _json(server, answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        with error:
            raise Refusal(error.code, _said(error.code, _json(server, error.read() or b"{}"))) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"no drsim answers at {server.url}: {getattr(error, 'reason', error)}") from None
    if wanted and (not isinstance(told, dict) or wanted not in told):
        raise _Stranger(server)
    return told


class _Stranger(Unreachable):
    """Somebody answers, but it is not drsim."""

    def __init__(self, server: Server) -> None:
        super().__init__(f"what answers at {server.url} is not drsim")


def _json(server: Server, text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise _Stranger(server) from None


def _said(status: int, body: Any) -> str:
    if status == 401:
        return "the server does not take this key"
    errors = body.get("errors") if isinstance(body, dict) else None
    if isinstance(errors, list) and errors and isinstance(errors[0], dict) and "message" in errors[0]:
        return str(errors[0]["message"])
    return f"the server answered {status}"
