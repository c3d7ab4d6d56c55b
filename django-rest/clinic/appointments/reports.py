"""Figures of a clinic over days of its own: utilisation, missed and cancelled visits, answers to requests, sources.

Every visit counts under the clinic's date of its start, so that each figure is a sum over rows. A report costs the
same number of queries for any number of days and practitioners.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db.models import Case, Count, Func, IntegerField, Q, Sum, Value, When
from django.db.models.functions import TruncWeek

from clinic.accounts.models import Role, User
from clinic.appointments.figures import (
    AGREED,
    MAX_REPORT_DAYS,
    Answers,
    ReportDays,
    RequestLine,
    answers_to,
    heat_map,
    working_minutes,
)
from clinic.appointments.lifecycle import UNDO, Status
from clinic.appointments.models import ActorKind, Source
from clinic.appointments.queries import appointments_visible_to, history_visible_to
from clinic.common.errors import InvalidRequest, NotFound
from clinic.common.instants import end_of_day, local_date_of, start_of_day, zone_of
from clinic.people.identities import clinic_id_of
from clinic.scheduling.models import Clinic, Practitioner
from clinic.scheduling.queries.clinics import own_clinic_of
from clinic.scheduling.queries.hours import hours_of
from clinic.scheduling.working_hours import Hours

CREATED = "create"


class _MinutesBetween(Func):
    function = "TIMESTAMPDIFF"
    template = "%(function)s(MINUTE, %(expressions)s)"
    output_field = IntegerField()


class _QuarterOf(Func):
    """`figures.QUARTERS_SINCE` in SQL."""

    function = "TIMESTAMPDIFF"
    template = "(%(function)s(MINUTE, '2000-01-01', %(expressions)s) DIV 15)"
    output_field = IntegerField()


@dataclass(slots=True)
class Figures:
    """Sums over some visits. Minutes of `booked` include buffers, those of `treated` do not; both are of agreed
    visits. `available`: working minutes as the hours are written now; of a practitioner who has left, none."""

    by_status: dict[str, int] = field(default_factory=lambda: {status.value: 0 for status in Status})
    by_source: dict[str, int] = field(default_factory=lambda: {source.value: 0 for source in Source})
    booked_minutes: int = 0
    treated_minutes: int = 0
    available_minutes: int = 0
    waitlist_visits: int = 0
    waitlist_minutes: int = 0

    def add(self, other: "Figures") -> None:
        for own, added in ((self.by_status, other.by_status), (self.by_source, other.by_source)):
            for name, count in added.items():
                own[name] += count
        self.booked_minutes += other.booked_minutes
        self.treated_minutes += other.treated_minutes
        self.available_minutes += other.available_minutes
        self.waitlist_visits += other.waitlist_visits
        self.waitlist_minutes += other.waitlist_minutes

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    @property
    def utilisation(self) -> float | None:
        """Booked of available time; above 1 with visits outside of the hours, None without hours."""
        return round(self.booked_minutes / self.available_minutes, 4) if self.available_minutes else None

    @property
    def no_show_rate(self) -> float | None:
        """Missed visits of those completed or missed."""
        missed = self.by_status[Status.NO_SHOW]
        came = self.by_status[Status.COMPLETED]
        return round(missed / (missed + came), 4) if missed + came else None

    @property
    def cancelled_share(self) -> float | None:
        """Cancelled visits of all but the rejected."""
        considered = self.total - self.by_status[Status.REJECTED]
        return round(self.by_status[Status.CANCELLED] / considered, 4) if considered else None


@dataclass(frozen=True, slots=True)
class Period:
    """All figures of the days. `of_week` and `of_practitioner` add up to `total`, and `cells` to each of them."""

    days: ReportDays
    cells: dict[tuple[date, int], Figures]
    answers: Answers

    @property
    def total(self) -> Figures:
        return self._sum(lambda _key: 0).get(0, Figures())

    @property
    def of_week(self) -> dict[date, Figures]:
        found = self._sum(lambda key: key[0])
        return {monday: found.get(monday, Figures()) for monday in self.days.weeks()}

    @property
    def of_practitioner(self) -> dict[int, Figures]:
        return self._sum(lambda key: key[1])

    def _sum(self, key_of: Any) -> dict[Any, Figures]:
        sums: dict[Any, Figures] = defaultdict(Figures)
        for key, figures in self.cells.items():
            sums[key_of(key)].add(figures)
        return dict(sums)


@dataclass(frozen=True, slots=True)
class Report:
    practitioners: list[Practitioner]
    current: Period
    previous: Period
    heat_map: list[list[int]]


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Both dates included; without dates the clinic's month so far."""

    first_date: date | None = None
    last_date: date | None = None
    practitioner_id: int | None = None

    def days_on(self, today: date) -> ReportDays:
        """Raises InvalidRequest."""
        last = self.last_date or today
        first = self.first_date or last.replace(day=1)
        if last < first:
            raise InvalidRequest("The range ends before it begins.", attr="to")
        days = ReportDays(first, last)
        if days.count > MAX_REPORT_DAYS:
            raise InvalidRequest(f"A report covers {MAX_REPORT_DAYS} days at most.", attr="to")
        if first.year < 2 or last.year > 9998:
            raise InvalidRequest("These days are too far away.", attr="from")
        return days


