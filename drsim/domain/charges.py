"""Charges and the captures, cancels and refunds on them.

At every moment captured + cancelled + uncommitted = amount, where an operation counts from the moment it exists until
it fails; and refunds, counted alike, never come to more than the captures that are complete. Source: resources page,
sections 2.4 and 4.3 to 4.4.
"""

from collections.abc import Sequence
from typing import Literal

from drsim.domain.clock import Time
from drsim.domain.outcome import Failure
from drsim.domain.states import CHARGE, OPERATION, step
from drsim.domain.values import replace, value

OperationKind = Literal["capture", "cancel"]


@value
class Operation:
    """A capture or a cancel: `amount` minor units for `units` units of one line, asked for by one fulfillment.

    Where it takes two charges to pay for the units of one `line` of the request, both operations count them.

    While pending it knows when it ends (`due`, `None`: never by itself) and how (`failure`, `None`: well).
    """

    id: str
    created: Time
    amount: int
    state: str
    due: Time | None
    failure: Failure | None
    fulfillment_id: str | None
    item_id: str
    units: int
    line: int = 0
    retries: int = 0
    """How many retries of this same capture came before it."""


@value
class Retry:
    """A failed capture that will be tried again at `due`."""

    due: Time
    failed: Operation


@value
class ChargeRefund:
    """Money that goes back from one charge, `amount` minor units of what one refund asked for.

    While it is not over it knows when it goes on (`due`, `None`: never by itself) and how it ends (`failure`, `None`:
    well). One that `asks` needs the customer's bank details: at `due` it starts to wait for them, and when it waits
    already it has waited in vain.
    """

    id: str
    created: Time
    amount: int
    state: str
    due: Time | None
    failure: Failure | None
    refund_id: str
    asks: bool = False


@value
class Charge:
    """The money authorized on one source of one order; `amount` never changes.

    `expires` is when the authorization lapses. While `pending`, `due` and `failure` say when and how authorizing ends.
    """

    id: str
    created: Time
    order_id: str
    source_id: str
    session_id: str
    currency: str
    amount: int
    state: str
    type: str
    secondary: bool
    expires: Time
    captures: tuple[Operation, ...] = ()
    cancels: tuple[Operation, ...] = ()
    retries: tuple[Retry, ...] = ()
    refunds: tuple[ChargeRefund, ...] = ()
    charged_back: int = 0
    """Minor units that the bank has taken back after a dispute."""
    due: Time | None = None
    failure: Failure | None = None

    def operations(self, kind: OperationKind) -> tuple[Operation, ...]:
        """Its captures or its cancels, oldest first."""
        return self.captures if kind == "capture" else self.cancels


def standing(operations: Sequence[Operation | ChargeRefund]) -> int:
    """Minor units of all operations that have not failed: pending ones count."""
    return sum(operation.amount for operation in operations if operation.state != "failed")


def completed(operations: Sequence[Operation | ChargeRefund]) -> int:
    """Minor units of the operations that are complete."""
    return sum(operation.amount for operation in operations if operation.state == "complete")


def uncommitted(charge: Charge) -> int:
    """Minor units that are neither captured nor cancelled nor about to be."""
    if charge.state == "failed":
        return 0
    return charge.amount - standing(charge.captures) - standing(charge.cancels)


def repayable(charge: Charge) -> int:
    """Minor units that were captured for good and are neither charged back nor refunded nor about to be."""
    return completed(charge.captures) - standing(charge.refunds) - charge.charged_back


def repaying(charge: Charge) -> int:
    """Minor units of the refunds that are not over yet."""
    return standing(charge.refunds) - completed(charge.refunds) if charge.refunds else 0


def begin(charge: Charge, kind: OperationKind, operation: Operation) -> Charge:
    """The charge with one more pending capture or cancel."""
    if operation.amount > uncommitted(charge):
        raise AssertionError(f"{kind} of {operation.amount} exceeds what is left of charge {charge.id}")
    if kind == "capture":
        return _restated(replace(charge, captures=(*charge.captures, operation)))
    return _restated(replace(charge, cancels=(*charge.cancels, operation)))


def settle(charge: Charge, kind: OperationKind, operation: Operation) -> Charge:
    """The charge once a pending operation of it has come to its end, good or bad."""
    state = step(OPERATION, operation.state, "failed" if operation.failure else "complete")
    settled = replace(operation, state=state, due=None)
    operations = tuple(settled if each.id == operation.id else each for each in charge.operations(kind))
    if kind == "capture":
        return _restated(replace(charge, captures=operations))
    return _restated(replace(charge, cancels=operations))


def begin_refund(charge: Charge, refund: ChargeRefund) -> Charge:
    """The charge with one more pending refund; its state says nothing of refunds."""
    if refund.amount > repayable(charge):
        raise AssertionError(f"refund of {refund.amount} exceeds what was captured on charge {charge.id}")
    return replace(charge, refunds=(*charge.refunds, refund))


def with_refund(charge: Charge, changed: ChargeRefund) -> Charge:
    """The charge with one of its refunds changed."""
    return replace(charge, refunds=tuple(changed if each.id == changed.id else each for each in charge.refunds))


def authorized(charge: Charge, expires: Time) -> Charge:
    """A pending charge that was authorized until `expires`."""
    return replace(charge, state=step(CHARGE, charge.state, "capturable"), due=None, expires=expires)


def declined(charge: Charge) -> Charge:
    """A pending charge that was not authorized."""
    return replace(charge, state=step(CHARGE, charge.state, "failed"), due=None)


def next_due(charge: Charge) -> Time | None:
    """When something on this charge happens by itself, if anything."""
    dues = [each.due for each in (*charge.captures, *charge.cancels) if each.due is not None]
    dues += [retry.due for retry in charge.retries]
    dues += [refund.due for refund in charge.refunds if refund.due is not None]
    if charge.due is not None:
        dues.append(charge.due)
    return min(dues, default=None)


def _restated(charge: Charge) -> Charge:
    state = _state_by_operations(charge)
    return charge if state == charge.state else replace(charge, state=step(CHARGE, charge.state, state))


def _state_by_operations(charge: Charge) -> str:
    if uncommitted(charge) > 0:
        return "capturable"
    if any(operation.state == "pending" for operation in (*charge.captures, *charge.cancels)):
        return "processing"
    return "complete" if completed(charge.captures) else "cancelled"
