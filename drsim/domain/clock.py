"""Time: what an instant and a span are, how they are written, and the clock a sandbox lives by.

An instant (`Time`) is a whole number of microseconds since 1970-01-01T00:00:00Z, a span (`Span`) a whole number of
microseconds. Everything is UTC.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from drsim.domain.values import value

Time = int
Span = int

SECOND: Span = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_UNITS = {"us": 1, "ms": 1_000, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY, "w": 7 * DAY}
_SPAN = re.compile(r"([0-9]{1,12})(us|ms|s|m|h|d|w)")
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?Z", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
LAST: Time = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
"""No clock is set beyond this: later instants cannot be written in the API's format."""


@value
class Clock:
    """A sandbox's time: it showed `base` when the wall showed `since`, and has run at `rate` ever since.

    Rate 0 is frozen (manual), 1 is real, 60 a minute per second.
    """

    base: Time
    since: Time
    rate: float

    @property
    def mode(self) -> str:
        """As `--clock` spells it: `manual`, `real` or `xN`."""
        if self.rate == 0:
            return "manual"
        return "real" if self.rate == 1 else f"x{self.rate:g}"

    def now(self, wall: Time) -> Time:
        """What time it is here when the wall shows `wall`."""
        if self.rate == 0:
            return self.base
        return min(LAST, self.base + int((wall - self.since) * self.rate))

    def until(self, time: Time, wall: Time) -> float | None:
        """How many real seconds until it is `time` here: 0 when it already is, `None` when it never comes by itself."""
        if self.now(wall) >= time:
            return 0.0
        if self.rate == 0:
            return None
        return (time - self.now(wall)) / self.rate / SECOND

    def moved(self, time: Time, wall: Time) -> "Clock":
        """The same clock, showing `time` now."""
        return Clock(time, wall, self.rate)


def parse_rate(text: str) -> float:
    """The rate named by `real`, `manual` or `xN` (N up to a million). Raises `ValueError`."""
    named = {"real": 1.0, "manual": 0.0}
    if text in named:
        return named[text]
    match = re.fullmatch(r"x([0-9]{1,7}(?:\.[0-9]{1,6})?)", text)
    if not match or not 0 < float(match[1]) <= 1_000_000:
        raise ValueError(f"'{text}' is not a clock: real, manual or xN (x60 is a minute per second)")
    return float(match[1])


def parse_span(text: str) -> Span:
    """The span written as `7d`, `90s`, `1h30m`, `500ms` (weeks to microseconds, largest first or not).

    Raises `ValueError`.
    """
    text = text.strip()
    parts = _SPAN.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"'{text}' is not a duration such as 30s, 2h or 7d")
    span = sum(int(number) * _UNITS[unit] for number, unit in parts)
    if span > LAST:
        raise ValueError(f"'{text}' is too long a duration")
    return span


def format_span(span: Span) -> str:
    """A span in its largest exact units: `7d`, `1h30m`, `0s`."""
    words = []
    for unit in ("d", "h", "m", "s", "ms", "us"):
        count, span = divmod(span, _UNITS[unit])
        if count:
            words.append(f"{count}{unit}")
    return "".join(words) or "0s"


def parse_time(text: str) -> Time:
    """The instant written in the API's format, `2022-07-01T17:55:58Z` with up to six decimals of a second.

    Raises `ValueError` for any other form and for days that do not exist.
    """
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(f"'{text}' is not a time such as 2022-07-01T17:55:58Z")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    micro = int((match[7] or "").ljust(6, "0"))
    instant = datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
    return (instant - _EPOCH) // _MICROSECOND


@lru_cache(maxsize=4096)
def _to_the_second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")


def format_time(time: Time) -> str:
    """An instant as resources show it: whole seconds."""
    return _to_the_second(min(time, LAST) // SECOND) + "Z"


def format_precise(time: Time) -> str:
    """An instant as events show it: up to six decimals, trailing zeros dropped."""
    seconds, micro = divmod(min(time, LAST), SECOND)
    fraction = f".{micro:06d}".rstrip("0") if micro else ""
    return f"{_to_the_second(seconds)}{fraction}Z"


def format_millis(time: Time) -> str:
    """An instant as webhooks show it: up to three decimals, trailing zeros dropped."""
    return format_precise(time - time % 1_000)
