"""Steps that watch the system under test, in real time: `await_call` and `no_call`."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import parse_qs

from pydantic import Field

from drsim.domain.clock import SECOND, Span, format_span
from drsim.domain.matching import fits, fits_name
from drsim.format.fields import Duration
from drsim.format.part import Part
from drsim.scenario.failure import Candidate, Failed, compared, nearest, shown, shown_differences
from drsim.scenario.play import Came, Play
from drsim.scenario.steps.base import CallPattern, Pattern, Save, Step, save
from drsim.scenario.steps.deliveries import outcome

_LONGEST_WAIT = SECOND // 2
"""No question to the server is open longer: when the run is interrupted, it has to be answered first."""


class CallMatch(Part):
    """`match` of a call: patterns for what the system under test sent, and for the `status` it was answered."""

    body: Pattern = None
    query: dict[str, Pattern] = Field(default_factory=dict)
    headers: dict[str, Pattern] = Field(default_factory=dict)
    status: Pattern = None

    def pattern(self) -> dict[str, Any]:
        """All of it as one pattern."""
        pattern = {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}
        if "headers" in pattern:
            pattern["headers"] = {name.lower(): each for name, each in self.headers.items()}
        return pattern


class AwaitCall(Step):
    """`await_call`: the system under test has made this call, or does so `within` real time."""

    kind: ClassVar[str] = "await_call"

    await_call: CallPattern = Field(alias="await_call")
    match: CallMatch = Field(default_factory=lambda: CallMatch.model_validate({}))
    within: Duration = 10 * SECOND
    save: Save

    async def run(self, play: Play, written: Mapping[str, Any]) -> str:
        """Waits for the call."""
        pattern = self.match.pattern()
        found = await _watch(play, self.await_call, pattern, self.within)
        if found is None:
            summary = (
                f"The system under test made no call {self.await_call} that fits, within {format_span(self.within)}."
            )
            raise Failed(summary, await _instead(play, self.await_call, pattern))
        found.claimed = True
        await play.settle()
        save(play, self.save, found.body.get("requestBody"))
        return f"{found.body['method']} {found.body['path']} -> {found.body.get('status', 'dropped')}"


class NoCall(Step):
    """`no_call`: the system under test has made no such call beyond those of earlier steps, nor `within` real time."""

    kind: ClassVar[str] = "no_call"

    no_call: CallPattern = Field(alias="no_call")
    match: CallMatch = Field(default_factory=lambda: CallMatch.model_validate({}))
    within: Duration = SECOND

    async def run(self, play: Play, written: Mapping[str, Any]) -> str:
        """Watches for that long."""
        pattern = self.match.pattern()
        found = await _watch(play, self.no_call, pattern, self.within)
        if found is not None:
            sent = [f"    it sent {shown(found.body['requestBody'])}"] if "requestBody" in found.body else []
            raise Failed("The system under test made a call that was not to come:", [f"  {_title(found.body)}", *sent])
        return "none came"


async def _watch(play: Play, name: str, pattern: Mapping[str, Any], within: Span) -> Came | None:
    """The first call that fits: among those that have come, else as soon as it comes."""
    loop = asyncio.get_running_loop()
    end = loop.time() + within / SECOND
    wait: Span = 0
    while True:
        await play.watch(wait)
        for call in _named(play, name):
            if not call.claimed and not call.given and fits(pattern, _view(call.body)):
                return call
        left = end - loop.time()
        if left <= 0:
            return None
        wait = max(1, min(int(left * SECOND), _LONGEST_WAIT))


def _named(play: Play, name: str) -> list[Came]:
    own = [each for each in play.calls if not each.late]
    return [each for each in own if fits_name(name, _name(each))]


def _view(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call as `match` looks at it."""
    parsed = parse_qs(call["query"], keep_blank_values=True)
    view: dict[str, Any] = {
        "query": {name: values[0] if len(values) == 1 else values for name, values in parsed.items()},
        "headers": {name.lower(): text for name, text in call["requestHeaders"].items()},
    }
    view |= {short: call[name] for short, name in (("body", "requestBody"), ("status", "status")) if name in call}
    return view


async def _instead(play: Play, name: str, pattern: Any) -> list[str]:
    """What it did instead: the nearest call and where it differs, or the other calls and how it takes its events."""
    same = _named(play, name)
    if not same:
        own = dict.fromkeys(_name(each) for each in play.calls if not each.given and not each.late)
        late = dict.fromkeys(_name(each) for each in play.calls if not each.given and each.late)
        lines = [f"  It made no such call; it made: {', '.join(own) or 'none at all'}"]
        lines += [f"  It also made, about things of earlier scenarios: {', '.join(late)}"] if late else []
        return lines + _taken(await play.deliveries())
    best = nearest([_candidate(each, pattern) for each in same])
    assert best is not None
    return [f"  The nearest of {len(same)}: {best.title}", *shown_differences(best.differing, "    ")]


def _taken(deliveries: list[dict[str, Any]]) -> list[str]:
    """A line about what was sent but not taken, if anything."""
    refused = [each for each in deliveries if each["state"] != "delivered"]
    if not deliveries:
        return ["  No event was sent to it."]
    if not refused:
        return []
    last = refused[-1]
    return [f"  It did not take {len(refused)} of {len(deliveries)} events, the last: {last['type']}: {outcome(last)}"]


def _name(came: Came) -> str:
    return f"{came.body['method']} {came.body['path']}"


def _candidate(came: Came, pattern: Any) -> Candidate:
    why = ", which belongs to an earlier step" if came.claimed else ""
    return compared(f"{_title(came.body)}{why}", pattern, _view(came.body))


def _title(call: Mapping[str, Any]) -> str:
    return f"{call['method']} {call['path']} -> {call.get('status', 'dropped')} at {call['time']}"
