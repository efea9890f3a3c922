"""`drsim serve`: listens and answers its health check first, and only then loads the rest of drsim."""

import asyncio
import socket
import sys
from importlib import import_module
from pathlib import Path

from drsim import machine
from drsim.options import ServeOptions
from drsim.web.front import Front

STOPPED, UNREADABLE, BROKEN = 0, 2, 3
"""Exit codes: stopped when told to, a scenario that cannot be read or made, no way to run at all."""


async def serve(options: ServeOptions) -> int:
    """Serves until it is told to stop; returns the exit code."""
    try:
        listening = machine.listening(options.host, options.port)
    except OSError as error:
        return _fail(f"cannot listen on {options.host} port {options.port}: {error.strerror}", BROKEN)
    front = Front()
    server = machine.http_server(front)
    serving = asyncio.create_task(server.serve([listening]))
    try:
        # In a thread, so that the server can answer meanwhile.
        await asyncio.to_thread(import_module, "drsim.opening")
        return await _open(options, front, listening, serving)
    finally:
        server.should_exit = True
        front.opened.set()
        await serving
        listening.close()


async def _open(options: ServeOptions, front: Front, listening: socket.socket, serving: "asyncio.Task[None]") -> int:
    from drsim import bootstrap, opening
    from drsim.domain.refusal import Refused
    from drsim.store import StoreError

    try:
        settings = bootstrap.Settings(
            db=Path(options.db) if options.db else None,
            rate=options.rate,
            seed=options.seed,
            keys=options.api_keys,
            local=options.host in machine.LOCAL,
            control_token=options.control_token,
            network=bootstrap.network(options),
            base=options.public_url or machine.url(listening),
        )
        worlds = [opening.read_world(path, options.webhook) for path in options.scenarios]
    except (OSError, ValueError) as error:
        return _fail(str(error), UNREADABLE)
    try:
        async with bootstrap.backend(settings, front) as running:
            made = await opening.open_world(running, options, worlds)
            front.opened.set()
            url = machine.url(listening)
            for line in await opening.announcement(options, url, running, made):
                print(line, flush=True)
            await serving
    except StoreError as error:
        return _fail(str(error), BROKEN)
    except Refused as refusal:
        where = f" ({refusal.parameter})" if refusal.parameter else ""
        return _fail(f"the scenario cannot start: {refusal.message}{where}", UNREADABLE)
    return STOPPED


def _fail(message: str, code: int) -> int:
    print(f"drsim: {message}", file=sys.stderr)
    return code
