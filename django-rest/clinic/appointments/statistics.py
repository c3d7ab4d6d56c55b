"""How many appointments there were, by status and period. Each is counted once, under the clinic's date of its start,
so the sum of all periods is the number of rows."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from django.db.models import Count, QuerySet

from clinic.accounts.models import Role, User
from clinic.appointments.lifecycle import Status
from clinic.appointments.models import Appointment
from clinic.appointments.queries import appointments_visible_to
from clinic.common.errors import NotFound, PermissionDenied
from clinic.people.identities import clinic_id_of, practitioner_id_of
from clinic.scheduling.models import Practitioner

Period = Literal["day", "month"]
DEFAULT_LIMIT: dict[Period, int] = {"day": 31, "month": 12}
# In days.
LONGEST: dict[Period, int] = {"day": 1, "month": 31}


@dataclass(frozen=True, slots=True)
class Counts:
    by_status: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    @property
    def shares(self) -> dict[str, float]:
        """Of the total; all 0 where there is nothing."""
        return {status: round(count / (self.total or 1), 4) for status, count in self.by_status.items()}

    @property
    def no_show_rate(self) -> float | None:
        """The missed ones of those that took place or were missed; None where neither was."""
        missed, came = self.by_status[Status.NO_SHOW], self.by_status[Status.COMPLETED]
        return round(missed / (missed + came), 4) if missed + came else None


@dataclass(frozen=True, slots=True)
class PeriodCounts:
    """`starts_on` is the day, or the first of the month."""

    starts_on: date
    counts: Counts


@dataclass(frozen=True, slots=True)
class StatisticsFilter:
    """The newest `limit` periods that have appointments, between the dates where they are given, both included.

    Days end today if no last date is given: what is booked ahead has not happened yet.
    """

    group_by: Period = "month"
    limit: int | None = None
    first_date: date | None = None
    last_date: date | None = None

    def last_date_on(self, today: date) -> date | None:
        if self.last_date is not None or self.group_by != "day" or (self.first_date or today) > today:
            return self.last_date
        return today


def statistics_for(
    user: User, wanted: StatisticsFilter, *, today: date, practitioner_id: int | None = None
) -> list[PeriodCounts]:
    """The newest period first. One query. Without a practitioner: all that the user may see."""
    appointments = appointments_visible_to(user)
    if practitioner_id is not None:
        appointments = appointments.filter(practitioner_id=practitioner_id)
    if wanted.first_date is not None:
        appointments = appointments.filter(local_date__gte=wanted.first_date)
    if (last_date := wanted.last_date_on(today)) is not None:
        appointments = appointments.filter(local_date__lte=last_date)
    most = wanted.limit or DEFAULT_LIMIT[wanted.group_by]
    by_period = _count(appointments, wanted.group_by, most)
    newest = sorted(by_period, reverse=True)[:most]
    return [PeriodCounts(starts_on, _counts(by_period[starts_on])) for starts_on in newest]


def total_of(periods: list[PeriodCounts]) -> Counts:
    total: dict[str, int] = defaultdict(int)
    for period in periods:
        for status, count in period.counts.by_status.items():
            total[status] += count
    return _counts(total)


def get_practitioner_with_statistics_for(user: User, practitioner_id: int) -> Practitioner:
    """The desk: any of its clinic, also one who has left. A practitioner: themselves.

    Raises NotFound, PermissionDenied. One query.
    """
    found = Practitioner.objects.filter(pk=practitioner_id, clinic_id=clinic_id_of(user)).first()
    if found is None:
        raise NotFound("There is no such practitioner.")
    if user.role == Role.PRACTITIONER and practitioner_id_of(user) != found.pk:
        raise PermissionDenied("A practitioner sees their own statistics.")
    return found


def _count(appointments: QuerySet[Appointment], group_by: Period, most: int) -> dict[date, dict[str, int]]:
    """By day and status as the index has them, the newest first, so that the database reads no more than is asked for;
    grouped by month there, it would read and sort all."""
    days = (
        appointments.values_list("local_date", "status").annotate(count=Count("*")).order_by("-local_date", "-status")
    )
    by_period: dict[date, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for day, status, count in days[: most * LONGEST[group_by] * len(Status)]:
        by_period[day.replace(day=1) if group_by == "month" else day][status] += count
    return by_period


def _counts(by_status: Mapping[str, int]) -> Counts:
    return Counts({status.value: by_status.get(status.value, 0) for status in Status})
