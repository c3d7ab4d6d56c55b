"""Checks of a new schedule: blocks that clash, and appointments that no longer lie within the hours."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from clinic.common.errors import BookingRuleError
from clinic.scheduling.slots import Policy, Treatment, check_start
from clinic.scheduling.working_hours import Block, DayException, Interval, first_clash, is_within_hours
from hypothesis import given
from hypothesis import strategies as st

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 23)


def block(span: str, weekday: int = 0, first: str | None = None, last: str | None = None) -> Block:
    start, end = (time.fromisoformat(text) for text in span.split("-"))
    return Block(weekday, start, end, _day(first), _day(last))


def every(weeks: int, span: str, first: str, weekday: int = 0) -> Block:
    return replace(block(span, weekday, first), every_weeks=weeks)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


class TestClashes:
    @pytest.mark.parametrize(
        ("one", "other", "clash"),
        [
            (block("08:00-12:00"), block("11:00-15:00"), True),
            (block("08:00-12:00"), block("12:00-15:00"), False),
            (block("08:00-12:00"), block("09:00-10:00"), True),
            (block("08:00-12:00"), block("08:00-12:00"), True),
            (block("08:00-12:00"), block("08:00-12:00", weekday=1), False),
            (block("22:00-00:00"), block("23:00-23:30"), True),
            (block("22:00-00:00"), block("20:00-22:00"), False),
            (block("22:00-00:00"), block("21:00-00:00"), True),
            (block("00:00-00:00"), block("00:00-00:05"), True),
            (block("08:00-12:00", last="2026-11-30"), block("08:00-12:00", first="2026-12-01"), False),
            (block("08:00-12:00", last="2026-11-30"), block("08:00-12:00", first="2026-11-30"), True),
            (block("08:00-12:00", first="2026-01-01"), block("09:00-10:00"), True),
            # Across midnight, and over the end of the week.
            (block("22:00-02:00"), block("01:00-05:00", weekday=1), True),
            (block("22:00-02:00"), block("02:00-05:00", weekday=1), False),
            (block("22:00-02:00"), block("01:00-05:00"), False),
            (block("22:00-02:00"), block("23:00-01:00"), True),
            (block("22:00-02:00", weekday=6), block("00:00-00:30"), True),
            (block("22:00-02:00", last="2026-11-30"), block("01:00-05:00", weekday=1, first="2026-12-01"), True),
            (block("22:00-02:00", last="2026-11-30"), block("01:00-05:00", weekday=1, first="2026-12-02"), False),
            # Alternating weeks.
            (every(2, "08:00-12:00", "2026-11-23"), every(2, "08:00-12:00", "2026-11-30"), False),
            (every(2, "08:00-12:00", "2026-11-23"), every(2, "08:00-12:00", "2026-12-07"), True),
            (every(2, "08:00-12:00", "2026-11-23"), every(3, "08:00-12:00", "2026-11-30"), True),
            (every(2, "08:00-12:00", "2026-11-23"), block("08:00-12:00", last="2026-11-22"), False),
            (every(2, "22:00-02:00", "2026-11-23", weekday=6), every(2, "01:00-03:00", "2026-11-30"), True),
            (every(2, "22:00-02:00", "2026-11-23", weekday=6), every(2, "01:00-03:00", "2026-11-23"), False),
        ],
    )
    def test_two_blocks(self, one: Block, other: Block, clash: bool) -> None:
        assert (first_clash([one, other]) is not None) is clash
        assert (first_clash([other, one]) is not None) is clash

    def test_days_in_common_that_hold_no_such_weekday_are_no_clash(self) -> None:
        # Both are valid from Tuesday the 1st to Sunday the 6th of December: no Monday lies in it.
        until, since = block("08:00-12:00", last="2026-12-06"), block("08:00-12:00", first="2026-12-01")
        assert first_clash([until, since]) is None
        assert first_clash([block("08:00-12:00", last="2026-12-07"), since]) is not None

    def test_the_ends_of_the_calendar_break_nothing(self) -> None:
        last_day = block("08:00-12:00", weekday=0, first="9999-12-31")
        assert first_clash([last_day, block("08:00-12:00")]) is None  # That day is a Friday.
        friday = block("08:00-12:00", weekday=4, first="9999-12-31")
        assert first_clash([friday, block("08:00-12:00", weekday=4)]) is not None

    def test_the_two_that_clash_are_named(self) -> None:
        clash = first_clash([block("14:00-16:00"), block("08:00-12:00"), block("15:00-17:00")])
        assert clash == (block("14:00-16:00"), block("15:00-17:00"))

    def test_no_blocks_do_not_clash(self) -> None:
        assert first_clash([]) is None


days = st.one_of(st.none(), st.integers(0, 13).map(lambda number: MONDAY + timedelta(days=number)))


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    start = draw(st.integers(0, 23))
    end = start + draw(st.integers(1, 12))
    weeks, first = draw(st.integers(1, 3)), draw(days)
    weekday = draw(st.sampled_from([0, 1, 6]))
    return Block(weekday, time(start), time(end % 24), first, draw(days), weeks if first is not None else 1)


@given(st.lists(blocks(), max_size=4))
def test_blocks_clash_exactly_when_some_hour_of_some_day_is_worked_twice(some: list[Block]) -> None:
    def works(block: Block, day: date, hour: int) -> bool:
        start, end = block.start_local.hour, block.end_local.hour
        end += 24 * (end <= start)
        before = day - timedelta(days=1)
        return (block.is_worked_on(day) and start <= hour < end) or (block.is_worked_on(before) and hour + 24 < end)

    twice = any(
        sum(works(block, MONDAY + timedelta(days=day), hour) for block in some) > 1
        for day in range(-8, 90)
        for hour in range(24)
    )
    assert (first_clash(some) is not None) is twice


def at(text: str, day: date = MONDAY) -> datetime:
    return datetime.combine(day, time.fromisoformat(text), BERLIN).astimezone(UTC)


def within(span: str, worked: list[Block], exceptions: list[DayException] | None = None, day: date = MONDAY) -> bool:
    start, end = span.split("-")
    return is_within_hours(
        Interval(at(start, day), at(end, day)), zone=BERLIN, blocks=worked, exceptions=exceptions or []
    )


class TestWithinHours:
    MORNING = [block("09:00-12:00")]

    @pytest.mark.parametrize(
        ("span", "inside"),
        [
            ("09:00-12:00", True),
            ("09:05-09:20", True),
            ("08:55-09:30", False),
            ("11:30-12:05", False),
            ("12:00-12:30", False),
        ],
    )
    def test_the_whole_of_it_counts(self, span: str, inside: bool) -> None:
        assert within(span, self.MORNING) is inside

    def test_a_break_is_not_worked_through(self) -> None:
        assert not within("11:30-13:30", [*self.MORNING, block("13:00-17:00")])

    def test_adjacent_blocks_are_worked_through(self) -> None:
        assert within("11:30-12:30", [*self.MORNING, block("12:00-17:00")])

    def test_visit_across_midnight_lies_within_a_night_shift(self) -> None:
        night, tuesday = [block("22:00-02:00")], MONDAY + timedelta(days=1)
        visit = Interval(at("23:30"), at("00:30", tuesday))
        assert is_within_hours(visit, zone=BERLIN, blocks=night, exceptions=[])
        closed_tuesday = DayException(tuesday, tuesday, None, True)
        assert not is_within_hours(visit, zone=BERLIN, blocks=night, exceptions=[closed_tuesday])

    def test_a_closed_day_holds_nothing(self) -> None:
        assert not within("09:00-09:30", self.MORNING, [DayException(MONDAY, MONDAY, None, True)])

    def test_closed_clinic_wins_over_her_own_hours(self) -> None:
        closed = DayException(MONDAY, MONDAY, None, True)
        duty = DayException(MONDAY, MONDAY, 7, False, time(18), time(0))
        assert within("23:00-23:30", [], [duty])
        assert not within("23:00-23:30", [], [closed, duty])

    def test_an_appointment_until_midnight(self) -> None:
        midnight = at("00:00", MONDAY + timedelta(days=1))
        assert is_within_hours(
            Interval(at("23:00"), midnight), zone=BERLIN, blocks=[block("22:00-00:00")], exceptions=[]
        )

    def test_an_appointment_over_the_hour_the_clocks_repeat(self) -> None:
        sunday = date(2026, 10, 25)
        start = at("02:30", sunday)
        night = [block("02:00-04:00", weekday=6)]
        assert is_within_hours(Interval(start, start + timedelta(hours=2)), zone=BERLIN, blocks=night, exceptions=[])
        after = Interval(start, start + timedelta(hours=2, minutes=35))
        assert not is_within_hours(after, zone=BERLIN, blocks=night, exceptions=[])


@given(st.lists(blocks(), max_size=4), st.integers(0, 14 * 24 - 1), st.integers(1, 20))
def test_bookable_times_lie_within_the_hours_and_cover_them(some: list[Block], hour: int, quarters: int) -> None:
    start = at("00:00") + timedelta(hours=hour)
    end = start + timedelta(minutes=15 * quarters)
    policy = Policy(BERLIN, 30, 90, timedelta(0))
    try:
        check_start(
            start,
            policy=policy,
            treatment=Treatment(15 * quarters, 30, 30),
            blocks=some,
            exceptions=[],
            now=at("00:00") - timedelta(days=1),
            grid="five_minutes",
        )
        may_be_booked = True
    except BookingRuleError:
        may_be_booked = False
    assert is_within_hours(Interval(start, end), zone=BERLIN, blocks=some, exceptions=[]) is may_be_booked
