import re
import time
from datetime import datetime
from itertools import pairwise

import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StartService, StreamService
from testkit.stream.wire import Block, SseReader


def next_heartbeat(stream: SseReader) -> Block:
    block = stream.next_block()
    assert block.is_heartbeat
    return block


def test_headers_keep_proxies_from_storing_and_buffering(service: StreamService, clinic: TestClinic) -> None:
    with service.stream(clinic.owner.token(), Accept="*/*") as stream:
        assert stream.status == 200
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.headers["cache-control"] == "no-store, no-transform"
        assert stream.headers["x-accel-buffering"] == "no"
        assert re.fullmatch(r"[0-9a-f]{32}", stream.headers["x-request-id"])
        assert float(stream.headers["x-process-time"]) >= 0


@pytest.mark.parametrize("mode", ["snapshot", "delta"])
def test_first_event_of_a_new_and_of_a_resumed_stream_has_the_retry_time(
    service: StreamService, clinic: TestClinic, mode: str
) -> None:
    clinic.book()
    with service.stream(clinic.owner.token(), f"mode={mode}") as stream:
        first = stream.next_block()
    with service.stream(clinic.owner.token(), f"mode={mode}", last_event_id=first.id) as stream:
        resumed = stream.next_block()
    assert (first.event, resumed.event) == ("message" if mode == "snapshot" else "snapshot", "heartbeat")
    for block in (first, resumed):
        assert 1500 <= int(block.field("retry") or 0) <= 3000
        assert block.is_event


def test_snapshot_is_a_plain_message_with_the_id_of_the_clinic(service: StreamService, clinic: TestClinic) -> None:
    clinic.book()
    with service.stream(clinic.owner.token()) as stream:
        snapshot = stream.next_event()
    assert snapshot.event == "message"
    assert snapshot.id == clinic.event_id
    assert list(snapshot.json) == ["appointments", "seq", "as_of"]
    assert snapshot.json["seq"] == clinic.seq
    as_of = datetime.fromisoformat(snapshot.json["as_of"])
    assert as_of.tzname() == "UTC"
    assert abs(time.time() - as_of.timestamp()) < 5


def test_snapshot_mode_sends_everything_again_when_something_changed(
    service: StreamService, clinic: TestClinic
) -> None:
    first = clinic.book()
    with service.stream(clinic.owner.token(), "mode=snapshot") as stream:
        stream.next_event()
        second = clinic.book()
        snapshot = stream.next_event()
        assert snapshot.event == "message"
        assert [row["id"] for row in snapshot.json["appointments"]] == [first, second]
        assert snapshot.id == clinic.event_id


def test_delta_mode_sends_one_snapshot_and_then_changes(service: StreamService, clinic: TestClinic) -> None:
    first = clinic.book()
    with service.stream(clinic.owner.token(), "mode=delta") as stream:
        snapshot = stream.next_named("snapshot")
        assert [row["id"] for row in snapshot.json["appointments"]] == [first]
        second = clinic.book()
        change = stream.next_named("change")
        assert list(change.json) == ["upserts", "removes", "seq"]
        assert [row["id"] for row in change.json["upserts"]] == [second]
        assert change.json["removes"] == []
        assert change.json["seq"] == clinic.seq
        assert change.id == clinic.event_id


def test_raw_update_reaches_the_stream_within_a_quarter_of_a_second(service: StreamService, clinic: TestClinic) -> None:
    booked = clinic.book(status="pending")
    with service.stream(clinic.owner.token(), "mode=delta") as stream:
        stream.next_event()
        committed_at = time.monotonic()
        clinic.update(booked, status="confirmed")
        change = stream.next_named("change")
        assert change.at - committed_at < 0.25
        assert change.json["upserts"][0]["status"] == "confirmed"


def test_delete_reaches_the_stream(service: StreamService, clinic: TestClinic) -> None:
    gone, stays = clinic.book(), clinic.book()
    with service.stream(clinic.owner.token(), "mode=delta") as deltas, service.stream(clinic.owner.token()) as plain:
        deltas.next_event()
        plain.next_event()
        clinic.delete(gone)
        assert deltas.next_named("change").json["removes"] == [gone]
        assert [row["id"] for row in plain.next_event().json["appointments"]] == [stays]


def test_bulk_update_is_one_change(service: StreamService, clinic: TestClinic) -> None:
    ids = [clinic.book(status="pending") for _ in range(5)]
    with service.stream(clinic.owner.token(), "mode=delta") as stream:
        stream.next_event()
        clinic.database.execute("UPDATE appointment SET status = 'confirmed' WHERE clinic_id = %s", clinic.id)
        change = stream.next_named("change")
        assert [row["id"] for row in change.json["upserts"]] == ids
        assert stream.stays_silent(0.3)


def test_change_that_is_not_committed_is_not_seen(service: StreamService, clinic: TestClinic) -> None:
    booked = clinic.book()
    with service.stream(clinic.owner.token()) as stream:
        stream.next_event()
        with clinic.database.transaction() as execute:
            execute("UPDATE appointment SET notes = 'new' WHERE id = %s", (booked,))
            assert stream.stays_silent(0.3)
        assert stream.next_event().json["appointments"][0]["notes"] == "new"


