"""The scheduler: wakes what is due, sends the deliveries that are due, and moves the clock.

Nothing here remembers work: what is due stands in the store, timers and tasks only make somebody look. Each webhook
is a lane: its events go out one after the other in order, and a slow one delays nobody else.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NamedTuple, TypeVar

from drsim.domain.clock import Clock, Time
from drsim.domain.faults import Mishap
from drsim.domain.refusal import Refused
from drsim.domain.values import replace
from drsim.domain.webhooks import Attempt, Webhook, seal
from drsim.engine import records
from drsim.engine.delivery import Sender
from drsim.engine.faults import UNHARMED, Turn, can_strike, take_turn
from drsim.engine.places import Places
from drsim.engine.recording import Recorder
from drsim.engine.sandbox import Sandbox
from drsim.engine.simulator import Simulator
from drsim.engine.subscriptions import give_up_deliveries
from drsim.engine.work import Work
from drsim.store import DueDelivery

T = TypeVar("T")

_AT_ONCE, _UNSAVED = 8, 64
"""So many due deliveries of a lane are fetched at a time, and of so many that were sent it may be unsaved what came."""

_LONGEST_TIMER = 3600.0


class Scheduler:
    """Keeps every sandbox moving: by itself where time runs, up to the present where it stands still."""

    def __init__(self, simulator: Simulator, sender: Sender) -> None:
        self._simulator = simulator
        self._sender = sender
        self._recorder = Recorder(simulator)
        self._places = Places()
        self._lanes: dict[tuple[Sandbox, str], asyncio.Task[None]] = {}
        self._timers: dict[str, _Timer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._moving: set[Sandbox] = set()
        self._stopped = False
        simulator.stirred = self._stirred

    async def start(self) -> None:
        """Picks up what a former process has left due, and gives up what it was about to."""
        for name in self._simulator.store.reader.sandboxes():
            for webhook in await self._simulator.perform(name, Work.webhooks):
                if not webhook.enabled:
                    await give_up_deliveries(self._simulator, name, webhook.id)

    async def stop(self) -> None:
        """Stops; what is in flight is left due and goes out again next time, what has come back is saved."""
        self._stopped = True
        for timer in self._timers.values():
            timer.handle.cancel()
        while running := [*self._lanes.values(), *self._tasks]:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
        await self._recorder.finish()

    async def advance(self, name: str, to: Time) -> list[dict[str, str]]:
        """Moves a sandbox's time to `to`, letting everything due on the way happen in order, deliveries included.

        Returns what has happened. Raises `Refused` (409) while another move is under way in this sandbox: a receiver
        that moves the clock while the clock waits for it would wait for ever. Also when the sandbox is reset meanwhile.
        """
        async with self.moving(name) as move:
            await move.rest()  # what is still under way from before is not of this move
            await move.act(_begin_notes)
            await move.to(to)
            return await move.act(_end_notes)

    async def settle(self, name: str, until: Time | None) -> None:
        """Waits until nothing due is left and no delivery flies; with `until`, also runs what is due by then."""
        async with self.moving(name) as move:
            await move.rest()
            if until is not None:
                await move.through(until)

    def next_due(self, sandbox: Sandbox, webhooks: Iterable[Webhook]) -> Time | None:
        """When something next happens in a sandbox, if anything."""
        reader, number = self._simulator.store.reader, sandbox.number
        lanes = ["", *(webhook.id for webhook in webhooks if webhook.enabled)]
        dues = [due for lane in lanes if (due := reader.next_due(number, lane)) is not None]
        return min(dues, default=None)

    @asynccontextmanager
    async def moving(self, name: str) -> AsyncIterator["Move"]:
        """Keeps the clock of a sandbox for one mover. Raises `Refused` (409) while another has it."""
        sandbox = await self._simulator.sandbox(name)
        if sandbox in self._moving:
            raise Refused("conflict", "clock_in_motion", "The clock of this sandbox is already being moved.")
        self._moving.add(sandbox)
        try:
            yield Move(self, sandbox)
        finally:
            self._moving.discard(sandbox)
            self._stirred(sandbox, None)  # the timers still reckon with the time as it was

    async def _act(self, sandbox: Sandbox, action: Callable[[Work], T]) -> T:
        """Performs an action in this life of a sandbox. Raises `Refused` when it was reset meanwhile."""

        def checked(work: Work) -> T:
            if work.sandbox is not sandbox:
                raise Refused("conflict", "sandbox_reset", "The sandbox was reset meanwhile.")
            return action(work)

        return await self._simulator.perform(sandbox.name, checked)

    async def _move_through(self, sandbox: Sandbox, to: Time) -> None:
        while True:
            webhooks = await self._act(sandbox, Work.webhooks)
            due = self.next_due(sandbox, webhooks)
            if due is None or due > to:
                return
            await self._set_time(sandbox, due)
            await self._quiet(sandbox)

    async def _set_time(self, sandbox: Sandbox, time: Time) -> None:
        """Sets the clock forward, never back."""
        wall = self._simulator.wall()

        def action(work: Work) -> None:
            if time > work.sandbox.clock.now(wall):
                work.sandbox.clock = work.sandbox.clock.moved(time, wall)

        await self._act(sandbox, action)

    async def _quiet(self, sandbox: Sandbox) -> None:
        """Waits until everything due by now has happened and no delivery is in flight."""
        while True:
            webhooks = await self._act(sandbox, Work.webhooks)
            lanes = [self._lane(sandbox, webhook) for webhook in webhooks]
            flying = [lane for lane in lanes if lane is not None]
            if not flying:
                return
            await asyncio.wait(flying)

    def _stirred(self, sandbox: Sandbox, dues: Mapping[str, Time] | None) -> None:
        """After a commit: starts the lanes that have something due, and sets the timer for the rest.

        `dues` are the lanes that could have, with their earliest time; without it all are looked at.
        """
        if self._stopped or (dues is not None and not dues):
            return
        if sandbox.webhooks is None:
            self._spawn(self._look(sandbox.name))
            return
        for webhook in sandbox.webhooks:
            if dues is None or webhook.id in dues:
                self._lane(sandbox, webhook)
        self._set_timer(sandbox, dues)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self, name: str) -> None:
        await self._simulator.perform(name, Work.webhooks)
        sandbox = self._simulator.known(name)
        if sandbox is not None and sandbox.webhooks is not None:
            self._stirred(sandbox, None)

    def _set_timer(self, sandbox: Sandbox, dues: Mapping[str, Time] | None) -> None:
        """Sees to it that somebody looks when something is next due; lanes that are running look by themselves."""
        if sandbox.clock.rate == 0 or sandbox.webhooks is None:
            return
        if dues is None:
            idle = [each for each in sandbox.webhooks if each.enabled and (sandbox, each.id) not in self._lanes]
            due = self.next_due(sandbox, idle)
        else:
            due = min((due for lane, due in dues.items() if (sandbox, lane) not in self._lanes), default=None)
        known = self._timers.get(sandbox.name)
        if due is None or (known and known.due <= due and known.clock is sandbox.clock):
            return
        if known:
            known.handle.cancel()
        seconds = sandbox.clock.until(due, self._simulator.wall()) or 0.0
        loop = asyncio.get_running_loop()
        handle = loop.call_later(min(seconds, _LONGEST_TIMER), self._timer_fired, sandbox.name)
        self._timers[sandbox.name] = _Timer(due, sandbox.clock, handle)

    def _timer_fired(self, name: str) -> None:
        self._timers.pop(name, None)
        self._spawn(self._look(name))

    def _lane(self, sandbox: Sandbox, webhook: Webhook) -> asyncio.Task[None] | None:
        """The task that sends what is due for one webhook, if anything is."""
        key = (sandbox, webhook.id)
        running = self._lanes.get(key)
        if running is not None or not webhook.enabled:
            return running
        due = self._due(sandbox, webhook)
        if not due:
            return None
        task = asyncio.create_task(self._run_lane(sandbox, webhook, due))
        self._lanes[key] = task
        return task

    def _due(self, sandbox: Sandbox, webhook: Webhook, unsaved: Iterable[int] = ()) -> list[DueDelivery]:
        """What is due for a webhook, the first of it, but for what was sent and is still being saved."""
        now = sandbox.clock.now(self._simulator.wall())
        return self._simulator.store.reader.due_deliveries(sandbox.number, webhook.id, now, _AT_ONCE, unsaved)

    async def _run_lane(self, sandbox: Sandbox, webhook: Webhook, due: list[DueDelivery]) -> None:
        unsaved: Unsaved = {}
        try:
            while due:
                await self._send(sandbox, webhook.id, due, unsaved)
                due = await self._following(sandbox, webhook.id, unsaved)
        finally:
            self._lanes.pop((sandbox, webhook.id), None)
        following = self._simulator.store.reader.next_due(sandbox.number, webhook.id)
        if following is not None and self._simulator.known(sandbox.name) is sandbox:
            self._stirred(sandbox, {webhook.id: following})

    async def _following(self, sandbox: Sandbox, webhook_id: str, unsaved: "Unsaved") -> list[DueDelivery]:
        """What is due next. That nothing is left, is said only once all that was sent is saved."""
        while True:
            while len(unsaved) > _UNSAVED:
                await _first_saved(unsaved)
            await self._simulator.courtesy.turn()
            present = await self._present(sandbox, webhook_id)
            if present and (due := self._due(sandbox, present, unsaved)):
                return due
            if not unsaved:
                return []
            await _first_saved(unsaved)

    async def _present(self, sandbox: Sandbox, webhook_id: str) -> Webhook | None:
        """The webhook as it is now; nothing if it is gone or disabled, or the sandbox was reset."""
        if sandbox.webhooks is None:
            await self._simulator.perform(sandbox.name, Work.webhooks)
        if self._simulator.known(sandbox.name) is not sandbox:
            return None
        return next((each for each in sandbox.webhooks or () if each.id == webhook_id and each.enabled), None)

    async def _send(self, sandbox: Sandbox, webhook_id: str, due: list[DueDelivery], unsaved: "Unsaved") -> None:
        """Sends what is due in order; outcomes are saved while the next ones are under way."""
        queue = deque(due)
        while queue and (webhook := await self._present(sandbox, webhook_id)):
            delivery = queue.popleft()
            turn = await self._turn(sandbox, webhook, delivery)
            if turn.waits:
                sandbox.overtaken[webhook_id] = delivery
            if not turn.goes:
                continue
            async with self._places.place((sandbox, webhook_id)):
                # It may have been disabled or changed while its fault was looked up or there was no place.
                present = await self._present(sandbox, webhook_id)
                if present is None:
                    return
                await self._simulator.courtesy.turn()
                attempts = await self._attempts(sandbox, present, delivery, turn.mishap)
            unsaved[delivery.number] = self._recorder.add(sandbox, delivery.id, attempts)
            if overtaken := sandbox.overtaken.get(webhook_id):
                later = [each for each in queue if each.id != overtaken.id]
                queue = deque([overtaken._replace(at=delivery.at), *later])

    async def _turn(self, sandbox: Sandbox, webhook: Webhook, delivery: DueDelivery) -> Turn:
        """What becomes of a delivery whose turn it is; to the store only where a fault has to do with it."""
        waiting = sandbox.overtaken.get(webhook.id)
        overtaken = waiting is not None and waiting.id == delivery.id
        if overtaken:
            del sandbox.overtaken[webhook.id]
        elif not can_strike(sandbox, webhook, delivery):
            return UNHARMED
        can_wait = waiting is None or overtaken
        turn = partial(take_turn, sandbox=sandbox, id=delivery.id, can_wait=can_wait)
        return await self._simulator.perform(sandbox.name, turn)

    async def _attempts(
        self, sandbox: Sandbox, webhook: Webhook, delivery: DueDelivery, mishap: Mishap | None
    ) -> tuple[Attempt, ...]:
        """The attempt proper, and the copies that a fault sends after it."""
        body = records.sent_body(delivery)
        attempts: list[Attempt] = []
        for copy in range(1 + (mishap.effect.duplicate if mishap else 0)):
            wall = self._simulator.wall()
            signing = seal(webhook, sandbox.account, sandbox.clock.now(wall), wall)
            # The attempt counts as made when it was due, so that retries fall due at the same time in every run.
            attempt = await self._sender.attempt(webhook, body, delivery.at, signing, mishap, sandbox.tokens)
            attempts.append(replace(attempt, duplicate=True) if copy else attempt)
        if body is delivery.event:
            return tuple(attempts)
        # In an older version or expanded: the event on record does not tell what was sent.
        return tuple(each if each.sent is not None else replace(each, sent=body.decode()) for each in attempts)


class Move:
    """What the one who moves the clock of a sandbox can do. All of it raises `Refused` when the sandbox was reset."""

    def __init__(self, scheduler: Scheduler, sandbox: Sandbox) -> None:
        self._scheduler = scheduler
        self._sandbox = sandbox

    async def act(self, action: Callable[[Work], T]) -> T:
        """Performs an action in the sandbox."""
        return await self._scheduler._act(self._sandbox, action)

    async def rest(self) -> None:
        """Waits until everything due by now has happened and no delivery is in flight."""
        await self._scheduler._quiet(self._sandbox)

    async def through(self, time: Time) -> None:
        """Lets happen, in order, what is due by then; the clock stays at the last of it."""
        await self._scheduler._move_through(self._sandbox, time)

    async def to(self, time: Time) -> None:
        """Moves the clock, letting everything due on the way happen in order."""
        await self.through(time)
        await self._scheduler._set_time(self._sandbox, time)
        await self.rest()


Unsaved = dict[int, "asyncio.Future[None]"]
"""By the number of a delivery, what is done once what came of it is saved; in the order in which they were sent."""


async def _first_saved(unsaved: Unsaved) -> None:
    """Waits until what was sent first is saved, and leaves out all that is by then."""
    await asyncio.wait([next(iter(unsaved.values()))])
    for number in [number for number, saving in unsaved.items() if saving.done()]:
        unsaved.pop(number).result()


class _Timer(NamedTuple):
    """When somebody will look at a sandbox, by which clock that was reckoned, and how to call it off."""

    due: Time
    clock: Clock
    handle: asyncio.TimerHandle


def _begin_notes(work: Work) -> None:
    work.sandbox.fired = []


def _end_notes(work: Work) -> list[dict[str, str]]:
    fired, work.sandbox.fired = work.sandbox.fired or [], None
    return [what for *_, what in sorted(fired, key=lambda note: note[:3])]
