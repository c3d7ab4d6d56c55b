"""A promoted replica that lacks the last commits gives their numbers to other changes.

Simulated on one server: what was committed last is undone together with its events, and others take its numbers.
`tests-integration/long/test_failover.py` does the same with two servers and real replication.
"""

import time
from typing import Any

import pytest

from testkit.stream.clinic import TestClinic
from testkit.stream.service import StartService, StreamService
from testkit.stream.wire import SseReader

MODES = ["snapshot", "delta"]
SECONDS = 5.0


class Board:
    """The rows that one stream has told, as a page keeps them."""

    def __init__(self, stream: SseReader) -> None:
        self.stream = stream
        self.rows: dict[int, Any] = {}
        self.states: list[str] = []

    def read(self) -> None:
        event = self.stream.next_event(SECONDS)
        if event.event in {"stale", "fresh"}:
            self.states.append(event.event)
            return
        told = event.json
        if "appointments" in told:
            self.rows = {row["id"]: row for row in told["appointments"]}
        for row in told.get("upserts", ()):
            self.rows[row["id"]] = row
        for row_id in told.get("removes", ()):
            self.rows.pop(row_id, None)

    def read_until_it_equals(self, clinic: TestClinic) -> None:
        deadline = time.monotonic() + SECONDS
        while self.notes != notes_of(clinic):
            assert time.monotonic() < deadline, f"shows {self.notes}, the database has {notes_of(clinic)}"
            self.read()

    @property
    def notes(self) -> dict[int, str]:
        return {row_id: row["notes"] for row_id, row in self.rows.items()}


def notes_of(clinic: TestClinic) -> dict[int, str]:
    return dict(clinic.database.rows("SELECT id, notes FROM appointment WHERE clinic_id = %s", clinic.id))


def lose_last_commit(clinic: TestClinic, row_id: int, *, others: int) -> None:
    """Undo the last change, and its number with it; `others` new changes take numbers from there. One commit."""
    lost = clinic.seq
    with clinic.database.transaction() as execute:
        execute("UPDATE appointment SET notes = 'restored' WHERE id = %s", (row_id,))
        execute("DELETE FROM realtime_event WHERE clinic_id = %s AND seq >= %s", (clinic.id, lost))
        execute("UPDATE stream_head SET seq = %s WHERE clinic_id = %s", (lost - 1, clinic.id))
        for number in range(others):
            execute(
                "UPDATE appointment SET notes = %s WHERE clinic_id = %s AND id <> %s ORDER BY id LIMIT 1",
                (f"another {number}", clinic.id, row_id),
            )


@pytest.mark.parametrize("others", [0, 1, 2], ids=["head below", "head equal", "head above"])
def test_readers_in_both_modes_show_what_the_promoted_database_has(
    service: StreamService, clinic: TestClinic, others: int
) -> None:
    """Connected ones, and those that come back with an id of the lost history."""
    row_id = clinic.book()
    clinic.book()
    clinic.update(row_id, notes="lost")
    token = clinic.owner.token()
    service.wait_to_see(clinic.event_id, token)
    streams = [service.stream(token, f"mode={mode}") for mode in MODES]
    boards = [Board(stream) for stream in streams]
    for board in boards:
        board.read()
    lost_id = clinic.event_id
    lose_last_commit(clinic, row_id, others=others)
    for board in boards:
        board.read_until_it_equals(clinic)
        board.stream.close()
    assert boards[0].states[:1] == (["stale"] if others == 0 else [])
    for mode in MODES:
        with service.stream(token, f"mode={mode}", last_event_id=lost_id) as stream:
            assert "appointments" in stream.next_event().json


@pytest.mark.parametrize("mode", MODES)
def test_lost_id_is_answered_with_a_snapshot_by_a_process_that_never_saw_it(
    start_service: StartService, clinic: TestClinic, mode: str
) -> None:
    row_id = clinic.book()
    clinic.book()
    clinic.update(row_id, notes="lost")
    lost_id = clinic.event_id
    lose_last_commit(clinic, row_id, others=2)
    with start_service().stream(clinic.owner.token(), f"mode={mode}", last_event_id=lost_id) as stream:
        rows = stream.next_event().json["appointments"]
    assert {row["id"]: row["notes"] for row in rows} == notes_of(clinic)


