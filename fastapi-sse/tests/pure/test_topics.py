import asyncio
import json
from datetime import timedelta

import pytest
from clinic_stream.audiences import AppointmentAudience, RecordScope, RowFilter
from clinic_stream.clinic_reload import scopes_of
from clinic_stream.events import RowChange
from clinic_stream.live_clinic import LiveClinic
from clinic_stream.params import Mode
from clinic_stream.topics import HISTORY_LENGTH, SNAPSHOT_AGE, TOPIC_LINGER

from testkit.stream.rows import ANNA, BEN, NOON, PAUL, PETRA, TODAY, appointment, batch, event, state

WHOLE_CLINIC = AppointmentAudience(RecordScope(1))
ANNAS = AppointmentAudience(RecordScope(1, "patient", ANNA))
MODES: list[Mode] = ["snapshot", "delta"]


def live_clinic() -> LiveClinic:
    return LiveClinic(state([appointment(1), appointment(2, patient_id=BEN)]), NOON)


def body(frame: bytes) -> dict[str, object]:
    [line] = [line for line in frame.decode().split("\n") if line.startswith("data: ")]
    return dict(json.loads(line[6:]))


@pytest.mark.parametrize("mode", MODES)
def test_frame_is_encoded_once_for_all_who_are_up_to_date(mode: Mode) -> None:
    clinic = live_clinic()
    topic = clinic.topic(WHOLE_CLINIC, NOON)
    clinic.advance(batch(event(101, 1), rows=[appointment(1, notes="new")]))
    assert topic.since(0, mode, NOON) is topic.since(0, mode, NOON)


def test_everyone_of_one_audience_shares_one_topic() -> None:
    clinic = live_clinic()
    assert clinic.topic(WHOLE_CLINIC, NOON) is clinic.topic(AppointmentAudience(RecordScope(1)), NOON)
    assert clinic.topic(WHOLE_CLINIC, NOON) is not clinic.topic(ANNAS, NOON)


def test_row_is_encoded_once_for_all_topics_of_a_view() -> None:
    clinic = live_clinic()
    other = AppointmentAudience(RecordScope(1, "practitioner", PETRA))
    for audience in (WHOLE_CLINIC, other):
        clinic.topic(audience, NOON).snapshot("snapshot", NOON)
    first = clinic.topic(WHOLE_CLINIC, NOON).rows[1]
    assert first is clinic.topic(other, NOON).rows[1]
    assert first.encoded(WHOLE_CLINIC.view) is first.encoded(other.view)


def test_topic_that_does_not_show_a_change_makes_no_version() -> None:
    clinic = live_clinic()
    annas, whole = clinic.topic(ANNAS, NOON), clinic.topic(WHOLE_CLINIC, NOON)
    clinic.advance(batch(event(101, 2), rows=[appointment(2, patient_id=BEN, notes="new")]))
    assert (annas.version, whole.version) == (0, 1)


def test_internal_note_makes_no_version_for_the_patient() -> None:
    clinic = live_clinic()
    annas = clinic.topic(ANNAS, NOON)
    clinic.advance(batch(event(101, 1), rows=[appointment(1, notes="new")]))
    assert annas.version == 0


def test_deletion_removes_a_visit_from_the_clinic_and_leaves_it_cancelled_for_its_patient() -> None:
    clinic = live_clinic()
    annas, whole = clinic.topic(ANNAS, NOON), clinic.topic(WHOLE_CLINIC, NOON)
    deleted = appointment(1, status="cancelled", deleted_at=NOON.replace(tzinfo=None))
    clinic.advance(batch(event(101, 1), rows=[deleted]))
    assert body(whole.since(0, "delta", NOON))["removes"] == [1]
    shown = body(annas.since(0, "delta", NOON))["upserts"]
    assert [(row["id"], row["status"]) for row in shown] == [(1, "cancelled")]  # type: ignore[attr-defined]


def test_late_reader_gets_the_sum_of_the_changes() -> None:
    clinic = live_clinic()
    topic = clinic.topic(WHOLE_CLINIC, NOON)
    clinic.advance(batch(event(101, 1), rows=[appointment(1, notes="older")]))
    clinic.advance(batch(event(102, 1), rows=[appointment(1, notes="newest")]))
    clinic.advance(batch(event(103, 2, "delete")))
    told = body(topic.since(0, "delta", NOON))
    assert [(row["id"], row["notes"]) for row in told["upserts"]] == [(1, "newest")]  # type: ignore[attr-defined]
    assert (told["removes"], told["seq"]) == ([2], 103)


def test_reader_too_far_behind_gets_a_snapshot() -> None:
    clinic = live_clinic()
    topic = clinic.topic(WHOLE_CLINIC, NOON)
    for number in range(HISTORY_LENGTH + 1):
        clinic.advance(batch(event(101 + number, 1), rows=[appointment(1, notes=str(number))]))
    assert "event: snapshot\n" in topic.since(0, "delta", NOON).decode()
    assert "event: change\n" in topic.since(1, "delta", NOON).decode()


def test_snapshot_is_shared_for_a_second_and_then_dated_anew() -> None:
    topic = live_clinic().topic(WHOLE_CLINIC, NOON)
    first = topic.snapshot("snapshot", NOON)
    assert topic.snapshot("snapshot", NOON + SNAPSHOT_AGE) is first
    later = body(topic.snapshot("snapshot", NOON + SNAPSHOT_AGE + timedelta(milliseconds=1)))
    assert later["as_of"] == "2026-11-20T11:00:01.001+00:00"


