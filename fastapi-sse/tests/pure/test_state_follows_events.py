"""The rule all else rests on: a state that followed every event equals one loaded fresh, and so does every reader."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from clinic_stream.appointment import STATUSES, Appointment
from clinic_stream.appointment_topic import AppointmentTopic
from clinic_stream.audiences import AppointmentAudience, RecordScope, RowFilter
from clinic_stream.event_ids import EventId
from clinic_stream.events import EventBatch, FeedEvent, is_named_by
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.params import Mode
from clinic_stream.state import ClinicState
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testkit.stream.rows import ANNA, BEN, NOON, PAUL, PETRA, TODAY, appointment, batch, event, event_id, state

AUDIENCES = [
    AppointmentAudience(RecordScope(1)),
    AppointmentAudience(RecordScope(1), RowFilter(TODAY, TODAY + timedelta(days=2))),
    AppointmentAudience(RecordScope(1), RowFilter(statuses=frozenset({"pending", "cancelled"}))),
    AppointmentAudience(RecordScope(1), RowFilter(practitioner_id=PAUL)),
    AppointmentAudience(RecordScope(1, "practitioner", PETRA)),
    AppointmentAudience(RecordScope(1, "patient", ANNA)),
    AppointmentAudience(RecordScope(1, "patient", BEN), RowFilter(statuses=frozenset({"confirmed"}))),
]

columns = st.fixed_dictionaries(
    {
        "day": st.sampled_from([-3, -1, 0, 1, 7, 8, 31, 33]),
        "status": st.sampled_from(sorted(STATUSES)),
        "patient_id": st.sampled_from([ANNA, BEN]),
        "practitioner_id": st.sampled_from([PETRA, PAUL]),
        "notes": st.sampled_from(["", "internal"]),
    }
)
writes = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 6), columns),
    st.tuples(st.just("delete"), st.integers(1, 6), st.none()),
    st.tuples(st.just("rename patient"), st.sampled_from([ANNA, BEN]), st.sampled_from(["A", "B"])),
    st.tuples(st.just("hold"), st.integers(1, 3), st.none()),
)


class FakeDatabase:
    """The database's answers: rows, and a gap-free log. The one stand-in in these tests."""

    def __init__(self) -> None:
        self.rows: dict[int, dict[str, Any]] = {}
        self.names = {ANNA: "Anna", BEN: "Ben"}
        self.events: list[FeedEvent] = []

    def write(self, kind: str, target: int, change: Any) -> None:
        if kind == "put":
            known = target in self.rows
            self.rows[target] = change
            self._log(target, "update" if known else "insert")
        elif kind == "delete":
            if self.rows.pop(target, None) is not None:
                self._log(target, "delete")
        elif kind == "rename patient":
            self.names[target] = change
            self._log(target, "refresh", entity="patient")
        else:
            self._log(target, "insert", entity="hold")

    def all_rows(self) -> list[Appointment]:
        return [
            appointment(row_id, **row, patient_name=self.names[row["patient_id"]]) for row_id, row in self.rows.items()
        ]

    def fresh_state(self) -> ClinicState:
        return state(self.all_rows(), seq=len(self.events), recent=self.events)

    def batch_after(self, seq: int) -> EventBatch:
        events = self.events[seq:]
        ids = {event.entity_id for event in events if event.entity == "appointment"}
        rows = [row for row in self.all_rows() if row.id in ids or any(is_named_by(row, event) for event in events)]
        return batch(*events, rows=rows)

    def _log(self, entity_id: int, kind: str, *, entity: str = "appointment") -> None:
        self.events.append(event(len(self.events) + 1, entity_id, kind, entity=entity))


class FakeReader:
    """A page that keeps what the frames tell it, and nothing else."""

    def __init__(self, topic: AppointmentTopic, mode: Mode) -> None:
        self.topic = topic
        self.mode = mode
        self.version = topic.version
        self.shown: dict[int, Any] = {}
        self.last_id: EventId | None = None
        self.apply(topic.opening(None, mode, NOON).frame)

    def catch_up(self) -> bool:
        if self.version == self.topic.version:
            return False
        self.apply(self.topic.since(self.version, self.mode, NOON))
        self.version = self.topic.version
        return True

    def come_back(self, topic: AppointmentTopic) -> None:
        self.topic, self.version = topic, topic.version
        self.apply(topic.opening(self.last_id, self.mode, NOON).frame)

    def apply(self, frame: bytes) -> None:
        for block in frame.decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            self.last_id = EventId.read(lines.get("id")) or self.last_id
            body = json.loads(lines.get("data", "null"))
            if body and "appointments" in body:
                self.shown = {row["id"]: row for row in body["appointments"]}
            elif body and "upserts" in body:  # A heartbeat has none.
                self.shown.update({row["id"]: row for row in body["upserts"]})
                for row_id in body["removes"]:
                    self.shown.pop(row_id, None)


