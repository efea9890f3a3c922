"""`drsim listen`: a webhook receiver for people, which prints each event as it comes, verified and in one line."""

import asyncio
import logging
import socket
import sys
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from drsim import __version__, machine, remote
from drsim.domain.clock import format_precise
from drsim.domain.webhooks import verified
from drsim.forwarding import Forwarder
from drsim.oneline import clean, summary
from drsim.options import ListenOptions
from drsim.registering import OwnWebhook, register, registered

STOPPED, UNUSABLE, BROKEN = 0, 2, 3
"""Exit codes: stopped when told to, options that do not fit together, no way to listen or to register."""

LARGEST = 8 << 20
"""No body may have more bytes than this."""

_REMEMBERED = 10_000
"""So many event ids are kept to tell duplicates."""

_GREEN, _RED, _YELLOW, _DIM = "32", "31", "33", "2"


async def listen(options: ListenOptions) -> int:
    """Prints events until it is told to stop; returns the exit code."""
    try:
        listening = machine.listening(options.host, options.port)
    except OSError as error:
        return _fail(f"cannot listen on {options.host} port {options.port}: {error.strerror}", BROKEN)
    with listening:
        if options.forward and _is_here(options.forward, listening):
            return _fail(f"--forward {options.forward} leads back here", UNUSABLE)
        try:
            await _listen(options, listening)
        except (remote.Refusal, remote.Unreachable) as error:
            return _fail(str(error), BROKEN)
        except asyncio.CancelledError:
            pass
    return STOPPED


async def _listen(options: ListenOptions, listening: socket.socket) -> None:
    """Listens until it is cancelled. Raises what keeps it from registering its webhook."""
    async with AsyncExitStack() as stack:
        forwarder = await stack.enter_async_context(Forwarder(options.forward)) if options.forward else None
        listener = _Listener(options, forwarder)
        await stack.enter_async_context(_serving(listener, listening))
        url = machine.url(listening)
        _say(f"drsim {__version__} listens for events on {url}")
        if options.forward:
            _say(f"  forwards them to {options.forward}")
        if options.register:
            server = remote.Server(options.register, options.key, options.control_token)
            listener.registering = asyncio.create_task(asyncio.to_thread(register, server, options.types, url))
            webhook = await stack.enter_async_context(registered(server, listener.registering, _say))
            _say(f"  registered at {server.url} as webhook {webhook.id}, which is deleted in the end")
        await asyncio.get_running_loop().create_future()


class _Listener:
    """Takes requests, prints them, and answers as it was told."""

    def __init__(self, options: ListenOptions, forwarder: Forwarder | None) -> None:
        self._options = options
        self._forwarder = forwarder
        self._seen: OrderedDict[str, int] = OrderedDict()
        self.registering: asyncio.Task[OwnWebhook] | None = None

    async def take(self, request: web.Request) -> web.StreamResponse:
        """One request; whatever it is, it gets an answer."""
        time = format_precise(machine.wall())[11:19]
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._tell(time, "refused", f"a body of more than {LARGEST} bytes", web.Response(status=413))
        event = _json(body)
        genuine = await self._genuine(request, body)
        if self._options.delay:
            await machine.linger(self._options.delay)
        if self._forwarder is not None:
            answer = await self._forwarder.send(request, body)
        else:
            answer = web.Response(status=self._options.status)
        self._tell(time, _described(event, request, body), self._marks(genuine, event), answer)
        if self._options.body:
            _say(_pretty(event, body))
        return answer

    def _tell(self, time: str, what: str, marks: str, answer: web.Response) -> web.Response:
        answered = f"-> {answer.status}"
        if not 200 <= answer.status < 300:
            answered = _colored(answered, _YELLOW)
        _say("  ".join([_colored(time, _DIM), what, marks, answered]))
        return answer

    async def _genuine(self, request: web.Request, body: bytes) -> bool | None:
        """Whether the signature is right; nothing when there is no secret to check it with."""
        header = request.headers.get("DigitalRiver-Signature", "")
        if _fits(header, self._options.tokens, body):
            return True
        if self.registering is None:
            return False if self._options.tokens else None
        with suppress(remote.Refusal, remote.Unreachable):
            webhook = await asyncio.shield(
                self.registering
            )  # an event may be quicker than the secret it is signed with
            if _fits(header, webhook.secrets, body):
                return True
            await asyncio.to_thread(webhook.read_secrets)  # it may have been rotated
            return _fits(header, webhook.secrets, body)
        return False

    def _marks(self, genuine: bool | None, event: Any) -> str:
        if genuine is None:
            text = _colored("not checked (no --token)", _YELLOW)
        else:
            text = _colored("signature verified", _GREEN) if genuine else _colored("SIGNATURE WRONG", _RED)
        times = self._times(event)
        return f"{text}  {_colored(f'duplicate ({times} times)', _YELLOW)}" if times > 1 else text

    def _times(self, event: Any) -> int:
        """How many times this event has come by now."""
        id = event.get("id") if isinstance(event, dict) else None
        if not isinstance(id, str):
            return 1
        self._seen[id] = self._seen.pop(id, 0) + 1
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return self._seen[id]


@asynccontextmanager
async def _serving(listener: _Listener, listening: socket.socket) -> AsyncIterator[None]:
    app = web.Application(client_max_size=LARGEST)
    app.router.add_route("*", "/{path:.*}", listener.take)
    # What is signed are the bytes as they came, so nothing is unpacked.
    runner = web.AppRunner(app, access_log=None, logger=_log(), auto_decompress=False, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        yield
    finally:
        await runner.cleanup()


class _Short(logging.Handler):
    """Says in one line what the HTTP library would tell with a traceback."""

    def emit(self, record: logging.LogRecord) -> None:
        """Prints it to standard error."""
        problem = record.exc_info[1] if record.exc_info else None
        said = " ".join(f"{record.getMessage()} {problem or ''}".split())
        print(f"drsim: {clean(said, 200)}", file=sys.stderr, flush=True)


def _log() -> logging.Logger:
    log = logging.Logger("drsim.listen", logging.WARNING)
    log.addHandler(_Short())
    return log


def _is_here(url: str, listening: socket.socket) -> bool:
    host, port = listening.getsockname()[:2]
    try:
        there = urlsplit(url)
        return there.hostname in (*machine.LOCAL, host) and (there.port or 80) == port
    except ValueError:
        return False


def _fits(header: str, secrets: tuple[str, ...], body: bytes) -> bool:
    return any(verified(header, secret, body) for secret in secrets)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _described(event: Any, request: web.Request, body: bytes) -> str:
    """Type, object id and state of an event, or what came instead of one."""
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        return f"{clean(request.method)} {clean(request.raw_path)}: not an event, {len(body)} bytes"
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    id = clean(thing.get("id", "")) if isinstance(thing, dict) else ""
    return "  ".join(each for each in (clean(event["type"]), id, summary(event["type"], thing)) if each)


def _pretty(event: Any, body: bytes) -> str:
    text = (
        body.decode("utf-8", "replace") if event is None else orjson.dumps(event, option=orjson.OPT_INDENT_2).decode()
    )
    return "\n".join(clean(line, LARGEST) for line in text.splitlines())


def _colored(text: str, color: str) -> str:
    wanted = sys.stdout.isatty() and "NO_COLOR" not in machine.environment()
    return f"\033[{color}m{text}\033[0m" if wanted else text


def _say(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Nobody reads any more; answering and forwarding go on.
        machine.drop_output()


def _fail(message: str, code: int) -> int:
    print(f"drsim: {message}", file=sys.stderr)
    return code
