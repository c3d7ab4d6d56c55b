"""The clinic's midnight, met by a clock of the test's own and the real database."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from clinic_stream.audiences import AppointmentAudience, RecordScope
from clinic_stream.hub import Hub
from clinic_stream.poller import Poller

from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database
from testkit.stream.inside import Clock, until, with_poller


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Pacific/Auckland", "America/St_Johns"])
def test_window_rolls_at_the_clinic_s_midnight_and_loads_the_new_day(database: Database, zone: str) -> None:
    clinic = TestClinic(database, zone=zone)
    yesterday, today, eighth, last = (clinic.book(day=day) for day in (-1, 0, 8, 32))
    midnight = datetime.combine(clinic.day(1), datetime.min.time(), clinic.zone).astimezone(UTC)
    clock = Clock(midnight - timedelta(seconds=1))

    async def story(hub: Hub, poller: Poller) -> None:
        live = await poller.clinic(clinic.id)
        assert live is not None
        topic = live.topic(AppointmentAudience(RecordScope(clinic.id)), clock())
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
        live.topic(AppointmentAudience(RecordScope(clinic.id)), clock())
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
