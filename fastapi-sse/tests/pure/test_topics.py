import json
from datetime import timedelta

import pytest
from clinic_stream.live_clinic import LiveClinic, scopes_of
from clinic_stream.params import Mode
from clinic_stream.state import Audience, Change, Filter, Scope
from clinic_stream.topics import HISTORY_LENGTH, SNAPSHOT_AGE, TOPIC_LINGER
from stream_testkit.rows import ANNA, BEN, NOON, PAUL, PETRA, TODAY, appointment, batch, event, state

WHOLE_CLINIC = Audience(Scope(1))
ANNAS = Audience(Scope(1, "patient", ANNA))
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
    assert clinic.topic(WHOLE_CLINIC, NOON) is clinic.topic(Audience(Scope(1)), NOON)
    assert clinic.topic(WHOLE_CLINIC, NOON) is not clinic.topic(ANNAS, NOON)


def test_row_is_encoded_once_for_all_topics_of_a_view() -> None:
    clinic = live_clinic()
    other = Audience(Scope(1, "practitioner", PETRA))
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


def test_who_is_behind_gets_the_sum_of_the_changes() -> None:
    clinic = live_clinic()
    topic = clinic.topic(WHOLE_CLINIC, NOON)
    clinic.advance(batch(event(101, 1), rows=[appointment(1, notes="older")]))
    clinic.advance(batch(event(102, 1), rows=[appointment(1, notes="newest")]))
    clinic.advance(batch(event(103, 2, "delete")))
    told = body(topic.since(0, "delta", NOON))
    assert [(row["id"], row["notes"]) for row in told["upserts"]] == [(1, "newest")]  # type: ignore[attr-defined]
    assert (told["removes"], told["seq"]) == ([2], 103)


def test_who_is_too_far_behind_gets_a_snapshot() -> None:
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
    clinic.replace(state([appointment(1), appointment(2, day=8), appointment(3, day=3)], today=tomorrow))
    told = body(topic.since(0, "delta", NOON))
    assert [row["id"] for row in told["upserts"]] == [2]  # type: ignore[attr-defined]
    assert told["removes"] == [1]


def test_midnight_makes_no_version_where_nothing_moves() -> None:
    clinic = LiveClinic(state([appointment(3, day=3)]), NOON)
    topic = clinic.topic(WHOLE_CLINIC, NOON)
    clinic.replace(state([appointment(3, day=3)], today=TODAY + timedelta(days=1)))
    assert topic.version == 0


def test_topic_that_nobody_looks_at_is_forgotten_after_a_while() -> None:
    clinic = live_clinic()
    kept, dropped = clinic.topic(WHOLE_CLINIC, NOON + TOPIC_LINGER), clinic.topic(ANNAS, NOON)
    clinic.drop_idle_topics(NOON + TOPIC_LINGER + timedelta(seconds=1))
    assert clinic.topics == {WHOLE_CLINIC: kept}
    assert clinic.topic(ANNAS, NOON) is not dropped


def test_change_concerns_the_scopes_a_row_was_in_and_is_in() -> None:
    change = Change(appointment(1), appointment(1, patient_id=BEN, practitioner_id=PAUL))
    assert scopes_of(change, 1) == {
        Scope(1),
        Scope(1, "patient", ANNA),
        Scope(1, "patient", BEN),
        Scope(1, "practitioner", PETRA),
        Scope(1, "practitioner", PAUL),
    }


def test_topics_of_one_scope_with_other_filters_all_follow() -> None:
    clinic = live_clinic()
    topics = [clinic.topic(Audience(Scope(1), Filter(statuses=frozenset({s}))), NOON) for s in ("confirmed", "no_show")]
    clinic.advance(batch(event(101, 1), rows=[appointment(1, status="no_show")]))
    assert [set(topic.rows) for topic in topics] == [{2}, {1}]
    assert [topic.version for topic in topics] == [1, 1]
