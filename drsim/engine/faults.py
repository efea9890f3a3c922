"""Where faults meet deliveries: what one suffers whose turn it is, decided and committed before it happens."""

from typing import NamedTuple

import orjson

from drsim.domain.faults import Mishap, Outgoing, strike
from drsim.domain.values import replace
from drsim.domain.webhooks import Delivery, Webhook, put_off
from drsim.engine import records
from drsim.engine.sandbox import Sandbox
from drsim.engine.work import Work
from drsim.store import DueDelivery


class Turn(NamedTuple):
    """How it goes on with a delivery: whether it `goes` out now, with what mishap, or else `waits` to be overtaken."""

    goes: bool
    mishap: Mishap | None = None
    waits: bool = False


UNHARMED = Turn(True)


def can_strike(sandbox: Sandbox, webhook: Webhook, delivery: DueDelivery) -> bool:
    """Whether a fault has anything to do with this delivery: one that struck it before, or one that may now."""
    if sandbox.faults == () and b'"fault":' not in delivery.public:
        return False
    shown, faults = orjson.loads(delivery.public), sandbox.faults
    if "fault" in shown or faults is None:
        return True
    fault, after = strike(faults, Outgoing(shown["type"], webhook.id))
    return fault is not None or after is not faults


def take_turn(work: Work, sandbox: Sandbox, id: str, can_wait: bool) -> Turn:
    """Lets a fault strike a delivery, unless one has before, and puts it off where that is what the fault does.

    What the fault does is kept with the delivery until its attempt is on record, so that it also survives the process.
    """
    delivery: Delivery | None = work.get("delivery", id) if work.sandbox is sandbox else None
    if delivery is None or delivery.state != "pending":
        return Turn(False)
    struck = delivery
    if struck.fault is None:
        fault = work.strike(Outgoing(delivery.type, delivery.webhook_id))
        if fault is not None and fault.on_delivery is not None:
            struck = replace(delivery, fault=Mishap(fault.id, fault.on_delivery))
    waits = struck.fault is not None and struck.fault.effect.reorder and not struck.fault.effect.delay and can_wait
    after = put_off(struck, can_wait=can_wait)
    if after is not delivery:
        work.put(records.delivery_record(after))
    return Turn(after.due == delivery.due, after.fault, waits)
