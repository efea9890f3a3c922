"""Responses: JSON bodies, the vendor's headers, and the error format: refusals become responses here, nowhere else."""

import gzip
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from drsim.domain.refusal import Kind, Refused

STATUS: dict[Kind, int] = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "request_timeout": 408,
    "conflict": 409,
    "too_many_requests": 429,
    "internal_server_error": 500,
    "bad_gateway": 502,
    "service_unavailable": 503,
    "gateway_timeout": 504,
}
"""The HTTP status of each kind of refusal (platform page, section 3)."""

Headers = Iterable[tuple[bytes, bytes]]

_COMMON: list[tuple[bytes, bytes]] = [
    (b"cache-control", b"no-cache, no-store, max-age=0, must-revalidate"),
    (b"pragma", b"no-cache"),
    (b"expires", b"0"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-xss-protection", b"1; mode=block"),
    (b"x-frame-options", b"DENY"),
]
_CORS: list[tuple[bytes, bytes]] = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"),
    (b"access-control-allow-headers", b"content-type, accept"),
]
_OPEN = [*_COMMON, *_CORS]
_BROWSERS = [
    *_COMMON,
    *_CORS[:2],
    (b"access-control-allow-headers", b"authorization, content-type, accept, *"),
]
"""For what the shop's pages call from other origins, with the public key in a header."""
_WORTH_ZIPPING = 1_024
_NO_QUALITY = re.compile(r"q=0(?:\.0*)?")


class Answer:
    """One response: a status and a body that is ready (empty for 204), JSON unless its `type` says otherwise.

    `note` is what the call log keeps of the body, where that is not JSON.
    """

    type = b"application/json;charset=UTF-8"
    note: bytes | None = None

    def __init__(self, body: bytes, status: int = 200, headers: Headers = ()) -> None:
        self.body = body
        self.status = status
        self.headers = list(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends it, compressed when that was asked for and is worth it."""
        # Control routes are for the same origin only, so they carry no CORS headers.
        path = scope["path"]
        common = _COMMON if path.startswith("/_sim/") else _BROWSERS if path.startswith("/payments/") else _OPEN
        body = self.body
        headers = [(b"content-type", self.type), *common, *self.headers]
        if self.note is not None:
            scope["drsim.answer"] = self.note
        elif len(body) >= _WORTH_ZIPPING and _takes_gzip(scope):
            scope["drsim.answer"] = body
            body = gzip.compress(body, 1, mtime=0)
            headers.append((b"content-encoding", b"gzip"))
        if self.status != 204:
            headers.append((b"content-length", b"%d" % len(body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class Download(Answer):
    """The content of a file. Only what drsim has made is `shown` by browsers: an uploaded file is to be saved, never to
    be a page of this server.
    """

    def __init__(self, content: bytes, type: str, name: str, *, shown: bool) -> None:
        # A name in any script, as RFC 6266 has it.
        manner = f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(name, safe='')}"
        super().__init__(content, headers=[(b"content-disposition", manner.encode())])
        self.type = type.encode()
        self.note = orjson.dumps({"info": f"{len(content)} bytes of {type}"})


def answer(value: Any, status: int = 200) -> Answer:
    """A response with this JSON value."""
    return Answer(orjson.dumps(value), status)


def refused(refusal: Refused, headers: Headers = ()) -> Answer:
    """A refusal in the error format: `{"type", "errors": [{"code", "parameter", "message"}]}`."""
    errors = [_error(each) for each in (refusal, *refusal.others)]
    return Answer(orjson.dumps({"type": refusal.kind, "errors": errors}), STATUS[refusal.kind], headers)


def _error(refusal: Refused) -> dict[str, Any]:
    error: dict[str, Any] = {}
    if refusal.code is not None:
        error["code"] = refusal.code
    if refusal.parameter is not None:
        error["parameter"] = refusal.parameter
    return error | {"message": refusal.message, **refusal.extra}


async def on_refused(request: Request, error: Exception) -> Any:
    """The application's handler for refusals."""
    assert isinstance(error, Refused)
    return refused(error)


async def on_http_error(request: Request, error: Exception) -> Any:
    """The application's handler for paths and verbs that do not exist."""
    assert isinstance(error, HTTPException)
    method, path = request.method, request.url.path
    if error.status_code == 405:
        message = f"{method} is not supported for {path}."
        allow = (error.headers or {}).get("Allow", "")
        refusal = Refused("method_not_allowed", "method_not_allowed", message)
        return refused(refusal, [(b"allow", allow.encode())] if allow else [])
    return refused(Refused("not_found", "not_found", f"There is nothing at {path}."))


async def on_bug(request: Request, error: Exception) -> Any:
    """The application's last resort; reaching it is a bug in drsim."""
    message = "An unexpected error has occurred. This is a bug in drsim; its log has the details."
    return refused(Refused("internal_server_error", "unknown_error", message))


def _takes_gzip(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"accept-encoding":
            return b"gzip" in value and "gzip" in accepted(value.decode("latin-1"))
    return False


@lru_cache(maxsize=256)
def accepted(header: str) -> list[str]:
    """What an `Accept` or `Accept-Encoding` header takes, without what it refuses with a quality of 0."""
    ranges = [part.strip().lower().replace(" ", "").split(";") for part in header.split(",")]
    return [name for name, *options in ranges if not any(_NO_QUALITY.fullmatch(option) for option in options)]
