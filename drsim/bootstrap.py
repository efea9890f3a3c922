"""Where everything is put together: the composition root."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from drsim import machine
from drsim.domain.addresses import Hosts, read_address
from drsim.domain.clock import Clock, parse_time
from drsim.domain.values import value
from drsim.engine import records
from drsim.engine.delivery import Sender
from drsim.engine.scheduler import Scheduler
from drsim.engine.simulator import Simulator
from drsim.engine.transport import Network, check_certificates
from drsim.engine.work import Work
from drsim.options import RunOptions, ServeOptions
from drsim.store import Store
from drsim.web.app import application
from drsim.web.calls import CallLog
from drsim.web.front import Front
from drsim.web.gate import Gate
from drsim.web.keys import Keys

T = TypeVar("T")

SEEDED_START = parse_time("2024-01-01T00:00:00Z")
"""Where manual time starts when a seed asks for the same bytes every time."""


@value
class Settings:
    """What a server is started with. `db` is where its state survives; `rate` is the clock's.

    `base` is where others reach it.
    """

    db: Path | None = None
    rate: float = 1.0
    seed: int | None = None
    keys: tuple[str, ...] = ()
    local: bool = True
    control_token: str | None = None
    network: Network = Network()
    base: str = ""


@value
class Backend:
    """A backend that is put together and running, without a server around it."""

    simulator: Simulator
    keys: Keys

    async def perform_by_default(self, action: Callable[[Work], T]) -> T:
        """Runs an action, which may take long, in the default sandbox."""
        return await self.simulator.perform(self.keys.default_sandbox, action, long=True)


@asynccontextmanager
async def backend(settings: Settings, front: Front) -> AsyncIterator[Backend]:
    """A running backend behind `front`, which is to be opened once its world is made; closed in the end.

    Raises `StoreError` when the database cannot be used.
    """
    with machine.state_file(settings.db) as path:
        store = await Store.open(path, durable=settings.db is not None, types=records.TYPES)
        simulator = Simulator(store, machine.wall, _seeds(settings.seed), _clocks(settings))
        simulator.hosts = settings.network.hosts
        simulator.base = settings.base
        sender = Sender(settings.network, helper=machine.helper)
        scheduler = Scheduler(simulator, sender)
        calls = CallLog(simulator)
        front.leave = calls.leave
        keys = Keys(settings.keys)
        front.inside = Gate(
            application(simulator, scheduler, calls),
            simulator,
            keys,
            calls,
            machine.linger,
            local=settings.local,
            control_token=settings.control_token,
        )
        try:
            await scheduler.start()
            yield Backend(simulator, keys)
            await calls.flush()
        finally:
            await scheduler.stop()
            await sender.close()
            await store.close()


def network(options: ServeOptions | RunOptions) -> Network:
    """The network as the command line opens it: --webhook opens its own host. Raises `ValueError`."""
    if options.webhook_ca is not None:
        check_certificates(options.webhook_ca)
    own: tuple[str, ...] = ()
    if options.webhook:
        try:
            own = (read_address(options.webhook).host.rstrip("."),)
        except ValueError as error:
            raise ValueError(f"'{options.webhook}' is not an address that events can be sent to") from error
    return Network(Hosts((*options.webhook_hosts, *own)), options.webhook_ca, options.webhook_insecure)


def _seeds(seed: int | None) -> Callable[[str], int]:
    """The seed of each sandbox: from `seed` and its name, or by chance."""

    @cache  # a sandbox that is reset starts from the same seed again
    def seed_of(name: str) -> int:
        if seed is None:
            return machine.chance()
        return int.from_bytes(blake2b(f"{seed}/{name}".encode(), digest_size=8).digest())

    return seed_of


def _clocks(settings: Settings) -> Callable[[], Clock]:
    def clock_of() -> Clock:
        now = machine.wall()
        if settings.rate:
            return Clock(now, now, settings.rate)
        base = now - now % 1_000_000 if settings.seed is None else SEEDED_START
        return Clock(base, now, 0)

    return clock_of
