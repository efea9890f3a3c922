"""`/inventory-items`, `/inventory-levels`, `/reservations` and `/shipping-quotes`. Source: surroundings page, 2.5."""

from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from drsim import render
from drsim.domain.inventory import InventoryItem, ReservedItem, service_levels
from drsim.domain.money import CURRENCIES
from drsim.domain.refusal import invalid, missing, not_found
from drsim.engine import inventory
from drsim.engine.work import Work
from drsim.web import desk
from drsim.web.answers import Answer, answer
from drsim.web.lists import Listing, flag_of, page, several

if TYPE_CHECKING:
    from drsim.web.bodies.inventory import InventoryItemChange, ShippingQuoteBody

LISTING = Listing(inventory.KIND, {"partNumber": "text", "manufacturerId": "text"})

_FIELDS = {
    "partNumber": "part_number",
    "manufacturerId": "manufacturer_id",
    "eccn": "eccn",
    "hsCode": "hs_code",
    "countryOfOrigin": "country_of_origin",
    "allowOversell": "allow_oversell",
}


async def create(request: Request) -> Answer:
    """`POST /inventory-items`: with an id of the client's own, which is best that of its SKU, or a generated one."""
    from drsim.web.bodies import read
    from drsim.web.bodies.inventory import InventoryItemBody

    body = await read(request, InventoryItemBody)
    sent = _sent(body)
    return Answer(await desk.perform(request, lambda work: inventory.create(work, body.id, sent)), 201)


async def retrieve(request: Request) -> Answer:
    """`GET /inventory-items/{id}`."""
    return Answer(await desk.public(request, inventory.KIND, "InventoryItem"))


async def listed(request: Request) -> Answer:
    """`GET /inventory-items`."""
    return await page(request, LISTING)


async def update(request: Request) -> Answer:
    """`POST /inventory-items/{id}`."""
    from drsim.web.bodies import read
    from drsim.web.bodies.inventory import InventoryItemChange

    sent = _sent(await read(request, InventoryItemChange))
    return Answer(await desk.perform(request, lambda work: inventory.amend(work, request.path_params["id"], sent)))


async def delete(request: Request) -> Answer:
    """`DELETE /inventory-items/{id}`: 204."""
    await desk.perform(request, lambda work: inventory.delete(work, request.path_params["id"]))
    return Answer(b"", 204)


async def levels(request: Request) -> Answer:
    """`GET /inventory-levels`: how much is there of the inventory items that are asked for; others are left out."""
    ids, available = several(request, "inventoryItemIds"), flag_of(request, "available")
    if not ids:
        raise missing("inventoryItemIds")

    def action(work: Work) -> list[Any]:
        found: list[InventoryItem | None] = [work.get(inventory.KIND, id) for id in ids]
        shown = [render.inventory_level(item) for item in found if item is not None]
        return [level for level in shown if available is not True or level["available"]]

    return answer({"data": await desk.perform(request, action)})


async def stock(request: Request) -> Answer:
    """`PATCH /_sim/inventory-items/{id}`: how many of it there are; answers its level."""
    from drsim.web.bodies import read
    from drsim.web.bodies.inventory import StockBody

    body = await read(request, StockBody)

    def action(work: Work) -> Any:
        id = request.path_params["id"]
        inventory.amend(work, id, {"stock": body.stock})
        return render.inventory_level(inventory.find(work, id))

    return answer(await desk.perform(request, action))


async def reserve(request: Request) -> Answer:
    """`POST /reservations`: holds everything that is asked for, or nothing."""
    from drsim.web.bodies import read
    from drsim.web.bodies.inventory import ReservationBody

    body = await read(request, ReservationBody)
    if not body.items:
        raise missing("items")
    items = [ReservedItem(item.inventoryItemId, item.quantity, item.allowOversell) for item in body.items]
    ship_to = body.shipTo.model_dump(exclude_none=True)
    choice = body.shippingChoice.model_dump(exclude_none=True)

    def action(work: Work) -> bytes:
        return inventory.hold(work, body.id, items, ship_to, choice, body.expiresInSeconds)

    return Answer(await desk.perform(request, action), 201)


async def unreserve(request: Request) -> Answer:
    """`DELETE /reservations/{id}`: 204."""

    def action(work: Work) -> None:
        id = request.path_params["id"]
        if not inventory.release(work, id):
            raise not_found("Reservation", id)

    await desk.perform(request, action)
    return Answer(b"", 204)


async def quote(request: Request) -> Answer:
    """`POST /shipping-quotes`: the ways to ship, and what each costs; 201."""
    from drsim.web.bodies import read
    from drsim.web.bodies.inventory import ShippingQuoteBody

    body = await read(request, ShippingQuoteBody)
    if body.currency not in CURRENCIES:
        raise invalid("currency", body.currency[:100])
    if not body.items:
        raise missing("items")
    country = _country(body)

    def action(work: Work) -> Any:
        for index, item in enumerate(body.items):
            if not item.quantity:
                raise missing(f"items[{index}].quantity")
            inventory.find(work, item.inventoryItemId, f"items[{index}].inventoryItemId")
        levels = service_levels(country, body.deliveryType)
        return {"quotes": [render.shipping_quote(each, body.currency, work.now) for each in levels]}

    return answer(await desk.perform(request, action), 201)


def _country(body: "ShippingQuoteBody") -> str:
    country = body.shipTo.country or (body.shipTo.address.country if body.shipTo.address else None)
    if country is None:
        raise missing("shipTo.country")
    return country


def _sent(body: "InventoryItemChange") -> dict[str, Any]:
    """The fields that were sent, under the names of the domain."""
    return {field: sent for name, field in _FIELDS.items() if (sent := getattr(body, name)) is not None}
