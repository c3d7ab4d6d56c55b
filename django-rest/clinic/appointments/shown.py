"""What is shown of an appointment: one flat row, read as such, since objects that are only told cost more than they
tell. Lists, the export and single appointments are all made of it."""

from datetime import date, datetime
from typing import Any, NamedTuple, cast

from django.db.models import QuerySet

from clinic.appointments.models import Appointment


class ShownAppointment(NamedTuple):
    """Named as the ORM names the columns; no service, no name and colour of one."""

    id: int
    clinic_id: int
    clinic__timezone: str
    patient_id: int
    patient__name: str
    patient__email: str
    patient__phone: str
    practitioner_id: int
    practitioner__name: str
    service_id: int | None
    service__name: str | None
    service__color: str | None
    starts_at: datetime
    ends_at: datetime
    local_date: date
    status: str
    attendance_confirmed_at: datetime | None
    checked_in_at: datetime | None
    notes: str
    cancel_reason: str
    source: str
    series_id: int | None
    version: int
    created_at: datetime
    updated_at: datetime


def shown_part(appointments: QuerySet[Appointment], part: slice, *, of_few: bool = False) -> list[ShownAppointment]:
    """A part of an ordered queryset, in its order. Two queries: the ids, from an index, and then their rows with what
    belongs to them. Asked for both at once, the database may well join and sort the whole to find the first few; which
    is right only where the whole is few."""
    if not of_few:
        ids = list(appointments.values_list("pk", flat=True)[part])
        if not ids:
            return []
        appointments, part = appointments.filter(pk__in=ids), slice(None)
    rows = appointments.values_list(*ShownAppointment._fields, named=True)[part]
    return cast(list[ShownAppointment], list(rows))


def shown_of(appointment: Appointment) -> ShownAppointment:
    """Of an object, with clinic, patient, practitioner and service fetched: then no query."""
    return ShownAppointment(*(_read(appointment, column) for column in ShownAppointment._fields))


def _read(appointment: Appointment, column: str) -> Any:
    value: Any = appointment
    for step in column.split("__"):
        value = getattr(value, step, None)
    return value
