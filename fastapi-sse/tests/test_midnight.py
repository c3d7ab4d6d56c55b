"""The clinic's midnight, met by a clock of the test's own and the real database."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from clinic_stream.feed import Feed
from clinic_stream.hub import Hub
from clinic_stream.poller import Poller
from clinic_stream.state import Audience, Scope
from clinic_stream.viewers import Sessions
from shared_config import StreamSettings
from stream_testkit.clinic import TestClinic
from stream_testkit.database import Database


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


async def with_poller(database: Database, clock: Clock, story: Callable[[Hub, Poller], Awaitable[None]]) -> None:
    settings = StreamSettings(
        _env_file=None,
        db_host=database.server.host,
        db_port=database.server.port,
        db_name=database.name,
        sse_db_user=database.stream_user,
        sse_db_password=database.stream_password,
        jwt_secret_key=os.urandom(32).hex(),
        fastapi_debug=True,
    )
    hub = Hub(clock=clock, heartbeat_seconds=15, is_live=True)
    feed = Feed(settings)
    poller = Poller(feed, hub, Sessions(), interval_seconds=0.02)
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


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Auckland", "America/St_Johns"])
def test_window_rolls_at_the_clinic_s_midnight_and_loads_the_new_day(database: Database, zone: str) -> None:
    clinic = TestClinic(database, zone=zone)
    yesterday, today, eighth, last = (clinic.book(day=day) for day in (-1, 0, 8, 32))
    midnight = datetime.combine(clinic.day(1), datetime.min.time(), clinic.zone).astimezone(UTC)
    clock = Clock(midnight - timedelta(seconds=1))

    async def story(hub: Hub, poller: Poller) -> None:
        live = await poller.clinic(clinic.id)
        assert live is not None
        topic = live.topic(Audience(Scope(clinic.id)), clock())
        assert set(live.state.rows) == {yesterday, today, eighth}
        assert set(topic.rows) == {today}
        await asyncio.sleep(0.1)
        assert topic.version == 0
        clock.now = midnight
        await until(lambda: topic.version == 1)
        assert live.state.today == clinic.day(1)
        assert set(live.state.rows) == {today, eighth, last}
        assert set(topic.rows) == {eighth}
        await asyncio.sleep(0.1)
        assert topic.version == 1, "once"

    asyncio.run(with_poller(database, clock, story))


def test_clinic_that_nobody_looks_at_is_forgotten(database: Database, clinic: TestClinic) -> None:
    clock = Clock(datetime.now(UTC))

    async def story(hub: Hub, poller: Poller) -> None:
        live = await poller.clinic(clinic.id)
        assert live is not None
        live.topic(Audience(Scope(clinic.id)), clock())
        clock.now += timedelta(seconds=31)
        hub.drop_idle()
        assert live.topics == {}
        assert clinic.id in hub.clinics
        clock.now += timedelta(minutes=5)
        hub.drop_idle()
        assert hub.clinics == {}

    asyncio.run(with_poller(database, clock, story))


def test_clinic_is_loaded_once_for_all_who_ask_at_the_same_time(database: Database, clinic: TestClinic) -> None:
    async def story(hub: Hub, poller: Poller) -> None:
        found = await asyncio.gather(*(poller.clinic(clinic.id) for _ in range(20)))
        assert len({id(live) for live in found}) == 1

    asyncio.run(with_poller(database, Clock(datetime.now(UTC)), story))


def test_there_is_no_clinic_without_a_row(database: Database) -> None:
    async def story(hub: Hub, poller: Poller) -> None:
        assert await poller.clinic(10**9) is None

    asyncio.run(with_poller(database, Clock(datetime.now(UTC)), story))
