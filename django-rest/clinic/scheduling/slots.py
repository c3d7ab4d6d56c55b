"""The starts that a practitioner offers, and the rules that a given start must meet."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from heapq import nsmallest
from typing import Literal
from zoneinfo import ZoneInfo

from clinic.common.errors import InThePast, OffGrid, OutsideWorkingHours, TooFarAhead, TooSoon
from clinic.common.instants import EPOCH
from clinic.scheduling.working_hours import (
    MINUTES_A_DAY,
    Block,
    DayException,
    Interval,
    Stretch,
    days_later,
    is_covered,
    joined,
    merge,
    working_stretches,
)

Grid = Literal["slot", "five_minutes"]
CELL = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Policy:
    zone: ZoneInfo
    slot_minutes: int
    horizon_days: int
    notice: timedelta

    def __post_init__(self) -> None:
        if self.slot_minutes < 1:
            raise ValueError("a grid without a step never ends")


@dataclass(frozen=True, slots=True)
class Treatment:
    minutes: int
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Slot:
    """Aware UTC; `end` is the end of the appointment, without buffers."""

    start: datetime
    end: datetime


def open_slots(
    *,
    first_date: date,
    last_date: date,
    policy: Policy,
    treatment: Treatment,
    blocks: Sequence[Block],
    exceptions: Sequence[DayException],
    busy: Sequence[Interval],
    now: datetime,
) -> list[Slot]:
    """Every open start of the days given, both included, in order. `busy` is blocked time, buffers included."""
    now = now.astimezone(UTC)
    today = now.astimezone(policy.zone).date()
    first_date = max(first_date, today)
    last_date = min(last_date, today + timedelta(days=policy.horizon_days))
    taken = merge(busy)
    taken_ends = [interval.end for interval in taken]
    before = timedelta(minutes=treatment.buffer_before_minutes)
    length = timedelta(minutes=treatment.minutes)
    after = timedelta(minutes=treatment.buffer_after_minutes)
    earliest = now + policy.notice
    slots: list[Slot] = []
    if first_date > last_date:
        return slots
    stretches = working_stretches(
        first_date, _day_after(last_date, treatment), zone=policy.zone, blocks=blocks, exceptions=exceptions
    )
    covered = joined(stretches)
    covered_ends = [interval.end for interval in covered]
    for stretch in stretches:
        # A treatment may continue into a block that touches this one.
        last_start = covered[bisect_right(covered_ends, stretch.start)].end - length
        for start in _grid_starts(stretch, policy.slot_minutes, last_start):
            if start < earliest or not first_date <= start.astimezone(policy.zone).date() <= last_date:
                continue
            next_taken = bisect_right(taken_ends, start - before)
            if next_taken == len(taken) or taken[next_taken].start >= start + length + after:
                slots.append(Slot(start, start + length))
    return slots


def check_start(
    start: datetime,
    *,
    policy: Policy,
    treatment: Treatment,
    blocks: Sequence[Block],
    exceptions: Sequence[DayException],
    now: datetime,
    grid: Grid,
    outside_hours: bool = False,
) -> None:
    """Raises InThePast, TooSoon, TooFarAhead, OffGrid or OutsideWorkingHours, in this order of what is told first.

    Does not look at what is booked. `outside_hours` lets a start outside of every block pass: such a start has no
    block to take its grid from and must stand on five minutes.
    """
    day = _bookable_day(start, policy=policy, now=now.astimezone(UTC))
    start = start.astimezone(UTC)
    last_day = _day_after(day, treatment)
    stretches = working_stretches(day, last_day, zone=policy.zone, blocks=blocks, exceptions=exceptions)
    around = next((stretch for stretch in stretches if stretch.start <= start < stretch.end), None)
    if around is not None and grid == "slot":
        step, origin = timedelta(minutes=policy.slot_minutes), around.origin
    else:
        step, origin = CELL, EPOCH
    if (start - origin) % step:
        raise OffGrid
    fits = is_covered(Interval(start, start + timedelta(minutes=treatment.minutes)), stretches)
    if not fits and not outside_hours:
        raise OutsideWorkingHours


def nearest_open(slots: Sequence[Slot], start: datetime, count: int = 3) -> list[Slot]:
    """The nearest first; of two equally near, the earlier."""
    return nsmallest(count, slots, key=lambda slot: (abs(slot.start - start), slot.start))


def blocked_interval(start: datetime, treatment: Treatment) -> Interval:
    start = start.astimezone(UTC)
    return Interval(
        start - timedelta(minutes=treatment.buffer_before_minutes),
        start + timedelta(minutes=treatment.minutes + treatment.buffer_after_minutes),
    )


def _day_after(day: date, treatment: Treatment) -> date:
    """The last day on which a treatment that starts on this one may still lie."""
    return days_later(day, 1 + treatment.minutes // MINUTES_A_DAY)


def _bookable_day(start: datetime, *, policy: Policy, now: datetime) -> date:
    """The start's local date, if it is neither too early nor too late to book it."""
    if start < now:
        raise InThePast
    if start < now + policy.notice:
        raise TooSoon
    today = now.astimezone(policy.zone).date()
    # The first condition keeps the second from converting the calendar's last day, which overflows.
    far = start - now > timedelta(days=policy.horizon_days + 2)
    if far or start.astimezone(policy.zone).date() > today + timedelta(days=policy.horizon_days):
        raise TooFarAhead
    return start.astimezone(policy.zone).date()


def _grid_starts(stretch: Stretch, slot_minutes: int, last_start: datetime) -> Iterator[datetime]:
    step = timedelta(minutes=slot_minutes)
    start = stretch.origin + -((stretch.origin - stretch.start) // step) * step
    while start < stretch.end and start <= last_start:
        yield start
        start += step
