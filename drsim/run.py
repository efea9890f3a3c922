"""`drsim run`, `drsim check` and `drsim schema`: scenarios as the verdict in CI, played by `drsim.scenario`."""

import asyncio
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from drsim import bootstrap, machine
from drsim.engine.transport import Network
from drsim.options import RunOptions
from drsim.scenario import choosing, files, reports
from drsim.scenario.client import Client, key
from drsim.scenario.files import File, sandbox_of
from drsim.scenario.progress import Progress
from drsim.scenario.receiver import Receiver
from drsim.scenario.results import SuiteResult
from drsim.scenario.runner import Runner, Settings, Target
from drsim.scenario.schema import scenario_schema
from drsim.web.front import Front
from drsim.web.keys import DEFAULT_SANDBOX

PASSED, FAILED, UNREADABLE, BROKEN = 0, 1, 2, 3
"""Exit codes: all passed, an expectation failed, wrong usage or an unreadable scenario, no way to run."""

_EXAMPLE_URL = "http://127.0.0.1:3774"


async def run(options: RunOptions) -> int:
    """Plays the scenarios at `options.paths`; returns the exit code."""
    try:
        receiving, serving = machine.listening("127.0.0.1", 0), machine.listening(options.host, options.port)
    except OSError as error:
        return _fail(f"cannot listen on {options.host} port {options.port}: {error.strerror}", BROKEN)
    with receiving, serving:
        try:
            network = bootstrap.network(options)
            read = _read(options, receiving, serving)
            suite = choosing.chosen(read, options.expression, options.tags)
        except (OSError, ValueError) as error:
            return _unreadable(error)
        if not suite:
            return _fail(f"no scenario to run in {', '.join(options.paths)}", UNREADABLE)
        if options.list:
            for file in suite:
                print(f"{file.place}: {file.scenario.name}{_tags(file)}")
            return PASSED
        try:
            return _tell(await _play(options, network, suite, receiving, serving), options)
        except OSError as error:
            return _fail(f"could not run: {error}", BROKEN)
        except asyncio.CancelledError:
            return _fail("interrupted", machine.INTERRUPTED)


def check(paths: Sequence[str], variables: Mapping[str, str]) -> int:
    """Reads scenario files without running them; prints every problem and returns the exit code."""
    known = _variables(machine.environment(), variables, None, _EXAMPLE_URL, _EXAMPLE_URL)
    try:
        read = files.read_all(files.found(paths), known)
    except (OSError, ValueError) as error:
        return _unreadable(error)
    if not read:
        return _fail(f"no scenario in {', '.join(paths)}", UNREADABLE)
    print(f"{len(read)} scenarios fit")
    return PASSED


def schema() -> int:
    """Prints the JSON Schema of scenario files; returns the exit code."""
    print(scenario_schema().decode())
    return PASSED


def _read(options: RunOptions, receiving: socket.socket, serving: socket.socket) -> list[File]:
    urls = machine.url(receiving), machine.url(serving)
    known = _variables(machine.environment(), options.variables, options.webhook, *urls)
    return files.read_all(files.found(options.paths), known)


def _variables(
    environment: Mapping[str, str], given: Mapping[str, str], webhook: str | None, receiver: str, api: str
) -> Any:
    """What `${NAME}` is in each file: what is given, then the environment, then what only this run knows."""

    def variables(path: str) -> dict[str, str]:
        sandbox = DEFAULT_SANDBOX if webhook else sandbox_of(path)
        own = {
            "WEBHOOK_URL": f"{receiver}/{sandbox_of(path)}",
            "API_URL": api,
            "API_KEY": key(sandbox),
            "PUBLIC_KEY": key(sandbox, "pk"),
        }
        return {**own, **environment, **({"WEBHOOK_URL": webhook} if webhook else {}), **given}

    return variables


async def _play(
    options: RunOptions, network: Network, suite: list[File], receiving: socket.socket, serving: socket.socket
) -> SuiteResult:
    target = Target(options.webhook, options.webhook_token, DEFAULT_SANDBOX) if options.webhook else None
    front = Front()
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        # Others may reach the API of a run, but never its control plane.
        token = f"{machine.chance():016x}"
        local = options.host in machine.LOCAL
        base = machine.url(serving)
        settings = bootstrap.Settings(rate=0, local=local, control_token=token, network=network, base=base)
        await enter(bootstrap.backend(settings, front))
        url = await enter(machine.serving(front, serving))
        front.opened.set()
        client, receiver = await enter(Client(url, token)), await enter(Receiver(receiving))
        seed = options.seed
        if target:
            # A system under test remembers ids: they must not come again with the next run.
            seed = machine.chance() >> 32 if seed is None else seed
            print(f"API {url}, key sk_test_{target.sandbox}; events go to {target.webhook}, signed with {target.token}")
            print(f"Ids repeat with --seed {seed}", flush=True)
        progress = stack.enter_context(Progress(len(suite), "NO_COLOR" not in machine.environment()))
        manner = Settings(
            jobs=options.jobs,
            fail_fast=options.fail_fast,
            timelines=bool(options.junit or options.json),
            seed=seed,
            target=target,
        )
        return await Runner(client, receiver, manner, progress.told).play_all(suite)


def _tell(suite: SuiteResult, options: RunOptions) -> int:
    for result in suite.scenarios:
        if result.failure:
            print(f"\n{reports.explained(result)}")
    print(f"\n{reports.summary(suite)}")
    for path, report in ((options.junit, reports.junit), (options.json, reports.as_json)):
        if path:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_bytes(report(suite))
    if suite.interrupted:
        return _fail("interrupted", machine.INTERRUPTED)
    return PASSED if suite.passed else FAILED


def _tags(file: File) -> str:
    return f"  [{', '.join(file.scenario.tags)}]" if file.scenario.tags else ""


def _unreadable(error: OSError | ValueError) -> int:
    told = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)
    return _fail(told, UNREADABLE)


def _fail(message: str, code: int) -> int:
    print(f"drsim: {message}" if code != UNREADABLE else message, file=sys.stderr)
    return code
