"""The waiting line, without a server."""

import asyncio

import pytest

from app.api.line import FullError, Line


def test_turns_come_in_the_order_of_arrival_and_the_next_is_sent_away():
    async def play():
        line, order, go = Line(at_once=1, places=2), [], asyncio.Event()

        async def one(name):
            async with line.turn():
                order.append(name)
                await go.wait()

        tasks = [asyncio.create_task(one(name)) for name in "abc"]
        await asyncio.sleep(0)
        assert (order, line.running, line.waiting) == (["a"], 1, 2)
        with pytest.raises(FullError) as full:
            async with line.turn():
                pass
        assert full.value.retry_after_seconds >= 1
        go.set()
        await asyncio.gather(*tasks)
        assert (order, line.running, line.waiting) == (["a", "b", "c"], 0, 0)

    asyncio.run(play())


def test_who_leaves_the_line_makes_room():
    async def play():
        line, go = Line(at_once=1, places=1), asyncio.Event()

        async def one():
            async with line.turn():
                await go.wait()

        first, second = asyncio.create_task(one()), asyncio.create_task(one())
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait({second})
        assert line.waiting == 0
        third = asyncio.create_task(one())
        await asyncio.sleep(0)
        assert line.waiting == 1
        go.set()
        await asyncio.gather(first, third)

    asyncio.run(play())


def test_a_turn_that_fails_is_over():
    async def play():
        line = Line(at_once=1, places=0)
        with pytest.raises(ValueError, match="broken"):
            async with line.turn():
                raise ValueError("broken")
        async with line.turn():
            assert line.running == 1

    asyncio.run(play())
