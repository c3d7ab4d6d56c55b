"""Numbers, days and instants that a browser sends in a form or an address. Whatever cannot be read, or is too large or
too far away to be reckoned with, is None: a page shows itself again, and never fails."""

from datetime import date, datetime

from django.utils.dateparse import parse_date, parse_datetime

from clinic.common.instants import is_within_calendar

# Of an id in the database; `int` refuses thousands of digits by an error.
MAX_DIGITS = 18


def number_in(text: str) -> int | None:
    """A number from 1 on."""
    is_number = text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS
    return (int(text) or None) if is_number else None


def date_in(text: str) -> date | None:
    """A day that has a year before it and after it."""
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return day if day is not None and is_within_calendar(day) else None


def instant_in(text: str) -> datetime | None:
    """An instant with its offset, on such a day. Not a wall time."""
    if "\0" in text:  # The parser stops reading there.
        return None
    try:
        instant = parse_datetime(text)
    except ValueError:
        return None
    if instant is None or instant.tzinfo is None or not is_within_calendar(instant):
        return None
    return instant
