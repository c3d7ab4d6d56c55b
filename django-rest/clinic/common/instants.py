"""UTC inside, the clinic's zone at the edges. The stream writes instants the same way: shared-config/contract."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from clinic.common.errors import UnknownTimeZone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)


@lru_cache(maxsize=256)
def zone_of(name: str) -> ZoneInfo:
    """Raises UnknownTimeZone: a row may hold a name that was never checked, or that a newer `tzdata` has dropped."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # Unknown, no name of a zone, or the name of a folder.
        raise UnknownTimeZone from error


def is_known_zone(name: str) -> bool:
    """Whether `zone_of` has it."""
    try:
        zone_of(name)
    except UnknownTimeZone:
        return False
    return True


def local_date_of(instant: datetime, zone: ZoneInfo) -> date:
    return instant.astimezone(zone).date()


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """In UTC. The first and the last day there are may begin and end beyond what can be written."""
    try:
        return datetime.combine(day, time(), zone).astimezone(UTC)
    except OverflowError:
        return EARLIEST if day == date.min else LATEST


def end_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The start of the next one, in UTC."""
    return LATEST if day == date.max else start_of_day(day + timedelta(days=1), zone)


def offset_minutes_of(instant: datetime, zone: ZoneInfo) -> int:
    offset = instant.astimezone(zone).replace(tzinfo=UTC) - instant
    return round(offset.total_seconds() / 60)


def say_minute(instant: datetime, zone: ZoneInfo) -> str:
    """`2026-11-20T09:30:00+01:00`, for starts and ends."""
    return instant.astimezone(zone).isoformat(timespec="seconds")


def say_instant(instant: datetime | None, zone: ZoneInfo) -> str | None:
    """`2026-11-20T09:30:12.345+01:00`, for what happened."""
    return None if instant is None else instant.astimezone(zone).isoformat(timespec="milliseconds")


def is_within_calendar(day: date) -> bool:
    """Whether there is a year before it and after it: in every zone it is a day that can be written."""
    return 1 < day.year < 9999


def as_utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)
