from collections.abc import Callable

import pytest
from clinic_stream.event_ids import EventId

from testkit.stream.clinic import Person, TestClinic
from testkit.stream.service import StartService, StreamService
from testkit.stream.wire import SseReader


class ComeBack:
    """A service that a reader leaves, and the one it comes back to."""

    def __init__(self, start_service: StartService, how: str) -> None:
        self.first = self.second = start_service()
        self._how = how
        if how == "another process":
            self.second = start_service()

    def between(self) -> None:
        if self._how == "restarted":
            self.first.stop()
            self.first.start()
        if self._how == "killed and restarted":
            self.first.kill()
            self.first.start()


@pytest.fixture(params=["the same process", "restarted", "killed and restarted", "another process"])
def come_back(request: pytest.FixtureRequest, start_service: StartService) -> ComeBack:
    return ComeBack(start_service, request.param)


def leave(service: StreamService, person: Person, query: str = "") -> str:
    """Read a stream's first event and go. Returns its id."""
    with service.stream(person.token(), query) as stream:
        event_id = stream.next_event().id
    assert event_id is not None
    return event_id


def is_quiet(stream: SseReader) -> bool:
    return stream.status == 200 and stream.stays_silent(0.3)


@pytest.mark.parametrize("mode", ["snapshot", "delta"])
def test_nothing_comes_when_nothing_changed(come_back: ComeBack, clinic: TestClinic, mode: str) -> None:
    clinic.book()
    last_id = leave(come_back.first, clinic.owner, f"mode={mode}")
    come_back.between()
    with come_back.second.stream(clinic.owner.token(), f"mode={mode}", last_event_id=last_id) as stream:
        assert is_quiet(stream)
        assert stream.last_id == last_id


def test_missed_changes_come_as_one_change(come_back: ComeBack, clinic: TestClinic) -> None:
    changed, gone, stays = clinic.book(), clinic.book(), clinic.book()
    last_id = leave(come_back.first, clinic.owner, "mode=delta")
    come_back.between()
    clinic.update(changed, status="cancelled")
    clinic.delete(gone)
    new = clinic.book()
    come_back.second.wait_to_see(clinic.event_id, clinic.owner.token())
    with come_back.second.stream(clinic.owner.token(), "mode=delta", last_event_id=last_id) as stream:
        change = stream.next_named("change")
        assert [row["id"] for row in change.json["upserts"]] == [changed, new]
        assert change.json["removes"] == [gone]
        assert change.id == clinic.event_id
        clinic.update(stays, notes="goes on")
        assert [row["id"] for row in stream.next_named("change").json["upserts"]] == [stays]


def test_missed_changes_come_as_a_snapshot_in_snapshot_mode(come_back: ComeBack, clinic: TestClinic) -> None:
    clinic.book()
    last_id = leave(come_back.first, clinic.owner)
    come_back.between()
    clinic.book()
    come_back.second.wait_to_see(clinic.event_id, clinic.owner.token())
    with come_back.second.stream(clinic.owner.token(), last_event_id=last_id) as stream:
        assert len(stream.next_event().json["appointments"]) == 2


def test_invisible_row_is_no_gap(service: StreamService, clinic: TestClinic) -> None:
    clinic.book(patient=clinic.anna)
    last_id = leave(service, clinic.anna)
    clinic.book(patient=clinic.ben)
    service.wait_to_see(clinic.event_id, clinic.owner.token())
    with service.stream(clinic.anna.token(), last_event_id=last_id) as stream:
        assert is_quiet(stream)
        assert stream.last_id == clinic.event_id


def test_own_changes_come_exactly_even_to_a_narrow_scope(service: StreamService, clinic: TestClinic) -> None:
    gone, stays = clinic.book(patient=clinic.anna), clinic.book(patient=clinic.anna)
    others = clinic.book(patient=clinic.ben)
    last_id = leave(service, clinic.anna, "mode=delta")
    clinic.delete(gone)
    clinic.delete(others)
    clinic.update(stays, status="cancelled")
    service.wait_to_see(clinic.event_id, clinic.owner.token())
    with service.stream(clinic.anna.token(), "mode=delta", last_event_id=last_id) as stream:
        change = stream.next_named("change").json
        assert [row["id"] for row in change["upserts"]] == [stays]
        assert change["removes"] == [gone]


@pytest.mark.parametrize("query", ["mode=delta", "mode=delta&status=confirmed"])
def test_after_a_restart_a_narrow_scope_learns_no_stranger_s_id(
    start_service: StartService, clinic: TestClinic, query: str
) -> None:
    service = start_service()
    own = clinic.book(patient=clinic.anna)
    strangers = clinic.book(patient=clinic.ben)
    last_id = leave(service, clinic.anna, query)
    service.kill()
    clinic.delete(strangers)
    service.start()
    with service.stream(clinic.anna.token(), query, last_event_id=last_id) as stream:
        snapshot = stream.next_named("snapshot")
        assert [row["id"] for row in snapshot.json["appointments"]] == [own]


