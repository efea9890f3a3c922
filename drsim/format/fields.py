"""The kinds of values that stand in scenario files besides numbers: texts, durations, metadata, and how each is read.

Ids and postal codes may be written as whole numbers.
"""

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from drsim.domain.account import RateLimit
from drsim.domain.amend import LONGEST_KEY, LONGEST_VALUE, merged_metadata
from drsim.domain.clock import Span, Time, parse_span, parse_time
from drsim.domain.events import TYPES, matching_types
from drsim.domain.money import CURRENCIES
from drsim.domain.refusal import Refused
from drsim.format.mistakes import refuse, wrong
from drsim.format.numbers import CARRIED, is_carried, plain
from drsim.format.problems import shown
from drsim.format.written import NULL, Written, either, text

LONGEST_TEXT = 500
"""Characters that names, ids and the like may have."""


def one_of(options: Iterable[str], described: str | None = None, name: str | None = None) -> Written:
    """Reads one of these words; `described` spares the reader a long list of them."""
    words = tuple(options)
    expected = described or f"{'one of ' if len(words) > 1 else ''}{', '.join(words)}"

    def read(value: Any) -> str:
        if isinstance(value, str) and value in words:
            return value
        raise wrong(shown(value), expected, words)

    return Written(read, {"enum": list(words)}, name)


def fitting(expression: str, expected: str, name: str | None = None) -> Written:
    """Reads a text that fits a regular expression."""

    def read(value: Any) -> str:
        written = read_text(value)
        if re.fullmatch(expression, written):
            return written
        raise wrong(shown(value), expected)

    return Written(read, text(expression, expected), name)


def read_text(value: Any) -> str:
    """Reads a text of 1 to 500 characters, or a whole number as its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise wrong(shown(value), "text")
    if len(value) > LONGEST_TEXT:
        raise wrong(f"a text of {len(value)} characters", f"at most {LONGEST_TEXT}")
    return value


def read_prose(value: Any) -> str:
    """Reads a text of any length."""
    if isinstance(value, str):
        return value
    raise wrong(shown(value), "text")


def read_flag(value: Any) -> bool:
    """Reads true or false."""
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise wrong(shown(value), "true or false")


def read_span(value: Any) -> Span:
    """Reads a duration; 0 needs no unit."""
    if value == 0 and not isinstance(value, bool):
        return 0
    try:
        return parse_span(value)
    except (ValueError, AttributeError):
        raise wrong(shown(value), "a duration such as 30s, 2h or 7d") from None


def read_time(value: Any) -> Time:
    """Reads an instant."""
    try:
        return parse_time(value)
    except (ValueError, TypeError):
        raise wrong(shown(value), "a time such as 2022-07-01T17:55:58Z") from None


_EVENT_TYPES = tuple(sorted(TYPES))


def read_event_type(value: Any) -> str:
    """Reads the name of an event type, or of a group of them such as `order.*`."""
    name = read_text(value)
    known = name in TYPES or ("*" in name and any(each in TYPES for each in matching_types(name)))
    if not known:
        raise wrong(shown(value), "an event type such as fulfillment.created, or a group such as order.*", _EVENT_TYPES)
    return name


def read_rate_limit(value: Any) -> RateLimit | None:
    """Reads calls per time; `none` and nothing are no limit."""
    if value is None or value == "none" or isinstance(value, RateLimit):
        return value if isinstance(value, RateLimit) else None
    match = re.fullmatch(r"([0-9]{1,9})/((?:[0-9]+)?)(ms|s|m|h|d)", value) if isinstance(value, str) else None
    if not match or not int(match[1]) or (match[2] and not int(match[2])):
        raise wrong(shown(value), "calls per time such as 25/s or 100/m, or none")
    return RateLimit(int(match[1]), read_span(f"{match[2] or 1}{match[3]}"))


def read_metadata(value: Any) -> dict[str, Any]:
    """Reads metadata: texts, numbers and truth values under text keys, within the API's limits."""
    if not isinstance(value, dict):
        raise wrong(shown(value), "a mapping")
    refuse(
        ((str(key),), shown(each), "text, a number, true or false")
        for key, each in value.items()
        if not (isinstance(each, str) or is_carried(each))
    )
    metadata = {key: plain(each) for key, each in value.items()}
    try:
        return dict(merged_metadata(None, metadata) or {})
    except Refused as refused:
        raise wrong("metadata beyond the API's limits", refused.message.rstrip(".")) from None


