"""The world a server starts with, and what it says when it is up."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from drsim import __version__, machine
from drsim.bootstrap import Backend
from drsim.domain.clock import format_precise
from drsim.domain.events import TYPES
from drsim.engine import catalog
from drsim.engine.subscriptions import subscribe
from drsim.engine.work import Work
from drsim.options import ServeOptions

if TYPE_CHECKING:
    from drsim.format.models import World


def read_world(path: str, webhook: str | None) -> "World":
    """The world of a scenario file, with environment variables and the files it names in their places.

    `${WEBHOOK_URL}` is the endpoint that `--webhook` names, if it does.

    Raises `OSError`, and `Unfit` (a `ValueError`) with every problem at its `file:line:column`.
    """
    from drsim.format.file import text_of
    from drsim.format.load import read

    folder = Path(path).parent
    variables = {**machine.environment(), **({"WEBHOOK_URL": webhook} if webhook else {})}
    return read(text_of(Path(path)), path, variables, lambda name: text_of(folder / name))


async def open_world(running: Backend, options: ServeOptions, worlds: "list[World]") -> str:
    """Makes the world to start with, unless there is one from an earlier run; says in words what it is."""
    if not await running.perform_by_default(lambda work: work.transaction.is_empty(work.sandbox.number)):
        made = "as it was left"
    elif worlds:
        from drsim.world.make import make_world

        for world in worlds:
            await running.perform_by_default(partial(make_world, world=world, address=options.webhook))
        made = ", ".join(world.name for world in worlds)
    else:
        made = f"{await running.perform_by_default(catalog.stock)} orders of the catalog"
    if options.webhook:
        await running.perform_by_default(lambda work: _register(work, options))
    return made


def _register(work: Work, options: ServeOptions) -> None:
    """Registers --webhook for all events, unless an earlier run with this state has done so."""
    assert options.webhook is not None
    if all(webhook.address != options.webhook for webhook in work.webhooks()):
        subscribe(work, {"types": tuple(sorted(TYPES)), "address": options.webhook}, options.webhook_token)


async def announcement(options: ServeOptions, url: str, running: Backend, made: str) -> list[str]:
    """The lines a server prints when it is up."""
    first = f"drsim {__version__} listens on {url}"
    if options.quiet:
        return [first]
    key = running.keys.ready_key
    lines = {
        "key": key,
        "world": made,
        "clock": await running.perform_by_default(
            lambda work: f"{work.sandbox.clock.mode}, {format_precise(work.now)}"
        ),
        "state": options.db or "goes with this process (--db PATH keeps it)",
        "control": f"{url}/_sim/clock (docs/control.md lists the others)",
    }
    if options.webhook:
        lines["webhook"] = options.webhook
        lines["webhook token"] = await running.perform_by_default(lambda work: _secret(work, options))
    lines["try"] = f"curl -u {key}: '{url}/orders?limit=1'"
    return [first, *(f"  {name:<14} {text}" for name, text in lines.items())]


def _secret(work: Work, options: ServeOptions) -> str:
    return next(webhook.secrets[0].text for webhook in work.webhooks() if webhook.address == options.webhook)
