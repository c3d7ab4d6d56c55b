"""Free times for visits that are in the way of a change: of hours, of closures, of who works here. Reads alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from clinic.accounts.models import User
from clinic.appointments.models import Appointment
from clinic.appointments.queries import upcoming_appointments
from clinic.common.errors import PermissionDenied
from clinic.common.instants import local_date_of, zone_of
from clinic.scheduling.models import Clinic, Practitioner, ServicePractitioner
from clinic.scheduling.queries.claims import busy_intervals
from clinic.scheduling.queries.hours import hours_of
from clinic.scheduling.queries.practitioners import practitioners_of
from clinic.scheduling.queries.schedules import get_schedule_for
from clinic.scheduling.slots import Policy, Slot, Treatment, nearest_open, open_slots
from clinic.scheduling.working_hours import Block, DayException, Interval, days_later, is_within_hours

DAYS_BEFORE, DAYS_AFTER = 7, 28
MAX_OF_OWN, MAX_OF_OTHERS = 3, 2
# The clinic books as far ahead as it likes.
HORIZON_DAYS = 2 * 366


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """Hours as they will be: with further closures, with other weekly hours of some, without who leaves."""

    closures: Sequence[DayException] = ()
    blocks: Mapping[int, Sequence[Block]] = field(default_factory=dict)
    leaving: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class FreeTime:
    practitioner: Practitioner
    slot: Slot


@dataclass(frozen=True, slots=True)
class _Search:
    """Input of the slot engine, fetched once for all visits."""

    policy: Policy
    first_date: date
    last_date: date
    blocks: Mapping[int, Sequence[Block]]
    exceptions: Mapping[int, Sequence[DayException]]
    busy: Mapping[int, Sequence[Interval]]
    now: datetime
    found: dict[tuple[int, Treatment], list[Slot]] = field(default_factory=dict)

    def slots(self, practitioner_id: int, treatment: Treatment) -> list[Slot]:
        key = (practitioner_id, treatment)
        if key not in self.found:
            self.found[key] = open_slots(
                first_date=self.first_date,
                last_date=self.last_date,
                policy=self.policy,
                treatment=treatment,
                blocks=self.blocks[practitioner_id],
                exceptions=self.exceptions[practitioner_id],
                busy=self.busy.get(practitioner_id, []),
                now=self.now,
            )
        return self.found[key]


def visits_stranded_by(user: User, closure: DayException, *, now: datetime) -> list[Appointment]:
    """Visits ahead that lie within the hours, and would not with this exception: one practitioner's, or the whole
    clinic's. Three queries. Raises NotFound, PermissionDenied."""
    if closure.practitioner_id is not None:
        practitioner = get_schedule_for(user, closure.practitioner_id)
        clinic, practitioner_ids = practitioner.clinic, [practitioner.pk]
    else:
        if not user.works_at_desk or user.clinic is None:
            raise PermissionDenied("The whole clinic's exceptions are for the owner and staff to change.")
        clinic = user.clinic
        practitioner_ids = list(practitioners_of(clinic).values_list("pk", flat=True))
    days = (closure.start_date, days_later(closure.end_date, 1))
    upcoming = list(upcoming_appointments(clinic, practitioner_ids, now=now, days=[days]))
    stranded = within_hours(clinic, upcoming) - within_hours(clinic, upcoming, further=[closure])
    return [appointment for appointment in upcoming if appointment.pk in stranded]


def within_hours(
    clinic: Clinic, appointments: Sequence[Appointment], *, further: Sequence[DayException] = ()
) -> set[int]:
    """The ids of those that lie within the hours as they are written now, with further exceptions. Two queries."""
    if not appointments:
        return set()
    zone = zone_of(clinic.timezone)
    dates = [appointment.local_date for appointment in appointments]
    practitioner_ids = sorted({appointment.practitioner_id for appointment in appointments})
    hours = hours_of(clinic, practitioner_ids, min(dates), max(dates))
    return {
        appointment.pk
        for appointment in appointments
        if is_within_hours(
            Interval(appointment.starts_at, appointment.ends_at),
            zone=zone,
            blocks=hours[appointment.practitioner_id].blocks,
            exceptions=[*hours[appointment.practitioner_id].exceptions, *further],
        )
    }