def test_header_wins_over_the_query(service: StreamService, clinic: TestClinic) -> None:
    clinic.book()
    old = leave(service, clinic.owner)
    clinic.book()
    service.wait_to_see(clinic.event_id, clinic.owner.token())
    new = leave(service, clinic.owner)
    with service.stream(clinic.owner.token(), f"last_event_id={old}", last_event_id=new) as stream:
        assert is_quiet(stream)
    with service.stream(clinic.owner.token(), f"last_event_id={new}", last_event_id=old) as stream:
        assert stream.next_event().id == new


def test_query_alone_resumes_too(service: StreamService, clinic: TestClinic) -> None:
    clinic.book()
    last_id = leave(service, clinic.owner)
    with service.stream(clinic.owner.token(), f"last_event_id={last_id}") as stream:
        assert is_quiet(stream)


@pytest.mark.parametrize(
    "change_id",
    [
        lambda own: "rubbish",
        lambda own: f"{own}.7",
        lambda own: str(own._replace(seq=-1)),
        lambda own: str(own._replace(seq=own.seq + 1000)),
        lambda own: str(own._replace(seq=int("9" * 40))),
        lambda own: str(own._replace(clinic_id=own.clinic_id + 1)),
        lambda own: str(own._replace(epoch="0" * 16)),
        lambda own: str(own._replace(mark=own.mark + 1)),
        lambda own: str(own._replace(mark=0)),
        lambda own: str(own).partition("-")[0],
        lambda own: "'; DROP TABLE appointment; --",
    ],
    ids=[
        "rubbish",
        "too long",
        "negative",
        "future",
        "absurd",
        "another clinic",
        "another epoch",
        "another mark",
        "mark of no event",
        "no mark",
        "hostile",
    ],
)
@pytest.mark.parametrize("mode", ["snapshot", "delta"])
def test_id_that_means_nothing_here_brings_a_snapshot(
    service: StreamService, clinic: TestClinic, change_id: Callable[[EventId], str], mode: str
) -> None:
    booked = clinic.book()
    own = EventId.read(clinic.event_id)
    assert own is not None
    last_id = change_id(own)
    with service.stream(clinic.owner.token(), f"mode={mode}", last_event_id=last_id) as stream:
        assert stream.status == 200
        assert [row["id"] for row in stream.next_event().json["appointments"]] == [booked]


def test_pruned_events_bring_a_snapshot(start_service: StartService, clinic: TestClinic) -> None:
    clinic.book()
    service = start_service()
    last_id = leave(service, clinic.owner, "mode=delta")
    service.kill()
    clinic.book()
    clinic.book()
    clinic.database.execute("DELETE FROM realtime_event WHERE clinic_id = %s AND seq < %s", clinic.id, clinic.seq)
    service.start()
    with service.stream(clinic.owner.token(), "mode=delta", last_event_id=last_id) as stream:
        assert len(stream.next_named("snapshot").json["appointments"]) == 3


def test_events_pruned_before_they_were_read_lose_nothing(service: StreamService, clinic: TestClinic) -> None:
    booked = clinic.book()
    with service.stream(clinic.owner.token(), "mode=delta") as stream:
        stream.next_event()
        with clinic.database.transaction() as execute:
            execute("UPDATE appointment SET notes = 'one' WHERE id = %s", (booked,))
            execute("UPDATE appointment SET notes = 'two' WHERE id = %s", (booked,))
            execute("DELETE FROM realtime_event WHERE clinic_id = %s", (clinic.id,))
        change = stream.next_named("change")
        assert [row["notes"] for row in change.json["upserts"]] == ["two"]
        assert change.id == clinic.event_id


def test_numbers_that_start_anew_are_no_past(start_service: StartService, clinic: TestClinic) -> None:
    """A restore: the head is lower than what was shown, and rows differ."""
    service = start_service()
    gone, stays = clinic.book(), clinic.book()
    with service.stream(clinic.owner.token(), "mode=delta") as stream:
        stream.next_event()
        with clinic.database.transaction() as execute:
            execute("DELETE FROM appointment WHERE id = %s", (gone,))
            execute("UPDATE stream_head SET seq = 1 WHERE clinic_id = %s", (clinic.id,))
            execute("DELETE FROM realtime_event WHERE clinic_id = %s AND seq > 1", (clinic.id,))
        stream.next_named("stale")
        change = stream.next_named("change")
        assert change.json["removes"] == [gone]
        assert change.id == clinic.event_id
        stream.next_named("fresh")
        clinic.update(stays, notes="goes on")
        assert [row["id"] for row in stream.next_named("change").json["upserts"]] == [stays]
