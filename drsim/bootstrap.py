"""Where everything is put together: the only place that builds things, reads real time, chance and the environment."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

import uvicorn
from starlette.types import ASGIApp

from drsim.domain.clock import Clock, Time, parse_time
from drsim.engine import records
from drsim.engine.delivery import Sender
from drsim.engine.scheduler import Scheduler
from drsim.engine.simulator import Simulator, Work
from drsim.store import Store
from drsim.web.app import application
from drsim.web.calls import CallLog
from drsim.web.gate import Gate
from drsim.web.keys import Keys

T = TypeVar("T")

SEEDED_START = parse_time("2024-01-01T00:00:00Z")
"""Where manual time starts when a seed asks for the same bytes every time."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server is started with. `db` is where its state survives; `rate` is the clock's."""

    db: Path | None = None
    rate: float = 1.0
    seed: int | None = None
    keys: tuple[str, ...] = ()
    local: bool = True
    control_token: str | None = None


@dataclass(frozen=True, slots=True)
class Backend:
    """A backend that is put together and running, without a server around it."""

    app: ASGIApp
    simulator: Simulator
    keys: Keys
    opened: asyncio.Event
    """Until it is set, calls other than the health check wait: the world is still being made."""

    async def perform_by_default(self, action: Callable[[Work], T]) -> T:
        """Runs an action in the default sandbox."""
        return await self.simulator.perform(self.keys.default_sandbox, action)


def environment() -> Mapping[str, str]:
    """The environment variables."""
    return os.environ


def wall() -> Time:
    """Real time, in microseconds since 1970."""
    return time.time_ns() // 1_000


def pause(seconds: float) -> None:
    """Waits in real time."""
    time.sleep(seconds)


@asynccontextmanager
async def backend(settings: Settings) -> AsyncIterator[Backend]:
    """A running backend; everything of it is closed in the end.

    Raises `StoreError` when the database cannot be used.
    """
    with _state_file(settings.db) as path:
        store = await Store.open(path, durable=settings.db is not None, types=records.TYPES)
        simulator = Simulator(store, wall, _seeds(settings.seed), _clocks(settings))
        sender = Sender()
        scheduler = Scheduler(simulator, sender)
        calls = CallLog(simulator)
        keys = Keys(settings.keys)
        opened = asyncio.Event()
        gate = Gate(
            application(simulator, scheduler, calls),
            simulator,
            keys,
            calls,
            opened,
            local=settings.local,
            control_token=settings.control_token,
        )
        try:
            await scheduler.start()
            yield Backend(gate, simulator, keys, opened)
            await calls.flush()
        finally:
            await scheduler.stop()
            await sender.close()
            await store.close()


class Server(uvicorn.Server):
    """uvicorn, with signals that end the program in order instead of being raised again afterwards."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM finish what is under way and stop."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._leave)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _leave(self) -> None:
        self.should_exit = True


def http_server(app: ASGIApp) -> Server:
    """A server for an application: lean, without a log of its own (the call log is drsim's)."""
    return Server(
        uvicorn.Config(
            app,
            http="httptools",
            loop="none",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=3,
        )
    )


def listening(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(2_048)
    except OSError:
        bound.close()
        raise
    return bound


def run(main: "Callable[[], object]") -> int:
    """Runs an asynchronous main function and returns its exit code."""
    # Two threads share the interpreter; the database's must not hold the event loop up for the usual 5 ms.
    sys.setswitchinterval(0.0005)
    if sys.platform == "win32":
        return int(asyncio.run(main()))  # type: ignore[arg-type]
    import uvloop

    return int(uvloop.run(main()))  # type: ignore[arg-type]


@contextmanager
def _state_file(db: Path | None) -> Iterator[Path]:
    if db is not None:
        yield db
        return
    with tempfile.TemporaryDirectory(prefix="drsim-") as folder:
        yield Path(folder) / "state.db"


def _seeds(seed: int | None) -> Callable[[str], int]:
    """The seed of each sandbox: from `seed` and its name, or by chance."""

    @cache  # a sandbox that is reset starts from the same seed again
    def seed_of(name: str) -> int:
        if seed is None:
            return int.from_bytes(os.urandom(8))
        return int.from_bytes(blake2b(f"{seed}/{name}".encode(), digest_size=8).digest())

    return seed_of


def _clocks(settings: Settings) -> Callable[[], Clock]:
    def clock_of() -> Clock:
        now = wall()
        if settings.rate:
            return Clock(now, now, settings.rate)
        base = now - now % 1_000_000 if settings.seed is None else SEEDED_START
        return Clock(base, now, 0)

    return clock_of
