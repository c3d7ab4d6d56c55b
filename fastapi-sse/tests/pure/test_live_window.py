import asyncio
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from clinic_stream.clinic_reload import compared
from clinic_stream.events import RowChange
from clinic_stream.instants import start_of
from clinic_stream.window import LiveWindow

from testkit.stream.rows import TODAY, appointment, state


@pytest.mark.parametrize(("day", "kept"), [(-2, False), (-1, True), (0, True), (31, True), (32, False)])
def test_window_is_yesterday_to_31_days_ahead(day: int, kept: bool) -> None:
    assert LiveWindow.around(TODAY).keeps(appointment(1, day=day)) is kept


@pytest.mark.parametrize("day", [-100, -2, 32, 400])
def test_pending_is_kept_whatever_its_date(day: int) -> None:
    assert LiveWindow.around(TODAY).keeps(appointment(1, day=day, status="pending"))


def test_state_takes_no_row_from_outside_its_window() -> None:
    assert set(state([appointment(1), appointment(2, day=40)]).rows) == {1}


@pytest.mark.parametrize(
    ("zone", "day", "instant"),
    [
        ("Europe/Berlin", date(2026, 11, 21), datetime(2026, 11, 20, 23, 0, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 7, 1), datetime(2026, 6, 30, 22, 0, tzinfo=UTC)),
        ("America/New_York", date(2026, 11, 2), datetime(2026, 11, 2, 5, 0, tzinfo=UTC)),
        ("Asia/Kathmandu", date(2026, 1, 1), datetime(2025, 12, 31, 18, 15, tzinfo=UTC)),
        # Clocks go from 00:00 to 01:00: the day begins at one.
        ("Africa/Cairo", date(2026, 4, 24), datetime(2026, 4, 23, 22, 0, tzinfo=UTC)),
    ],
)
def test_day_begins_when_the_wall_says_so(zone: str, day: date, instant: datetime) -> None:
    start = start_of(day, ZoneInfo(zone))
    assert start == instant
    assert start.astimezone(ZoneInfo(zone)).date() == day


def test_state_ends_at_the_next_midnight_of_its_clinic() -> None:
    assert state().rolls_at == datetime(2026, 11, 20, 23, 0, tzinfo=UTC)


def test_fresh_state_keeps_the_encoded_rows_that_are_equal() -> None:
    known = state([appointment(1), appointment(2)])
    fresh = state([appointment(1), appointment(2, notes="new")])
    changes = asyncio.run(compared(known, fresh))
    assert fresh.rows[1] is known.rows[1]
    assert changes == {2: RowChange(known.rows[2], fresh.rows[2])}
