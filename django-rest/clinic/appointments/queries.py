"""Appointments, series and history: visibility, lists and search. Every read of this app begins here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Count, Q, QuerySet

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import ACTIVE_STATUSES, Status
from clinic.appointments.models import Appointment, AppointmentEvent, Series
from clinic.appointments.shown import ShownAppointment, shown_part
from clinic.common.errors import NotFound
from clinic.common.instants import local_date_of, zone_of
from clinic.people.identities import NOBODY, clinic_id_of, patient_id_of, practitioner_id_of
from clinic.people.models import Patient
from clinic.people.queries import region_of, search_condition
from clinic.scheduling.models import Clinic, Practitioner, Service

# What is not on the day's list any more.
CALLED_OFF = (Status.CANCELLED, Status.REJECTED)
# The longest list that one answer holds, as of the pages.
LONGEST_DAY = 200


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
        case Role.ADMIN if user.reads_every_clinic:
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


def series_visible_to(user: User) -> QuerySet[Series]:
    """As with appointments: owner and staff their clinic's, a practitioner and a patient their own."""
    every = Series.objects.filter(clinic_id=clinic_id_of(user))
    match user.role:
        case Role.OWNER | Role.STAFF:
            return every
        case Role.PRACTITIONER:
            return every.filter(practitioner_id=practitioner_id_of(user) or NOBODY)
        case Role.PATIENT:
            return every.filter(patient_id=patient_id_of(user) or NOBODY)
        case Role.ADMIN if user.reads_every_clinic:
            return Series.objects.all()
    return every.none()


def get_series_for(user: User, series_id: int, *, lock: bool = False) -> Series:
    """With patient, practitioner, service and clinic, or locked and without. One query. Raises NotFound."""
    every = series_visible_to(user)
    every = every.select_for_update() if lock else every.select_related("clinic", "patient", "practitioner", "service")
    series = every.filter(pk=series_id).first()
    if series is None:
        raise NotFound("There is no such series.")
    return series


def appointments_of_series(user: User, series: Series) -> QuerySet[Appointment]:
    """Those of its appointments this user may see, in order of their start."""
    appointments = appointments_visible_to(user).filter(series_id=series.pk)
    return appointments.select_related("clinic", "patient", "practitioner", "service").order_by("starts_at", "id")


def upcoming_appointments(
    clinic: Clinic,
    practitioner_ids: Collection[int] | None,
    *,
    now: datetime,
    days: Collection[tuple[date, date]] | None = None,
    statuses: Collection[Status] = ACTIVE_STATUSES,
) -> QuerySet[Appointment]:
    """What is still ahead, in order, with patient and practitioner: for a change of hours, zone or people to look at.

    `practitioner_ids` of None: everybody's. `days`: only on these dates of the clinic, ends included.
    """
    upcoming = Appointment.objects.filter(clinic=clinic, status__in=sorted(statuses), starts_at__gt=now)
    if practitioner_ids is not None:
        upcoming = upcoming.filter(practitioner_id__in=practitioner_ids)
    if days is not None:
        conditions = [Q(local_date__gte=first, local_date__lte=last) for first, last in days]
        upcoming = upcoming.filter(reduce(or_, conditions, Q(pk__in=[])))
    return upcoming.select_related("clinic", "patient", "practitioner").order_by("starts_at", "id")


def get_guest_booking(reference: str, *, lock: bool = False) -> Appointment:
    """By what only the guest was told. Related rows as `get_appointment_for`. Raises NotFound."""
    bookings = Appointment.objects.filter(reference=reference)
    if lock:
        bookings = bookings.select_for_update()
    else:
        bookings = bookings.select_related("clinic", "patient", "practitioner", "service")
    booking = bookings.first()
    if booking is None:
        raise NotFound("There is no such booking.")
    return booking


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
    """In order; to be read by `shown.shown_part`."""
    appointments = appointments_visible_to(user)
    condition = _scope(wanted) & search_condition(wanted.search, region=region_of(user), prefix="patient__")
    return appointments.filter(condition, **_conditions(wanted)).order_by(*order_of(wanted))


def _scope(wanted: AppointmentFilter) -> Q:
    condition = Q()
    if wanted.statuses:
        condition &= Q(status__in=wanted.statuses)
        if ACTIVE_STATUSES.issuperset(wanted.statuses):  # Follows from it, and finds them in order by an index.
            condition &= Q(is_active=1)
    elif wanted.scope == "active":
        condition &= Q(is_active=1)
    elif wanted.scope == "history":
        condition &= Q(is_active=0)
    return condition


def _conditions(wanted: AppointmentFilter) -> dict[str, Any]:
    conditions = {
        "local_date__gte": wanted.first_date,
        "local_date__lte": wanted.last_date,
        "practitioner_id": wanted.practitioner_id,
        "patient_id": wanted.patient_id,
    }
    return {name: value for name, value in conditions.items() if value is not None}


