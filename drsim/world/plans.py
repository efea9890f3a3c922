"""What can be triggered: the stories of orders, and the errands for all else, each by the event it leads to."""

from collections.abc import Mapping
from difflib import get_close_matches

from drsim.domain.events import TYPES
from drsim.domain.refusal import Refused, invalid
from drsim.world.errand import Errand
from drsim.world.errands import ERRANDS
from drsim.world.stories import STORIES, Story

PLANS: Mapping[str, Story | Errand] = {**STORIES, **ERRANDS}
"""What leads to every event type that drsim emits."""


def plan_of(type: str) -> Story | Errand:
    """What leads to this event. Raises `Refused` for a type that drsim does not emit, naming the nearest."""
    if type in PLANS:
        return PLANS[type]
    nearest = get_close_matches(type[:100], PLANS, n=1, cutoff=0)[0]
    if type not in TYPES:
        refusal = invalid("type", type[:100], "event type")
        refusal.message += f" Did you mean '{nearest}'?"
        raise refusal
    message = f"drsim does not emit '{type}' yet; the nearest it can be brought to is '{nearest}'."
    raise Refused("bad_request", "invalid_parameter", message, "type")
