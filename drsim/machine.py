"""The machine drsim runs on: the only place that reads real time, chance and the environment, and opens sockets.

Imports little: a server answers its first health check before the rest of drsim is loaded.
"""

import asyncio
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from weakref import ref

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

LOCAL = ("127.0.0.1", "::1", "localhost")
"""The addresses of this machine that no other machine reaches."""


def environment() -> Mapping[str, str]:
    """The environment variables."""
    return os.environ


def wall() -> int:
    """Real time, in microseconds since 1970."""
    return time.time_ns() // 1_000


def chance() -> int:
    """64 bits that nobody can foresee."""
    return int.from_bytes(os.urandom(8))


def drop_output() -> None:
    """Nobody reads what is printed any more: the interpreter must not complain of that when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def pause(seconds: float) -> None:
    """Waits in real time."""
    time.sleep(seconds)


INTERRUPTED = 3
"""The exit code of a program that was told to stop before it was done."""


async def linger(seconds: float) -> None:
    """Waits in real time while others go on."""
    await asyncio.sleep(seconds)


class Connection(HttpToolsProtocol):
    """uvicorn's connection; `scope["drsim.drop"]` of each call closes it at once, without an answer."""

    def on_headers_complete(self) -> None:
        """A call has begun."""
        super().on_headers_complete()
        # Held weakly: a call that holds itself would stay until somebody looks for such cycles, which takes long.
        self.scope["drsim.drop"] = partial(_drop, ref(self), ref(self.cycle))  # type: ignore[typeddict-unknown-key]


def _drop(connection: "ref[Connection]", call: "ref[RequestResponseCycle]") -> None:
    here, cycle = connection(), call()
    if here is not None and cycle is not None:
        cycle.disconnected = True  # or uvicorn would make up an answer of its own
        here.transport.abort()


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

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finishes what is under way; calls that only wait for something to happen are told not to."""
        self.config.app.leave()  # type: ignore[union-attr]
        await super().shutdown(sockets)


def http_server(app: Any) -> Server:
    """A server for an application with a method `leave`: lean, without a log of its own (the call log is drsim's)."""
    return Server(
        uvicorn.Config(
            app,
            http=Connection,
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


@asynccontextmanager
async def serving(app: Any, listening: socket.socket) -> AsyncIterator[str]:
    """Serves an application on this socket meanwhile; gives its URL on this machine.

    Signals are for the program around it. When that is done, so is everybody who could be waiting for an answer:
    the server stops at once instead of looking round for a while.
    """
    server = http_server(app)
    server.capture_signals = nullcontext  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(server.serve([listening]))
    try:
        yield url(listening)
    finally:
        task.cancel()
        await asyncio.wait([task])
        app.leave()
        for each in server.servers:
            each.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        if server.server_state.tasks:
            await asyncio.wait(server.server_state.tasks, timeout=1)


def listening(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(2_048)
    except OSError:
        bound.close()
        raise
    return bound


def url(listening: socket.socket) -> str:
    """Where a listening socket is reached from this machine."""
    host, port = listening.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


@contextmanager
def helper() -> Iterator[socket.socket]:
    """A process that runs `drsim.helper`, by the connection with it; afterwards it is gone. Raises `OSError`."""
    import subprocess

    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            # The program text finds drsim where this process has found it, wherever it was started.
            text = f"import sys; sys.path[:] = {sys.path!r}; from drsim.helper import main; main({theirs.fileno()})"
            process = subprocess.Popen(
                [sys.executable, "-c", text],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                process_group=0,  # Ctrl-C is for the server, which then ends this one
            )
        try:
            yield ours
        finally:
            process.kill()
            process.wait()


def run(main: "Callable[[], object]") -> int:
    """Runs an asynchronous main function and returns its exit code. SIGINT and SIGTERM cancel it."""
    # What takes long runs on the database thread, which must not hold the event loop up for the usual 5 ms.
    # Calls leave no cycles behind, and values are kept by the thousand: looking for cycles among them takes 50 ms.
    gc.set_threshold(200_000, 10, 10)
    sys.setswitchinterval(0.0005)
    try:
        if sys.platform == "win32":
            return int(asyncio.run(main()))  # type: ignore[arg-type]
        import uvloop

        return int(uvloop.run(_heeding_signals(main)))
    except (asyncio.CancelledError, KeyboardInterrupt):
        return INTERRUPTED


async def _heeding_signals(main: "Callable[[], Any]") -> Any:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await main()


@contextmanager
def state_file(db: Path | None) -> Iterator[Path]:
    """Where the state is kept: `db`, or a file that goes with the process."""
    if db is not None:
        yield db
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="drsim-") as folder:
        yield Path(folder) / "state.db"
