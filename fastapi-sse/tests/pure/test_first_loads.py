"""Readers who come while a clinic cannot be loaded. In an event loop, but with no database."""

import asyncio
from datetime import timedelta
from typing import Any

from clinic_stream.clinic_loads import LoadedStates
from clinic_stream.errors import DatabaseUnavailable, Reason
from clinic_stream.hub import Hub
from clinic_stream.poller import Poller
from clinic_stream.shared_reads import FIRST_PAUSE_SECONDS
from clinic_stream.viewers import Sessions

from testkit.stream.rows import NOON, appointment, state


class AwayAtFirst:
    """A feed whose first load fails."""

    reads_replica = False
    latest_commit = timedelta(seconds=8)

    def __init__(self) -> None:
        self.loads = 0

    async def load(self, *_: object, **__: object) -> LoadedStates:
        self.loads += 1
        if self.loads == 1:
            raise DatabaseUnavailable("away", Reason.TIMEOUT)
        return {1: state([appointment(1)])}


def test_longer_wait_after_a_failure_takes_no_clinic_from_its_readers() -> None:
    async def read() -> list[Any]:
        hub = Hub(clock=lambda: NOON, heartbeat_seconds=60, is_live=True)
        poller = Poller(feed, hub, Sessions(), interval_seconds=1)  # type: ignore[arg-type]
        first = asyncio.create_task(poller.clinic(1))
        await asyncio.sleep(FIRST_PAUSE_SECONDS / 2)
        second = await poller.clinic(1)
        found = [await first, second, hub.clinics[1]]
        hub.close()
        return found

    feed = AwayAtFirst()
    first, second, followed = asyncio.run(read())
    assert first is second is followed
    assert feed.loads == 2
