"""Steps about simulated time and the events in it: `advance`, `event`, `no_event`."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from drsim.domain.clock import HOUR, format_precise, format_span
from drsim.domain.events import matching_types
from drsim.domain.matching import fits
from drsim.format.fields import Duration, EventType
from drsim.format.numbers import Count
from drsim.scenario.failure import Candidate, Failed, compared, nearest, shown_differences
from drsim.scenario.play import Came, Play
from drsim.scenario.steps.base import Pattern, Save, Step, save


class Advance(Step):
    """`advance`: moves simulated time; everything due on the way happens in order."""

    kind: ClassVar[str] = "advance"

    advance: Duration

    async def run(self, play: Play, written: Mapping[str, Any]) -> str:
        """Moves time."""
        await play.advance(play.now + self.advance)
        return f"now {format_precise(play.now)}"


class Event(Step):
    """`event`: one that fits has come and belongs to no earlier step, or comes `within` simulated time.

    With `count` exactly so many fit when that time is over.
    """

    kind: ClassVar[str] = "event"

    event: EventType
    match: Pattern = Field(default_factory=dict)
    within: Duration = HOUR
    count: Count | None = None
    save: Save

    async def run(self, play: Play, written: Mapping[str, Any]) -> str:
        """Looks, and lets time run until it comes."""
        deadline = play.now + self.within
        if self.count is not None:
            return await self._count(play, self.count, deadline)
        more = True
        while True:
            await play.look()
            found = next((each for each in self._fitting(play)), None)
            if found is not None:
                found.claimed = True
                save(play, self.save, found.body)
                return f"event {found.body['id']} at {found.body['createdTime']}"
            if not more:
                raise Failed(
                    f"No {self.event} came that fits, {self._time()}.", candidates(play, self.event, self.match)
                )
            more = await play.step_towards(deadline)

    async def _count(self, play: Play, count: int, deadline: int) -> str:
        await play.advance(deadline)
        await play.look()
        found = self._fitting(play)
        if len(found) != count:
            summary = (
                f"{_times(len(found), self.event)} came that fit{'s' * (len(found) == 1)}, not {count}, {self._time()}."
            )
            raise Failed(summary, listed(found) or candidates(play, self.event, self.match))
        for each in found:
            each.claimed = True
        if found:
            save(play, self.save, found[-1].body)
        return f"{count} came"

    def _fitting(self, play: Play) -> list[Came]:
        return [each for each in play.unclaimed_events(self.event) if fits(self.match, each.body)]

    def _time(self) -> str:
        return f"within {format_span(self.within)} of simulated time"


class NoEvent(Step):
    """`no_event`: none that fits has come beyond those of earlier steps, nor comes `within` simulated time."""

    kind: ClassVar[str] = "no_event"

    no_event: EventType = Field(alias="no_event")
    match: Pattern = Field(default_factory=dict)
    within: Duration = HOUR

    async def run(self, play: Play, written: Mapping[str, Any]) -> str:
        """Lets time run and looks."""
        await play.advance(play.now + self.within)
        await play.look()
        found = [each for each in play.unclaimed_events(self.no_event) if fits(self.match, each.body)]
        if found:
            raise Failed(f"{_times(len(found), self.no_event)} came, and none was expected.", listed(found))
        return "none came"


def listed(found: list[Came]) -> list[str]:
    """Events, one on each line."""
    return [f"  {_title(each)}" for each in found]


def candidates(play: Play, type: str, pattern: Any) -> list[str]:
    """What came instead: the nearest event of the type and where it differs, or the types that did come."""
    types = matching_types(type)
    same = [each for each in play.events if each.body["type"] in types]
    if not same:
        others = dict.fromkeys(each.body["type"] for each in play.events if not each.given)
        return [f"  None of that type has come; there were: {', '.join(others) or 'no events at all'}"]
    best = nearest([_candidate(each, pattern) for each in same])
    assert best is not None
    return [f"  The nearest of {len(same)}: {best.title}", *shown_differences(best.differing, "    ")]


def _candidate(came: Came, pattern: Any) -> Candidate:
    why = ", which belongs to an earlier step" if came.claimed else ", which came with the world" if came.given else ""
    return compared(f"{_title(came)}{why}", pattern, came.body)


def _title(came: Came) -> str:
    return f"{came.body['type']} {came.body['id']} at {came.body['createdTime']}"


def _times(count: int, what: str) -> str:
    return f"{count or 'No'} {what}"
