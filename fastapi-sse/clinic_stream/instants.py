"""Naive UTC, as the database has it, and the clinic's wall. Pure."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def in_zone(at: datetime, zone: ZoneInfo) -> datetime:
    return at.replace(tzinfo=UTC).astimezone(zone)


def local_date(at: datetime, zone: ZoneInfo) -> date:
    """The date on the wall at a naive UTC instant."""
    return in_zone(at, zone).date()


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """The instant a date begins. Where clocks skip midnight, that is the first instant there is."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def said(at: datetime | None, zone: ZoneInfo) -> str | None:
    """An instant in the clinic's zone, as the REST API writes it."""
    return None if at is None else in_zone(at, zone).isoformat(timespec="milliseconds")
