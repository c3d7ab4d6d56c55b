"""Appointments, series and history: visibility, lists and search. Every read of this app begins here."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import reduce
from operator import or_
from typing import Any, cast

from django.db.models import Count, Max, Q, QuerySet

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import ACTIVE_STATUSES, REVOKE_LINK, UNDO, ZONE_CHANGE, Status
from clinic.appointments.lists import AppointmentList, Lead, ListRequest, by_name, list_of
from clinic.appointments.models import Appointment, AppointmentEvent, Series
from clinic.appointments.presentation import ShownAppointment, shown_part
from clinic.common.errors import NotFound
from clinic.common.instants import local_date_of, zone_of
from clinic.people.identities import clinic_id_of, visible_rows
from clinic.people.models import Patient
from clinic.people.queries import region_of, search_condition
from clinic.scheduling.models import Clinic, Practitioner, Service

# Statuses that are not on the day's list any more.
CALLED_OFF = (Status.CANCELLED, Status.REJECTED)
# The longest list that one answer holds, as of the pages.
MAX_DAY = 200


def appointments_visible_to(user: User) -> QuerySet[Appointment]:
    """Owner and staff: their clinic's. A practitioner: their own. A patient: their own and their
    family's. A superuser: all, in the admin.

    What the clinic has deleted is visible to its patient alone."""
    appointments = _with_deleted_visible_to(user)
    return appointments if user.role == Role.PATIENT else appointments.filter(deleted_at__isnull=True)


def _with_deleted_visible_to(user: User) -> QuerySet[Appointment]:
    return visible_rows(user, Appointment.objects.all())


def get_appointment_for(
    user: User, appointment_id: int, *, lock: bool = False, also_deleted: bool = False
) -> Appointment:
    """With patient, practitioner, service and clinic, or locked and without. One query. Raises NotFound."""
    appointments = _with_deleted_visible_to(user) if also_deleted else appointments_visible_to(user)
    if lock:
        appointments = appointments.select_for_update()
    else:
        appointments = appointments.select_related("clinic", "patient", "practitioner", "service")
    appointment = appointments.filter(pk=appointment_id).first()
    if appointment is None:
        raise NotFound("There is no such appointment.")
    return appointment


def series_visible_to(user: User) -> QuerySet[Series]:
    """Owner and staff: their clinic's. A practitioner and a patient: their own."""
    return visible_rows(user, Series.objects.all())


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
    """Visits still ahead, in order, with patient and practitioner: for a change of hours, zone or people to look at.

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
    """By what only its patient was told. Related rows as `get_appointment_for`. Raises NotFound."""
    bookings = Appointment.objects.filter(reference=reference)
    if lock:
        bookings = bookings.select_for_update()
    else:
        bookings = bookings.select_related("clinic", "patient", "practitioner", "service")
    booking = bookings.first()
    if booking is None:
        raise NotFound("There is no such booking.")
    return booking


def was_link_replaced(appointment: Appointment) -> bool:
    """Whether the desk has revoked the link that messages held: an older link of another kind does not lead to the new
    one. One query."""
    return AppointmentEvent.objects.filter(appointment_id=appointment.pk, action=REVOKE_LINK).exists()


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
# Orders of the whole history. Others sort, so they are for some days alone.
WHOLE_ORDERINGS = ("start", "created_at", "updated_at")
MAX_SORTED_DAYS = 31
# Of more patients with what is searched for, visits are looked through in their order until the page is full.
MAX_SORTED_PATIENTS = 500
# Of more than these, each visit's patient is searched again: they are found soon.
MAX_FOUND_PATIENTS = 2000


def list_appointments(user: User, wanted: AppointmentFilter) -> AppointmentList:
    """In order. No query; one where patients are searched for."""
    visible = appointments_visible_to(user)
    lead = _lead_of(user, wanted)
    if wanted.search:
        condition, is_of_few = _of_found_patients(user, wanted.search)
        visible, lead = visible.filter(condition), "patient" if is_of_few else lead
    ids = {"practitioner_id": wanted.practitioner_id, "patient_id": wanted.patient_id}
    visible = visible.filter(**{name: value for name, value in ids.items() if value is not None})
    ordered = _list_wanted(wanted)
    found = list_of(visible, ordered, lead=lead, hides_deleted=user.role != Role.PATIENT)
    if wanted.search and lead != "patient":
        return replace(found, counted=None)
    return by_name(visible, ordered, found, people=_people_of(user, ordered)) if lead == "clinic" else found


def _people_of(user: User, ordered: ListRequest) -> QuerySet[Any]:
    """Among whom a name puts visits in order."""
    people: Any = Patient.objects if ordered.person == "patient" else Practitioner.objects
    return cast(QuerySet[Any], people.filter(clinic_id=clinic_id_of(user)))


def _lead_of(user: User, wanted: AppointmentFilter) -> Lead:
    if user.role == Role.PATIENT or wanted.patient_id is not None:
        return "patient"
    return "practitioner" if user.role == Role.PRACTITIONER or wanted.practitioner_id is not None else "clinic"


def _of_found_patients(user: User, text: str) -> tuple[Q, bool]:
    """Condition for the visits of the found patients, and whether these can be sorted. One query."""
    found = Patient.objects.filter(search_condition(text, region=region_of(user)), clinic_id=clinic_id_of(user))
    ids = list(found.order_by().values_list("pk", flat=True)[: MAX_FOUND_PATIENTS + 1])
    if len(ids) <= MAX_FOUND_PATIENTS:
        return Q(patient_id__in=ids), len(ids) <= MAX_SORTED_PATIENTS
    return search_condition(text, region=region_of(user), prefix="patient__"), False


def _list_wanted(wanted: AppointmentFilter) -> ListRequest:
    ordering = wanted.ordering or ("start" if wanted.scope == "active" else "-start")
    return ListRequest(
        statuses=wanted.statuses or SCOPES[wanted.scope],
        first_date=wanted.first_date,
        last_date=wanted.last_date,
        column=ORDERINGS[ordering.removeprefix("-")],
        descending=ordering.startswith("-"),
    )


IN_ORDER = tuple(Status)
SCOPES: dict[str, tuple[Status, ...] | None] = {
    "active": tuple(status for status in IN_ORDER if status in ACTIVE_STATUSES),
    "history": tuple(status for status in IN_ORDER if status not in ACTIVE_STATUSES),
    "all": None,
}


def appointments_by_phone(user: User, phone: str) -> QuerySet[Appointment]:
    """Active and past, the latest first, of all patients with this number (E.164)."""
    appointments = appointments_visible_to(user)
    # Said of the patient too: patients are indexed by clinic and phone.
    own = appointments if user.clinic_id is None else appointments.filter(patient__clinic_id=user.clinic_id)
    return _with_this_phone(own, phone)


def appointments_of_proven_phone(clinic: Clinic, phone: str) -> QuerySet[Appointment]:
    """Visits of a person who has proved their number (`services.phone_codes.check_phone_code`)."""
    return _with_this_phone(Appointment.objects.filter(clinic_id=clinic.pk, patient__clinic_id=clinic.pk), phone)


def _with_this_phone(appointments: QuerySet[Appointment], phone: str) -> QuerySet[Appointment]:
    return appointments.filter(patient__phone=phone).order_by("-starts_at", "-id")


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures for a glance. `today` is the clinic's day, without cancelled visits."""

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
        today=shown_part(in_order.filter(of_today), slice(MAX_DAY)),
        next=next(iter(shown_part(in_order.filter(is_active=1, starts_at__gte=now), slice(1))), None),
    )


def history_visible_to(user: User) -> QuerySet[AppointmentEvent]:
    """Owner and staff also see the history of what was deleted."""
    events = AppointmentEvent.objects.order_by("at", "id")
    if user.role in (Role.OWNER, Role.STAFF):
        return events.filter(clinic_id=clinic_id_of(user))
    return events.filter(appointment_id__in=appointments_visible_to(user).values("pk"))


def agreement_times(appointment_ids: Collection[int]) -> dict[int, datetime]:
    """When each of these visits was last booked, approved, moved or made valid again, by the history: one that was
    never written there is missing. One query."""
    became_agreed = ~Q(from_status=Status.CONFIRMED) | Q(action__in=("move", ZONE_CHANGE))
    agreed = AppointmentEvent.objects.filter(
        became_agreed, appointment_id__in=appointment_ids, to_status=Status.CONFIRMED
    ).exclude(action=UNDO)
    return dict(agreed.order_by().values_list("appointment_id").annotate(last=Max("at")))


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
