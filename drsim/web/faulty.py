"""What a fault does to an API call: late, answered with something else, or not answered at all."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drsim.domain.clock import SECOND
from drsim.domain.faults import CallEffect
from drsim.domain.refusal import Kind, Refused
from drsim.web.answers import STATUS, Answer, refused

Linger = Callable[[float], Awaitable[None]]

_AN_ORDER = re.compile(r"/orders/([^/]+)")
_KINDS: dict[int, Kind] = {status: kind for kind, status in STATUS.items()}


async def suffer(effect: CallEffect, app: ASGIApp, scope: Scope, receive: Receive, send: Send, linger: Linger) -> None:
    """Lets a call suffer from a fault; `app` carries it out where the fault lets it come that far."""
    # Read to its end first: a client that loses patience during a delay has sent the whole call all the same.
    receive = await _read(scope, receive)
    _note_order(scope)
    if effect.delay:
        await linger(effect.delay / SECOND)
    if effect.drop is not None:
        if effect.drop == "answer":
            await app(scope, receive, _nowhere)
        scope["drsim.drop"]()
    elif effect.status is not None:
        await _answer(effect, effect.status)(scope, receive, _with_headers(_headers(effect), send))
    else:
        await app(scope, receive, _with_headers(_headers(effect), send))


async def _read(scope: Scope, receive: Receive) -> Receive:
    """Reads the body, as much of it as is ever taken, and gives it out again from the start."""
    from drsim.web.bodies import LONGEST

    messages: list[Message] = []
    length, more = 0, True
    while more and length <= LONGEST:
        message = await receive()
        messages.append(message)
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    scope["drsim.body"] = b"".join(message.get("body", b"") for message in messages)
    waiting = iter(messages)

    async def again() -> Message:
        return next(waiting, None) or await receive()

    return again


def _note_order(scope: Scope) -> None:
    """Says in the call log which order the call is about: it may never come to its route, which would say so."""
    if match := _AN_ORDER.fullmatch(scope["path"]):
        scope["drsim.order"] = match[1]
        return
    try:
        body = orjson.loads(scope["drsim.body"])
    except orjson.JSONDecodeError:
        return
    if isinstance(body, dict) and isinstance(order_id := body.get("orderId"), str):
        scope["drsim.order"] = order_id


async def _nowhere(message: Message) -> None:
    """Keeps an answer back."""


def _with_headers(headers: dict[bytes, bytes], send: Send) -> Send:
    """Sends an answer with these headers, in place of those of the same name."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            others = [pair for pair in message["headers"] if pair[0] not in headers]
            message = {**message, "headers": [*others, *headers.items()]}
        await send(message)

    return sending


def _headers(effect: CallEffect) -> dict[bytes, bytes]:
    usual = {"content-type": "text/plain;charset=UTF-8"} if isinstance(effect.body, str) else {}
    return {name.encode(): text.encode("latin-1") for name, text in {**usual, **effect.headers}.items()}


def _answer(effect: CallEffect, status: int) -> Answer:
    if effect.body is not None:
        text: Any = effect.body
        return Answer(text.encode() if isinstance(text, str) else orjson.dumps(text), status)
    return Answer(_error(status) if status >= 400 else b"", status)


def _error(status: int) -> bytes:
    """An error in the API's format, of the kind that goes with the status."""
    kind = _KINDS.get(status, "bad_request" if status < 500 else "internal_server_error")
    return refused(Refused(kind, kind, f"{kind.replace('_', ' ').capitalize()}.")).body
