"""Dr. Amara Osei works; people book her. Wall times are written as she says them, slots compared as she reads them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from clinic.scheduling.slots import (
    Block,
    DayException,
    Interval,
    Policy,
    Slot,
    Treatment,
    blocked_interval,
    nearest_open,
    open_slots,
    working_intervals,
)

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 23)
FRIDAY_BEFORE = datetime(2026, 11, 20, 12, tzinfo=UTC)
HALF_HOUR = Treatment(30)
AMARA = 7


def wall(text: str) -> time:
    return time.fromisoformat(text)


def daily(*hours: str) -> list[Block]:
    """`daily("09:00-12:00")`: these hours on every weekday."""
    pairs = [span.split("-") for span in hours]
    return [Block(weekday, wall(start), wall(end), None, None) for weekday in range(7) for start, end in pairs]


def closed(first: date, last: date | None = None, *, of: int | None = AMARA) -> DayException:
    return DayException(first, last or first, of, True, None, None)


def hours(span: str, day: date = MONDAY, *, of: int | None = AMARA) -> DayException:
    start, end = span.split("-")
    return DayException(day, day, of, False, wall(start), wall(end))


def at(day: date, text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.combine(day, wall(text), zone).astimezone(UTC)


def taken(*spans: str, day: date = MONDAY) -> list[Interval]:
    return [Interval(at(day, span.split("-")[0]), at(day, span.split("-")[1])) for span in spans]


def slots_of(
    day: date = MONDAY,
    *,
    until: date | None = None,
    blocks: Sequence[Block],
    exceptions: Sequence[DayException] = (),
    busy: Sequence[Interval] = (),
    treatment: Treatment = HALF_HOUR,
    step: int = 30,
    zone: ZoneInfo = BERLIN,
    now: datetime | None = None,
    notice: timedelta = timedelta(0),
    horizon_days: int = 90,
) -> list[Slot]:
    return open_slots(
        first_date=day,
        last_date=until or day,
        policy=Policy(zone, step, horizon_days, notice),
        treatment=treatment,
        blocks=blocks,
        exceptions=exceptions,
        busy=busy,
        now=now or at(day, "00:00", zone) - timedelta(days=2),
    )


def read(slots: Sequence[Slot], zone: ZoneInfo = BERLIN) -> str:
    return " ".join(f"{slot.start.astimezone(zone):%H:%M}" for slot in slots)


class TestTheGrid:
    def test_slots_start_at_the_block_and_follow_its_step(self) -> None:
        assert read(slots_of(blocks=daily("09:10-11:00"))) == "09:10 09:40 10:10"

    def test_a_slot_ends_with_the_treatment_and_not_with_its_buffers(self) -> None:
        [slot] = slots_of(blocks=daily("09:00-10:00"), treatment=Treatment(45, 10, 15))
        assert slot == Slot(at(MONDAY, "09:00"), at(MONDAY, "09:45"))

    def test_the_last_slot_may_end_exactly_with_the_block(self) -> None:
        assert read(slots_of(blocks=daily("09:00-10:30"))) == "09:00 09:30 10:00"
        assert read(slots_of(blocks=daily("09:00-10:29"))) == "09:00 09:30"

    def test_a_treatment_longer_than_the_step_still_starts_on_every_step(self) -> None:
        assert read(slots_of(blocks=daily("09:00-11:00"), treatment=Treatment(75))) == "09:00 09:30"

    def test_a_treatment_shorter_than_the_step_does_not_make_more_slots(self) -> None:
        assert read(slots_of(blocks=daily("09:00-10:00"), treatment=Treatment(10))) == "09:00 09:30"

    def test_a_treatment_longer_than_the_block_has_no_slot(self) -> None:
        assert slots_of(blocks=daily("09:00-10:00"), treatment=Treatment(65)) == []

    def test_a_break_starts_a_new_grid(self) -> None:
        assert read(slots_of(blocks=daily("09:00-10:15", "10:45-12:00"))) == "09:00 09:30 10:45 11:15"

    def test_nothing_is_booked_across_a_break(self) -> None:
        assert read(slots_of(blocks=daily("09:00-12:00", "13:00-15:00"), treatment=Treatment(90))) == (
            "09:00 09:30 10:00 10:30 13:00 13:30"
        )

    def test_blocks_that_only_touch_keep_a_grid_each(self) -> None:
        touching = daily("09:00-10:15", "10:15-11:15")
        assert read(slots_of(blocks=touching)) == "09:00 09:30 10:15 10:45"

    def test_blocks_that_overlap_share_the_grid_of_the_earliest(self) -> None:
        overlapping = daily("10:15-12:00", "09:00-10:30")
        assert read(slots_of(blocks=overlapping)) == "09:00 09:30 10:00 10:30 11:00 11:30"

    def test_a_block_inside_another_adds_nothing(self) -> None:
        assert slots_of(blocks=daily("09:00-12:00", "10:10-10:50")) == slots_of(blocks=daily("09:00-12:00"))

    def test_the_same_block_twice_does_not_double_its_slots(self) -> None:
        assert slots_of(blocks=daily("09:00-12:00") * 2) == slots_of(blocks=daily("09:00-12:00"))

    def test_a_step_of_nothing_is_refused_at_once(self) -> None:
        with pytest.raises(ValueError, match="grid"):
            Policy(BERLIN, 0, 90, timedelta(0))


class TestDays:
    def test_a_block_counts_on_its_own_weekday_alone(self) -> None:
        tuesdays = [Block(1, wall("09:00"), wall("10:00"), None, None)]
        week = slots_of(MONDAY, until=MONDAY + timedelta(days=6), blocks=tuesdays)
        assert {slot.start.date() for slot in week} == {MONDAY + timedelta(days=1)}

    @pytest.mark.parametrize(
        ("valid_from", "valid_until", "works"),
        [
            (None, None, True),
            (MONDAY, None, True),
            (None, MONDAY, True),
            (MONDAY, MONDAY, True),
            (MONDAY + timedelta(days=1), None, False),
            (None, MONDAY - timedelta(days=1), False),
        ],
    )
    def test_a_block_counts_from_its_first_to_its_last_day(
        self, valid_from: date | None, valid_until: date | None, works: bool
    ) -> None:
        block = Block(0, wall("09:00"), wall("10:00"), valid_from, valid_until)
        assert bool(slots_of(blocks=[block])) is works

    def test_both_ends_of_the_range_are_included(self) -> None:
        three_days = slots_of(MONDAY, until=MONDAY + timedelta(days=2), blocks=daily("09:00-10:00"))
        assert len(three_days) == 6

    def test_a_range_that_ends_before_it_starts_is_empty(self) -> None:
        assert slots_of(MONDAY, until=MONDAY - timedelta(days=1), blocks=daily("09:00-10:00")) == []

    def test_the_ends_of_the_calendar_are_only_empty_days(self) -> None:
        now = at(MONDAY, "00:00")
        every = slots_of(date.min, until=date.max, blocks=daily("00:00-01:00"), horizon_days=2, now=now)
        assert len(every) == 6

    def test_a_block_may_end_at_midnight(self) -> None:
        evening = slots_of(blocks=daily("22:30-00:00"))
        assert read(evening) == "22:30 23:00 23:30"
        assert evening[-1].end == at(MONDAY + timedelta(days=1), "00:00")

    def test_a_whole_day_meets_the_next_without_a_double(self) -> None:
        two_days = slots_of(MONDAY, until=MONDAY + timedelta(days=1), blocks=daily("00:00-00:00"))
        assert len(two_days) == len(set(two_days)) == 96

    def test_the_29th_of_february_is_worked_in_a_leap_year(self) -> None:
        leap_day = date(2028, 2, 29)
        around = slots_of(date(2028, 2, 28), until=date(2028, 3, 1), blocks=daily("09:00-09:30"))
        assert [slot.start.date() for slot in around] == [date(2028, 2, 28), leap_day, date(2028, 3, 1)]

    def test_nobody_works_without_blocks(self) -> None:
        assert slots_of(blocks=[]) == []


class TestClocksThatChange:
    @pytest.mark.parametrize(
        ("zone", "day", "half_hours"),
        [
            ("Europe/Berlin", date(2026, 3, 29), 46),
            ("Europe/Berlin", date(2026, 10, 25), 50),
            ("America/New_York", date(2026, 3, 8), 46),
            ("America/New_York", date(2026, 11, 1), 50),
            ("Australia/Lord_Howe", date(2026, 10, 4), 47),
            ("Australia/Lord_Howe", date(2026, 4, 5), 49),
            ("America/Santiago", date(2026, 9, 6), 46),
            ("America/Nuuk", date(2026, 3, 28), 46),
            ("Asia/Kathmandu", date(2026, 3, 29), 48),
            ("Pacific/Apia", date(2011, 12, 30), 0),
            ("Pacific/Apia", date(2011, 12, 31), 48),
        ],
    )
    def test_a_whole_day_has_as_many_half_hours_as_really_pass(self, zone: str, day: date, half_hours: int) -> None:
        slots = slots_of(day, blocks=daily("00:00-00:00"), zone=ZoneInfo(zone))
        assert len(slots) == half_hours
        assert {slot.start.astimezone(ZoneInfo(zone)).date() for slot in slots} <= {day}

    @pytest.mark.parametrize(
        ("zone", "day"),
        [
            ("Europe/Berlin", date(2026, 3, 29)),
            ("Europe/Berlin", date(2026, 10, 25)),
            ("Pacific/Apia", date(2011, 12, 30)),
        ],
    )
    def test_the_days_around_a_change_meet_without_gap_or_double(self, zone: str, day: date) -> None:
        slots = slots_of(
            day - timedelta(days=1), until=day + timedelta(days=1), blocks=daily("00:00-00:00"), zone=ZoneInfo(zone)
        )
        assert {later.start - earlier.end for earlier, later in pairwise(slots)} == {timedelta(0)}

    def test_a_day_that_a_country_skipped_has_no_office_hours(self) -> None:
        apia, skipped = ZoneInfo("Pacific/Apia"), date(2011, 12, 30)
        days = slots_of(skipped, until=skipped + timedelta(days=1), blocks=daily("09:00-10:00"), zone=apia)
        assert [f"{slot.start.astimezone(apia):%d %H:%M}" for slot in days] == ["31 09:00", "31 09:30"]
        assert working_intervals(skipped, zone=apia, blocks=daily("09:00-10:00"), exceptions=[]) == []

    def test_office_hours_are_the_same_on_the_wall_before_and_after(self) -> None:
        saturday = date(2026, 3, 28)
        days = slots_of(saturday, until=saturday + timedelta(days=2), blocks=daily("09:00-10:00"))
        assert read(days) == "09:00 09:30 09:00 09:30 09:00 09:30"
        assert [slot.start.hour for slot in days[::2]] == [8, 7, 7]

    def test_a_block_that_starts_in_the_gap_starts_later(self) -> None:
        assert read(slots_of(date(2026, 3, 29), blocks=daily("02:30-05:00"))) == "03:30 04:00 04:30"

    def test_a_block_that_ends_in_the_gap_ends_later_on_the_wall(self) -> None:
        assert read(slots_of(date(2026, 3, 29), blocks=daily("01:00-02:30"))) == "01:00 01:30 03:00"

    def test_a_block_inside_the_gap_moves_as_a_whole(self) -> None:
        assert read(slots_of(date(2026, 3, 29), blocks=daily("02:00-02:30"))) == "03:00"

    def test_a_block_that_the_gap_turns_round_is_gone(self) -> None:
        assert slots_of(date(2026, 3, 29), blocks=daily("02:45-03:15")) == []

    def test_a_block_moved_onto_another_is_merged_with_it(self) -> None:
        moved_onto = daily("02:15-02:45", "03:00-04:00")
        assert read(slots_of(date(2026, 3, 29), blocks=moved_onto)) == "03:00 03:30"

    def test_a_block_over_the_repeated_hour_works_it_twice(self) -> None:
        assert read(slots_of(date(2026, 10, 25), blocks=daily("02:00-03:30"))) == "02:00 02:30 02:00 02:30 03:00"

    def test_a_block_that_ends_in_the_repeated_hour_ends_the_first_time(self) -> None:
        assert read(slots_of(date(2026, 10, 25), blocks=daily("01:30-02:30"))) == "01:30 02:00"

    def test_a_fold_mark_on_stored_hours_means_nothing(self) -> None:
        second_time = [Block(6, wall("02:00").replace(fold=1), wall("02:30").replace(fold=1), None, None)]
        [slot] = slots_of(date(2026, 10, 25), blocks=second_time)
        assert slot.start == datetime(2026, 10, 25, 0, tzinfo=UTC)


class TestExceptions:
    ALWAYS = daily("09:00-11:00")

    def test_a_closed_day_has_no_slots(self) -> None:
        assert slots_of(blocks=self.ALWAYS, exceptions=[closed(MONDAY)]) == []

    def test_an_exception_counts_from_its_first_to_its_last_day(self) -> None:
        holiday = closed(MONDAY + timedelta(days=1), MONDAY + timedelta(days=2))
        week = slots_of(MONDAY, until=MONDAY + timedelta(days=3), blocks=self.ALWAYS, exceptions=[holiday])
        assert sorted({slot.start.date() for slot in week}) == [MONDAY, MONDAY + timedelta(days=3)]

    def test_other_hours_replace_the_whole_day(self) -> None:
        assert read(slots_of(blocks=self.ALWAYS, exceptions=[hours("14:00-15:00")])) == "14:00 14:30"

    def test_other_hours_open_a_day_off(self) -> None:
        assert read(slots_of(blocks=[], exceptions=[hours("14:00-15:00")])) == "14:00 14:30"

    def test_other_hours_may_last_until_midnight(self) -> None:
        assert read(slots_of(blocks=[], exceptions=[hours("23:00-00:00")])) == "23:00 23:30"

    def test_several_other_hours_are_blocks_of_their_own(self) -> None:
        split = [hours("14:15-15:15"), hours("09:00-10:00")]
        assert read(slots_of(blocks=[], exceptions=split)) == "09:00 09:30 14:15 14:45"

    def test_other_hours_that_overlap_are_merged(self) -> None:
        overlapping = [hours("14:15-15:15"), hours("13:00-14:30")]
        assert read(slots_of(blocks=[], exceptions=overlapping)) == "13:00 13:30 14:00 14:30"

    @pytest.mark.parametrize("level", [None, AMARA])
    def test_closed_beats_other_hours_of_the_same_level(self, level: int | None) -> None:
        both = [hours("14:00-15:00", of=level), closed(MONDAY, of=level)]
        assert slots_of(blocks=self.ALWAYS, exceptions=both) == []

    def test_her_own_hours_beat_a_closed_clinic(self) -> None:
        duty = [closed(MONDAY, of=None), hours("14:00-15:00")]
        assert read(slots_of(blocks=self.ALWAYS, exceptions=duty)) == "14:00 14:30"

    def test_her_own_day_off_beats_the_clinics_longer_hours(self) -> None:
        assert slots_of(blocks=self.ALWAYS, exceptions=[hours("08:00-20:00", of=None), closed(MONDAY)]) == []

    def test_her_own_hours_are_not_added_to_the_clinics(self) -> None:
        levels = [hours("08:00-09:00", of=None), hours("14:00-15:00")]
        assert read(slots_of(blocks=self.ALWAYS, exceptions=levels)) == "14:00 14:30"

    def test_ranges_that_overlap_are_decided_day_by_day(self) -> None:
        tuesday, thursday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=3)
        late = DayException(tuesday, thursday, AMARA, False, wall("18:00"), wall("19:00"))
        week = slots_of(
            MONDAY,
            until=MONDAY + timedelta(days=4),
            blocks=self.ALWAYS,
            exceptions=[late, closed(MONDAY, tuesday), closed(thursday, of=None)],
        )
        assert [f"{slot.start.astimezone(BERLIN):%a %H:%M}" for slot in week if slot.start.minute == 0] == [
            "Wed 18:00",
            "Thu 18:00",
            "Fri 09:00",
            "Fri 10:00",
        ]

    def test_an_exception_of_another_day_changes_nothing(self) -> None:
        assert slots_of(blocks=self.ALWAYS, exceptions=[closed(MONDAY - timedelta(days=7))]) == slots_of(
            blocks=self.ALWAYS
        )


class TestWhatIsTaken:
    def test_a_taken_slot_is_not_offered(self) -> None:
        assert read(slots_of(blocks=daily("09:00-11:00"), busy=taken("09:30-10:00"))) == "09:00 10:00 10:30"

    def test_one_taken_minute_takes_the_slot(self) -> None:
        assert read(slots_of(blocks=daily("09:00-11:00"), busy=taken("09:59-10:01"))) == "09:00 10:30"

    def test_a_fully_booked_day_is_empty(self) -> None:
        assert slots_of(blocks=daily("09:00-11:00"), busy=taken("09:00-10:00", "10:00-11:00")) == []

    def test_something_taken_all_day_leaves_nothing(self) -> None:
        assert slots_of(blocks=daily("09:00-11:00"), busy=taken("00:00-23:00", "10:00-10:30")) == []

    def test_something_taken_that_hides_behind_something_short_still_counts(self) -> None:
        assert read(slots_of(blocks=daily("09:00-11:00"), busy=taken("09:00-10:30", "09:00-09:30"))) == "10:30"

    def test_the_order_of_what_is_taken_does_not_matter(self) -> None:
        spans = taken("10:30-11:00", "09:00-09:30", "09:30-09:45")
        assert read(slots_of(blocks=daily("09:00-11:00"), busy=spans)) == "10:00"

    def test_a_long_treatment_needs_all_of_its_time(self) -> None:
        assert read(slots_of(blocks=daily("09:00-12:00"), busy=taken("10:30-11:00"), treatment=Treatment(60))) == (
            "09:00 09:30 11:00"
        )

    def test_a_buffer_before_keeps_its_distance(self) -> None:
        after_break = slots_of(blocks=daily("09:00-11:00"), busy=taken("09:00-09:30"), treatment=Treatment(30, 5, 0))
        assert read(after_break) == "10:00 10:30"

    def test_a_buffer_after_keeps_its_distance(self) -> None:
        before = slots_of(blocks=daily("09:00-11:00"), busy=taken("10:00-10:30"), treatment=Treatment(30, 0, 5))
        assert read(before) == "09:00 10:30"

    def test_buffers_may_reach_out_of_the_working_hours(self) -> None:
        assert read(slots_of(blocks=daily("09:00-10:00"), treatment=Treatment(30, 60, 60))) == "09:00 09:30"

    def test_a_buffer_outside_the_working_hours_still_needs_free_time(self) -> None:
        night_shift = taken("08:00-08:58", "10:07-11:00")
        assert read(slots_of(blocks=daily("09:00-10:00"), busy=night_shift, treatment=Treatment(30, 0, 10))) == "09:00"
        assert read(slots_of(blocks=daily("09:00-10:00"), busy=night_shift, treatment=Treatment(30, 3, 0))) == "09:30"


class TestNotice:
    def test_a_start_exactly_at_the_limit_is_offered(self) -> None:
        now = at(MONDAY, "08:30")
        assert read(slots_of(blocks=daily("09:00-10:30"), now=now, notice=timedelta(hours=1))) == "09:30 10:00"

    def test_a_start_a_moment_before_the_limit_is_not(self) -> None:
        now = at(MONDAY, "08:30") + timedelta(microseconds=1)
        assert read(slots_of(blocks=daily("09:00-10:30"), now=now, notice=timedelta(hours=1))) == "10:00"

    def test_without_a_notice_the_present_moment_is_offered(self) -> None:
        assert read(slots_of(blocks=daily("09:00-10:30"), now=at(MONDAY, "09:30"))) == "09:30 10:00"

    def test_the_past_is_never_offered(self) -> None:
        assert slots_of(MONDAY, blocks=daily("09:00-10:00"), now=at(MONDAY, "18:00")) == []

    def test_notice_is_real_time_when_the_clocks_change(self) -> None:
        sunday = date(2026, 3, 29)
        now = datetime(2026, 3, 29, 1, 30, tzinfo=BERLIN)
        assert read(slots_of(sunday, blocks=daily("01:00-05:30"), now=now, notice=timedelta(hours=2))) == "04:30 05:00"


class TestHorizon:
    def test_the_last_day_of_the_horizon_is_offered_as_a_whole(self) -> None:
        late = at(MONDAY, "23:59")
        week = slots_of(
            MONDAY,
            until=MONDAY + timedelta(days=9),
            blocks=daily("09:00-09:30", "23:30-00:00"),
            now=late,
            horizon_days=2,
        )
        assert [slot.start.astimezone(BERLIN).date() for slot in week] == [
            MONDAY + timedelta(days=1),
            MONDAY + timedelta(days=1),
            MONDAY + timedelta(days=2),
            MONDAY + timedelta(days=2),
        ]

    def test_today_is_the_clinics_date(self) -> None:
        auckland = ZoneInfo("Pacific/Auckland")
        monday_there = datetime(2026, 11, 22, 11, 30, tzinfo=UTC)
        offered = slots_of(
            MONDAY,
            until=MONDAY + timedelta(days=5),
            blocks=daily("09:00-09:30"),
            zone=auckland,
            now=monday_there,
            horizon_days=0,
        )
        assert [slot.start.astimezone(auckland).date() for slot in offered] == [MONDAY]


class TestNearestOpen:
    SLOTS = slots_of(blocks=daily("09:00-12:00"), busy=taken("10:00-11:00"))

    def test_the_nearest_come_first(self) -> None:
        assert read(nearest_open(self.SLOTS, at(MONDAY, "10:30"))) == "11:00 09:30 11:30"

    def test_of_two_equally_near_the_earlier_comes_first(self) -> None:
        assert read(nearest_open(self.SLOTS, at(MONDAY, "10:15"), count=2)) == "09:30 11:00"

    def test_the_order_they_are_given_in_does_not_matter(self) -> None:
        assert read(nearest_open(self.SLOTS[::-1], at(MONDAY, "10:15"), count=2)) == "09:30 11:00"

    def test_there_may_be_fewer_than_asked_for(self) -> None:
        assert len(nearest_open(self.SLOTS, at(MONDAY, "10:00"), count=50)) == 4
        assert nearest_open([], at(MONDAY, "10:00")) == []


class TestBlockedTime:
    def test_an_appointment_blocks_its_buffers_too(self) -> None:
        assert blocked_interval(at(MONDAY, "09:00"), Treatment(45, 10, 15)) == Interval(
            at(MONDAY, "08:50"), at(MONDAY, "10:00")
        )

    def test_blocked_time_is_real_time_when_the_clocks_change(self) -> None:
        before_the_gap = datetime(2026, 3, 29, 1, 45, tzinfo=BERLIN)
        assert blocked_interval(before_the_gap, Treatment(30)).end == datetime(2026, 3, 29, 1, 15, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("one", "other", "together"),
        [
            ("09:00-10:00", "10:00-11:00", False),
            ("09:00-10:00", "09:59-11:00", True),
            ("09:00-12:00", "10:00-11:00", True),
            ("09:00-10:00", "09:00-10:00", True),
            ("09:00-10:00", "11:00-12:00", False),
        ],
    )
    def test_intervals_that_only_touch_do_not_overlap(self, one: str, other: str, together: bool) -> None:
        first, second = taken(one, other)
        assert first.overlaps(second) is together
        assert second.overlaps(first) is together


def test_working_intervals_are_sorted_and_keep_breaks_and_touching_blocks_apart() -> None:
    intervals = working_intervals(
        MONDAY, zone=BERLIN, blocks=daily("15:00-17:00", "08:00-10:00", "10:00-12:00", "16:30-18:00"), exceptions=[]
    )
    assert intervals == taken("08:00-10:00", "10:00-12:00", "15:00-18:00")


def test_a_week_among_two_hundred_taken_intervals_is_found_in_a_few_milliseconds() -> None:
    week = [at(MONDAY + timedelta(days=day), "08:00") for day in range(7)]
    quarter = timedelta(minutes=15)
    busy = [Interval(day + number * quarter, day + (number + 1) * quarter) for day in week for number in range(29)]

    def once() -> float:
        started = perf_counter()
        slots_of(MONDAY, until=MONDAY + timedelta(days=6), blocks=daily("08:00-12:00", "13:00-20:00"), busy=busy)
        return perf_counter() - started

    assert min(once() for _ in range(20)) < 0.005
