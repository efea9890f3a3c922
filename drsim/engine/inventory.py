"""What happens to inventory items: making and changing them, and counting what is held of them and what has left."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from drsim.domain.clock import Time
from drsim.domain.inventory import InventoryItem, Reservation, ReservedItem, claimed, reserve, taken
from drsim.domain.refusal import Refused, missing, not_found
from drsim.domain.skus import Sku
from drsim.domain.values import replace
from drsim.engine import records

if TYPE_CHECKING:
    from drsim.engine.work import Work

KIND = "inventory_item"


def create(work: "Work", id: str | None, sent: Mapping[str, Any]) -> bytes:
    """A new inventory item; returns its public form. Raises `Refused`, also for an id that is taken."""
    if sent.get("part_number") is None:
        raise missing("partNumber")
    if id is not None and work.get(KIND, id) is not None:
        raise Refused("conflict", "already_exists", f"InventoryItem '{id}' already exists.", "id")
    return _save(work, InventoryItem(id or work.sandbox.new_id("inventory item"), work.now, work.now, **sent))


def amend(work: "Work", id: str, sent: Mapping[str, Any]) -> bytes:
    """Changes an inventory item; returns its public form. Raises `Refused`."""
    return _save(work, replace(find(work, id), **sent, updated=work.now))


def delete(work: "Work", id: str) -> None:
    """Removes an inventory item. Raises `Refused`."""
    find(work, id)
    work.delete(KIND, id)


def find(work: "Work", id: str, parameter: str = "id") -> InventoryItem:
    """An inventory item. Raises `Refused` when there is none, naming `parameter`."""
    item: InventoryItem | None = work.get(KIND, id)
    if item is None:
        raise not_found("InventoryItem", id, parameter)
    return item


def pair(work: "Work", sku_id: str, at: Time) -> None:
    """Makes the inventory item of a SKU, if there is none."""
    if work.get(KIND, sku_id) is None:
        _save(work, InventoryItem(sku_id, at, at, sku_id))


def pair_managed(work: "Work", sku: Sku) -> None:
    """Keeps the inventory item of a SKU that the vendor manages like the SKU."""
    shared = {
        "part_number": sku.part_number or sku.id,
        "manufacturer_id": sku.manufacturer_id,
        "eccn": sku.eccn,
        "hs_code": sku.hs_code,
        "country_of_origin": sku.country_of_origin,
        "updated": work.now,
    }
    present: InventoryItem | None = work.get(KIND, sku.id)
    _save(work, replace(present or InventoryItem(sku.id, work.now, work.now, sku.id), **shared))


def claim(work: "Work", id: str, units: int) -> None:
    """So many more units of an inventory item are held (fewer below 0); one that was deleted is let be."""
    _count(work, id, units, claimed)


def take(work: "Work", id: str, units: int) -> None:
    """So many units that were held have left; an inventory item that was deleted is let be."""
    _count(work, id, units, taken)


def hold(
    work: "Work",
    id: str | None,
    asked: Sequence[ReservedItem],
    ship_to: Mapping[str, Any],
    shipping_choice: Mapping[str, Any],
    seconds: int,
) -> bytes:
    """A new reservation; returns its public form. Raises `Refused`."""
    if id is not None and work.get("reservation", id) is not None:
        raise Refused("conflict", "already_exists", f"Reservation '{id}' already exists.", "id")
    known = {
        each.inventory_item_id: find(work, each.inventory_item_id, f"items[{index}].inventoryItemId")
        for index, each in enumerate(asked)
    }
    reservation, held = reserve(id, asked, known, ship_to, shipping_choice, seconds, work.context())
    for item in held.values():
        _save(work, item)
    record = records.reservation_record(reservation)
    work.put(record)
    return record.public or b"{}"


def release(work: "Work", reservation_id: str) -> bool:
    """Ends a reservation; whether there was one."""
    reservation: Reservation | None = work.get("reservation", reservation_id)
    if reservation is None:
        return False
    for item in reservation.items:
        claim(work, item.inventory_item_id, -item.quantity)
    work.delete("reservation", reservation_id)
    return True


def wake(work: "Work", id: str, due: Time) -> None:
    """A reservation expires."""
    release(work, id)


def _count(work: "Work", id: str, units: int, change: Callable[[InventoryItem, int], InventoryItem]) -> None:
    item: InventoryItem | None = work.get(KIND, id)
    if item is not None and units:
        _save(work, change(item, units))


def _save(work: "Work", item: InventoryItem) -> bytes:
    record = records.inventory_item_record(item)
    work.put(record)
    return record.public or b"{}"
