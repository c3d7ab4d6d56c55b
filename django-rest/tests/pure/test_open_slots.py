"""Which slots are open on Dr. Amara Osei's days."""

from datetime import UTC, date, datetime, timedelta
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
    working_intervals,
)

from .amara import AMARA, BERLIN, MONDAY, at, closed, daily, hours, read, slots_of, taken, wall


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

    def test_a_buffer_reaches_over_midnight(self) -> None:
        early = taken("00:00-00:30", day=MONDAY + timedelta(days=1))
        assert read(slots_of(blocks=daily("22:30-00:00"), busy=early, treatment=Treatment(30, 0, 5))) == "22:30 23:00"
        late = taken("23:30-23:58", day=MONDAY - timedelta(days=1))
        assert read(slots_of(blocks=daily("00:00-01:30"), busy=late, treatment=Treatment(30, 5, 0))) == "00:30 01:00"


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
