"""Calls of the API go first: what drsim does by itself steps aside while one is being answered."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_LONGEST = 0.02
"""So many real seconds at most something steps aside at a time: a call that takes long must not stop everything."""

_LATELY = 0.05
"""For so many real seconds after a call another one is expected."""


class Courtesy:
    """Who waits for a turn gets it when no call is under way, one after the other, so that none comes in a crowd."""

    def __init__(self) -> None:
        self._calls = 0
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._door = asyncio.Lock()
        self._last = 0.0

    @contextmanager
    def call(self) -> Iterator[None]:
        """Meanwhile a call is being answered."""
        self._calls += 1
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
            if self._calls:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._nobody.wait(), _LONGEST)
