"""Making orders, rules and whole worlds through the control plane, in the format of scenario files."""

from starlette.requests import Request

from drsim.web.answers import Answer


async def create_order(request: Request) -> Answer:
    raise NotImplementedError


async def load_scenario(request: Request) -> Answer:
    raise NotImplementedError


async def list_rules(request: Request) -> Answer:
    raise NotImplementedError


async def create_rule(request: Request) -> Answer:
    raise NotImplementedError


async def delete_rule(request: Request) -> Answer:
    raise NotImplementedError
