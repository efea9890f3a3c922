"""Problems of a file that does not fit, each with its place, and the words in which values are spoken of.

Every problem says what was found and what was expected there. Card numbers are never repeated.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice
from typing import Any

from drsim.domain.methods import CARD_NUMBER

Path = tuple[str | int, ...]
"""Where a value is: keys and places in lists from the top of the file."""

MOST = 100
"""No more problems than this are told at once."""

_LONGEST = 60
_MOST_OPTIONS = 300


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem at `file:line:column`, both counted from 1; `nearest` is what was probably meant."""

    file: str
    path: Path
    line: int
    column: int
    found: str
    expected: str
    nearest: str | None = None

    def __str__(self) -> str:
        meant = f"; did you mean '{self.nearest}'?" if self.nearest else ""
        return f"{self.file}:{self.line}:{self.column}: found {self.found}, expected {self.expected}{meant}"


class Unfit(ValueError):
    """A file that does not fit, with all its problems in the order in which they stand (the first `MOST` of them)."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems, key=lambda each: (each.file, each.line, each.column))[:MOST]
        super().__init__("\n".join(map(str, self.problems)))


def shown(value: Any) -> str:
    """A value as it is spoken of in a problem: short, on one line, and never a card number."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{masked(value)}'" if value else "an empty text"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return masked(str(value))


def masked(text: str) -> str:
    """Text cut to one short line, with everything that may be a card number blacked out."""
    line = CARD_NUMBER.sub("(card number)", " ".join(text[:2_000].split()))
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def nearest(word: str, options: Collection[str]) -> str | None:
    """The option that a misspelt word probably meant, if one is near enough."""
    if not 0 < len(word) <= _LONGEST:
        return None
    by_lower = {option.lower(): option for option in islice(options, _MOST_OPTIONS)}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None
