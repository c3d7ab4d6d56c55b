"""Looking up rows costs the rows that are looked for, however many others a clinic has."""

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from clinic_stream.appointment import VisibilityColumns
from clinic_stream.audiences import AppointmentAudience, RecordScope, RowFilter
from clinic_stream.state import ClinicState

from testkit.stream.rows import ANNA, BEN, PAUL, PETRA, TODAY, appointment, batch, event, state

looked_at: list[int] = []


@dataclass(frozen=True, slots=True)
class CountingAudience(AppointmentAudience):
    """Notes down each row it is asked about."""

    def shows(self, row: VisibilityColumns, today: date) -> bool:
        looked_at.append(row.patient_id)
        return AppointmentAudience.shows(self, row, today)


def large_clinic() -> ClinicState:
    """A thousand rows of Petra's with Ben, thirty of Paul's with Anna."""
    others = (appointment(number, patient_id=BEN, day=number % 30) for number in range(100, 1100))
    return state([*others, *(appointment(day + 1, practitioner_id=PAUL, day=day) for day in range(30))])


@pytest.mark.parametrize(
    ("scope", "wanted", "rows"),
    [
        (RecordScope(1, "patient", ANNA), RowFilter(), 30),
        (RecordScope(1, "practitioner", PAUL), RowFilter(), 30),
        (RecordScope(1), RowFilter(practitioner_id=PAUL), 30),
        (RecordScope(1), RowFilter(TODAY + timedelta(days=31), TODAY + timedelta(days=31)), 0),
        (RecordScope(1, "patient", 99), RowFilter(), 0),
    ],
)
def test_audience_is_shown_its_rows_without_a_look_at_others(scope: RecordScope, wanted: RowFilter, rows: int) -> None:
    clinic = large_clinic()
    looked_at.clear()
    clinic.visible_to(CountingAudience(scope, wanted))
    assert len(looked_at) == rows


def test_whole_clinic_s_default_list_looks_at_its_days_and_at_what_awaits_an_answer() -> None:
    clinic = large_clinic()
    clinic.add([appointment(9001, status="pending", day=90)])
    looked_at.clear()
    shown = clinic.visible_to(CountingAudience(RecordScope(1)))
    assert len(looked_at) == len(shown)
    assert 9001 in shown


def test_row_that_moves_is_found_where_it_is_now_and_nowhere_else() -> None:
    clinic = state([appointment(1), appointment(2)])
    moved = appointment(1, practitioner_id=PAUL, patient_id=BEN, day=2, status="pending")
    clinic.apply(batch(event(101, 1), rows=[moved]))
    assert [row.id for row in clinic.rows_of(PETRA)] == [2]
    assert clinic.rows_of(PAUL) == clinic.rows_on(TODAY + timedelta(days=2)) == [moved]
    clinic.apply(batch(event(102, 1, "delete")))
    assert clinic.rows_of(PAUL) == clinic.rows_on(TODAY + timedelta(days=2)) == []
