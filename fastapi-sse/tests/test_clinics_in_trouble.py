"""A clinic or table that cannot be followed: its readers are told, health and metrics show it, nobody else notices."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.database import Database, Server
from testkit.stream.service import StartService, StreamService
from testkit.stream.wire import SseReader

UNKNOWN_ZONE = "US/Gone"


@pytest.fixture(scope="module")
def own_database() -> Iterator[Database]:
    """Its tables are locked."""
    database = Database(Server.from_environment())
    yield database
    database.drop()


@contextmanager
def locked(database: Database, table: str) -> Iterator[None]:
    """As an ALTER TABLE holds it: all readers of the table wait for its metadata lock."""
    connection = database.server.connect(database=database.name)
    try:
        connection.cursor().execute(f"LOCK TABLES {table} WRITE")
        yield
    finally:
        connection.close()


def next_named(stream: SseReader, name: str, seconds: float = 8) -> Any:
    """The next event of this name, whatever comes before it."""
    deadline = time.monotonic() + seconds
    while True:
        block = stream.next_event(max(0.0, deadline - time.monotonic()))
        if block.event == name:
            return block


def health(service: StreamService) -> dict[str, Any]:
    return dict(service.get("/api/v1/health").json())


def announce(clinic: TestClinic, appointment_id: int) -> None:
    """As a trigger does, without a look at the locked table: the clinic's head moves, its rows cannot be read."""
    with clinic.database.transaction() as execute:
        execute("UPDATE stream_head SET seq = seq + 1 WHERE clinic_id = %s", (clinic.id,))
        execute(
            "INSERT INTO realtime_event SELECT clinic_id, seq, 'appointment', %s, 'update', UTC_TIMESTAMP(6)"
            " FROM stream_head WHERE clinic_id = %s",
            (appointment_id, clinic.id),
        )


def change_zone(clinic: TestClinic, zone: str) -> None:
    clinic.database.execute("UPDATE clinic SET timezone = %s WHERE id = %s", zone, clinic.id)


def test_unknown_time_zone_is_stale_to_the_clinic_s_readers_alone_until_it_is_mended(
    start_service: StartService, database: Database, clinic: TestClinic
) -> None:
    other = TestClinic(database)
    booked, others = clinic.book(), other.book()
    service = start_service()
    with (
        service.stream(clinic.owner.token(), "mode=delta") as broken,
        service.stream(other.owner.token(), "mode=delta") as healthy,
    ):
        broken.next_event()
        healthy.next_event()
        change_zone(clinic, UNKNOWN_ZONE)
        broken.next_named("stale")
        with service.stream(clinic.staff.token(), "mode=delta") as newcomer:
            newcomer.next_named("stale")
            newcomer.next_named("snapshot")
        found = health(service)
        assert (found["status"], found["stale"]["clinics"], found["stale"]["causes"]) == (
            "degraded",
            1,
            {"unreadable: time_zone": 1},
        )
        assert found["stale"]["since"] is not None
        assert 'chairside_stream_stale_clinics{cause="unreadable"} 1.0' in service.get("/metrics").text
        ready = service.get("/readyz")
        assert (ready.status_code, ready.json()["stale_clinics"]) == (200, 1), "the others are served"
        other.update(others, notes="seen")
        healthy.next_named("change")
        change_zone(clinic, "Europe/Berlin")
        clinic.update(booked, notes="seen, too")
        next_named(broken, "change")
        broken.next_named("fresh")
        assert health(service)["stale"] == {"service": False, "clinics": 0, "since": None, "causes": {}}


def test_opening_in_an_outage_says_stale_before_any_row_in_every_form(
    start_service: StartService, clinic: TestClinic
) -> None:
    booked = clinic.book()
    clinic.tell(clinic.owner)
    service = start_service()
    token, calendar = clinic.owner.token(), f"practitioner={clinic.petra.row_id}"
    with service.stream(token) as follower, service.stream(token, of="notifications") as inbox:
        before = follower.next_event().id
        inbox.next_event()
        clinic.update(booked, notes="changed")
        current = follower.next_event().id
        change_zone(clinic, UNKNOWN_ZONE)
        follower.next_named("stale")
        for of, query, last_id, event in (
            ("appointments", "", None, "message"),
            ("appointments", "mode=delta", None, "snapshot"),
            ("appointments", "mode=delta", before, "change"),
            ("appointments", "", before, "message"),
            ("appointments", "", current, "heartbeat"),
            ("notifications", "mode=delta", None, "snapshot"),
            ("notifications", "", current, "heartbeat"),
            ("availability", calendar, None, "message"),
            ("availability", calendar, current, "heartbeat"),
        ):
            reader = None if of == "availability" else token
            with service.stream(reader, query, of=of, last_event_id=last_id) as newcomer:
                first, second = newcomer.next_block(), newcomer.next_block()
            told = (of, query, first.event, first.field("retry") is not None, second.event)
            assert told == (of, query, "stale", True, event)


