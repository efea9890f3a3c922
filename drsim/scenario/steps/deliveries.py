"""Steps about webhooks: `delivery` looks at what was pushed, `receiver` says how the runner's own receiver answers."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import orjson
from pydantic import Field

from drsim.domain.clock import HOUR, format_span
from drsim.domain.matching import differences
from drsim.format.fields import Alias, Duration, EventType, Flag, Text, one_of
from drsim.format.numbers import Quantity, whole_number
from drsim.format.part import Part
from drsim.scenario.failure import Candidate, Failed, nearest, shown_differences
from drsim.scenario.play import Play
from drsim.scenario.receiver import Manner
from drsim.scenario.steps.base import Pattern, Save, Step, save

_SUCCESS = {"status": {"$gte": 200, "$lt": 300}}


class ExpectedDelivery(Part):
    """`expect` of a delivery: what was answered last, after how many attempts, what was sent and how signed."""

    status: Pattern = None
    attempts: Pattern = None
    signature: Annotated[str, one_of(("valid", "invalid"))] | None = None
    headers: dict[Text, Pattern] = Field(default_factory=dict)
    body: Pattern = None
    state: Pattern = None
    error: Pattern = None

    def pattern(self) -> dict[str, Any]:
        """All of it as one pattern."""
        pattern = {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}
        if "headers" in pattern:
            pattern["headers"] = {name.lower(): each for name, each in self.headers.items()}
        return pattern


class Delivery(Step):
    """`delivery`: a delivery fits that belongs to no earlier step, or does so `within` simulated time.

    Without `expect` it was answered with success.
    """

    kind: ClassVar[str] = "delivery"

    delivery: EventType
    to: Alias | None = None
    expect: ExpectedDelivery | None = None
    within: Duration = HOUR
    save: Save

    async def run(self, play: Play, written: Mapping[str, Any]) -> str:
        """Looks, and lets time run until it fits."""
        pattern = _SUCCESS if self.expect is None else self.expect.pattern()
        webhook = None if self.to is None else webhook_id(play, self.to)
        deadline = play.now + self.within
        more = True
        await play.settle()
        while True:
            views = [
                (each, await _view(play, each, pattern))
                for each in await play.unclaimed_deliveries(self.delivery, webhook)
            ]
            for each, view in views:
                if not differences(pattern, view):
                    play.claim(each)
                    save(play, self.save, await _body(play, each))
                    return outcome(each)
            if not more:
                raise Failed(*self._failure([(each, differences(pattern, view)) for each, view in views]))
            more = await play.step_towards(deadline)

    def _failure(self, seen: list[tuple[dict[str, Any], Any]]) -> tuple[str, list[str]]:
        to = f" to '{self.to}'" if self.to else ""
        summary = f"No delivery of {self.delivery}{to} fits, within {format_span(self.within)} of simulated time."
        best = nearest([Candidate(f"{each['type']}: {outcome(each)}", differing) for each, differing in seen])
        if best is None:
            return summary, ["  None was sent."]
        return summary, [f"  The nearest of {len(seen)}: {best.title}", *shown_differences(best.differing, "    ")]


class Answers(Part):
    """How the receiver answers: `status` after `delay` (real time), or closing the connection; `times` uses it up."""

    status: Annotated[int, whole_number(200, 599)] = 200
    delay: Duration = 0
    drop: Flag = False
    times: Quantity | None = None
    to: Alias | None = None


class ReceiverStep(Step):
    """`receiver`: how the runner's own receiver answers from here on, at all webhooks or the one that `to` names."""

    kind: ClassVar[str] = "receiver"

    receiver: Answers

    async def run(self, play: Play, written: Mapping[str, Any]) -> str:
        """Tells the receiver."""
        await play.settle()
        it = self.receiver
        if it.to is not None:
            webhook_id(play, it.to)
        path = play.base if it.to is None else f"{play.base}/{it.to}"
        play.receiver.behave(path, Manner(it.status, it.delay, it.drop, it.times))
        return "told"


def webhook_id(play: Play, alias: str) -> str:
    """The webhook that an alias stands for. Raises `Failed`."""
    known = play.names.get(alias)
    if not isinstance(known, dict) or "address" not in known:
        raise Failed(f"'{alias}' is no webhook.")
    return str(known["id"])


async def _view(play: Play, delivery: dict[str, Any], pattern: Mapping[str, Any]) -> dict[str, Any]:
    """A delivery as `expect` looks at it; what takes effort is looked at only where it is asked for."""
    attempts = delivery["attempts"]
    last = attempts[-1] if attempts else {}
    view = {"attempts": len(attempts), "state": delivery["state"]}
    view |= {name: last[name] for name in ("status", "error") if name in last}
    if "signature" in pattern and attempts:
        view["signature"] = "valid" if await play.is_signed(delivery, last) else "invalid"
    if "headers" in pattern and attempts:
        view["headers"] = play.sent_headers(last)
    if "body" in pattern and attempts:
        view["body"] = await _body(play, delivery)
    return view


async def _body(play: Play, delivery: dict[str, Any]) -> Any:
    if not delivery["attempts"]:
        return None
    sent = await play.sent_body(delivery, delivery["attempts"][-1])
    try:
        return orjson.loads(sent)
    except orjson.JSONDecodeError:
        return sent.decode("utf-8", "replace")


def outcome(delivery: Mapping[str, Any]) -> str:
    """What has come of a delivery, in a few words."""
    attempts = delivery["attempts"]
    if not attempts:
        return f"{delivery['state']}, not attempted"
    last = attempts[-1]
    times = f"{len(attempts)} attempt{'s' * (len(attempts) > 1)}"
    return f"{delivery['state']}, {last.get('status', last.get('error'))} after {times}"
