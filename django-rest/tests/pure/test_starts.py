"""Whether one start may be booked, and which wall times exist."""

from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from clinic.common.errors import (
    BookingRuleError,
    InThePast,
    NoSuchLocalTime,
    OffGrid,
    OutsideWorkingHours,
    TooFarAhead,
    TooSoon,
)
from clinic.scheduling.slots import Grid, Policy, Treatment, check_start
from clinic.scheduling.working_hours import Block, DayException, local_instant

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
POLICY = Policy(BERLIN, 30, 90, timedelta(hours=1))
OFFICE_HOURS = [
    Block(weekday, start, end, None, None)
    for weekday in range(5)
    for start, end in [(time(9, 10), time(12, 10)), (time(13), time(17))]
]


def monday(text: str) -> datetime:
    return datetime.combine(MONDAY, time.fromisoformat(text), BERLIN)


def check(
    start: datetime,
    *,
    treatment: Treatment | None = None,
    policy: Policy = POLICY,
    exceptions: list[DayException] | None = None,
    grid: Grid = "slot",
    outside_hours: bool = False,
    now: datetime = NOW,
) -> None:
    check_start(
        start,
        policy=policy,
        treatment=treatment or Treatment(30),
        blocks=OFFICE_HOURS,
        exceptions=exceptions or [],
        now=now,
        grid=grid,
        outside_hours=outside_hours,
    )


class TestTheGrid:
    @pytest.mark.parametrize("text", ["09:10", "09:40", "11:40", "13:00", "16:30"])
    def test_a_start_on_its_blocks_grid_passes(self, text: str) -> None:
        check(monday(text))

    @pytest.mark.parametrize("text", ["09:30", "10:00", "13:10", "09:10:01", "09:10:00.000001"])
    def test_a_start_beside_the_grid_is_refused(self, text: str) -> None:
        with pytest.raises(OffGrid):
            check(monday(text))

    @pytest.mark.parametrize("text", ["09:10", "09:15", "10:05", "16:30"])
    def test_the_desk_may_start_at_any_five_minutes(self, text: str) -> None:
        check(monday(text), grid="five_minutes")

    @pytest.mark.parametrize("text", ["09:12", "09:15:30", "09:15:00.5"])
    def test_the_desk_cannot_start_between_five_minutes(self, text: str) -> None:
        with pytest.raises(OffGrid):
            check(monday(text), grid="five_minutes")


class TestWorkingHours:
    @pytest.mark.parametrize("text", ["08:40", "12:10", "12:30", "17:00", "00:00", "23:30"])
    @pytest.mark.parametrize("grid", ["slot", "five_minutes"])
    def test_a_start_outside_is_refused(self, text: str, grid: Grid) -> None:
        with pytest.raises(OutsideWorkingHours):
            check(monday(text), grid=grid)

    @pytest.mark.parametrize(("text", "minutes"), [("11:40", 35), ("16:30", 45), ("13:00", 245)])
    def test_an_appointment_that_outlasts_its_block_is_refused(self, text: str, minutes: int) -> None:
        with pytest.raises(OutsideWorkingHours):
            check(monday(text), treatment=Treatment(minutes))

    @pytest.mark.parametrize("day", [date(2028, 2, 28), date(2028, 2, 29)])
    def test_a_block_that_ends_at_midnight_holds_all_of_its_last_hour(self, day: date) -> None:
        late = [DayException(day, day, None, False, time(22), time(0))]
        last = datetime.combine(day, time(23), BERLIN)
        check(last, treatment=Treatment(60), exceptions=late, now=last - timedelta(days=1))
        with pytest.raises(OutsideWorkingHours):
            check(last, treatment=Treatment(65), exceptions=late, now=last - timedelta(days=1))

    def test_nothing_starts_at_the_midnight_that_ends_a_block(self) -> None:
        late = [DayException(MONDAY, MONDAY, None, False, time(22), time(0))]
        with pytest.raises(OutsideWorkingHours):
            check(monday("00:00") + timedelta(days=1), exceptions=late)

    def test_an_appointment_may_last_over_both_midnights_of_a_zone_that_repeats_it(self) -> None:
        beirut, day = ZoneInfo("Asia/Beirut"), date(2026, 10, 24)
        night = [DayException(day, day, None, False, time(22), time(0))]
        start = datetime(2026, 10, 24, 22, tzinfo=beirut)
        policy, before = Policy(beirut, 30, 90, timedelta(hours=1)), start - timedelta(days=1)
        check(start, treatment=Treatment(180), exceptions=night, policy=policy, now=before)
        with pytest.raises(OutsideWorkingHours):
            check(start, treatment=Treatment(185), exceptions=night, policy=policy, now=before)

    def test_buffers_may_outlast_the_block(self) -> None:
        check(monday("09:10"), treatment=Treatment(180, 60, 60))

    @pytest.mark.parametrize("zone", [BERLIN, UTC])
    def test_an_appointment_lasts_real_time_when_the_clocks_change(self, zone: tzinfo) -> None:
        sunday = date(2026, 3, 29)
        night = [DayException(sunday, sunday, None, False, time(1), time(4))]
        start = datetime(2026, 3, 29, 1, 30, tzinfo=BERLIN).astimezone(zone)
        before = start - timedelta(days=1)
        check(start, treatment=Treatment(90), exceptions=night, now=before)
        with pytest.raises(OutsideWorkingHours):
            check(start, treatment=Treatment(95), exceptions=night, now=before)

    def test_a_day_off_is_refused(self) -> None:
        with pytest.raises(OutsideWorkingHours):
            check(monday("09:10"), exceptions=[DayException(MONDAY, MONDAY, None, True, None, None)])

    def test_the_hours_of_an_exception_count(self) -> None:
        late = DayException(MONDAY, MONDAY, None, False, time(18), time(20))
        check(monday("18:30"), exceptions=[late])

    def test_a_weekend_is_refused(self) -> None:
        with pytest.raises(OutsideWorkingHours):
            check(datetime(2026, 11, 28, 9, 10, tzinfo=BERLIN))

    @pytest.mark.parametrize("text", ["06:00", "12:15", "12:05", "16:45", "23:55"])
    def test_roles_that_may_book_outside_hours_can(self, text: str) -> None:
        check(monday(text), grid="five_minutes", outside_hours=True)

    def test_outside_hours_the_slot_grid_gives_way_to_five_minutes(self) -> None:
        check(monday("18:05"), grid="slot", outside_hours=True)
        with pytest.raises(OffGrid):
            check(monday("18:04"), grid="slot", outside_hours=True)

    def test_inside_the_hours_the_slot_grid_stays(self) -> None:
        with pytest.raises(OffGrid):
            check(monday("09:15"), grid="slot", outside_hours=True)