@pytest.mark.parametrize(
    ("table", "column", "shown"),
    [("patient", "name", "patient_name"), ("patient", "phone", "patient_phone"), ("patient", "email", "patient_email")],
)
def test_new_name_of_a_patient_reaches_every_row_that_shows_it(
    service: StreamService, clinic: TestClinic, table: str, column: str, shown: str
) -> None:
    ids = [clinic.book(patient=clinic.anna), clinic.book(clinic.paul, clinic.anna, day=2)]
    clinic.book(patient=clinic.ben)
    with service.stream(clinic.owner.token(), "mode=delta") as stream:
        stream.next_event()
        clinic.database.execute(f"UPDATE {table} SET {column} = 'new' WHERE id = %s", clinic.anna.row_id)  # noqa: S608
        upserts = stream.next_named("change").json["upserts"]
        assert sorted(row["id"] for row in upserts) == ids
        assert {row[shown] for row in upserts} == {"new"}


def test_new_names_of_practitioner_and_service_reach_the_stream(service: StreamService, clinic: TestClinic) -> None:
    clinic.book()
    with service.stream(clinic.anna.token(), "mode=delta") as stream:
        stream.next_event()
        clinic.database.execute("UPDATE practitioner SET name = 'Dr. P. Sommer' WHERE id = %s", clinic.petra.row_id)
        [row] = stream.next_named("change").json["upserts"]
        assert (row["practitioner_name"], row["dentist_name"]) == ("Dr. P. Sommer", "Dr. P. Sommer")
        clinic.database.execute("UPDATE service SET color = '#ffffff' WHERE id = %s", clinic.service_id)
        [row] = stream.next_named("change").json["upserts"]
        assert row["service_color"] == "#ffffff"


def test_new_zone_of_the_clinic_shows_its_times_anew(service: StreamService, clinic: TestClinic) -> None:
    clinic.book()
    with service.stream(clinic.anna.token()) as stream:
        [before] = stream.next_event().json["appointments"]
        clinic.database.execute("UPDATE clinic SET timezone = 'Europe/London' WHERE id = %s", clinic.id)
        [after] = stream.next_event().json["appointments"]
    assert datetime.fromisoformat(before["start"]) == datetime.fromisoformat(after["start"])
    assert (before["time"], after["time"]) == ("07:00", "06:00")


def test_nothing_is_sent_when_nothing_visible_changed(service: StreamService, clinic: TestClinic) -> None:
    booked = clinic.book(clinic.petra, clinic.anna)
    with (
        service.stream(clinic.owner.token()) as owners,
        service.stream(clinic.anna.token()) as annas,
        service.stream(clinic.ben.token()) as bens,
        service.stream(clinic.paul.token(), "mode=delta") as pauls,
    ):
        readers = [owners, annas, bens, pauls]
        for reader in readers:
            reader.next_event()
        # Not shown to anybody, not shown to the patient, far away, and a hold: none of it is Ben's or Paul's.
        clinic.update(booked, blocked_until=clinic.instant(clinic.today, 8 * 60))
        clinic.hold(clinic.paul)
        clinic.book(clinic.paul, clinic.ben, day=60)
        assert all(reader.stays_silent(0.2) for reader in readers)
        clinic.update(booked, notes="internal")
        assert owners.next_event().json["appointments"][0]["notes"] == "internal"
        assert all(reader.stays_silent(0.1) for reader in (annas, bens, pauls))


def test_appointment_that_moves_goes_from_one_list_to_the_other(service: StreamService, clinic: TestClinic) -> None:
    booked = clinic.book(clinic.petra)
    with (
        service.stream(clinic.petra.token(), "mode=delta") as petras,
        service.stream(clinic.paul.token(), "mode=delta") as pauls,
    ):
        petras.next_event()
        pauls.next_event()
        clinic.update(booked, practitioner_id=clinic.paul.row_id)
        assert petras.next_named("change").json["removes"] == [booked]
        assert [row["id"] for row in pauls.next_named("change").json["upserts"]] == [booked]


def test_heartbeat_moves_the_cursor(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service(sse_heartbeat_seconds=0.3)
    clinic.book(clinic.petra)
    with service.stream(clinic.paul.token()) as stream:
        stream.next_event()
        clinic.book(clinic.petra)  # Not Paul's, but the clinic's history goes on.
        newest = clinic.event_id
        beat = next_heartbeat(stream)
        while beat.id != newest:
            beat = next_heartbeat(stream)
        assert beat.json == {"seq": clinic.seq}


def test_heartbeats_come_in_time(start_service: StartService, clinic: TestClinic) -> None:
    service = start_service(sse_heartbeat_seconds=0.3)
    with service.stream(clinic.owner.token()) as stream:
        stream.next_event()
        times = [next_heartbeat(stream).at for _ in range(4)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert all(0.2 < gap < 0.45 for gap in gaps)
