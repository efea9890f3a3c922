"""How a step says that it failed: in one sentence, and in lines that show only what differs."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from drsim.domain.matching import ABSENT, Difference, differences

_LONGEST = 160
_MOST_DIFFERENCES = 12


class Failed(Exception):
    """A step, or the making of the world, did not do what was expected. `details` are lines to go with it."""

    def __init__(self, summary: str, details: Iterable[str] = ()) -> None:
        super().__init__(summary)
        self.summary = summary
        self.details = tuple(details)


class Candidate(NamedTuple):
    """Something that came but did not fit: what it is, and where it differs."""

    title: str
    differing: list[Difference]


def compared(what: str, pattern: Any, seen: Any) -> Candidate:
    """What was seen as a candidate for what was expected of it."""
    return Candidate(what, differences(pattern, seen))


def nearest(candidates: list[Candidate]) -> Candidate | None:
    """The candidate that differs least, the latest of several."""
    return min(reversed(candidates), key=lambda each: len(each.differing), default=None)


def shown_differences(differing: list[Difference], indent: str = "  ") -> list[str]:
    """Differences as lines: the place, what was expected, what was seen."""
    lines: list[str] = []
    for difference in differing[:_MOST_DIFFERENCES]:
        lines.append(f"{indent}{difference.place or 'the whole'}")
        lines.append(f"{indent}  - {shown(difference.expected)}  (expected)")
        lines.append(f"{indent}  + {_seen(difference.seen, difference.expected)}  (seen)")
    if len(differing) > _MOST_DIFFERENCES:
        lines.append(f"{indent}… and {len(differing) - _MOST_DIFFERENCES} more differences")
    return lines


def _seen(value: Any, expected: Any) -> str:
    """What was seen; of something long only what was asked about."""
    text = shown(value)
    return shown(_asked_about(value, expected)) if text.endswith("…") else text


def _asked_about(value: Any, expected: Any) -> Any:
    if isinstance(expected, dict) and len(expected) == 1:
        ((key, inner),) = expected.items()
        if key in ("$contains", "$not"):
            return _asked_about(value, [inner] if key == "$contains" else inner)
    if isinstance(value, dict) and isinstance(expected, dict):
        return {key: _asked_about(value[key], inner) for key, inner in expected.items() if key in value} or value
    if isinstance(value, list) and isinstance(expected, list) and expected:
        last = len(expected) - 1
        return [_asked_about(each, expected[min(index, last)]) for index, each in enumerate(value)]
    return value


def shown(value: Any, longest: int = _LONGEST) -> str:
    """A value as JSON on one line of at most so many characters; a value that is not there as `nothing`."""
    if value is ABSENT:
        return "nothing"
    text = orjson.dumps(value, default=str).decode()
    return text if len(text) <= longest else f"{text[:longest]}…"
