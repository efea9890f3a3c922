"""Money as whole minor units of its currency, and the few ways it is ever rounded.

Inside drsim an amount is an `int` of minor units (cents, yen, fils) beside a currency code. Decimals exist only where
JSON is read (`minor`) and written (`number`).
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

_NO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())

CURRENCIES = (
    frozenset(
        (
            "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN "
            "BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ "
            "GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD "
            "MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD "
            "RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH "
            "USD UYU UZS VES WST XCD YER ZAR ZMW ZWL "
        ).split()
    )
    | _NO_DECIMALS
    | _THREE_DECIMALS
)
"""The ISO 4217 codes that drsim takes."""

LIMIT = 10**14
"""No single amount may reach this many minor units: up to here JSON numbers carry every minor unit exactly."""


def exponent(currency: str) -> int:
    """How many decimals `currency` has: 0, 2 or 3 (ISO 4217)."""
    if currency in _NO_DECIMALS:
        return 0
    return 3 if currency in _THREE_DECIMALS else 2


def minor(amount: Decimal, currency: str) -> int:
    """The minor units of a decimal amount.

    Raises `ValueError` for what is not a number, finer than the currency's minor unit, or beyond `LIMIT`.
    """
    if not amount.is_finite() or amount.adjusted() > len(str(LIMIT)):
        raise ValueError(f"{amount} is not an amount drsim can hold")
    sign, digits, scale = amount.as_tuple()
    assert isinstance(scale, int)
    whole = _shifted("".join(map(str, digits)).lstrip("0") or "0", scale + exponent(currency))
    if whole is None:
        raise ValueError(f"{amount} is finer than the minor unit of {currency}")
    if whole >= LIMIT:
        raise ValueError(f"{amount} is not an amount drsim can hold")
    return -whole if sign else whole


def _shifted(digits: str, places: int) -> int | None:
    """A whole number written as `digits` times ten to the power of `places`; nothing if that is none."""
    if places >= 0 or digits == "0":
        return int(digits) * 10 ** max(0, places) if digits != "0" else 0
    kept, cut = digits[:places], digits[places:]
    return int(kept or "0") if not cut.strip("0") and len(digits) > -places else None


@lru_cache(maxsize=4096)
def number(units: int, currency: str) -> float:
    """Minor units as the JSON number of the API: major units, at least one decimal (`25.0`, `27.01`, yen `33.0`).

    The digits are placed as text and only then read as a number, so no arithmetic is ever done on floats.
    """
    places = exponent(currency)
    sign, digits = ("-" if units < 0 else ""), str(abs(units)).rjust(places + 1, "0")
    return float(f"{sign}{digits[: len(digits) - places]}.{digits[len(digits) - places :] or '0'}")


def decimal(units: int, currency: str) -> Decimal:
    """Minor units as an exact decimal in major units."""
    return Decimal(units).scaleb(-exponent(currency))


def half_up(value: Decimal) -> int:
    """Rounds to a whole unit, halves away from zero: how tax and percentages are rounded."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def half_up_share(total: int, part: int, whole: int) -> int:
    """`total x part / whole`, halves up, without leaving the integers (`total` >= 0)."""
    return (2 * total * part + whole) // (2 * whole)


def ceiling_share(total: int, part: int, whole: int) -> int:
    """`total x part / whole`, rounded up: the amount of a capture or cancel on some units of a line (`total` >= 0)."""
    return -(-total * part // whole)


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """Splits `total` in proportion to `weights`, halves up, the last weight above zero taking the rounding rest.

    With no weight above zero everything goes to the last place. The parts always add up to `total`, none is below
    zero, and none is above its weight unless `total` is above them all. Source: how shipping and an order discount
    are shared among lines (resources page, 5.5).
    """
    whole = sum(weights)
    if not weights:
        return []
    if whole == 0:
        return [0] * (len(weights) - 1) + [total]
    parts, left = [0] * len(weights), total
    last = max(index for index, weight in enumerate(weights) if weight > 0)
    for index, weight in enumerate(weights):
        parts[index] = left if index == last else min(left, half_up_share(total, weight, whole))
        left -= parts[index]
    if total <= whole:
        _level(parts, weights, last)
    return parts


def _level(parts: list[int], weights: Sequence[int], last: int) -> None:
    """Moves what the last part has above its weight to parts that have room for it."""
    for index in range(last):
        moved = min(max(0, parts[last] - weights[last]), max(0, weights[index] - parts[index]))
        parts[index] += moved
        parts[last] -= moved
