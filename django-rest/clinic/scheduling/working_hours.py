"""Working time of a practitioner, from weekly hours and exceptions.

Wall-clock hours become UTC instants first; everything after that is arithmetic on instants, so a day of 23 or 25 hours
needs no case of its own. Callers pass the blocks and exceptions of one practitioner (and the clinic-wide exceptions).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from zoneinfo import ZoneInfo

from clinic.common.errors import InThePast, NoSuchLocalTime, TooFarAhead

ONE_DAY = timedelta(days=1)
MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Interval:
    """Half-open, aware UTC."""

    start: datetime
    end: datetime

    def overlaps(self, other: "Interval") -> bool:
        return self.start < other.end and other.start < self.end


@dataclass(frozen=True, slots=True)
class Block:
    """Weekly hours. Monday is 0; an end that is not after the start lies on the next day; `valid_until` is inclusive.

    With `every_weeks` above 1, the hours hold in the week of `valid_from` and in each so many weeks later.
    """

    weekday: int
    start_local: time
    end_local: time
    valid_from: date | None = None
    valid_until: date | None = None
    every_weeks: int = 1

    def __post_init__(self) -> None:
        if self.every_weeks > 1 and self.valid_from is None:
            raise ValueError("alternating weeks are counted from a date")

    def is_worked_on(self, day: date) -> bool:
        return (
            self.weekday == day.weekday()
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day <= self.valid_until)
            and self._is_week_of(day)
        )

    def _is_week_of(self, day: date) -> bool:
        if self.every_weeks == 1 or self.valid_from is None:
            return True
        return (_week_number(day) - _week_number(self.valid_from)) % self.every_weeks == 0


@dataclass(frozen=True, slots=True)
class DayException:
    """Hours of certain days, `end_date` included. A `practitioner_id` of None means the whole clinic.

    Closed without times: the whole day is. Closed with times: an absence on each of the days. Not closed: these hours
    replace the weekly ones. Times may end on the next day, as those of a block.
    """

    start_date: date
    end_date: date
    practitioner_id: int | None
    closed: bool
    start_local: time | None = None
    end_local: time | None = None

    def holds_on(self, day: date) -> bool:
        return self.start_date <= day <= self.end_date


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekly blocks and exceptions of one practitioner, the whole clinic's exceptions included."""

    blocks: list[Block]
    exceptions: list[DayException]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Working time without a break. `origin`: the start of its block, from which its grid is counted."""

    start: datetime
    end: datetime
    origin: datetime


def working_stretches(
    first_date: date, last_date: date, *, zone: ZoneInfo, blocks: Sequence[Block], exceptions: Sequence[DayException]
) -> list[Stretch]:
    """The working time of all shifts that begin on these days, and on the day before, sorted.

    Blocks that overlap are one stretch; blocks that only touch stay two, because each has a grid of its own.
    """
    # A shift of the day before may last beyond midnight.
    days = list(_days(days_later(first_date, -1), last_date))
    shifts = sorted(
        (shift for day in days for shift in _shifts_of(day, zone, blocks, exceptions)), key=lambda shift: shift.start
    )
    merged: list[Interval] = []
    for shift in shifts:
        if merged and shift.start < merged[-1].end:
            merged[-1] = Interval(merged[-1].start, max(merged[-1].end, shift.end))
        else:
            merged.append(shift)
    closed = merge([absence for day in days for absence in _closures_of(day, zone, exceptions)])
    return [
        Stretch(piece.start, piece.end, interval.start) for interval in merged for piece in _without(interval, closed)
    ]


def working_intervals(
    day: date, *, zone: ZoneInfo, blocks: Sequence[Block], exceptions: Sequence[DayException]
) -> list[Interval]:
    """The day's working time, sorted: the part of its shifts, and of the day before's, that lies on it."""
    midnight, next_midnight = _instant(day, time.min, zone), _instant(day + ONE_DAY, time.min, zone)
    return [
        Interval(max(stretch.start, midnight), min(stretch.end, next_midnight))
        for stretch in working_stretches(day, day, zone=zone, blocks=blocks, exceptions=exceptions)
        if stretch.start < next_midnight and midnight < stretch.end
    ]


def is_within_hours(
    interval: Interval, *, zone: ZoneInfo, blocks: Sequence[Block], exceptions: Sequence[DayException]
) -> bool:
    """Whether working time without a break covers all of it. Buffers do not count, as for a booking: pass start and
    end."""
    first, last = interval.start.astimezone(zone).date(), interval.end.astimezone(zone).date()
    return is_covered(interval, working_stretches(first, last, zone=zone, blocks=blocks, exceptions=exceptions))


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


def days_later(day: date, count: int) -> date:
    """Within the calendar: there is no day before its first, and none after its last."""
    return date.fromordinal(min(max(day.toordinal() + count, 1), date.max.toordinal()))


def _clash(one: Block, other: Block) -> bool:
    """On the same day, or where one lasts into the day of the other."""
    return any(_clash_with_shift(one, other, days) for days in (-1, 0, 1))


def _clash_with_shift(one: Block, other: Block, days: int) -> bool:
    """Whether `other` claims the same time as `one` when it is worked so many days later."""
    if (one.weekday + days) % 7 != other.weekday:
        return False
    (start, end), (other_start, other_end) = _minutes_of(one), _minutes_of(other)
    if not (start < other_end + days * MINUTES_A_DAY and other_start + days * MINUTES_A_DAY < end):
        return False
    # Days as numbers: the calendar's first day has no day before, its last none after.
    first = max(_ordinal(one.valid_from, date.min), _ordinal(other.valid_from, date.min) - days, 1, 1 - days)
    last = min(_ordinal(one.valid_until, date.max), _ordinal(other.valid_until, date.max) - days)
    last = min(last, date.max.toordinal(), date.max.toordinal() - days)
    first += (one.weekday - date.fromordinal(first).weekday()) % 7 if first <= last else 0
    # After this many weeks both are in the same weeks again.
    cycle = 7 * one.every_weeks * other.every_weeks
    return any(
        one.is_worked_on(date.fromordinal(day)) and other.is_worked_on(date.fromordinal(day + days))
        for day in range(first, min(last, first + cycle - 1) + 1, 7)
    )


def _ordinal(day: date | None, default: date) -> int:
    return (day or default).toordinal()


def _minutes_of(block: Block) -> tuple[int, int]:
    """From the midnight that begins its day."""
    start = block.start_local.hour * 60 + block.start_local.minute
    end = block.end_local.hour * 60 + block.end_local.minute
    return start, end if end > start else end + MINUTES_A_DAY


def _shifts_of(
    day: date, zone: ZoneInfo, blocks: Sequence[Block], exceptions: Sequence[DayException]
) -> Iterator[Interval]:
    """The hours that begin on this day, whatever is closed of it for a while."""
    next_midnight = _instant(days_later(day, 1), time.min, zone)
    for start_local, end_local in _hours_of(day, blocks, exceptions):
        shift = _interval_of(day, start_local, end_local, zone)
        # A gap can push hours past midnight (Samoa skipped a whole day): the next day has hours of its own.
        last = next_midnight if _ends_on_its_day(start_local, end_local) else shift.end
        if shift.start < min(shift.end, last, next_midnight):
            yield Interval(shift.start, min(shift.end, last))


def _hours_of(day: date, blocks: Sequence[Block], exceptions: Sequence[DayException]) -> list[tuple[time, time]]:
    """A closed day has none, whoever closed it: a closure wins over all hours."""
    of_the_day = [exception for exception in exceptions if exception.holds_on(day)]
    if any(exception.closed and exception.start_local is None for exception in of_the_day):
        return []
    other = [exception for exception in of_the_day if not exception.closed]
    deciding = [exception for exception in other if exception.practitioner_id is not None] or other
    if not deciding:
        return [(block.start_local, block.end_local) for block in blocks if block.is_worked_on(day)]
    return [
        (exception.start_local, exception.end_local)
        for exception in deciding
        if exception.start_local is not None and exception.end_local is not None
    ]


def closed_interval(day: date, exception: DayException, zone: ZoneInfo) -> Interval | None:
    """The closed day or absence that begins on this day, if the exception makes one. It may end on the next day."""
    if not exception.closed or not exception.holds_on(day):
        return None
    absence = _interval_of(day, exception.start_local or time.min, exception.end_local or time.min, zone)
    return absence if absence.start < absence.end else None  # Else it lies in a gap of the clocks.


def _closures_of(day: date, zone: ZoneInfo, exceptions: Sequence[DayException]) -> Iterator[Interval]:
    """Time of closed days and of absences that begin on this day."""
    for exception in exceptions:
        absence = closed_interval(day, exception, zone)
        if absence is not None:
            yield absence


def _interval_of(day: date, start_local: time, end_local: time, zone: ZoneInfo) -> Interval:
    last = day if end_local > start_local else days_later(day, 1)
    return Interval(_instant(day, start_local, zone), _instant(last, end_local, zone))


def _ends_on_its_day(start_local: time, end_local: time) -> bool:
    return end_local > start_local or end_local == time.min


def _without(interval: Interval, closed: Sequence[Interval]) -> Iterator[Interval]:
    """`closed` is sorted and disjoint."""
    start = interval.start
    for absence in closed:
        if absence.end <= start or absence.start >= interval.end:
            continue
        if start < absence.start:
            yield Interval(start, absence.start)
        start = absence.end
    if start < interval.end:
        yield Interval(start, interval.end)


def joined(stretches: Sequence[Stretch]) -> list[Interval]:
    """Stretches that touch, as one."""
    return merge([Interval(stretch.start, stretch.end) for stretch in stretches])


def is_covered(interval: Interval, stretches: Sequence[Stretch]) -> bool:
    return any(work.start <= interval.start and interval.end <= work.end for work in joined(stretches))


def _week_number(day: date) -> int:
    """Of weeks that begin on Monday; the first of January of the year 1 is one."""
    return (day.toordinal() - 1) // 7


def _instant(day: date, at_local: time, zone: ZoneInfo) -> datetime:
    # fold=0 is RFC 5545's reading: in a gap the offset before it (so the time moves forward), in a fold the first.
    return datetime.combine(day, at_local.replace(fold=0), zone).astimezone(UTC)


def _days(first_date: date, last_date: date) -> Iterator[date]:
    for offset in range((last_date - first_date).days + 1):
        yield first_date + timedelta(days=offset)


def merge(busy: Sequence[Interval]) -> list[Interval]:
    """Sorted and disjoint, so that the ends are sorted too and one bisection finds the only candidate."""
    merged: list[Interval] = []
    for interval in sorted(busy, key=lambda interval: interval.start):
        if merged and interval.start <= merged[-1].end:
            if interval.end > merged[-1].end:
                merged[-1] = Interval(merged[-1].start, interval.end)
        else:
            merged.append(interval)
    return merged
