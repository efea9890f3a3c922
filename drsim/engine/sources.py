"""Making sources as shoppers' browsers and servers do, and what shoppers then do with them."""

from collections.abc import Callable, Mapping
from dataclasses import field
from decimal import Decimal
from typing import Any

from drsim.domain import pay
from drsim.domain.checkouts import Checkout, pricing
from drsim.domain.clock import format_time
from drsim.domain.decision import Context, Decision
from drsim.domain.methods import CARD_NUMBER, CARD_TYPES, METHODS, Card, is_challenged_name, trouble_by_name
from drsim.domain.money import CURRENCIES, minor
from drsim.domain.orders import Sale
from drsim.domain.refusal import Refused, invalid, missing, not_found
from drsim.domain.sources import Source, expiry, first_state
from drsim.domain.states import SOURCE
from drsim.domain.submit import Beginning
from drsim.domain.values import replace, value
from drsim.engine import checkouts, customers, records
from drsim.engine.instructions import receiver_details, redirect_url
from drsim.engine.makeup import next_makeup
from drsim.engine.work import Work

CREDIT = "customerCredit"


@value
class AskedCard:
    """A card that pays, without its number. `checked` is false for wallets, which vouch for theirs."""

    card: Card
    month: int | None = None
    year: int | None = None
    checked: bool = True


@value
class Asked:
    """A source that is asked for: `amount` in major units, its session named by the field `session_field`.

    `returns` are `returnUrl` and `cancelUrl`; `base` is where the browser has reached this server.
    """

    type: str
    owner: Mapping[str, Any] | None
    amount: Decimal | None = None
    currency: str | None = None
    session_id: str | None = None
    session_field: str = "sessionId"
    base: str = ""
    card: AskedCard | None = None
    returns: Mapping[str, str] = field(default_factory=dict)
    upstream_id: str | None = None
    future_use: bool = False
    usage: str | None = None
    mandate: Mapping[str, Any] | None = None
    ip: str | None = None


def create(work: Work, asked: Asked) -> Source:
    """A new source, told about unless it has failed at once. Raises `Refused`."""
    checkout = _checkout(work, asked)
    owner = _owner(asked, checkout)
    currency = _currency(asked, checkout)
    if asked.card is not None:
        _check_expiry(asked.card, work)
    id, troubles, challenged = work.sandbox.new_id("source"), _troubles(asked, owner), _is_challenged(asked, owner)
    state = first_state(asked.type, troubles, challenged=challenged)
    here = {"redirectUrl": redirect_url(asked.base, work.sandbox.name).replace("{id}", id), **asked.returns}
    source = Source(
        id=id,
        created=work.now,
        type=asked.type,
        state=state,
        owner=owner,
        client_secret=f"{id}_{work.sandbox.new_id('secret')}",
        details=_details(work, asked, owner, here),
        currency=currency,
        amount=_amount(asked, checkout, currency),
        session_id=asked.session_id,
        troubles=troubles,
        upstream_id=asked.upstream_id,
        future_use=asked.future_use,
        usage=asked.usage,
        mandate=asked.mandate,
        challenge=here if challenged else None,
        expires=None if state in ("chargeable", "failed") else expiry(asked.type, work.now, work.sandbox.account),
        creation_ip=asked.ip,
    )
    work.put(records.source_record(source))
    if state != "failed":
        work.happen("source.created", source)
    if state == "chargeable":
        work.happen("source.chargeable", source)
    return source


def find(work: Work, id: str, secret: str | None = None) -> Source:
    """A source; with `secret` only for who knows the second part of its client secret. Raises `Refused` (404)."""
    source: Source | None = work.get("source", id)
    if source is None or (secret is not None and source.client_secret != f"{id}_{secret}"):
        raise not_found("Source", id)
    return source


def update(work: Work, source: Source, owner: Mapping[str, Any], returns: Mapping[str, str]) -> Source:
    """Changes what is given of the owner, and where the shopper returns to. Raises `Refused` once it is used up."""
    if source.order_id is not None or not SOURCE[source.state]:
        message = f"Source '{source.id}' can no longer be changed."
        raise Refused("conflict", "restricted_update", message, "id")
    changed = replace(source, owner={**source.owner, **owner}, updated=work.now)
    if source.challenge is not None:
        changed = replace(changed, challenge={**source.challenge, **returns})
    elif source.redirect:
        changed = replace(changed, details={**source.details, **returns})
    work.put(records.source_record(changed))
    # Checkouts and customers show the owners of what pays for them.
    for checkout in checkouts.paid_by(work, source.id):
        checkouts.save(work, checkout)
    if changed.reusable and changed.customer_id is not None:
        customers.save(work, work.get("customer", changed.customer_id))
    return changed


def approve(work: Work, id: str, begins: Beginning = "accepted") -> Source:
    """The shopper pays, approves or passes the challenge. Raises `Refused`."""
    return _act(work, id, pay.approved, lambda sale, context: pay.approve(sale, id, context, begins))


def decline(work: Work, id: str) -> Source:
    """The shopper does not pay, or fails the challenge. Raises `Refused`."""
    return _act(work, id, pay.turned_down, lambda sale, context: pay.decline(sale, id, context))


