"""What renderings share: amounts in major units, times by state, keys that are there only with a value."""

from collections.abc import Callable, Mapping
from typing import Any

from drsim.domain.clock import Time, format_time
from drsim.domain.money import number

Json = dict[str, Any]


def in_major(currency: str) -> Callable[[int], float]:
    """How minor units of a currency are shown."""
    return lambda units: number(units, currency)


def put(shown: Json, **optional: Any) -> None:
    """Adds the keys that have a value."""
    for key, value in optional.items():
        if value is not None:
            shown[key] = value


def times(transitions: Mapping[str, Time]) -> Json:
    """When each state was reached."""
    return {state: format_time(time) for state, time in transitions.items()}
