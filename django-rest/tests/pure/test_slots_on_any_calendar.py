"""Rules for every practitioner, on every day, in every zone: the engine against its own rules, one by one."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from clinic.common.errors import BookingRuleError, NoSuchLocalTime
from clinic.scheduling.slots import Policy, Slot, Treatment, blocked_interval, check_start, open_slots
from clinic.scheduling.working_hours import (
    Block,
    DayException,
    Interval,
    Stretch,
    local_instant,
    working_intervals,
    working_stretches,
)
from hypothesis import assume, example, given
from hypothesis import strategies as st

# Each with a day on which its clocks change, so that the days drawn lie around it; or with one that is seldom there.
CHANGES = [
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("America/Santiago", date(2026, 4, 4)),
    ("America/Santiago", date(2026, 9, 6)),
    ("Asia/Beirut", date(2026, 3, 29)),
    ("Asia/Beirut", date(2026, 10, 24)),
    ("America/Havana", date(2025, 11, 2)),
    ("Europe/Berlin", date(2028, 2, 29)),
    ("Asia/Kathmandu", date(2028, 2, 29)),
]
FIVE_MINUTES = timedelta(minutes=5)
ONE_DAY = timedelta(days=1)
AMARA = 7


@dataclass(frozen=True)
class Case:
    zone: ZoneInfo
    first_date: date
    last_date: date
    policy: Policy
    treatment: Treatment
    blocks: list[Block]
    exceptions: list[DayException]
    busy: list[Interval]
    now: datetime

    def open_slots(self, busy: list[Interval] | None = None) -> list[Slot]:
        return open_slots(
            first_date=self.first_date,
            last_date=self.last_date,
            policy=self.policy,
            treatment=self.treatment,
            blocks=self.blocks,
            exceptions=self.exceptions,
            busy=self.busy if busy is None else busy,
            now=self.now,
        )

    def working(self, day: date) -> list[Interval]:
        return working_intervals(day, zone=self.zone, blocks=self.blocks, exceptions=self.exceptions)

    def stretches(self, first: date, last: date) -> list[Stretch]:
        return working_stretches(first, last, zone=self.zone, blocks=self.blocks, exceptions=self.exceptions)

    def may_start(self, start: datetime) -> bool:
        try:
            check_start(
                start,
                policy=self.policy,
                treatment=self.treatment,
                blocks=self.blocks,
                exceptions=self.exceptions,
                now=self.now,
                grid="slot",
            )
        except BookingRuleError:
            return False
        return True

    def is_free(self, start: datetime) -> bool:
        blocked = blocked_interval(start, self.treatment)
        return not any(blocked.overlaps(interval) for interval in self.busy)


# Strategies are made once: to check a new one takes longer than to draw from it.
@cache
def five_minutes_up_to(most: int) -> st.SearchStrategy[int]:
    return st.integers(0, most // 5).map(lambda steps: steps * 5)


@cache
def one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


@st.composite
def spans(draw: st.DrawFn) -> tuple[time, time]:
    """One in three may last into the next day."""
    first = draw(five_minutes_up_to(20 * 60))
    last = first + 60 + draw(five_minutes_up_to(12 * 60))
    last = last if draw(st.integers(0, 2)) == 0 else min(last, 24 * 60)
    return time(first // 60, first % 60), time(last // 60 % 24, last % 60)


SPANS = spans()


@st.composite
def blocks_around(draw: st.DrawFn, day: date) -> Block:
    start, end = draw(SPANS)
    valid_from = draw(one_of(None, None, day - ONE_DAY, day, day + ONE_DAY))
    valid_until = draw(one_of(None, None, day + ONE_DAY, day, day - ONE_DAY))
    weekday = (day + draw(one_of(0, 1, -1)) * ONE_DAY).weekday()
    weeks = draw(one_of(1, 1, 2)) if valid_from is not None else 1
    return Block(weekday, start, end, valid_from, valid_until, weeks)


@st.composite
def exceptions_around(draw: st.DrawFn, day: date) -> DayException:
    first = day + timedelta(days=draw(st.integers(-1, 1)))
    last = first + timedelta(days=draw(st.integers(0, 1)))
    owner = draw(one_of(None, AMARA))
    match draw(one_of("closed", "absent", "hours", "hours")):
        case "closed":
            return DayException(first, last, owner, True, None, None)
        case "absent":
            return DayException(first, last, owner, True, *draw(SPANS))
    return DayException(first, last, owner, False, *draw(SPANS))


@st.composite
def busy_around(draw: st.DrawFn, midnight: datetime) -> Interval:
    start = midnight + timedelta(minutes=draw(five_minutes_up_to(24 * 60)))
    return Interval(start, start + timedelta(minutes=5 + draw(five_minutes_up_to(180))))


@cache
def lists_of(
    rows: Callable[[Any], st.SearchStrategy[Any]], around: date, least: int, most: int
) -> st.SearchStrategy[list[Any]]:
    return st.lists(rows(around), min_size=least, max_size=most)


@st.composite
def cases(draw: st.DrawFn, exceptions: tuple[int, ...] = (0, 0, 0, 3)) -> Case:
    """`exceptions`: how many there are at most."""
    name, day = draw(one_of(*CHANGES))
    zone = ZoneInfo(name)
    midnight = datetime.combine(day, time.min, zone).astimezone(UTC)
    first_date = day - timedelta(days=draw(st.integers(0, 1)))
    return Case(
        zone=zone,
        first_date=first_date,
        last_date=first_date + timedelta(days=draw(st.integers(0, 2))),
        policy=Policy(
            zone,
            draw(one_of(5, 10, 15, 20, 30, 45, 60)),
            draw(one_of(90, 90, 2, 0)),
            timedelta(minutes=draw(one_of(0, 5, 60, 24 * 60))),
        ),
        treatment=Treatment(
            5 + draw(five_minutes_up_to(120)), draw(five_minutes_up_to(30)), draw(five_minutes_up_to(30))
        ),
        blocks=draw(lists_of(blocks_around, day, 2, 5)),
        exceptions=draw(lists_of(exceptions_around, day, 0, draw(one_of(*exceptions)))),
        busy=draw(lists_of(busy_around, midnight, draw(one_of(0, 6)), 8)),
        now=midnight - timedelta(minutes=draw(st.integers(-6 * 60, 24 * 60))),
    )


@given(cases())
def test_open_slots_are_exactly_the_allowed_starts_that_are_free(case: Case) -> None:
    midnight = datetime.combine(case.first_date, time.min, case.zone).astimezone(UTC)
    instants = [midnight + FIVE_MINUTES * number for number in range(-12, 12 * 24 * 4)]
    starts = [
        start
        for start in instants
        if case.first_date <= start.astimezone(case.zone).date() <= case.last_date
        and case.is_free(start)
        and case.may_start(start)
    ]
    assert [slot.start for slot in case.open_slots()] == starts


@given(cases())
def test_slot_lies_in_working_time_and_on_the_grid_of_its_block(case: Case) -> None:
    step = timedelta(minutes=case.policy.slot_minutes)
    for slot in case.open_slots():
        day = slot.start.astimezone(case.zone).date()
        stretches = case.stretches(day, day + ONE_DAY)
        [around] = [stretch for stretch in stretches if stretch.start <= slot.start < stretch.end]
        assert (slot.start - around.origin) % step == timedelta(0)
        assert slot.end - slot.start == timedelta(minutes=case.treatment.minutes)
        instants = [slot.start + FIVE_MINUTES * number for number in range(case.treatment.minutes // 5)]
        assert all(any(stretch.start <= instant < stretch.end for stretch in stretches) for instant in instants)


@given(cases())
def test_a_slot_with_its_buffers_never_overlaps_what_is_taken(case: Case) -> None:
    assert all(case.is_free(slot.start) for slot in case.open_slots())


@given(cases())
def test_slots_come_in_order_and_none_comes_twice(case: Case) -> None:
    starts = [slot.start for slot in case.open_slots()]
    assert starts == sorted(set(starts))


@given(cases(), st.data())
def test_taking_more_time_never_opens_a_slot(case: Case, draws: st.DataObject) -> None:
    fewer = draws.draw(st.lists(st.sampled_from(case.busy), unique=True)) if case.busy else []
    assert set(case.open_slots()) <= set(case.open_slots(fewer))


@given(cases())
def test_booking_an_open_slot_closes_it(case: Case) -> None:
    slots = case.open_slots()
    if slots:
        booked = slots[len(slots) // 2]
        assert booked not in case.open_slots([*case.busy, blocked_interval(booked.start, case.treatment)])


@given(cases())
def test_a_day_can_be_booked_until_it_is_full(case: Case) -> None:
    busy = list(case.busy)
    for slot in case.open_slots():
        if slot in case.open_slots(busy):
            busy.append(blocked_interval(slot.start, case.treatment))
    assert case.open_slots(busy) == []


@given(cases())
def test_the_order_of_blocks_exceptions_and_taken_time_does_not_matter(case: Case) -> None:
    turned = replace(case, blocks=case.blocks[::-1], exceptions=case.exceptions[::-1], busy=case.busy[::-1])
    assert turned.open_slots() == case.open_slots()


@given(cases())
def test_a_range_of_days_is_its_days_one_by_one(case: Case) -> None:
    one_by_one = [
        slot
        for offset in range((case.last_date - case.first_date).days + 1)
        for slot in open_slots(
            first_date=case.first_date + offset * ONE_DAY,
            last_date=case.first_date + offset * ONE_DAY,
            policy=case.policy,
            treatment=case.treatment,
            blocks=case.blocks,
            exceptions=case.exceptions,
            busy=case.busy,
            now=case.now,
        )
    ]
    assert one_by_one == case.open_slots()


@given(cases())
def test_working_intervals_are_sorted_apart_and_within_their_day(case: Case) -> None:
    intervals = case.working(case.first_date)
    for earlier, later in pairwise(intervals):
        assert earlier.end <= later.start
    for interval in intervals:
        assert interval.start < interval.end
        assert interval.start.astimezone(case.zone).date() == case.first_date
        assert (interval.end - timedelta(microseconds=1)).astimezone(case.zone).date() == case.first_date


@given(cases(exceptions=(0, 4, 4)))
def test_an_instant_is_worked_exactly_when_the_clock_on_the_wall_says_so(case: Case) -> None:
    """For hours that begin and end at times of which the day has exactly one."""
    day, before = case.first_date, case.first_date - ONE_DAY
    instants = [at for at in instants_around(day) if at.astimezone(case.zone).date() == day]
    shown = Counter(at.astimezone(case.zone).time() for at in instants)
    today = [*hours_said(case, day), *absences_said(case, day)]
    yesterday = [*hours_said(case, before), *absences_said(case, before)]
    ends = [end for start, end in yesterday if end < start]
    assume(all(shown[at_local] == 1 or at_local == time.min for span in [*today, ends] for at_local in span))
    worked = [at for at in instants if is_worked(case, day, at.astimezone(case.zone).time())]
    intervals = case.working(day)
    assert [at for at in instants if any(one.start <= at < one.end for one in intervals)] == worked


def is_worked(case: Case, day: date, at_local: time) -> bool:
    def is_within(said: Callable[[Case, date], list[tuple[time, time]]]) -> bool:
        return any(is_in(span, at_local) for span in said(case, day)) or any(
            at_local < end < start for start, end in said(case, day - ONE_DAY)
        )

    return is_within(hours_said) and not is_within(absences_said)


def instants_around(day: date) -> list[datetime]:
    midnight = datetime.combine(day, time.min, UTC)
    return [midnight + FIVE_MINUTES * number for number in range(-15 * 12, 39 * 12)]


def hours_said(case: Case, day: date) -> list[tuple[time, time]]:
    """A closure before all hours; her own other hours before the clinic's, those before the week's."""
    said = [one for one in case.exceptions if one.start_date <= day <= one.end_date]
    if any(one.closed and one.start_local is None for one in said):
        return []
    other = [one for one in said if not one.closed]
    other = [one for one in other if one.practitioner_id == AMARA] or other
    if other:
        return [span_of(one) for one in other]
    return [(block.start_local, block.end_local) for block in case.blocks if block.is_worked_on(day)]


def absences_said(case: Case, day: date) -> list[tuple[time, time]]:
    return [span_of(one) for one in case.exceptions if one.closed and one.start_date <= day <= one.end_date]


def span_of(exception: DayException) -> tuple[time, time]:
    return exception.start_local or time.min, exception.end_local or time.min


def is_in(span: tuple[time, time], at_local: time) -> bool:
    return span[0] <= at_local and (at_local < span[1] or span[1] <= span[0])


@given(
    change=st.sampled_from(CHANGES),
    offset=st.integers(-1, 1),
    minute=st.integers(0, 24 * 60 - 1),
)
@example(change=CHANGES[0], offset=0, minute=150)
def test_a_wall_time_exists_exactly_when_some_instant_shows_it(
    change: tuple[str, date], offset: int, minute: int
) -> None:
    zone, day = ZoneInfo(change[0]), change[1] + offset * ONE_DAY
    at_local = time(minute // 60, minute % 60)
    noon = datetime.combine(day, time(12), UTC)
    shown = [
        instant
        for instant in (noon + timedelta(minutes=minutes) for minutes in range(-27 * 60, 28 * 60))
        if instant.astimezone(zone).replace(tzinfo=None, fold=0) == datetime.combine(day, at_local)
    ]
    if shown:
        assert local_instant(day, at_local, zone) == shown[0]
    else:
        with pytest.raises(NoSuchLocalTime):
            local_instant(day, at_local, zone)
