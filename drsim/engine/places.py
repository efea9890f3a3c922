"""How many attempts are under way at a time, and why slow receivers cannot take all the places."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager, nullcontext

PLACES = 64
"""So many attempts are under way at a time, those of all webhooks of all sandboxes together."""

FOR_THE_SLOW = 32
"""So many of the places may be taken for receivers that were slow the last time."""

_SLOW = 0.5
"""From how many real seconds on an attempt was slow."""


class Places:
    """Gives out places in the order in which they are asked for; the slow first need one of theirs."""

    def __init__(self, places: int = PLACES, for_the_slow: int = FOR_THE_SLOW) -> None:
        self._places = asyncio.Semaphore(places)
        self._for_the_slow = asyncio.Semaphore(for_the_slow)
        self._slow: set[Hashable] = set()

    @asynccontextmanager
    async def place(self, receiver: Hashable) -> AsyncIterator[None]:
        """A place for one attempt; how long that takes decides what `receiver` counts as the next time."""
        now = asyncio.get_running_loop().time
        async with self._for_the_slow if receiver in self._slow else nullcontext(), self._places:
            started = now()
            yield
            if now() - started < _SLOW:
                self._slow.discard(receiver)
            else:
                self._slow.add(receiver)
