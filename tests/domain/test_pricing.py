"""What a purchase costs: the vendor's worked examples to the cent, and what holds for every purchase."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drsim.domain.pricing import Freight, Line, Off, Pricing, price
from drsim.domain.refusal import Refused


def lines(*amounts: int, quantity: int = 1, rate: str = "0.07525", off: Off | None = None) -> list[Line]:
    return [Line(amount, quantity, True, rate, off) for amount in amounts]


def test_the_order_of_the_first_page() -> None:
    found = price(lines(2000, quantity=2, rate="0.08025"), Freight(500, "0.08025"), None)
    assert (found.lines[0].tax, found.shipping_tax) == (161, 40)
    assert (found.totals.tax, found.totals.subtotal, found.totals.total) == (201, 2500, 2701)


def test_a_fifth_off_the_order_lowers_the_tax_but_not_the_lines() -> None:
    found = price(lines(4000, 4000), None, Off(percent="20"))
    assert [(each.amount, each.tax) for each in found.lines] == [(4000, 241), (4000, 241)]
    totals = found.totals
    assert (totals.tax, totals.subtotal, totals.discount, totals.total) == (482, 6400, 1600, 6882)


def test_tax_is_rounded_line_by_line() -> None:
    found = price(lines(4000, 4000), None, Off(amount=1000))
    assert [each.tax for each in found.lines] == [263, 263]
    assert (found.totals.tax, found.totals.subtotal, found.totals.total) == (526, 7000, 7526)


def test_a_tenth_off_one_of_three_units() -> None:
    found = price(lines(3000, quantity=3, off=Off(percent="10", quantity=1)), None, None)
    assert (found.lines[0].amount, found.lines[0].tax) == (2900, 218)
    assert (found.totals.total, found.totals.discount) == (3118, 100)


def test_a_quarter_off_the_shipping() -> None:
    found = price(lines(3000), Freight(800, "0.07525", Off(percent="25")), None)
    assert (found.shipping, found.totals.shipping, found.shipping_tax) == (800, 800, 45)
    totals = found.totals
    assert (totals.subtotal, totals.tax, totals.total, totals.discount) == (3600, 271, 3871, 200)


def test_a_price_with_its_tax_is_shown_without() -> None:
    found = price(lines(2000), Freight(500, "0.07525"), None, inclusive=True)
    assert (found.lines[0].amount, found.lines[0].tax) == (1860, 140)
    assert (found.shipping, found.shipping_tax) == (465, 35)
    assert found.totals.total == 2500


def test_landed_goods_bear_duties_and_importer_tax_in_place_of_tax() -> None:
    found = price([Line(20000, 1, True, "0.19", landed=True)], None, None)
    line = found.lines[0]
    assert (line.tax, line.duties, line.importer_tax) == (0, 1000, 3990)
    assert (found.totals.subtotal, found.totals.tax, found.totals.importer_tax) == (24990, 0, 3990)


def test_shipping_is_spread_over_physical_lines_only() -> None:
    bought = [*lines(1000, 1000), Line(5000, 1, False, "0.07525")]
    found = price(bought, Freight(500, "0.07525"), None)
    assert [each.shipping for each in found.lines] == [250, 250, 0]


def test_more_off_than_there_is_is_refused() -> None:
    with pytest.raises(Refused, match="larger than the items"):
        price(lines(1000), None, Off(amount=1001))
    with pytest.raises(Refused, match="larger than the line"):
        price(lines(1000, quantity=2, off=Off(amount=501)), None, None)


RATES = st.sampled_from(["0", "0.08025", "0.07525", "0.19", "0.21", "0.0001"])
PERCENTS = st.decimals("0.01", "100", places=2).map(str)


@st.composite
def offs(draw: st.DrawFn, most: int, quantity: int | None = None) -> Off | None:
    units = None if quantity is None else draw(st.none() | st.integers(1, quantity))
    amounts = st.integers(0, most).map(lambda amount: Off(amount=amount, quantity=units))
    return draw(st.none() | amounts | PERCENTS.map(lambda percent: Off(percent=percent, quantity=units)))


@st.composite
def some_lines(draw: st.DrawFn) -> Line:
    amount, quantity = draw(st.integers(0, 500_000)), draw(st.integers(1, 9))
    off = draw(offs(amount // quantity, quantity))
    landed = draw(st.booleans())
    return Line(amount, quantity, draw(st.booleans()), draw(RATES), off, landed)


@st.composite
def purchases(draw: st.DrawFn) -> tuple[list[Line], Pricing, bool]:
    bought = draw(st.lists(some_lines(), min_size=1, max_size=5))
    inclusive = draw(st.booleans())
    freight = draw(st.none() | st.builds(Freight, st.integers(0, 90_000), RATES, offs(90_000)))
    return bought, price(bought, freight, draw(offs(0)), inclusive=inclusive), inclusive


@given(purchases())
def test_the_lines_add_up_to_the_total_and_nothing_is_negative(purchase: tuple[list[Line], Pricing, bool]) -> None:
    bought, found, _ = purchase
    totals = found.totals
    of_lines = sum(
        each.amount + each.tax + each.duties + each.importer_tax - each.discount + each.shipping + each.shipping_tax
        for each in found.lines
    ) - sum(each.shipping_off for each in found.lines)
    assert of_lines == totals.total == totals.subtotal + totals.tax
    assert sum(each.shipping for each in found.lines) == found.shipping == totals.shipping
    assert all(amount >= 0 for each in found.lines for amount in vars(each).values())
    assert totals.discount == sum(each.off + each.discount + each.shipping_off for each in found.lines)
    assert len(found.lines) == len(bought)


@given(st.integers(0, 10**8), RATES, st.integers(0, 10**6), RATES)
def test_prices_with_tax_come_to_what_was_asked(amount: int, rate: str, shipping: int, other: str) -> None:
    found = price([Line(amount, 1, True, rate)], Freight(shipping, other), None, inclusive=True)
    assert found.totals.total == amount + shipping
    assert abs(found.lines[0].tax - Decimal(found.lines[0].amount) * Decimal(rate)) <= 1
