"""Visits of a patient and their family, and the times that are free for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from clinic.accounts.models import User
from clinic.appointments.lifecycle import UPCOMING
from clinic.appointments.models import Appointment
from clinic.appointments.queries import appointments_visible_to
from clinic.common.instants import local_date_of, zone_of
from clinic.people.models import Patient
from clinic.people.queries import family_of
from clinic.scheduling.models import Clinic, PatientMoves, Practitioner, Service
from clinic.scheduling.queries.open_times import open_slots_of
from clinic.scheduling.queries.practitioners import practitioners_offering
from clinic.scheduling.slots import Treatment
from clinic.waitlist.models import WaitlistEntry
from clinic.waitlist.queries import EntryFilter, list_entries

MAX_AHEAD, MAX_PAST, MAX_ENTRIES = 50, 12, 20
DAYS_AT_ONCE, DAYS_SEARCHED = 7, 60


@dataclass(frozen=True, slots=True)
class AccountVisit:
    """A visit of the patient's or their family's, with the steps that are open to them."""

    appointment: Appointment
    may_cancel: bool
    may_move: bool
    may_promise: bool
    is_own: bool


@dataclass(frozen=True, slots=True)
class OwnVisits:
    ahead: list[AccountVisit]
    past: list[AccountVisit]
    entries: list[WaitlistEntry]


def own_visits(user: User, *, now: datetime) -> OwnVisits:
    """Five queries at most."""
    visits = appointments_visible_to(user).select_related("clinic", "patient", "practitioner__user", "service")
    is_ahead = {"is_active": 1, "ends_at__gt": now}
    ahead = visits.filter(**is_ahead).order_by("starts_at", "id")[:MAX_AHEAD]
    past = visits.exclude(**is_ahead).order_by("-starts_at", "-id")[:MAX_PAST]
    return OwnVisits(
        ahead=[visit_of(user, one, now=now) for one in ahead],
        past=[visit_of(user, one, now=now) for one in past],
        entries=list(list_entries(user, EntryFilter())[:MAX_ENTRIES]),
    )


def visit_of(user: User, appointment: Appointment, *, now: datetime) -> AccountVisit:
    notice = timedelta(minutes=appointment.clinic.cancellation_notice_minutes)
    is_open = appointment.status in UPCOMING and now + notice <= appointment.starts_at
    return AccountVisit(
        appointment,
        may_cancel=is_open,
        may_move=is_open and appointment.clinic.patient_moves != PatientMoves.OFF,
        may_promise=appointment.status in UPCOMING
        and appointment.attendance_confirmed_at is None
        and appointment.starts_at > now,
        is_own=appointment.patient.user_id == user.pk,
    )


def own_records(user: User) -> list[Patient]:
    """The patient's own record first, then their family's. Two queries."""
    own = Patient.objects.filter(user=user)
    return [*own, *(member.patient for member in family_of(user))]


@dataclass(frozen=True, slots=True)
class FreeDay:
    date: date
    starts: list[datetime]


def free_days(
    clinic: Clinic,
    *,
    service: Service | None,
    practitioner: Practitioner | None,
    treatment: Treatment | None = None,
    first_date: date | None,
    now: datetime,
) -> list[FreeDay]:
    """Days of a week on which something is free, with anybody who offers the service or with one of them. Without a
    date, from the first free day on. Five queries, ten without a date."""
    offering: Iterable[Practitioner] = (
        [practitioner] if practitioner is not None else list(practitioners_offering(clinic, service))
    )
    zone = zone_of(clinic.timezone)
    today = local_date_of(now, zone)
    days = DAYS_AT_ONCE if first_date is not None else DAYS_SEARCHED
    start = max(first_date or today, today)
    slots = open_slots_of(
        clinic,
        offering,
        service=service,
        treatment=treatment,
        first_date=start,
        last_date=start + timedelta(days=days - 1),
        now=now,
    )
    found = _by_day({slot.start for of_one in slots.values() for slot in of_one}, zone)
    if first_date is None and found:
        found = [one for one in found if one.date < found[0].date + timedelta(days=DAYS_AT_ONCE)]
    return found


def _by_day(starts: set[datetime], zone: ZoneInfo) -> list[FreeDay]:
    days: dict[date, list[datetime]] = {}
    for start in sorted(starts):
        days.setdefault(local_date_of(start, zone), []).append(start)
    return [FreeDay(day, of_day) for day, of_day in days.items()]
