"""Which slots are open on Dr. Amara Osei's days."""

from datetime import UTC, date, datetime, timedelta
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from clinic.scheduling.slots import Policy, Slot, Treatment, blocked_interval, nearest_open
from clinic.scheduling.working_hours import Block, DayException, Interval, working_intervals

from .amara import AMARA, BERLIN, MONDAY, absent, at, closed, daily, hours, read, slots_of, taken, wall


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
        assert read(slots_of(blocks=touching)) == "09:00 09:30 10:00 10:15 10:45"

    def test_treatment_continues_into_an_adjacent_block(self) -> None:
        touching = daily("09:00-10:15", "10:15-11:15")
        assert read(slots_of(blocks=touching, treatment=Treatment(90))) == "09:00 09:30"
        assert read(slots_of(blocks=daily("09:00-10:00", "10:00-11:00"), treatment=Treatment(120))) == "09:00"

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

    def test_practitioner_without_blocks_has_no_hours(self) -> None:
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

    def test_closed_clinic_beats_her_own_hours(self) -> None:
        duty = [closed(MONDAY, of=None), hours("14:00-15:00")]
        assert slots_of(blocks=self.ALWAYS, exceptions=duty) == []

    @pytest.mark.parametrize("of", [None, AMARA])
    def test_absence_with_times_is_cut_out_of_the_hours(self, of: int | None) -> None:
        away = absent("09:30-10:00", of=of)
        assert read(slots_of(blocks=self.ALWAYS, exceptions=[away])) == "09:00 10:00 10:30"
        assert read(slots_of(blocks=self.ALWAYS, exceptions=[away], treatment=Treatment(60))) == "10:00"

    def test_start_after_an_absence_is_on_the_grid_of_its_block(self) -> None:
        away = absent("12:00-14:00")
        assert read(slots_of(blocks=daily("09:00-16:00"), exceptions=[away], step=45, treatment=Treatment(45))) == (
            "09:00 09:45 10:30 11:15 14:15 15:00"
        )

    @pytest.mark.parametrize("of", [None, AMARA])
    def test_absence_with_times_is_cut_out_of_other_hours(self, of: int | None) -> None:
        away = [hours("14:00-16:00"), absent("14:30-15:00", of=of)]
        assert read(slots_of(blocks=self.ALWAYS, exceptions=away)) == "14:00 15:00 15:30"

    def test_absence_with_times_holds_on_each_of_several_days(self) -> None:
        away = absent("09:00-10:30", MONDAY, MONDAY + timedelta(days=2))
        week = slots_of(MONDAY, until=MONDAY + timedelta(days=3), blocks=self.ALWAYS, exceptions=[away])
        assert read(week) == "10:30 10:30 10:30 09:00 09:30 10:00 10:30"

    def test_absence_until_midnight_and_beyond(self) -> None:
        evening = daily("22:00-02:00")
        away = absent("23:00-00:30")
        two_days = slots_of(MONDAY, until=MONDAY + timedelta(days=1), blocks=evening, exceptions=[away])
        assert read(two_days) == "00:00 00:30 01:00 01:30 22:00 22:30 00:30 01:00 01:30 22:00 22:30 23:00 23:30"

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
            "Fri 09:00",
            "Fri 10:00",
        ]

    def test_an_exception_of_another_day_changes_nothing(self) -> None:
        assert slots_of(blocks=self.ALWAYS, exceptions=[closed(MONDAY - timedelta(days=7))]) == slots_of(
            blocks=self.ALWAYS
        )


