"""The kinds of values that stand in scenario files: texts, amounts, rates, durations, and how each is read.

Numbers may be written as texts (`"10.00"`), since a value that comes from the environment always is one; ids and postal
codes may be written as whole numbers. Floats, which JSON bodies bring, count as the decimal number they are shown as.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from drsim.domain.account import RateLimit
from drsim.domain.amend import merged_metadata
from drsim.domain.clock import Span, Time, parse_span, parse_time
from drsim.domain.money import CURRENCIES, LIMIT, exponent
from drsim.domain.refusal import Refused
from drsim.world.problems import Path, shown

Mistake = tuple[Path, str, str]
"""Where (below what is being checked), what was found, what was expected."""

_currency: ContextVar[str] = ContextVar("currency", default="USD")
"""The currency of the order being checked: its amounts stand deep inside and depend on it."""


@contextmanager
def amounts_in(currency: Any) -> Iterator[None]:
    """Amounts checked meanwhile are in this currency, if it is one."""
    token = _currency.set(currency if isinstance(currency, str) and currency in CURRENCIES else "USD")
    try:
        yield
    finally:
        _currency.reset(token)


def wrong(found: str, expected: str, options: Iterable[str] = ()) -> PydanticCustomError:
    """A value that does not fit, as an error that can stand alone; `options` are what could be written instead."""
    context = {"found": found, "expected": expected, "options": tuple(options)}
    return PydanticCustomError("drsim", "Found {found}, expected {expected}.", context)


def refuse(mistakes: Iterable[Mistake]) -> None:
    """Raises all mistakes at once, each at its own place, if there are any."""
    details = [
        InitErrorDetails(type=wrong(found, expected), loc=path, input=None) for path, found, expected in mistakes
    ]
    if details:
        raise ValidationError.from_exception_data("drsim", details)


def one_of(options: Iterable[str]) -> BeforeValidator:
    """Reads one of these words."""
    words = tuple(options)

    def read(value: Any) -> str:
        if isinstance(value, str) and value in words:
            return value
        raise wrong(shown(value), f"one of {', '.join(words)}", words)

    return BeforeValidator(read)


def fitting(expression: str, expected: str) -> BeforeValidator:
    """Reads a text that fits a regular expression."""

    def read(value: Any) -> str:
        text = read_text(value)
        if re.fullmatch(expression, text):
            return text
        raise wrong(shown(value), expected)

    return BeforeValidator(read)


def read_text(value: Any) -> str:
    """Reads a text of 1 to 500 characters, or a whole number as its digits."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value.strip():
        raise wrong(shown(value), "text")
    if len(value) > 500:
        raise wrong(f"a text of {len(value)} characters", "at most 500")
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


def read_number(value: Any, expected: str) -> Decimal:
    """Reads a finite number exactly."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise wrong(shown(value), expected)
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9]{1,28}(\.[0-9]{1,28})?", value):
        raise wrong(shown(value), expected)
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except InvalidOperation:
        raise wrong(shown(value), expected) from None
    if not number.is_finite() or len(number.as_tuple().digits) > 28:
        raise wrong(shown(value), expected)
    return number


def read_amount(value: Any) -> Decimal:
    """Reads an amount in major units, no finer than the currency's minor unit."""
    currency = _currency.get()
    amount = read_number(value, "an amount such as 10.00")
    if amount < 0:
        raise wrong(shown(value), "an amount of 0 or more")
    places = exponent(currency)
    most = Decimal(LIMIT).scaleb(-places)
    if amount >= most:
        raise wrong(shown(value), f"an amount below {most:f}")
    if decimals(amount) > places:
        raise wrong(shown(value), f"at most {places} decimals, as {currency} has" if places else f"whole {currency}")
    return amount


def decimals(number: Decimal) -> int:
    """How many decimals a finite number needs."""
    power = number.normalize().as_tuple().exponent
    return max(0, -power) if isinstance(power, int) else 0


def read_rate(value: Any) -> Decimal:
    """Reads a tax rate: a fraction."""
    rate = read_number(value, "a fraction such as 0.08025")
    if not 0 <= rate <= 1:
        raise wrong(shown(value), "a fraction from 0 to 1, such as 0.08025 for 8.025 %")
    if decimals(rate) > 8:
        raise wrong(shown(value), "at most 8 decimals")
    return rate


def read_percent(value: Any) -> Decimal:
    """Reads a percentage above 0."""
    percent = read_number(value, "a percentage such as 20")
    if not 0 < percent <= 100 or decimals(percent) > 4:
        raise wrong(shown(value), "a percentage above 0 and up to 100, of at most 4 decimals")
    return percent


def whole_number(least: int, most: int) -> BeforeValidator:
    """Reads a whole number within bounds."""

    def read(value: Any) -> int:
        if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise wrong(shown(value), f"a whole number from {least} to {most}")
        return value

    return BeforeValidator(read)


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


def is_carried(value: Any) -> bool:
    """Whether JSON carries this number (or truth value) without loss or trouble."""
    return isinstance(value, int | float | Decimal) and Decimal(value).is_finite() and abs(value) < 10**15


def plain(value: Any) -> Any:
    """The same value as JSON can hold it: decimals become numbers that are shown the same."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and "." not in str(value) else float(value)
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def nothing_as(empty: Callable[[], Any]) -> BeforeValidator:
    """A section that is left empty holds nothing."""
    return BeforeValidator(lambda value: empty() if value is None else value)


_LEAST_WHOLE, _MOST_WHOLE = 0, 2**63 - 1

Text = Annotated[str, BeforeValidator(read_text)]
Prose = Annotated[str, BeforeValidator(read_prose)]
Flag = Annotated[bool, BeforeValidator(read_flag)]
Amount = Annotated[Decimal, BeforeValidator(read_amount)]
Rate = Annotated[Decimal, BeforeValidator(read_rate)]
Percent = Annotated[Decimal, BeforeValidator(read_percent)]
Quantity = Annotated[int, whole_number(1, 1_000_000)]
Seed = Annotated[int, whole_number(_LEAST_WHOLE, _MOST_WHOLE)]
Duration = Annotated[int, BeforeValidator(read_span)]
Instant = Annotated[int, BeforeValidator(read_time)]
Metadata = Annotated[dict[str, Any], BeforeValidator(read_metadata)]
Alias = Annotated[str, fitting(r"[A-Za-z_][A-Za-z0-9_-]{0,59}", "a name of letters, digits, _ and -")]
Country = Annotated[str, fitting(r"[A-Z]{2}", "a country code such as US")]
Locale = Annotated[str, fitting(r"[a-z]{2}_[A-Z]{2}", "a locale such as en_US")]
Email = Annotated[str, fitting(r"[^\s@]{1,64}@[^\s@]{1,190}", "an email address")]
