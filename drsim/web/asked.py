"""Reading what is asked for a source: the body of `POST /payments/sources` and `POST /sources`."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from drsim.domain.methods import CARD_TYPES, METHODS, Card
from drsim.domain.refusal import Refused, invalid, missing
from drsim.engine.sources import CREDIT, Asked, AskedCard
from drsim.web import desk
from drsim.web.bodies import fitted, json_of
from drsim.web.bodies.sources import CardBody, OwnerBody, ReturnsBody, SourceBody, SourceChangeBody, WalletBody


async def read_source(request: Request) -> Asked:
    """What is asked for. Raises `Refused`."""
    sent = await json_of(request)
    body = fitted(SourceBody, sent)
    _check_type(request, body.type)
    part = _part(sent, body.type)
    if body.amount == 0 and body.type == CREDIT:
        raise Refused("bad_request", "invalid_parameter", "'0' is not a valid amount.", "amount")
    return Asked(
        type=body.type,
        owner=None if body.owner is None else body.owner.model_dump(exclude_none=True),
        amount=body.amount,
        currency=body.currency and body.currency.upper(),
        session_id=body.sessionId or body.paymentSessionId,
        session_field="sessionId" if body.sessionId else "paymentSessionId",
        base=desk.base(request),
        card=_card(part, body.type),
        returns=_returns(part, body.type),
        upstream_id=body.upstreamId,
        future_use=body.futureUse,
        usage=body.usage,
        mandate=None if body.mandate is None else body.mandate.model_dump(exclude_none=True) or None,
        ip=_shopper_ip(request),
    )


async def read_change(request: Request) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """What is to be changed: of the owner, and of where the shopper returns to. Raises `Refused`."""
    sent = await json_of(request)
    body = fitted(SourceChangeBody, sent)
    owner: dict[str, Any] = {}
    for part in (body.billingAddress, body.owner):
        owner |= part.model_dump(exclude_none=True) if isinstance(part, OwnerBody) else {}
    returns: dict[str, str] = {}
    for type in METHODS:
        if sent.get(type) is not None:
            returns |= fitted(ReturnsBody, _part(sent, type), place=type).model_dump(exclude_none=True)
    return owner, returns


def _check_type(request: Request, type: str) -> None:
    """Raises `Refused` for what cannot be made there: browsers make all but store credit, servers at `/sources` only
    that, unless the account says otherwise (U25), and at `/payments/sources` everything (U24).
    """
    if desk.is_shopper(request):
        allowed = type != CREDIT
    else:
        everything = desk.sandbox_of(request).account.server_sources == "all" or request.url.path != "/sources"
        allowed = everything or type == CREDIT
    if not allowed:
        raise invalid("type", type)


def _part(sent: Mapping[str, Any], type: str) -> Mapping[str, Any]:
    """The object named after the type. Raises `Refused` for what is none; it never says what that was."""
    part = sent.get(type)
    if part is None:
        return {}
    if not isinstance(part, dict):
        raise Refused("bad_request", "invalid_parameter", f"'…' is not a valid {type}.", type)
    return part


def _card(part: Mapping[str, Any], type: str) -> AskedCard | None:
    if type not in CARD_TYPES:
        return None
    if type == "creditCard":
        card = fitted(CardBody, part, place=type)
        return AskedCard(card.number, card.expirationMonth, card.expirationYear)
    wallet = fitted(WalletBody, part, place=type)
    held = wallet.number or Card(wallet.brand or "Visa", wallet.lastFourDigits or "1111", None)
    return AskedCard(held, wallet.expirationMonth, wallet.expirationYear)


def _returns(part: Mapping[str, Any], type: str) -> Mapping[str, str]:
    """Where the shopper goes afterwards, which redirect methods have to say."""
    returns = fitted(ReturnsBody, part, place=type).model_dump(exclude_none=True)
    if METHODS[type].flow == "redirect":
        for name in ("returnUrl", "cancelUrl"):
            if name not in returns:
                raise missing(f"{type}.{name}")
    return returns


def _shopper_ip(request: Request) -> str | None:
    """The right-most address that a proxy names, or the caller's own (platform page, section 1)."""
    named = [part.strip() for part in request.headers.get("forwarded", "").replace(";", ",").split(",")]
    named = [part[4:].strip('"') for part in named if part.lower().startswith("for=")]
    return (named[-1][:45] or None) if named else request.client and request.client.host
