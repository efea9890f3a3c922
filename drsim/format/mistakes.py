"""How a model says what is wrong with a value: found, expected, and all mistakes of one check at once."""

from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from drsim.format.problems import Path

Mistake = tuple[Path, str, str]
"""Where (below what is being checked), what was found, what was expected."""


def wrong(found: str, expected: str, options: Iterable[str] = (), written: str | None = None) -> PydanticCustomError:
    """A value that does not fit, as an error that can stand alone.

    `options` are what could be written instead of `written`, which is the value itself unless given.
    """
    context = {"found": found, "expected": expected, "options": tuple(options), "written": written}
    return PydanticCustomError("drsim", "Found {found}, expected {expected}.", context)


def refuse(mistakes: Iterable[Mistake]) -> None:
    """Raises all mistakes at once, each at its own place, if there are any."""
    details = [
        InitErrorDetails(type=wrong(found, expected), loc=path, input=None) for path, found, expected in mistakes
    ]
    if details:
        raise ValidationError.from_exception_data("drsim", details)
