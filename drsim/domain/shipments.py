"""Shipments: the parcels that the fulfiller has sent, and the rule that a fulfillment of shipped units names them.

Source: surroundings page, 2.2, U1, U2 and U4; the page "Capturing and cancelling charges" (shipment identifiers).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from drsim.domain.clock import Time
from drsim.domain.fulfill import Line
from drsim.domain.orders import Order
from drsim.domain.refusal import Refused, missing, not_found
from drsim.domain.values import replace, value


@value
class ShipmentItem:
    """One line of a parcel; `fulfilled` is how many of its units fulfillments have named so far."""

    id: str
    fulfillment_order_item_id: str
    fulfillment_order_item_upstream_id: str | None
    inventory_item_id: str
    part_number: str | None
    quantity: int
    fulfilled: int = 0

    @property
    def left(self) -> int:
        """Units that no fulfillment has named yet."""
        return self.quantity - self.fulfilled


@value
class Shipment:
    """A parcel. `tracking` holds company, number and address of its tracking under their public names."""

    id: str
    created: Time
    fulfillment_order_id: str
    fulfillment_order_upstream_id: str | None
    order_id: str | None
    shipping_choice_id: str
    tracking: Mapping[str, str]
    items: tuple[ShipmentItem, ...]


def check_shipment_ids(lines: Sequence[Line], extra: Mapping[str, Any], needing: frozenset[str]) -> None:
    """Checks that units shipped of the items `needing` it name their shipment. Raises `Refused` (U1)."""
    shipped = [(index, line) for index, line in enumerate(lines) if line.quantity and line.item_id in needing]
    if shipped and not extra.get("shipmentId"):
        raise missing("shipmentId")
    for index, line in shipped:
        if not line.extra.get("shipmentItemId"):
            raise missing(f"items[{index}].shipmentItemId")


def name_shipment(
    order: Order,
    lines: Sequence[Line],
    extra: Mapping[str, Any],
    needing: frozenset[str],
    find: Callable[[str], Shipment | None],
) -> Shipment | None:
    """The shipment that a fulfillment names, with its units counted; nothing where none has to be named.

    Raises `Refused`: 404 for a shipment that there is none of, 409 for one of another order or another item, and for
    more units than it has that no fulfillment has named yet (U1, U4).
    """
    if not any(line.quantity and line.item_id in needing for line in lines):
        return None
    id = str(extra["shipmentId"])
    shipment = find(id)
    if shipment is None:
        raise not_found("Shipment", id, "shipmentId")
    if shipment.order_id != order.id:
        raise _foreign("shipmentId", f"Shipment '{id}' belongs to another order.")
    for index, line in enumerate(lines):
        if line.quantity and line.item_id in needing:
            shipment = _named(shipment, line, f"items[{index}]")
    return shipment


def fulfilled(shipment: Shipment, units: Mapping[str, int]) -> Shipment:
    """The shipment with so many more units of each of its items named by fulfillments."""
    items = (replace(item, fulfilled=item.fulfilled + units.get(item.id, 0)) for item in shipment.items)
    return replace(shipment, items=tuple(items))


def _named(shipment: Shipment, line: Line, place: str) -> Shipment:
    id = str(line.extra["shipmentItemId"])
    item = next((each for each in shipment.items if each.id == id), None)
    if item is None:
        raise _foreign(f"{place}.shipmentItemId", f"Shipment '{shipment.id}' has no item '{id}'.")
    if item.fulfillment_order_item_upstream_id != line.item_id:
        message = f"Shipment item '{id}' is no shipment of item '{line.item_id}'."
        raise _foreign(f"{place}.shipmentItemId", message)
    if line.quantity > item.left:
        message = f"Shipment item '{id}' has {item.left} of its {item.quantity} units left to fulfill."
        raise Refused("conflict", "quantity_too_large", message, f"{place}.quantity")
    return fulfilled(shipment, {id: line.quantity})


def _foreign(parameter: str, message: str) -> Refused:
    return Refused("conflict", "invalid_parameter", message, parameter)