class TestTheMoment:
    TODAY_AT_FOUR = datetime(2026, 11, 20, 16, tzinfo=BERLIN)

    def test_a_start_exactly_at_the_notice_passes(self) -> None:
        check(self.TODAY_AT_FOUR, now=self.TODAY_AT_FOUR - timedelta(hours=1))

    def test_a_start_within_the_notice_is_too_soon(self) -> None:
        with pytest.raises(TooSoon):
            check(self.TODAY_AT_FOUR, now=self.TODAY_AT_FOUR - timedelta(minutes=59, seconds=59))

    def test_a_start_at_this_very_moment_is_too_soon_and_not_past(self) -> None:
        with pytest.raises(TooSoon):
            check(self.TODAY_AT_FOUR, now=self.TODAY_AT_FOUR)

    def test_a_start_a_moment_ago_is_past(self) -> None:
        with pytest.raises(InThePast):
            check(self.TODAY_AT_FOUR, now=self.TODAY_AT_FOUR + timedelta(microseconds=1))

    def test_without_a_notice_this_very_moment_passes(self) -> None:
        check(self.TODAY_AT_FOUR, now=self.TODAY_AT_FOUR, policy=Policy(BERLIN, 30, 90, timedelta(0)))

    def test_the_past_is_told_before_everything_else(self) -> None:
        with pytest.raises(InThePast):
            check(datetime(2026, 11, 15, 3, 1, tzinfo=BERLIN))

    def test_notice_is_real_time_when_the_clocks_change(self) -> None:
        half_past_one, half_past_four = (datetime(2026, 3, 29, hour, 30, tzinfo=BERLIN) for hour in (1, 4))
        two_hours = Policy(BERLIN, 30, 90, timedelta(hours=2))
        check(half_past_four, now=half_past_one, policy=two_hours, outside_hours=True)
        with pytest.raises(TooSoon):
            check(half_past_four - timedelta(minutes=5), now=half_past_one, policy=two_hours, outside_hours=True)


class TestTheHorizon:
    LAST_DAY = NOW.date() + timedelta(days=90)

    def test_the_last_day_passes_as_a_whole(self) -> None:
        last_moment = datetime.combine(self.LAST_DAY, time(23, 55), BERLIN)
        check(last_moment, grid="five_minutes", outside_hours=True)

    def test_the_next_day_is_too_far_from_its_midnight_on(self) -> None:
        with pytest.raises(TooFarAhead):
            check(datetime.combine(self.LAST_DAY + timedelta(days=1), time(0), BERLIN), outside_hours=True)

    def test_the_day_is_the_clinics(self) -> None:
        already_tomorrow_there = datetime.combine(self.LAST_DAY, time(23, 30), UTC)
        with pytest.raises(TooFarAhead):
            check(already_tomorrow_there, outside_hours=True)

    @pytest.mark.parametrize("hours", [-23, 0, 23])
    def test_the_ends_of_the_calendar_are_refused_and_break_nothing(self, hours: int) -> None:
        somewhere = timezone(timedelta(hours=hours))
        with pytest.raises(TooFarAhead):
            check(datetime.max.replace(tzinfo=somewhere))
        with pytest.raises(InThePast):
            check(datetime.min.replace(tzinfo=somewhere))


