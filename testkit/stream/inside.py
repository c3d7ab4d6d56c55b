"""The service's inside without its HTTP: hub and poller on the real database, with a clock of the test's own."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import datetime

from clinic_stream.feed import Feed
from clinic_stream.hub import Hub
from clinic_stream.poller import Poller
from clinic_stream.viewers import Sessions
from shared_config import StreamSettings

from testkit.stream.database import Database


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def settings_of(database: Database) -> StreamSettings:
    return StreamSettings(
        _env_file=None,
        db_host=database.server.host,
        db_port=database.server.port,
        db_name=database.name,
        sse_db_user=database.stream_user,
        sse_db_password=database.stream_password,
        jwt_algorithm="HS256",
        jwt_secret_key=os.urandom(32).hex(),
        fastapi_debug=True,
    )


async def with_poller(
    database: Database,
    clock: Callable[[], datetime],
    story: Callable[[Hub, Poller], Awaitable[None]],
    *,
    sweep_seconds: float = 60,
    settings: StreamSettings | None = None,
) -> None:
    hub = Hub(clock=clock, heartbeat_seconds=15, is_live=True)
    feed = Feed(settings or settings_of(database))
    poller = Poller(feed, hub, Sessions(), interval_seconds=0.02, sweep_seconds=sweep_seconds)
    await feed.open()
    polling = asyncio.create_task(poller.run())
    try:
        await story(hub, poller)
    finally:
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        await feed.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(3):
        while not condition():  # noqa: ASYNC110  # What is waited for knows of no event.
            await asyncio.sleep(0.01)
