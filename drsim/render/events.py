"""Events, and what an expanded one has more."""

from typing import Any

from drsim.domain.account import LATEST_VERSION
from drsim.domain.clock import format_precise
from drsim.domain.events import AnyEvent, Event, Expansion
from drsim.domain.orders import Order
from drsim.render.parts import Json


def event(it: AnyEvent, object: Any, webhook_ids: list[str]) -> Json:
    """An event around its object, which is given ready (a mapping, or JSON text in an `orjson.Fragment`).

    Events about documents have an envelope of their own (surroundings page, section 6).
    """
    data: Json = {"object": object}
    if it.previous is not None:
        data["previousAttributes"] = it.previous
    shown: Json = {
        "id": it.id,
        "type": it.type,
        "data": data,
        "liveMode": False,
        "createdTime": format_precise(it.at),
    }
    if isinstance(it, Event) and it.document is not None:
        return shown | {"versionIds": []}
    if webhook_ids:
        shown["webhookIds"] = webhook_ids
    return shown | {"digitalriverVersion": LATEST_VERSION}


def expansion(it: Order) -> Expansion:
    """What an expanded event shows of this order beyond the plain one."""
    return Expansion(tuple(item.product_more for item in it.items))
