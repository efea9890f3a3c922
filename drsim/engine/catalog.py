"""The catalog: ready-made orders for whoever starts drsim without a scenario, one for each way a payment can go wrong.

Each is accepted and ready to fulfil; its `upstreamId` says what will happen. Written as domain values, so that making
them costs a newcomer's first start nothing.
"""

from decimal import Decimal

from drsim.domain.methods import read_card
from drsim.domain.place import LineSpec, OrderSpec, ShippingSpec, SourceSpec, place
from drsim.engine.work import Work

_GOOD = "4444222233331111"

_CARDS = (
    ("all-goes-well", _GOOD),
    ("all-goes-well-mastercard", "5466160000000008"),
    ("capture-fails", "4000000000004103"),
    ("capture-fails-later", "4485951788521565"),
    ("capture-stays-pending", "4024007120579635"),
    ("capture-stays-pending-too", "4000000000000028"),
    ("cancel-fails", "4000000000004442"),
    ("refund-fails", "4000000000004111"),
    ("refund-fails-later", "4556602564240839"),
)
"""Names of orders and the cards that pay them. Cards that fail before there is an order have none here."""

_TAX = Decimal("0.08025")
_ADDRESS = {"line1": "10380 Bren Road W", "city": "Minnetonka", "postalCode": "55343", "state": "MN", "country": "US"}
_BUYER = {"address": _ADDRESS, "name": "Robin Sandbox"}


def stock(work: Work) -> int:
    """Places every order of the catalog; returns how many there are."""
    specs = [_order(name, number) for name, number in _CARDS]
    specs.append(_order("store-credit-and-card", _GOOD, store_credit=1100))
    specs.append(_order("several-lines", _GOOD, lines=(_line("Widget", 1000, 2), _line("Gadget", 2550, 1))))
    specs.append(_order("yen", _GOOD, currency="JPY", lines=(_line("Widget", 1000, 3),), shipping=500))
    for spec in reversed(specs):  # lists are newest first: the plain case leads
        work.save(place(spec, work.context()))
    return len(specs)


def _order(
    name: str,
    number: str,
    *,
    currency: str = "USD",
    lines: tuple[LineSpec, ...] = (),
    shipping: int = 500,
    store_credit: int = 0,
) -> OrderSpec:
    card = read_card(number)
    details = {
        "brand": card.brand,
        "expirationMonth": 3,
        "expirationYear": 2039,
        "lastFourDigits": card.last_four,
    }
    owner = {"firstName": "Robin", "lastName": "Sandbox", "email": "robin@example.com", "address": _ADDRESS}
    return OrderSpec(
        currency=currency,
        locale="en_US",
        email="robin@example.com",
        source=SourceSpec("creditCard", owner, details, (card.trouble,) if card.trouble else ()),
        lines=lines or (_line("Widget", 1000, 3),),
        ship_to=_BUYER,
        ship_from={"address": {"country": "US"}},
        bill_to={**_BUYER, "email": "robin@example.com"},
        store_credit=store_credit,
        shipping=ShippingSpec(shipping, _TAX, {"description": "standard", "serviceLevel": "SG"}),
        upstream_id=name,
    )


def _line(name: str, price: int, quantity: int) -> LineSpec:
    sku = f"sku_{name.lower()}"
    product = {"id": sku, "name": name, "description": f"A {name.lower()} of the catalog", "countryOfOrigin": "US"}
    return LineSpec(sku, product, {"physical": True}, True, price, quantity, _TAX)