def what_is_so(database: FakeDatabase, audience: AppointmentAudience, today: date = TODAY) -> dict[int, Any]:
    fresh = database.fresh_state()
    return {row.id: json.loads(row.encoded(audience.view)) for row in fresh.rows.values() if audience.shows(row, today)}


@given(st.lists(st.lists(writes, min_size=1, max_size=6), max_size=12))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_state_that_followed_every_event_equals_a_fresh_one(batches: list[list[tuple[str, int, Any]]]) -> None:
    database = FakeDatabase()
    followed = database.fresh_state()
    for batch_of_writes in batches:
        for write in batch_of_writes:
            database.write(*write)
        if database.events[followed.seq :]:
            followed.apply(database.batch_after(followed.seq))
        fresh = database.fresh_state()
        assert (followed.seq, followed.rows) == (fresh.seq, fresh.rows)
        for audience in AUDIENCES:
            shown = {row.id for row in fresh.rows.values() if audience.shows(row, TODAY)}
            assert followed.visible_to(audience).keys() == shown


@pytest.mark.parametrize("mode", ["snapshot", "delta"])
@given(st.lists(st.tuples(st.lists(writes, min_size=1, max_size=4), st.booleans()), max_size=10))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_reader_ends_with_what_is_so_however_slow_it_reads(
    mode: Mode, rounds: list[tuple[list[tuple[str, int, Any]], bool]]
) -> None:
    database = FakeDatabase()
    clinic = LiveClinic(database.fresh_state(), NOON)
    readers = [FakeReader(clinic.topic(audience, NOON), mode) for audience in AUDIENCES]
    for batch_of_writes, everybody_reads in rounds:
        for write in batch_of_writes:
            database.write(*write)
        if database.events[clinic.state.seq :]:
            clinic.advance(database.batch_after(clinic.state.seq))
        for reader in readers[:: 1 if everybody_reads else 2]:
            reader.catch_up()
    for reader in readers:
        reader.catch_up()
        assert reader.shown == what_is_so(database, reader.topic.audience)


@pytest.mark.parametrize("restarted", [False, True], ids=["the same process", "restarted"])
@given(st.lists(writes, max_size=12), st.lists(st.lists(writes, min_size=1, max_size=4), max_size=5))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_reader_who_was_away_ends_with_what_is_so(
    restarted: bool, before: list[tuple[str, int, Any]], meanwhile: list[list[tuple[str, int, Any]]]
) -> None:
    database = FakeDatabase()
    for write in before:
        database.write(*write)
    clinic = LiveClinic(database.fresh_state(), NOON)
    readers = [FakeReader(clinic.topic(audience, NOON), "delta") for audience in AUDIENCES]
    for batch_of_writes in meanwhile:
        for write in batch_of_writes:
            database.write(*write)
        if database.events[clinic.state.seq :]:
            clinic.advance(database.batch_after(clinic.state.seq))
    if restarted:
        clinic = LiveClinic(database.fresh_state(), NOON)
    for reader in readers:
        reader.come_back(clinic.topic(reader.topic.audience, NOON))
        assert reader.shown == what_is_so(database, reader.topic.audience)
        assert reader.last_id == event_id(len(database.events))


@given(st.lists(writes, max_size=12), st.lists(writes, min_size=1, max_size=6), st.booleans())
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_reader_who_was_away_learns_no_id_that_was_never_theirs(
    before: list[tuple[str, int, Any]], meanwhile: list[tuple[str, int, Any]], restarted: bool
) -> None:
    database = FakeDatabase()
    for write in before:
        database.write(*write)
    clinic = LiveClinic(database.fresh_state(), NOON)
    seen = {audience: set(clinic.topic(audience, NOON).rows) for audience in AUDIENCES[1:]}
    last_id = clinic.event_id
    for write in meanwhile:
        database.write(*write)
    if not database.events[clinic.state.seq :]:
        return
    clinic.advance(database.batch_after(clinic.state.seq))
    if restarted:
        clinic = LiveClinic(database.fresh_state(), NOON)
    for audience, ids in seen.items():
        missed = clinic.state.missed_since(last_id, audience)
        if missed is not None:
            assert set(missed.removes) <= ids
