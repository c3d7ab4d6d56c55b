"""A rule becomes dates, and dates become instants. Nothing here knows of rows.

The reading is RFC 5545's (3.3.10): a month that has no such day is skipped and does not count, weeks start on Monday,
and every occurrence keeps the wall time of the first, whatever the clocks do in between.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import MAXYEAR, date, datetime, time, timedelta
from enum import StrEnum
from itertools import takewhile
from zoneinfo import ZoneInfo

from clinic.common.errors import InvalidRequest, NoSuchLocalTime
from clinic.scheduling.working_hours import local_instant

MAX_DATES = 52
ONE_WEEK = timedelta(weeks=1)


class Frequency(StrEnum):
    WEEKLY = "weekly"
    BIWEEKLY = "biweekly"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Rule:
    """Either a `count` or a last date, included. `weekdays` (0 is Monday) are for rules by the week: several days of
    each; none means the first date's. A rule by the month keeps the first date's day of the month.

    Raises InvalidRequest with the field of the rule as attr.
    """

    frequency: Frequency
    count: int | None = None
    until: date | None = None
    weekdays: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if (self.count is None) == (self.until is None):
            raise InvalidRequest("Give either a count or a last date.", attr="rule.count")
        if self.count is not None and not 1 <= self.count <= MAX_DATES:
            raise InvalidRequest(f"A series has 1 to {MAX_DATES} dates.", attr="rule.count")
        if self.weekdays and self.frequency is Frequency.MONTHLY:
            raise InvalidRequest("Weekdays are for weekly and biweekly rules.", attr="rule.weekdays")
        if not all(0 <= weekday <= 6 for weekday in self.weekdays):
            raise InvalidRequest("Weekdays are 0 (Monday) to 6 (Sunday).", attr="rule.weekdays")


@dataclass(frozen=True, slots=True)
class Occurrence:
    """`start` is aware UTC, or None on a day whose clocks skip this wall time."""

    local_date: date
    start: datetime | None


def dates_of(rule: Rule, first_date: date) -> list[date]:
    """In order, beginning with `first_date`. Raises InvalidRequest where the rule misses its first date, ends before
    it, or makes more than 52."""
    if rule.weekdays and first_date.weekday() not in rule.weekdays:
        raise InvalidRequest("The first date is not on one of the weekdays.", attr="rule.weekdays")
    if rule.until is not None and rule.until < first_date:
        raise InvalidRequest("The series ends before it begins.", attr="rule.until")
    dates: Iterable[date] = _endless(rule, first_date)
    if rule.until is not None:
        last_date = rule.until
        dates = takewhile(lambda day: day <= last_date, dates)
    found = [day for _, day in zip(range(rule.count or MAX_DATES + 1), dates, strict=False)]
    if len(found) > MAX_DATES:
        raise InvalidRequest(f"A series has at most {MAX_DATES} dates.", attr="rule.until")
    return found


def occurrences(rule: Rule, first_date: date, at_local: time, zone: ZoneInfo) -> list[Occurrence]:
    """The same wall time on every date: in a fold the first of the two. Raises what `dates_of` raises."""
    return [Occurrence(day, instant_on(day, at_local, zone)) for day in dates_of(rule, first_date)]


def instant_on(day: date, at_local: time, zone: ZoneInfo) -> datetime | None:
    """None where the clocks skip the wall time."""
    try:
        return local_instant(day, at_local, zone)
    except NoSuchLocalTime:
        return None


def _endless(rule: Rule, first_date: date) -> Iterator[date]:
    if rule.frequency is Frequency.MONTHLY:
        return _monthly(first_date)
    weeks = 2 if rule.frequency is Frequency.BIWEEKLY else 1
    return _weekly(first_date, weeks, sorted({*rule.weekdays, first_date.weekday()}))


def _weekly(first_date: date, weeks: int, weekdays: list[int]) -> Iterator[date]:
    """Every so many weeks, counted from the Monday of the first date's week; ends with the calendar."""
    monday = first_date.toordinal() - first_date.weekday()
    while True:
        for weekday in weekdays:
            ordinal = monday + weekday
            if ordinal > date.max.toordinal():
                return
            if ordinal >= first_date.toordinal():
                yield date.fromordinal(ordinal)
        monday += weeks * ONE_WEEK.days


def _monthly(first_date: date) -> Iterator[date]:
    year, month = first_date.year, first_date.month
    while year <= MAXYEAR:
        if first_date.day <= monthrange(year, month)[1]:
            yield date(year, month, first_date.day)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
