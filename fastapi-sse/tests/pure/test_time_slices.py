"""All long work of an event loop stands in one line."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from clinic_stream import time_slices
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.time_slices import give_way, in_slices

from testkit.stream.rows import NOON, appointment, state

CLINICS = 50


class Passes:
    """Counts the passes of the loop."""

    def __init__(self) -> None:
        self.count = 0

    async def run(self) -> None:
        while True:
            self.count += 1
            await asyncio.sleep(0)


def counting(work: Callable[[Passes], Awaitable[None]]) -> int:
    """The passes that this work takes."""

    async def counted() -> int:
        passes = Passes()
        running = asyncio.create_task(passes.run())
        await work(passes)
        running.cancel()
        return passes.count

    return asyncio.run(counted())


@pytest.fixture
def turns_end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_slices, "SLICE_SECONDS", 0.0)


@pytest.fixture
def turns_do_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_slices, "SLICE_SECONDS", 60.0)


@pytest.mark.usefixtures("turns_do_not_end")
def test_work_of_many_parts_goes_on_while_its_turn_lasts() -> None:
    async def work(_: Passes) -> None:
        assert [part async for part in in_slices(range(1000), size=2)] == [[n, n + 1] for n in range(0, 1000, 2)]

    assert counting(work) <= 5


@pytest.mark.usefixtures("turns_end_at_once")
def test_parts_of_many_tasks_are_each_in_a_pass_of_their_own() -> None:
    done_in: Counter[int] = Counter()

    async def work(passes: Passes) -> None:
        async def one() -> None:
            async for _ in in_slices(range(4), size=1):
                done_in[passes.count] += 1

        await asyncio.gather(*(one() for _ in range(20)))

    counting(work)
    assert done_in.total() == 80
    assert max(done_in.values()) == 1


@pytest.mark.usefixtures("turns_end_at_once")
def test_clinics_that_begin_a_new_day_in_the_same_second_move_one_after_the_other() -> None:
    moved_in: Counter[int] = Counter()

    async def work(passes: Passes) -> None:
        async def begin_day() -> None:
            await LiveClinic(state([appointment(1)]), NOON).replace(state([appointment(1), appointment(2)], seq=200))
            moved_in[passes.count] += 1

        await asyncio.gather(*(begin_day() for _ in range(CLINICS)))

    counting(work)
    assert moved_in.total() == CLINICS
    assert max(moved_in.values()) == 1


@pytest.mark.usefixtures("turns_end_at_once")
def test_cancelled_work_holds_up_none_behind_it() -> None:
    async def work(_: Passes) -> None:
        first, second, third = (asyncio.create_task(give_way()) for _ in range(3))
        await asyncio.sleep(0)
        first.cancel()
        second.cancel()
        async with asyncio.timeout(5):
            await third

    assert counting(work) <= 10


def test_line_begins_anew_in_another_event_loop() -> None:
    async def leave_one_behind() -> None:
        waiting = asyncio.create_task(give_way())
        await asyncio.sleep(0)
        assert not waiting.done()
        waiting.cancel()

    asyncio.run(leave_one_behind())
    asyncio.run(asyncio.wait_for(give_way(), 5))
