"""Appointments by a rule: booked, edited and cancelled as this one, the following or all."""

from datetime import time

from clinic.appointments.recurrence import Frequency, Rule
from clinic.appointments.services.series import OnConflict, SeriesBooking, book_series
from clinic.appointments.services.series_changes import Scope, Selection, SeriesEdit, cancel_series, edit_series
from clinic.common.instants import zone_of
from clinic.common.versions import Expected

from ..walk import NOBODY, Walk, weighted


def book_one(walk: Walk) -> None:
    start = walk.start().astimezone(zone_of(walk.clinic().timezone))
    frequency = walk.among(*Frequency)
    booking = SeriesBooking(
        patient_id=walk.patient_id(),
        practitioner_id=walk.practitioner_id(),
        first_date=start.date(),
        start_local=start.time(),
        rule=Rule(
            frequency,
            count=walk.random.randint(2, 4),
            weekdays=() if frequency is Frequency.MONTHLY else tuple(range(7)),
        ),
        service_id=walk.service_id(),
        outside_hours=walk.perhaps(0.7),
        allow_overlap=walk.perhaps(0.2),
    )
    actor, on_conflict = walk.desk(), walk.among(*OnConflict)
    walk.service(
        lambda: book_series(actor=actor, clinic=walk.clinic(), booking=booking, on_conflict=on_conflict, now=walk.now)
    )


def edit(walk: Walk) -> None:
    series_id = _series_id(walk)
    actor, selection, before = walk.desk(), _selection(walk, series_id), walk.state
    changes = SeriesEdit(
        start_local=time(walk.random.randint(7, 12)) if walk.perhaps(0.8) else None,
        practitioner_id=walk.practitioner_id() if walk.perhaps(0.3) else None,
        service_id=walk.service_id() if walk.perhaps(0.2) else None,
        notes="later",
        outside_hours=walk.perhaps(0.7),
        allow_overlap=walk.perhaps(0.2),
    )
    newest = before.series[series_id]["version"] if series_id != NOBODY else 1
    seen = walk.among(None, newest, newest - 1 or None)
    walk.service(
        lambda: edit_series(
            actor=actor, series_id=series_id, selection=selection, edit=changes, now=walk.now, expected=Expected(seen)
        ),
        names_a_service=changes.service_id is not None,
    )
    if seen is not None and seen < newest:
        assert walk.state == before, "I4: somebody overwrote a version they had not seen"


def cancel(walk: Walk) -> None:
    series_id = _series_id(walk)
    actor, selection = walk.desk(), _selection(walk, series_id)
    walk.service(lambda: cancel_series(actor=actor, series_id=series_id, selection=selection, now=walk.now))


def _series_id(walk: Walk) -> int:
    return walk.one_of(sorted(walk.state.series), NOBODY)


def _selection(walk: Walk, series_id: int) -> Selection:
    """By one of its appointments, by a date, or by nothing; now and then by one of another series."""
    scope = walk.among(*Scope)
    own = sorted(row_id for row_id, row in walk.state.appointments.items() if row["series_id"] == series_id)
    if walk.perhaps(0.6):
        return Selection(scope, appointment_id=walk.one_of(own, walk.appointment_id()))
    return Selection(scope, from_date=walk.start().date() if walk.perhaps(0.8) else None)


STEPS = weighted((book_one, 3), (edit, 3), (cancel, 2))
