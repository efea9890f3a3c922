"""What banks and fraud reviewers decide about an order, under `/_sim`: people that no integration can play."""

from collections.abc import Callable

from starlette.requests import Request

from drsim.domain.decision import Context, Decision
from drsim.domain.disputes import dispute, lose, win
from drsim.domain.orders import Sale
from drsim.domain.refusal import invalid
from drsim.domain.review import block, pass_review
from drsim.engine.work import Work
from drsim.web import desk
from drsim.web.answers import Answer


async def open_dispute(request: Request) -> Answer:
    """`POST /_sim/orders/{id}/dispute`: the buyer's bank disputes the payment."""
    from drsim.web.bodies import read
    from drsim.web.bodies.control import DisputeBody

    await read(request, DisputeBody)
    return await _decided(request, dispute)


async def resolve_dispute(request: Request) -> Answer:
    """`POST /_sim/orders/{id}/dispute/resolve`: won, or lost and charged back."""
    from drsim.web.bodies import read
    from drsim.web.bodies.control import ResolutionBody

    body = await read(request, ResolutionBody)
    if body.outcome == "lost":
        return await _decided(request, lambda sale, context: lose(sale, body.amount, context))
    if body.amount is not None:
        raise invalid("amount", body.amount, "parameter of a dispute that is won")
    return await _decided(request, win)


async def close_review(request: Request) -> Answer:
    """`POST /_sim/orders/{id}/review`: the reviewer lets the order pass, or blocks it."""
    from drsim.web.bodies import read
    from drsim.web.bodies.control import ReviewBody

    body = await read(request, ReviewBody)
    return await _decided(request, pass_review if body.decision == "pass" else block)


async def _decided(request: Request, decide: Callable[[Sale, Context], Decision]) -> Answer:
    """The order once somebody has decided about it."""
    id = request.path_params["id"]
    desk.about_order(request, id)

    def action(work: Work) -> bytes:
        sale = work.sale(id)
        return work.save(decide(sale, work.context()), sale)

    return Answer(await desk.perform(request, action))
