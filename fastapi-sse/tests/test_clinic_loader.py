"""Clinics that are asked for at the same time are read together, and compared together by the sweep."""

import asyncio
from datetime import UTC, datetime

import pytest
from clinic_stream import clinic_loads
from clinic_stream.clinic_loader import ClinicLoader
from clinic_stream.clinic_loads import LoadRequest
from clinic_stream.errors import ClinicUnreadable
from clinic_stream.feed import Feed
from clinic_stream.hub import Hub
from clinic_stream.poller import Poller
from clinic_stream.state import ClinicState

from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database
from testkit.stream.gate import Gate
from testkit.stream.inside import Clock, settings_of, with_poller

NOW = datetime.now(UTC)
ZONES = ("Europe/Berlin", "Pacific/Auckland", "America/St_Johns")


def make_clinics(database: Database, count: int) -> list[TestClinic]:
    """Each with other rows than the next."""
    clinics = [TestClinic(database, ZONES[number % len(ZONES)]) for number in range(count)]
    for number, clinic in enumerate(clinics):
        for _ in range(number % 4):
            clinic.book()
        clinic.hold(clinic.paul)
    return clinics


def contents(state: ClinicState | None) -> tuple[object, ...]:
    assert state is not None
    return (state.clinic, state.epoch, state.seq, state.mark, state.today, state.sum(), state.rows, state.continues)


async def read(
    database: Database, loads: list[LoadRequest], *, together: bool
) -> list[ClinicState | BaseException | None]:
    feed = Feed(settings_of(database))
    await feed.open()
    loader = ClinicLoader(feed)
    try:
        if together:
            return await asyncio.gather(*(loader.load(load) for load in loads), return_exceptions=True)
        return [await loader.load(load) for load in loads]
    finally:
        await loader.stop()
        await feed.close()


def test_clinics_read_together_are_as_if_each_was_read_alone(database: Database) -> None:
    clinics = make_clinics(database, 9)
    known = asyncio.run(read(database, [LoadRequest(clinic.id, NOW) for clinic in clinics], together=False))
    loads = [
        LoadRequest(state.clinic.id, NOW, known=state.event_id) for state in known if isinstance(state, ClinicState)
    ]
    together = asyncio.run(read(database, loads, together=True))
    assert len(together) == 9
    for one, same in zip(known, together, strict=True):
        assert isinstance(one, ClinicState)
        assert isinstance(same, ClinicState)
        assert contents(one) == contents(same)


def test_unknown_time_zone_and_missing_clinic_fail_alone(database: Database) -> None:
    lost, *clinics = make_clinics(database, 4)
    database.execute("UPDATE clinic SET timezone = 'Nowhere/Land' WHERE id = %s", lost.id)
    ids = [clinic.id for clinic in clinics]
    first, *found = asyncio.run(
        read(database, [LoadRequest(one, NOW) for one in (ids[0], lost.id, 10**9, *ids[1:])], together=True)
    )
    assert isinstance(found[0], ClinicUnreadable)
    assert found[1] is None
    assert [state.clinic.id for state in (first, *found[2:]) if isinstance(state, ClinicState)] == ids


def test_large_clinic_among_small_ones_is_read_by_itself(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clinic_loads, "MAX_ROWS_TOGETHER", 2)
    clinics = make_clinics(database, 8)  # Two of them have three rows.
    found = asyncio.run(read(database, [LoadRequest(clinic.id, NOW) for clinic in clinics], together=True))
    assert [len(state.rows) for state in found if isinstance(state, ClinicState)] == [0, 1, 2, 3] * 2


def test_forty_first_loads_and_their_sweep_take_as_many_statements_as_a_few(database: Database) -> None:
    clinics = make_clinics(database, 40)
    with Gate(database.server.host, database.server.port) as gate:

        async def story(hub: Hub, poller: Poller) -> None:
            await asyncio.gather(*(poller.clinic(clinic.id) for clinic in clinics))
            assert len(hub.clinics) == 40
            async with asyncio.timeout(5):
                while hub.counts.sweeps < 40:  # noqa: ASYNC110  # What is waited for knows of no event.
                    await asyncio.sleep(0.02)
            assert hub.counts.drift == 0

        settings = settings_of(database).model_copy(update={"db_host": "127.0.0.1", "db_port": gate.port})
        asyncio.run(with_poller(database, Clock(NOW), story, settings=settings, sweep_seconds=0.8))
        loads = [query for query in gate.statements if "JSON_ARRAYAGG(id)" in query]
        sweeps = [query for query in gate.statements if "BIT_XOR" in query]
    assert len(loads) <= 4
    assert len(sweeps) <= 30, "two in a second would be 80, one clinic each"
