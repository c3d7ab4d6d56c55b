from datetime import timedelta

import pytest
from clinic_stream.appointment import STATUSES
from clinic_stream.audiences import AppointmentAudience, RecordScope, RowFilter

from testkit.stream.rows import ANNA, BEN, NOON, PAUL, PETRA, TODAY, appointment

WHOLE_CLINIC = RecordScope(1)
PETRAS = RecordScope(1, "practitioner", PETRA)
ANNAS = RecordScope(1, "patient", ANNA)


@pytest.mark.parametrize(("day", "shown"), [(-1, False), (0, True), (7, True), (8, False), (31, False)])
@pytest.mark.parametrize("scope", [WHOLE_CLINIC, PETRAS])
def test_clinic_sees_today_and_seven_days_more(scope: RecordScope, day: int, shown: bool) -> None:
    assert AppointmentAudience(scope).shows(appointment(1, day=day), TODAY) is shown


@pytest.mark.parametrize("day", [-30, -1, 0, 8, 31, 200])
def test_everything_pending_is_shown_without_dates(day: int) -> None:
    assert AppointmentAudience(WHOLE_CLINIC).shows(appointment(1, day=day, status="pending"), TODAY)


@pytest.mark.parametrize("day", [-1, 0, 8, 31])
def test_patient_sees_all_of_their_own(day: int) -> None:
    assert AppointmentAudience(ANNAS).shows(appointment(1, day=day), TODAY)


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_patient_never_sees_a_row_of_somebody_else(status: str) -> None:
    assert not AppointmentAudience(ANNAS).shows(appointment(1, patient_id=BEN, status=status), TODAY)


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_practitioner_never_sees_a_row_of_a_colleague(status: str) -> None:
    assert not AppointmentAudience(PETRAS).shows(appointment(1, practitioner_id=PAUL, status=status), TODAY)


def test_filter_on_a_colleague_shows_a_practitioner_nothing() -> None:
    audience = AppointmentAudience(PETRAS, RowFilter(practitioner_id=PAUL))
    assert not audience.shows(appointment(1), TODAY)
    assert not audience.shows(appointment(2, practitioner_id=PAUL), TODAY)


def test_dates_include_both_ends_and_leave_out_pending_of_other_days() -> None:
    audience = AppointmentAudience(WHOLE_CLINIC, RowFilter(TODAY + timedelta(days=2), TODAY + timedelta(days=3)))
    shown = [day for day in range(6) if audience.shows(appointment(day, day=day, status="pending"), TODAY)]
    assert shown == [2, 3]


def test_statuses_are_alternatives() -> None:
    audience = AppointmentAudience(WHOLE_CLINIC, RowFilter(statuses=frozenset({"confirmed", "no_show"})))
    shown = {status for status in STATUSES if audience.shows(appointment(1, status=status), TODAY)}
    assert shown == {"confirmed", "no_show"}


def test_deleted_visit_is_shown_to_its_patient_alone() -> None:
    deleted = appointment(1, status="cancelled", deleted_at=NOON.replace(tzinfo=None))
    shown = {scope for scope in (WHOLE_CLINIC, PETRAS, ANNAS) if AppointmentAudience(scope).shows(deleted, TODAY)}
    assert shown == {ANNAS}
    assert not AppointmentAudience(RecordScope(1, "patient", BEN)).shows(deleted, TODAY)
