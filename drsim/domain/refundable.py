"""What is left to refund of every part of every line.

Each line is made of parts (`Part`). A part is worth the share of its captured units, halves up, and less by what
refunds gave back of it; a refund that is not over counts as given back. Source: resources page, sections 5.6 and 9.
"""

from collections.abc import Iterable, Mapping

from drsim.domain.charges import completed
from drsim.domain.money import half_up_share, spread
from drsim.domain.orders import Item, Sale, captured_units
from drsim.domain.refunds import Part, Share

Cell = tuple[str, Part]
"""One part of the line with this id."""

PRODUCT: tuple[Part, ...] = ("product", "tax")
FEES: tuple[Part, ...] = ("fees", "fees_tax")
_SHIPPING: tuple[Part, ...] = ("shipping", "shipping_tax")

OF_ITEMS: Mapping[str | None, tuple[Part, ...]] = {
    None: PRODUCT,
    "shipping": _SHIPPING,
    "fees": FEES,
    "duty": ("duty",),
}
"""What an item-level refund of each type gives back."""

OF_ORDERS: Mapping[str, tuple[Part, ...]] = {
    "shipping": _SHIPPING,
    "tax": ("tax", "shipping_tax", "fees_tax"),
    "duty": ("duty",),
    "importer_tax": ("importer_tax",),
}
"""What an order-level refund of each type gives back."""


def price(item: Item, parts: Iterable[Part]) -> int:
    """What these parts of a whole line cost."""
    of_line: Mapping[Part, int] = {
        "product": item.amount - item.discount,
        "tax": item.tax,
        "shipping": item.shipping - item.shipping_discount,
        "shipping_tax": item.shipping_tax,
        "fees": item.fees,
        "fees_tax": item.fees_tax,
        "duty": item.duties,
        "importer_tax": item.importer_tax,
    }
    return sum(of_line[part] for part in parts)


def left_to_refund(sale: Sale) -> dict[Cell, int]:
    """What is left to refund, cell by cell; together it may be a few minor units off what the order has left."""
    units = refundable_units(sale)
    cells = {
        (item.id, part): worth
        for item in sale.order.items
        for part, worth in _worth(item, units.get(item.id, 0)).items()
    }
    for refund in sale.refunds:
        for share in refund.shares:
            cells[share.item_id, share.part] = max(0, cells[share.item_id, share.part] - share.amount)
    return cells


def refundable_items(sale: Sale, most: int) -> dict[str, int]:
    """What could be refunded now of each line, by its id: product and its tax only (since 2022-08-08), less its share
    of an order's discount, and never more than the `most` that can be of the order as a whole.
    """
    if not sale.refunds:
        units = refundable_units(sale) if most else {}
        return {
            item.id: min(most, half_up_share(item.product_price, units.get(item.id, 0), item.quantity))
            for item in sale.order.items
        }
    left = left_to_refund(sale)
    return {item.id: min(most, sum(left[item.id, part] for part in PRODUCT)) for item in sale.order.items}


def refundable_units(sale: Sale) -> dict[str, int]:
    """Per item id, the units whose money was captured; all of them once the whole order's was."""
    if sum(completed(charge.captures) for charge in sale.charges) == sale.order.totals.total:
        return {item.id: item.quantity for item in sale.order.items}
    return captured_units(sale)


def shares_of(amount: int, cells: Mapping[Cell, int]) -> tuple[Share, ...]:
    """An amount spread over cells in proportion to what is left of each, of none more than that."""
    parts = spread(min(amount, sum(cells.values())), list(cells.values()))
    return tuple(Share(*cell, part) for cell, part in zip(cells, parts, strict=True) if part)


def _worth(item: Item, units: int) -> dict[Part, int]:
    """What the parts of so many units of a line are worth, together no more than the units as a whole.

    Each part and its tax are rounded as one, the product first.
    """
    cells: dict[Part, int] = {}
    left = half_up_share(item.total, units, item.quantity)
    for parts in (PRODUCT, _SHIPPING, FEES, ("duty",), ("importer_tax",)):
        worth = min(left, half_up_share(price(item, parts), units, item.quantity))
        left -= worth
        *first, last = parts
        cells[last] = min(worth, half_up_share(price(item, (last,)), units, item.quantity))
        for part in first:
            cells[part] = worth - cells[last]
    return cells
