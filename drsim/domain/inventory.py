"""Inventory: the goods that the vendor's fulfiller has, what is reserved of them, and what shipping them costs.

An inventory item belongs to the SKU of the same id. Stock is unlimited until it is set. Source: surroundings page, 2.1
and 2.5; the figures are drsim's own.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from drsim.domain.clock import SECOND, Time
from drsim.domain.decision import Context
from drsim.domain.refusal import Refused, missing
from drsim.domain.values import replace, value

PLENTY = 1_000_000
"""What is shown to be there of what is unlimited."""

LONGEST_RESERVATION = 366 * 24 * 60 * 60
"""No reservation lasts more seconds than this."""

DeliveryType = Literal["standard", "access_point", "cash_on_delivery"]


@value
class InventoryItem:
    """Goods. `stock` counts units that are there, `reserved` those of them that reservations and fulfillment orders
    hold."""

    id: str
    created: Time
    updated: Time
    part_number: str
    manufacturer_id: str | None = None
    eccn: str | None = None
    hs_code: str | None = None
    country_of_origin: str | None = None
    allow_oversell: bool = False
    stock: int | None = None
    reserved: int = 0

    @property
    def available(self) -> int:
        """Units that nobody has a claim to."""
        return PLENTY if self.stock is None else max(0, self.stock - self.reserved)


@value
class ReservedItem:
    """Units of one inventory item that are held."""

    inventory_item_id: str
    quantity: int
    allow_oversell: bool = False


@value
class Reservation:
    """Units that are held until `due`."""

    id: str
    created: Time
    items: tuple[ReservedItem, ...]
    ship_to: Mapping[str, Any]
    shipping_choice: Mapping[str, Any]
    due: Time


@value
class ServiceLevel:
    """A way to ship: its id, its name, its price in whole units of any currency, and how many days it takes."""

    id: str
    name: str
    price: int
    days: tuple[int, int]
    delivery: DeliveryType = "standard"
    abroad: bool = False


SERVICE_LEVELS: tuple[ServiceLevel, ...] = (
    ServiceLevel("SG", "standard", 5, (3, 5)),
    ServiceLevel("D2", "expressSecondDay", 12, (2, 2)),
    ServiceLevel("D1", "expressNextDay", 20, (1, 1)),
    ServiceLevel("IS", "internationalStandard", 15, (7, 14), abroad=True),
    ServiceLevel("IC", "internationalExpress", 35, (2, 5), abroad=True),
    ServiceLevel("AG", "accessPointStandard", 4, (3, 5), "access_point"),
    ServiceLevel("A1", "accessPointExpress", 15, (1, 2), "access_point"),
    ServiceLevel("COD", "standardCOD", 8, (3, 5), "cash_on_delivery"),
)
"""The ways to ship that quotes tell of (surroundings page, 2.1), but for delivery into the home."""

HOME = "US"
"""Where the fulfiller is."""


def service_levels(country: str, delivery: DeliveryType) -> tuple[ServiceLevel, ...]:
    """The ways to ship to a country."""
    abroad = country != HOME
    return tuple(
        each
        for each in SERVICE_LEVELS
        if each.delivery == delivery and (delivery != "standard" or each.abroad == abroad)
    )


def reserve(
    id: str | None,
    asked: Sequence[ReservedItem],
    known: Mapping[str, InventoryItem],
    ship_to: Mapping[str, Any],
    shipping_choice: Mapping[str, Any],
    seconds: int,
    context: Context,
) -> tuple[Reservation, dict[str, InventoryItem]]:
    """Holds everything that is asked for, or nothing; returns the inventory items as they are then.

    Raises `Refused` where too little is there and may not be oversold.
    """
    held = dict(known)
    for index, each in enumerate(asked):
        if not each.quantity:
            raise missing(f"items[{index}].quantity")
        item = held[each.inventory_item_id]
        if each.quantity > item.available and not (each.allow_oversell or item.allow_oversell):
            message = f"InventoryItem '{item.id}' has {item.available} units available."
            raise Refused("conflict", "out_of_inventory", message, f"items[{index}].quantity")
        held[item.id] = replace(item, reserved=item.reserved + each.quantity)
    due = context.now + seconds * SECOND
    id = id or context.new_id("reservation")
    return Reservation(id, context.now, tuple(asked), ship_to, shipping_choice, due), held


def claimed(item: InventoryItem, units: int) -> InventoryItem:
    """The goods with so many more units held (fewer below 0)."""
    return replace(item, reserved=max(0, item.reserved + units))


def taken(item: InventoryItem, units: int) -> InventoryItem:
    """The goods after units that were held have left."""
    stock = None if item.stock is None else max(0, item.stock - units)
    return replace(claimed(item, -units), stock=stock)
