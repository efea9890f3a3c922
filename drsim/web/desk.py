"""What every route starts from: the simulator, the caller's sandbox brought up to the present, one public resource."""

from collections.abc import Callable
from typing import TypeVar, cast

from starlette.requests import Request

from drsim import versions
from drsim.domain.refusal import not_found
from drsim.engine.sandbox import Sandbox
from drsim.engine.simulator import Simulator
from drsim.engine.work import Work

T = TypeVar("T")

_MUCH = 16_000
"""From so many bytes on a body may take long."""


def simulator_of(request: Request) -> Simulator:
    """The server's simulator."""
    return cast(Simulator, request.app.state.simulator)


def sandbox_of(request: Request) -> Sandbox:
    """The sandbox of the caller's key, as it was when the call came in."""
    return cast(Sandbox, request.scope["drsim.sandbox"])


async def present(request: Request) -> tuple[Simulator, Sandbox]:
    """Simulator and sandbox, once everything due by now has happened: reading changes nothing, time does."""
    simulator, sandbox = simulator_of(request), sandbox_of(request)
    if simulator.is_behind(sandbox):
        sandbox = await simulator.perform(sandbox.name, lambda work: work.sandbox)
    return simulator, sandbox


async def perform(request: Request, action: Callable[[Work], T], *, long: bool = False) -> T:
    """Runs an action in the caller's sandbox. It may take `long`, as does whatever is asked for in many words."""
    long = long or _is_much(request)
    return await simulator_of(request).perform(sandbox_of(request).name, action, long=long)


async def public(request: Request, kind: str, resource: str) -> bytes:
    """The resource that the path names, in public form. Raises `Refused` (404)."""
    simulator, sandbox = await present(request)
    id = request.path_params["id"]
    found = simulator.store.reader.public(sandbox.number, kind, id)
    if found is None:
        raise not_found(resource, id)
    return found


def _is_much(request: Request) -> bool:
    """Whether a body is large, or nobody knows how large it is."""
    return "transfer-encoding" in request.headers or int(request.headers.get("content-length", 0)) > _MUCH


def is_shopper(request: Request) -> bool:
    """Whether the call comes from a shopper's browser, with the public key."""
    return bool(request.scope["drsim.role"] == "public")


def base(request: Request) -> str:
    """Where the caller has reached this server."""
    host = request.headers.get("host")
    return f"{request.url.scheme}://{host}" if host else simulator_of(request).base


def version_of(request: Request) -> str:
    """The dated API version that a call is answered in."""
    return cast(str, request.scope["drsim.version"])


def in_version(request: Request, kind: str, public: bytes) -> bytes:
    """A resource or an event in the API version that the call is answered in; for the control plane the latest."""
    return versions.in_version(kind, public, request.scope.get("drsim.version", "latest"))


def about_order(request: Request, order_id: str) -> None:
    """Says in the call log which order this call was about."""
    request.scope["drsim.order"] = order_id
