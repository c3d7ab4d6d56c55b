"""How messages say when: on the clinic's clock, in the reader's language."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import dateformat, translation

# Letters of Django's date format; without the year, which the reader knows.
SHORT = {"en": "D j M, H:i", "de": "D j.n., H:i"}
LONG = {"en": "l j F Y, H:i", "de": r"l, j. F Y, H:i \U\h\r"}


def say_when(instant: datetime, zone: ZoneInfo, language: str) -> str:
    """`Fri 20 Nov, 09:30`: short enough for an SMS."""
    return _say(instant, zone, language, SHORT)


def say_when_at_length(instant: datetime, zone: ZoneInfo, language: str) -> str:
    """`Friday 20 November 2026, 09:30`."""
    return _say(instant, zone, language, LONG)


def _say(instant: datetime, zone: ZoneInfo, language: str, formats: dict[str, str]) -> str:
    with translation.override(language):
        return dateformat.format(instant.astimezone(zone), formats.get(language, formats["en"]))
