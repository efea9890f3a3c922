"""What a purchase costs: its lines, discounts, shipping and taxes as amounts per line and as totals.

All amounts are minor units. Every tax is rounded per line, halves up. Source: surroundings page, 3.4 (the rules and the
worked examples), U16 (prices that include tax) and U17 (a discount of the whole order).
"""

from collections.abc import Sequence
from decimal import Decimal

from drsim.domain.money import LIMIT, half_up, spread
from drsim.domain.refusal import Refused
from drsim.domain.taxes import DUTY_RATE
from drsim.domain.values import replace, value


@value
class Off:
    """A discount: an amount, or a percentage as text. On a line an amount is per unit, for `quantity` units of it."""

    amount: int | None = None
    percent: str | None = None
    quantity: int | None = None


@value
class Line:
    """One line to be priced: `amount` for all its units, before discounts, with its tax where prices include that.

    `tax_rate` is a decimal fraction as text (`"0.08025"`). Of a `landed` line duties and importer tax are worked out
    and no other tax is; of all others they are as given.
    """

    amount: int
    quantity: int
    physical: bool
    tax_rate: str = "0"
    off: Off | None = None
    landed: bool = False
    duties: int = 0
    importer_tax: int = 0
    fees: int = 0
    fees_tax: int = 0


@value
class Freight:
    """The shipping to be priced: `amount` before its discount."""

    amount: int
    tax_rate: str = "0"
    off: Off | None = None


@value
class PricedLine:
    """What a line costs: `amount` without tax and after its own discount `off`; `discount` is its share of the whole
    order's, `shipping_off` that of the shipping's.
    """

    amount: int
    tax: int
    off: int
    discount: int
    duties: int
    importer_tax: int
    shipping: int = 0
    shipping_tax: int = 0
    shipping_off: int = 0


@value
class Totals:
    """What an order costs, in the parts that the API shows. `total` is `subtotal` plus `tax`, without exception."""

    total: int
    subtotal: int
    fees: int
    tax: int
    importer_tax: int
    duty: int
    discount: int
    shipping: int


@value
class Pricing:
    """A whole purchase, priced; `shipping` without its tax and before its discount."""

    lines: tuple[PricedLine, ...]
    shipping: int
    shipping_tax: int
    totals: Totals


def price(lines: Sequence[Line], freight: Freight | None, off: Off | None, *, inclusive: bool = False) -> Pricing:
    """Prices a purchase; `off` is its discount as a whole, `inclusive` says that prices include tax.

    Raises `Refused` for more off than there is and for more than drsim can hold.
    """
    offs = [_line_off(line) for line in lines]
    left = [line.amount - off for line, off in zip(lines, offs, strict=True)]
    shares = spread(_order_off(off, sum(left)), left)
    priced = [
        _priced(line, off, share, inclusive=inclusive) for line, off, share in zip(lines, offs, shares, strict=True)
    ]
    shipping, shipping_tax, shipping_off = _shipping(freight, inclusive=inclusive)
    weights = _weights(lines, [each.amount for each in priced])
    shipped = spread(shipping, weights)
    parts = zip(priced, shipped, spread(shipping_tax, weights), spread(shipping_off, shipped), strict=True)
    with_shipping = tuple(
        replace(each, shipping=carried, shipping_tax=tax, shipping_off=less) for each, carried, tax, less in parts
    )
    return Pricing(with_shipping, shipping, shipping_tax, _totals(lines, with_shipping, shipping, shipping_tax))


def _line_off(line: Line) -> int:
    off = line.off
    if off is None:
        return 0
    units = min(line.quantity, line.quantity if off.quantity is None else off.quantity)
    if off.percent is not None:
        return half_up(Decimal(line.amount * units) / line.quantity * Decimal(off.percent) / 100)
    amount = (off.amount or 0) * units
    if amount > line.amount:
        raise Refused("bad_request", "invalid_discount_amount", "The discount is larger than the line.", "discount")
    return amount


def _order_off(off: Off | None, total: int) -> int:
    if off is None:
        return 0
    amount = half_up(Decimal(total) * Decimal(off.percent) / 100) if off.percent is not None else off.amount or 0
    if amount > total:
        raise Refused("bad_request", "invalid_parameter", "The discount is larger than the items.", "discount")
    return amount


def _priced(line: Line, off: int, share: int, *, inclusive: bool) -> PricedLine:
    amount = line.amount - off
    taxed, rate = amount - share, Decimal(line.tax_rate)
    if line.landed:
        duties = half_up(taxed * DUTY_RATE)
        return PricedLine(amount, 0, off, share, duties, half_up((taxed + duties) * rate))
    if not inclusive:
        return PricedLine(amount, half_up(taxed * rate), off, share, line.duties, line.importer_tax)
    net, net_taxed = _net(amount, rate), _net(taxed, rate)
    net_off = _net(line.amount, rate) - net
    return PricedLine(net, taxed - net_taxed, net_off, net - net_taxed, line.duties, line.importer_tax)


def _net(gross: int, rate: Decimal) -> int:
    """The price without its tax, which is what is left of the gross one (U16)."""
    return half_up(gross / (1 + rate))


def _shipping(freight: Freight | None, *, inclusive: bool) -> tuple[int, int, int]:
    """Shipping without tax, its tax, and what is off it."""
    if freight is None:
        return 0, 0, 0
    off, rate = _shipping_off(freight), Decimal(freight.tax_rate)
    taxed = freight.amount - off
    if not inclusive:
        return freight.amount, half_up(taxed * rate), off
    net, net_taxed = _net(freight.amount, rate), _net(taxed, rate)
    return net, taxed - net_taxed, net - net_taxed


def _shipping_off(freight: Freight) -> int:
    if freight.off is None:
        return 0
    if freight.off.percent is not None:
        return half_up(Decimal(freight.amount) * Decimal(freight.off.percent) / 100)
    return min(freight.amount, freight.off.amount or 0)


def _weights(lines: Sequence[Line], amounts: list[int]) -> list[int]:
    """Shipping falls on physical lines in proportion to their amounts; on all of them if none is physical."""
    carries = [line.physical or not any(each.physical for each in lines) for line in lines]
    weights = [amount if each else 0 for amount, each in zip(amounts, carries, strict=True)]
    return weights if any(weights) else [int(each) for each in carries]


def _totals(lines: Sequence[Line], priced: Sequence[PricedLine], shipping: int, shipping_tax: int) -> Totals:
    fees, duty = sum(line.fees for line in lines), sum(each.duties for each in priced)
    importer_tax = sum(each.importer_tax for each in priced)
    tax = sum(each.tax for each in priced) + sum(line.fees_tax for line in lines) + shipping_tax
    shared = sum(each.discount + each.shipping_off for each in priced)
    subtotal = sum(each.amount for each in priced) + shipping + fees + duty + importer_tax - shared
    if subtotal + tax >= LIMIT:
        raise Refused("bad_request", "amount_too_large", "The order is larger than drsim can hold.", "items")
    off = shared + sum(each.off for each in priced)
    return Totals(subtotal + tax, subtotal, fees, tax, importer_tax, duty, off, shipping)
