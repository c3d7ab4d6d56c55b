from datetime import UTC, datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from clinic.outbox.quiet import after_quiet_hours, is_quiet
from hypothesis import given
from hypothesis import strategies as st

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [BERLIN, ZoneInfo("America/Havana"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("America/Santiago")]
MINUTE = timedelta(minutes=1)


def after(text: str, quiet_from: time | None = time(21), quiet_until: time | None = time(8)) -> str:
    send_at = datetime.fromisoformat(text).replace(tzinfo=BERLIN)
    ended = after_quiet_hours(send_at, zone=BERLIN, quiet_from=quiet_from, quiet_until=quiet_until)
    return f"{ended.astimezone(BERLIN):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("send_at", "sent_at"),
    [
        ("2026-11-20 20:59", "2026-11-20 20:59"),
        ("2026-11-20 21:00", "2026-11-21 08:00"),
        ("2026-11-21 00:00", "2026-11-21 08:00"),
        ("2026-11-21 07:59", "2026-11-21 08:00"),
        ("2026-11-21 08:00", "2026-11-21 08:00"),
        ("2026-12-31 23:00", "2027-01-01 08:00"),
        ("2026-03-28 22:00", "2026-03-29 08:00"),
        ("2026-10-24 22:00", "2026-10-25 08:00"),
    ],
)
def test_the_night_is_over_midnight(send_at: str, sent_at: str) -> None:
    assert after(send_at) == sent_at


def test_quiet_hours_of_one_day_end_that_day() -> None:
    siesta = {"quiet_from": time(13), "quiet_until": time(15)}
    assert [after(f"2026-11-20 {clock}", **siesta) for clock in ("12:59", "13:00", "15:00")] == [
        "2026-11-20 12:59",
        "2026-11-20 15:00",
        "2026-11-20 15:00",
    ]


@pytest.mark.parametrize(
    ("quiet_from", "quiet_until"), [(None, None), (time(21), None), (None, time(8)), (time(8),) * 2]
)
def test_without_both_ends_there_are_none(quiet_from: time | None, quiet_until: time | None) -> None:
    assert after("2026-11-20 23:00", quiet_from, quiet_until) == "2026-11-20 23:00"


def test_an_end_that_the_clock_leaves_out_is_the_next_moment_it_shows() -> None:
    assert after("2026-03-28 23:00", time(22), time(2, 30)) == "2026-03-29 03:30"


def test_an_hour_that_is_shown_twice_is_quiet_twice() -> None:
    def in_utc(hour: int, minute: int) -> datetime:
        return datetime(2026, 10, 25, hour, minute, tzinfo=UTC)

    ended = partial(after_quiet_hours, zone=BERLIN, quiet_from=time(22), quiet_until=time(2, 30))
    assert ended(in_utc(0, 15)) == in_utc(0, 30)
    assert ended(in_utc(0, 45)) == in_utc(0, 45)
    assert ended(in_utc(1, 15)) == in_utc(1, 30)


clocks = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
instants = st.integers(0, 365 * 24 * 60).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + minutes * MINUTE)


@given(instants, st.sampled_from(ZONES), clocks, clocks)
def test_queued_message_goes_out_at_the_end_of_quiet_hours(
    send_at: datetime, zone: ZoneInfo, quiet_from: time, quiet_until: time
) -> None:
    ended = after_quiet_hours(send_at, zone=zone, quiet_from=quiet_from, quiet_until=quiet_until)
    assert send_at <= ended <= send_at + timedelta(hours=26)
    between = [send_at + number * MINUTE for number in range(int((ended - send_at) / MINUTE))]
    assert all(is_quiet(one, zone=zone, quiet_from=quiet_from, quiet_until=quiet_until) for one in between)


@given(instants, st.sampled_from(ZONES), clocks, clocks)
def test_it_is_as_quiet_as_the_clock_on_the_wall_says(
    now: datetime, zone: ZoneInfo, quiet_from: time, quiet_until: time
) -> None:
    clock = now.astimezone(zone).time()
    over_midnight = quiet_from > quiet_until
    says = (quiet_from <= clock or clock < quiet_until) if over_midnight else quiet_from <= clock < quiet_until
    assert is_quiet(now, zone=zone, quiet_from=quiet_from, quiet_until=quiet_until) == says