def test_a_start_is_the_same_in_whatever_zone_it_is_written() -> None:
    for zone in (UTC, ZoneInfo("Asia/Kathmandu"), timezone(timedelta(hours=-7))):
        check(monday("09:40").astimezone(zone))
        with pytest.raises(OffGrid):
            check(monday("10:00").astimezone(zone))


class TestWallTimes:
    def test_a_wall_time_is_an_instant_of_the_clinics_zone(self) -> None:
        assert local_instant(MONDAY, time(9, 30), BERLIN) == datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
        assert local_instant(MONDAY, time(9, 30), BERLIN).tzinfo is UTC

    @pytest.mark.parametrize(
        ("zone", "day", "text"),
        [
            ("Europe/Berlin", date(2026, 3, 29), "02:00"),
            ("Europe/Berlin", date(2026, 3, 29), "02:59"),
            ("America/New_York", date(2026, 3, 8), "02:30"),
            ("Australia/Lord_Howe", date(2026, 10, 4), "02:15"),
            ("America/Santiago", date(2026, 9, 6), "00:00"),
            ("America/Santiago", date(2026, 9, 6), "00:30"),
            ("Asia/Beirut", date(2026, 3, 29), "00:00"),
            ("Pacific/Apia", date(2011, 12, 30), "12:00"),
        ],
    )
    def test_a_skipped_wall_time_does_not_exist(self, zone: str, day: date, text: str) -> None:
        with pytest.raises(NoSuchLocalTime):
            local_instant(day, time.fromisoformat(text), ZoneInfo(zone))

    @pytest.mark.parametrize(
        ("zone", "day", "text", "instant"),
        [
            ("Europe/Berlin", date(2026, 3, 29), "01:59", "2026-03-29T00:59Z"),
            ("Europe/Berlin", date(2026, 3, 29), "03:00", "2026-03-29T01:00Z"),
            ("Australia/Lord_Howe", date(2026, 10, 4), "02:30", "2026-10-03T15:30Z"),
        ],
    )
    def test_the_times_beside_a_gap_exist(self, zone: str, day: date, text: str, instant: str) -> None:
        assert local_instant(day, time.fromisoformat(text), ZoneInfo(zone)) == datetime.fromisoformat(instant)

    @pytest.mark.parametrize(
        ("zone", "day", "text", "instant"),
        [
            ("Europe/Berlin", date(2026, 10, 25), "02:30", "2026-10-25T00:30Z"),
            ("America/New_York", date(2026, 11, 1), "01:30", "2026-11-01T05:30Z"),
            ("Australia/Lord_Howe", date(2026, 4, 5), "01:45", "2026-04-04T14:45Z"),
            ("America/Santiago", date(2026, 4, 4), "23:30", "2026-04-05T02:30Z"),
            ("Asia/Beirut", date(2026, 10, 24), "23:00", "2026-10-24T20:00Z"),
            ("America/Havana", date(2025, 11, 2), "00:00", "2025-11-02T04:00Z"),
        ],
    )
    @pytest.mark.parametrize("fold", [0, 1])
    def test_of_a_repeated_wall_time_the_first_is_meant(
        self, zone: str, day: date, text: str, instant: str, fold: int
    ) -> None:
        repeated = time.fromisoformat(text).replace(fold=fold)
        assert local_instant(day, repeated, ZoneInfo(zone)) == datetime.fromisoformat(instant)

    @pytest.mark.parametrize(
        ("zone", "day", "text", "refusal"),
        [
            ("Asia/Tokyo", date.min, "00:00", InThePast),
            ("America/Los_Angeles", date.max, "23:59", TooFarAhead),
        ],
    )
    def test_a_wall_time_beyond_the_calendar_is_refused(
        self, zone: str, day: date, text: str, refusal: type[BookingRuleError]
    ) -> None:
        with pytest.raises(refusal):
            local_instant(day, time.fromisoformat(text), ZoneInfo(zone))

    def test_the_last_minute_of_the_calendar_is_still_an_instant(self) -> None:
        last = local_instant(date.max, time(23, 59), ZoneInfo("Asia/Tokyo"))
        assert last == datetime(9999, 12, 31, 14, 59, tzinfo=UTC)
