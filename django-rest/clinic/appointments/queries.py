"""Who may see which appointment, patient and history. Every read of this app begins here."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet

from clinic.accounts.models import Role, User
from clinic.appointments.actor import NOBODY, clinic_id_of, patient_id_of, practitioner_id_of
from clinic.appointments.lifecycle import ACTIVE_STATUSES, Status
from clinic.appointments.models import Appointment, AppointmentEvent, Patient
from clinic.common.errors import NotFound

ACTIVE = sorted(status.value for status in ACTIVE_STATUSES)


def appointments_visible_to(user: User) -> QuerySet[Appointment]:
    """Owner and staff: their clinic's. A practitioner and a patient: their own. A superuser: all, in the admin."""
    appointments = Appointment.objects.all()
    match user.role:
        case Role.OWNER | Role.STAFF:
            return appointments.filter(clinic_id=clinic_id_of(user))
        case Role.PRACTITIONER:
            return appointments.filter(clinic_id=clinic_id_of(user), practitioner_id=practitioner_id_of(user) or NOBODY)
        case Role.PATIENT:
            return appointments.filter(clinic_id=clinic_id_of(user), patient_id=patient_id_of(user) or NOBODY)
        case Role.ADMIN if user.is_superuser:
            return appointments
    return appointments.none()


def get_appointment_for(user: User, appointment_id: int, *, lock: bool = False) -> Appointment:
    """With patient, practitioner, service and clinic, or locked and without. One query. Raises NotFound."""
    appointments = appointments_visible_to(user)
    if lock:
        appointments = appointments.select_for_update()
    else:
        appointments = appointments.select_related("clinic", "patient", "practitioner", "service")
    appointment = appointments.filter(pk=appointment_id).first()
    if appointment is None:
        raise NotFound("There is no such appointment.")
    return appointment


@dataclass(frozen=True, slots=True)
class AppointmentFilter:
    """Dates are the clinic's and included."""

    scope: str = "active"
    statuses: tuple[Status, ...] = ()
    first_date: date | None = None
    last_date: date | None = None
    practitioner_id: int | None = None
    patient_id: int | None = None
    search: str = ""
    ordering: str | None = None


ORDERINGS = {
    "start": "starts_at",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "status": "status",
    "patient_name": "patient__name",
    "practitioner_name": "practitioner__name",
}


def list_appointments(user: User, wanted: AppointmentFilter) -> QuerySet[Appointment]:
    appointments = appointments_visible_to(user).select_related("clinic", "patient", "practitioner", "service")
    return appointments.filter(_scope(wanted), **_conditions(wanted)).order_by(*_order(wanted))


def _scope(wanted: AppointmentFilter) -> Q:
    condition = Q()
    if wanted.statuses:
        condition &= Q(status__in=wanted.statuses)
    elif wanted.scope == "active":
        condition &= Q(status__in=ACTIVE)
    elif wanted.scope == "history":
        condition &= ~Q(status__in=ACTIVE)
    if wanted.search:
        text = wanted.search
        condition &= (
            Q(patient__name__icontains=text) | Q(patient__email__icontains=text) | Q(patient__phone__icontains=text)
        )
    return condition


def _conditions(wanted: AppointmentFilter) -> dict[str, Any]:
    conditions = {
        "local_date__gte": wanted.first_date,
        "local_date__lte": wanted.last_date,
        "practitioner_id": wanted.practitioner_id,
        "patient_id": wanted.patient_id,
    }
    return {name: value for name, value in conditions.items() if value is not None}


def _order(wanted: AppointmentFilter) -> tuple[str, str]:
    ordering = wanted.ordering or ("start" if wanted.scope == "active" else "-start")
    sign = "-" if ordering.startswith("-") else ""
    return f"{sign}{ORDERINGS[ordering.removeprefix('-')]}", f"{sign}id"


def patients_visible_to(user: User) -> QuerySet[Patient]:
    """Owner and staff: their clinic's. A practitioner: those with an appointment with them. A patient: themselves."""
    patients = Patient.objects.all()
    match user.role:
        case Role.OWNER | Role.STAFF:
            return patients.filter(clinic_id=clinic_id_of(user))
        case Role.PRACTITIONER:
            own = Appointment.objects.filter(practitioner_id=practitioner_id_of(user) or NOBODY)
            return patients.filter(clinic_id=clinic_id_of(user), pk__in=own.values("patient_id"))
        case Role.PATIENT:
            return patients.filter(clinic_id=clinic_id_of(user), user_id=user.pk)
        case Role.ADMIN if user.is_superuser:
            return patients
    return patients.none()


def search_patients(user: User, text: str) -> QuerySet[Patient]:
    patients = patients_visible_to(user).order_by("name", "id")
    if not text:
        return patients
    return patients.filter(Q(name__icontains=text) | Q(email__icontains=text) | Q(phone__icontains=text))


def get_patient_for(user: User, patient_id: int, *, lock: bool = False) -> Patient:
    """Raises NotFound."""
    patients = patients_visible_to(user)
    patient = (patients.select_for_update() if lock else patients).filter(pk=patient_id).first()
    if patient is None:
        raise NotFound("There is no such patient.")
    return patient


def history_visible_to(user: User) -> QuerySet[AppointmentEvent]:
    """Owner and staff also see the history of what was deleted."""
    events = AppointmentEvent.objects.order_by("at", "id")
    if user.role in (Role.OWNER, Role.STAFF):
        return events.filter(clinic_id=clinic_id_of(user))
    return events.filter(appointment_id__in=appointments_visible_to(user).values("pk"))


def history_of(user: User, appointment_id: int) -> QuerySet[AppointmentEvent]:
    """Raises NotFound when nothing of this appointment is visible."""
    events = history_visible_to(user).filter(appointment_id=appointment_id)
    if not events.exists():
        get_appointment_for(user, appointment_id)
    return events