def order_of(wanted: AppointmentFilter) -> tuple[str, str]:
    """A field and the id, both with the same sign: no two rows are equal."""
    ordering = wanted.ordering or ("start" if wanted.scope == "active" else "-start")
    sign = "-" if ordering.startswith("-") else ""
    return f"{sign}{ORDERINGS[ordering.removeprefix('-')]}", f"{sign}id"


def appointments_by_phone(user: User, phone: str) -> QuerySet[Appointment]:
    """Active and past, the latest first, of all patients with this number (E.164)."""
    appointments = appointments_visible_to(user)
    # Said of the patient too: patients are indexed by clinic and phone.
    own = appointments if user.clinic_id is None else appointments.filter(patient__clinic_id=user.clinic_id)
    return _with_this_phone(own, phone)


def appointments_of_proven_phone(clinic: Clinic, phone: str) -> QuerySet[Appointment]:
    """What somebody may see who has shown that the number is theirs (`services.phone_codes.check_phone_code`)."""
    return _with_this_phone(Appointment.objects.filter(clinic_id=clinic.pk, patient__clinic_id=clinic.pk), phone)


def _with_this_phone(appointments: QuerySet[Appointment], phone: str) -> QuerySet[Appointment]:
    return appointments.filter(patient__phone=phone).order_by("-starts_at", "-id")


@dataclass(frozen=True, slots=True)
class Summary:
    """What somebody wants to know at a glance. `today` is the clinic's day, without what was called off."""

    date: date
    pending_count: int
    today_by_status: dict[str, int]
    today: list[ShownAppointment]
    next: ShownAppointment | None


def summary_for(user: User, *, now: datetime) -> Summary:
    """Of the appointments this user may see. Six queries."""
    zone = zone_of(user.clinic.timezone if user.clinic is not None else "UTC")
    today = local_date_of(now, zone)
    visible = appointments_visible_to(user)
    in_order = visible.order_by("starts_at", "id")
    of_today = Q(local_date=today) & ~Q(status__in=CALLED_OFF)
    counts = visible.filter(local_date=today).order_by().values_list("status").annotate(count=Count("*"))
    return Summary(
        date=today,
        pending_count=visible.filter(status=Status.PENDING).count(),
        today_by_status=dict(counts),
        today=shown_part(in_order.filter(of_today), slice(LONGEST_DAY)),
        next=next(iter(shown_part(in_order.filter(is_active=1, starts_at__gte=now), slice(1))), None),
    )


def history_visible_to(user: User) -> QuerySet[AppointmentEvent]:
    """Owner and staff also see the history of what was deleted."""
    events = AppointmentEvent.objects.order_by("at", "id")
    if user.role in (Role.OWNER, Role.STAFF):
        return events.filter(clinic_id=clinic_id_of(user))
    return events.filter(appointment_id__in=appointments_visible_to(user).values("pk"))


@dataclass(frozen=True, slots=True)
class HistoryFilter:
    """`patient_id` and `practitioner_id` are those of the visit right after the change. Both dates are included."""

    appointment_id: int | None = None
    patient_id: int | None = None
    practitioner_id: int | None = None
    action: str = ""
    first_date: date | None = None
    last_date: date | None = None


def list_history(user: User, wanted: HistoryFilter) -> QuerySet[AppointmentEvent]:
    """The newest first."""
    zone = zone_of(user.clinic.timezone if user.clinic is not None else "UTC")

    def midnight(day: date | None, *, days_later: int = 0) -> datetime | None:
        return None if day is None else datetime.combine(day + timedelta(days=days_later), time.min, zone)

    conditions: dict[str, Any] = {
        "appointment_id": wanted.appointment_id,
        "snapshot__patient_id": wanted.patient_id,
        "snapshot__practitioner_id": wanted.practitioner_id,
        "action": wanted.action or None,
        "at__gte": midnight(wanted.first_date),
        "at__lt": midnight(wanted.last_date, days_later=1),
    }
    asked = {name: value for name, value in conditions.items() if value is not None}
    return history_visible_to(user).filter(**asked).order_by("-at", "-id")


@dataclass(frozen=True, slots=True)
class HistoryNames:
    """Present names of the people and services in some lines of history. A name that is gone is missing."""

    patients: Mapping[int, str]
    practitioners: Mapping[int, str]
    services: Mapping[int, str]


def history_names(events: Sequence[AppointmentEvent]) -> HistoryNames:
    """Three queries."""

    def names(model: type[Patient] | type[Practitioner] | type[Service], column: str) -> dict[int, str]:
        ids = {event.snapshot.get(column) for event in events} - {None}
        return dict(model.objects.filter(pk__in=ids).values_list("pk", "name"))

    return HistoryNames(
        names(Patient, "patient_id"), names(Practitioner, "practitioner_id"), names(Service, "service_id")
    )


def history_of(user: User, appointment_id: int) -> QuerySet[AppointmentEvent]:
    """Raises NotFound when nothing of this appointment is visible."""
    events = history_visible_to(user).filter(appointment_id=appointment_id)
    if not events.exists():
        get_appointment_for(user, appointment_id)
    return events
