"""UTC inside, the clinic's zone at the edges. The stream writes instants the same way: shared-config/contract."""

from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from clinic.common.errors import UnknownTimeZone


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """Raises UnknownTimeZone: a row may hold a name that was never checked, or that a newer `tzdata` has dropped."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # Unknown, no name of a zone, or the name of a folder.
        raise UnknownTimeZone from error


def local_date_of(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date()


def offset_minutes_of(instant: datetime, zone: ZoneInfo) -> int:
    offset = instant.astimezone(zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds() / 60)


def say_minute(instant: datetime, zone: ZoneInfo) -> str:
    """`2026-11-20T09:30:00+01:00`, for starts and ends."""
    return instant.astimezone(zone).isoformat(timespec="seconds")


def say_instant(instant: datetime | None, zone: ZoneInfo) -> str | None:
    """`2026-11-20T09:30:12.345+01:00`, for what happened."""
    return None if instant is None else instant.astimezone(zone).isoformat(timespec="milliseconds")


def as_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
