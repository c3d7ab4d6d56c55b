"""A slow sweep compares all that is kept with the database. A difference is a defect: it is counted and mended."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from clinic_stream.hub import Hub
from clinic_stream.poller import Poller
from clinic_stream.state import Audience, ClinicState, Scope
from stream_testkit.clinic import TestClinic
from stream_testkit.database import Database
from stream_testkit.inside import until, with_poller


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
    state.rows[row.id] = replace(row, notes="never written")


def lose_a_hold(state: ClinicState) -> None:
    state.holds.clear()


def miss_a_practitioner(state: ClinicState) -> None:
    state.practitioner_ids = frozenset()


@pytest.mark.parametrize("spoil", [lose_a_row, misread_a_row, lose_a_hold, miss_a_practitioner])
def test_difference_is_counted_and_mended(
    database: Database, clinic: TestClinic, spoil: Callable[[ClinicState], None]
) -> None:
    fill(clinic)

    async def story(hub: Hub, poller: Poller) -> None:
        live = await poller.clinic(clinic.id)
        assert live is not None
        topic = live.topic(Audience(Scope(clinic.id)), now())
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
        topic = live.topic(Audience(Scope(clinic.id)), now())
        triggers = database.rows("SHOW CREATE TRIGGER appointment_feed_on_update")
        database.execute("DROP TRIGGER appointment_feed_on_update")
        try:
            clinic.update(booked, notes="unheard of")
        finally:
            database.execute(triggers[0][2].replace("%", "%%"))  # Its definer is somebody@%.
        await until(lambda: topic.rows[booked].notes == "unheard of")
        assert (topic.version, hub.counts.drift) == (1, 1)

    asyncio.run(with_poller(database, now, story, sweep_seconds=0.05))
