"""Numbers as scenario files hold them: read exactly, amounts against their currency.

A number may be written as a text (`"10.00"`), since a value from the environment always is one. Floats, which
JSON bodies bring, count as the decimal number they are shown as.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from drsim.domain.money import CURRENCIES, LIMIT, exponent
from drsim.format.mistakes import wrong
from drsim.format.problems import shown
from drsim.format.written import Schema, Written

_BITS_64 = 2**63

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


def current_currency() -> str:
    """The currency that amounts are in which are being checked."""
    return _currency.get()


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
    currency = current_currency()
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


def read_weight(value: Any) -> float:
    """Reads a weight in whatever unit stands beside it."""
    weight = read_number(value, "a weight such as 8.88")
    if not 0 <= weight <= 10**9:
        raise wrong(shown(value), "a weight from 0 to 1000000000")
    return float(weight)


def whole_number(least: int, most: int) -> Written:
    """Reads a whole number within bounds."""

    def read(value: Any) -> int:
        number = int(value) if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,20}", value) else value
        if isinstance(number, int) and not isinstance(number, bool) and least <= number <= most:
            return number
        raise wrong(shown(value), f"a whole number from {least} to {most}")

    schema = {"type": ["integer", "string"], "minimum": least, "maximum": most, "pattern": "^[0-9]{1,20}$"}
    return Written(read, schema)


def is_carried(value: Any) -> bool:
    """Whether JSON carries this number (or truth value) without loss or trouble."""
    return isinstance(value, int | float | Decimal) and Decimal(value).is_finite() and -(10**15) < value < 10**15


def plain(value: Any) -> Any:
    """The same value as JSON can hold it: decimals become numbers that are shown the same.

    A whole number beyond 64 bits, which only a text may be, becomes one.
    """
    if isinstance(value, Decimal):
        whole = value.is_finite() and abs(value) < _BITS_64 and value == value.to_integral_value()
        return int(value) if whole and "." not in str(value) else float(value)
    if isinstance(value, int) and abs(value) >= _BITS_64:
        return str(value)
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


CARRIED: Schema = {"exclusiveMinimum": -(10**15), "exclusiveMaximum": 10**15}
"""What `is_carried` says, as JSON Schema."""


def number_or_text(description: str, **bounds: Any) -> Schema:
    """A number of 0 or more within bounds, or its digits as a text."""
    pattern = r"^[0-9]{1,28}(\.[0-9]{1,28})?$"
    return {"description": description, "type": ["number", "string"], "minimum": 0, **bounds, "pattern": pattern}


_AMOUNT = number_or_text("An amount in major units, such as 10.00.", exclusiveMaximum=LIMIT)
_RATE = number_or_text("A fraction such as 0.08025.", maximum=1)
_PERCENT = number_or_text("A percentage such as 20.", exclusiveMinimum=0, maximum=100)

Amount = Annotated[Decimal, Written(read_amount, _AMOUNT, "Amount")]
Rate = Annotated[Decimal, Written(read_rate, _RATE, "Rate")]
Percent = Annotated[Decimal, Written(read_percent, _PERCENT)]
Weight = Annotated[float, Written(read_weight, number_or_text("A weight such as 8.88.", maximum=10**9))]
Quantity = Annotated[int, whole_number(1, 1_000_000)]
Seed = Annotated[int, whole_number(0, 2**63 - 1)]
Count = Annotated[int, whole_number(0, 1_000_000)]
