"""What happens to fulfillment orders: they are made, and the fulfiller's notices become shipments and events.

Those that are orchestrated drsim makes itself, when their order is accepted, and a notice about one becomes a
fulfillment at once. Source: surroundings page, 1.2, 1.3 and 2, U3.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from drsim.domain import fulfillment_orders
from drsim.domain.clock import DAY, Time, format_time
from drsim.domain.decision import Context, Decision
from drsim.domain.fulfill import Line, check_items_exist, check_order_is_open, check_units_are_open, fulfill
from drsim.domain.fulfillment_orders import FulfillmentOrder, FulfillmentOrderItem, Units
from drsim.domain.orders import Item, Order, Sale
from drsim.domain.refusal import Refused, not_found
from drsim.domain.shipments import Shipment, check_shipment_ids, fulfilled, name_shipment
from drsim.domain.values import replace, value
from drsim.engine import inventory, records

if TYPE_CHECKING:
    from drsim.engine.work import Work

KIND = "fulfillment_order"
USUAL_SERVICE = "SG"


@value
class Asked:
    """A fulfillment order that is asked for; `extra` is shown as it was sent."""

    currency: str
    items: tuple[FulfillmentOrderItem, ...]
    shipping_choice_id: str
    upstream_id: str | None
    extra: Mapping[str, Any]
    reservation_id: str | None = None


def create(work: "Work", asked: Asked) -> FulfillmentOrder:
    """Hands units over to the fulfiller; tells it. Raises `Refused`.

    Lines of an order that nobody else ships become distributed ones by that.
    """
    asked = _with_parts(work, asked)
    order: Order | None = work.get("order", asked.upstream_id) if asked.upstream_id is not None else None
    if order is not None:
        fulfillment_orders.check_handed_over(order, asked.items, of_order(work, order.id))
        _make_distributed(work, order, asked.items)
    return _add(work, asked, order, work.now, orchestrated=False)


def named_shipment(work: "Work", order: Order, lines: Sequence[Line], extra: Mapping[str, Any]) -> Shipment | None:
    """The shipment that an integration's fulfillment has to name, with its units counted; nothing where it has to name
    none. Raises `Refused` for whatever is wrong with that, or is wrong before it (U1).
    """
    needing = _needing(work, order)
    if not needing:
        return None
    check_items_exist(order, lines)
    check_order_is_open(order)
    check_shipment_ids(lines, extra, needing)
    check_units_are_open(order, lines)
    return name_shipment(order, lines, extra, needing, lambda id: work.get("shipment", id))


def orchestrate(work: "Work", order: Order, at: Time) -> None:
    """Hands over the orchestrated lines of an order that was just accepted."""
    items = [item for item in order.items if item.model == "orchestrated" and item.open]
    if items and not of_order(work, order.id):
        for item in items:
            inventory.pair(work, _sku(item), at)
        _add(work, _with_parts(work, _orchestrated(order, items)), order, at, orchestrated=True)


def of_order(work: "Work", order_id: str) -> list[FulfillmentOrder]:
    """The fulfillment orders of an order, oldest first."""
    return work.transaction.all(work.sandbox.number, KIND, order_id)


def find(work: "Work", id: str, parameter: str = "id") -> FulfillmentOrder:
    """A fulfillment order. Raises `Refused` when there is none."""
    order: FulfillmentOrder | None = work.get(KIND, id)
    if order is None:
        raise not_found("Fulfillment order", id, parameter)
    return order


def save(work: "Work", order: FulfillmentOrder) -> None:
    """Saves a fulfillment order."""
    work.put(records.fulfillment_order_record(order))


def ship(
    work: "Work", order: FulfillmentOrder, asked: Sequence[Units], tracking: Mapping[str, str], at: Time
) -> Shipment:
    """The fulfiller has shipped; of an orchestrated fulfillment order that is fulfilled at once. Raises `Refused`."""
    context = replace(work.context(), now=at)
    after, shipment = fulfillment_orders.ship(order, asked, tracking or _made_up(work), context)
    sale, decision = _fulfill_shipment(work, after, shipment, context)
    if decision is not None:
        units = {line.extra["shipmentItemId"]: line.quantity for line in _shipped_lines(sale, shipment)}
        shipment = fulfilled(shipment, units)
    save(work, after)
    work.put(records.shipment_record(shipment))
    for item in shipment.items:
        inventory.take(work, item.inventory_item_id, item.quantity)
    work.happen("fulfillment_order.shipped", shipment, {}, at=at)
    if decision is not None:
        work.save(decision, sale)
    return shipment


def backorder(
    work: "Work", order: FulfillmentOrder, asked: Sequence[Units], available: Time | None, at: Time
) -> FulfillmentOrder:
    """The fulfiller has to wait for units. Raises `Refused`."""
    context = replace(work.context(), now=at)
    after, told = fulfillment_orders.backorder(order, asked, available, context)
    save(work, after)
    work.happen("fulfillment_order.backordered", told, {}, at=at)
    return after


def cancel(
    work: "Work",
    order: FulfillmentOrder,
    asked: Sequence[Units],
    at: Time,
    first: Callable[[], None] = lambda: None,
) -> FulfillmentOrder:
    """The fulfiller will not ship units; of an orchestrated fulfillment order they are cancelled. Raises `Refused`.

    What comes `first` is done once nothing can be refused any more.
    """
    context = replace(work.context(), now=at)
    after, told = fulfillment_orders.cancel(order, asked, context)
    lines = {item.upstream_id: told.units[item.id] for item in after.items if item.id in told.units}
    sale, decision = _fulfill_cancelled(work, after, lines, context)
    first()
    save(work, after)
    for item in after.items:
        inventory.claim(work, item.inventory_item_id, -told.units.get(item.id, 0))
    work.happen("fulfillment_order.cancelled", told, {}, at=at)
    if decision is not None:
        work.save(decision, sale)
    return after


def wake(work: "Work", id: str, due: Time) -> None:
    """The automatic fulfiller does what is due. What the order does not allow now is tried again a day later."""
    order, fulfiller = find(work, id), work.sandbox.account.fulfiller
    ready = fulfillment_orders.waiting(order)
    if fulfiller is None or not ready:
        save(work, replace(order, due=None))
        return
    if fulfiller.backorder is not None and not order.announced:
        pending = [Units(min(ready[item.id], item.pending), item.id) for item in order.items if item.id in ready]
        then = due + fulfiller.backorder
        order = replace(order, announced=True, due=then)
        if asked := [each for each in pending if each.quantity]:
            backorder(work, order, asked, then, due)
        else:
            save(work, order)
        return
    try:
        packed = fulfillment_orders.parcel(order, fulfiller)
        ship(work, replace(order, due=due + fulfiller.ship_after), packed, {}, due)
    except Refused as refusal:
        # Nobody is told of it, but for the events that come with it.
        work.tell(refusal.events)
        if refusal.rules is not None:
            work.save_rules(refusal.rules)
        save(work, replace(order, due=due + max(DAY, fulfiller.ship_after)))


def resume(work: "Work", order: FulfillmentOrder, at: Time) -> FulfillmentOrder:
    """The fulfillment order with something to do for the automatic fulfiller again, if there is anything."""
    fulfiller = work.sandbox.account.fulfiller
    if fulfiller is None or order.due is not None or not fulfillment_orders.waiting(order):
        return order
    return replace(order, due=at + fulfiller.ship_after)


def _add(work: "Work", asked: Asked, order: Order | None, at: Time, *, orchestrated: bool) -> FulfillmentOrder:
    new_id, fulfiller = work.sandbox.new_id, work.sandbox.account.fulfiller
    # One that is made with a past is not shipped in it.
    due = None if fulfiller is None else max(at, work.pushed_from) + fulfiller.ship_after
    made = FulfillmentOrder(
        id=new_id("fulfillment order"),
        created=at,
        updated=at,
        currency=asked.currency,
        items=tuple(replace(item, id=new_id("fulfillment order item")) for item in asked.items),
        shipping_choice_id=asked.shipping_choice_id,
        upstream_id=asked.upstream_id,
        order_id=order.id if order else None,
        extra=asked.extra,
        orchestrated=orchestrated,
        due=due,
    )
    save(work, made)
    if asked.reservation_id is not None:
        inventory.release(work, asked.reservation_id)
    for item in made.items:
        inventory.claim(work, item.inventory_item_id, item.quantity)
    work.happen("fulfillment_order.pending", made, {}, at=at)
    return made


def _with_parts(work: "Work", asked: Asked) -> Asked:
    """What is asked for, with the part numbers of its inventory items. Raises `Refused` where there is none of them."""
    items = []
    for index, item in enumerate(asked.items):
        found = inventory.find(work, item.inventory_item_id, f"items[{index}].inventoryItemId")
        items.append(replace(item, part_number=found.part_number))
    return replace(asked, items=tuple(items))


def _needing(work: "Work", order: Order) -> frozenset[str]:
    """The lines whose shipped units have to name their shipment."""
    rule = work.sandbox.account.shipment_ids
    distributed = frozenset(item.id for item in order.items if item.model == "distributed")
    if rule == "ignored" or not distributed:
        return frozenset()
    if rule == "required":
        return distributed
    return distributed & {item.upstream_id for each in of_order(work, order.id) for item in each.items}


def _make_distributed(work: "Work", order: Order, handed: Sequence[FulfillmentOrderItem]) -> None:
    """Whatever the vendor ships for the merchant is distributed, however the line came into being."""
    ids = {item.upstream_id for item in handed}
    items = tuple(
        replace(item, model="distributed") if item.id in ids and item.model == "third-party" else item
        for item in order.items
    )
    if items != order.items:
        sale = work.sale(order.id)
        work.keep(replace(sale, order=replace(order, items=items)), sale)


def _orchestrated(order: Order, items: Sequence[Item]) -> Asked:
    """What drsim itself asks for, taken from the order (surroundings page, 2.1)."""
    level = order.shipping.shown.get("serviceLevel") if order.shipping else None
    extra: dict[str, Any] = {"locale": order.locale, "upstreamOrderTime": format_time(order.created)}
    extra |= {"email": order.email, "shipTo": order.ship_to, "shippingChoice": {"id": level or USUAL_SERVICE}}
    return Asked(
        currency=order.currency,
        items=tuple(FulfillmentOrderItem("", _sku(item), item.open, item.id) for item in items),
        shipping_choice_id=level or USUAL_SERVICE,
        upstream_id=order.id,
        extra={name: each for name, each in extra.items() if each},
    )


def _sku(item: Item) -> str:
    return item.sku_id or str(item.product.get("id") or item.id)


def _made_up(work: "Work") -> Mapping[str, str]:
    number = f"Z{work.sandbox.new_id('tracking')}"
    return {
        "trackingCompanyId": "fedex",
        "trackingCompany": "Fedex",
        "trackingNumber": number,
        "trackingUrl": f"http://www.fedex.com/Tracking?tracknumbers={number}",
    }


_Fulfilled = tuple[Sale | None, Decision | None]


def _fulfill_shipment(work: "Work", order: FulfillmentOrder, shipment: Shipment, context: Context) -> _Fulfilled:
    """The fulfillment that drsim makes of a parcel; nothing where that is the integration's, or all is done already."""
    if not order.orchestrated or order.order_id is None:
        return None, None
    sale = work.sale(order.order_id)
    shown = ("trackingCompany", "trackingNumber", "trackingUrl")
    tracking = {name: shipment.tracking[name] for name in shown if name in shipment.tracking}
    return sale, _decided(sale, _shipped_lines(sale, shipment), {"shipmentId": shipment.id, **tracking}, context)


def _shipped_lines(sale: Sale | None, shipment: Shipment) -> list[Line]:
    """What a parcel fulfills of an order: no more than is open (U3)."""
    left = {item.id: item.open for item in sale.order.items} if sale else {}
    lines = []
    for each in shipment.items:
        units = min(each.quantity, left.get(each.fulfillment_order_item_upstream_id or "", 0))
        if units:
            lines.append(Line(each.fulfillment_order_item_upstream_id or "", units, 0, {"shipmentItemId": each.id}))
            left[each.fulfillment_order_item_upstream_id or ""] -= units
    return lines


def _fulfill_cancelled(
    work: "Work", order: FulfillmentOrder, units: Mapping[str | None, int], context: Context
) -> _Fulfilled:
    if not order.orchestrated or order.order_id is None:
        return None, None
    sale = work.sale(order.order_id)
    counts = ((item.id, min(units.get(item.id, 0), item.open)) for item in sale.order.items)
    return sale, _decided(sale, [Line(id, 0, count, {}) for id, count in counts if count], {}, context)


def _decided(sale: Sale, lines: Sequence[Line], extra: Mapping[str, Any], context: Context) -> Decision | None:
    return fulfill(sale, lines, extra, None, context) if lines else None
