"""Tests say "tomorrow at nine" and "at this moment", and what is tested has a clock of its own. So no test may run
across a clinic's midnight: what was today for its first line would be yesterday for its last."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

# Time zone of the clinics of the tests and the demo.
ZONES = tuple(map(ZoneInfo, ("UTC", "Europe/London", "Europe/Berlin")))
MAX_TEST = timedelta(seconds=60)


def seconds_to_wait(now: datetime) -> float:
    """Before a test begins: until just after a midnight that it might not end before, else 0."""
    return max(_seconds_to_wait(now.astimezone(zone)) for zone in ZONES)


def _seconds_to_wait(now_local: datetime) -> float:
    tomorrow = datetime.combine(now_local.date() + timedelta(days=1), time.min, now_local.tzinfo)
    left = tomorrow.astimezone(UTC) - now_local.astimezone(UTC)
    return (left + timedelta(seconds=1)).total_seconds() if left <= MAX_TEST else 0
