"""`/payments`: what the shopper's browser does with the public key: makes sources, and follows redirects.

Source: surroundings page, 4.1 to 4.3.
"""

from urllib.parse import parse_qsl, quote

import orjson
from starlette.requests import Request

from drsim import render
from drsim.domain.methods import CHALLENGE_PASSWORD, METHODS
from drsim.domain.refusal import Refused, invalid, missing
from drsim.domain.sources import Source
from drsim.engine import sources
from drsim.engine.sources import CREDIT
from drsim.engine.work import Work
from drsim.web import desk, pages
from drsim.web.answers import Answer, answer


async def create(request: Request) -> Answer:
    """`POST /payments/sources`: any source but store credit, which only secret keys make, here as in `/sources`."""
    from drsim.web.asked import read_source

    asked = await read_source(request)
    return Answer(await desk.perform(request, lambda work: _shown(request, work, sources.create(work, asked))), 201)


async def retrieve(request: Request) -> Answer:
    """`GET /payments/sources/{id}`, for a browser with `?secret=…`."""
    return Answer(await desk.perform(request, lambda work: _shown(request, work, _own(request, work))))


async def update(request: Request) -> Answer:
    """`POST /payments/sources/{id}`, for a browser with `?secret=…`: the owner, and where the shopper returns to."""
    from drsim.web.asked import read_change

    owner, returns = await read_change(request)

    def action(work: Work) -> bytes:
        return _shown(request, work, sources.update(work, _own(request, work), owner, returns))

    return Answer(await desk.perform(request, action))


async def update_slashed(request: Request) -> Answer:
    """`POST /payments/sources/{id}/`: the same, as the browser library writes it where 3-D Secure is involved."""
    return await update(request)


async def methods(request: Request) -> Answer:
    """`GET /payments/payment-methods`: how shoppers can pay, whatever the session, country and currency."""
    shown = [
        {"type": type, "flow": method.flow, "supportsStorage": method.storable}
        for type, method in METHODS.items()
        if type != CREDIT
    ]
    return answer({"paymentMethods": shown})


async def redirect(request: Request) -> Answer:
    """`GET /payments/redirects/{id}`: the page on which the shopper approves or declines."""
    return await desk.perform(request, lambda work: _page(_redirecting(work, request.path_params["id"])))


async def decide(request: Request) -> Answer:
    """`POST /payments/redirects/{id}`: what the shopper has decided; leads on to where the shop wants it."""
    from drsim.web.bodies import text_of

    form = dict(parse_qsl((await text_of(request)).decode("utf-8", "replace")))
    if form.get("action") not in ("approve", "decline"):
        raise missing("action") if "action" not in form else invalid("action", form["action"][:100])
    return await desk.perform(request, lambda work: _decide(request, work, form))


def _own(request: Request, work: Work) -> Source:
    """The source that the path names, for a browser that knows its secret. Raises `Refused`."""
    secret = request.query_params.get("secret")
    if desk.is_shopper(request) and not secret:
        raise missing("secret")
    return sources.find(work, request.path_params["id"], secret)


def _shown(request: Request, work: Work, source: Source) -> bytes:
    """As browsers see it; a secret key gets what it gets from `/sources`."""
    if desk.is_shopper(request):
        return orjson.dumps(render.browser_source(source, work.sandbox.name))
    return orjson.dumps(render.source(source))


def _redirecting(work: Work, id: str) -> Source:
    source = sources.find(work, id)
    if not source.redirect:
        raise Refused("not_found", "not_found", f"Source '{id}' redirects nobody.", "id")
    return source


def _page(source: Source) -> Answer:
    if source.state == "requires_action":
        return pages.Page(pages.challenge_page(source))
    return pages.Page(pages.payment_page(source) if source.is_open else pages.over_page(source))


def _decide(request: Request, work: Work, form: dict[str, str]) -> Answer:
    id = request.path_params["id"]
    source = _redirecting(work, id)
    if source.order_id is not None:
        desk.about_order(request, source.order_id)
    if not source.is_open:
        # Sent twice, or too late: that changes nothing.
        return _back(source, approved=pages.was_approved(source))
    if form["action"] == "decline":
        return _back(sources.decline(work, id), approved=False)
    if source.state == "requires_action" and form.get("password") != CHALLENGE_PASSWORD:
        return _back(sources.decline(work, id), approved=True)
    return _back(sources.approve(work, id), approved=True)


def _back(source: Source, *, approved: bool) -> Answer:
    """Back to the shop, by the address that it gave, unchanged; or to a page that says so if it gave none."""
    url = pages.way_back(source, approved=approved)
    return pages.redirect(_ascii(url)) if url else pages.Page(pages.over_page(source))


def _ascii(url: str) -> str:
    """The same address without letters that no header can hold."""
    return quote(url, safe="!#$%&'()*+,/:;=?@[]~")
