"""The search for heads that moved: the number of heads each look asks for. In an event loop, but with no database."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta

from clinic_stream.clinic_queries import Head
from clinic_stream.feed import HeadsLook, ScannedHeads
from clinic_stream.head_finder import LONG_REACH_EVERY_SECONDS, MAX_SLICE, SHORT_REACH, HeadFinder
from clinic_stream.hub import Hub

from testkit.stream.rows import NOON, appointment, state

REACH = timedelta(seconds=8)
NEWEST = NOON.replace(tzinfo=None)


class Heads:
    """A feed in which nothing changes by itself; remembers the questions."""

    head_connections = 1

    def __init__(self) -> None:
        self.epoch = "epoch"
        self.moves = "0 0"
        self.looks: list[datetime | None] = []
        self.reads: list[datetime] = []
        self.slices: list[list[int]] = []

    async def look(self, since: datetime | None) -> HeadsLook:
        self.looks.append(since)
        return HeadsLook(self.epoch, NEWEST, self.moves)

    async def changed_heads(self, since: datetime) -> dict[int, Head]:
        self.reads.append(since)
        return {5: Head(self.epoch, 2)}

    async def heads(self, clinic_ids: Collection[int], since: datetime | None) -> ScannedHeads:
        self.slices.append(list(clinic_ids))
        return ScannedHeads({clinic_id: Head(self.epoch, 1) for clinic_id in clinic_ids}, set())


Story = Callable[[Heads, HeadFinder], Awaitable[None]]


def with_clinics(count: int, story: Story) -> None:
    async def run() -> None:
        hub = Hub(clock=lambda: NOON, heartbeat_seconds=60, is_live=True)
        live = hub.keep(state([appointment(1)]))
        hub.clinics = dict.fromkeys(range(1, count + 1), live)
        heads = Heads()
        await story(heads, HeadFinder(heads, hub, reach=REACH))  # type: ignore[arg-type]
        hub.close()

    asyncio.run(run())


def test_first_look_compares_every_clinic_in_slices_and_the_next_ones_none() -> None:
    async def story(heads: Heads, finder: HeadFinder) -> None:
        found = await finder.find([])
        assert [len(some) for some in heads.slices] == [MAX_SLICE, MAX_SLICE, 200]
        assert found.asked == set(range(1, 1201))
        for _ in range(10):
            assert (await finder.find([7])).asked == {7}
            assert (await finder.find([])).asked == set()
        assert heads.slices[3:] == [[7]] * 10

    with_clinics(1200, story)


def test_new_connection_and_another_epoch_compare_every_clinic_again() -> None:
    async def story(heads: Heads, finder: HeadFinder) -> None:
        await finder.find([])
        heads.head_connections = 2
        await finder.find([])
        heads.epoch = "another"
        await finder.find([])
        await finder.find([], compares_all=True)
        await finder.find([])
        assert [len(some) for some in heads.slices] == [10] * 4

    with_clinics(10, story)


def test_looks_reach_back_from_the_newest_change_seen_seldom_as_far_as_any_commit_can_be_late() -> None:
    async def story(heads: Heads, finder: HeadFinder) -> None:
        for _ in range(3):
            await finder.find([])
        await asyncio.sleep(LONG_REACH_EVERY_SECONDS)
        await finder.find([])
        reaches = [since and NEWEST - since for since in heads.looks]
        assert reaches == [None, REACH, SHORT_REACH, REACH]

    with_clinics(1, story)


def test_heads_with_a_recent_change_are_read_once_until_one_of_them_moves() -> None:
    async def story(heads: Heads, finder: HeadFinder) -> None:
        await finder.find([])
        finder._long_reach_at = float("inf")
        assert (await finder.find([])).heads == {5: Head("epoch", 2)}
        for _ in range(5):
            assert (await finder.find([])).heads == {}
        heads.moves = "1 2"
        assert (await finder.find([])).heads == {5: Head("epoch", 2)}
        assert heads.reads == [NEWEST - SHORT_REACH] * 2

    with_clinics(1, story)


def test_scan_goes_on_where_it_stopped_until_every_clinic_has_had_its_turn() -> None:
    async def story(heads: Heads, finder: HeadFinder) -> None:
        await finder.find([])
        heads.slices.clear()
        async with asyncio.timeout(5):
            while len(heads.slices) < 3:
                await finder.find([])
                await asyncio.sleep(0.02)
        assert sorted(clinic_id for some in heads.slices for clinic_id in some) == list(range(1, 1201))

    with_clinics(1200, story)
