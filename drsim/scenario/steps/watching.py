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
from drsim.scenario.failure import Candidate, Failed, compared, nearest, shown_differences
from drsim.scenario.play import Came, Play
from drsim.scenario.steps.base import CallPattern, Pattern, Save, Step, save


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
            raise Failed(summary, _candidates(play, self.await_call, pattern))
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
            raise Failed("The system under test made a call that was not to come:", [f"  {_title(found.body)}"])
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
        wait = max(1, int(left * SECOND))


def _named(play: Play, name: str) -> list[Came]:
    return [each for each in play.calls if fits_name(name, f"{each.body['method']} {each.body['path']}")]


def _view(call: Mapping[str, Any]) -> dict[str, Any]:
    """A call as `match` looks at it."""
    parsed = parse_qs(call["query"], keep_blank_values=True)
    view: dict[str, Any] = {
        "query": {name: values[0] if len(values) == 1 else values for name, values in parsed.items()},
        "headers": {name.lower(): text for name, text in call["requestHeaders"].items()},
    }
    view |= {short: call[name] for short, name in (("body", "requestBody"), ("status", "status")) if name in call}
    return view


def _candidates(play: Play, name: str, pattern: Any) -> list[str]:
    same = _named(play, name)
    if not same:
        others = dict.fromkeys(f"{each.body['method']} {each.body['path']}" for each in play.calls if not each.given)
        return [f"  It made no such call; it made: {', '.join(others) or 'none at all'}"]
    best = nearest([_candidate(each, pattern) for each in same])
    assert best is not None
    return [f"  The nearest of {len(same)}: {best.title}", *shown_differences(best.differing, "    ")]


def _candidate(came: Came, pattern: Any) -> Candidate:
    why = ", which belongs to an earlier step" if came.claimed else ""
    return compared(f"{_title(came.body)}{why}", pattern, _view(came.body))


def _title(call: Mapping[str, Any]) -> str:
    return f"{call['method']} {call['path']} -> {call.get('status', 'dropped')} at {call['time']}"
