"""Reads of one kind that come all at once."""

import asyncio

import pytest
from clinic_stream.errors import DatabaseUnavailable
from clinic_stream.feed import lane_options
from clinic_stream.lanes import Lane
from stream_testkit.database import Database
from stream_testkit.inside import settings_of

SECONDS = 1.0
READS = 5


async def read_all_at_once(database: Database, *, is_queue: bool) -> list[BaseException | None]:
    lane = Lane(**lane_options(settings_of(database)), size=1, seconds=SECONDS, is_queue=is_queue)

    async def read() -> None:
        async with lane.cursor() as cursor:
            await cursor.execute("SELECT SLEEP(0.5)")

    await lane.open()
    try:
        return await asyncio.gather(*[read() for _ in range(READS)], return_exceptions=True)
    finally:
        await lane.close()


@pytest.mark.parametrize("is_queue", [True, False])
def test_read_whose_turn_comes_late_fails_only_outside_of_a_queue(database: Database, is_queue: bool) -> None:
    outcomes = asyncio.run(read_all_at_once(database, is_queue=is_queue))
    late = [outcome for outcome in outcomes if isinstance(outcome, DatabaseUnavailable)]
    assert bool(late) is not is_queue
    assert sum(outcome is None for outcome in outcomes) == READS - len(late)
