"""Making orders, rules, faults and whole worlds through the control plane, in the format of scenario files."""

from typing import TYPE_CHECKING, Any

import orjson
from starlette.requests import Request

from drsim.domain.refusal import Refused, not_found
from drsim.engine.work import Work
from drsim.web import desk
from drsim.web.answers import Answer, answer

if TYPE_CHECKING:
    from drsim.format.problems import Problem, Unfit


async def create_order(request: Request) -> Answer:
    """`POST /_sim/orders`: an order from a specification as in `given.orders[]`; its events go out."""
    from drsim.format.models import OrderModel
    from drsim.web.bodies import fitted, json_of
    from drsim.world.make import make_order

    model = fitted(OrderModel, await json_of(request))
    return Answer(await desk.perform(request, lambda work: make_order(work, model)), 201)


async def load_scenario(request: Request) -> Answer:
    """`POST /_sim/scenario`: a world as YAML or JSON; answers the aliases with what they stand for."""
    from drsim.format.load import read
    from drsim.format.problems import Unfit
    from drsim.web.bodies import malformed, text_of
    from drsim.world.make import make_world

    try:
        text = (await text_of(request)).decode()
    except UnicodeDecodeError as error:
        raise malformed() from error
    try:
        world = read(text)
    except Unfit as unfit:
        raise unfitting(unfit) from unfit
    return answer(await desk.perform(request, lambda work: make_world(work, world), long=True))


async def list_rules(request: Request) -> Answer:
    """`GET /_sim/behavior`: the behavior rules in force, in the order in which they are tried."""
    return answer({"data": await desk.perform(request, _rules)})


async def create_rule(request: Request) -> Answer:
    """`POST /_sim/behavior`: one more rule, tried after the others."""
    from drsim.format.models import RuleModel
    from drsim.web.bodies import fitted, json_of
    from drsim.world.make import make_rule

    model = fitted(RuleModel, await json_of(request))
    return Answer(await desk.perform(request, lambda work: make_rule(work, model, {})), 201)


async def delete_rule(request: Request) -> Answer:
    """`DELETE /_sim/behavior/{id}`."""
    await desk.perform(request, lambda work: _delete(work, "rule", request.path_params["id"]))
    return Answer(b"", 204)


async def list_faults(request: Request) -> Answer:
    """`GET /_sim/faults`: the faults in force, in the order in which they are tried."""
    return answer({"data": await desk.perform(request, _faults)})


async def create_fault(request: Request) -> Answer:
    """`POST /_sim/faults`: one more fault, tried after the others."""
    from drsim.format.models import FaultModel
    from drsim.web.bodies import fitted, json_of
    from drsim.world.make import make_fault

    # A null in the body of an answer is meant to be there.
    model = fitted(FaultModel, await json_of(request), nulls=True)
    return Answer(await desk.perform(request, lambda work: make_fault(work, model, {})), 201)


async def delete_fault(request: Request) -> Answer:
    """`DELETE /_sim/faults/{id}`."""
    await desk.perform(request, lambda work: _delete(work, "fault", request.path_params["id"]))
    return Answer(b"", 204)


def unfitting(unfit: "Unfit") -> Refused:
    """All problems of a scenario, each as one element of `errors[]`."""
    first, *others = (_refusal(problem) for problem in unfit.problems)
    first.others = tuple(others)
    return first


def _refusal(problem: "Problem") -> Refused:
    from drsim.web.bodies import dotted

    return Refused("bad_request", "invalid_parameter", str(problem), dotted(problem.path) or None)


def _rules(work: Work) -> list[Any]:
    return [_shown(work, "rule", rule.id) for rule in work.rules()]


def _faults(work: Work) -> list[Any]:
    return [_shown(work, "fault", fault.id) for fault in work.faults()]


def _shown(work: Work, kind: str, id: str) -> orjson.Fragment:
    return orjson.Fragment(work.transaction.public(work.sandbox.number, kind, id) or b"{}")


def _delete(work: Work, kind: str, id: str) -> None:
    if work.get(kind, id) is None:
        raise not_found(kind.capitalize(), id)
    work.delete(kind, id)