def test_table_lock_makes_changed_clinics_stale_and_delays_no_revocation_and_no_other_clinic(
    start_service: StartService, own_database: Database
) -> None:
    clinics = [TestClinic(own_database) for _ in range(6)]
    booked = [clinic.book() for clinic in clinics]
    quiet = TestClinic(own_database)
    service = start_service(environment=own_database.environment)
    with (
        service.stream(quiet.owner.token(), "mode=delta") as untouched,
        service.stream(quiet.staff.token(), "mode=delta") as revoked,
    ):
        streams = [service.stream(clinic.owner.token(), "mode=delta") for clinic in clinics]
        for stream in (untouched, revoked, *streams):
            stream.next_event()
        with locked(own_database, "appointment"):
            for clinic, appointment_id in zip(clinics, booked, strict=True):
                announce(clinic, appointment_id)
            for stream in streams:
                stream.next_named("stale")
            quiet.tell(quiet.owner)  # Followed without the locked table.
            own_database.execute("UPDATE account_user SET is_active = 0 WHERE id = %s", quiet.staff.user_id)
            assert revoked.next_event().event == "revoked"
            assert "unreadable: metadata_lock" in health(service)["stale"]["causes"]
            assert service.get("/readyz").status_code == 200
            assert untouched.stays_silent(0.2)
        for stream in streams:
            next_named(stream, "fresh")
            stream.close()


def test_locked_accounts_make_the_service_stale_and_admit_nobody_on_cached_rights(
    start_service: StartService, own_database: Database
) -> None:
    clinic = TestClinic(own_database)
    booked = clinic.book()
    service = start_service(environment=own_database.environment)
    with service.stream(clinic.owner.token(), "mode=delta") as stream:
        stream.next_event()
        with locked(own_database, "stream_head"):
            stream.next_named("stale")
            # Rights that were read within the last second still count.
            deadline = time.monotonic() + 5
            while service.get("/api/v1/auth/test", token=clinic.owner.token()).status_code != 503:
                assert time.monotonic() < deadline
            refused = service.get("/readyz")
            assert (refused.status_code, refused.json()["database"]) == (503, "metadata_lock")
        next_named(stream, "fresh")
        clinic.update(booked, notes="seen")
        next_named(stream, "change")
    assert service.get("/api/v1/auth/test", token=clinic.owner.token()).status_code == 200


def test_first_load_that_takes_long_is_an_open_stream_that_is_told_stale_first(
    start_service: StartService, own_database: Database
) -> None:
    clinic = TestClinic(own_database)
    booked = clinic.book()
    service = start_service(environment=own_database.environment)
    with locked(own_database, "appointment"):
        stream = service.stream(None, f"ticket={clinic.owner.ticket()}")
        availability = service.stream(None, f"practitioner={clinic.petra.row_id}", of="availability")
        assert (stream.status, availability.status) == (200, 200)
        for one in (stream, availability):
            assert one.next_named("stale").field("retry") is not None
    assert [row["id"] for row in stream.next_event().json["appointments"]] == [booked]
    availability.next_event()
    for one in (stream, availability):
        one.next_named("fresh")
        one.close()


def test_newcomer_to_a_clinic_that_cannot_be_loaded_waits_and_health_counts_it(
    start_service: StartService, clinic: TestClinic
) -> None:
    change_zone(clinic, UNKNOWN_ZONE)
    service = start_service(sse_heartbeat_seconds=5)
    with service.stream(clinic.owner.token(), **{"Accept-Encoding": "gzip"}) as stream:
        assert stream.status == 200
        stream.next_named("stale")
        assert health(service)["stale"]["causes"] == {"unreadable: time_zone": 1}
        change_zone(clinic, "Europe/Berlin")
        assert stream.next_event().json["appointments"] == []
        stream.next_named("fresh")
    assert health(service)["stale"]["clinics"] == 0


def test_stream_that_waits_for_its_content_is_drained_when_the_service_stops(
    start_service: StartService, clinic: TestClinic
) -> None:
    change_zone(clinic, UNKNOWN_ZONE)
    service = start_service()
    try:
        with service.stream(clinic.owner.token()) as stream:
            stream.next_named("stale")
            service.stop()
            assert [block.event for block in stream.wait_for_end()] == ["drain"]
            assert stream.is_complete
    finally:
        change_zone(clinic, "Europe/Berlin")


def test_clinic_without_head_is_stale_until_the_head_is_back(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service()
    with service.stream(clinic.owner.token(), "mode=delta") as stream:
        stream.next_event()
        [head] = clinic.database.rows("SELECT * FROM stream_head WHERE clinic_id = %s", clinic.id)
        clinic.database.execute("DELETE FROM stream_head WHERE clinic_id = %s", clinic.id)
        stream.next_named("stale")
        assert health(service)["stale"]["causes"] == {"head_missing": 1}
        places = ", ".join(["%s"] * len(head))
        clinic.database.execute(f"INSERT INTO stream_head VALUES ({places})", *head)  # noqa: S608
        stream.next_named("fresh")
