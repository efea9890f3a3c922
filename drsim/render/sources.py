"""Payment sources and sessions."""

from collections.abc import Callable

from drsim.domain.clock import Time, format_time
from drsim.domain.methods import METHODS
from drsim.domain.money import decimal, exponent, number
from drsim.domain.orders import PaymentSession
from drsim.domain.sources import Source
from drsim.render.parts import Json, put


def source(it: Source) -> Json:
    """A source; amount and currency where it was made with them."""
    shown: Json = {"id": it.id, "createdTime": format_time(it.created), "type": it.type}
    put(shown, currency=it.currency)
    if it.amount is not None and it.currency is not None:
        shown["amount"] = number(it.amount, it.currency)
    shown |= {"reusable": it.reusable, "state": it.state}
    put(shown, customerId=it.customer_id, upstreamId=it.upstream_id)
    shown["owner"] = it.owner
    if it.amount is not None:
        put(shown, paymentSessionId=it.session_id)
    return shown | {"clientSecret": it.client_secret, it.type: it.details, "liveMode": False}


def browser_source(it: Source, sandbox: str) -> Json:
    """A source as the shopper's browser sees it (surroundings page, 4.3)."""
    shown: Json = {
        "clientId": sandbox,
        "channelId": "drsim",
        "liveMode": False,
        "id": it.id,
        "clientSecret": it.client_secret,
        "type": it.type,
        "flow": METHODS[it.type].flow,
        "reusable": it.reusable,
        "state": it.state,
        "owner": it.owner,
    }
    if it.amount is not None and it.currency is not None:
        shown["amount"] = f"{decimal(it.amount, it.currency):.{max(1, exponent(it.currency))}f}"
    put(shown, currency=it.currency, customerId=it.customer_id, upstreamId=it.upstream_id)
    if it.amount is not None:
        put(shown, sessionId=it.session_id)
    put(shown, futureUse=it.future_use or None, usage=it.usage, mandate=it.mandate)
    shown |= {"createdTime": _millis(it.created), "updatedTime": _millis(it.updated or it.created)}
    if it.is_open and it.expires is not None:
        shown["expirationTime"] = _millis(it.expires)
    put(shown, creationIp=it.creation_ip, redirect=it.redirect or None)
    return shown | {it.type: it.details}


def _millis(time: Time) -> int:
    return time // 1_000


def session(it: PaymentSession, money: Callable[[int], float]) -> Json:
    """The payment session of an order; `money` shows minor units."""
    shown: Json = {
        "id": it.id,
        "amountContributed": money(it.contributed),
        "amountRemainingToBeContributed": money(it.remaining),
        "state": it.state,
        "clientSecret": it.client_secret,
    }
    put(shown, nextAction=it.next_action)
    return shown


def embedded_source(it: Source, amount: float) -> Json:
    """A source inside of an order or a checkout, of which it pays this amount in major units."""
    shown: Json = {"id": it.id, "type": it.type, "amount": amount, "owner": it.owner}
    put(shown, upstreamId=it.upstream_id)
    return shown | {it.type: it.details}
