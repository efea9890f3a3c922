"""`drsim serve`: the server, the world it starts with, and what it says when it is up."""

import asyncio
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from drsim import __version__, bootstrap
from drsim.domain.clock import format_precise
from drsim.domain.events import TYPES
from drsim.domain.refusal import Refused
from drsim.engine import catalog
from drsim.engine.simulator import Work
from drsim.engine.subscriptions import subscribe
from drsim.store import StoreError

if TYPE_CHECKING:
    from drsim.world.models import World

_LOCAL = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `drsim serve`."""

    host: str
    port: int
    db: str | None
    scenarios: tuple[str, ...]
    webhook: str | None
    webhook_token: str | None
    rate: float
    seed: int | None
    api_keys: tuple[str, ...]
    control_token: str | None
    quiet: bool


async def serve(options: Options) -> int:
    """Serves until it is told to stop; returns the exit code."""
    settings = bootstrap.Settings(
        db=Path(options.db) if options.db else None,
        rate=options.rate,
        seed=options.seed,
        keys=options.api_keys,
        local=options.host in _LOCAL,
        control_token=options.control_token,
    )
    try:
        worlds = [_read_world(path) for path in options.scenarios]
        listening = bootstrap.listening(options.host, options.port)
    except (OSError, ValueError) as error:
        print(f"drsim: {error}", file=sys.stderr)
        return 3 if isinstance(error, OSError) else 2
    try:
        async with bootstrap.backend(settings) as running:
            server = bootstrap.http_server(running.app)
            serving = asyncio.create_task(server.serve([listening]))
            made = await _make_world(running, options, worlds)
            running.opened.set()
            await _announce(options, _url(options.host, listening.getsockname()[1]), running, made)
            await serving
    except StoreError as error:
        print(f"drsim: {error}", file=sys.stderr)
        return 3
    except Refused as refusal:
        print(f"drsim: the scenario cannot start: {refusal.parameter or refusal.code}: {refusal}", file=sys.stderr)
        return 2
    finally:
        listening.close()
    return 0


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


def _read_world(path: str) -> "World":
    """The world of a scenario file, with environment variables and the files it names in their places.

    Raises `OSError`, and `Unfit` (a `ValueError`) with every problem at its `file:line:column`.
    """
    from drsim.world.load import read

    folder = Path(path).parent
    text = Path(path).read_bytes().decode("utf-8", "replace")
    variables = bootstrap.environment()
    return read(text, path, variables, lambda name: (folder / name).read_text("utf-8", "replace"))


async def _make_world(running: bootstrap.Backend, options: Options, worlds: "list[World]") -> str:
    """Makes the world to start with and says in words what it is."""
    if not worlds:
        count = await running.perform_by_default(_stock_catalog)
        made = f"{count} orders of the catalog" if count else "as it was left"
    else:
        from drsim.world.make import make_world

        for world in worlds:
            await running.perform_by_default(partial(make_world, world=world, address=options.webhook))
        made = ", ".join(world.name for world in worlds)
    if options.webhook:
        await running.perform_by_default(lambda work: _register(work, options))
    return made


def _stock_catalog(work: Work) -> int:
    return 0 if work.sandbox.counters else catalog.stock(work)


def _register(work: Work, options: Options) -> None:
    """Registers --webhook for all events, unless a former run with this state has done so."""
    assert options.webhook is not None
    if all(webhook.address != options.webhook for webhook in work.webhooks()):
        subscribe(work, {"types": tuple(sorted(TYPES)), "address": options.webhook}, options.webhook_token)


async def _announce(options: Options, url: str, running: bootstrap.Backend, made: str) -> None:
    print(f"drsim {__version__} listens on {url}", flush=True)
    if options.quiet:
        return
    key = running.keys.ready_key
    clock = await running.perform_by_default(lambda work: work.sandbox.clock.mode)
    now = await running.perform_by_default(lambda work: format_precise(work.now))
    lines = {
        "key": key,
        "world": made,
        "clock": f"{clock}, {now}",
        "state": options.db or "goes with this process (--db PATH keeps it)",
        "control": f"{url}/_sim/health, see docs/control.md",
    }
    if options.webhook:
        secret = await running.perform_by_default(lambda work: _secret(work, options))
        lines["webhook"] = options.webhook
        lines["webhook token"] = str(secret)
    lines["try"] = f"curl -u {key}: '{url}/orders?limit=1'"
    for name, text in lines.items():
        print(f"  {name:<14} {text}", flush=True)


def _secret(work: Work, options: Options) -> str:
    return next(webhook.secrets[0] for webhook in work.webhooks() if webhook.address == options.webhook)
