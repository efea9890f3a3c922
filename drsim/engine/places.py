"""How many attempts are under way at a time, and why slow receivers cannot take all the places."""

import asyncio
from collections.abc import Hashable

PLACES = 64
"""So many attempts are under way at a time, those of all webhooks of all sandboxes together."""

FOR_THE_SLOW = 32
"""So many of the places may be taken for receivers that were slow the last time."""

_SLOW = 0.5
"""From how many real seconds on an attempt was slow."""


class Places:
    """Gives out places in the order in which they are asked for; the slow first need one of theirs."""

    def __init__(self, places: int = PLACES, for_the_slow: int = FOR_THE_SLOW) -> None:
        self.all = asyncio.Semaphore(places)
        self.for_the_slow = asyncio.Semaphore(for_the_slow)
        self.slow: set[Hashable] = set()

    def place(self, receiver: Hashable) -> "Place":
        """A place for one attempt; how long that takes decides what `receiver` counts as the next time."""
        return Place(self, receiver)


class Place:
    """One place, taken for as long as its `async with` lasts."""

    __slots__ = ("_places", "_receiver", "_since", "_slow")

    def __init__(self, places: Places, receiver: Hashable) -> None:
        self._places = places
        self._receiver = receiver
        self._slow = receiver in places.slow
        self._since = 0.0

    async def __aenter__(self) -> None:
        if self._slow:
            await self._places.for_the_slow.acquire()
        try:
            await self._places.all.acquire()
        except BaseException:
            self._leave_the_slow()
            raise
        self._since = asyncio.get_running_loop().time()

    async def __aexit__(self, *_: object) -> None:
        self._places.all.release()
        self._leave_the_slow()
        took = asyncio.get_running_loop().time() - self._since
        (self._places.slow.discard if took < _SLOW else self._places.slow.add)(self._receiver)

    def _leave_the_slow(self) -> None:
        if self._slow:
            self._places.for_the_slow.release()