def report_for(user: User, wanted: ReportFilter, *, now: datetime) -> Report:
    """For owner and staff. Seven queries. Raises InvalidRequest, NotFound (another clinic's practitioner)."""
    clinic = user.clinic
    if clinic is None:
        raise NotFound("There is no clinic to report on.")
    days = wanted.days_on(local_date_of(now, zone_of(clinic.timezone)))
    practitioners = _practitioners_of(user, wanted.practitioner_id)
    cells = _cells(user, wanted, days)
    _add_hours(cells, clinic, [one.pk for one in practitioners if one.active], days)
    answers = _answers(user, clinic, wanted, days)
    current, previous = (
        Period(period, cells[is_current], answers[is_current])
        for is_current, period in ((True, days), (False, days.before()))
    )
    seen = {practitioner_id for period in cells.values() for _, practitioner_id in period}
    shown = [one for one in practitioners if one.active or one.pk in seen]
    return Report(shown, current, previous, _heat_map(user, wanted, days))


def _practitioners_of(user: User, practitioner_id: int | None) -> list[Practitioner]:
    practitioners = Practitioner.objects.filter(clinic_id=clinic_id_of(user)).order_by("name", "id")
    if practitioner_id is None:
        return list(practitioners)
    found = list(practitioners.filter(pk=practitioner_id))
    if not found:
        raise NotFound("There is no such practitioner.")
    return found


def _cells(user: User, wanted: ReportFilter, days: ReportDays) -> dict[bool, dict[tuple[date, int], Figures]]:
    """Sums by week and practitioner, of the period (True) and of the one before. One query."""
    is_current = Case(When(local_date__gte=days.first, then=Value(1)), default=Value(0), output_field=IntegerField())
    rows = _visits(user, wanted, ReportDays(days.before().first, days.last))
    sums = (
        rows.annotate(week=TruncWeek("local_date"), is_current=is_current)
        .values_list("is_current", "week", "practitioner_id", "status", "source")
        .annotate(
            count=Count("*"),
            booked=Sum(_MinutesBetween("blocked_from", "blocked_until")),
            treated=Sum(_MinutesBetween("starts_at", "ends_at")),
        )
    )
    cells: dict[bool, dict[tuple[date, int], Figures]] = {True: defaultdict(Figures), False: defaultdict(Figures)}
    for current, week, practitioner_id, status, source, count, booked, treated in sums:
        figures = cells[bool(current)][week, practitioner_id]
        figures.by_status[status] += count
        figures.by_source[source] += count
        if status in AGREED:
            figures.booked_minutes += int(booked)
            figures.treated_minutes += int(treated)
            if source == Source.WAITLIST:
                figures.waitlist_visits += count
                figures.waitlist_minutes += int(treated)
    return cells


def _visits(user: User, wanted: ReportFilter, days: ReportDays) -> Any:
    visits = appointments_visible_to(user).filter(local_date__gte=days.first, local_date__lte=days.last).order_by()
    return visits if wanted.practitioner_id is None else visits.filter(practitioner_id=wanted.practitioner_id)


def _add_hours(
    cells: dict[bool, dict[tuple[date, int], Figures]],
    clinic: Clinic,
    practitioner_ids: list[int],
    days: ReportDays,
) -> None:
    """Two queries."""
    zone = zone_of(clinic.timezone)
    before = days.before()
    hours: dict[int, Hours] = hours_of(clinic, practitioner_ids, before.first, days.last)
    for practitioner_id, of_one in hours.items():
        for is_current, period in ((True, days), (False, before)):
            minutes = working_minutes(period, zone=zone, blocks=of_one.blocks, exceptions=of_one.exceptions)
            for week, worked in minutes.items():
                if worked:
                    cells[is_current][week, practitioner_id].available_minutes += worked


def _answers(user: User, clinic: Clinic, wanted: ReportFilter, days: ReportDays) -> dict[bool, Answers]:
    """Of requests that came in the period (True) and in the one before. Two queries."""
    zone = zone_of(clinic.timezone)
    events = history_visible_to(user).filter(clinic_id=clinic.pk)
    created = events.filter(
        action=CREATED,
        to_status=Status.PENDING,
        at__gte=start_of_day(days.before().first, zone),
        at__lt=end_of_day(days.last, zone),
    )
    if wanted.practitioner_id is not None:
        created = created.filter(practitioner_id=wanted.practitioner_id)
    requested: dict[bool, dict[int, datetime]] = {True: {}, False: {}}
    for appointment_id, at in created.order_by().values_list("appointment_id", "at"):
        requested[local_date_of(at, zone) in days][appointment_id] = at
    ended = Q(from_status=Status.PENDING) & ~Q(to_status=Status.PENDING)
    reopened = Q(action=UNDO, to_status=Status.PENDING) & ~Q(from_status=Status.PENDING)
    lines = events.filter(ended | reopened, appointment_id__in=created.order_by().values("appointment_id"))
    found = list(_request_lines(lines.order_by("at", "id")))
    return {is_current: answers_to(of_these, found) for is_current, of_these in requested.items()}


def _request_lines(lines: Any) -> Iterator[RequestLine]:
    columns = ("appointment_id", "at", "action", "to_status", "actor_kind", "actor__role")
    for appointment_id, at, action, to_status, actor_kind, role in lines.values_list(*columns):
        by_patient = role == Role.PATIENT or actor_kind in (ActorKind.GUEST, ActorKind.PATIENT_SMS)
        yield RequestLine(appointment_id, at, action, to_status, by_patient)


def _heat_map(user: User, wanted: ReportFilter, days: ReportDays) -> list[list[int]]:
    """One query."""
    agreed = _visits(user, wanted, days).filter(status__in=AGREED)
    starts = agreed.annotate(quarter=_QuarterOf("starts_at")).values_list("quarter").annotate(count=Count("*"))
    return heat_map(starts, zone_of(own_clinic_of(user).timezone))
