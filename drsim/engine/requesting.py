"""What happens to fulfillment cancellations and returns: they are made, and answered after a while or on a word."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from drsim.domain import fulfillment_cancellations as cancellations
from drsim.domain import fulfillment_returns as returns
from drsim.domain.clock import DAY, Time
from drsim.domain.fulfillment_cancellations import FulfillmentCancellation, RequestItem
from drsim.domain.fulfillment_orders import Units, too_large
from drsim.domain.fulfillment_returns import FulfillmentReturn
from drsim.domain.refusal import Refused, invalid, missing, not_found
from drsim.domain.values import replace
from drsim.engine import fulfilling, records

if TYPE_CHECKING:
    from drsim.engine.work import Work

CANCELLATION = "fulfillment_cancellation"
RETURN = "fulfillment_return"


def ask_to_cancel(
    work: "Work", order_id: str, asked: Sequence[Units], upstream_id: str | None, reason: str | None
) -> FulfillmentCancellation:
    """Asks the fulfiller to cancel units. Raises `Refused`."""
    order = fulfilling.find(work, order_id, "fulfillmentOrderId")
    after, cancellation = cancellations.ask(order, asked, upstream_id, reason, work.context())
    fulfilling.save(work, after)
    _keep(work, CANCELLATION, cancellation)
    work.happen("fulfillment_cancellation.created", cancellation, {})
    return cancellation


def find_cancellation(work: "Work", id: str) -> FulfillmentCancellation:
    """A fulfillment cancellation. Raises `Refused` when there is none."""
    found: FulfillmentCancellation | None = work.get(CANCELLATION, id)
    if found is None:
        raise not_found("Fulfillment cancellation", id)
    return found


def accept_cancellation(
    work: "Work", cancellation: FulfillmentCancellation, asked: Sequence[Units], at: Time
) -> FulfillmentCancellation:
    """The fulfiller cancels what is asked for, or else all of it that is still open; nothing left of it rejects it.

    Raises `Refused` for one that is answered, and for more than it asks for or than is open.
    """
    _check_waits(cancellation)
    order = fulfilling.find(work, cancellation.fulfillment_order_id)
    still_open = cancellations.open_of(order, cancellation)
    granted = _granted(cancellation.items, asked, still_open) if asked else still_open
    if not granted:
        return reject_cancellation(work, cancellation, at)
    freed, answered = cancellations.answered(order, cancellation, granted)

    def tell() -> None:
        _keep(work, CANCELLATION, answered)
        work.happen("fulfillment_cancellation.accepted", answered, {}, at=at)

    units = [Units(count, id) for id, count in granted.items()]
    fulfilling.cancel(work, fulfilling.resume(work, freed, at), units, at, first=tell)
    return answered


def reject_cancellation(work: "Work", cancellation: FulfillmentCancellation, at: Time) -> FulfillmentCancellation:
    """The fulfiller cancels nothing of it. Raises `Refused` for one that is answered."""
    _check_waits(cancellation)
    order = fulfilling.find(work, cancellation.fulfillment_order_id)
    freed, answered = cancellations.answered(order, cancellation, {})
    fulfilling.save(work, fulfilling.resume(work, freed, at))
    _keep(work, CANCELLATION, answered)
    work.happen("fulfillment_cancellation.rejected", answered, {}, at=at)
    return answered


def wake_cancellation(work: "Work", id: str, due: Time) -> None:
    """The fulfiller answers by itself; what the order does not allow now is tried again a day later."""
    cancellation = find_cancellation(work, id)
    if work.sandbox.account.fulfillment_cancellations == "reject":
        reject_cancellation(work, cancellation, due)
        return
    try:
        accept_cancellation(work, cancellation, (), due)
    except Refused:
        _keep(work, CANCELLATION, replace(cancellation, due=due + DAY))


def announce_return(
    work: "Work",
    order_id: str,
    asked: Sequence[Units],
    unit_attributes: Sequence[Any],
    upstream_id: str | None,
    reason: str | None,
) -> FulfillmentReturn:
    """Announces a return to the fulfiller. Raises `Refused`."""
    order = fulfilling.find(work, order_id, "fulfillmentOrderId")
    after, announced = returns.announce(order, asked, unit_attributes, upstream_id, reason, work.context())
    fulfilling.save(work, after)
    _keep(work, RETURN, announced)
    work.happen("fulfillment_return.created", announced, {})
    return announced


def find_return(work: "Work", id: str) -> FulfillmentReturn:
    """A fulfillment return. Raises `Refused` when there is none."""
    found: FulfillmentReturn | None = work.get(RETURN, id)
    if found is None:
        raise not_found("Fulfillment return", id)
    return found


def accept_return(work: "Work", returned: FulfillmentReturn, asked: Sequence[Units], at: Time) -> FulfillmentReturn:
    """The fulfiller takes back what is asked for, or else all of it. Raises `Refused`."""
    _check_waits(returned)
    whole = {item.item_id: item.quantity for item in returned.items}
    granted = _granted(returned.items, asked, whole) if asked else whole
    answered = _answer_return(work, returned, granted, at)
    work.happen("fulfillment_return.accepted", answered, {}, at=at)
    return answered


def reject_return(work: "Work", returned: FulfillmentReturn, at: Time) -> FulfillmentReturn:
    """The fulfiller takes nothing back. Raises `Refused` for one that is answered."""
    _check_waits(returned)
    answered = _answer_return(work, returned, {}, at)
    work.happen("fulfillment_return.rejected", answered, {}, at=at)
    return answered


def wake_return(work: "Work", id: str, due: Time) -> None:
    """A return moves on by itself: it is pending, then answered."""
    returned = find_return(work, id)
    if returned.state == "created":
        receive(work, returned, due)
    elif work.sandbox.account.fulfillment_returns == "reject":
        reject_return(work, returned, due)
    else:
        accept_return(work, returned, (), due)


def receive(work: "Work", returned: FulfillmentReturn, at: Time) -> FulfillmentReturn:
    """The goods are on their way back."""
    after = returns.received(returned, replace(work.context(), now=at))
    _keep(work, RETURN, after)
    work.happen("fulfillment_return.pending", after, {}, at=at)
    return after


def _answer_return(
    work: "Work", returned: FulfillmentReturn, granted: Mapping[str, int], at: Time
) -> FulfillmentReturn:
    if returned.state == "created":
        returned = receive(work, returned, at)
    order = fulfilling.find(work, returned.fulfillment_order_id)
    after, answered = returns.answered(order, returned, granted)
    fulfilling.save(work, after)
    _keep(work, RETURN, answered)
    return answered


def _check_waits(request: FulfillmentCancellation | FulfillmentReturn) -> None:
    if request.state in ("accepted", "rejected"):
        what = "cancellation" if isinstance(request, FulfillmentCancellation) else "return"
        message = f"Fulfillment {what} '{request.id}' is {request.state} already."
        raise Refused("conflict", "already_answered", message, "id")


def _granted(items: Sequence[RequestItem], asked: Sequence[Units], most: Mapping[str, int]) -> dict[str, int]:
    """So many units of each line by its id. Raises `Refused`."""
    known, granted = {item.item_id for item in items}, dict[str, int]()
    for index, each in enumerate(asked):
        place, id = f"items[{index}]", each.id or ""
        if id not in known:
            raise invalid(f"{place}.fulfillmentOrderItemId", id, "fulfillmentOrderItemId")
        if not each.quantity:
            raise missing(f"{place}.quantity")
        granted[id] = granted.get(id, 0) + each.quantity
        if granted[id] > most.get(id, 0):
            raise too_large(f"{place}.quantity", f"Item '{id}'", most.get(id, 0))
    return granted


def _keep(work: "Work", kind: str, request: FulfillmentCancellation | FulfillmentReturn) -> None:
    work.put(records.request_record(kind, request))
