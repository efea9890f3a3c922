"""What stands on an invoice or a credit memo, in words and figures.

An invoice lists everything that was ordered and adds up to the order's total, a credit memo what its refund gave back.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from drsim.domain.clock import SECOND, format_time
from drsim.domain.documents import INVOICE, Document
from drsim.domain.money import decimal, exponent
from drsim.domain.orders import Item, Order, Sale
from drsim.domain.refunds import Part, Refund
from drsim.domain.values import value

Row = tuple[str, ...]


@value
class Statement:
    """The content of a document, top to bottom; `totals` end with what it comes down to."""

    title: str
    made: datetime
    language: str
    facts: tuple[Row, ...]
    """Names and values."""
    parties: tuple[tuple[str, tuple[str, ...]], ...]
    """Who takes part, and the lines of their address."""
    heads: Row
    lines: tuple[Row, ...]
    totals: tuple[Row, ...]


def statement(sale: Sale, it: Document) -> Statement:
    """What stands on a document of this sale."""
    order = sale.order
    refund = next((each for each in sale.refunds if each.id == it.refund_id), None)
    body = _invoice(order, it) if it.purpose == INVOICE else _credit_memo(order, it, refund)
    return Statement(
        "Invoice" if it.purpose == INVOICE else "Credit memo",
        datetime.fromtimestamp(it.at // SECOND, UTC),
        order.locale.replace("_", "-"),
        tuple(_facts(order, it, refund)),
        tuple(_parties(order)),
        *body,
    )


def _facts(order: Order, it: Document, refund: Refund | None) -> Iterator[Row]:
    yield "Document", it.id
    yield "Date", format_time(it.at)
    yield "Order", order.id
    yield "Ordered", format_time(order.created)
    if order.customer_id:
        yield "Customer", order.customer_id
    if refund:
        yield "Refund", refund.id
        if refund.reason:
            yield "Reason", refund.reason


def _parties(order: Order) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "Sold by", (str(order.selling_entity.get("name", "")),)
    yield "Billed to", (*_address(order.bill_to or order.ship_to), order.email)
    if order.ship_to:
        yield "Shipped to", _address(order.ship_to)


def _address(party: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The lines of an address; what is no text is left out."""
    party = party or {}
    given = party.get("address")
    place: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    city = _joined(place, "postalCode", "city", "state")
    lines = (_joined(party, "name"), _joined(party, "organization"), _joined(place, "line1"), _joined(place, "line2"))
    return tuple(line for line in (*lines, city, _joined(place, "country")) if line)


def _joined(part: Mapping[str, Any], *names: str) -> str:
    return " ".join(text for name in names if isinstance(text := part.get(name), str) and text)


def _invoice(order: Order, it: Document) -> tuple[Row, tuple[Row, ...], tuple[Row, ...]]:
    heads = ("Item", "Quantity", "Amount", "Tax rate", "Tax")
    lines = tuple(
        (_name(item), str(item.quantity), _money(item.amount, order), _rate(item), _money(item.tax, order))
        for item in order.items
    )
    return heads, lines, (*_shown(order_parts(order), order), ("Captured", _priced(it.amount, order)))


def order_parts(order: Order) -> tuple[tuple[str, int], ...]:
    """What an order costs, part by part in minor units, and the total that the parts add up to."""
    items = order.items
    return (
        ("Items", sum(item.amount for item in items)),
        ("Discount", -sum(item.discount for item in items)),
        ("Shipping", sum(item.shipping for item in items)),
        ("Fees", sum(item.fees for item in items)),
        ("Duties", sum(item.duties for item in items)),
        ("Importer tax", sum(item.importer_tax for item in items)),
        ("Tax", sum(item.tax + item.shipping_tax + item.fees_tax for item in items)),
        ("Total", order.totals.total),
    )


def _credit_memo(order: Order, it: Document, refund: Refund | None) -> tuple[Row, tuple[Row, ...], tuple[Row, ...]]:
    heads = ("Item", "Product", "Tax", "Other", "Refunded")
    lines = tuple(_given_back(order, refund)) if refund else ()
    # How much it was is not known of one that was copied with its order.
    refunded = (("Refunded", _priced(it.amount, order)),) if it.amount else ()
    return heads, lines, (("Total of the order", _priced(order.totals.total, order)), *refunded)


def _given_back(order: Order, refund: Refund) -> Iterator[Row]:
    """What a refund gave back of each line it took something from."""
    for item in order.items:
        shares = [share for share in refund.shares if share.item_id == item.id]
        if shares:
            parts: Mapping[Part, int] = {share.part: share.amount for share in shares}
            product, tax = parts.get("product", 0), _sum(parts, ("tax", "shipping_tax", "fees_tax"))
            whole = sum(parts.values())
            yield _name(item), *(_money(each, order) for each in (product, tax, whole - product - tax, whole))


def _sum(parts: Mapping[Part, int], names: Iterable[Part]) -> int:
    return sum(parts.get(name, 0) for name in names)


def _shown(parts: Iterable[tuple[str, int]], order: Order) -> Iterator[Row]:
    return ((name, _priced(units, order)) for name, units in parts if units or name in ("Items", "Tax", "Total"))


def _name(item: Item) -> str:
    name = item.product.get("name")
    return name if isinstance(name, str) and name else item.sku_id or item.id


def _rate(item: Item) -> str:
    return f"{(Decimal(item.tax_rate) * 100).normalize():f} %"


def _money(units: int, order: Order) -> str:
    return f"{decimal(units, order.currency):,.{exponent(order.currency)}f}"


def _priced(units: int, order: Order) -> str:
    return f"{_money(units, order)} {order.currency}"
