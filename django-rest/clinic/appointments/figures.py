"""Pure: the days of a report, its working time by week, and the answers to requests."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from clinic.appointments.lifecycle import UNDO, Action, Status
from clinic.common.instants import end_of_day, start_of_day
from clinic.scheduling.working_hours import Block, DayException, Interval, working_stretches

MAX_REPORT_DAYS = 366
# Visits whose time was used, or kept for a patient who did not come.
AGREED = (Status.CONFIRMED, Status.CHECKED_IN, Status.COMPLETED, Status.NO_SHOW)
QUARTER = timedelta(minutes=15)
# Quarters of an hour are counted from here.
QUARTERS_SINCE = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ReportDays:
    """Days of the clinic, both included."""

    first: date
    last: date

    @property
    def count(self) -> int:
        return (self.last - self.first).days + 1

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def before(self) -> "ReportDays":
        """The period to compare with: of whole months as many months before them, else as many days."""
        last = self.first - timedelta(days=1)
        if self.first.day != 1 or (self.last + timedelta(days=1)).day != 1:
            return ReportDays(self.first - timedelta(days=self.count), last)
        months = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
        index = self.first.year * 12 + self.first.month - 1 - months
        return ReportDays(date(index // 12, index % 12 + 1, 1), last)

    def weeks(self) -> list[date]:
        """Mondays of the weeks that have days in it."""
        first = monday_of(self.first)
        return [first + timedelta(weeks=week) for week in range((self.last - first).days // 7 + 1)]


def monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def working_minutes(
    days: ReportDays, *, zone: ZoneInfo, blocks: Sequence[Block], exceptions: Sequence[DayException]
) -> dict[date, int]:
    """Working time of one practitioner by week, without closures and absences. Days of 23 and 25 hours count as they
    are long."""
    stretches = working_stretches(days.first, days.last, zone=zone, blocks=blocks, exceptions=exceptions)
    of_weeks: dict[date, int] = {}
    for monday in days.weeks():
        first, last = max(monday, days.first), min(monday + timedelta(days=6), days.last)
        week = Interval(start_of_day(first, zone), end_of_day(last, zone))
        shared = (min(one.end, week.end) - max(one.start, week.start) for one in stretches)
        of_weeks[monday] = sum((part for part in shared if part > timedelta()), timedelta()) // timedelta(minutes=1)
    return of_weeks


def heat_map(starts: Iterable[tuple[int, int]], zone: ZoneInfo) -> list[list[int]]:
    """Visits that begin in each hour of each weekday, Monday first, by the clinic's clock. `starts`: the quarter of an
    hour since `QUARTERS_SINCE`, and how many."""
    found = [[0] * 24 for _ in range(7)]
    for quarter, count in starts:
        local = (QUARTERS_SINCE + quarter * QUARTER).astimezone(zone)
        found[local.weekday()][local.hour] += count
    return found


@dataclass(frozen=True, slots=True)
class RequestLine:
    """A line of history of a request. `by_patient`: the patient's own doing."""

    appointment_id: int
    at: datetime
    action: str
    to_status: str
    by_patient: bool = False


@dataclass(slots=True)
class Answers:
    """The ends of some requests. `minutes`: from a request to its answer, in order."""

    received: int = 0
    expired: int = 0
    withdrawn: int = 0
    waiting: int = 0
    minutes: list[int] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return len(self.minutes)

    def minutes_of_share(self, share: float) -> int | None:
        """The time within which this share of the answers came; None without answers."""
        if not self.minutes:
            return None
        return self.minutes[ceil(len(self.minutes) * share) - 1]


def answers_to(requested_at: Mapping[int, datetime], lines: Iterable[RequestLine]) -> Answers:
    """`requested_at` by appointment; `lines` in the order of their time."""
    ends = _ends(lines)
    found = Answers(received=len(requested_at))
    for appointment_id, at in requested_at.items():
        end = ends.get(appointment_id)
        if end is None:
            found.waiting += 1
        elif end.action == Action.EXPIRE:
            found.expired += 1
        elif end.by_patient:
            found.withdrawn += 1
        else:
            found.minutes.append((end.at - at) // timedelta(minutes=1))
    found.minutes.sort()
    return found


def _ends(lines: Iterable[RequestLine]) -> dict[int, RequestLine]:
    """The first end of each request. A decision that was undone is none."""
    ends: dict[int, RequestLine] = {}
    for line in lines:
        if line.action == UNDO:
            ends.pop(line.appointment_id, None)
        else:
            ends.setdefault(line.appointment_id, line)
    return ends
