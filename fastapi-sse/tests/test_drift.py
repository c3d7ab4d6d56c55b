"""A slow sweep compares all that is kept with the database. A difference is a defect: it is counted and mended."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from clinic_stream.audiences import AppointmentAudience, RecordScope
from clinic_stream.hub import CLINIC_LINGER, Hub
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.params import Mode
from clinic_stream.poller import Poller
from clinic_stream.schedule import ClinicSchedule
from clinic_stream.state import ClinicState

from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database
from testkit.stream.inside import Clock, until, with_poller


def now() -> datetime:
    return datetime.now(UTC)


def fill(clinic: TestClinic) -> list[int]:
    """Rows with every kind of value: none, accents, line ends, microseconds, a day whose clocks change or not."""
    booked = [
        clinic.book(day=day, status=status) for day, status in ((-1, "no_show"), (0, "pending"), (9, "confirmed"))
    ]
    clinic.update(booked[0], notes="Zoë\n'quoted' | ~ \\ 😀", service_id=None)
    clinic.update(booked[1], checked_in_at=datetime(2026, 1, 2, 3, 4, 5, 678), cancel_reason="")  # noqa: DTZ001
    clinic.hold(clinic.petra)
    return booked


def test_untouched_window_adds_up_to_what_the_database_says(database: Database, clinic: TestClinic) -> None:
    booked = fill(clinic)

    async def story(hub: Hub, poller: Poller) -> None:
        live = await poller.clinic(clinic.id)
        assert live is not None
        assert len(live.state.rows) == 3
        await until(lambda: hub.counts.sweeps >= 2)
        clinic.update(booked[0], notes="new")
        clinic.book()
        swept = hub.counts.sweeps
        await until(lambda: hub.counts.sweeps >= swept + 3)
        assert hub.counts.drift == 0

    asyncio.run(with_poller(database, now, story, sweep_seconds=0.05))


def lose_a_row(state: ClinicState) -> None:
    state.rows.popitem()


def misread_a_row(state: ClinicState) -> None:
    row = next(iter(state.rows.values()))
    state.rows[row.id] = row.changed(notes="never written")


def lose_a_hold(state: ClinicState) -> None:
    state.holds.clear()


def miss_a_practitioner(state: ClinicState) -> None:
    state.schedule = ClinicSchedule()


@pytest.mark.parametrize("spoil", [lose_a_row, misread_a_row, lose_a_hold, miss_a_practitioner])
def test_difference_is_counted_and_mended(
    database: Database, clinic: TestClinic, spoil: Callable[[ClinicState], None]
) -> None:
    fill(clinic)

    async def story(hub: Hub, poller: Poller) -> None:
        live = await poller.clinic(clinic.id)
        assert live is not None
        topic = live.topic(AppointmentAudience(RecordScope(clinic.id)), now())
        rows, sum_before = dict(topic.rows), live.state.sum()
        spoil(live.state)
        await until(lambda: hub.counts.drift > 0)
        await until(lambda: live.state.sum() == sum_before)
        swept = hub.counts.sweeps
        await until(lambda: hub.counts.sweeps > swept)
        assert hub.counts.drift == 1, "once"
        assert topic.rows == rows

    asyncio.run(with_poller(database, now, story, sweep_seconds=0.05))


def test_change_that_no_event_told_of_reaches_the_readers(database: Database, clinic: TestClinic) -> None:
    """As after a restore without triggers."""
    booked = clinic.book()

    async def story(hub: Hub, poller: Poller) -> None:
        live = await poller.clinic(clinic.id)
        assert live is not None
        topic = live.topic(AppointmentAudience(RecordScope(clinic.id)), now())
        triggers = database.rows("SHOW CREATE TRIGGER appointment_feed_on_update")
        database.execute("DROP TRIGGER appointment_feed_on_update")
        try:
            clinic.update(booked, notes="unheard of")
        finally:
            database.execute(triggers[0][2].replace("%", "%%"))  # Its definer is somebody@%.
        await until(lambda: topic.rows[booked].notes == "unheard of")
        assert (topic.version, hub.counts.drift) == (1, 1)

    asyncio.run(with_poller(database, now, story, sweep_seconds=0.05))


@contextmanager
def without_trigger(database: Database) -> Iterator[None]:
    name = "appointment_feed_on_update"
    definition = database.rows(f"SHOW CREATE TRIGGER {name}")[0][2]
    database.execute(f"DROP TRIGGER {name}")
    try:
        yield
    finally:
        database.execute(definition.replace("%", "%%"))  # Its definer is somebody@%.


@pytest.mark.parametrize("mode", ["snapshot", "delta"])
def test_repaired_drift_is_a_boundary_for_who_comes_back(database: Database, clinic: TestClinic, mode: Mode) -> None:
    """A reader that was away with the same number holds rows that no event will ever correct."""
    booked = clinic.book()

    async def story(hub: Hub, poller: Poller) -> None:
        live = await poller.clinic(clinic.id)
        assert live is not None
        topic, old_id = live.topic(AppointmentAudience(RecordScope(clinic.id)), now()), live.event_id
        assert topic.opening(old_id, mode, now()).result == "nothing"
        with without_trigger(database):
            clinic.update(booked, notes="unheard of")
        await until(lambda: topic.rows[booked].notes == "unheard of")
        assert topic.opening(old_id, mode, now()).result == "snapshot"
        clinic.update(booked, notes="heard of")
        await until(lambda: topic.rows[booked].notes == "heard of")
        assert topic.opening(old_id, mode, now()).result == "snapshot"
        assert topic.opening(live.event_id, mode, now()).result == "nothing"

    asyncio.run(with_poller(database, now, story, sweep_seconds=0.05))


def test_boundary_outlives_the_clinic_in_memory(database: Database, clinic: TestClinic) -> None:
    booked = clinic.book()
    clock = Clock(now())

    async def reload(hub: Hub, poller: Poller) -> LiveClinic:
        clock.now += 2 * CLINIC_LINGER
        hub.drop_idle()
        hub.drop_idle()
        assert clinic.id not in hub.clinics
        live = await poller.clinic(clinic.id)
        assert live is not None
        return live

    async def story(hub: Hub, poller: Poller) -> None:
        live = await poller.clinic(clinic.id)
        assert live is not None
        old_id = live.event_id
        live = await reload(hub, poller)
        assert live.state.knows(old_id), "nothing has happened"
        with without_trigger(database):
            clinic.update(booked, notes="unheard of")
        live = await reload(hub, poller)
        assert not live.state.knows(old_id), "the same number, other rows"
        clinic.update(booked, notes="heard of")
        live = await reload(hub, poller)
        assert not live.state.knows(old_id), "remembered"

    asyncio.run(with_poller(database, clock, story))
