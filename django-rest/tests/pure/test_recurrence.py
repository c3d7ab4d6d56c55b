"""A rule becomes dates: by table, then on any calendar."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from clinic.appointments.recurrence import MAX_DATES, Frequency, Rule, dates_of, instant_on, occurrences
from clinic.common.errors import InvalidRequest
from hypothesis import example, given
from hypothesis import strategies as st

WEEKLY, BIWEEKLY, MONTHLY = Frequency.WEEKLY, Frequency.BIWEEKLY, Frequency.MONTHLY
MONDAY, WEDNESDAY, FRIDAY, SUNDAY = 0, 2, 4, 6

# Each with a day on which its clocks change.
ZONES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 10, 4), date(2026, 4, 5)),
    "America/Santiago": (date(2026, 9, 6), date(2026, 4, 5)),
}


def days(rule: Rule, first: str) -> list[str]:
    return [day.isoformat() for day in dates_of(rule, date.fromisoformat(first))]


@pytest.mark.parametrize(
    ("rule", "first", "expected"),
    [
        pytest.param(
            Rule(WEEKLY, count=3), "2026-12-21", ["2026-12-21", "2026-12-28", "2027-01-04"], id="weekly over new year"
        ),
        pytest.param(
            Rule(BIWEEKLY, count=3), "2028-02-15", ["2028-02-15", "2028-02-29", "2028-03-14"], id="biweekly, leap year"
        ),
        pytest.param(
            Rule(MONTHLY, count=4),
            "2026-01-31",
            ["2026-01-31", "2026-03-31", "2026-05-31", "2026-07-31"],
            id="the 31st skips short months, and what is skipped does not count",
        ),
        pytest.param(
            Rule(MONTHLY, count=3),
            "2026-12-30",
            ["2026-12-30", "2027-01-30", "2027-03-30"],
            id="the 30th skips February",
        ),
        pytest.param(
            Rule(MONTHLY, count=3),
            "2028-01-29",
            ["2028-01-29", "2028-02-29", "2028-03-29"],
            id="29 February is a day of a leap year",
        ),
        pytest.param(
            Rule(MONTHLY, count=3),
            "2027-01-29",
            ["2027-01-29", "2027-03-29", "2027-04-29"],
            id="and of no other",
        ),
        pytest.param(
            Rule(WEEKLY, until=date(2026, 11, 23)),
            "2026-11-09",
            ["2026-11-09", "2026-11-16", "2026-11-23"],
            id="until is included",
        ),
        pytest.param(
            Rule(WEEKLY, until=date(2026, 11, 22)), "2026-11-09", ["2026-11-09", "2026-11-16"], id="until between dates"
        ),
        pytest.param(Rule(MONTHLY, until=date(2026, 1, 31)), "2026-01-31", ["2026-01-31"], id="until on the first"),
        pytest.param(
            Rule(WEEKLY, count=5, weekdays=(MONDAY, WEDNESDAY)),
            "2026-11-25",
            ["2026-11-25", "2026-11-30", "2026-12-02", "2026-12-07", "2026-12-09"],
            id="two days of each week, from the second on",
        ),
        pytest.param(
            # RFC 5545's own example of WKST: Tuesday and Sunday of every other week, weeks from Monday.
            Rule(BIWEEKLY, count=4, weekdays=(1, SUNDAY)),
            "1997-08-05",
            ["1997-08-05", "1997-08-10", "1997-08-19", "1997-08-24"],
            id="every other week is counted from Monday",
        ),
    ],
)
def test_a_rule_becomes_dates(rule: Rule, first: str, expected: list[str]) -> None:
    assert days(rule, first) == expected


@pytest.mark.parametrize(
    ("of", "attr"),
    [
        ({}, "rule.count"),
        ({"count": 3, "until": date(2027, 1, 1)}, "rule.count"),
        ({"count": 0}, "rule.count"),
        ({"count": MAX_DATES + 1}, "rule.count"),
        ({"count": 3, "weekdays": (7,)}, "rule.weekdays"),
        ({"count": 3, "weekdays": (-1,)}, "rule.weekdays"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(of: dict[str, object], attr: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        Rule(WEEKLY, **of)  # type: ignore[arg-type]
    assert refused.value.attr == attr


def test_a_rule_by_the_month_has_no_weekdays() -> None:
    with pytest.raises(InvalidRequest):
        Rule(MONTHLY, count=3, weekdays=(MONDAY,))


@pytest.mark.parametrize(
    ("rule", "first", "attr"),
    [
        (Rule(WEEKLY, count=3, weekdays=(FRIDAY,)), date(2026, 11, 23), "rule.weekdays"),
        (Rule(WEEKLY, until=date(2026, 11, 22)), date(2026, 11, 23), "rule.until"),
        (Rule(WEEKLY, until=date(2027, 11, 22)), date(2026, 11, 23), "rule.until"),
        (Rule(MONTHLY, until=date.max), date(2026, 11, 23), "rule.until"),
    ],
    ids=["first date on another weekday", "ends before it begins", "53 dates", "no end in sight"],
)
def test_a_rule_that_does_not_fit_its_first_date_is_refused(rule: Rule, first: date, attr: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        dates_of(rule, first)
    assert refused.value.attr == attr


def test_fifty_two_dates_are_not_too_many() -> None:
    by_count = dates_of(Rule(WEEKLY, count=MAX_DATES), date(2026, 11, 23))
    assert len(by_count) == MAX_DATES
    assert dates_of(Rule(WEEKLY, until=by_count[-1]), date(2026, 11, 23)) == by_count


@pytest.mark.parametrize("frequency", [WEEKLY, BIWEEKLY, MONTHLY])
def test_a_series_ends_with_the_calendar(frequency: Frequency) -> None:
    found = dates_of(Rule(frequency, count=10), date(9999, 12, 20))
    assert found[0] == date(9999, 12, 20)
    assert len(found) < 10


@pytest.mark.parametrize(("zone", "spring", "autumn"), [(name, *changes) for name, changes in ZONES.items()])
def test_the_wall_time_stays_over_a_change_of_the_clocks(zone: str, spring: date, autumn: date) -> None:
    for change in (spring, autumn):
        found = occurrences(Rule(WEEKLY, count=3), change - timedelta(days=7), time(9), ZoneInfo(zone))
        starts = [one.start for one in found if one.start is not None]
        assert [start.astimezone(ZoneInfo(zone)).time() for start in starts] == [time(9)] * 3
        lengths = {later - earlier for earlier, later in pairwise(starts)}
        assert timedelta(days=7) in lengths
        assert len(lengths) == 2


def test_a_time_the_clocks_skip_is_told_and_the_others_stay() -> None:
    found = occurrences(Rule(WEEKLY, count=3), date(2026, 3, 22), time(2, 30), ZoneInfo("Europe/Berlin"))
    assert [(one.local_date.day, one.start) for one in found] == [
        (22, datetime(2026, 3, 22, 1, 30, tzinfo=UTC)),
        (29, None),
        (5, datetime(2026, 4, 5, 0, 30, tzinfo=UTC)),
    ]


def test_a_midnight_that_does_not_exist_is_told() -> None:
    assert instant_on(date(2026, 9, 6), time(0), ZoneInfo("America/Santiago")) is None


def test_of_a_time_that_comes_twice_the_first_is_meant() -> None:
    start = instant_on(date(2026, 10, 25), time(2, 30), ZoneInfo("Europe/Berlin"))
    assert start == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


first_dates = st.dates(date(2020, 1, 1), date(2090, 12, 31))
counts = st.integers(1, MAX_DATES)


@given(first_dates, counts, st.sampled_from([WEEKLY, BIWEEKLY]), st.sets(st.integers(0, 6)))
def test_rules_by_the_week_on_any_calendar(first: date, count: int, frequency: Frequency, weekdays: set[int]) -> None:
    weekdays = {*weekdays, first.weekday()}
    found = dates_of(Rule(frequency, count=count, weekdays=tuple(weekdays)), first)
    monday = first - timedelta(days=first.weekday())
    step = 2 if frequency is BIWEEKLY else 1
    expected = (
        day
        for day in (first + timedelta(days=offset) for offset in range(800))
        if day.weekday() in weekdays and ((day - monday).days // 7) % step == 0
    )
    assert found == [day for _, day in zip(range(count), expected, strict=False)]


@given(first_dates, counts)
@example(date(2028, 2, 29), 5)
@example(date(2026, 1, 31), MAX_DATES)
def test_rules_by_the_month_on_any_calendar(first: date, count: int) -> None:
    found = dates_of(Rule(MONTHLY, count=count), first)
    assert len(found) == count
    assert found[0] == first
    assert {day.day for day in found} == {first.day}
    for earlier, later in pairwise(found):
        left_out = (earlier.year * 12 + earlier.month + offset for offset in range(12))
        between = [month for month in left_out if month < later.year * 12 + later.month - 1]
        assert earlier < later
        assert all(monthrange(month // 12, month % 12 + 1)[1] < first.day for month in between)


@given(first_dates, counts, st.sampled_from(list(Frequency)))
def test_count_and_until_of_its_last_date_are_the_same_rule(first: date, count: int, frequency: Frequency) -> None:
    by_count = dates_of(Rule(frequency, count=count), first)
    assert dates_of(Rule(frequency, until=by_count[-1]), first) == by_count


@given(
    st.sampled_from([(zone, change) for zone, changes in ZONES.items() for change in changes]),
    st.integers(-20, 20),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
)
@example(("Europe/Berlin", date(2026, 3, 29)), 0, time(2, 30))
def test_every_start_is_its_wall_time_or_the_clocks_skip_it(
    case: tuple[str, date], offset: int, at_local: time
) -> None:
    zone = ZoneInfo(case[0])
    found = occurrences(Rule(WEEKLY, count=5), case[1] + timedelta(days=offset), at_local, zone)
    for one in found:
        wall = datetime.combine(one.local_date, at_local)
        readings = [wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
        real = [start for start in readings if start.astimezone(zone).replace(tzinfo=None) == wall]
        assert one.start == (min(real) if real else None)
