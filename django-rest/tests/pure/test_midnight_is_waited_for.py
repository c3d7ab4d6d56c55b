"""The suite passes at any time of day, because no test begins just before a clinic's midnight."""

from datetime import datetime, timedelta

import pytest

from testkit.midnight import MAX_TEST, seconds_to_wait


@pytest.mark.parametrize(
    ("now", "seconds"),
    [
        ("2026-11-26T12:00:00+00:00", 0),
        ("2026-11-26T22:58:59+00:00", 0),
        ("2026-11-26T22:59:00+00:00", 61),  # A minute to midnight in Berlin.
        ("2026-11-26T22:59:50+00:00", 11),
        ("2026-11-26T23:00:00+00:00", 0),
        ("2026-11-26T23:59:30+00:00", 31),  # In London, and of UTC.
        ("2026-07-01T21:59:30+00:00", 31),  # Berlin in summer.
        ("2026-07-01T22:59:30+00:00", 31),  # London in summer.
        ("2026-10-25T22:59:30+00:00", 31),  # The end of a day of 25 hours.
        ("2027-03-28T21:59:30+00:00", 31),  # And of 23.
        ("9999-12-30T22:00:00+00:00", 0),
    ],
)
def test_a_test_begins_when_it_can_end_on_the_same_day(now: str, seconds: float) -> None:
    assert seconds_to_wait(datetime.fromisoformat(now)) == seconds


def test_after_the_wait_there_is_time_enough() -> None:
    begins = datetime.fromisoformat("2026-11-26T00:00:00+00:00")
    for second in range(0, 24 * 60 * 60, 7):
        now = begins + timedelta(seconds=second)
        wait = seconds_to_wait(now)
        assert wait <= MAX_TEST.total_seconds() + 1
        if wait:
            assert seconds_to_wait(now + timedelta(seconds=wait)) == 0
