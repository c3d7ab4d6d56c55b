"""The form in which an appointment is presented: one flat row, read as such, since model objects would cost more than
everything made of them. Lists, the export and single appointments use it."""

from collections.abc import Sequence
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
    patient__phone_extension: str
    patient__alert: str
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
    arrived_at: datetime | None
    called_at: datetime | None
    requested_start: datetime | None
    room: str
    reference: str
    request_note: str
    notes: str
    cancel_reason: str
    source: str
    series_id: int | None
    allow_overlap: bool
    version: int
    created_at: datetime
    updated_at: datetime


def shown_part(appointments: QuerySet[Appointment], part: slice, *, of_few: bool = False) -> list[ShownAppointment]:
    """A part of an ordered queryset, in its order. Two queries: the ids, from an index, and then their rows with what
    belongs to them. Asked for both at once, the database may well join and sort the whole to find the first few; which
    is right only where the whole is few."""
    if not of_few:
        return shown_by_ids(list(appointments.values_list("pk", flat=True)[part]))
    return _shown(appointments[part])


def shown_by_ids(appointment_ids: Sequence[int]) -> list[ShownAppointment]:
    """In the order of their ids as they are given. One query, none for no ids."""
    if not appointment_ids:
        return []
    place = {appointment_id: number for number, appointment_id in enumerate(appointment_ids)}
    rows = _shown(Appointment.objects.filter(pk__in=list(appointment_ids)).order_by())
    return sorted(rows, key=lambda row: place[row.id])


def _shown(appointments: QuerySet[Appointment]) -> list[ShownAppointment]:
    return cast(list[ShownAppointment], list(appointments.values_list(*ShownAppointment._fields, named=True)))


def shown_of(appointment: Appointment) -> ShownAppointment:
    """Of an object, with clinic, patient, practitioner and service fetched: then no query."""
    return ShownAppointment(*(_read(appointment, column) for column in ShownAppointment._fields))


def _read(appointment: Appointment, column: str) -> Any:
    value: Any = appointment
    for step in column.split("__"):
        value = getattr(value, step, None)
    return value
