"""The simulator: runs one action of one sandbox at its time, in one transaction.

`Simulator.perform` is the one way to change anything. Before the action, everything that is due by now happens, each
thing at its own due time; so the history is the same however late the process is.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

from drsim.domain.addresses import Hosts
from drsim.domain.clock import Clock, Time
from drsim.domain.faults import Fault, Occasion, strike
from drsim.domain.refusal import Refused
from drsim.domain.values import replace
from drsim.engine.courtesy import Courtesy
from drsim.engine.sandbox import Sandbox
from drsim.engine.work import Work
from drsim.store import Store, Transaction

T = TypeVar("T")


def _told(refusal: Refused) -> Callable[[Work], None]:
    """What remains of a refusal."""

    def action(work: Work) -> None:
        if refusal.rules is not None:
            work.save_rules(refusal.rules)
        # Their ids were given back with everything else.
        work.tell(replace(event, id=work.sandbox.new_id("event")) for event in refusal.events)

    return action


class Simulator:
    """All sandboxes of one store. `wall` reads real time, `chance` gives a seed, `clock` says how time starts."""

    def __init__(
        self, store: Store, wall: Callable[[], Time], seed_of: Callable[[str], int], clock_of: Callable[[], Clock]
    ) -> None:
        self.store = store
        self.wall = wall
        self._seed_of = seed_of
        self._clock_of = clock_of
        self._sandboxes: dict[str, Sandbox] = {}
        self.courtesy = Courtesy()
        """What lets calls of the API go before deliveries."""
        self.hosts = Hosts()
        """The hosts that webhooks may go to beside those of local networks."""
        self.base = ""
        """Where others reach this server: what the addresses of documents in orders and events begin with."""
        self.stirred: Callable[[Sandbox, Mapping[str, Time] | None], None] = lambda sandbox, dues: None
        """Told on the event loop after every commit: by lane, when what was saved wakes; nothing of a sandbox that was
        just loaded, where anything may be due."""
        store.lost = self._sandboxes.clear

    def known(self, name: str) -> Sandbox | None:
        """The sandbox if it is loaded; what is due in it by now may not have happened yet."""
        return self._sandboxes.get(name)

    async def sandbox(self, name: str) -> Sandbox:
        """The sandbox of this name, made on first use."""
        known = self._sandboxes.get(name)
        return known if known is not None else await self.perform(name, lambda work: work.sandbox)

    async def perform(self, name: str, action: Callable[[Work], T], *, long: bool = False) -> T:
        """Runs `action` at the sandbox's present time, after everything due by then, and commits all of it.

        Raises the `Refused` that the action raises: then nothing has changed, but the events that come with the
        refusal are told and the rules that were asked on the way are used up. For `long` see `Store.run`.
        """
        try:
            return await self.start(name, action, long=long)
        except Refused as refusal:
            if refusal.events or refusal.rules is not None:
                await self.start(name, _told(refusal))
            raise

    def start(
        self, name: str, action: Callable[[Work], T], *, hurry: bool = True, long: bool = False
    ) -> "asyncio.Future[T]":
        """Begins to `perform` an action, now or when it is its turn; of what it refuses nothing at all remains.

        For `hurry` and `long` see `Store.run`.
        """
        dues: Mapping[str, Time] | None = None

        def act(transaction: Transaction) -> T:
            nonlocal dues
            result, dues = self._run(transaction, name, action)
            return result

        def committed() -> None:
            sandbox = self._sandboxes.get(name)
            if sandbox is not None:
                self.stirred(sandbox, dues)

        return self.store.run(act, committed, hurry=hurry, long=long or self._much_is_due(name))

    async def strike(self, sandbox: Sandbox, occasion: Occasion) -> Fault | None:
        """The fault that strikes now; that it is used up is committed before it is told."""
        known = sandbox.faults
        if known is not None:
            fault, after = strike(known, occasion)
            if after is known:
                return fault
        return await self.perform(sandbox.name, lambda work: work.strike(occasion))

    def is_behind(self, sandbox: Sandbox) -> bool:
        """Whether something is due that has not happened yet."""
        return sandbox.due is not None and sandbox.due <= sandbox.clock.now(self.wall())

    def _much_is_due(self, name: str) -> bool:
        """Whether so much has to happen first that the event loop is better not held up by it."""
        sandbox = self._sandboxes.get(name)
        if sandbox is None:
            return True
        return self.is_behind(sandbox) and self.store.reader.many_due(
            sandbox.number, "", sandbox.clock.now(self.wall())
        )

    def _fresh(self, name: str, number: int) -> Sandbox:
        return Sandbox(name, number, self._seed_of(name), self._clock_of(), faults=())

    async def reset(self, name: str) -> Sandbox:
        """Empties a sandbox, its ids, settings and clock included."""

        def action(work: Work) -> Sandbox:
            number = work.sandbox.number
            work.transaction.empty_sandbox(number)
            sandbox = self._fresh(name, number)
            work.sandbox.over = True
            self._sandboxes[name] = sandbox
            return sandbox

        return await self.perform(name, action, long=True)

    def _run(
        self, transaction: Transaction, name: str, action: Callable[[Work], T]
    ) -> tuple[T, Mapping[str, Time] | None]:
        known = self._sandboxes.get(name)
        sandbox = known or self._load(transaction, name)
        before, noted, faults = sandbox.kept(), len(sandbox.fired or ()), sandbox.faults
        wall = self.wall()
        work = Work(transaction, sandbox, sandbox.now(wall), wall, self.hosts, self.base)
        try:
            if sandbox.due is not None and sandbox.due <= work.now:
                work.wake_due()
            result = action(work)
        except BaseException:
            # The store takes back what was written, so what is known of it must go too.
            if known is None:
                del self._sandboxes[name]
            sandbox.take_back(before)
            sandbox.faults = faults
            if sandbox.fired:
                del sandbox.fired[noted:]
            raise
        running = self._sandboxes[name]
        if known is None or running.kept()[:-1] != before[:-1]:
            transaction.save_sandbox(running.number, running.body)
        return result, None if known is None else work.dues

    def _load(self, transaction: Transaction, name: str) -> Sandbox:
        found = transaction.sandbox(name)
        if found:
            sandbox = Sandbox.of(name, *found)
            # Call ids are counted in memory: a new life of the process counts in a range of its own.
            sandbox.counters["loaded"] = sandbox.counters.get("loaded", 0) + 1
            sandbox.calls = sandbox.counters["loaded"] << 32
            sandbox.faults = tuple(transaction.all(sandbox.number, "fault"))
        else:
            sandbox = self._fresh(name, 0)
            sandbox.number = transaction.add_sandbox(name, sandbox.body())
        self._sandboxes[name] = sandbox
        return sandbox
