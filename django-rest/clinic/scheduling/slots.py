"""Which starts a practitioner offers, and whether a given start is one of them.

Wall-clock hours become UTC instants first; everything after that is arithmetic on instants, so a day of 23 or 25 hours
needs no case of its own. Callers pass the blocks and exceptions of one practitioner (and the clinic-wide exceptions).
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from heapq import nsmallest
from itertools import combinations
from typing import Literal
from zoneinfo import ZoneInfo

from clinic.common.errors import (
    InThePast,
    NoSuchLocalTime,
    OffGrid,
    OutsideWorkingHours,
    TooFarAhead,
    TooSoon,
)

Grid = Literal["slot", "five_minutes"]

ONE_DAY = timedelta(days=1)
CELL = timedelta(minutes=5)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Interval:
    """Half-open, aware UTC."""

    start: datetime
    end: datetime

    def overlaps(self, other: "Interval") -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Block:
    """Weekly hours. Monday is 0; an end of 00:00 is the midnight that ends the day; `valid_until` is inclusive."""

    weekday: int
    start_local: time
    end_local: time
    valid_from: date | None = None
    valid_until: date | None = None

    def is_worked_on(self, day: date) -> bool:
        return (
            self.weekday == day.weekday()
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day <= self.valid_until)
        )


@dataclass(frozen=True, slots=True)
class DayException:
    """Replaces whole days, `end_date` included. A `practitioner_id` of None means the whole clinic."""

    start_date: date
    end_date: date
    practitioner_id: int | None
    closed: bool
    start_local: time | None = None
    end_local: time | None = None


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


def working_intervals(
    day: date, *, zone: ZoneInfo, blocks: Sequence[Block], exceptions: Sequence[DayException]
) -> list[Interval]:
    """The day's working time, sorted. Blocks that overlap are one interval; blocks that only touch stay two,
    because each has a grid of its own."""
    end_of_day = _instant(day + ONE_DAY, time.min, zone)
    merged: list[Interval] = []
    for block in sorted(_intervals_of(day, zone, blocks, exceptions), key=lambda interval: interval.start):
        # A gap can push hours past midnight (Samoa skipped a whole day): the next day has hours of its own.
        interval = Interval(block.start, min(block.end, end_of_day))
        if interval.start >= interval.end:
            continue
        if merged and interval.start < merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, interval.end))
        else:
            merged.append(interval)
    return merged


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
    taken = _merged(busy)
    taken_ends = [interval.end for interval in taken]
    before = timedelta(minutes=treatment.buffer_before_minutes)
    length = timedelta(minutes=treatment.minutes)
    after = timedelta(minutes=treatment.buffer_after_minutes)
    earliest = now + policy.notice
    slots: list[Slot] = []
    for day in _days(first_date, last_date):
        for interval in working_intervals(day, zone=policy.zone, blocks=blocks, exceptions=exceptions):
            for start in _grid_starts(interval, policy.slot_minutes, length):
                if start < earliest:
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
    intervals = working_intervals(day, zone=policy.zone, blocks=blocks, exceptions=exceptions)
    around = next((interval for interval in intervals if interval.start <= start < interval.end), None)
    if around is not None and grid == "slot":
        step, origin = timedelta(minutes=policy.slot_minutes), around.start
    else:
        step, origin = CELL, EPOCH
    if (start - origin) % step:
        raise OffGrid
    fits = around is not None and start + timedelta(minutes=treatment.minutes) <= around.end
    if not fits and not outside_hours:
        raise OutsideWorkingHours


def is_within_hours(
    interval: Interval, *, zone: ZoneInfo, blocks: Sequence[Block], exceptions: Sequence[DayException]
) -> bool:
    """Whether one stretch of work holds all of it. Buffers do not count, as for a booking: pass start and end."""
    day = interval.start.astimezone(zone).date()
    worked = working_intervals(day, zone=zone, blocks=blocks, exceptions=exceptions)
    return any(work.start <= interval.start and interval.end <= work.end for work in worked)


def first_clash(blocks: Sequence[Block]) -> tuple[Block, Block] | None:
    """Two blocks that claim the same wall time of a day on which both are worked. None where there are none."""
    ordered = sorted(blocks, key=lambda block: (block.weekday, block.start_local))
    return next(((one, other) for one, other in combinations(ordered, 2) if _clash(one, other)), None)


def local_instant(day: date, at_local: time, zone: ZoneInfo) -> datetime:
    """The UTC instant of a wall time: the first of the two in a fold. Raises NoSuchLocalTime in a gap."""
    try:
        instant = _instant(day, at_local, zone)
        back = instant.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        # Only the calendar's first and last day, where an offset leads out of what a datetime can hold.
        raise (InThePast if day.year == 1 else TooFarAhead) from None
    if back != datetime.combine(day, at_local.replace(tzinfo=None)):
        raise NoSuchLocalTime
    return instant


def nearest_open(slots: Sequence[Slot], start: datetime, count: int = 3) -> list[Slot]:
    """The nearest first; of two equally near, the earlier."""
    return nsmallest(count, slots, key=lambda slot: (abs(slot.start - start), slot.start))


def blocked_interval(start: datetime, treatment: Treatment) -> Interval:
    start = start.astimezone(UTC)
    return Interval(
        start - timedelta(minutes=treatment.buffer_before_minutes),
        start + timedelta(minutes=treatment.minutes + treatment.buffer_after_minutes),
    )


def _clash(one: Block, other: Block) -> bool:
    if one.weekday != other.weekday:
        return False
    if not (_ends_after(one, other.start_local) and _ends_after(other, one.start_local)):
        return False
    first = max(one.valid_from or date.min, other.valid_from or date.min)
    last = min(one.valid_until or date.max, other.valid_until or date.max)
    # Days as numbers: the week after the calendar's last day is none.
    return first.toordinal() + (one.weekday - first.weekday()) % 7 <= last.toordinal()


def _ends_after(block: Block, at_local: time) -> bool:
    return block.end_local == time.min or block.end_local > at_local


def _intervals_of(
    day: date, zone: ZoneInfo, blocks: Sequence[Block], exceptions: Sequence[DayException]
) -> list[Interval]:
    return [
        Interval(
            _instant(day, start_local, zone), _instant(day if end_local != time.min else day + ONE_DAY, end_local, zone)
        )
        for start_local, end_local in _hours_of(day, blocks, exceptions)
    ]


def _hours_of(day: date, blocks: Sequence[Block], exceptions: Sequence[DayException]) -> list[tuple[time, time]]:
    of_the_day = [exception for exception in exceptions if exception.start_date <= day <= exception.end_date]
    if not of_the_day:
        return [(block.start_local, block.end_local) for block in blocks if block.is_worked_on(day)]
    own = [exception for exception in of_the_day if exception.practitioner_id is not None]
    deciding = own or of_the_day
    if any(exception.closed for exception in deciding):
        return []
    return [
        (exception.start_local, exception.end_local)
        for exception in deciding
        if exception.start_local is not None and exception.end_local is not None
    ]


def _instant(day: date, at_local: time, zone: ZoneInfo) -> datetime:
    # fold=0 is RFC 5545's reading: in a gap the offset before it (so the time moves forward), in a fold the first.
    return datetime.combine(day, at_local.replace(fold=0), zone).astimezone(UTC)


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


def _days(first_date: date, last_date: date) -> Iterator[date]:
    for offset in range((last_date - first_date).days + 1):
        yield first_date + timedelta(days=offset)


def _grid_starts(interval: Interval, slot_minutes: int, length: timedelta) -> Iterator[datetime]:
    step = timedelta(minutes=slot_minutes)
    start = interval.start
    while start + length <= interval.end:
        yield start
        start += step


def _merged(busy: Sequence[Interval]) -> list[Interval]:
    """Sorted and disjoint, so that the ends are sorted too and one bisection finds the only candidate."""
    merged: list[Interval] = []
    for interval in sorted(busy, key=lambda interval: interval.start):
        if merged and interval.start <= merged[-1].end:
            if interval.end > merged[-1].end:
                merged[-1] = Interval(merged[-1].start, interval.end)
        else:
            merged.append(interval)
    return merged
