"""All that a page of the calendar shows, in a number of statements that does not depend on how much there is."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import ACTIVE_STATUSES, Status
from clinic.appointments.models import Appointment
from clinic.appointments.presentation import ShownAppointment, shown_part
from clinic.appointments.queries import CALLED_OFF, appointments_visible_to
from clinic.calendar.days import DayPlan, Load, NamedException, day_plan, load_of
from clinic.common.errors import NotFound
from clinic.common.instants import end_of_day, start_of_day, zone_of
from clinic.scheduling.models import Clinic, Hold, Practitioner, Service
from clinic.scheduling.queries.clinics import own_clinic_of
from clinic.scheduling.queries.hours import blocks_of, exceptions_around
from clinic.scheduling.queries.schedules import schedules_editable_by
from clinic.scheduling.working_hours import Block, Interval, days_later
from clinic.waitlist.models import WaitlistOffer
from clinic.waitlist.queries import open_offers_with

MAX_RANGE_DAYS = 14
# Time that was used, or is claimed.
BOOKED_STATUSES = ACTIVE_STATUSES | {Status.COMPLETED}


@dataclass(frozen=True, slots=True)
class CalendarFilter:
    """Dates of the clinic, both included."""

    first_date: date
    last_date: date
    practitioner_id: int | None = None

    @property
    def days(self) -> list[date]:
        count = (self.last_date - self.first_date).days + 1
        return [self.first_date + timedelta(days=offset) for offset in range(count)]


@dataclass(frozen=True, slots=True)
class CalendarContents:
    """`plans` by day and practitioner. `hidden_recipients`: offers that do not say to whom."""

    clinic: Clinic
    wanted: CalendarFilter
    as_of: datetime
    practitioners: list[Practitioner]
    services: list[Service]
    plans: Mapping[date, Mapping[int, DayPlan]]
    appointments: list[ShownAppointment]
    holds: list[Hold]
    offers: list[WaitlistOffer]
    hidden_recipients: frozenset[int]


def calendar_for(user: User, wanted: CalendarFilter, *, now: datetime) -> CalendarContents:
    """The desk: everybody of the clinic. A practitioner: their own. Seven queries. Raises NotFound."""
    clinic = own_clinic_of(user)
    zone = zone_of(clinic.timezone)
    practitioners = _practitioners_for(user, wanted.practitioner_id)
    ids = [practitioner.pk for practitioner in practitioners]
    window = Interval(start_of_day(wanted.first_date, zone), end_of_day(wanted.last_date, zone))
    offers = list(open_offers_with(ids, window, now=now))
    return CalendarContents(
        clinic=clinic,
        wanted=wanted,
        as_of=now,
        practitioners=practitioners,
        services=list(Service.objects.filter(clinic_id=clinic.pk).order_by("name", "id")),
        plans=_plans(clinic, ids, wanted),
        appointments=shown_part(_visits(user, wanted, window), slice(None), of_few=True),
        holds=list(_holds_of(ids, window, now=now)),
        offers=offers,
        hidden_recipients=frozenset(offer.pk for offer in offers if not _shows_recipient(user, offer)),
    )


@dataclass(frozen=True, slots=True)
class MonthDay:
    date: date
    by_status: Mapping[str, int]
    load: Load
    closed_for: tuple[str, ...] | None

    @property
    def visits(self) -> int:
        """Without what was called off."""
        return sum(count for status, count in self.by_status.items() if status not in CALLED_OFF)


def month_for(user: User, wanted: CalendarFilter, *, now: datetime) -> list[MonthDay]:
    """Counts, utilisation and closures of each day, of one practitioner or of all that the user sees.

    Four queries. Raises NotFound.
    """
    clinic = own_clinic_of(user)
    zone = zone_of(clinic.timezone)
    ids = [practitioner.pk for practitioner in _practitioners_for(user, wanted.practitioner_id)]
    window = Interval(start_of_day(wanted.first_date, zone), end_of_day(wanted.last_date, zone))
    plans = _plans(clinic, ids, wanted)
    counts: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    booked: dict[date, timedelta] = defaultdict(timedelta)
    taken: dict[date, dict[int, list[Interval]]] = defaultdict(lambda: defaultdict(list))
    columns = ("practitioner_id", "local_date", "status", "starts_at", "ends_at", "blocked_from", "blocked_until")
    rows = _visits(user, wanted, window).order_by().values_list(*columns)
    for practitioner_id, day, status, starts_at, ends_at, blocked_from, blocked_until in rows:
        counts[day][status] += 1
        if status in BOOKED_STATUSES:
            booked[day] += ends_at - starts_at
        if status in ACTIVE_STATUSES:
            taken[day][practitioner_id].append(Interval(blocked_from, blocked_until))
    slot = timedelta(minutes=clinic.slot_minutes)

    def load_on(day: date) -> Load:
        of_day = plans[day]
        return load_of(
            [of_day[practitioner_id].hours for practitioner_id in ids],
            # A visit of the evening before may still last.
            [taken[days_later(day, -1)][one] + taken[day][one] for one in ids],
            booked_minutes=booked[day] // timedelta(minutes=1),
            slot=slot,
            now=now,
        )

    return [MonthDay(day, dict(counts[day]), load_on(day), _closed_for(plans[day])) for day in wanted.days]


def _closed_for(plans: Mapping[int, DayPlan]) -> tuple[str, ...] | None:
    """The reasons for which nobody works on a day, without repetition; None: somebody works, or nobody ever would."""
    if any(plan.hours for plan in plans.values()):
        return None
    closures = [closure for plan in plans.values() for closure in plan.closures]
    if not closures:
        return None
    return tuple(dict.fromkeys(closure.reason for closure in closures if closure.reason))


def _practitioners_for(user: User, practitioner_id: int | None) -> list[Practitioner]:
    """Active ones, by name. Raises NotFound."""
    practitioners = schedules_editable_by(user).order_by("name", "id")
    if practitioner_id is None:
        return list(practitioners)
    found = list(practitioners.filter(pk=practitioner_id))
    if not found:
        raise NotFound("There is no such practitioner.")
    return found


def _plans(clinic: Clinic, ids: Sequence[int], wanted: CalendarFilter) -> dict[date, dict[int, DayPlan]]:
    """Two queries."""
    zone = zone_of(clinic.timezone)
    blocks: Mapping[int, list[Block]] = blocks_of(ids)
    exceptions = [
        NamedException(days, row.reason)
        for row, days in exceptions_around(clinic, ids, wanted.first_date, wanted.last_date)
    ]
    return {
        day: {
            one: day_plan(
                day,
                zone=zone,
                blocks=blocks.get(one, ()),
                exceptions=[named for named in exceptions if named.days.practitioner_id in (None, one)],
            )
            for one in ids
        }
        for day in wanted.days
    }


def _visits(user: User, wanted: CalendarFilter, window: Interval) -> QuerySet[Appointment]:
    """Those of the dates, and those of the evening before that last beyond midnight. One who has left still has
    visits."""
    visits = appointments_visible_to(user).filter(
        Q(local_date__gte=wanted.first_date) | Q(ends_at__gt=window.start),
        local_date__gte=days_later(wanted.first_date, -1),
        local_date__lte=wanted.last_date,
    )
    if wanted.practitioner_id is not None:
        visits = visits.filter(practitioner_id=wanted.practitioner_id)
    return visits.order_by("starts_at", "id")


def _holds_of(practitioner_ids: Sequence[int], window: Interval, *, now: datetime) -> QuerySet[Hold]:
    return Hold.objects.filter(
        practitioner_id__in=practitioner_ids,
        expires_at__gt=now,
        blocked_from__lt=window.end,
        blocked_until__gt=window.start,
    ).order_by("starts_at", "id")


def _shows_recipient(user: User, offer: WaitlistOffer) -> bool:
    """As with waitlist entries: a practitioner sees those that ask for them."""
    return user.role != Role.PRACTITIONER or offer.entry.practitioner_id == offer.practitioner_id
