"""Calls of the API go before what drsim does by itself, and hold it up only for a moment."""

import asyncio

from drsim.engine.courtesy import Courtesy


async def test_without_calls_nobody_waits() -> None:
    courtesy = Courtesy()
    await asyncio.wait_for(asyncio.gather(*(courtesy.turn() for _ in range(100))), 1)


async def test_a_turn_comes_when_the_last_call_is_answered() -> None:
    courtesy, order = Courtesy(), []

    async def takes_its_turn() -> None:
        await courtesy.turn()
        order.append("turn")

    with courtesy.call():
        with courtesy.call():
            task = asyncio.create_task(takes_its_turn())
            await asyncio.sleep(0)
        order.append("one answered")
        await asyncio.sleep(0)
    order.append("all answered")
    await task
    assert order == ["one answered", "all answered", "turn"]


async def test_a_call_that_takes_long_holds_nothing_up_for_good() -> None:
    courtesy = Courtesy()
    with courtesy.call():
        await asyncio.wait_for(courtesy.turn(), 2)
        await asyncio.wait_for(courtesy.turn(), 2)


async def test_a_call_that_fails_counts_as_answered() -> None:
    courtesy, loop = Courtesy(), asyncio.get_running_loop()
    try:
        with courtesy.call():
            raise ValueError
    except ValueError:
        pass
    started = loop.time()
    for _ in range(50):
        await courtesy.turn()
    assert loop.time() - started < 0.5
