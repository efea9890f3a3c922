"""`drsim serve`: the server, the world it starts with, and what it says when it is up."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drsim import __version__, bootstrap
from drsim.domain.refusal import Refused
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
            _announce(options, listening.getsockname()[1], running, made)
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


def _read_world(path: str) -> "World":
    raise NotImplementedError


async def _make_world(running: bootstrap.Backend, options: Options, worlds: "list[World]") -> str:
    """Makes the world to start with and says in words what it is."""
    if not worlds:
        await bootstrap.stock_catalog(running)
    return "catalog"


def _announce(options: Options, port: int, running: bootstrap.Backend, made: str) -> None:
    host = f"[{options.host}]" if ":" in options.host else options.host
    print(f"drsim {__version__} listens on http://{host}:{port}", flush=True)
