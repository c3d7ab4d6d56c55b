from datetime import timedelta

import pytest
from clinic_stream.audiences import AppointmentAudience, RecordScope, RowFilter
from clinic_stream.event_ids import NO_MARK, EventId
from clinic_stream.event_log import LOG_AGE
from clinic_stream.events import MissedChanges

from testkit.stream.rows import ANNA, BEN, EPOCH, NOON, PAUL, PETRA, TODAY, appointment, batch, event, event_id, state

WHOLE_CLINIC = AppointmentAudience(RecordScope(1))
PETRAS = AppointmentAudience(RecordScope(1, "practitioner", PETRA))
ANNAS = AppointmentAudience(RecordScope(1, "patient", ANNA))
CONFIRMED = AppointmentAudience(RecordScope(1), RowFilter(statuses=frozenset({"confirmed"})))
NOTHING = MissedChanges([], [])
FIRST_ROW = appointment(1)


at = event_id


def test_nothing_was_missed_when_nothing_happened() -> None:
    assert state([FIRST_ROW]).missed_since(at(100), WHOLE_CLINIC) == NOTHING


@pytest.mark.parametrize(
    "last_id",
    [
        event_id(100, epoch="fedcba9876543210"),
        event_id(100, clinic_id=2),
        event_id(101),
        event_id(10**17),
        event_id(3),
        event_id(0),
    ],
    ids=["another epoch", "another clinic", "the future", "the far future", "pruned", "the beginning"],
)
def test_unknown_past_asks_for_a_snapshot(last_id: EventId) -> None:
    assert state([FIRST_ROW]).missed_since(last_id, WHOLE_CLINIC) is None


@pytest.mark.parametrize(
    "text",
    [None, "", "x", "1", "1.2", "a.b.c", "e.1.-5", "e.1.5", "e.1.5.6", "e.1.5-", "e.1." + "9" * 30 + "-1", "é.1.2-3"],
)
def test_foreign_id_reads_as_none(text: str | None) -> None:
    assert EventId.read(text) is None


def test_id_reads_as_it_is_written() -> None:
    assert EventId.read(str(at(100))) == at(100)


def test_changed_row_is_told_to_those_who_see_it_and_nothing_to_the_others() -> None:
    clinic = state([FIRST_ROW])
    clinic.apply(batch(event(101, 1), rows=[appointment(1, notes="new")]))
    told = MissedChanges([appointment(1, notes="new")], [])
    assert clinic.missed_since(at(100), WHOLE_CLINIC) == told
    assert clinic.missed_since(at(100), ANNAS) == told
    assert clinic.missed_since(at(100), AppointmentAudience(RecordScope(1, "patient", BEN))) == NOTHING
    assert clinic.missed_since(at(100), AppointmentAudience(RecordScope(1, "practitioner", PAUL))) == NOTHING


def test_row_that_moved_to_another_patient_is_removed_for_the_first_one() -> None:
    clinic = state([FIRST_ROW])
    clinic.apply(batch(event(101, 1), rows=[appointment(1, patient_id=BEN)]))
    assert clinic.missed_since(at(100), ANNAS) == MissedChanges([], [1])


def test_row_that_left_the_filter_is_removed() -> None:
    clinic = state([FIRST_ROW])
    clinic.apply(batch(event(101, 1), rows=[appointment(1, status="cancelled")]))
    assert clinic.missed_since(at(100), CONFIRMED) == MissedChanges([], [1])


def test_row_that_came_and_went_meanwhile_is_not_mentioned() -> None:
    clinic = state()
    clinic.apply(batch(event(101, 1, "insert"), rows=[FIRST_ROW]))
    clinic.apply(batch(event(102, 1, "delete")))
    assert clinic.missed_since(at(100), WHOLE_CLINIC) == NOTHING
    assert clinic.missed_since(at(101), WHOLE_CLINIC) == MissedChanges([], [1])


def test_write_that_changed_no_column_is_nothing() -> None:
    clinic = state([FIRST_ROW])
    clinic.apply(batch(event(101, 1), rows=[appointment(1)]))
    assert clinic.missed_since(at(100), WHOLE_CLINIC) == NOTHING


def test_hold_is_nothing_to_a_list_of_appointments() -> None:
    clinic = state([FIRST_ROW])
    clinic.apply(batch(event(101, 7, "insert", entity="hold")))
    assert clinic.missed_since(at(100), WHOLE_CLINIC) == NOTHING


