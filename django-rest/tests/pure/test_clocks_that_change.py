"""Dr. Amara Osei's days of 23, 23½, 24½ and 25 hours, in zones whose clocks change at night, at midnight or never."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from clinic.scheduling.slots import Treatment
from clinic.scheduling.working_hours import Block, Interval, working_intervals

from .amara import at, daily, read, slots_of, wall


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
        ("America/Santiago", date(2026, 9, 5), 48),
        ("America/Santiago", date(2026, 4, 4), 50),
        ("America/Santiago", date(2026, 4, 5), 48),
        ("Asia/Beirut", date(2026, 3, 29), 46),
        ("Asia/Beirut", date(2026, 10, 24), 50),
        ("America/Havana", date(2025, 11, 2), 50),
        ("America/Nuuk", date(2026, 3, 28), 46),
        ("Asia/Kathmandu", date(2026, 3, 29), 48),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Pacific/Apia", date(2011, 12, 31), 48),
    ],
)
def test_a_whole_day_has_as_many_half_hours_as_really_pass(zone: str, day: date, half_hours: int) -> None:
    slots = slots_of(day, blocks=daily("00:00-00:00"), zone=ZoneInfo(zone))
    assert len(slots) == half_hours
    assert {slot.start.astimezone(ZoneInfo(zone)).date() for slot in slots} <= {day}


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", date(2026, 3, 29)),
        ("Europe/Berlin", date(2026, 10, 25)),
        ("Australia/Lord_Howe", date(2026, 4, 5)),
        ("America/Santiago", date(2026, 4, 4)),
        ("America/Santiago", date(2026, 9, 6)),
        ("Asia/Beirut", date(2026, 3, 29)),
        ("Asia/Beirut", date(2026, 10, 24)),
        ("America/Havana", date(2025, 11, 2)),
        ("Asia/Kathmandu", date(2028, 2, 29)),
        ("Pacific/Apia", date(2011, 12, 30)),
    ],
)
def test_the_days_around_a_change_meet_without_gap_or_double(zone: str, day: date) -> None:
    slots = slots_of(
        day - timedelta(days=1), until=day + timedelta(days=1), blocks=daily("00:00-00:00"), zone=ZoneInfo(zone)
    )
    assert {later.start - earlier.end for earlier, later in pairwise(slots)} == {timedelta(0)}


def test_a_day_that_a_country_skipped_has_no_office_hours() -> None:
    apia, skipped = ZoneInfo("Pacific/Apia"), date(2011, 12, 30)
    days = slots_of(skipped, until=skipped + timedelta(days=1), blocks=daily("09:00-10:00"), zone=apia)
    assert [f"{slot.start.astimezone(apia):%d %H:%M}" for slot in days] == ["31 09:00", "31 09:30"]
    assert working_intervals(skipped, zone=apia, blocks=daily("09:00-10:00"), exceptions=[]) == []


def test_office_hours_are_the_same_on_the_wall_before_and_after() -> None:
    saturday = date(2026, 3, 28)
    days = slots_of(saturday, until=saturday + timedelta(days=2), blocks=daily("09:00-10:00"))
    assert read(days) == "09:00 09:30 09:00 09:30 09:00 09:30"
    assert [slot.start.hour for slot in days[::2]] == [8, 7, 7]


def test_a_block_that_starts_in_the_gap_starts_later() -> None:
    assert read(slots_of(date(2026, 3, 29), blocks=daily("02:30-05:00"))) == "03:30 04:00 04:30"


def test_a_block_that_ends_in_the_gap_ends_later_on_the_wall() -> None:
    assert read(slots_of(date(2026, 3, 29), blocks=daily("01:00-02:30"))) == "01:00 01:30 03:00"


def test_a_block_inside_the_gap_moves_as_a_whole() -> None:
    assert read(slots_of(date(2026, 3, 29), blocks=daily("02:00-02:30"))) == "03:00"


def test_a_block_that_the_gap_turns_round_is_gone() -> None:
    assert slots_of(date(2026, 3, 29), blocks=daily("02:45-03:15")) == []


def test_a_block_moved_onto_another_is_merged_with_it() -> None:
    moved_onto = daily("02:15-02:45", "03:00-04:00")
    assert read(slots_of(date(2026, 3, 29), blocks=moved_onto)) == "03:00 03:30"


def test_a_block_over_the_repeated_hour_works_it_twice() -> None:
    assert read(slots_of(date(2026, 10, 25), blocks=daily("02:00-03:30"))) == "02:00 02:30 02:00 02:30 03:00"


def test_a_block_that_ends_in_the_repeated_hour_ends_the_first_time() -> None:
    assert read(slots_of(date(2026, 10, 25), blocks=daily("01:30-02:30"))) == "01:30 02:00"


def test_a_fold_mark_on_stored_hours_means_nothing() -> None:
    second_time = [Block(6, wall("02:00").replace(fold=1), wall("02:30").replace(fold=1), None, None)]
    [slot] = slots_of(date(2026, 10, 25), blocks=second_time)
    assert slot.start == datetime(2026, 10, 25, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "block", "starts"),
    [
        ("America/Santiago", date(2026, 9, 5), "22:30-00:00", "22:30 23:00 23:30"),
        ("America/Santiago", date(2026, 9, 6), "00:00-02:00", "01:00 01:30"),
        ("America/Santiago", date(2026, 4, 4), "22:30-00:00", "22:30 23:00 23:30 23:00 23:30"),
        ("America/Santiago", date(2026, 4, 5), "00:00-01:00", "00:00 00:30"),
        ("Asia/Beirut", date(2026, 3, 28), "22:30-00:00", "22:30 23:00 23:30"),
        ("Asia/Beirut", date(2026, 3, 29), "00:30-02:00", "01:30"),
        ("Asia/Beirut", date(2026, 10, 24), "23:30-00:00", "23:30 23:00 23:30"),
        ("America/Havana", date(2025, 11, 1), "23:00-00:00", "23:00 23:30"),
        ("America/Havana", date(2025, 11, 2), "00:00-01:30", "00:00 00:30 00:00 00:30 01:00"),
        ("Australia/Lord_Howe", date(2026, 10, 4), "01:30-03:30", "01:30 02:30 03:00"),
        ("Australia/Lord_Howe", date(2026, 4, 5), "01:00-02:30", "01:00 01:30 01:30 02:00"),
    ],
)
def test_blocks_at_a_midnight_and_at_a_half_hour_that_change(zone: str, day: date, block: str, starts: str) -> None:
    assert read(slots_of(day, blocks=daily(block), zone=ZoneInfo(zone)), ZoneInfo(zone)) == starts


def test_a_treatment_takes_its_time_across_a_midnight_that_is_repeated() -> None:
    beirut, day = ZoneInfo("Asia/Beirut"), date(2026, 10, 24)
    [first, last] = slots_of(day, blocks=daily("23:00-00:00"), zone=beirut, treatment=Treatment(90))
    assert [slot.start.astimezone(beirut).fold for slot in (first, last)] == [0, 0]
    assert last.end == datetime(2026, 10, 24, 22, tzinfo=UTC)


@pytest.mark.parametrize(("notice_minutes", "starts"), [(60, "23:30 23:00 23:30"), (61, "23:00 23:30")])
def test_notice_exactly_at_a_start_of_a_repeated_hour(notice_minutes: int, starts: str) -> None:
    beirut, day = ZoneInfo("Asia/Beirut"), date(2026, 10, 24)
    now = datetime(2026, 10, 24, 22, 30, tzinfo=beirut)
    notice = timedelta(minutes=notice_minutes)
    assert read(slots_of(day, blocks=daily("22:00-00:00"), zone=beirut, now=now, notice=notice), beirut) == starts


def test_a_day_of_25_hours_is_fully_booked_only_when_both_of_its_repeated_hours_are() -> None:
    day = date(2026, 10, 25)
    night = at(day, "02:00")
    hour = timedelta(hours=1)
    one, other = Interval(night, night + hour), Interval(night + hour, night + 2 * hour)
    assert read(slots_of(day, blocks=daily("02:00-03:00"), busy=[one])) == "02:00 02:30"
    assert slots_of(day, blocks=daily("02:00-03:00"), busy=[one, other]) == []
