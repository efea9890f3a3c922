"""One scenario being played: what is known, what has come so far, and the moves that steps are made of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from drsim.domain.clock import LAST, Span, Time, format_precise, parse_time
from drsim.domain.events import matching_types
from drsim.domain.webhooks import verified
from drsim.scenario.client import LABEL, Answer, Client, Refusal, key
from drsim.scenario.failure import Failed
from drsim.scenario.receiver import Received, Receiver
from drsim.scenario.results import Entry

_ID = re.compile(r"[\w-]+")
_PAGE = 100
_EVENTS_PAGE = 1_000


@dataclass(slots=True)
class Came:
    """Something that came: an event, a call of the system under test, or a delivery. A step that fits it claims it."""

    body: dict[str, Any]
    given: bool = False
    """Whether it came with the world, before the first step."""
    claimed: bool = False
    late: bool = False
    """Whether it is a call about something of an earlier scenario."""


@dataclass(slots=True)
class Play:
    """One scenario being played in a sandbox. `base` is its path at the runner's receiver."""

    client: Client
    sandbox: str
    receiver: Receiver
    base: str
    former: frozenset[str] = frozenset()
    """Ids from earlier scenarios in the same sandbox: a slow system under test may still be at work on those."""
    names: dict[str, Any] = field(default_factory=dict)
    """What `${…}` may refer to: aliases and saved values."""
    aliases: dict[str, str] = field(default_factory=dict)
    """The ids that aliases stand for."""
    events: list[Came] = field(default_factory=list)
    calls: list[Came] = field(default_factory=list)
    now: Time = 0
    next_due: Time | None = None
    _events_read: int = 0
    _calls_read: int = 0
    _calls_seen: set[str] = field(default_factory=set)
    _claimed: set[str] = field(default_factory=set)
    _secrets: dict[str, list[str]] = field(default_factory=dict)

    async def control(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """A call of the control plane. Raises `Failed` when it is refused."""
        try:
            return await self.client.control(self.sandbox, method, path, body, query or None)
        except Refusal as refusal:
            raise Failed(f"drsim refused {method} /_sim{path}: {refusal}") from refusal

    async def open(self, world: Mapping[str, Any]) -> None:
        """Makes the world and takes note of what has come with it."""
        made = await self.control("POST", "/scenario", world)
        for alias, shown in made.items():
            self.learn(alias, shown)
        await self.settle()
        await self.look()
        await self.watch(0)
        for came in (*self.events, *self.calls):
            came.given = True

    def learn(self, name: str, value: Any) -> None:
        """From here on `${name}` is this value."""
        self.names[name] = value
        if isinstance(value, dict) and isinstance(value.get("id"), str):
            self.aliases[name] = value["id"]

    async def call(
        self, method: str, path: str, query: list[tuple[str, str]], headers: Mapping[str, str], body: bytes | None
    ) -> Answer | None:
        """A call as the integration would make it, and everything that is due because of it."""
        usual = {"Authorization": f"Bearer {key(self.sandbox)}"}
        if body is not None:
            usual["Content-Type"] = "application/json"
        given = {name.lower() for name in headers}
        sent = {name: text for name, text in usual.items() if name.lower() not in given} | dict(headers)
        answer = await self.client.call(method, path, query, sent, body)
        await self.settle()
        return answer

    async def settle(self) -> None:
        """Waits until everything due by now has happened and no delivery is in flight."""
        self._set_clock(await self.control("POST", "/settle", {"until": "now"}))

    async def advance(self, to: Time) -> None:
        """Moves simulated time; everything due on the way happens in order."""
        if to > self.now:
            self._set_clock(await self.control("POST", "/clock/advance", {"to": format_precise(min(to, LAST))}))

    async def step_towards(self, deadline: Time) -> bool:
        """Moves to the next thing that is due by the deadline; or to the deadline, and says that nothing is left."""
        if self.next_due is not None and self.next_due <= deadline:
            await self.advance(self.next_due)
            return True
        await self.advance(deadline)
        return False

    def _set_clock(self, clock: Mapping[str, Any]) -> None:
        self.now = parse_time(clock["now"])
        self.next_due = None if clock["nextDue"] is None else parse_time(clock["nextDue"])

    async def look(self) -> None:
        """Reads the events that have come on record since the last look."""
        while True:
            page = await self.control("GET", "/events", after=str(self._events_read))
            self._events_read = page["next"]
            self.events += [Came(event) for event in page["data"]]
            if len(page["data"]) < _EVENTS_PAGE:
                return

    def ids(self) -> frozenset[str]:
        """The ids of the events read so far and of what they are about."""
        subjects = [each.body["data"]["object"] for each in self.events]
        named = [subject.get(name) for subject in subjects for name in ("id", "orderId", "sourceId")]
        return frozenset([*(each.body["id"] for each in self.events), *filter(None, named)])

    def unclaimed_events(self, type: str) -> list[Came]:
        """The events of a type (or group) that came after the world was made and belong to no step yet."""
        types = matching_types(type)
        return [each for each in self.events if each.body["type"] in types and not each.claimed and not each.given]

    async def watch(self, wait: Span) -> None:
        """Reads the calls of the system under test; without new ones, waits for one this long in real time."""
        query = {"limit": str(_PAGE), "after": str(self._calls_read), **({"wait": f"{wait}us"} if wait else {})}
        told = await self.control("GET", "/requests", **query)
        self._calls_read = told["count"]
        fresh = [call for call in reversed(told["data"]) if call["id"] not in self._calls_seen]
        self._calls_seen |= {call["id"] for call in fresh}
        for call in fresh:
            if call.get("keyLabel") != LABEL:
                self.calls.append(Came(call, late=await self._is_late(call)))

    async def _is_late(self, call: Mapping[str, Any]) -> bool:
        sent = orjson.dumps(call.get("requestBody")).decode()
        named = self.former.intersection(_ID.findall(f"{call['path']} {call['query']} {sent}"))
        if named:
            await self.look()
        return not named <= self.ids()

    async def unclaimed_deliveries(self, type: str, webhook: str | None) -> list[dict[str, Any]]:
        """The deliveries of events of a type (or group), to one webhook or all, that belong to no step yet."""
        types = matching_types(type)
        sent = await self.deliveries(webhook)
        return [each for each in sent if each["type"] in types and each["id"] not in self._claimed]

    async def deliveries(self, webhook: str | None = None) -> list[dict[str, Any]]:
        """All deliveries to one webhook or all, oldest first."""
        query = {"limit": str(_PAGE)}
        if webhook:
            query["webhookId"] = webhook
        found: list[dict[str, Any]] = []
        while True:
            page = await self.control("GET", "/deliveries", **query)
            found += page["data"]
            if not page["hasMore"]:
                break
            query["startingAfter"] = found[-1]["id"]
        return found[::-1]

    def claim(self, delivery: Mapping[str, Any]) -> None:
        """This delivery belongs to a step from here on."""
        self._claimed.add(delivery["id"])

    async def is_signed(self, delivery: Mapping[str, Any], attempt: Mapping[str, Any]) -> bool:
        """Whether the signature of an attempt is that of a secret of its webhook for the body that was sent.

        Signature and body are taken as they arrived where the runner's own receiver got them, else from drsim's record.
        Secrets may have been rotated since: all that were ever seen count.
        """
        webhook = delivery["webhookId"]
        known = self._secrets.setdefault(webhook, [])
        header = attempt["requestHeaders"].get("DigitalRiver-Signature", "")
        body = await self.sent_body(delivery, attempt)
        if any(verified(header, secret, body) for secret in known):
            return True
        live = (await self.control("GET", f"/webhooks/{webhook}/secrets"))["secrets"]
        fresh = [secret for secret in live if secret not in known]
        known += fresh
        return any(verified(header, secret, body) for secret in fresh)

    async def sent_body(self, delivery: Mapping[str, Any], attempt: Mapping[str, Any]) -> bytes:
        """The body of an attempt: as it arrived at the runner's receiver, else from drsim's record."""
        if received := self._received(attempt):
            return received.body
        if "requestBody" in attempt:
            return str(attempt["requestBody"]).encode()
        await self.look()
        return next((orjson.dumps(each.body) for each in self.events if each.body["id"] == delivery["eventId"]), b"")

    def sent_headers(self, attempt: Mapping[str, Any]) -> Mapping[str, str]:
        """The headers of an attempt, in lower case: as they arrived at the runner's receiver, else as kept."""
        if received := self._received(attempt):
            return received.headers
        return {name.lower(): text for name, text in attempt["requestHeaders"].items()}

    def _received(self, attempt: Mapping[str, Any]) -> Received | None:
        header = attempt["requestHeaders"].get("DigitalRiver-Signature", "")
        came = self.receiver.received_below(self.base)
        return next((each for each in came if each.headers.get("digitalriver-signature") == header), None)

    async def timeline(self) -> tuple[Entry, ...]:
        """What has happened so far."""
        return tuple((await self.control("GET", "/timeline"))["data"])
