import asyncio

from drsim.engine import places
from drsim.engine.places import Places


async def hold(of: Places, receiver: str, until: asyncio.Event, held: list[str]) -> None:
    async with of.place(receiver):
        held.append(receiver)
        await until.wait()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_attempts_are_under_way_than_there_are_places_and_the_first_to_ask_is_the_next() -> None:
    of, until = Places(places=2), asyncio.Event()
    held: list[str] = []
    async with asyncio.TaskGroup() as group:
        for receiver in "abcd":
            group.create_task(hold(of, receiver, until, held))
        await settled()
        assert held == ["a", "b"]
        until.set()
    assert held == ["a", "b", "c", "d"]


async def test_those_that_were_slow_leave_places_to_the_others_until_they_are_quick_again() -> None:
    of = Places(places=3, for_the_slow=1)
    of.slow.update("abc")
    until, held = asyncio.Event(), list[str]()
    async with asyncio.TaskGroup() as group:
        for receiver in "abcx":
            group.create_task(hold(of, receiver, until, held))
        await settled()
        assert held == ["a", "x"]
        until.set()
    assert of.slow == set()
    assert held == ["a", "x", "b", "c"]


async def test_a_place_that_was_taken_for_long_makes_its_receiver_a_slow_one() -> None:
    of = Places()
    async with of.place("slow"):
        await asyncio.sleep(places._SLOW)
    async with of.place("quick"):
        pass
    assert of.slow == {"slow"}


async def test_whoever_is_called_off_while_waiting_takes_no_place() -> None:
    of, until = Places(places=1, for_the_slow=1), asyncio.Event()
    of.slow.update("ab")
    held: list[str] = []
    first, second = (asyncio.create_task(hold(of, receiver, until, held)) for receiver in "xa")
    await settled()
    second.cancel()
    await asyncio.wait([second])
    until.set()
    await first
    await hold(of, "b", until, held)
    assert held == ["x", "b"]