def test_new_name_is_told_with_every_row_that_shows_it() -> None:
    clinic = state([FIRST_ROW, appointment(2, patient_id=BEN)])
    renamed = appointment(1, patient_name="Anna Maria")
    clinic.apply(batch(event(101, ANNA, "refresh", entity="patient"), rows=[renamed]))
    assert clinic.missed_since(at(100), WHOLE_CLINIC) == MissedChanges([renamed], [])


def test_after_a_restart_the_changed_rows_are_known_from_the_database() -> None:
    clinic = state([FIRST_ROW, appointment(2)], recent=[event(99, 7, entity="hold"), event(100, 1)])
    assert clinic.missed_since(at(99), WHOLE_CLINIC) == MissedChanges([FIRST_ROW], [])


def test_after_a_restart_a_delete_is_told_to_who_may_know_every_id() -> None:
    clinic = state([], recent=[event(99, 7, entity="hold"), event(100, 1, "delete")])
    assert clinic.missed_since(at(99), WHOLE_CLINIC) == MissedChanges([], [1])


@pytest.mark.parametrize("audience", [PETRAS, ANNAS, CONFIRMED], ids=["practitioner", "patient", "filter"])
def test_after_a_restart_a_narrow_scope_gets_a_snapshot_instead_of_a_stranger_s_id(
    audience: AppointmentAudience,
) -> None:
    recent = [event(99, 7, entity="hold"), event(100, 1, "delete")]
    assert state([], recent=recent).missed_since(at(99), audience) is None


def test_after_a_restart_a_new_row_of_a_stranger_is_nothing() -> None:
    recent = [event(99, 7, entity="hold"), event(100, 2, "insert")]
    clinic = state([FIRST_ROW, appointment(2, patient_id=BEN)], recent=recent)
    assert clinic.missed_since(at(99), ANNAS) == NOTHING


def test_after_a_restart_a_new_name_is_told() -> None:
    recent = [event(99, 7, entity="hold"), event(100, ANNA, "refresh", entity="patient")]
    clinic = state([FIRST_ROW, appointment(2, patient_id=BEN)], recent=recent)
    assert clinic.missed_since(at(99), ANNAS) == MissedChanges([FIRST_ROW], [])


def test_change_of_the_clinic_asks_for_a_snapshot() -> None:
    recent = [event(99, 7, entity="hold"), event(100, 1, "refresh", entity="clinic")]
    assert state([FIRST_ROW], recent=recent).missed_since(at(99), WHOLE_CLINIC) is None


def test_reader_of_yesterday_gets_a_snapshot_for_the_days_have_moved() -> None:
    yesterday = NOON - timedelta(days=1)
    clinic = state([FIRST_ROW], recent=[event(100, 7, entity="hold", at=yesterday)])
    assert clinic.missed_since(at(100, at=yesterday), WHOLE_CLINIC) is None
    assert clinic.missed_since(at(100, at=yesterday), ANNAS) is None


def test_days_that_were_asked_for_do_not_move() -> None:
    yesterday = NOON - timedelta(days=1)
    clinic = state([FIRST_ROW], recent=[event(100, 7, entity="hold", at=yesterday)])
    assert (
        clinic.missed_since(at(100, at=yesterday), AppointmentAudience(RecordScope(1), RowFilter(TODAY, TODAY)))
        == NOTHING
    )


def test_days_that_were_asked_for_leave_when_they_have_passed() -> None:
    before = NOON - timedelta(days=2)
    today = state([appointment(2)], seq=101, recent=[event(100, 1, at=before), event(101, 2)])
    asked = AppointmentAudience(RecordScope(1), RowFilter(TODAY - timedelta(days=2), TODAY))
    assert today.missed_since(at(100, at=before), asked) is None


def test_log_forgets_by_age_but_never_its_last_entry() -> None:
    clinic = state([FIRST_ROW], recent=[event(99, 1), event(100, 1)])
    later = NOON + LOG_AGE + timedelta(seconds=1)
    clinic.apply(batch(event(101, 1, at=later), rows=[appointment(1, notes="late")]))
    assert clinic.missed_since(at(101, at=later), WHOLE_CLINIC) == NOTHING
    assert clinic.missed_since(at(100), WHOLE_CLINIC) is not None, "an id from before a quiet hour is known"
    assert clinic.missed_since(at(99), WHOLE_CLINIC) is None


