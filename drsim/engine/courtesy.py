"""Calls of the API go first: what drsim does by itself steps aside while one is being answered."""

import asyncio
import os
import types
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress

_LONGEST = 0.02
"""So many real seconds at most something steps aside at a time: a call that takes long must not stop everything."""

_LATELY = 0.05
"""For so many real seconds after a call another one is expected."""

_ROUNDS = 8
"""So many rounds of the event loop something steps aside for calls that are answered within one."""

give_way: Callable[[], None] = getattr(os, "sched_yield", lambda: None)
"""Lets another process that waits for this processor have it. A burst of work, in small steps even, would be taken for
one: who has just been answered, and is to go on with that, waited milliseconds for its end."""


@types.coroutine
def _round() -> Generator[None, None, None]:
    """One round of the event loop: all others that have something to do get to it."""
    yield


class Courtesy:
    """Who waits for a turn gets it when no call is under way, one after the other, so that none comes in a crowd."""

    def __init__(self) -> None:
        self._calls = 0
        self._count = 0
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._door = asyncio.Lock()
        self._last = 0.0

    @contextmanager
    def call(self) -> Iterator[None]:
        """Meanwhile a call is being answered."""
        self._calls += 1
        self._count += 1
        self._nobody.clear()
        try:
            yield
        finally:
            self._calls -= 1
            self._last = asyncio.get_running_loop().time()
            if not self._calls:
                self._nobody.set()

    @property
    def is_called_for(self) -> bool:
        """Whether a call is being answered, or was a moment ago: the next one is to be expected."""
        return bool(self._calls) or asyncio.get_running_loop().time() - self._last < _LATELY

    async def turn(self) -> None:
        """Waits for a moment without calls, but not for long."""
        async with self._door:
            # A call that came in during the last turn is read, answered and sent in rounds of the event loop.
            await _round()
            for _ in range(_ROUNDS):
                before = self._count
                await _round()
                if before == self._count:
                    break
            give_way()
            if self._calls:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._nobody.wait(), _LONGEST)
