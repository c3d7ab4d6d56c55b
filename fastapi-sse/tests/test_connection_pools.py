"""Reads of one kind that come all at once."""

import asyncio

import pytest
from clinic_stream.connection_pools import ConnectionPool
from clinic_stream.errors import DatabaseUnavailable
from clinic_stream.feed import pool_options

from testkit.stream.database import Database
from testkit.stream.inside import settings_of

SECONDS = 1.0
READS = 5


async def read_all_at_once(database: Database, *, is_queue: bool) -> list[BaseException | None]:
    pool = ConnectionPool(**pool_options(settings_of(database)), size=1, seconds=SECONDS, is_queue=is_queue)

    async def read() -> None:
        async with pool.cursor() as cursor:
            await cursor.execute("SELECT SLEEP(0.5)")

    await pool.open()
    try:
        return await asyncio.gather(*[read() for _ in range(READS)], return_exceptions=True)
    finally:
        await pool.close()


@pytest.mark.parametrize("is_queue", [True, False])
def test_read_whose_turn_comes_late_fails_only_outside_of_a_queue(database: Database, is_queue: bool) -> None:
    outcomes = asyncio.run(read_all_at_once(database, is_queue=is_queue))
    late = [outcome for outcome in outcomes if isinstance(outcome, DatabaseUnavailable)]
    assert bool(late) is not is_queue
    assert sum(outcome is None for outcome in outcomes) == READS - len(late)