def test_several_changes_of_a_row_in_one_batch_are_known_from_before_the_first() -> None:
    clinic = state([FIRST_ROW])
    clinic.apply(batch(event(101, 1), event(102, 1), rows=[appointment(1, patient_id=BEN)]))
    assert clinic.missed_since(at(100), ANNAS) == MissedChanges([], [1])
    # Between the two nobody has looked: the row may never have been Anna's there.
    assert clinic.missed_since(at(101), ANNAS) is None


# Numbers that have changed their meaning


LATER = NOON + timedelta(seconds=5)


def test_number_whose_event_is_another_one_asks_for_a_snapshot() -> None:
    """A promoted replica that lacked the last commits has given the same number to another change."""
    promoted = state([FIRST_ROW], seq=101, recent=[event(100, 999, entity="hold"), event(101, 2, at=LATER)])
    assert promoted.missed_since(at(101), WHOLE_CLINIC) is None
    assert promoted.missed_since(at(101, at=LATER), WHOLE_CLINIC) == NOTHING
    assert promoted.missed_since(at(100), WHOLE_CLINIC) == MissedChanges([], [2]), "what both have seen"


def test_number_that_is_known_by_its_mark_alone_is_checked_in_the_middle_of_the_log() -> None:
    clinic = state([FIRST_ROW], recent=[event(99, 7, entity="hold"), event(100, 1)])
    clinic.apply(batch(event(101, 1), rows=[appointment(1, notes="new")]))
    assert clinic.missed_since(at(100, at=LATER), WHOLE_CLINIC) is None
    assert not clinic.knows(at(100, at=LATER))
    assert clinic.knows(at(100))


def test_event_that_is_not_kept_asks_for_a_snapshot() -> None:
    pruned = state([FIRST_ROW], recent=[])
    assert pruned.event_id == EventId(EPOCH, 1, 100, NO_MARK)
    assert pruned.missed_since(pruned.event_id, WHOLE_CLINIC) is None


def test_gap_in_the_recent_events_ends_what_is_known() -> None:
    """A partial restore: number 99 is missing."""
    clinic = state([FIRST_ROW], seq=101, recent=[event(98, 1), event(100, 1), event(101, 1)])
    assert clinic.missed_since(at(98), WHOLE_CLINIC) is None
    assert clinic.missed_since(at(100), WHOLE_CLINIC) == MissedChanges([FIRST_ROW], [])


def test_clinic_without_any_event_has_missed_nothing_at_its_beginning() -> None:
    clinic = state([], seq=0, recent=[])
    assert clinic.event_id == at(0)
    today = AppointmentAudience(RecordScope(1), RowFilter(TODAY, TODAY))
    assert clinic.missed_since(at(0), today) == NOTHING
    clinic.apply(batch(event(1, 1, "insert"), rows=[FIRST_ROW]))
    assert clinic.missed_since(at(0), today) == MissedChanges([FIRST_ROW], [])


def test_boundary_answers_every_older_id_with_a_snapshot() -> None:
    """Rows were changed without an event: an id up to here does not tell which rows its reader holds."""
    clinic = state([FIRST_ROW], recent=[event(99, 7, entity="hold"), event(100, 1)])
    clinic.draw_boundary()
    assert clinic.missed_since(at(99), WHOLE_CLINIC) is None
    assert clinic.missed_since(at(100), WHOLE_CLINIC) is None
    clinic.apply(batch(event(101, 1), rows=[appointment(1, notes="new")]))
    assert clinic.missed_since(at(100), WHOLE_CLINIC) is None
    assert clinic.missed_since(at(101), WHOLE_CLINIC) == NOTHING


@pytest.mark.parametrize("since", [100, 101])
def test_reader_whose_family_has_changed_since_or_just_before_gets_a_snapshot(since: int) -> None:
    clinic = state([FIRST_ROW])
    clinic.apply(batch(event(101, ANNA, "refresh", entity="family"), rows=[]))
    assert clinic.missed_since(at(since), ANNAS) is None
    assert clinic.missed_since(at(since), AppointmentAudience(RecordScope(1, "patient", BEN))) == NOTHING
    assert clinic.missed_since(at(since), WHOLE_CLINIC) == NOTHING


def test_reader_whose_family_changed_long_before_misses_nothing() -> None:
    clinic = state([FIRST_ROW])
    clinic.apply(batch(event(101, ANNA, "refresh", entity="family"), rows=[]))
    later = NOON + timedelta(seconds=6)
    clinic.apply(batch(event(102, 7, "insert", entity="hold", at=later), rows=[]))
    assert clinic.missed_since(event_id(102, at=later), ANNAS) == NOTHING