def test_notifications_of_the_lost_history_leave_the_list(service: StreamService, clinic: TestClinic) -> None:
    clinic.book()
    stays, lost = clinic.tell(clinic.anna), clinic.tell(clinic.anna)
    with service.stream(clinic.anna.token(), of="notifications") as stream:
        assert len(stream.next_event().json["notifications"]) == 2
        number = clinic.seq
        with clinic.database.transaction() as execute:
            execute("DELETE FROM message WHERE id = %s", (lost,))
            execute("DELETE FROM realtime_event WHERE clinic_id = %s AND seq >= %s", (clinic.id, number))
            execute("UPDATE stream_head SET seq = %s WHERE clinic_id = %s", (number - 1, clinic.id))
            execute("UPDATE appointment SET notes = 'another' WHERE clinic_id = %s", (clinic.id,))
        told = stream.next_event()
        assert [row["id"] for row in told.json["notifications"]] == [stays]


def test_availability_of_the_lost_history_becomes_free(service: StreamService, clinic: TestClinic) -> None:
    lost = clinic.book()
    with service.stream(None, f"practitioner={clinic.petra.row_id}", of="availability") as stream:
        assert len(stream.next_event().json["taken"]) == 1
        number = clinic.seq
        with clinic.database.transaction() as execute:
            execute("DELETE FROM appointment WHERE id = %s", (lost,))
            execute("DELETE FROM realtime_event WHERE clinic_id = %s AND seq >= %s", (clinic.id, number))
            execute("UPDATE stream_head SET seq = %s WHERE clinic_id = %s", (number - 1, clinic.id))
            execute("UPDATE patient SET name = 'Another' WHERE id = %s", (clinic.anna.row_id,))
        assert stream.next_event().json["taken"] == []


def test_revocation_behind_a_number_that_is_known_ends_the_stream(service: StreamService, clinic: TestClinic) -> None:
    """The last change of an account was lost, and the next one, a revocation, has its number."""
    with (
        service.stream(clinic.staff.token()) as stays,
        service.stream(clinic.petra.token()) as goes,
    ):
        stays.next_event()
        goes.next_event()
        other = clinic.another("staff")
        database = clinic.database
        database.execute("UPDATE account_user SET token_version = 2 WHERE id = %s", other.user_id)
        service.get("/api/v1/auth/test", token=clinic.owner.token())
        time.sleep(0.3)  # For the stream to see that number.
        number = int(database.value("SELECT seq FROM stream_head WHERE clinic_id = 0"))
        with database.transaction() as execute:
            execute("UPDATE account_user SET token_version = 1 WHERE id = %s", (other.user_id,))
            execute("DELETE FROM realtime_event WHERE clinic_id = 0 AND seq >= %s", (number,))
            execute("UPDATE stream_head SET seq = %s WHERE clinic_id = 0", (number - 1,))
            execute("UPDATE account_user SET is_active = 0 WHERE id = %s", (clinic.petra.user_id,))
        assert goes.next_event(2.0).event == "revoked"
        assert stays.stays_silent(0.2)


def beat(clinic: TestClinic) -> None:
    clinic.database.execute("REPLACE INTO stream_pulse (id, at) VALUES (1, UTC_TIMESTAMP(6))")


def test_replica_without_a_new_pulse_makes_every_reader_stale(start_service: StartService, clinic: TestClinic) -> None:
    beat(clinic)
    service = start_service(sse_db_host=clinic.database.server.host)
    with service.stream(clinic.owner.token()) as stream:
        opened_at = time.monotonic()
        assert "appointments" in stream.next_event().json
        stream.next_named("stale")
        assert time.monotonic() - opened_at < 4.5
        health = service.get("/api/v1/health").json()
        assert health["stale"]["causes"] == {"replica": 1}
        assert health["pulse_age_seconds"] > 3
        beat(clinic)
        stream.next_named("fresh")
