"""What the network and the server do wrong: which fault strikes a call or a delivery, and what it does to it.

Faults are tried in order. The first that fits, and is neither used up nor passed over by its `every`, strikes; there is
no second one on the same occasion. drsim's own: the vendor has nothing like it.
"""

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal

from drsim.domain.clock import MINUTE, Span
from drsim.domain.matching import fits_name
from drsim.domain.values import replace, value

OVERTAKEN_FOR: Span = MINUTE
"""How long a delivery waits (simulated) for another one to overtake it."""

LOST = "lost on the way (fault)"
"""The error of an attempt that never reached the receiver."""

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
OF_THE_CONNECTION = ("content-length", "transfer-encoding")


@value
class CallEffect:
    """What happens to a call. With a `status` it is answered without being carried out; `body` goes with that.

    `delay` is real time and comes first. `headers` are added to whatever is answered. `drop` closes the connection:
    "call" before the call is carried out, "answer" afterwards.
    """

    delay: Span = 0
    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: Literal["call", "answer"] | None = None


@value
class DeliveryEffect:
    """What happens to one attempt to deliver an event. `delay` is simulated time, `duplicate` counts further copies."""

    delay: Span = 0
    drop: bool = False
    duplicate: int = 0
    reorder: bool = False
    corrupt_signature: bool = False
    truncate: bool = False


@value
class Mishap:
    """What a delivery has still to suffer from the fault of this id, at its next attempt."""

    fault: str
    effect: DeliveryEffect


@value
class Fault:
    """One fault; it is about calls or about deliveries, whichever it has an effect on.

    `pattern` is `METHOD /path` or an event type, with `*` for anything; `to` is the id of the only webhook it is about.
    `met` counts the fitting occasions since it last struck; `left` counts its strikes down, `None` is without end.
    """

    id: str
    pattern: str
    on_call: CallEffect | None = None
    on_delivery: DeliveryEffect | None = None
    to: str | None = None
    every: int = 1
    met: int = 0
    left: int | None = None


@value
class Incoming:
    """An API call that has come in."""

    method: str
    path: str

    def fits(self, fault: Fault) -> bool:
        """Whether the fault is about calls like this one."""
        if fault.on_call is None:
            return False
        method, _, path = fault.pattern.partition(" ")
        return method in ("*", self.method) and fits_name(path or "*", self.path)


@value
class Outgoing:
    """An event that is about to go out to a webhook."""

    type: str
    webhook_id: str

    def fits(self, fault: Fault) -> bool:
        """Whether the fault is about deliveries like this one."""
        if fault.on_delivery is None or fault.to not in (None, self.webhook_id):
            return False
        return fits_name(fault.pattern, self.type)


Occasion = Incoming | Outgoing


def strike(faults: tuple[Fault, ...], occasion: Occasion) -> tuple[Fault | None, tuple[Fault, ...]]:
    """The fault that strikes on this occasion, and all faults afterwards: the very same ones when none has changed."""
    after = list(faults)
    for place, fault in enumerate(faults):
        if fault.left == 0 or not occasion.fits(fault):
            continue
        if fault.met + 1 < fault.every:
            after[place] = replace(fault, met=fault.met + 1)
            continue
        if fault.met or fault.left is not None:
            after[place] = replace(fault, met=0, left=None if fault.left is None else fault.left - 1)
        return fault, _unless_same(after, faults)
    return None, _unless_same(after, faults)


def _unless_same(after: list[Fault], before: tuple[Fault, ...]) -> tuple[Fault, ...]:
    return before if all(new is old for new, old in zip(after, before, strict=True)) else tuple(after)


def can_be_sent(name: str, text: str) -> bool:
    """Whether this can be a header of an answer; those that say how long the body is are not for anyone to set."""
    if name.lower() in OF_THE_CONNECTION:
        return False
    return bool(_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(text))
