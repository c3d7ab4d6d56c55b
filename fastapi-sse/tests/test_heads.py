"""Heads that moved are found by their time of change; what commits later than that can show, by the scan."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from clinic_stream.hub import Hub
from clinic_stream.poller import Poller
from shared_config import StreamSettings

from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database
from testkit.stream.gate import Gate
from testkit.stream.inside import Clock, settings_of, until, with_poller

HOUR = timedelta(hours=1)


def follow(
    database: Database,
    clinics: list[TestClinic],
    story: Callable[[Hub, Poller], Awaitable[None]],
    settings: StreamSettings | None = None,
) -> None:
    """With all of them in memory, and their heads compared."""

    async def begin(hub: Hub, poller: Poller) -> None:
        for clinic in clinics:
            assert await poller.clinic(clinic.id) is not None
        await asyncio.sleep(0.1)
        await story(hub, poller)

    asyncio.run(with_poller(database, Clock(datetime.now(UTC)), begin, settings=settings))


def change(clinic: TestClinic, row_id: int, notes: str, *, ago: timedelta = timedelta()) -> None:
    """One commit of a statement that began so long ago."""
    with clinic.database.transaction() as execute:
        execute("SET timestamp = UNIX_TIMESTAMP(SYSDATE(6)) - %s", (ago.total_seconds(),))
        execute("UPDATE appointment SET notes = %s WHERE id = %s", (notes, row_id))


@pytest.mark.parametrize(
    ("ago", "late"),
    [(timedelta(seconds=4), 0), (HOUR, 1)],
    ids=["within the reach", "beyond the reach"],
)
def test_late_commit_is_found_and_counted_where_only_the_scan_can_find_it(
    database: Database, clinic: TestClinic, ago: timedelta, late: int
) -> None:
    other = TestClinic(database)
    row_id, other_row_id = clinic.book(), other.book()

    async def story(hub: Hub, poller: Poller) -> None:
        change(other, other_row_id, "newest")
        await until(lambda: hub.clinics[other.id].state.rows[other_row_id].notes == "newest")
        change(clinic, row_id, "late", ago=ago)
        await until(lambda: hub.clinics[clinic.id].state.rows[row_id].notes == "late")
        assert hub.counts.late_heads == late

    follow(database, [clinic, other], story)


def test_change_of_the_future_hides_no_later_ones(database: Database, clinic: TestClinic) -> None:
    """A clock went wrong, and right again."""
    other = TestClinic(database)
    row_id, other_row_id = clinic.book(), other.book()

    async def story(hub: Hub, poller: Poller) -> None:
        change(other, other_row_id, "tomorrow", ago=-24 * HOUR)
        await until(lambda: hub.clinics[other.id].state.rows[other_row_id].notes == "tomorrow")
        for number in range(5):
            change(clinic, row_id, f"now {number}")
            await until(lambda: hub.clinics[clinic.id].state.rows[row_id].notes == f"now {number}")  # noqa: B023
        assert hub.counts.late_heads == 0

    try:
        follow(database, [clinic, other], story)
    finally:
        change(other, other_row_id, "today")


def test_idle_looks_name_no_clinic_but_in_the_scan(database: Database) -> None:
    clinics = [TestClinic(database) for _ in range(20)]
    with Gate(database.server.host, database.server.port) as gate:

        async def story(hub: Hub, poller: Poller) -> None:
            gate.statements.clear()
            await asyncio.sleep(1.0)
            said = [
                query for query in list(gate.statements) if "live_head" in query and "UTC_TIMESTAMP(6)," not in query
            ]
            scans = [query for query in said if "changed_at <" in query]
            assert len(said) > 10
            assert 1 <= len(scans) <= 2
            assert all(query.startswith("SELECT (SELECT epoch") for query in said if query not in scans)

        settings = settings_of(database).model_copy(update={"db_host": "127.0.0.1", "db_port": gate.port})
        follow(database, clinics, story, settings)