def test_snapshot_lists_by_start_then_id() -> None:
    clinic = LiveClinic(state([appointment(3, day=1), appointment(2), appointment(1), appointment(4, day=0)]), NOON)
    shown = body(clinic.topic(WHOLE_CLINIC, NOON).snapshot("snapshot", NOON))["appointments"]
    assert [row["id"] for row in shown] == [1, 2, 4, 3]  # type: ignore[attr-defined]


def test_days_move_at_midnight_without_any_write() -> None:
    clinic = LiveClinic(state([appointment(1), appointment(2, day=8), appointment(3, day=3)]), NOON)
    topic = clinic.topic(WHOLE_CLINIC, NOON)
    assert set(topic.rows) == {1, 3}
    tomorrow = TODAY + timedelta(days=1)
    asyncio.run(clinic.replace(state([appointment(1), appointment(2, day=8), appointment(3, day=3)], today=tomorrow)))
    told = body(topic.since(0, "delta", NOON))
    assert [row["id"] for row in told["upserts"]] == [2]  # type: ignore[attr-defined]
    assert told["removes"] == [1]


def test_midnight_makes_no_version_where_nothing_moves() -> None:
    clinic = LiveClinic(state([appointment(3, day=3)]), NOON)
    topic = clinic.topic(WHOLE_CLINIC, NOON)
    asyncio.run(clinic.replace(state([appointment(3, day=3)], today=TODAY + timedelta(days=1))))
    assert topic.version == 0


def test_topic_that_nobody_looks_at_is_forgotten_after_a_while() -> None:
    clinic = live_clinic()
    kept, dropped = clinic.topic(WHOLE_CLINIC, NOON + TOPIC_LINGER), clinic.topic(ANNAS, NOON)
    clinic.drop_idle_topics(NOON + TOPIC_LINGER + timedelta(seconds=1))
    assert clinic.topics == {WHOLE_CLINIC: kept}
    assert clinic.topic(ANNAS, NOON) is not dropped


def test_change_concerns_the_scopes_a_row_was_in_and_is_in() -> None:
    change = RowChange(appointment(1), appointment(1, patient_id=BEN, practitioner_id=PAUL))
    assert scopes_of(change, 1) == {
        RecordScope(1),
        RecordScope(1, "patient", ANNA),
        RecordScope(1, "patient", BEN),
        RecordScope(1, "practitioner", PETRA),
        RecordScope(1, "practitioner", PAUL),
    }


def test_topics_of_one_scope_with_other_filters_all_follow() -> None:
    clinic = live_clinic()
    topics = [
        clinic.topic(AppointmentAudience(RecordScope(1), RowFilter(statuses=frozenset({s}))), NOON)
        for s in ("confirmed", "no_show")
    ]
    clinic.advance(batch(event(101, 1), rows=[appointment(1, status="no_show")]))
    assert [set(topic.rows) for topic in topics] == [{2}, {1}]
    assert [topic.version for topic in topics] == [1, 1]


# Families


def test_visits_of_a_familys_records_are_shown_to_its_account_alone() -> None:
    clinic = live_clinic()
    annas = clinic.topic(ANNAS, NOON, family=frozenset({BEN}))
    assert set(annas.rows) == {1, 2}
    assert "notes" not in annas.snapshot("snapshot", NOON).decode()
    version = annas.version
    clinic.advance(batch(event(101, 2), rows=[appointment(2, patient_id=BEN, status="cancelled")]))
    assert (annas.version, annas.rows[2].status) == (version + 1, "cancelled")
    assert set(clinic.topic(AppointmentAudience(RecordScope(1, "patient", BEN)), NOON).rows) == {2}


def test_readers_are_told_what_a_change_of_their_family_brings_and_takes() -> None:
    clinic = live_clinic()
    annas = clinic.topic(ANNAS, NOON)
    clinic.set_family(ANNA, frozenset({BEN}))
    assert [row["id"] for row in body(annas.since(0, "delta", NOON))["upserts"]] == [2]  # type: ignore[attr-defined]
    clinic.set_family(ANNA, frozenset())
    assert body(annas.since(1, "delta", NOON))["removes"] == [2]
    clinic.advance(batch(event(101, 2), rows=[appointment(2, patient_id=BEN, status="cancelled")]))
    assert annas.version == 2


def test_record_that_moves_between_two_of_a_family_stays_shown() -> None:
    clinic = live_clinic()
    annas = clinic.topic(ANNAS, NOON, family=frozenset({BEN}))
    clinic.advance(batch(event(101, 2), rows=[appointment(2, patient_id=ANNA)]))
    assert annas.rows[2].patient_id == ANNA


def test_family_that_shares_a_record_is_told_apart() -> None:
    clinic = live_clinic()
    annas, bens = (
        clinic.topic(ANNAS, NOON, family=frozenset({BEN})),
        clinic.topic(AppointmentAudience(RecordScope(1, "patient", BEN)), NOON),
    )
    clinic.set_family(BEN, frozenset({99}))
    assert annas.audience.family == frozenset({BEN})
    assert bens.audience.family == frozenset({99})


def test_topic_of_a_family_is_forgotten_with_all_its_records() -> None:
    clinic = live_clinic()
    clinic.topic(ANNAS, NOON, family=frozenset({BEN}))
    clinic.drop_idle_topics(NOON + 2 * TOPIC_LINGER)
    assert clinic.topics == {}
    clinic.advance(batch(event(101, 2), rows=[appointment(2, patient_id=BEN, status="cancelled")]))