class TestHoursAcrossMidnight:
    TUESDAY = MONDAY + timedelta(days=1)
    NIGHT = [Block(0, wall("22:00"), wall("02:00"))]

    def test_shift_is_open_on_both_days(self) -> None:
        assert read(slots_of(blocks=self.NIGHT)) == "22:00 22:30 23:00 23:30"
        assert read(slots_of(self.TUESDAY, blocks=self.NIGHT)) == "00:00 00:30 01:00 01:30"
        assert slots_of(self.TUESDAY + timedelta(days=1), blocks=self.NIGHT) == []

    def test_treatment_continues_across_midnight(self) -> None:
        late = slots_of(blocks=self.NIGHT, treatment=Treatment(150))
        assert read(late) == "22:00 22:30 23:00 23:30"
        assert late[-1].end == at(self.TUESDAY, "02:00")
        assert slots_of(self.TUESDAY, blocks=self.NIGHT, treatment=Treatment(150)) == []

    def test_treatment_continues_into_the_block_that_begins_at_midnight(self) -> None:
        adjacent = [Block(0, wall("22:00"), wall("00:00")), Block(1, wall("00:00"), wall("01:00"))]
        assert read(slots_of(blocks=adjacent, treatment=Treatment(60))) == "22:00 22:30 23:00 23:30"

    def test_grid_continues_across_midnight(self) -> None:
        night = [Block(0, wall("22:10"), wall("02:00"))]
        assert read(slots_of(self.TUESDAY, blocks=night, step=45)) == "00:25 01:10"

    def test_time_taken_after_midnight_is_not_offered_before_it(self) -> None:
        busy = taken("00:00-00:30", day=self.TUESDAY)
        assert read(slots_of(blocks=self.NIGHT, busy=busy, treatment=Treatment(60))) == "22:00 22:30 23:00"

    def test_closed_day_has_no_shift_and_nothing_of_the_night_before(self) -> None:
        every = daily("22:00-02:00")
        assert slots_of(self.TUESDAY, blocks=every, exceptions=[closed(self.TUESDAY, of=None)]) == []
        monday = slots_of(blocks=every, exceptions=[closed(self.TUESDAY)], treatment=Treatment(60))
        assert read(monday) == "00:00 00:30 01:00 22:00 22:30 23:00"
        wednesday = slots_of(self.TUESDAY + timedelta(days=1), blocks=every, exceptions=[closed(self.TUESDAY)])
        assert read(wednesday) == "22:00 22:30 23:00 23:30"

    def test_other_hours_across_midnight(self) -> None:
        duty = [hours("23:00-01:00")]
        both = slots_of(MONDAY, until=self.TUESDAY, blocks=[], exceptions=duty)
        assert read(both) == "23:00 23:30 00:00 00:30"

    def test_other_hours_of_a_day_leave_the_night_before(self) -> None:
        tuesday = hours("14:00-15:00", self.TUESDAY)
        assert read(slots_of(self.TUESDAY, blocks=self.NIGHT, exceptions=[tuesday])) == (
            "00:00 00:30 01:00 01:30 14:00 14:30"
        )


class TestAlternatingWeeks:
    def test_hours_hold_in_every_second_week_from_their_first_day(self) -> None:
        odd = [Block(0, wall("09:00"), wall("10:00"), MONDAY, None, 2)]
        even = [Block(0, wall("14:00"), wall("15:00"), MONDAY + timedelta(days=7), None, 2)]
        weeks = slots_of(MONDAY, until=MONDAY + timedelta(days=21), blocks=[*odd, *even])
        assert read(weeks) == "09:00 09:30 14:00 14:30 09:00 09:30 14:00 14:30"

    def test_the_week_of_the_first_day_counts_from_its_monday(self) -> None:
        thursday = MONDAY + timedelta(days=3)
        blocks = [Block(weekday, wall("09:00"), wall("09:30"), thursday, None, 2) for weekday in range(7)]
        worked = slots_of(MONDAY, until=MONDAY + timedelta(days=20), blocks=blocks)
        assert [(slot.start.date() - MONDAY).days for slot in worked] == [3, 4, 5, 6, *range(14, 21)]

    def test_weeks_are_counted_over_the_end_of_a_year_with_53_weeks(self) -> None:
        first = date(2026, 12, 28)  # Monday of week 53.
        blocks = [Block(0, wall("09:00"), wall("09:30"), first, None, 2)]
        worked = slots_of(first, until=first + timedelta(days=35), blocks=blocks)
        assert [(slot.start.date() - first).days for slot in worked] == [0, 14, 28]

    def test_alternating_weeks_need_a_first_day(self) -> None:
        with pytest.raises(ValueError, match="from a date"):
            Block(0, wall("09:00"), wall("10:00"), None, None, 2)


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