def too_deep(value: Any, levels: int = 40) -> bool:
    """Whether mappings and lists stand in one another more than `levels` deep."""
    layer = [value]
    for _ in range(levels + 1):
        nested = [each for each in layer if isinstance(each, dict | list)]
        layer = [inner for each in nested for inner in (each.values() if isinstance(each, dict) else each)]
    return bool(layer)


def not_empty(thing: str) -> Written:
    """Refuses an empty list, which no elements can make wrong."""

    def read(value: Any) -> Any:
        if value == []:
            raise wrong("an empty list", f"at least one {thing}")
        return value

    return Written(read, lambda inner: {**inner, "minItems": 1}, replaced=False)


def nothing_as(empty: Callable[[], Any]) -> Written:
    """A section that is left empty holds nothing."""
    return Written(lambda value: empty() if value is None else value, lambda inner: either(inner, NULL), replaced=False)


_SPAN = text(r"\s*([0-9]{1,12}(us|ms|s|m|h|d|w))+\s*", "A duration such as 30s, 1h30m or 7d.")
_TIME = text(
    r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z",
    "A time such as 2022-07-01T17:55:58Z.",
)
_RATE_LIMIT = text(
    r"none|(?=0*[1-9])[0-9]{1,9}/((?=0*[1-9])[0-9]{1,12})?(ms|s|m|h|d)", "Calls per time such as 25/s, or none."
)
_EVENT_TYPE = either(
    {"enum": list(_EVENT_TYPES)}, {"description": "A group such as order.*", "type": "string", "pattern": r"\*"}
)
_TEXT = {"type": ["string", "integer"], "pattern": r"\S", "maxLength": LONGEST_TEXT}
_METADATA = {
    "description": "Texts, numbers and truth values under keys of your own.",
    "type": "object",
    "propertyNames": {"minLength": 1, "maxLength": LONGEST_KEY},
    "additionalProperties": {"type": ["string", "number", "boolean"], "maxLength": LONGEST_VALUE, **CARRIED},
}


Text = Annotated[str, Written(read_text, _TEXT, "Text", replaced=False)]
Prose = Annotated[str, Written(read_prose, {"type": "string"}, replaced=False)]
Flag = Annotated[bool, Written(read_flag, {"enum": [True, False, "true", "false"]}, "Flag")]
Duration = Annotated[int, Written(read_span, either({"const": 0}, _SPAN), "Duration")]
EventType = Annotated[str, Written(read_event_type, _EVENT_TYPE, "EventType")]
Instant = Annotated[int, Written(read_time, _TIME, "Time")]
Limit = Annotated[RateLimit | None, Written(read_rate_limit, either(_RATE_LIMIT, NULL))]
Metadata = Annotated[dict[str, Any], Written(read_metadata, _METADATA, "Metadata", replaced=False)]
Alias = Annotated[str, fitting(r"[A-Za-z_][A-Za-z0-9_-]{0,59}", "a name of letters, digits, _ and -", "Alias")]
Country = Annotated[str, fitting(r"[A-Z]{2}", "a country code such as US")]
Locale = Annotated[str, fitting(r"[a-z]{2}_[A-Z]{2}", "a locale such as en_US")]
Email = Annotated[str, fitting(r"[^\s@]{1,64}@[^\s@]{1,190}", "an email address", "Email")]
Currency = Annotated[str, one_of(sorted(CURRENCIES), "a currency code such as USD", "Currency")]
