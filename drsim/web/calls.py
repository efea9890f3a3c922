"""The API log of each sandbox: every call with its request and response.

Calls that can change something are kept in the store, written behind their response; reading calls are kept in memory
only, the last thousand of them. A killed server may lose the last moments of this log, never a change.
"""

import asyncio
import re
from collections import deque
from contextlib import suppress
from functools import partial
from typing import Any

import orjson

from drsim.domain.clock import Time, format_precise
from drsim.domain.methods import CARD_NUMBER, CARD_TYPES
from drsim.domain.values import value
from drsim.engine.sandbox import Sandbox
from drsim.engine.simulator import Simulator
from drsim.engine.work import Work
from drsim.store import Record

KEPT_READS = 1_000
KEPT_WRITES = 10_000
_LONGEST_BODY = 65_536
_BEHIND = 0.05
"""So many seconds after a call it is written, with all others that came in the meantime."""
_AT_ONCE = 4
"""So many calls are written in one go: the next call waits behind them."""
_TRIMMED = 1_000
"""After so many calls the oldest are thrown away."""
_SECRET = re.compile("password|secret", re.IGNORECASE)
"""Fields of webhooks that are kept out of the log."""
_CARD_KEPT = ("brand", "lastFourDigits", "expirationMonth", "expirationYear", "returnUrl", "cancelUrl")
"""What the log keeps of the cards that calls send; nothing else of them, whatever it is."""
_CARD = re.compile("|".join(CARD_TYPES).encode())
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What may have as many digits as a card number, and is none."""
_USER = re.compile(r"//[^/?#\s]*@")
_HIDDEN = (b"authorization", b"drsim-control-token", b"cookie")


@value
class Call:
    """One call, as it came and as it was answered. `order_id` is the order it was about, where that is known.

    `fault` is the id of the one that struck it; where that has kept the answer back there is no `status`.
    `place` counts the calls of a sandbox; `mark` is where in the order of documents it came in: what it has caused
    stands behind that.
    """

    id: str
    at: Time
    place: int
    mark: int
    method: str
    path: str
    query: str
    status: int | None
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    answer: bytes
    order_id: str | None
    version: str
    label: str | None
    client: str
    fault: str | None = None

    def shown(self) -> dict[str, Any]:
        """The call as the control plane shows it; keys are left out of the headers."""
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers if name not in _HIDDEN
        }
        shown: dict[str, Any] = {
            "id": self.id,
            "mark": self.mark,
            "time": format_precise(self.at),
            "method": self.method,
            "path": self.path,
            "query": CARD_NUMBER.sub("…", self.query) if self.path.startswith("/payments/") else self.query,
            **({"dropped": True} if self.status is None else {"status": self.status}),
            "apiVersion": self.version,
            "ipAddress": self.client,
            "requestHeaders": headers,
        }
        if self.label is not None:
            shown["keyLabel"] = self.label
        if self.fault is not None:
            shown["fault"] = self.fault
        if self.order_id is not None:
            shown["orderId"] = self.order_id
        if self.body:
            shown["requestBody"] = self._readable(self.body, sent=True)
        if self.answer:
            shown["responseBody"] = self._readable(self.answer)
        return shown

    def _readable(self, body: bytes, *, sent: bool = False) -> Any:
        """A body as JSON, or else as text; of a webhook without its passwords, and as it was sent without any card."""
        if len(body) > _LONGEST_BODY:
            return {"info": f"{len(body)} bytes, too long to be kept"}
        about_webhook = self.path.startswith("/webhooks")
        may_hold_card = sent and (self.path.startswith(("/payments/", "/sources")) or _CARD.search(body) is not None)
        try:
            read = orjson.loads(body)
        except orjson.JSONDecodeError:
            hidden = about_webhook or may_hold_card
            return {"info": f"{len(body)} bytes, no JSON"} if hidden else body.decode("utf-8", "replace")
        if about_webhook:
            return _without_secrets(read)
        return _without_cards(read) if may_hold_card else read


class CallLog:
    """Takes down calls and gives them back, newest first."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._reads: dict[str, deque[Call]] = {}
        self._counts: dict[str, int] = {}
        self._arrivals: dict[str, asyncio.Event] = {}
        self._leaving = False
        self._unwritten: list[tuple[Sandbox, Call]] = []
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def add(self, sandbox: Sandbox, call: Call) -> None:
        """Takes down one call. One that was under way when its sandbox was reset is nobody's."""
        name = sandbox.name
        self._counts[name] = self._counts.get(name, 0) + 1
        if arrival := self._arrivals.pop(name, None):
            arrival.set()
        if sandbox.over:
            return
        if call.method in ("GET", "HEAD"):
            self._reads.setdefault(name, deque(maxlen=KEPT_READS)).append(call)
            return
        self._unwritten.append((sandbox, call))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_BEHIND, self._start)

    async def wait(self, sandbox: str, seen: int, seconds: float) -> None:
        """Waits, in real time and no longer than this, until more than `seen` calls were taken down."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not self._leaving and self.count(sandbox) <= seen and (left := end - loop.time()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._arrivals.setdefault(sandbox, asyncio.Event()).wait(), left)

    def leave(self) -> None:
        """From here on nobody waits for calls: the server is stopping."""
        self._leaving = True
        for arrival in self._arrivals.values():
            arrival.set()

    def count(self, sandbox: str) -> int:
        """How many calls of a sandbox were taken down by this process."""
        return self._counts.get(sandbox, 0)

    async def newest(self, sandbox: str, limit: int, order_id: str | None = None) -> list[dict[str, Any]]:
        """The last calls of a sandbox, of one order where given."""
        await self.flush()
        reads = [call for call in self._reads.get(sandbox, ()) if order_id is None or call.order_id == order_id]
        rows = await self._simulator.perform(sandbox, lambda work: _written(work, limit, order_id))
        shown = [(call.at, call.place, call.shown()) for call in reads]
        shown += [(call.pop("at"), call.pop("place"), call) for call in map(orjson.loads, rows)]
        return [call for _, _, call in sorted(shown, key=lambda row: row[:2], reverse=True)][:limit]

    def forget(self, sandbox: str) -> None:
        """Forgets the reading calls of a sandbox."""
        self._reads.pop(sandbox, None)

    async def flush(self) -> None:
        """Waits until every call taken down so far is written."""
        if self._timer is not None:
            self._timer.cancel()
            self._start()
        while self._task is not None:
            await asyncio.wait([self._task])

    def _start(self) -> None:
        self._timer = None
        if self._task is None:
            self._task = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._unwritten:
                calls, self._unwritten = self._unwritten, []
                by_sandbox: dict[Sandbox, list[Call]] = {}
                for sandbox, call in calls:
                    by_sandbox.setdefault(sandbox, []).append(call)
                for sandbox, theirs in by_sandbox.items():
                    await self._save(sandbox, theirs)
        finally:
            self._task = None

    async def _save(self, sandbox: Sandbox, calls: list[Call]) -> None:
        for start in range(0, len(calls), _AT_ONCE):
            await self._simulator.courtesy.turn()
            keep = partial(_keep, sandbox=sandbox, calls=calls[start : start + _AT_ONCE])
            if await self._simulator.perform(sandbox.name, keep):
                await self._simulator.perform(sandbox.name, _trim, long=True)


def _keep(work: Work, sandbox: Sandbox, calls: list[Call]) -> bool:
    """Keeps some calls, unless their sandbox was reset; whether there may be too many now."""
    if sandbox.over:
        return False
    before = work.sandbox.counters.get("call", 0)
    for call in calls:
        public = orjson.dumps({"at": call.at, "place": call.place, **call.shown()})
        work.add(Record("call", call.id, call.at, None, public, call.order_id))
    after = work.sandbox.counters["call"] = before + len(calls)
    return after // _TRIMMED > before // _TRIMMED


def _trim(work: Work) -> None:
    work.transaction.delete_oldest(work.sandbox.number, "call", KEPT_WRITES)


def _written(work: Work, limit: int, order_id: str | None) -> list[bytes]:
    return [public for _, public in work.transaction.numbered(work.sandbox.number, "call", limit, order_id)]


def _without_secrets(part: Any, *, within: bool = False) -> Any:
    """A part of a body with every password in it hidden; `within` what should have been a mapping of some."""
    if isinstance(part, dict):
        return {
            name: "…" if _SECRET.search(name) else _without_secrets(each, within=name in ("authentication", "oauth"))
            for name, each in part.items()
        }
    if within and part is not None:
        return "…"
    if isinstance(part, list):
        return [_without_secrets(each) for each in part]
    return _USER.sub("//…@", part) if isinstance(part, str) else part


def _without_cards(part: Any) -> Any:
    """A part of a body without anything that is, or could be, the number or the code of a card."""
    if isinstance(part, dict):
        return {CARD_NUMBER.sub("…", name): _without_card(name, each) for name, each in part.items()}
    if isinstance(part, list):
        return [_without_cards(each) for each in part]
    if isinstance(part, int | float) and not isinstance(part, bool):
        return "…" if CARD_NUMBER.search(f"{part:.0f}") else part
    return CARD_NUMBER.sub("…", part) if isinstance(part, str) and not _UUID.fullmatch(part) else part


def _without_card(name: str, part: Any) -> Any:
    if name not in CARD_TYPES:
        return _without_cards(part)
    if not isinstance(part, dict):
        return "…"
    return {key: _without_cards(each) if key in _CARD_KEPT else "…" for key, each in part.items() if len(key) < 32}
