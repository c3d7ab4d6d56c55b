"""The parts of a practitioner's day: working hours, breaks between them, closed time; and how full a day is. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from clinic.common.instants import end_of_day, start_of_day
from clinic.scheduling.working_hours import (
    Block,
    DayException,
    Interval,
    closed_interval,
    days_later,
    working_intervals,
)


@dataclass(frozen=True, slots=True)
class NamedException:
    """An exception of the schedule with its reason."""

    days: DayException
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Closure:
    """Closed time of a day, clipped to it. A `practitioner_id` of None: the whole clinic is closed."""

    interval: Interval
    practitioner_id: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class DayPlan:
    """`other_hours`: the reasons of exceptional hours that replace the weekly ones; None: the weekly hours hold."""

    hours: list[Interval]
    breaks: list[Interval]
    closures: list[Closure]
    other_hours: str | None


def day_plan(day: date, *, zone: ZoneInfo, blocks: Sequence[Block], exceptions: Sequence[NamedException]) -> DayPlan:
    """All of it lies between the day's two midnights. Hours that touch are one."""
    hours = _joined(working_intervals(day, zone=zone, blocks=blocks, exceptions=[one.days for one in exceptions]))
    closures = sorted(_closures_on(day, zone, exceptions), key=lambda closure: closure.interval.start)
    gaps = [Interval(before.end, after.start) for before, after in pairwise(hours)]
    breaks = [piece for gap in gaps for piece in without(gap, [closure.interval for closure in closures])]
    other = [one for one in exceptions if not one.days.closed and one.days.holds_on(day)]
    deciding = [one for one in other if one.days.practitioner_id is not None] or other
    reasons = ", ".join(one.reason for one in deciding if one.reason)
    return DayPlan(hours, breaks, closures, reasons if deciding else None)


def _closures_on(day: date, zone: ZoneInfo, exceptions: Sequence[NamedException]) -> Iterator[Closure]:
    """An absence that began the evening before may last into this day."""
    midnight, next_midnight = start_of_day(day, zone), end_of_day(day, zone)
    for exception in exceptions:
        for began_on in {days_later(day, -1), day}:
            closed = closed_interval(began_on, exception.days, zone)
            if closed is not None and closed.start < next_midnight and midnight < closed.end:
                clipped = Interval(max(closed.start, midnight), min(closed.end, next_midnight))
                yield Closure(clipped, exception.days.practitioner_id, exception.reason)


def without(interval: Interval, taken: Sequence[Interval]) -> list[Interval]:
    """The pieces of an interval that nothing takes. `taken` may overlap and be in any order."""
    pieces: list[Interval] = []
    start = interval.start
    for one in sorted(taken, key=lambda one: one.start):
        if one.end <= start or one.start >= interval.end:
            continue
        if start < one.start:
            pieces.append(Interval(start, one.start))
        start = max(start, one.end)
    if start < interval.end:
        pieces.append(Interval(start, interval.end))
    return pieces


@dataclass(frozen=True, slots=True)
class Load:
    """Working and booked minutes of a day. `is_full`: hours that lie ahead leave no free slot."""

    working_minutes: int
    booked_minutes: int
    is_full: bool

    @property
    def utilisation(self) -> float | None:
        """Booked of working time, 1 at most; None without working time."""
        return min(1.0, round(self.booked_minutes / self.working_minutes, 4)) if self.working_minutes else None


def load_of(
    hours: Sequence[Sequence[Interval]],
    taken: Sequence[Sequence[Interval]],
    *,
    booked_minutes: int,
    slot: timedelta,
    now: datetime,
) -> Load:
    """`hours` and `taken` by practitioner, in the same order; `taken` holds blocked time, buffers included."""
    working = sum((one.end - one.start for of_one in hours for one in of_one), timedelta())
    ahead = [[Interval(max(one.start, now), one.end) for one in of_one if one.end > now] for of_one in hours]
    has_room = any(
        piece.end - piece.start >= slot
        for of_one, busy in zip(ahead, taken, strict=True)
        for one in of_one
        for piece in without(one, busy)
    )
    return Load(working // timedelta(minutes=1), booked_minutes, any(ahead) and not has_room)


def _joined(intervals: Sequence[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for one in intervals:
        if joined and one.start <= joined[-1].end:
            joined[-1] = Interval(joined[-1].start, max(joined[-1].end, one.end))
        else:
            joined.append(one)
    return joined
