from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drsim.domain.money import (
    CURRENCIES,
    LIMIT,
    ceiling_share,
    decimal,
    exponent,
    half_up,
    half_up_share,
    minor,
    number,
    spread,
)

ANY_CURRENCY = st.sampled_from(sorted(CURRENCIES))
UNITS = st.integers(-LIMIT + 1, LIMIT - 1)


@pytest.mark.parametrize(("currency", "places"), [("JPY", 0), ("KRW", 0), ("USD", 2), ("EUR", 2), ("KWD", 3)])
def test_a_currency_has_as_many_decimals_as_iso_4217_says(currency: str, places: int) -> None:
    assert exponent(currency) == places


@pytest.mark.parametrize("code", ["CUR", "REN", "CIE", "YEM", "usd", "", "XXX"])
def test_what_only_looks_like_a_currency_is_none(code: str) -> None:
    assert code not in CURRENCIES


@pytest.mark.parametrize("code", ["USD", "EUR", "GBP", "JPY", "KRW", "KWD", "BRL", "TWD", "PAB", "CHF"])
def test_the_currencies_of_the_published_pages_are_known(code: str) -> None:
    assert code in CURRENCIES


@pytest.mark.parametrize(
    ("units", "currency", "written"),
    [
        (2701, "USD", "27.01"),
        (2500, "USD", "25.0"),
        (540, "USD", "5.4"),
        (0, "USD", "0.0"),
        (1, "USD", "0.01"),
        (-105, "USD", "-1.05"),
        (139000, "KRW", "139000.0"),
        (33, "JPY", "33.0"),
        (0, "JPY", "0.0"),
        (1, "KWD", "0.001"),
        (12345, "KWD", "12.345"),
        (LIMIT - 1, "USD", "999999999999.99"),
        (LIMIT - 1, "KWD", "99999999999.999"),
        (LIMIT - 1, "JPY", "99999999999999.0"),
    ],
)
def test_an_amount_is_shown_in_major_units_with_at_least_one_decimal(units: int, currency: str, written: str) -> None:
    assert repr(number(units, currency)) == written


@given(UNITS, ANY_CURRENCY)
def test_what_is_shown_reads_back_as_the_same_minor_units(units: int, currency: str) -> None:
    assert minor(Decimal(repr(number(units, currency))), currency) == units


@given(UNITS, ANY_CURRENCY)
def test_the_exact_decimal_reads_back_as_the_same_minor_units(units: int, currency: str) -> None:
    assert minor(decimal(units, currency), currency) == units


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [("27.01", "USD", 2701), ("5", "USD", 500), ("5.000", "USD", 500), ("33.0", "JPY", 33), ("0.001", "KWD", 1)],
)
def test_a_decimal_amount_is_read_as_minor_units(amount: str, currency: str, units: int) -> None:
    assert minor(Decimal(amount), currency) == units


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0.001", "USD"),
        ("0.5", "JPY"),
        ("0.0001", "KWD"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
        ("1e12", "USD"),
        ("1e14", "JPY"),
        ("-1e14", "JPY"),
        ("1e-400", "USD"),
        ("1e-999999999", "USD"),
        ("0.1000000000000000000000000000001", "USD"),
    ],
)
def test_what_is_no_whole_number_of_minor_units_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError):
        minor(Decimal(amount), currency)


@pytest.mark.parametrize(
    ("value", "rounded"),
    [("0.5", 1), ("1.5", 2), ("2.5", 3), ("2.4999", 2), ("-0.5", -1), ("-1.4", -1), ("160.5", 161)],
)
def test_halves_are_rounded_away_from_zero(value: str, rounded: int) -> None:
    assert half_up(Decimal(value)) == rounded


@pytest.mark.parametrize(
    ("total", "part", "whole", "amount"),
    [(2689, 1, 2, 1345), (3781, 2, 3, 2521), (5410, 1, 5, 1082), (2000, 1, 2, 1000), (2701, 2, 2, 2701), (1, 1, 3, 1)],
)
def test_a_capture_takes_its_share_of_the_line_rounded_up(total: int, part: int, whole: int, amount: int) -> None:
    assert ceiling_share(total, part, whole) == amount


@given(st.integers(0, LIMIT), st.integers(1, 1000), st.integers(0, 1000))
def test_shares_lie_within_one_unit_of_the_exact_value(total: int, whole: int, part: int) -> None:
    part = min(part, whole)
    up, near = ceiling_share(total, part, whole), half_up_share(total, part, whole)
    assert 0 <= up * whole - total * part < whole
    assert -whole <= 2 * (near * whole - total * part) <= whole
    assert ceiling_share(total, whole, whole) == half_up_share(total, whole, whole) == total


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (500, [1000, 1000], [250, 250]),
        (40, [1000, 1000], [20, 20]),
        (500, [2000, 1000], [333, 167]),
        (40, [2000, 1000], [27, 13]),
        (500, [0, 1000, 0], [0, 500, 0]),
        (500, [0, 0], [0, 500]),
        (0, [1, 2], [0, 0]),
        (500, [], []),
        (5, [1, 1], [3, 2]),
    ],
)
def test_shipping_is_spread_in_proportion_and_the_last_takes_the_rest(
    total: int, weights: list[int], parts: list[int]
) -> None:
    assert spread(total, weights) == parts


@given(st.integers(0, LIMIT), st.lists(st.integers(0, 10**9), min_size=1, max_size=8))
def test_a_spread_adds_up_and_no_part_is_negative(total: int, weights: list[int]) -> None:
    parts = spread(total, weights)
    assert sum(parts) == total
    assert min(parts) >= 0
    assert all(part == 0 for part, weight in zip(parts, weights, strict=True) if weight == 0 and any(weights))
