"""Saving what came of attempts: their deliveries, and the webhooks that keep failing."""

import asyncio
from collections import deque
from functools import partial
from typing import NamedTuple

from drsim.domain.webhooks import Attempt, Delivery, Webhook, attempted, given_up, observed
from drsim.engine import records
from drsim.engine.sandbox import Sandbox
from drsim.engine.simulator import Simulator
from drsim.engine.subscriptions import disable_failing, give_up_deliveries, save_webhook
from drsim.engine.work import Work

Outcome = tuple[str, tuple[Attempt, ...]]
"""The id of a delivery, and what was sent: the attempt proper, and the copies that a fault has sent after it."""

_AT_ONCE, _BETWEEN_CALLS = 8, 1
"""So many outcomes are saved in one go, and so many while there are calls: they wait behind what is being saved."""

_IN_A_COMMIT = 2
"""After so many such steps they are committed, in a step of its own."""


class Recorder:
    """Saves outcomes, those of all webhooks together."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._waiting: deque[_Unsaved] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._saving: set[asyncio.Task[None]] = set()

    def add(self, sandbox: Sandbox, delivery_id: str, attempts: tuple[Attempt, ...]) -> "asyncio.Future[None]":
        """Takes one more outcome; what it returns is done once that is saved."""
        saved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Unsaved(sandbox, (delivery_id, attempts), saved))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        return saved

    async def finish(self) -> None:
        """Waits until all outcomes are saved."""
        while running := [*self._saving, *([self._writing] if self._writing else ())]:
            await asyncio.wait(running)

    async def _write(self) -> None:
        try:
            steps = 0
            while self._waiting:
                await self._simulator.courtesy.turn()
                most = _BETWEEN_CALLS if self._simulator.courtesy.is_called_for else _AT_ONCE
                batch = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
                by_sandbox: dict[Sandbox, list[_Unsaved]] = {}
                for each in batch:
                    by_sandbox.setdefault(each.sandbox, []).append(each)
                for sandbox, theirs in by_sandbox.items():
                    action = partial(_record, sandbox=sandbox, outcomes=[each.outcome for each in theirs])
                    recording = self._simulator.start(sandbox.name, action, hurry=False)
                    saving = asyncio.create_task(self._save(sandbox, theirs, recording))
                    self._saving.add(saving)
                    saving.add_done_callback(self._saving.discard)
                steps += 1
                if steps == _IN_A_COMMIT or not self._waiting:
                    steps = 0
                    await self._simulator.courtesy.turn()
                    self._simulator.store.commit()
        finally:
            self._writing = None

    async def _save(self, sandbox: Sandbox, batch: list["_Unsaved"], recording: "asyncio.Future[list[str]]") -> None:
        """Tells those who wait once outcomes are on record, and webhooks that they disabled have nothing due."""
        try:
            for webhook_id in await recording:
                await give_up_deliveries(self._simulator, sandbox.name, webhook_id)
        except Exception as error:  # for those who wait
            for each in batch:
                each.saved.set_exception(error)
        else:
            for each in batch:
                each.saved.set_result(None)


class _Unsaved(NamedTuple):
    """An outcome that waits to be saved."""

    sandbox: Sandbox
    outcome: Outcome
    saved: "asyncio.Future[None]"


def _record(work: Work, sandbox: Sandbox, outcomes: list[Outcome]) -> list[str]:
    """Saves what came of attempts, unless the sandbox was reset since they were made.

    Returns the ids of the webhooks that are disabled by that.
    """
    disabled: list[str] = []
    if work.sandbox is not sandbox:
        return disabled
    for id, (attempt, *copies) in outcomes:
        delivery: Delivery | None = work.get("delivery", id)
        if delivery is None or delivery.state not in ("pending", "undelivered"):
            continue
        webhook: Webhook | None = work.get("webhook", delivery.webhook_id)
        if delivery.state == "pending" and (webhook is None or not webhook.enabled):
            delivery = given_up(delivery)  # as all that is left for it will be
        chance = sandbox.share(f"retry of {id}", delivery.tries) if sandbox.clock.rate else 0.5
        after = attempted(delivery, attempt, sandbox.account, tuple(copies), chance=chance)
        work.put(records.delivery_record(after))
        work.note_delivery(after, attempt, str(attempt.status) if attempt.error is None else attempt.error)
        if webhook is not None and _disables(work, webhook, attempt, failed=after.state == "failed"):
            disabled.append(webhook.id)
    return disabled


def _disables(work: Work, webhook: Webhook, attempt: Attempt, *, failed: bool) -> bool:
    """Saves what an attempt means for its webhook; whether that is disabled by it."""
    after = observed(webhook, attempt, work.sandbox.account, failed=failed)
    if webhook.enabled and not after.enabled:
        disable_failing(work, after, attempt.at)
        return True
    if after is not webhook:
        save_webhook(work, after)
    return False
