"""The kinds of steps, one class each: what may stand in it and what it does."""

from typing import Annotated, Any

from pydantic import ModelWrapValidatorHandler, WrapValidator

from drsim.format.mistakes import wrong
from drsim.format.problems import shown
from drsim.scenario.steps.base import Step
from drsim.scenario.steps.calls import Call, Create
from drsim.scenario.steps.conditions import Behave, Fault
from drsim.scenario.steps.deliveries import Delivery, ReceiverStep
from drsim.scenario.steps.events import Advance, Event, NoEvent
from drsim.scenario.steps.watching import AwaitCall, NoCall

Kinds = Call | Create | Advance | Event | NoEvent | Delivery | AwaitCall | NoCall | Behave | Fault | ReceiverStep

KINDS: dict[str, type[Step]] = {each.kind: each for each in Kinds.__args__}
"""Every kind of step by the key that makes it one."""


def kind_of(value: Any) -> type[Step]:
    """The kind of step that a mapping is. Raises an error that says what it should have been."""
    if not isinstance(value, dict):
        raise wrong(shown(value), "a mapping")
    kinds = [key for key in value if key in KINDS]
    if len(kinds) == 1:
        return KINDS[kinds[0]]
    expected = f"one of {', '.join(KINDS)}"
    if kinds:
        raise wrong(f"a step with {' and '.join(kinds)}", f"only {expected}")
    unknown = next((key for key in value if key != "name"), None)
    meant = "" if unknown is None else f" ('{unknown}' is none)"
    raise wrong(f"a step without a kind{meant}", expected, tuple(KINDS), unknown)


def _read(value: Any, handler: ModelWrapValidatorHandler[Any]) -> Any:
    return value if isinstance(value, Step) else kind_of(value).model_validate(value)


AnyStep = Annotated[Kinds, WrapValidator(_read)]
"""One step of any kind."""
