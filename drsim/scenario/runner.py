"""Playing scenarios: one after the other or several at a time, each in a sandbox of its own, into results."""

import asyncio
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

from pydantic import ValidationError

from drsim.domain.values import value
from drsim.format.numbers import plain
from drsim.format.substitute import Unresolved, resolve
from drsim.format.translate import said
from drsim.scenario.client import Client
from drsim.scenario.failure import Failed
from drsim.scenario.files import File, sandbox_of
from drsim.scenario.play import Play
from drsim.scenario.receiver import Receiver
from drsim.scenario.results import Entry, Failure, ScenarioResult, StepResult, SuiteResult
from drsim.scenario.steps import kind_of
from drsim.scenario.steps.base import Step


@value
class Target:
    """The system under test: events go to `webhook`, signed with `token`; it uses one `sandbox` for all scenarios."""

    webhook: str
    token: str
    sandbox: str


@value
class Settings:
    """How a suite is played: so many at a time, to the end or to the first failure, keeping all timelines or not."""

    jobs: int = 1
    fail_fast: bool = False
    timelines: bool = False
    seed: int | None = None
    """Goes into the seeds of scenarios that have none of their own, beside their names."""
    target: Target | None = None


class Runner:
    """Plays scenario files. `told` hears of each result as it comes."""

    def __init__(
        self,
        client: Client,
        receiver: Receiver,
        settings: Settings,
        told: Callable[[ScenarioResult], None] = lambda result: None,
    ) -> None:
        self._client = client
        self._receiver = receiver
        self._settings = settings
        self._told = told
        self._stopped = False
        self._former: frozenset[str] = frozenset()

    async def play_all(self, files: Sequence[File]) -> SuiteResult:
        """Plays all of them; the results are in the order of the files, however many are played at a time.

        Cancelled, it returns what it has.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        # Whoever uses one sandbox for all cannot have two scenarios in it.
        places = asyncio.Semaphore(1 if self._settings.target else self._settings.jobs)

        async def played(file: File) -> ScenarioResult:
            async with places:
                if self._stopped:
                    return _skipped(file)
                result = await self._play(file)
            self._stopped = self._stopped or (self._settings.fail_fast and result.verdict == "failed")
            self._told(result)
            return result

        tasks = [asyncio.create_task(played(file)) for file in files]
        interrupted = False
        try:
            await asyncio.gather(*tasks)
        except asyncio.CancelledError:
            interrupted = True
            await asyncio.wait(tasks)
        results = [
            _skipped(file) if task.cancelled() else task.result() for file, task in zip(files, tasks, strict=True)
        ]
        return SuiteResult(tuple(results), loop.time() - started, interrupted)

    async def _play(self, file: File) -> ScenarioResult:
        target = self._settings.target
        sandbox = target.sandbox if target else sandbox_of(file.path)
        base = f"/{sandbox_of(file.path)}"
        play = Play(self._client, sandbox, self._receiver, base, self._former)
        loop = asyncio.get_running_loop()
        started = loop.time()
        self._receiver.forget(base)
        steps: list[StepResult] = []
        try:
            failure = await self._open(file, play) or await self._take_steps(file, play, steps)
            timeline = failure.timeline if failure else await self._timeline(play)
            if target:
                await play.look()
                self._former |= play.ids()
        finally:
            self._receiver.forget(base)
        return ScenarioResult(
            name=file.scenario.name,
            place=file.place,
            tags=file.scenario.tags,
            verdict="failed" if failure else "passed",
            seconds=loop.time() - started,
            steps=tuple(steps),
            failure=failure,
            timeline=timeline,
        )

    async def _open(self, file: File, play: Play) -> Failure | None:
        try:
            if self._settings.target:
                await play.control("POST", "/reset")
            await play.open(self._world(file, play.base))
        except Failed as failed:
            return Failure(file.place, None, len(file.scenario.steps), (), failed.summary, failed.details, ())
        return None

    def _world(self, file: File, base: str) -> dict[str, Any]:
        """The world as drsim is to make it: with a seed, and with webhooks that have an address."""
        world = file.loaded.world()
        world.setdefault("seed", _seed(file.scenario.name, self._settings.seed))
        given = dict(world.get("given") or {})
        target = self._settings.target
        webhooks = given.get("webhooks") or ([{}] if target else [])
        made = []
        for number, webhook in enumerate(webhooks, 1):
            own = f"{self._receiver.url}{base}/{webhook.get('as') or number}"
            usual = {"address": target.webhook, "token": target.token} if target else {"address": own}
            made.append({**usual, **{key: each for key, each in webhook.items() if each is not None}})
        return {**world, "given": {**given, "webhooks": made}}

    async def _take_steps(self, file: File, play: Play, results: list[StepResult]) -> Failure | None:
        loop = asyncio.get_running_loop()
        written = file.loaded.values.get("steps") or ()
        for index, (step, values) in enumerate(zip(file.scenario.steps, written, strict=True)):
            started = loop.time()
            place, title = file.step_place(index), _title(step, values)
            try:
                seen = await _take(play, values)
            except Failed as failed:
                results.append(StepResult(place, title, "failed", failed.summary, loop.time() - started))
                source, total = tuple(file.step_source(index)), len(written)
                timeline = await play.timeline()
                return Failure(place, index + 1, total, source, failed.summary, failed.details, timeline)
            results.append(StepResult(place, title, "passed", seen, loop.time() - started))
        return None

    async def _timeline(self, play: Play) -> tuple[Entry, ...]:
        return await play.timeline() if self._settings.timelines else ()


def _seed(name: str, more: int | None) -> int:
    text = name if more is None else f"{name}/{more}"
    return int.from_bytes(blake2b(text.encode(), digest_size=7).digest())


def _skipped(file: File) -> ScenarioResult:
    return ScenarioResult(file.scenario.name, file.place, file.scenario.tags, "skipped")


async def _take(play: Play, written: Any) -> str:
    """Takes one step, with everything known by now in its place. Raises `Failed`."""
    try:
        values = plain(resolve(written, play.names))
        step = kind_of(values).model_validate(values)
    except Unresolved as error:
        raise Failed(f"{error}.") from error
    except ValidationError as error:
        details = [said(each, kind_of(values)) for each in error.errors(include_url=False)]
        raise Failed(
            "The step does not fit any more:", [f"  found {each[0]}, expected {each[1]}" for each in details]
        ) from error
    return await step.run(play, values)


def _title(step: Step, written: Any) -> str:
    if step.name:
        return step.name
    value = written[step.kind]
    return f"{step.kind}: {value}" if isinstance(value, str | int | float) else step.kind
