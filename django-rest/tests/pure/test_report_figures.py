"""Days of a report, working time by week, and answers to requests."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from clinic.appointments.figures import (
    QUARTERS_SINCE,
    Answers,
    ReportDays,
    RequestLine,
    answers_to,
    heat_map,
    working_minutes,
)
from clinic.scheduling.working_hours import Block, DayException, working_intervals
from hypothesis import given
from hypothesis import strategies as st

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  # Its clocks change by half an hour.
EVERY_DAY = [Block(weekday, time(0), time(0)) for weekday in range(7)]
MORNING = datetime(2026, 11, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("days", "before"),
    [
        ((date(2026, 11, 1), date(2026, 11, 30)), (date(2026, 10, 1), date(2026, 10, 31))),
        ((date(2026, 3, 1), date(2026, 3, 31)), (date(2026, 2, 1), date(2026, 2, 28))),
        ((date(2026, 1, 1), date(2026, 3, 31)), (date(2025, 10, 1), date(2025, 12, 31))),
        ((date(2026, 1, 1), date(2026, 12, 31)), (date(2025, 1, 1), date(2025, 12, 31))),
        ((date(2026, 11, 1), date(2026, 11, 29)), (date(2026, 10, 3), date(2026, 10, 31))),
        ((date(2026, 11, 9), date(2026, 11, 15)), (date(2026, 11, 2), date(2026, 11, 8))),
        ((date(2026, 11, 9), date(2026, 11, 9)), (date(2026, 11, 8), date(2026, 11, 8))),
    ],
)
def test_period_is_compared_with_whole_months_or_as_many_days(
    days: tuple[date, date], before: tuple[date, date]
) -> None:
    assert ReportDays(*days).before() == ReportDays(*before)


def test_weeks_begin_on_mondays_around_the_days() -> None:
    assert ReportDays(date(2026, 11, 1), date(2026, 11, 9)).weeks() == [
        date(2026, 10, 26),
        date(2026, 11, 2),
        date(2026, 11, 9),
    ]


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 29), BERLIN, 23),
        (date(2026, 10, 25), BERLIN, 25),
        (date(2026, 10, 26), BERLIN, 24),
        (date(2026, 4, 5), LORD_HOWE, 24.5),
    ],
)
def test_day_and_night_shift_counts_as_long_as_the_day_is(day: date, zone: ZoneInfo, hours: float) -> None:
    minutes = working_minutes(ReportDays(day, day), zone=zone, blocks=EVERY_DAY, exceptions=[])
    assert sum(minutes.values()) == hours * 60


def test_closures_and_absences_are_no_working_time() -> None:
    days = ReportDays(date(2026, 11, 2), date(2026, 11, 3))
    blocks = [Block(weekday, time(9), time(17)) for weekday in range(7)]
    closed = DayException(date(2026, 11, 2), date(2026, 11, 2), None, closed=True)
    absent = DayException(date(2026, 11, 3), date(2026, 11, 3), 1, True, time(12), time(13))
    assert working_minutes(days, zone=BERLIN, blocks=blocks, exceptions=[closed, absent]) == {date(2026, 11, 2): 420}


@given(
    first=st.dates(date(2026, 1, 1), date(2026, 12, 1)),
    length=st.integers(0, 40),
    blocks=st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 23), st.integers(1, 8)).map(
            lambda one: Block(one[0], time(one[1]), time((one[1] + one[2]) % 24))
        ),
        max_size=6,
    ),
)
def test_weeks_add_up_to_the_days(first: date, length: int, blocks: list[Block]) -> None:
    days = ReportDays(first, first + timedelta(days=length))
    by_week = working_minutes(days, zone=BERLIN, blocks=blocks, exceptions=[])
    plain = timedelta()
    for offset in range(length + 1):
        for one in working_intervals(first + timedelta(days=offset), zone=BERLIN, blocks=blocks, exceptions=[]):
            plain += one.end - one.start
    assert sum(by_week.values()) * timedelta(minutes=1) == plain
    assert list(by_week) == days.weeks()


def quarter_of(instant: datetime) -> int:
    return (instant - QUARTERS_SINCE) // timedelta(minutes=15)


def test_heat_map_counts_by_the_clock_on_the_wall() -> None:
    both_half_past_twos = [datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)]
    found = heat_map([(quarter_of(one), 1) for one in both_half_past_twos], BERLIN)
    assert found[6][2] == 2
    assert sum(map(sum, found)) == 2
    assert heat_map([(quarter_of(datetime(2026, 11, 2, 3, 35, tzinfo=UTC)), 4)], ZoneInfo("Asia/Kolkata"))[0][9] == 4


def line(appointment_id: int, minutes: int, action: str, to_status: str, *, by_patient: bool = False) -> RequestLine:
    return RequestLine(appointment_id, MORNING + timedelta(minutes=minutes), action, to_status, by_patient)


def test_request_counts_under_its_first_end() -> None:
    requested = dict.fromkeys(range(1, 7), MORNING)
    lines = [
        line(1, 5, "confirm", "confirmed"),
        line(2, 15, "reject", "rejected"),
        line(3, 40, "cancel", "cancelled"),
        line(4, 50, "cancel", "cancelled", by_patient=True),
        line(5, 60, "expire", "cancelled"),
        line(9, 70, "confirm", "confirmed"),
    ]
    assert answers_to(requested, lines) == Answers(received=6, expired=1, withdrawn=1, waiting=1, minutes=[5, 15, 40])


def test_undone_answer_is_none_and_a_later_one_counts() -> None:
    lines = [line(1, 5, "confirm", "confirmed"), line(1, 6, "undo", "pending")]
    assert answers_to({1: MORNING}, lines).waiting == 1
    assert answers_to({1: MORNING}, [*lines, line(1, 90, "reject", "rejected")]).minutes == [90]


@pytest.mark.parametrize(
    ("minutes", "median", "most"),
    [([], None, None), ([7], 7, 7), ([1, 9], 1, 9), ([1, 2, 3], 2, 3), (list(range(1, 11)), 5, 9)],
)
def test_share_of_answers_came_within(minutes: list[int], median: int | None, most: int | None) -> None:
    answers = Answers(minutes=minutes)
    assert (answers.minutes_of_share(0.5), answers.minutes_of_share(0.9)) == (median, most)
