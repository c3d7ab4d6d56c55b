"""Times of the tests, by Riverside's wall clock."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

RIVERSIDE_ZONE = ZoneInfo("Europe/Berlin")
At = Callable[..., datetime]


def in_days(days: int) -> At:
    day: date = datetime.now(UTC).astimezone(RIVERSIDE_ZONE).date() + timedelta(days=days)

    def at(hour: int, minute: int = 0) -> datetime:
        return datetime.combine(day, time(hour, minute), RIVERSIDE_ZONE)

    return at


def this_moment() -> datetime:
    """Now, on the five minutes before: what the desk books for somebody who walks in."""
    now = datetime.now(UTC).astimezone(RIVERSIDE_ZONE)
    return now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0)
