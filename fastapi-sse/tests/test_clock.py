"""A process whose clock is wrong says so."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from clinic_stream.hub import Hub
from clinic_stream.poller import Poller

from testkit.stream.database import Database
from testkit.stream.inside import until, with_poller


@pytest.mark.parametrize(("ahead_seconds", "is_off"), [(0, False), (3600, True), (-60, True)])
def test_clock_is_compared_with_the_database_s(database: Database, ahead_seconds: int, is_off: bool) -> None:
    async def story(hub: Hub, poller: Poller) -> None:
        await until(lambda: poller.accounts.is_current)
        assert poller.accounts.clock_skew_seconds == pytest.approx(ahead_seconds, abs=3)
        assert poller.accounts.is_clock_off is is_off

    asyncio.run(with_poller(database, lambda: datetime.now(UTC) + timedelta(seconds=ahead_seconds), story))