def free_times_for(
    appointments: Sequence[Appointment], clinic: Clinic, change: PlannedChange, *, now: datetime
) -> dict[int, list[FreeTime]]:
    """By appointment: times of the same practitioner first, then of others who offer the service, the nearest first.
    No two visits have the same first one. Six queries for any number."""
    if not appointments:
        return {}
    practitioners = {
        row.pk: row
        for row in Practitioner.objects.filter(clinic=clinic, active=True).order_by("name", "id")
        if row.pk not in change.leaving
    }
    search = _search_around(appointments, clinic, sorted(practitioners), change, now=now)
    offering = _offering(appointments)
    given: list[tuple[int, Slot]] = []
    times: dict[int, list[FreeTime]] = {}
    for appointment in sorted(appointments, key=lambda one: (one.starts_at, one.pk)):
        candidates = [
            practitioner
            for practitioner in practitioners.values()
            if appointment.service_id is None
            or practitioner.pk == appointment.practitioner_id
            or practitioner.pk in offering.get(appointment.service_id, ())
        ]
        found = _nearest(appointment, candidates, search, given)
        times[appointment.pk] = found
        given += [(one.practitioner.pk, one.slot) for one in found[:1]]
    return times


def _search_around(
    appointments: Sequence[Appointment],
    clinic: Clinic,
    practitioner_ids: Sequence[int],
    change: PlannedChange,
    *,
    now: datetime,
) -> _Search:
    zone = zone_of(clinic.timezone)
    days = [appointment.local_date for appointment in appointments]
    first_date = max(days_later(min(days), -DAYS_BEFORE), local_date_of(now, zone))
    last_date = days_later(max(days), DAYS_AFTER)
    hours = hours_of(clinic, practitioner_ids, first_date, last_date)
    window = Interval(_midnight(days_later(first_date, -2)), _midnight(days_later(last_date, 3)))
    return _Search(
        policy=Policy(zone, clinic.slot_minutes, HORIZON_DAYS, notice=timedelta(0)),
        first_date=first_date,
        last_date=last_date,
        blocks={one: change.blocks.get(one, hours[one].blocks) for one in practitioner_ids},
        exceptions={
            one: [*hours[one].exceptions, *(each for each in change.closures if each.practitioner_id in (None, one))]
            for one in practitioner_ids
        },
        busy=busy_intervals(practitioner_ids, window, now=now, except_undo_holds=True),
        now=now,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _offering(appointments: Iterable[Appointment]) -> dict[int, set[int]]:
    offering: dict[int, set[int]] = {}
    service_ids = {one.service_id for one in appointments if one.service_id is not None}
    links = ServicePractitioner.objects.filter(service_id__in=service_ids)
    for service_id, practitioner_id in links.values_list("service_id", "practitioner_id"):
        offering.setdefault(service_id, set()).add(practitioner_id)
    return offering


def _nearest(
    appointment: Appointment,
    candidates: Sequence[Practitioner],
    search: _Search,
    given: Sequence[tuple[int, Slot]],
) -> list[FreeTime]:
    treatment = _treatment_of(appointment)
    own: list[FreeTime] = []
    others: list[FreeTime] = []
    for practitioner in candidates:
        is_own = practitioner.pk == appointment.practitioner_id
        taken = [slot for practitioner_id, slot in given if practitioner_id == practitioner.pk]
        free = [
            slot
            for slot in search.slots(practitioner.pk, treatment)
            if not any(slot.start < other.end and other.start < slot.end for other in taken)
        ]
        wanted = nearest_open(free, appointment.starts_at, MAX_OF_OWN if is_own else MAX_OF_OTHERS)
        (own if is_own else others).extend(FreeTime(practitioner, slot) for slot in wanted)
    others.sort(key=lambda one: (abs(one.slot.start - appointment.starts_at), one.slot.start, one.practitioner.pk))
    return [*own, *others[: MAX_OF_OTHERS if own else MAX_OF_OWN]]


def _treatment_of(appointment: Appointment) -> Treatment:
    """As long as it is booked."""
    length = appointment.ends_at - appointment.starts_at
    before, after = (
        appointment.starts_at - appointment.blocked_from,
        appointment.blocked_until - appointment.ends_at,
    )
    return Treatment(*(int(span.total_seconds()) // 60 for span in (length, before, after)))
