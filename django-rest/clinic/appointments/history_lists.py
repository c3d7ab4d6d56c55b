"""The history of all visits, the newest first, each page by an index that begins with what is asked for."""

from dataclasses import dataclass
from datetime import date

from django.db.models import Q, QuerySet

from clinic.accounts.models import Role, User
from clinic.appointments.models import AppointmentEvent
from clinic.appointments.queries import appointments_visible_to, history_visible_to
from clinic.common.indexed_lists import IndexedList, Part, in_order_of
from clinic.common.instants import end_of_day, start_of_day, zone_of
from clinic.people.identities import NOBODY, clinic_id_of, practitioner_id_of


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """`patient_id` and `practitioner_id` are those of the visit right after the change. Both dates are included."""

    appointment_id: int | None = None
    patient_id: int | None = None
    practitioner_id: int | None = None
    action: str = ""
    first_date: date | None = None
    last_date: date | None = None


def list_history(user: User, wanted: HistoryFilter) -> IndexedList[AppointmentEvent]:
    """A practitioner's are the changes after which the visit was theirs. One query, for a patient alone."""
    zone = zone_of(user.clinic.timezone if user.clinic is not None else "UTC")
    conditions = {
        "appointment_id": wanted.appointment_id,
        "patient_id": wanted.patient_id,
        "practitioner_id": wanted.practitioner_id,
        "action": wanted.action or None,
        "at__gte": wanted.first_date and start_of_day(wanted.first_date, zone),
        "at__lt": wanted.last_date and end_of_day(wanted.last_date, zone),
    }
    lines = _lines_of(user).filter(**{name: value for name, value in conditions.items() if value is not None})
    part = Part(lines.order_by(), _index_of(user, wanted))
    return IndexedList(
        AppointmentEvent, (part,), ("-at", "-id"), lambda ids: in_order_of(ids, AppointmentEvent.objects.all())
    )


def _lines_of(user: User) -> QuerySet[AppointmentEvent]:
    """Of `history_visible_to`, found without going through all that others have done."""
    if user.role == Role.PATIENT:
        visits = appointments_visible_to(user).order_by().values_list("pk", flat=True)
        return AppointmentEvent.objects.filter(appointment_id__in=list(visits))
    if user.role == Role.PRACTITIONER:
        own = practitioner_id_of(user) or NOBODY
        still_theirs = Q(appointment__practitioner_id=own, appointment__deleted_at__isnull=True)
        return AppointmentEvent.objects.filter(still_theirs, practitioner_id=own, clinic_id=clinic_id_of(user))
    return history_visible_to(user)


def _index_of(user: User, wanted: HistoryFilter) -> str | None:
    if wanted.appointment_id is not None or user.role == Role.PATIENT:
        return None  # Few, and found by their visits.
    if wanted.patient_id is not None:
        return "appointment_event_patient"
    if wanted.practitioner_id is not None or user.role == Role.PRACTITIONER:
        return "appointment_event_pract_act" if wanted.action else "appointment_event_pract"
    return "appointment_event_clinic_act" if wanted.action else "appointment_event_clinic_at"
