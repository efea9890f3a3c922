"""Calls of the API go first: what drsim does by itself steps aside while one is being answered."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_LONGEST = 0.02
"""So many real seconds at most something steps aside at a time: a call that takes long must not stop everything."""


class Courtesy:
    """Who waits for a turn gets it when no call is under way, one after the other, so that none comes in a crowd."""

    def __init__(self) -> None:
        self._calls = 0
        self._nobody = asyncio.Event()
        self._nobody.set()
        self._door = asyncio.Lock()

    @contextmanager
    def call(self) -> Iterator[None]:
        """Meanwhile a call is being answered."""
        self._calls += 1
        self._nobody.clear()
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls:
                self._nobody.set()

    async def turn(self) -> None:
        """Waits for a moment without calls, but not for long."""
        async with self._door:
            if self._calls:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._nobody.wait(), _LONGEST)
