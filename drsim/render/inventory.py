"""Inventory items, their levels, reservations, and quotes for shipping."""

from drsim.domain.clock import DAY, Time, format_time
from drsim.domain.inventory import InventoryItem, Reservation, ServiceLevel
from drsim.render.parts import Json, put

LOCATION = "warehouse"
"""The one place from which everything is shipped."""


def inventory_item(it: InventoryItem) -> Json:
    """An inventory item; how much of it there is, its level tells."""
    shown: Json = {"id": it.id, "createdTime": format_time(it.created)}
    put(shown, manufacturerId=it.manufacturer_id, eccn=it.eccn, hsCode=it.hs_code)
    shown["partNumber"] = it.part_number
    put(shown, countryOfOrigin=it.country_of_origin)
    return shown | {"allowOversell": it.allow_oversell, "liveMode": False, "updatedTime": format_time(it.updated)}


def inventory_level(it: InventoryItem) -> Json:
    """How much of an inventory item is there that nobody has a claim to."""
    return {
        "locationId": LOCATION,
        "inventoryItemId": it.id,
        "available": it.available > 0,
        "availableQuantity": it.available,
        "liveMode": False,
        "updatedTime": format_time(it.updated),
    }


def reservation(it: Reservation) -> Json:
    """A reservation."""
    return {
        "id": it.id,
        "createdTime": format_time(it.created),
        "shipTo": it.ship_to,
        "shippingChoice": it.shipping_choice,
        "items": [
            {"inventoryItemId": item.inventory_item_id, "quantity": item.quantity, "allowOversell": item.allow_oversell}
            for item in it.items
        ],
        "expiresTime": format_time(it.due),
        "liveMode": False,
    }


def shipping_quote(it: ServiceLevel, currency: str, now: Time) -> Json:
    """What shipping costs at one service level, and when it would arrive."""
    earliest, latest = it.days
    return {
        "id": it.id,
        "serviceLevel": it.name,
        "deliveryType": it.delivery,
        "shipping": {"amount": float(it.price), "currency": currency},
        "minDeliveryTime": format_time(now + earliest * DAY),
        "maxDeliveryTime": format_time(now + latest * DAY),
    }