def expire(work: Work, id: str) -> Source:
    """The shopper's time is over. Raises `Refused`."""
    return _act(work, id, pay.expired, lambda sale, context: pay.expire(sale, id, context))


def _act(
    work: Work, id: str, alone: Callable[[Source], Source], together: Callable[[Sale, Context], Decision]
) -> Source:
    """What a shopper does: to the source `alone`, or `together` with the order that waits for it."""
    source = find(work, id)
    if source.order_id is not None:
        sale = work.sale(source.order_id)
        work.save(together(sale, work.context()), sale)
        return find(work, id)
    changed = alone(source)
    if changed is not source:
        work.put(records.source_record(changed))
    if changed.state == "chargeable":
        work.happen("source.chargeable", changed)
    return changed


def _checkout(work: Work, asked: Asked) -> Checkout | None:
    """The checkout that the source is made for, if any."""
    if asked.session_id is None:
        return None
    checkout = checkouts.by_session(work, asked.session_id)
    if checkout is None:
        raise invalid(asked.session_field, _short(asked.session_id))
    if checkout.state != "open":
        message = "Updating source is not allowed for the current session state."
        raise Refused("conflict", "session_update_not_allowed", message)
    return checkout


def _short(text: str) -> str:
    """A text as messages repeat it: no card number that was put in the wrong place."""
    return CARD_NUMBER.sub("****", text)[:100]


def _owner(asked: Asked, checkout: Checkout | None) -> Mapping[str, Any]:
    """Who pays: as it was sent, or whom the checkout bills."""
    if asked.owner is not None:
        return asked.owner
    if checkout is None:
        if asked.type == CREDIT:
            return {}
        raise missing("owner")
    party = checkout.bill_to or checkout.ship_to or {}
    first, _, last = str(party.get("name") or "").partition(" ")
    email = party.get("email") or checkout.email
    owner = {"firstName": first, "lastName": last, "email": email, "address": party.get("address")}
    return {name: each for name, each in owner.items() if each}


def _currency(asked: Asked, checkout: Checkout | None) -> str | None:
    if asked.currency is None:
        return checkout.currency if checkout else None
    if asked.currency not in CURRENCIES:
        message = f"currency '{_short(asked.currency)}' is not supported."
        raise Refused("bad_request", "currency_unsupported", message, "currency")
    if checkout is not None and checkout.currency != asked.currency:
        message = f"Currency {asked.currency} is not supported."
        raise Refused("bad_request", "invalid_parameter", message, "currency")
    return asked.currency


def _amount(asked: Asked, checkout: Checkout | None, currency: str | None) -> int | None:
    """What it is made for, in minor units; a card may be made for nothing in particular."""
    if asked.amount is not None:
        if currency is None:
            raise missing("currency")
        try:
            return minor(asked.amount, currency)
        except ValueError as error:
            raise invalid("amount", _short(str(asked.amount))) from error
    if checkout is not None:
        credit = sum(each.amount for each in checkout.contributions if each.secondary)
        return pricing(checkout).totals.total - credit
    if asked.type == CREDIT or METHODS[asked.type].flow != "standard":
        raise missing("amount")
    return None


def _troubles(asked: Asked, owner: Mapping[str, Any]) -> tuple[Any, ...]:
    by_card = asked.card.card.trouble if asked.card else None
    return tuple(each for each in (by_card, trouble_by_name(asked.type, str(owner.get("lastName", "")))) if each)


def _is_challenged(asked: Asked, owner: Mapping[str, Any]) -> bool:
    by_card = asked.card is not None and asked.card.card.challenged
    return by_card or is_challenged_name(asked.type, str(owner.get("lastName", "")))


def _details(work: Work, asked: Asked, owner: Mapping[str, Any], here: Mapping[str, str]) -> Mapping[str, Any]:
    """What the object named after the type shows."""
    if asked.type in CARD_TYPES:
        return _card_details(asked.card, work)
    flow = METHODS[asked.type].flow
    if flow == "redirect":
        return here
    return receiver_details(asked.type, owner, next_makeup(work.sandbox)) if flow == "receiver" else {}


def _card_details(asked: AskedCard | None, work: Work) -> Mapping[str, Any]:
    """A wallet without a word about its card holds a Visa that ends in 1111."""
    card = asked.card if asked else Card("Visa", "1111", None)
    year = int(format_time(work.now)[:4]) + 3
    return {
        "brand": card.brand,
        "expirationMonth": (asked and asked.month) or 12,
        "expirationYear": (asked and asked.year) or year,
        "lastFourDigits": card.last_four,
    }


def _check_expiry(asked: AskedCard, work: Work) -> None:
    """Raises `Refused` for a card whose last month is over."""
    if asked.month is None or asked.year is None:
        return
    today = format_time(work.now)
    if (asked.year, asked.month) < (int(today[:4]), int(today[5:7])):
        field = "expirationYear" if asked.year < int(today[:4]) else "expirationMonth"
        found = asked.year if field == "expirationYear" else asked.month
        raise invalid(f"creditCard.{field}", found, field)
